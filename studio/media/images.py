"""Pictures: the one place where they are opened, checked and written.

Whatever comes in leaves as 8-bit sRGB without alpha: EXIF orientation applied, the ICC profile converted, transparency
put on a colour, 16-bit, CMYK, grey and palette pictures brought to RGB. Sizes are checked before a pixel is decoded.
"""

from __future__ import annotations

import io
import logging
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import PIL
from PIL import Image, ImageCms, ImageColor, ImageOps, UnidentifiedImageError

from studio.errors import InputError, OutputError
from studio.media import files

MAX_PIXELS = 64_000_000
PILLOW = PIL.__version__  # which resizes and encodes: part of what the bytes of a picture depend on
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "AVIF")
ANIMATED = ("GIF", "WEBP", "PNG", "AVIF")
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")

_log = logging.getLogger("studio")
_pillow_limit = threading.Lock()
_EXIF_USER_COMMENT = 0x9286
_EXIF_IFD = 0x8769
_EXIF_ASCII = b"ASCII\0\0\0"
_PNG_KEY = "studio-recipe"
_LONGEST_IN_JPEG = 65_000


@dataclass(frozen=True)
class Picture:
    """A picture with where it came from: `image` in RGB, the `name` of its file, and the `sha256` of what was read.

    `recipe` is the text that was embedded in the file, if any.
    """

    image: Image.Image
    name: str
    sha256: str
    recipe: str | None = None


def open_picture(
    source: str | Path | Image.Image, *, background: str = "white", max_pixels: int | None = None
) -> Picture:
    """Read a picture from a file, or take one from memory, as 8-bit sRGB.

    background: the colour under transparent pixels, by name or as #rrggbb.
    max_pixels: the largest width × height accepted, looked at before decoding; MAX_PIXELS if nobody can change it.
    Raises InputError for anything that is not a whole picture of an accepted format and size.
    """
    color = _color(background)
    if isinstance(source, Image.Image):
        with _reading("the picture"):
            image = _to_rgb(source, color, "the picture")
        return Picture(image, "", files.sha256(image.tobytes() + repr(image.size).encode()))
    content = files.read_bytes(source)
    with _reading(str(source)):
        image = _decode(content, str(source), max_pixels)
        if image.format in ANIMATED and getattr(image, "n_frames", 1) > 1:
            frames = getattr(image, "n_frames", 1)
            _log.warning("%s is animated with %d frames; taking the first.", source, frames)
        recipe = _embedded_text(image)
        rgb = _to_rgb(image, color, str(source))
    return Picture(rgb, Path(source).name, files.sha256(content), recipe)


def open_mask(source: str | Path | Image.Image, size: tuple[int, int], *, max_pixels: int | None = None) -> Picture:
    """A mask: a grey picture (mode L, white where it applies) of `size` (width, height); resized if need be."""
    picture = open_picture(source, background="black", max_pixels=max_pixels)
    grey = picture.image.convert("L")
    if grey.size != size:
        _log.warning("mask %s is %d × %d; resizing it to %d × %d.", picture.name, *grey.size, *size)
        grey = grey.resize(size, Image.Resampling.BILINEAR)
    return Picture(grey, picture.name, picture.sha256)


def write_picture(image: Image.Image, path: str | Path, recipe: str = "") -> Path:
    """Write a picture atomically with a recipe inside: PNG (text chunk), JPEG and WebP (EXIF). Raises OutputError."""
    return files.write_bytes(path, encode_picture(image, Path(path).suffix, recipe))


def encode_picture(image: Image.Image, suffix: str, recipe: str = "") -> bytes:
    """The bytes of a picture file; the same picture and recipe always give the same bytes."""
    buffer = io.BytesIO()
    match suffix.lower():
        case ".png":
            from PIL.PngImagePlugin import PngInfo

            info = PngInfo()
            if recipe:
                info.add_itxt(_PNG_KEY, recipe)
            image.save(buffer, "PNG", pnginfo=info)
        case ".jpg" | ".jpeg" if len(recipe) > _LONGEST_IN_JPEG:
            raise OutputError("The recipe is too long for a JPEG (64 KB); use .png or .webp.")
        case ".jpg" | ".jpeg":
            image.save(buffer, "JPEG", quality=95, subsampling=0, exif=_exif_with(recipe))
        case ".webp":
            image.save(buffer, "WEBP", quality=95, method=4, exif=_exif_with(recipe))
        case other:
            raise OutputError(
                f"Cannot write a picture as {other or 'a file without suffix'}: expected {', '.join(SUFFIXES)}."
            )
    return buffer.getvalue()


def read_recipe_text(path: str | Path) -> str | None:
    """The recipe inside a picture file, or None if it carries none. Raises InputError if it is no picture."""
    content = files.read_bytes(path)
    with _reading(str(path)):
        return _embedded_text(_decode(content, str(path), MAX_PIXELS * 16))


@contextmanager
def _reading(name: str) -> Iterator[None]:
    """Where Pillow opens and decodes: whatever it raises for a broken file becomes one InputError.

    Its own limit of pixels is a global, and is off in here: ours is an argument, checked before any pixel is decoded.
    """
    with _pillow_limit, warnings.catch_warnings():
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        warnings.simplefilter("ignore")
        try:
            yield
        except InputError:
            raise
        except UnidentifiedImageError:
            raise InputError(f"{name} is not a picture that can be read; expected {', '.join(FORMATS)}.") from None
        except Exception as error:  # Pillow's parsers raise many kinds
            raise InputError(f"{name} is damaged or cut off ({_reason(error)}); export it again.") from None
        finally:
            Image.MAX_IMAGE_PIXELS = limit


def _decode(content: bytes, name: str, max_pixels: int | None) -> Image.Image:
    """Open a picture and check its size; its pixels are not decoded yet."""
    if not content:
        raise InputError(f"{name} is empty; expected a picture.")
    image = Image.open(io.BytesIO(content), formats=FORMATS)
    width, height = image.size
    if width * height > (most := max_pixels or MAX_PIXELS):
        raise InputError(
            f"{name} is {width} × {height}, {width * height / 1e6:.0f} megapixels; at most {most / 1e6:.0f} are "
            f"accepted. Make it smaller{', or raise --max-megapixels' if max_pixels else ''}."
        )
    return image


def _to_rgb(image: Image.Image, background: tuple[int, ...], name: str) -> Image.Image:
    profile = image.info.get("icc_profile")
    image = ImageOps.exif_transpose(image)
    image.load()
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        image = _to_eight_bits(image)
    if "transparency" in image.info:
        image = image.convert("RGBA")
    if profile:
        image = _to_srgb(image, profile, name)
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa"):
        under = Image.new("RGBA", image.size, (*background, 255))
        image = Image.alpha_composite(under, image.convert("RGBA"))
    image = image.convert("RGB")
    image.info.clear()
    return image


def _color(name: str) -> tuple[int, ...]:
    try:
        return ImageColor.getrgb(name)[:3]
    except ValueError:
        raise InputError(f"Unknown colour {name!r}: expected a name such as white, or #rrggbb.") from None


def _to_eight_bits(image: Image.Image) -> Image.Image:
    """16-bit grey (0..65535), 32-bit integers taken as such, and floats in 0..1  →  mode L."""
    values = np.nan_to_num(np.asarray(image, dtype=np.float64))
    if image.mode != "F":
        values = values / 257
    elif values.max(initial=0) <= 1:
        values = values * 255
    return Image.fromarray(np.clip(np.rint(values), 0, 255).astype(np.uint8))


def _to_srgb(image: Image.Image, profile: bytes, name: str) -> Image.Image:
    alpha = image.getchannel("A") if image.mode in ("RGBA", "LA") else None
    plain = image.convert("RGB") if image.mode in ("RGBA", "P") else image.convert("L") if image.mode == "LA" else image
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        converted = ImageCms.profileToProfile(plain, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        _log.warning("%s has a colour profile that does not fit it; reading it as sRGB.", name)
        return image
    assert converted is not None
    if alpha is not None:
        converted.putalpha(alpha)
    return converted


def _embedded_text(image: Image.Image) -> str | None:
    text = image.info.get(_PNG_KEY)
    if isinstance(text, str):
        return str(text)
    try:
        comment = image.getexif().get_ifd(_EXIF_IFD).get(_EXIF_USER_COMMENT)
    except Exception:  # broken EXIF is no reason to refuse a picture
        return None
    if isinstance(comment, bytes) and comment.startswith(_EXIF_ASCII):
        return comment.removeprefix(_EXIF_ASCII).decode("ascii", "replace")
    return None


def _exif_with(recipe: str) -> bytes:
    exif = Image.Exif()
    if recipe:
        exif.get_ifd(_EXIF_IFD)[_EXIF_USER_COMMENT] = _EXIF_ASCII + recipe.encode("ascii")
    return exif.tobytes()


def _reason(error: Exception) -> str:
    return str(error).split("\n")[0].rstrip(".") or type(error).__name__
