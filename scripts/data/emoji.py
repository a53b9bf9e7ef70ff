"""Emoji to train on: Microsoft's Fluent emoji in 3D, on white paper, 64×64.

    python scripts/data/emoji.py OUT_FOLDER

Reads npm @lobehub/fluent-emoji-3d. Skin tones other than the neutral one, flags, and second copies are left out.
"""

from __future__ import annotations

import io
from collections import Counter

import numpy as np
from packages import Package, arguments, members, save, write_sources
from PIL import Image

PACKAGE = Package(
    registry="npm",
    name="@lobehub/fluent-emoji-3d",
    version="1.1.0",
    sha256="c1bb7eee7de090205a232518a9ab4adb3df458bfbe8a1f78232991194c8b2e58",
    address="https://registry.npmjs.org/@lobehub/fluent-emoji-3d/-/fluent-emoji-3d-1.1.0.tgz",
    licence="MIT (package by LobeHub; the drawings are Fluent Emoji, Microsoft Corporation, MIT)",
)
SIZE = 64
SKIN_TONES = range(0x1F3FB, 0x1F400)
REGIONAL_LETTERS = range(0x1F1E6, 0x1F200)
FLAGS = {0x1F38C, 0x1F3C1, 0x1F3F3, 0x1F3F4, 0x1F6A9}
VARIATION = 0xFE0F  # asks for the coloured form; the picture is the same with it and without


def main() -> None:
    options = arguments(PACKAGE, "Write Fluent emoji as PNG files of 64×64 pixels.")
    pictures: dict[str, np.ndarray] = {}
    known: set[object] = set()
    left_out: Counter[str] = Counter()
    for path, content in members(PACKAGE, options.package, ["package/assets/*.webp"]).items():
        name = path.rsplit("/", 1)[-1].removesuffix(".webp")
        points = tuple(int(point, 16) for point in name.replace("_", "-").split("-"))
        reason = why_not(points)
        if reason is None:
            same = tuple(point for point in points if point != VARIATION)
            pixels = on_white(Image.open(io.BytesIO(content)))
            if same in known or pixels.tobytes() in known:
                reason = "copies"
            known |= {same, pixels.tobytes()}
        if reason is None:
            pictures[f"{name}.png"] = pixels
        else:
            left_out[reason] += 1
    digest = save(options.folder, pictures)
    report = f"{len(pictures)} emoji; left out: " + ", ".join(f"{n} {why}" for why, n in sorted(left_out.items()))
    write_sources(options.folder, PACKAGE, digest, f"{report}.\n\nChanged: set on white and scaled to {SIZE}×{SIZE}.")
    print(f"{options.folder}: {report}")


def why_not(points: tuple[int, ...]) -> str | None:
    if any(point in SKIN_TONES for point in points):
        return "skin tones"
    if points[0] in FLAGS or any(point in REGIONAL_LETTERS for point in points):
        return "flags"
    return None


def on_white(picture: Image.Image) -> np.ndarray:
    """(SIZE, SIZE, 3) uint8: padded to a square, scaled with premultiplied alpha so that no dark rim shows."""
    colour = picture.convert("RGBA")
    side = max(colour.size)
    square = Image.new("RGBA", (side, side))
    square.paste(colour, ((side - colour.width) // 2, (side - colour.height) // 2))
    small = np.asarray(square.convert("RGBa").resize((SIZE, SIZE), Image.Resampling.LANCZOS)).astype(int)
    return np.clip(small[..., :3] + 255 - small[..., 3:], 0, 255).astype(np.uint8)


if __name__ == "__main__":
    main()
