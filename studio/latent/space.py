"""What a latent space is to the tools of this folder: seeds to latents, latents to pictures, and back where it can."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from torch import Tensor


class LatentSpace(Protocol):
    """A generative model as the tools see it; pipelines of GANs and VAEs are this. L is `latent_size`."""

    @property
    def latent_size(self) -> int:
        """How many numbers a latent has: L."""

    def latents_of(self, seeds: Sequence[int]) -> Tensor:
        """(N, L) float32: the latent of each seed, the same in any company."""

    def decode(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        """(N, L) and classes (N,)  →  (N, C, H, W) in [-1, 1]. Differentiable where gradients are enabled."""

    def activations(self, latents: Tensor) -> Tensor:
        """(N, L)  →  (N, F): what an early hidden layer answers, flattened."""

    def encode(self, pictures: Tensor) -> Tensor | None:
        """(N, C, H, W) in [-1, 1]  →  (N, L), or None from a model that has no encoder."""
