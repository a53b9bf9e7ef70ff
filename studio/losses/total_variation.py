"""Total variation of a picture: how much neighbouring pixels differ."""

from __future__ import annotations

from torch import Tensor


def total_variation(pictures: Tensor) -> Tensor:
    """(B, 3, H, W)  →  scalar: the mean squared difference of pixels to their right neighbours plus to their lower.

    After Mahendran & Vedaldi 2015 (arXiv:1412.0035), with the exponent 2.
    """
    horizontal = (pictures[..., :, 1:] - pictures[..., :, :-1]).square().mean() if pictures.shape[-1] > 1 else 0
    vertical = (pictures[..., 1:, :] - pictures[..., :-1, :]).square().mean() if pictures.shape[-2] > 1 else 0
    return pictures.new_zeros(()) + horizontal + vertical
