"""Any damage to a picture file is harmless or refused in one line; nothing else comes out, not even a warning."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from studio.errors import InputError
from studio.media.images import encode_picture, open_picture, read_recipe_text

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "AVIF")


def whole(kind: str) -> bytes:
    pixels = np.random.default_rng(0).integers(0, 256, (24, 24, 3), dtype=np.uint8)
    image, buffer = Image.fromarray(pixels), io.BytesIO()
    if kind in ("PNG", "JPEG", "WEBP"):
        return encode_picture(image, f".{kind.lower()}", '{"studio-recipe": 1}')
    frames = [image.rotate(90)] if kind in ("GIF", "TIFF") else []
    image.save(buffer, kind, **({"save_all": True, "append_images": frames} if frames else {}))
    return buffer.getvalue()


WHOLE = {kind: whole(kind) for kind in FORMATS}


def check(content: bytes, folder: Path) -> None:
    path = folder / "damaged"
    path.write_bytes(content)
    for read in (open_picture, read_recipe_text):
        try:
            read(path)
        except InputError as error:
            assert "\n" not in str(error) and len(str(error)) < 500


@pytest.mark.parametrize("kind", FORMATS)
@given(cut=st.floats(0, 1))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_cut_off_anywhere(tmp_path: Path, kind: str, cut: float) -> None:
    check(WHOLE[kind][: int(cut * len(WHOLE[kind]))], tmp_path)


@pytest.mark.parametrize("kind", FORMATS)
@given(damage=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.binary(min_size=1, max_size=4)), max_size=4))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_overwritten_anywhere(tmp_path: Path, kind: str, damage: list[tuple[float, bytes]]) -> None:
    content = bytearray(WHOLE[kind])
    for place, noise in damage:
        at = int(place**3 * len(content))  # most of it in the header
        content[at : at + len(noise)] = noise
    check(bytes(content), tmp_path)
