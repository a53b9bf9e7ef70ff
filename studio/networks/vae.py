"""A convolutional variational autoencoder (Kingma & Welling 2013, arXiv:1312.6114).

Group norm and SiLU throughout, strided convolutions down, nearest-neighbour doubling and a convolution up (which leaves
no checkerboard; Odena, Dumoulin & Olah 2016).
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from studio.errors import ModelError
from studio.networks.group_norm import GroupNorm

BASE = 4  # side of the smallest feature map
SIZES = (64, 128)
GROUPS = 8


@dataclass(frozen=True)
class VAEConfig:
    """size: side of the pictures; channels: 3 or 1 (grey); latent: numbers in a latent;

    width: channels at half the size, doubling down to 4 × 4 up to eight times; classes: names, empty where none.
    """

    size: int = 64
    channels: Literal[1, 3] = 3
    latent: int = 128
    width: int = 32
    classes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        fits = self.size in SIZES and self.channels in (1, 3) and self.latent > 0 and self.width > 0
        if not fits or self.width % GROUPS:
            raise ModelError(
                f"No VAE is made like this: {self}; sizes are {SIZES}, channels 1 or 3, widths multiples of {GROUPS}."
            )

    @property
    def widths(self) -> list[int]:
        """Channels of the feature maps from half the size down to 4 × 4."""
        halvings = (self.size // BASE).bit_length() - 1
        return [self.width * min(2**level, 8) for level in range(halvings)]


class Encoder(nn.Module):
    """(B, C, S, S) in [-1, 1], labels (B,) where there are classes  →  mean and log variance, (B, L) each.

    dropout: the part of the last feature map that is left out while it learns (Srivastava et al. 2014).
    """

    def __init__(self, config: VAEConfig, dropout: float = 0.0) -> None:
        super().__init__()
        widths = config.widths
        self.first = nn.Conv2d(config.channels, widths[0], 4, 2, 1)
        self.halvings = nn.Sequential(
            *(
                nn.Sequential(_normalized(before), nn.Conv2d(before, after, 4, 2, 1))
                for before, after in itertools.pairwise(widths)
            )
        )
        self.last = nn.Sequential(_normalized(widths[-1]), nn.Flatten(), nn.Dropout(dropout))
        self.moments = nn.Linear(widths[-1] * BASE * BASE, 2 * config.latent)
        self.embedding = nn.Embedding(len(config.classes), widths[0]) if config.classes else None

    def forward(self, pictures: Tensor, labels: Tensor | None = None) -> tuple[Tensor, Tensor]:
        x = self.first(pictures)
        if self.embedding is not None:
            assert labels is not None, "a conditional encoder needs labels"
            x = x + self.embedding(labels)[..., None, None].to(x.dtype)
        mean, log_variance = self.moments(self.last(self.halvings(x))).float().chunk(2, dim=1)
        return mean, log_variance.clamp(-20, 10)


class Decoder(nn.Module):
    """Latents (B, L), labels (B,) where there are classes  →  (B, C, S, S) in [-1, 1]."""

    def __init__(self, config: VAEConfig) -> None:
        super().__init__()
        widths = config.widths[::-1]
        self.embedding = nn.Embedding(len(config.classes), config.latent) if config.classes else None
        # A linear layer, written as a convolution so that a picture does not depend on the batch that it is in.
        self.projection = nn.ConvTranspose2d(config.latent * (2 if config.classes else 1), widths[0], BASE)
        self.doublings = nn.Sequential(
            *(_doubling(before, after) for before, after in zip(widths, [*widths[1:], widths[-1]], strict=True))
        )
        self.last = nn.Sequential(_normalized(widths[-1]), nn.Conv2d(widths[-1], config.channels, 3, padding=1))

    def forward(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        return torch.tanh(self.last(self.doublings(self.hidden(latents, labels))).float())

    def hidden(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        """The first feature map, (B, widest, 4, 4): the activations in which directions are looked for."""
        if self.embedding is not None:
            assert labels is not None, "a conditional decoder needs labels"
            latents = torch.cat([latents, self.embedding(labels)], dim=1)
        hidden: Tensor = self.projection(latents[..., None, None])
        return hidden


class VAE(nn.Module):
    """An encoder and a decoder. forward: (B, C, S, S) in [-1, 1]  →  reconstruction, mean, log variance.

    dropout: of the encoder.
    """

    def __init__(self, config: VAEConfig, dropout: float = 0.0) -> None:
        super().__init__()
        self.config = config
        self.encoder, self.decoder = Encoder(config, dropout), Decoder(config)

    def forward(self, pictures: Tensor, noise: Tensor, labels: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """noise: (B, L), standard normal; zeros give the reconstruction of the mean."""
        mean, log_variance = self.encoder(pictures, labels)
        latents = mean + noise * (0.5 * log_variance).exp()
        return self.decoder(latents, labels), mean, log_variance


def _normalized(width: int) -> nn.Sequential:
    return nn.Sequential(GroupNorm(GROUPS, width), nn.SiLU())


def _doubling(before: int, after: int) -> nn.Sequential:
    return nn.Sequential(_normalized(before), nn.Upsample(scale_factor=2), nn.Conv2d(before, after, 3, padding=1))
