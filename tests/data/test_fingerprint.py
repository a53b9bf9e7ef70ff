"""The same picture is found again however it was saved; different ones stay, however alike they are at a glance."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageOps

from studio.data.fingerprint import DISTANCE, first_alike, perceptual_hash

ROOT = Path(__file__).parent.parent.parent
PHOTOGRAPHS = sorted((ROOT / "samples").glob("content/*.jpg")) + sorted((ROOT / "samples").glob("style/*.jpg"))


def pixels(*pictures: Image.Image, mode: str = "RGB") -> np.ndarray:
    fitted = [np.asarray(ImageOps.fit(picture.convert(mode), (64, 64))) for picture in pictures]
    return np.stack(fitted).reshape(len(fitted), 64, 64, -1).transpose(0, 3, 1, 2)


def saved(picture: Image.Image, kind: str, **options: int) -> Image.Image:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return Image.open(buffer)


def glyph(seed: int, width: int = 3) -> Image.Image:
    random = np.random.default_rng(seed)
    picture = Image.new("L", (105, 105), 255)
    for _ in range(random.integers(1, 4)):
        points = [tuple(point) for point in random.integers(10, 95, (3, 2)).tolist()]
        ImageDraw.Draw(picture).line(points, fill=0, width=width)
    return picture


@pytest.mark.parametrize("path", PHOTOGRAPHS, ids=lambda path: path.stem)
def test_a_photograph_saved_anew_is_the_same_and_its_mirror_image_is_not(path: Path) -> None:
    picture = Image.open(path).convert("RGB")
    copies = [
        saved(picture, "JPEG", quality=30),
        saved(picture.resize((picture.width // 3, picture.height // 3)), "WEBP", quality=40),
        saved(picture, "GIF"),
    ]
    assert first_alike(pixels(picture, *copies, ImageOps.mirror(picture))).tolist() == [0, 0, 0, 0, 4]


def test_photographs_are_far_apart() -> None:
    hashes = perceptual_hash(pixels(*(Image.open(path) for path in PHOTOGRAPHS)))
    distances = np.bitwise_count(hashes[:, None] ^ hashes[None])[~np.eye(len(hashes), dtype=bool)]
    assert distances.min() > DISTANCE and 28 < distances.mean() < 36


def test_glyphs_are_not_taken_for_one_another() -> None:
    first = first_alike(pixels(*(glyph(seed) for seed in range(400)), mode="L"))
    assert np.array_equal(first, np.arange(400))


def test_a_glyph_saved_smaller_is_found() -> None:
    pairs = [form for seed in range(50) for form in (glyph(seed), saved(glyph(seed).resize((70, 70)), "JPEG"))]
    assert first_alike(pixels(*pairs, mode="L"))[1::2].tolist() == list(range(0, 100, 2))


def test_a_dot_elsewhere_is_another_picture() -> None:
    dots = []
    for place in range(8):
        dots.append(Image.new("L", (64, 64), 255))
        ImageDraw.Draw(dots[-1]).rectangle((8 * place, 30, 8 * place + 3, 33), fill=0)
    assert first_alike(pixels(*dots, mode="L")).tolist() == list(range(8))


def test_flat_pictures_are_told_apart_by_their_colour() -> None:
    colors = ["white", "black", "red", "blue", "#808080", "white"]
    assert first_alike(pixels(*(Image.new("RGB", (64, 64), color) for color in colors))).tolist() == [0, 1, 2, 3, 4, 0]


@pytest.mark.parametrize("count", [0, 1])
def test_few(count: int) -> None:
    assert first_alike(np.zeros((count, 3, 64, 64), np.uint8)).tolist() == list(range(count))
