"""Every picture of a source decoded once, checked, and made into the same form."""

from __future__ import annotations

import contextlib
import io
import logging
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from studio.data.report import LeftOut
from studio.errors import InputError
from studio.media import images

Pixels = NDArray[np.uint8]
Fit = Literal["crop", "pad", "stretch"]

_log = logging.getLogger("studio")


@dataclass(frozen=True)
class Form:
    """What every picture is made into: `channels` × `size` × `size`; `fit` says how it becomes square.

    min_side: the least width and height accepted, in pixels; max_pixels: the largest width × height.
    """

    size: int
    channels: int
    background: str
    fit: Fit
    min_side: int
    max_pixels: int

    def apply(self, image: Image.Image) -> Pixels:
        """RGB of any size  →  (C, S, S)."""
        image = image if self.channels == 3 else image.convert("L")
        square = (self.size, self.size)
        match self.fit:
            case "crop":
                image = ImageOps.fit(image, square, Image.Resampling.LANCZOS)
            case "pad":
                image = ImageOps.pad(image, square, Image.Resampling.LANCZOS, color=self.background)
            case "stretch":
                image = image.resize(square, Image.Resampling.LANCZOS)
        return np.asarray(image).reshape(self.size, self.size, self.channels).transpose(2, 0, 1)


@dataclass(frozen=True)
class Candidate:
    """A file that may be a picture: its name in the source, where it is, the SHA-256 of its content, and its class."""

    name: str
    path: Path
    sha256: str
    class_name: str


@dataclass(frozen=True)
class Prepared:
    """Usable pictures in the order of their names: `pixels` is (N, C, S, S); `sizes` are the original ones."""

    pixels: Pixels
    candidates: Sequence[Candidate]
    sizes: Sequence[tuple[int, int]]


@contextmanager
def prepared(
    candidates: Sequence[Candidate],
    form: Form,
    left_out: list[LeftOut],
    room: Path | None,
    progress: Callable[[int, int], None] | None,
) -> Iterator[Prepared]:
    """Decode the candidates; those that cannot be used are added to `left_out`.

    room: the folder for a temporary file that the pixels go to; in memory without it. Only valid within the context.
    Raises OSError for a full disk.
    """
    used: list[Candidate] = []
    sizes: list[tuple[int, int]] = []
    first_with: dict[str, str] = {}
    with _rows(room) as rows:
        with _notes_gathered():
            for done, candidate in enumerate(candidates, start=1):
                if (first := first_with.get(candidate.sha256)) is not None:
                    left_out.append(LeftOut(candidate.name, f"duplicate: the same file as {first}"))
                elif isinstance(image := _open(candidate, form), str):
                    left_out.append(LeftOut(candidate.name, image))
                else:
                    rows.write(form.apply(image).tobytes())
                    used.append(candidate)
                    sizes.append(image.size)
                    first_with[candidate.sha256] = candidate.name
                if progress is not None:
                    progress(done, len(candidates))
        yield Prepared(_array(rows, (len(used), form.channels, form.size, form.size)), used, sizes)


def _open(candidate: Candidate, form: Form) -> Image.Image | str:
    """A picture in RGB, or the reason why it cannot be used."""
    try:
        picture = images.open_picture(candidate.path, background=form.background, max_pixels=form.max_pixels)
    except InputError as error:
        return _reason(str(error), candidate.path)
    width, height = picture.image.size
    if picture.sha256 != candidate.sha256:
        return "unreadable: it changed while it was read"
    if min(width, height) < form.min_side:
        return f"too small: {width:,} × {height:,}, the least side is {form.min_side}"
    return picture.image


def _reason(message: str, path: Path) -> str:
    """What the media room says about a file, without its name and without advice for a single picture."""
    name = " ".join(str(path).split())
    what = message.removeprefix(f"{name} is ").replace(name, "the file").rstrip(".")
    if "megapixels; at most" in what:
        return "too large: " + what.partition(". Make it")[0]
    return "unreadable: " + what.partition("; export it")[0]


@contextmanager
def _rows(room: Path | None) -> Iterator[IO[bytes]]:
    if room is None:
        yield io.BytesIO()
    else:
        with tempfile.TemporaryFile(dir=room) as file:
            yield file


def _array(rows: IO[bytes], shape: tuple[int, ...]) -> Pixels:
    if not shape[0]:
        return np.empty(shape, np.uint8)
    if isinstance(rows, io.BytesIO):
        return np.frombuffer(rows.getbuffer(), np.uint8).reshape(shape)
    rows.flush()
    return np.memmap(rows, np.uint8, "r", shape=shape)


@contextmanager
def _notes_gathered() -> Iterator[None]:
    """What the media room remarks about single pictures (animated, an odd profile) becomes one line for all of them."""
    notes: list[str] = []
    thread = threading.get_ident()

    def gather(record: logging.LogRecord) -> bool:
        if record.thread != thread or record.module != "images":
            return True
        notes.append(record.getMessage())
        return False

    _log.addFilter(gather)
    try:
        yield
    finally:
        with contextlib.suppress(ValueError):
            _log.removeFilter(gather)
    if len(notes) == 1:
        _log.warning("%s", notes[0])
    elif notes:
        _log.warning("%d pictures came with a remark; the first: %s", len(notes), notes[0])
