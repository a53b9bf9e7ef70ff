"""Gram matrices of features (Gatys, Ecker & Bethge, "Image Style Transfer Using CNNs", CVPR 2016)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

CHUNK = 8192  # positions converted to float32 at a time: small enough to stay in the cache


def gram_matrix(features: Tensor, weights: Tensor | None = None) -> Tensor:
    """(1, C, H, W) features in any precision  →  (C, C) in float32, the sum over positions of f fᵀ, divided by H · W.

    weights: (H, W), how much each position counts; the sum is then divided by their sum
    (a guided Gram matrix, Gatys et al. 2017, arXiv:1611.07865).
    The matrix is accumulated in float32 (float64 for float64 features) whatever the precision of the features.
    """
    total = features.shape[2] * features.shape[3] if weights is None else weights.sum().clamp(min=1e-6)
    return gram_sum(features, weights) / total


def gram_sum(features: Tensor, weights: Tensor | None = None) -> Tensor:
    """(1, C, H, W)  →  (C, C): the sum of `gram_matrix` before its division, so that tiles can be added up."""
    return _GramSum.apply(features, weights)  # type: ignore[no-any-return, no-untyped-call]


class _GramSum(torch.autograd.Function):
    """Reads channels-last features without a copy and hands back a gradient in the same layout and precision."""

    @staticmethod
    def forward(ctx: Any, features: Tensor, weights: Tensor | None) -> Tensor:
        ctx.save_for_backward(features, weights)
        rows = _rows(features)
        exact = torch.promote_types(features.dtype, torch.float32)
        gram = torch.zeros(rows.shape[1], rows.shape[1], dtype=exact, device=features.device)
        flat = None if weights is None else weights.reshape(-1, 1).to(exact)
        for start in range(0, rows.shape[0], CHUNK):
            chunk = rows[start : start + CHUNK].to(exact)
            weighted = chunk if flat is None else chunk * flat[start : start + CHUNK]
            gram.addmm_(weighted.t(), chunk)
        return gram

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        features, weights = ctx.saved_tensors
        symmetric = (gradient + gradient.t()).to(features.dtype)
        rows = _rows(features) @ symmetric
        if weights is not None:
            rows *= weights.reshape(-1, 1).to(rows.dtype)
        _, channels, height, width = features.shape
        return rows.reshape(1, height, width, channels).permute(0, 3, 1, 2), None


def _rows(features: Tensor) -> Tensor:
    """(1, C, H, W)  →  (H · W, C), a view where the layout is channels last."""
    return features.permute(0, 2, 3, 1).reshape(-1, features.shape[1])
