"""Two small latent spaces that do real arithmetic: one linear, so that answers are known, and one of convolutions."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional


class Seeded:
    """Standard normal latents, each from a stream of its own."""

    latent_size: int

    def latents_of(self, seeds: Sequence[int]) -> Tensor:
        return torch.stack([torch.randn(self.latent_size, generator=torch.Generator().manual_seed(s)) for s in seeds])


class LinearSpace(Seeded):
    """Activations are latents @ spread, with singular values of one's choice; pictures are grey, 4 × 4."""

    def __init__(self, values: Sequence[float], features: int = 40, encodes: bool = False) -> None:
        random = torch.Generator().manual_seed(3)
        self.latent_size = len(values)
        self.turn = torch.linalg.qr(torch.randn(len(values), len(values), generator=random)).Q
        other = torch.linalg.qr(torch.randn(features, features, generator=random)).Q[: len(values)]
        self.spread = self.turn @ torch.diag(torch.tensor(values)) @ other
        self.paint = torch.linalg.qr(torch.randn(16, len(values), generator=random)).Q
        self.encodes = encodes

    def decode(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        return (latents @ self.paint.T).reshape(-1, 1, 4, 4)

    def activations(self, latents: Tensor) -> Tensor:
        return latents @ self.spread

    def encode(self, pictures: Tensor) -> Tensor | None:
        return pictures.flatten(1) @ self.paint if self.encodes else None


class ConvSpace(Seeded, nn.Module):
    """A seeded decoder of 16 × 16 pictures; `classes` > 0 gives it an embedding of them."""

    def __init__(self, latent_size: int = 16, channels: int = 3, classes: int = 0) -> None:
        super().__init__()
        self.latent_size = latent_size
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(11)
            self.first = nn.Linear(latent_size, 32 * 4 * 4)
            self.second = nn.Conv2d(32, 24, 3, padding=1)
            self.third = nn.Conv2d(24, channels, 3, padding=1)
            for layer in (self.first, self.second, self.third):
                nn.init.kaiming_normal_(layer.weight, 0.2)
            self.classes = nn.Embedding(classes, latent_size) if classes else None

    def activations(self, latents: Tensor) -> Tensor:
        return functional.leaky_relu(self.first(latents), 0.2)

    def decode(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        if self.classes is not None:
            assert labels is not None and len(labels) == len(latents)
            latents = latents + 2 * self.classes(labels)
        hidden = self.activations(latents).unflatten(1, (32, 4, 4))
        hidden = functional.leaky_relu(self.second(functional.interpolate(hidden, scale_factor=2.0)), 0.2)
        return torch.tanh(self.third(functional.interpolate(hidden, scale_factor=2.0)) / 2)

    def encode(self, pictures: Tensor) -> Tensor | None:
        return None
