"""A text as a picture of a page: for sheets of samples, and for a wall."""

from __future__ import annotations

from PIL import Image, ImageDraw, ImageFont

INK, PAPER = (34, 30, 28), (250, 247, 240)
MARGIN, SIZE, LEADING, COLUMNS = 48, 22, 1.5, 72


def draw(text: str, *, size: int = SIZE) -> Image.Image:
    """A page as wide and as high as its text; lines of more than COLUMNS characters go on in the next one."""
    font = ImageFont.load_default(size)
    lines = [part for line in text.splitlines() or [""] for part in _folded(line)]
    width = max((font.getlength(line) for line in lines), default=0)
    pitch = round(size * LEADING)
    image = Image.new("RGB", (max(480, round(width) + 2 * MARGIN), len(lines) * pitch + 2 * MARGIN), PAPER)
    pen = ImageDraw.Draw(image)
    for number, line in enumerate(lines):
        pen.text((MARGIN, MARGIN + number * pitch), line, INK, font)
    return image


def _folded(line: str) -> list[str]:
    """A line in parts of at most COLUMNS characters, cut between words where there are any."""
    parts = []
    while len(line) > COLUMNS:
        cut = line.rfind(" ", 1, COLUMNS + 1)
        parts.append(line[: cut if cut > 0 else COLUMNS])
        line = line[cut + 1 if cut > 0 else COLUMNS :]
    return [*parts, line]
