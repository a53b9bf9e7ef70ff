"""A folder of pictures, or a .zip of one  →  what a model learns from, with a report of what was left out and why.

data = read_folder("holiday", size=64, channels=3)
data.pictures         # (N, 3, 64, 64) uint8, decoded once
print(data.report.in_words())
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Literal

from PIL import ImageColor

from studio.data import pictures, sources
from studio.data.choose import check_classes, choose, classes_of, digest
from studio.data.pictures import PictureData
from studio.data.prepare import Candidate, Fit, Form, prepared
from studio.data.report import LeftOut
from studio.errors import InputError
from studio.media import files, images

_VERSION = 1  # of how pictures are prepared: what an older one left in a cache is not taken


def read_folder(
    source: str | Path,
    *,
    size: int,
    channels: Literal[1, 3],
    background: str = "white",
    classes: bool = False,
    fit: Fit = "crop",
    held_out: float = 0.1,
    seed: int = 0,
    min_side: int | None = None,
    max_pixels: int = images.MAX_PIXELS,
    cache: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> PictureData:
    """Find, check, decode and resize every picture in a folder and the folders inside it.

    size, channels: of what comes out, S and C. background: the colour under transparent pixels, and around a picture
    that is padded. fit: how a picture becomes square. classes: whether the folders are classes: those directly inside,
    or directly inside the one folder that holds everything.
    held_out: about which part of the pictures is kept for measuring: at least 1 and at most 2,000. Which ones depends
    on their content and `seed`, so that they stay the same when pictures are added.
    min_side: the least width and height of a picture, in pixels; half of `size` unless given.
    max_pixels: the largest width × height accepted.
    cache: a folder to keep the prepared pictures in, by the content of all files: reading the same again is quick.
    progress: called with (how many are done, of how many) while pictures are decoded.
    Raises InputError where there are fewer than 8 pictures to use, in words that say why, and OutputError where the
    cache cannot be written.
    """
    source = Path(source)
    _check_color(background)
    form = Form(size, channels, background, fit, max(1, size // 2) if min_side is None else min_side, max_pixels)
    settings = asdict(form) | {"classes": classes, "held_out": held_out, "seed": seed}
    with sources.opened(source) as found:
        if not found.pictures and not found.left_out:
            raise InputError(
                f"{source} holds no pictures: expected {', '.join(images.FORMATS)} in it or in folders inside it."
            )
        left_out = list(found.left_out)
        candidates = _candidates(found.pictures, classes, left_out)
        if classes:
            check_classes(str(source), sorted({candidate.class_name for candidate in candidates}))
        everything = [(candidate.name, candidate.sha256) for candidate in candidates]
        key = digest([_VERSION, images.PILLOW, settings, everything, left_out, found.not_pictures])
        if cache is not None:
            files.make_folder(cache)
            if (data := pictures.kept(cache, key)) is not None:
                return data
        try:
            with prepared(candidates, form, left_out, cache, progress) as usable:
                choice = choose(str(source), usable, left_out, found.not_pictures, settings)
                if cache is None:
                    return pictures.assemble(usable.pixels, choice)
                pictures.keep(cache, key, usable.pixels, choice)
                return pictures.kept(cache, key) or pictures.assemble(usable.pixels, choice)
        except OSError as error:
            if cache is None:
                raise
            raise pictures.no_room(cache, error) from None


def _candidates(found: list[tuple[str, Path]], classes: bool, left_out: list[LeftOut]) -> list[Candidate]:
    """The files to decode, with their hashes; those that cannot be read, or are in no class, go to `left_out`."""
    candidates = []
    names = classes_of([name for name, _ in found]) if classes else [""] * len(found)
    for (name, path), class_name in zip(found, names, strict=True):
        if class_name is None:
            left_out.append(LeftOut(name, "in no class: it lies beside the folders of the classes"))
            continue
        try:
            with path.open("rb") as file:
                candidates.append(Candidate(name, path, hashlib.file_digest(file, "sha256").hexdigest(), class_name))
        except OSError as error:
            left_out.append(LeftOut(name, f"unreadable: {error.strerror or error}"))
    return candidates


def _check_color(name: str) -> None:
    try:
        ImageColor.getrgb(name)
    except ValueError:
        raise InputError(f"Unknown colour {name!r}: expected a name such as white, or #rrggbb.") from None
