"""What the tasks that learn pictures have in common: batches, variations, measuring against pictures held out."""

from __future__ import annotations

import torch
from PIL import Image
from torch import Tensor

from studio.data.pictures import PictureData
from studio.data.tensors import to_network, to_pictures
from studio.device import Device
from studio.training.draws import Draws
from studio.training.step import Part

SHIFT = 1 / 16  # of the side, at most
COLOR = 0.1  # of brightness and contrast, at most
MOST_MEASURED = 1000  # pictures


def real_batch(
    data: PictureData, part: Part, variations: tuple[str, ...], device: Device
) -> tuple[Tensor, Tensor | None]:
    """The pictures of a part, (B, C, S, S) in [-1, 1], varied, and their labels where there are classes."""
    pictures = vary(to_network(data.pictures[part.indices]), variations, part.draws("variations"))
    labels = data.labels[part.indices].to(device.location) if data.class_names else None
    return device.place(pictures), labels


def vary(pictures: Tensor, variations: tuple[str, ...], draws: Draws) -> Tensor:
    """(B, C, S, S)  →  the same, each picture as another one that the set might hold as well.

    flip: left for right, every second one. turn: by quarter turns. shift: by up to a sixteenth of the side, the border
    repeated. color: brightness and contrast by up to a tenth. A model learns these along with the pictures.
    """
    if "flip" in variations:
        pictures = torch.where(draws.uniform(1, 1, 1) < 0.5, pictures, pictures.flip(3))
    if "turn" in variations:
        turns = draws.integers(4)
        for quarter in (1, 2, 3):
            chosen = turns == quarter
            pictures[chosen] = torch.rot90(pictures[chosen], quarter, (2, 3))
    if "shift" in variations:
        side = pictures.shape[-1]
        most = int(side * SHIFT)
        padded = torch.nn.functional.pad(pictures, (most,) * 4, mode="replicate")
        corners = zip(draws.integers(2 * most + 1).tolist(), draws.integers(2 * most + 1).tolist(), strict=True)
        pictures = torch.stack(
            [
                picture[:, top : top + side, left : left + side]
                for picture, (top, left) in zip(padded, corners, strict=True)
            ]
        )
    if "color" in variations:
        brightness, contrast = ((draws.uniform(1, 1, 1) * 2 - 1) * COLOR for _ in range(2))
        pictures = ((pictures + 2 * brightness) * (1 + contrast)).clamp(-1, 1)
    return pictures


def references(data: PictureData) -> Tensor:
    """The pictures that samples are measured against, uint8: those held out, made up with others to 1,000 at most."""
    held_out = spread(data.held_out, MOST_MEASURED)
    missing = MOST_MEASURED - len(held_out)
    return torch.cat([held_out, spread(data.pictures, missing)]) if missing else held_out


def spread(whole: Tensor, most: int) -> Tensor:
    """So many of (N, …) at most, and more than half as many, from all over it: pictures come by class and by name."""
    return whole[:: max(1, -(-len(whole) // max(1, most)))]


def sheet(pictures: Tensor, columns: int = 8, gap: int = 2) -> Image.Image:
    """(N, C, S, S) in [-1, 1]  →  one picture of all of them in rows."""
    found = to_pictures(pictures)
    width, height = found[0].size
    rows = -(-len(found) // columns)
    whole = Image.new(found[0].mode, (columns * (width + gap) - gap, rows * (height + gap) - gap), "white")
    for place, picture in enumerate(found):
        whole.paste(picture, (place % columns * (width + gap), place // columns * (height + gap)))
    return whole
