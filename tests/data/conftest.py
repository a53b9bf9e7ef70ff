"""Folders of small pictures to read."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

Fill = Callable[..., Path]


def fields(seed: int, size: tuple[int, int] = (48, 40)) -> Image.Image:
    """Smooth colour fields, others for every seed."""
    noise = np.random.default_rng(seed).integers(0, 256, (5, 5, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC)


@pytest.fixture
def fill(tmp_path: Path) -> Fill:
    """A maker of folders: `count` different pictures named prefix-00.png, prefix-01.png, …"""

    def make(
        count: int, folder: str = "pictures", prefix: str = "p", seed: int = 0, size: tuple[int, int] = (48, 40)
    ) -> Path:
        target = tmp_path / folder
        target.mkdir(parents=True, exist_ok=True)
        for index in range(count):
            fields(seed + index, size).save(target / f"{prefix}-{index:02}.png")
        return target

    return make


def pack(folder: Path, target: Path) -> Path:
    """A .zip of a folder."""
    with zipfile.ZipFile(target, "w") as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, path.relative_to(folder).as_posix())
    return target
