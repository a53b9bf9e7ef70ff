"""The three forms of a picture: uint8 tensors in a dataset, floats in [-1, 1] for networks, PIL at the edges."""

from __future__ import annotations

import torch
from PIL import Image
from torch import Tensor


def to_network(pictures: Tensor) -> Tensor:
    """uint8 in 0..255, any shape  →  float32 in [-1, 1]: black is -1, white is 1."""
    return pictures.to(torch.float32) / 127.5 - 1


def to_uint8(pictures: Tensor) -> Tensor:
    """Floats in [-1, 1], any shape  →  uint8 in 0..255, to the nearest; what lies outside is clamped.

    The inverse of `to_network`, exactly.
    """
    return ((pictures.detach().to(torch.float32) + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)


def to_pictures(pictures: Tensor) -> list[Image.Image]:
    """(B, C, H, W) floats in [-1, 1]  →  B pictures of mode L for C = 1, RGB for C = 3."""
    rows = to_uint8(pictures).permute(0, 2, 3, 1).cpu().numpy()
    return [Image.fromarray(row[:, :, 0] if row.shape[2] == 1 else row) for row in rows]
