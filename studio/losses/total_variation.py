"""Total variation of a picture: how much neighbouring pixels differ."""

from __future__ import annotations

from torch import Tensor


def total_variation(pictures: Tensor) -> Tensor:
    """(B, 3, H, W)  →  scalar: mean squared difference of each pixel to its right and lower neighbours (Mahendran & Vedaldi 2015)."""
    horizontal = (pictures[..., :, 1:] - pictures[..., :, :-1]).square().mean() if pictures.shape[-1] > 1 else 0
    vertical = (pictures[..., 1:, :] - pictures[..., :-1, :]).square().mean() if pictures.shape[-2] > 1 else 0
    return pictures.new_zeros(()) + horizontal + vertical
