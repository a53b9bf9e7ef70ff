"""Text files: read in pieces whatever they hold, written with their recipe beside them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.errors import InputError
from studio.media import text


def read(path: Path, *bounds: int) -> tuple[str, text.Counts]:
    counts = text.Counts()
    return "".join(text.pieces(path, *bounds, counts=counts)), counts


@given(
    st.text(
        st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\u2028\u2029\ufeff\ufff9\ufffa\ufffb\ufffd")
    )
)
def test_what_is_read_is_what_was_written(tmp_path_factory: pytest.TempPathFactory, written: str) -> None:
    path = tmp_path_factory.mktemp("texts") / "a.txt"
    path.write_bytes(written.encode())
    assert read(path) == (written, text.Counts())


def test_pieces_end_with_lines_and_join_to_the_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "PIECE", 64)
    whole = "".join(f"line {number} with ä, “quotes” and 中文\n" for number in range(200)) + "the end"
    (tmp_path / "a.txt").write_text(whole, encoding="utf-8")
    found = list(text.pieces(tmp_path / "a.txt"))
    assert "".join(found) == whole
    assert len(found) > 20 and all(piece.endswith("\n") for piece in found[:-1])


def test_one_endless_line_is_read_in_bounded_pieces(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"word " * (2 << 20))  # 10 MB
    found = list(text.pieces(tmp_path / "a.txt"))
    assert max(map(len, found)) <= 3 * text.PIECE
    assert "".join(found) == "word " * (2 << 20)


def test_what_is_no_utf8_is_replaced_and_counted(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"one\xff two\r\nthree\x07 \x1b[31mfour\rfive")
    assert read(tmp_path / "a.txt") == ("one\ufffd two\nthree [31mfour\nfive", text.Counts(1, 2))


def test_a_part_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"0123456789")
    assert read(tmp_path / "a.txt", 2, 5)[0] == "234"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "a.txt is empty; expected a text in UTF-8."),
        (b" \n\n", "a.txt is empty"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "is no text but a binary file"),
        ("verse".encode("utf-16"), "is UTF-16; save it as UTF-8."),
        (bytes(range(1, 32)) * 40, "is no text but a binary file"),
    ],
)
def test_what_is_no_text_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "a.txt").write_bytes(content)
    with pytest.raises(InputError, match=words):
        text.check_text(tmp_path / "a.txt")


def test_a_recipe_stands_beside_its_text(tmp_path: Path) -> None:
    text.write_text(tmp_path / "poem.txt", "Über allen Gipfeln\n", '{"studio-recipe": 1}')
    assert (tmp_path / "poem.txt").read_text(encoding="utf-8") == "Über allen Gipfeln\n"
    assert text.read_recipe_text(tmp_path / "poem.txt") == '{"studio-recipe": 1}\n'
    (tmp_path / "poem.txt.json").unlink()
    assert text.read_recipe_text(tmp_path / "poem.txt") is None
    with pytest.raises(InputError, match="There is no file"):
        text.read_recipe_text(tmp_path / "other.txt")
