"""A melody as a picture: a piano roll, as pixels or as SVG. Both show the same layout.

roll.draw(melody, parts).show()
roll.write_roll(melody, "tune.svg", parts, title="A reel")
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape

from PIL import Image, ImageDraw, ImageFont

from studio.errors import InputError
from studio.media import files, images
from studio.media.roll_layout import PAPER, Box, Layout, Words, lay_out
from studio.music.melody import Melody

if TYPE_CHECKING:
    from studio.music.accompaniment import Part

WIDTH: Final = 1600
SMALLEST, LARGEST = 320, 6400  # pixels of width
SUFFIXES = (".png", ".svg")

_FINE = 2  # times as large are pictures drawn, for smooth edges
_MOST = 120_000_000  # pixels of a picture
_BAND, _ABOVE = 1024, 128  # rows of pixels drawn at once; and how far above them words may begin
_RECIPE = re.compile(r'<metadata id="studio-recipe">(.*?)</metadata>', re.DOTALL)
_ANCHORS = {"start": "lm", "middle": "mm", "end": "rm"}


def draw(melody: Melody, parts: Sequence[Part] = (), *, width: int = WIDTH, title: str = "") -> Image.Image:
    """The piano roll of a melody, RGB; as high as it needs to be. parts: what accompanies it, drawn paler.

    Raises InputError for a width that is not from 320 to 6,400 pixels.
    """
    return _picture(lay_out(melody, parts, _checked(width), title))


def svg(melody: Melody, parts: Sequence[Part] = (), *, width: int = WIDTH, title: str = "", recipe: str = "") -> str:
    """The same as SVG, with a recipe in its metadata."""
    layout = lay_out(melody, parts, _checked(width), title)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{layout.width}" height="{layout.height}" '
        f'viewBox="0 0 {layout.width} {layout.height}" font-family="Aileron, Helvetica, Arial, sans-serif">'
    ]
    if recipe:
        lines.append(f'<metadata id="studio-recipe">{escape(recipe)}</metadata>')
    lines += [_box(shape) if isinstance(shape, Box) else _words(shape) for shape in layout.shapes]
    return "\n".join([*lines, "</svg>"]) + "\n"


def blank(*, width: int = WIDTH) -> Image.Image:
    """Paper without anything on it."""
    return Image.new("RGB", (_checked(width), width // 4), PAPER)


def write_roll(
    melody: Melody,
    path: str | Path,
    parts: Sequence[Part] = (),
    *,
    width: int = WIDTH,
    title: str = "",
    recipe: str = "",
) -> Path:
    """Write the piano roll as .png or .svg, atomically, with the recipe inside. Raises InputError and OutputError."""
    target = files.check_writable(path, SUFFIXES)
    if target.suffix.lower() == ".png":
        return images.write_picture(draw(melody, parts, width=width, title=title), target, recipe)
    return files.write_bytes(target, svg(melody, parts, width=width, title=title, recipe=recipe).encode())


def write_svg(path: str | Path, melody: Melody, parts: Sequence[Part] = (), recipe: str = "") -> Path:
    """Write the piano roll as SVG, atomically, with the recipe inside. Raises OutputError."""
    return files.write_bytes(path, svg(melody, parts, recipe=recipe).encode())


def read_recipe_text(path: str | Path) -> str | None:
    """The recipe in a .png or .svg, or None. Raises InputError for a file that cannot be read."""
    if Path(path).suffix.lower() != ".svg":
        return images.read_recipe_text(path)
    found = _RECIPE.search(files.read_bytes(path).decode(errors="replace"))
    return html.unescape(found[1]) if found else None


def _picture(layout: Layout) -> Image.Image:
    """The shapes as pixels: drawn `_FINE` times as large, a band after another, as a long tune is tall."""
    if layout.width * layout.height > _MOST:
        raise InputError(f"The piano roll would have {layout.width:,} × {layout.height:,} pixels; make it narrower.")
    image = Image.new("RGB", (layout.width, layout.height), PAPER)
    for top in range(0, layout.height, _BAND):
        image.paste(_band(layout, top, min(_BAND, layout.height - top)), (0, top))
    return image


def _band(layout: Layout, top: int, height: int) -> Image.Image:
    """So many rows of pixels from `top` on; above them is drawn too, where words may begin that reach into them."""
    above = min(top, _ABOVE)
    first, last = _FINE * (top - above), _FINE * (top + height)
    image = Image.new("RGB", (layout.width * _FINE, last - first), PAPER)
    brush = ImageDraw.Draw(image)
    for shape in layout.shapes:
        if isinstance(shape, Words):
            if abs(shape.y * _FINE - (first + last) / 2) < (last - first) / 2 + shape.size * _FINE:
                font, place = _font(round(shape.size * _FINE)), (shape.x * _FINE, shape.y * _FINE - first)
                brush.text(place, shape.text, shape.fill, font, _ANCHORS[shape.anchor])
            continue
        left, upper = round(shape.x * _FINE), round(shape.y * _FINE)
        right = max(left, round((shape.x + shape.width) * _FINE) - 1)
        lower = max(upper, round((shape.y + shape.height) * _FINE) - 1)
        if lower < first or upper >= last:
            continue
        corners, edge = (left, upper - first, right, lower - first), shape.edge or None
        if shape.radius * _FINE >= 1:
            brush.rounded_rectangle(corners, shape.radius * _FINE, shape.fill, edge)
        else:
            brush.rectangle(corners, shape.fill, edge)
    small = image.resize((layout.width, above + height), Image.Resampling.BOX)
    return small.crop((0, above, layout.width, above + height)) if above else small


@lru_cache(maxsize=16)
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(max(4, size))


def _box(box: Box) -> str:
    corners = f' rx="{box.radius:.2f}"' if box.radius else ""
    edge = f' stroke="{box.edge}"' if box.edge else ""
    place = f'x="{box.x:.2f}" y="{box.y:.2f}" width="{box.width:.2f}" height="{box.height:.2f}"'
    return f'<rect {place}{corners} fill="{box.fill}"{edge}/>'


def _words(words: Words) -> str:
    place = f'x="{words.x:.2f}" y="{words.y:.2f}" font-size="{words.size:.2f}" text-anchor="{words.anchor}"'
    return f'<text {place} dominant-baseline="central" fill="{words.fill}">{escape(words.text)}</text>'


def _checked(width: int) -> int:
    if not SMALLEST <= width <= LARGEST:
        raise InputError(f"A piano roll is {SMALLEST} to {LARGEST:,} pixels wide; got {width:,}.")
    return width
