"""Texts become tokens: nothing lost, the tail held out, whatever the files are like."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from io import BufferedWriter, FileIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from studio.data import texts, tokens
from studio.errors import InputError, OutputError

LINES = [f"The {thing} of {place} sang {number} songs, and then it slept.\n" for number, (thing, place) in enumerate(
    (thing, place) for thing in ("owl", "cat", "bell", "wind", "sea") for place in ("night", "Rome", "winter", "glass")
)]  # fmt: skip
PAGE = "".join(LINES) * 5


def test_all_text_comes_back_from_its_tokens(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(PAGE + "\nA last line, without an end: ä 中 🎭")
    data = texts.read_texts(tmp_path / "a.txt", tmp_path / "cache", held_out=0.1)
    learnt, kept = "".join(data.texts()), "".join(data.held_out_text())
    assert learnt + kept == PAGE + "\nA last line, without an end: ä 中 🎭"
    assert learnt.endswith("\n") and 0.05 < len(kept) / len(learnt) < 0.12
    assert data.held_out_bytes == len(kept.encode())
    assert data.tokens[0] == data.held_out[0] == data.tokenizer.token_to_id(tokens.END) == 0
    assert data.report.tokens == len(data.tokens) and data.report.over_fits
    assert "soon know it by heart" in data.report.in_words()


def test_long_documents_come_back_in_pieces_that_end_with_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "_BLOCK", 100)
    (tmp_path / "a.txt").write_text(PAGE)
    data = texts.read_texts(tmp_path / "a.txt", tmp_path / "cache")
    found = list(data.texts())
    assert len(found) > 2 and "".join(found) == PAGE[: len("".join(found))]
    assert [word for piece in found for word in piece.split()] == "".join(found).split()


def test_form_feeds_and_files_end_documents(tmp_path: Path) -> None:
    folder = tmp_path / "poems"
    folder.mkdir()
    (folder / "b.txt").write_text(PAGE)
    (folder / "a.txt").write_text(f"{PAGE}\f\n\n{PAGE}\f")
    data = texts.read_texts(folder, tmp_path / "cache")
    assert data.report.used == 3 == int((np.asarray(data.tokens) == 0).sum())


def test_the_same_data_give_the_same_fingerprint_and_open_again(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(PAGE)
    first = texts.read_texts(tmp_path / "a.txt", tmp_path / "one")
    second = texts.read_texts(tmp_path / "a.txt", tmp_path / "two")
    (place,) = (tmp_path / "one").iterdir()
    opened = texts.kept_texts(place)
    assert opened is not None
    assert first.fingerprint == second.fingerprint == opened.fingerprint
    assert np.array_equal(first.tokens, opened.tokens) and opened.report == first.report


@pytest.mark.parametrize("name", ["tokens.bin", "held_out.bin", "tokenizer.json", "texts.json"])
def test_what_is_kept_is_not_made_again_and_what_is_damaged_is(tmp_path: Path, name: str) -> None:
    (tmp_path / "a.txt").write_text(PAGE)
    first = texts.read_texts(tmp_path / "a.txt", tmp_path / "cache")
    (place,) = (tmp_path / "cache").iterdir()
    made = (place / name).stat().st_mtime_ns
    texts.read_texts(tmp_path / "a.txt", tmp_path / "cache")
    assert (place / name).stat().st_mtime_ns == made
    whole = (place / name).read_bytes()
    (place / name).write_bytes(whole[: len(whole) // 2])
    assert texts.kept_texts(place) is None
    again = texts.read_texts(tmp_path / "a.txt", tmp_path / "cache")
    assert again.fingerprint == first.fingerprint and (place / name).read_bytes() == whole


def test_texts_that_are_refused_leave_those_in_the_cache_alone(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(PAGE)
    (tmp_path / "b.txt").write_text("Too short.")
    texts.read_texts(tmp_path / "a.txt", tmp_path / "cache")
    (place,) = (tmp_path / "cache").iterdir()
    with pytest.raises(InputError, match="holds 9 characters"):
        texts.read_texts(tmp_path / "b.txt", tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == [place] and texts.kept_texts(place) is not None


def test_what_a_killed_run_has_left_is_cleared_away(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(PAGE)
    (tmp_path / "cache" / ".studio-killed").mkdir(parents=True)
    (tmp_path / "cache" / ".studio-killed" / "tokens.bin").write_bytes(bytes(1000))
    texts.read_texts(tmp_path / "a.txt", tmp_path / "cache")
    assert len(list((tmp_path / "cache").iterdir())) == 1


def test_a_blank_end_is_not_what_is_held_out(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(PAGE + "\n" * (len(PAGE) // 10))
    data = texts.read_texts(tmp_path / "a.txt", tmp_path / "cache")
    assert "songs" in "".join(data.held_out_text())


def test_too_little_to_measure_on_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(PAGE)
    with pytest.raises(InputError, match="would be held out for measuring; expected at least 50"):
        texts.read_texts(tmp_path / "a.txt", tmp_path / "cache", held_out=1e-6)


def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(BufferedWriter):
        def close(self) -> None:
            super().close()
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def opened(writer: tokens.Writer) -> tokens.Writer:
        writer._file = Full(FileIO(writer.path, "wb"))
        return writer

    (tmp_path / "a.txt").write_text(PAGE)
    monkeypatch.setattr(tokens.Writer, "__enter__", opened)
    with pytest.raises(OutputError, match=r"Cannot keep the tokens in .*: No space left on device; free some space"):
        texts.read_texts(tmp_path / "a.txt", tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_folder_with_all_sorts_of_files(tmp_path: Path) -> None:
    folder = tmp_path / "mixed"
    folder.mkdir()
    (folder / "good.txt").write_text(PAGE)
    (folder / "same.md").write_text(PAGE)
    (folder / "none.txt").write_text("")
    (folder / "binary.txt").write_bytes(bytes(2000))
    (folder / "picture.png").write_bytes(b"\x89PNG")
    report = texts.read_texts(folder, tmp_path / "cache").report
    assert report.left_out == (
        ("binary.txt", "not a text: no text but a binary file; expected a text in UTF-8."),
        ("none.txt", "empty: empty; expected a text in UTF-8."),
        ("same.md", "duplicate: the same as good.txt"),
    )
    assert report.other_files == 1


def test_of_many_small_files_whole_ones_are_held_out(tmp_path: Path) -> None:
    folder = tmp_path / "poems"
    folder.mkdir()
    for number in range(60):
        (folder / f"{number}.txt").write_text(f"Poem {number}.\n" + "".join(LINES[number % 7 :]))
    learnt, kept, _, _ = texts.stretches(folder, 0.1)
    assert len(learnt) + len(kept) == 60 and 1 <= len(kept) <= 15
    assert all(part.start == 0 for part in learnt + kept)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "is empty"),
        ("Too short.", "holds 9 characters to learn from; expected at least 2,000"),
        (None, "There is no"),
    ],
)
def test_what_cannot_be_learnt_from_is_refused(tmp_path: Path, content: str | None, words: str) -> None:
    if content is not None:
        (tmp_path / "a.txt").write_text(content)
    with pytest.raises(InputError, match=words):
        texts.read_texts(tmp_path / "a.txt", tmp_path / "cache")


def test_a_folder_without_texts_is_refused(tmp_path: Path) -> None:
    for name in ("", "picture.png"):
        if name:
            (tmp_path / name).write_bytes(b"\x89PNG")
        with pytest.raises(InputError, match=r"There are no texts in [^;]*; expected \.txt files"):
            texts.read_texts(tmp_path, tmp_path / "cache")
    (tmp_path / "a.txt").write_bytes(bytes(100))
    with pytest.raises(InputError, match=r"There are no texts in .*; 1 could not be used, such as a.txt: not a text"):
        texts.read_texts(tmp_path, tmp_path / "cache")


@given(st.text(min_size=1, max_size=300), st.integers(1, 40))
def test_parts_give_the_tokens_of_the_whole(text: str, size: int) -> None:
    before, tokens.PART = tokens.PART, size
    try:
        found = list(tokens.parts(text))
    finally:
        tokens.PART = before
    assert "".join(found) == text
    tokenizer = small()
    lines = [part for part in found if part.endswith("\n")]
    if len(lines) >= len(found) - 1:  # cut at lines alone
        assert [i for part in found for i in tokenizer.encode(part).ids] == tokenizer.encode(text).ids


def small() -> Tokenizer:
    return tokens.train_tokenizer([PAGE], len(PAGE), 300)


def test_a_tokenizer_holds_every_byte_and_keeps_newlines_alone() -> None:
    tokenizer = small()
    odd = "\n\nÅ\t中\n 🎭\n\n"
    assert tokenizer.decode(tokenizer.encode(odd).ids) == odd
    newline = tokenizer.encode("\n").ids
    assert len(newline) == 1
    assert tokenizer.encode("a\nb\n\nc").ids.count(newline[0]) == 3


def test_memory_does_not_grow_with_the_data(tmp_path: Path) -> None:
    """60 MB are read with hardly more memory than 2 MB."""
    used = []
    for size in (2, 60):
        (tmp_path / f"{size}.txt").write_text(PAGE * (size * 1_000_000 // len(PAGE)))
        code = (
            "import sys, resource; from pathlib import Path; from studio.data.texts import read_texts\n"
            "read_texts(sys.argv[1], Path(sys.argv[2]), vocabulary=300)\n"
            "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
        )
        done = subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / f"{size}.txt"), str(tmp_path / f"cache{size}")],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        used.append(int(done.stdout))
    assert used[1] < used[0] + 200_000, "kilobytes"
