"""Latents out of seeds: one stream of random numbers for each picture, whatever company it is made in."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from studio.generation.parameters import SEEDS
from studio.latent.interpolation import frame_times


def seeds_from(first: int, count: int) -> list[int]:
    """`count` seeds from the first on."""
    return [(first + number) % SEEDS for number in range(count)]


def truncated(latents: Tensor, bound: float | None) -> Tensor:
    """Standard normal numbers  →  normal numbers that stay within ± `bound`; None leaves them alone.

    Where Brock et al. (2018, arXiv:1809.11096) draw numbers again that lie outside, each goes through its quantile to
    that of the truncated distribution: pictures change continuously with the bound, and keep their character.
    """
    if bound is None:
        return latents
    quantiles = torch.erf(latents.double() / math.sqrt(2)) * math.erf(bound / math.sqrt(2))
    return (torch.erfinv(quantiles) * math.sqrt(2)).clamp(-bound, bound).to(latents.dtype)


def between(points: Tensor, frames: int, *, loop: bool, ease: bool = False) -> Tensor:
    """(K, C) → (frames, C): from point to point in straight lines, in the times of `studio.latent.walk.walk`."""
    times = frame_times(len(points), frames, loop)
    before = times.floor().long()
    part = times - before
    part = (part**2 * (3 - 2 * part) if ease else part).to(points)[:, None]
    after = (before + 1) % len(points) if loop else (before + 1).clamp(max=len(points) - 1)
    return points[before] * (1 - part) + points[after] * part
