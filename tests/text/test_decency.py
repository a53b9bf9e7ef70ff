"""Words that are refused are found however they are written, and others are let be."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.errors import InputError
from studio.text.decency import Refused


@pytest.fixture(scope="module")
def refused() -> Refused:
    return Refused(["gromf", "frobni*", "z*zle", "muddy", "tar baby", "plonk wort*", "niggr"])


@pytest.mark.parametrize(
    "text",
    [
        "gromf", "A GROMF!", "gromfs", "the gromf's hat", "gromf’s", "grömf", "gro\u0301mf",
        "gr\u200bomf", "gro\u00admf", "ｇｒｏｍｆ", "half-gromf", "gromf-like", "gro-mf", "gro-\nmf", "gro‑mf",
        "(gromf)", "one_gromf_two",
        "frobni", "frobnication", "FROBNIS", "zle zizzle", "zizzles", "muddies", "tar-baby", "tar baby", "tarbaby",
        "tar\nbabys", "plonk worthies", "nigg'r",
    ],
)  # fmt: skip
def test_found(refused: Refused, text: str) -> None:
    assert refused.found(text) and not refused.allows(text)


@pytest.mark.parametrize("text", ["", "gromfle", "agromf", "frobn", "unfrobni", "grom f", "tar, my baby tarts", "zzl"])
def test_let_be(refused: Refused, text: str) -> None:
    assert refused.found(text) == [] and refused.allows(text)


def test_all_of_them_are_told(refused: Refused) -> None:
    assert refused.found("A Gromf, a frobnicator and the tar baby: gromfs!") == [
        "gromf", "frobnicator", "gromfs", "tar baby",
    ]  # fmt: skip


@given(
    before=st.text(alphabet="gromf -‐,.'\u200b\u00adé\n", max_size=12),
    word=st.text(alphabet="gromf-'", min_size=1, max_size=6),
)
def test_a_word_by_itself_is_guarded_as_the_whole_text_is(before: str, word: str) -> None:
    refused = Refused(["gromf", "ro*", "f"])
    more = len(refused.found(before + word)) > len(refused.found(before))
    assert refused.guard(before, word) == (not more)


def test_guarding(refused: Refused) -> None:
    assert (
        not refused.guard("one ", "gromf") and not refused.guard("one gro", "mf") and not refused.guard("tar ", "baby")
    )
    assert refused.guard("one ", "two") and refused.guard("a tar", " barrel")
    assert refused.guard("the gromf", " went"), "what the prompt says is not the writer's fault"
    assert not refused.guard("the gromf", " and gromf")


def test_the_shipped_list() -> None:
    refused = Refused.load()
    assert len(refused.entries) > 50
    for line in (
        "The sailors of the ship",
        "Shall I compare thee to a summer's day?",
        "The cock crew; a tit sang",
        "Scunthorpe",
    ):
        assert refused.found(line) == []
    first = next(entry for entry in refused.entries if "*" not in entry)
    assert refused.found(f"the {first.upper()}’s song") == [first + "s"]


def test_a_list_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "words.txt"
    path.write_bytes("\ufeff# remark\r\n\r\nNaïve*\r\nred-hot\r\n".encode())
    own = Refused.load(path)
    assert own.entries == ("naive*", "red hot") and own.found("naïvely red hot") == ["naively", "red hot"]
    path.write_text("# nothing\n")
    assert Refused.load(str(path)).allows("anything")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"good\n*\n", "line 2: expected a word of two letters or more"),
        (b"a\n", "line 1: expected a word"),
        (b"two, words\n", "line 1: expected a word"),
        (b"x" * 200, "line 1: expected a word"),
        (b"\xff\xfe\x00", "not a text in UTF-8"),
        (b"a" * 1_000_001, "1,000,001 bytes; expected a list of words"),
    ],
)
def test_lists_that_are_none(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "words.txt"
    path.write_bytes(content)
    with pytest.raises(InputError, match=said) as error:
        Refused.load(path)
    assert "\n" not in str(error.value)


def test_no_list(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="There is no file"):
        Refused.load(tmp_path / "none.txt")
    with pytest.raises(InputError, match="is a folder"):
        Refused.load(tmp_path)
