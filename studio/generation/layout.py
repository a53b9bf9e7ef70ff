"""Where pictures go: in rows on one page, enlarged for print, into a file or a folder of files."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from studio.errors import InputError, OutputError
from studio.media import files, images

GAP = 2  # pixels between the pictures of a page, before they are enlarged
LONGEST_SIDE = 16_000  # pixels; WebP ends there
MOST_PIXELS = 1_000_000_000  # of all pictures of a call, which are held in memory


def enlarged(picture: Image.Image, scale: int) -> Image.Image:
    """A picture so many times as large."""
    if scale == 1:
        return picture
    return picture.resize((picture.width * scale, picture.height * scale), Image.Resampling.LANCZOS)


def page(pictures: Sequence[Image.Image], columns: int | None = None, gap: int = GAP) -> Image.Image:
    """Pictures of one size in rows, with white lines between; about as many columns as rows if not said."""
    columns = columns_of(len(pictures), columns)
    width, height = pictures[0].size
    rows = -(-len(pictures) // columns)
    whole = Image.new(pictures[0].mode, (columns * (width + gap) - gap, rows * (height + gap) - gap), "white")
    for place, picture in enumerate(pictures):
        whole.paste(picture, (place % columns * (width + gap), place // columns * (height + gap)))
    return whole


def columns_of(count: int, columns: int | None) -> int:
    """The columns of a page of so many pictures."""
    return min(count, columns or math.ceil(math.sqrt(count)))


def check_size(size: tuple[int, int], count: int, columns: int | None, scale: int) -> None:
    """Raise InputError where pictures of `size` (width, height) become too large to hold or to write.

    columns: of a page with all `count` of them, or None where each is a picture of its own.
    """
    across, down = (columns, -(-count // columns)) if columns else (1, 1)
    width, height = (((side + GAP) * number - GAP) * scale for side, number in zip(size, (across, down), strict=True))
    if max(width, height) > LONGEST_SIDE:
        raise InputError(
            f"That would be a picture of {width:,} × {height:,} pixels; at most {LONGEST_SIDE:,} on a side are made. "
            f"Ask for a smaller --scale, or for less in it."
        )
    total = size[0] * size[1] * scale**2 * count
    if total > MOST_PIXELS:
        raise InputError(
            f"{count:,} pictures of {size[0] * scale:,} × {size[1] * scale:,} are {total / 1e6:,.0f} megapixels; "
            f"at most {MOST_PIXELS / 1e6:,.0f} are made at once. Ask for fewer, then go on with a later --seed."
        )


def targets(path: str | Path, count: int) -> list[Path]:
    """The files that `count` pictures go to: `path` itself, or path/path-0000.png … where `path` is no picture's name.

    Nothing is made. Raises OutputError where a file cannot be written, or where several pictures would go to one file.
    """
    target = Path(path)
    if target.suffix.lower() in images.SUFFIXES and not target.is_dir():
        if count > 1:
            raise OutputError(
                f"{count:,} pictures do not go into one file, {target}: give the name of a folder, or ask for a --grid."
            )
        return [files.check_writable(target, images.SUFFIXES)]
    if target.suffix and not target.is_dir():
        raise OutputError(
            f"Cannot write {target}: expected a name that ends in {', '.join(images.SUFFIXES)}, or a folder's."
        )
    files.check_folder(target)
    if target.exists() and not target.is_dir():
        raise OutputError(f"Cannot write into {target}: it is a file; give the name of a folder.")
    name = target.resolve().name or "picture"
    return [target / f"{name}-{number:04}.png" for number in range(count)]
