"""Films: H.264 in MP4, written whole, with the recipe in the comment tag; the same frames always give the same bytes.

Encoded by x264 on one thread (its output depends on their number), without times or versions in the container, in
BT.709 with 4:2:0 chroma, which every browser and player shows, and with the index in front, so that a browser starts
to play before all of it has come.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Final

import av
import numpy as np
from av.codec.codec import UnknownCodecError
from av.codec.context import Flags
from av.container import InputContainer
from PIL import Image

from studio.errors import InputError, OutputError
from studio.media import files

SUFFIXES = (".mp4",)
ENCODER: Final = "libx264"
# x264 165's macroblock tree reads memory that nobody wrote where a side is no multiple of 128: the bytes would differ
# from run to run. MALLOC_PERTURB_=85 shows it.
_SETTINGS = {"preset": "medium", "x264-params": "mbtree=0"}
_BT709 = 1
_STUDIO_SWING = 1  # 16 to 235, as players expect


def write_video(
    frames: Iterable[Image.Image], path: str | Path, *, fps: int = 30, recipe: str = "", crf: int = 18
) -> Path:
    """Write a film of pictures of one size, atomically. `frames` may be a generator: one picture is held at a time.

    fps: pictures a second; crf: x264's constant rate factor, 0 (lossless) to 51, where 18 looks like the pictures.
    4:2:0 chroma needs even sides: an odd side grows by one pixel, a copy of its last column or row.
    Raises OutputError for a name that does not end in .mp4 or cannot be written, InputError for no frames or for
    frames of different sizes. Whatever the generator raises comes through, and leaves no file.
    """
    target = files.check_writable(path, SUFFIXES)
    waiting = iter(frames)
    first = next(waiting, None)
    if first is None:
        raise InputError("A film needs at least one frame, got none.")
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".studio-") as folder:
        film = Path(folder) / "film.mp4"
        try:
            _encode(chain([first], waiting), first.size, film, fps, recipe, crf)
        except av.FFmpegError as error:
            raise OutputError(f"Cannot write {target}: {_reason(error)}.") from None
        return files.write_bytes(target, film.read_bytes())


def read_recipe_text(path: str | Path) -> str | None:
    """The recipe inside a film, or None if it carries none. Raises InputError if it is no MP4."""
    with _opened(path) as film:
        return film.metadata.get("comment") or None


def open_video(path: str | Path) -> list[Image.Image]:
    """All frames of a film in RGB: for short ones. Raises InputError if it is no MP4 or is damaged."""
    with _opened(path) as film:
        return [Image.fromarray(frame.to_ndarray(format="rgb24").astype(np.uint8)) for frame in film.decode(video=0)]


def _encode(frames: Iterable[Image.Image], size: tuple[int, int], film: Path, fps: int, recipe: str, crf: int) -> None:
    _check_encoder()
    options = {"movflags": "+faststart", "fflags": "+bitexact"}
    with av.open(str(film), "w", format="mp4", options=options) as container:
        if recipe:
            container.metadata["comment"] = recipe
        stream = container.add_stream(ENCODER, rate=fps, options=_SETTINGS | {"crf": str(crf)})
        stream.width, stream.height = (side + side % 2 for side in size)
        stream.pix_fmt = "yuv420p"
        context = stream.codec_context
        context.thread_count = 1
        context.flags |= Flags.bitexact
        context.colorspace = context.color_primaries = context.color_trc = _BT709
        context.color_range = _STUDIO_SWING
        for number, picture in enumerate(frames):
            if picture.size != size:
                expected = f"expected {size[0]} × {size[1]}, as the first"
                raise InputError(f"Frame {number} is {picture.width} × {picture.height}; {expected}.")
            frame = av.VideoFrame.from_ndarray(_even(picture), format="rgb24").reformat(
                format="yuv420p", dst_colorspace=_BT709, dst_color_range=_STUDIO_SWING, threads=1
            )
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def _even(picture: Image.Image) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    pixels = np.asarray(picture.convert("RGB"))
    return np.pad(pixels, ((0, picture.height % 2), (0, picture.width % 2), (0, 0)), mode="edge")


def _check_encoder() -> None:
    try:
        av.Codec(ENCODER, "w")
    except UnknownCodecError:
        raise OutputError(
            f"The installed PyAV cannot encode films: it was built without {ENCODER}. "
            "Install the one from PyPI: pip install --force-reinstall av."
        ) from None


@contextmanager
def _opened(path: str | Path) -> Iterator[InputContainer]:
    """An MP4 opened for reading; whatever FFmpeg says of a broken one becomes one InputError.

    It is read as MP4 and nothing else, through a plain file: other formats may point to other files and addresses.
    """
    source = Path(path)
    files.check_readable(source)
    try:
        with source.open("rb") as file, av.open(file, "r", format="mp4", metadata_errors="replace") as film:
            if not film.streams.video:
                raise InputError(f"{source} has no pictures in it; expected a film.")
            yield film
    except (av.FFmpegError, OSError, ValueError) as error:  # a broken index leads beyond the ends of the file
        raise InputError(f"{source} is not a film that can be read ({_reason(error)}); expected an MP4.") from None


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or type(error).__name__).rstrip(".")
