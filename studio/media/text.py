"""Text in and out: files read as UTF-8 in pieces, whatever their size, and written with their recipe beside them.

A text has no room for a recipe inside, so it stands in a file beside it: `poem.txt` and `poem.txt.json`.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from studio.errors import InputError
from studio.media import files

SUFFIXES = (".txt",)
RECIPE_SUFFIX = ".json"
LONGEST_RECIPE = 4 * 2**20  # bytes
PIECE = 1 << 20  # bytes read at once
_START = 1 << 16  # bytes by which a text is told from what is none

_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
# Control characters, but for tabs, line ends and the form feed, which stands between documents.
_CONTROLS = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufff9-\ufffb]")
_LINE_ENDS = re.compile("\r\n?")


@dataclass
class Counts:
    """What was done to a text while it was read: characters that were no UTF-8, and control characters left out."""

    replaced: int = 0
    controls: int = 0


def clean(text: str, counts: Counts | None = None) -> str:
    """A text with line ends as "\\n" and without control characters."""
    text = _LINE_ENDS.sub("\n", text)
    cleaned, found = _CONTROLS.subn("", text)
    if counts is not None:
        counts.controls += found
    return cleaned


def check_text(path: Path) -> None:
    """Raise InputError for what is not a text: an empty file, a folder, a binary file, UTF-16."""
    files.check_readable(path)
    with path.open("rb") as file:
        _check_start(file.read(_START), path)


def read(path: Path, counts: Counts | None = None) -> str:
    """A small file as a whole, cleaned; it is read once, so that it may be a pipe.

    Bytes that are no UTF-8 become U+FFFD. Raises InputError for what is not a text.
    """
    content = files.read_bytes(path)
    _check_start(content[:_START], path)
    found = content.decode(errors="replace")
    if counts is not None:
        counts.replaced += found.count("\ufffd")
    return clean(found, counts)


def pieces(path: Path, start: int = 0, end: int | None = None, counts: Counts | None = None) -> Iterator[str]:
    """A file from one byte to another, cleaned, in pieces that end with a line where lines are not too long.

    Bytes that are no UTF-8 become U+FFFD. Memory does not grow with the file.
    Raises InputError where it cannot be read.
    """
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    left = (path.stat().st_size if end is None else end) - start
    held = ""
    try:
        with path.open("rb") as file:
            file.seek(start)
            while left > 0:
                block = file.read(min(PIECE, left))
                left = left - len(block) if block else 0
                text = decoder.decode(block, final=left <= 0)
                if counts is not None and "\ufffd" in text:
                    counts.replaced += text.count("\ufffd")
                text = held + text
                cut = _cut(text) if left > 0 else len(text)
                held = text[cut:]
                if cut:
                    yield clean(text[:cut], counts)
    except OSError as error:
        raise InputError(f"Cannot read {path}: {error.strerror or error}.") from None


def _check_start(start: bytes, path: Path) -> None:
    if not start.strip():
        raise InputError(f"{path} is empty; expected a text in UTF-8.")
    if start.startswith(_MARKS):
        raise InputError(f"{path} is UTF-16; save it as UTF-8.")
    odd = sum(byte < 9 or 13 < byte < 32 for byte in start)
    if b"\0" in start or odd > 0.02 * len(start):
        raise InputError(f"{path} is no text but a binary file; expected a text in UTF-8.")


def _cut(text: str) -> int:
    """Where a piece may end: after its last line, or, in lines without end, before its last word."""
    line = text.rfind("\n") + 1
    if line or len(text) < 2 * PIECE:
        return line
    return max(text.rfind(" "), 0) or len(text) - 1


def write_text(path: str | Path, text: str, recipe_json: str) -> Path:
    """Write a text as UTF-8, and its recipe beside it; each whole or not at all. Raises OutputError."""
    target = Path(path)
    files.write_bytes(beside(target), f"{recipe_json}\n".encode())
    return files.write_bytes(target, text.encode())


def beside(path: str | Path) -> Path:
    """Where the recipe of a text stands."""
    return Path(f"{path}{RECIPE_SUFFIX}")


def read_recipe_text(path: str | Path) -> str | None:
    """The recipe beside a text, or None. Raises InputError for a text that is not there."""
    files.check_readable(path)
    place = beside(path)
    if not place.is_file() or place.stat().st_size > LONGEST_RECIPE:
        return None
    return files.read_bytes(place).decode(errors="replace")
