"""A text as a picture of a page: for sheets of samples, and for a wall."""

from __future__ import annotations

from PIL import Image, ImageDraw, ImageFont

INK, PAPER = (34, 30, 28), (250, 247, 240)
MARGIN, SIZE, LEADING, COLUMNS = 48, 22, 1.5, 72
LONGEST = 500
"""Lines of a page: 16,500 pixels. Of a longer text it has the beginning."""


def draw(text: str, *, size: int = SIZE) -> Image.Image:
    """A page as wide and as high as its text; lines of more than COLUMNS characters go on in the next one.

    Where there are more than LONGEST, the last one says how many are left out.
    """
    font = ImageFont.load_default(size)
    lines = _lines(text)
    if (more := len(lines) - LONGEST) > 0:
        lines = [*lines[:LONGEST], f"[{more:,} more lines are not on this page]"]
    width = max((font.getlength(line) for line in lines), default=0)
    pitch = round(size * LEADING)
    image = Image.new("RGB", (max(480, round(width) + 2 * MARGIN), len(lines) * pitch + 2 * MARGIN), PAPER)
    pen = ImageDraw.Draw(image)
    for number, line in enumerate(lines):
        pen.text((MARGIN, MARGIN + number * pitch), line, INK, font)
    return image


def left_out(text: str) -> int:
    """How many lines of a text its page has no room for."""
    return max(0, len(_lines(text)) - LONGEST)


def _lines(text: str) -> list[str]:
    return [part for line in text.splitlines() or [""] for part in _folded(line)]


def _folded(line: str) -> list[str]:
    """A line in parts of at most COLUMNS characters, cut between words where there are any."""
    parts = []
    while len(line) > COLUMNS:
        cut = line.rfind(" ", 1, COLUMNS + 1)
        parts.append(line[: cut if cut > 0 else COLUMNS])
        line = line[cut + 1 if cut > 0 else COLUMNS :]
    return [*parts, line]
