"""Pictures of every kind come in as 8-bit sRGB, and what is no picture is refused in one line."""

from __future__ import annotations

import io
import logging
import struct
import time
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from studio.device import choose
from studio.errors import InputError, OutputError
from studio.media import files, images
from studio.media.images import encode_picture, open_mask, open_picture

Pixel = tuple[int, int, int]
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
LAB = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
RECIPE = '{"name": "Gem\\u00e4lde \\u753b.png"}'


def swapped_primaries() -> bytes:
    """sRGB with red and green exchanged: what a file calls (255, 0, 0) is the green of sRGB."""
    tags = {b"rXYZ": b"gXYZ", b"gXYZ": b"rXYZ"}
    table = SRGB[128 : 132 + 12 * int.from_bytes(SRGB[128:132], "big")]
    swapped = b"".join(tags.get(table[at : at + 4], table[at : at + 4]) for at in range(0, len(table), 4))
    return SRGB[:128] + swapped + SRGB[128 + len(table) :]


def saved(tmp_path: Path, image: Image.Image, name: str, **options: Any) -> Path:
    image.save(tmp_path / name, **options)
    return tmp_path / name


def pixel(image: Image.Image, x: int = 0, y: int = 0) -> Pixel:
    found = image.getpixel((x, y))
    assert isinstance(found, tuple) and len(found) == 3
    return found[0], found[1], found[2]


def near(found: Pixel, expected: Pixel, within: int = 2) -> bool:
    return all(abs(a - b) <= within for a, b in zip(found, expected, strict=True))


def field(size: tuple[int, int] = (8, 6), seed: int = 0) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8))


TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@pytest.mark.parametrize("orientation", TURNS)
def test_exif_orientation_is_applied(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    found = open_picture(saved(tmp_path, field(), "a.png", exif=exif)).image
    assert found.tobytes() == field().transpose(TURNS[orientation]).tobytes()
    assert found.size == ((6, 8) if orientation > 4 else (8, 6))
    assert found.getexif().get(0x0112) is None  # not applied a second time by whoever opens it next


def test_a_colour_profile_is_converted(tmp_path: Path) -> None:
    red = Image.new("RGB", (4, 4), (255, 0, 0))
    found = open_picture(saved(tmp_path, red, "a.png", icc_profile=swapped_primaries())).image
    assert near(pixel(found), (0, 255, 0))
    assert "icc_profile" not in found.info


def test_a_colour_profile_and_transparency(tmp_path: Path) -> None:
    red = Image.new("RGBA", (4, 4), (255, 0, 0, 128))
    found = open_picture(saved(tmp_path, red, "a.png", icc_profile=swapped_primaries()), background="black").image
    assert near(pixel(found), (0, 128, 0))


@pytest.mark.parametrize("mode", ["P", "RGB", "L"])
def test_a_colour_profile_and_one_transparent_colour(tmp_path: Path, mode: str) -> None:
    """Transparency as PNG keeps it for these modes: one colour that stands for nothing."""
    clear: Any = {"P": 0, "RGB": (255, 0, 0), "L": 76}[mode]
    image = Image.new("P", (4, 4), 0)
    image.putpalette([255, 0, 0, 0, 255, 0])
    image.putpixel((3, 3), 1)
    image = image if mode == "P" else image.convert(mode)
    without = open_picture(saved(tmp_path, image, "a.png", transparency=clear), background="blue").image
    assert pixel(without) == (0, 0, 255) and pixel(without, 3, 3) != (0, 0, 255)
    found = open_picture(saved(tmp_path, image, "b.png", transparency=clear, icc_profile=SRGB), background="blue").image
    assert near(pixel(found), (0, 0, 255)) and near(pixel(found, 3, 3), pixel(without, 3, 3))


def test_an_srgb_profile_changes_nothing(tmp_path: Path) -> None:
    found = open_picture(saved(tmp_path, field(), "a.png", icc_profile=SRGB)).image
    difference = np.abs(np.asarray(found, dtype=int) - np.asarray(field(), dtype=int))
    assert difference.max() <= 1


@pytest.mark.parametrize("profile", [b"junk", SRGB[:200], SRGB[:36] + b"xxxx" + SRGB[40:], LAB])
def test_a_profile_that_is_damaged_or_does_not_fit_is_left_out_with_a_note(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, profile: bytes
) -> None:
    found = open_picture(saved(tmp_path, field(), "a.png", icc_profile=profile)).image
    assert found.tobytes() == field().tobytes()
    assert "a.png has a colour profile that does not fit it; reading it as sRGB." in caplog.text


@pytest.mark.parametrize(
    ("background", "expected"),
    [("white", (255, 127, 127)), ("black", (128, 0, 0)), ("#0000ff", (128, 0, 127)), ("rgb(0, 255, 0)", (128, 127, 0))],
)
def test_transparency_is_put_on_a_colour(tmp_path: Path, background: str, expected: Pixel) -> None:
    image = Image.new("RGBA", (4, 4), (255, 0, 0, 128))
    for source in (image, saved(tmp_path, image, "a.png"), saved(tmp_path, image, "a.webp", lossless=True)):
        assert near(pixel(open_picture(source, background=background).image), expected)


def test_an_unknown_colour(tmp_path: Path) -> None:
    path = saved(tmp_path, Image.new("RGBA", (4, 4)), "a.png")
    with pytest.raises(InputError, match="Unknown colour 'grue': expected a name such as white, or #rrggbb"):
        open_picture(path, background="grue")


def sixteen_bits(values: list[int]) -> Image.Image:
    return Image.fromarray(np.array([values], dtype=np.uint16))


def floats(values: list[float]) -> Image.Image:
    return Image.fromarray(np.array([values], dtype=np.float32))


def palette() -> Image.Image:
    image = Image.new("P", (2, 1))
    image.putpalette([10, 20, 30, 200, 100, 50])
    image.putpixel((1, 0), 1)
    return image


@pytest.mark.parametrize(
    ("image", "name", "options", "expected"),
    [
        (Image.new("L", (2, 1), 77), "grey.png", {}, [(77, 77, 77)] * 2),
        (Image.new("L", (2, 1), 77), "grey.jpg", {}, [(77, 77, 77)] * 2),
        (Image.new("1", (2, 1), 1), "one_bit.png", {}, [(255, 255, 255)] * 2),
        (Image.new("LA", (2, 1), (100, 0)), "grey_alpha.png", {}, [(255, 255, 255)] * 2),
        (Image.new("LA", (2, 1), (100, 255)), "grey_alpha.png", {}, [(100, 100, 100)] * 2),
        (palette(), "palette.png", {}, [(10, 20, 30), (200, 100, 50)]),
        (palette(), "palette.png", {"transparency": 1}, [(10, 20, 30), (255, 255, 255)]),
        (palette(), "palette.png", {"transparency": bytes([255, 0])}, [(10, 20, 30), (255, 255, 255)]),
        (palette(), "palette.gif", {}, [(10, 20, 30), (200, 100, 50)]),
        (palette(), "palette.bmp", {}, [(10, 20, 30), (200, 100, 50)]),
        (sixteen_bits([0, 257 * 128, 65535]), "deep.png", {}, [(0, 0, 0), (128, 128, 128), (255, 255, 255)]),
        (sixteen_bits([0, 257 * 128, 65535]), "deep.tif", {}, [(0, 0, 0), (128, 128, 128), (255, 255, 255)]),
        (floats([0.0, 0.5, 1.0]), "unit.tif", {}, [(0, 0, 0), (128, 128, 128), (255, 255, 255)]),
        (floats([-5.0, 128.0, 300.0]), "bytes.tif", {}, [(0, 0, 0), (128, 128, 128), (255, 255, 255)]),
        (Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "print.jpg", {"quality": 100}, [(255, 0, 0)] * 4),
        (Image.new("CMYK", (2, 1), (255, 0, 255, 0)), "print.tif", {}, [(0, 255, 0)] * 2),
        (Image.new("RGB", (2, 1), (1, 2, 3)), "plain.ppm", {}, [(1, 2, 3)] * 2),
        (Image.new("RGB", (32, 32), (200, 100, 50)), "new.avif", {"quality": 100}, [(200, 100, 50)] * 4),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_kind_of_picture(
    tmp_path: Path, image: Image.Image, name: str, options: dict[str, Any], expected: list[Pixel]
) -> None:
    found = open_picture(saved(tmp_path, image, name, **options)).image
    assert found.mode == "RGB" and found.size == image.size
    for x, color in enumerate(expected):
        assert near(pixel(found, x), color), f"{pixel(found, x)} at {x}"


def test_a_float_picture_with_holes_reads_without_a_warning(tmp_path: Path) -> None:
    found = open_picture(saved(tmp_path, floats([float("nan"), 0.5, float("inf")]), "a.tif")).image
    assert found.size == (3, 1)


@pytest.mark.parametrize("suffix", ["gif", "webp", "png"])
def test_of_an_animation_the_first_frame_is_taken_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, suffix: str
) -> None:
    frames = [Image.new("RGB", (8, 8), color) for color in ("red", "green", "blue")]
    path = saved(tmp_path, frames[0], f"a.{suffix}", save_all=True, append_images=frames[1:])
    assert near(pixel(open_picture(path).image), (255, 0, 0), 4)
    assert f"{path} is animated with 3 frames; taking the first." in caplog.text
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


def test_a_still_picture_is_opened_without_a_word(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    open_picture(saved(tmp_path, field(), "a.gif"))
    assert not caplog.records


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def claiming(width: int, height: int) -> bytes:
    """A PNG of a few bytes whose header claims any size."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")


def test_a_picture_that_claims_to_be_huge_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    (tmp_path / "bomb.png").write_bytes(claiming(100_000, 100_000))
    memory, started = choose("cpu").peak_memory(), time.monotonic()
    with pytest.raises(InputError, match=r"bomb\.png is 100000 × 100000, 10000 megapixels; at most 64 are accepted"):
        open_picture(tmp_path / "bomb.png")
    assert time.monotonic() - started < 1
    assert choose("cpu").peak_memory() - memory < 50_000_000


@pytest.mark.parametrize(
    "content",
    [
        b"GIF89a"
        + struct.pack("<HH", 65535, 65535)
        + b"\0\0\0"
        + b","
        + struct.pack("<HHHH", 0, 0, 65535, 65535)
        + b"\0\2\0;",
        b"P6 90000 90000 255\n" + bytes(100),
        b"BM"
        + struct.pack("<IHHIIiiHHIIiiII", 154, 0, 0, 54, 40, 30000, 30000, 1, 24, 0, 100, 0, 0, 0, 0)
        + bytes(100),
    ],
    ids=["gif", "ppm", "bmp"],
)
def test_so_is_one_of_another_format(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bomb").write_bytes(content)
    with pytest.raises(InputError, match="megapixels; at most 64 are accepted"):
        open_picture(tmp_path / "bomb")


def test_the_limit_is_64_megapixels_and_an_option_moves_it(tmp_path: Path) -> None:
    (tmp_path / "over.png").write_bytes(claiming(8001, 8000))
    (tmp_path / "under.png").write_bytes(claiming(8000, 8000))
    with pytest.raises(InputError, match="megapixels"):
        open_picture(tmp_path / "over.png")
    with pytest.raises(InputError, match="damaged or cut off"):
        open_picture(tmp_path / "under.png")
    with pytest.raises(InputError, match="damaged or cut off"):
        open_picture(tmp_path / "over.png", max_pixels=65_000_000)
    path = saved(tmp_path, field((100, 100)), "small.png")
    with pytest.raises(InputError, match="raise --max-megapixels"):
        open_picture(path, max_pixels=9_999)
    assert open_picture(path, max_pixels=10_000).image.size == (100, 100)


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "gif", "bmp", "tif", "ppm", "avif"])
def test_the_limit_of_the_library_below_is_not_in_the_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    """Pillow refuses twice its own limit, 179 megapixels by default: an option that raises ours has to go past it."""
    path = saved(tmp_path, field((40, 40)), f"a.{suffix}")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    assert open_picture(path).image.size == (40, 40)
    assert Image.MAX_IMAGE_PIXELS == 100


def whole(suffix: str) -> bytes:
    buffer = io.BytesIO()
    field((64, 64)).save(buffer, {"jpg": "JPEG", "tif": "TIFF"}.get(suffix, suffix.upper()))
    return buffer.getvalue()


def refusals(tmp_path: Path) -> dict[str, tuple[Path, str]]:
    """What is no picture, and the words it is refused with."""
    contents = {
        "text.jpg": (b"Dear diary,\n" * 50, "is not a picture that can be read; expected PNG, JPEG"),
        "drawing.svg": (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "is not a picture that can be read"),
        "paper.pdf": (b"%PDF-1.7\n%%EOF", "is not a picture that can be read"),
        "print.eps": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "is not a picture that can be read"),
        "empty.png": (b"", "is empty; expected a picture"),
        "half.jpg": (whole("jpg")[:1500], "is damaged or cut off"),
        "half.png": (whole("png")[:1500], "is damaged or cut off"),
        "half.webp": (whole("webp")[:700], "is damaged or cut off"),
        "half.gif": (whole("gif")[:1500], "is damaged or cut off"),
        "half.bmp": (whole("bmp")[:1500], "is damaged or cut off"),
    }
    found = {name: (tmp_path / name, words) for name, (_, words) in contents.items()}
    for name, (content, _) in contents.items():
        (tmp_path / name).write_bytes(content)
    found["folder"] = (tmp_path, "is a folder; expected a file")
    found["missing"] = (tmp_path / "missing.png", "There is no file")
    return found


@pytest.mark.parametrize("kind", [
    "text.jpg", "drawing.svg", "paper.pdf", "print.eps", "empty.png", "half.jpg", "half.png", "half.webp", "half.gif",
    "half.bmp", "folder", "missing",
])  # fmt: skip
def test_what_is_no_picture_is_refused_in_one_line(tmp_path: Path, kind: str) -> None:
    path, words = refusals(tmp_path)[kind]
    with pytest.raises(InputError) as refused:
        open_picture(path)
    assert words in str(refused.value) and path.name in str(refused.value) and "\n" not in str(refused.value)


def test_a_broken_picture_that_is_open_already_is_refused_too() -> None:
    with pytest.raises(InputError, match="damaged or cut off"):
        open_picture(Image.open(io.BytesIO(whole("jpg")[:1500])))


def test_a_picture_from_memory(tmp_path: Path) -> None:
    image = field()
    first, second = open_picture(image), open_picture(image.copy())
    assert first.name == "" and first.sha256 == second.sha256 != open_picture(field(seed=1)).sha256
    turned = Image.frombytes("RGB", (6, 8), image.tobytes())
    assert open_picture(turned).sha256 != first.sha256


def test_a_picture_knows_its_file(tmp_path: Path) -> None:
    path = saved(tmp_path, field(), "Gemälde 画.png")
    found = open_picture(path)
    assert (found.name, found.sha256) == ("Gemälde 画.png", files.sha256(path.read_bytes()))
    assert found.recipe is None


def test_a_mask_is_grey_and_black_where_it_is_transparent(tmp_path: Path) -> None:
    image = Image.new("RGBA", (4, 2), (255, 255, 255, 0))
    image.putpixel((0, 0), (255, 255, 255, 255))
    mask = open_mask(saved(tmp_path, image, "mask.png"), (4, 2)).image
    assert mask.mode == "L" and list(mask.tobytes()) == [255, 0, 0, 0, 0, 0, 0, 0]


def test_a_mask_of_another_size_is_resized_and_it_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = saved(tmp_path, Image.new("L", (4, 2), 200), "mask.png")
    assert open_mask(path, (4, 2)).image.size == (4, 2) and not caplog.records
    assert open_mask(path, (8, 8)).image.getpixel((5, 5)) == 200
    assert "mask mask.png is 4 × 2; resizing it to 8 × 8." in caplog.text


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".jpeg", ".webp", ".PNG"])
class TestWriting:
    def test_a_recipe_comes_back(self, tmp_path: Path, suffix: str) -> None:
        path = images.write_picture(field(), tmp_path / f"a{suffix}", RECIPE)
        assert images.read_recipe_text(path) == RECIPE
        assert open_picture(path).recipe == RECIPE

    def test_without_a_recipe_there_is_none(self, tmp_path: Path, suffix: str) -> None:
        path = images.write_picture(field(), tmp_path / f"a{suffix}")
        assert images.read_recipe_text(path) is None

    def test_the_same_picture_gives_the_same_bytes(self, suffix: str) -> None:
        first = encode_picture(field(), suffix, RECIPE)
        time.sleep(0.01)
        assert encode_picture(field(), suffix, RECIPE) == first

    def test_it_holds_no_time(self, suffix: str) -> None:
        content = encode_picture(field(), suffix, RECIPE)
        exif = Image.open(io.BytesIO(content)).getexif()
        assert not {0x0132, 0x9003, 0x9004} & {*exif, *exif.get_ifd(0x8769)}
        assert b"tIME" not in content and time.strftime("%Y:%m:%d").encode() not in content

    def test_a_recipe_of_many_inputs_fits_or_is_refused_in_one_line(self, suffix: str) -> None:
        """EXIF in a JPEG holds 64 KB: what does not fit may not end in a traceback after hours of work."""
        recipe = '{"long": "' + "x" * 80_000 + '"}'
        try:
            content = encode_picture(field(), suffix, recipe)
        except OutputError as error:
            assert "\n" not in str(error)
        else:
            assert Image.open(io.BytesIO(content)).size == (8, 6)


def test_png_keeps_every_pixel_and_only_what_it_needs() -> None:
    content = encode_picture(field(), ".png", RECIPE)
    assert np.array_equal(Image.open(io.BytesIO(content)), field())
    at, kinds = 8, []
    while at < len(content):
        kinds.append(content[at + 4 : at + 8])
        at += 12 + int.from_bytes(content[at : at + 4], "big")
    assert kinds == [b"IHDR", b"iTXt", b"IDAT", b"IEND"]


@pytest.mark.parametrize("name", ["a.gif", "a.tiff", "a"])
def test_other_formats_are_not_written(tmp_path: Path, name: str) -> None:
    with pytest.raises(OutputError, match=r"expected \.png, \.jpg, \.jpeg, \.webp"):
        images.write_picture(field(), tmp_path / name)
    assert not list(tmp_path.iterdir())
