"""DCGAN (Radford, Metz & Chintala 2015, arXiv:1511.06434) with a spectrally normalised discriminator.

The generator is the paper's: a latent is projected to 4 × 4 and doubled until it is a picture. The discriminator has
spectral norm (Miyato et al. 2018, arXiv:1802.05957) where the paper has batch norm, and judges a class by projection
(Miyato & Koyama 2018, arXiv:1802.05637).
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as functional
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from studio.errors import ModelError

BASE = 4  # side of the smallest feature map
SIZES = (64, 128)


@dataclass(frozen=True)
class DCGANConfig:
    """size: side of the pictures it is trained on; channels: 3 or 1 (grey); latent: numbers in a latent;

    width: channels of the widest feature map, at half the size; classes: names, empty where there are none;
    doubling: "transposed" convolutions as in the paper, or "resize": nearest neighbours and a convolution, which is a
    third slower and leaves no checkerboard (Odena, Dumoulin & Olah 2016, distill.pub/2016/deconv-checkerboard).
    """

    size: int = 64
    channels: Literal[1, 3] = 3
    latent: int = 128
    width: int = 64
    classes: tuple[str, ...] = ()
    doubling: Literal["transposed", "resize"] = "resize"

    def __post_init__(self) -> None:
        if self.doubling not in ("transposed", "resize"):
            raise ModelError(f"Doubling {self.doubling!r}: Studio knows 'transposed' and 'resize'.")
        if self.size not in SIZES or self.channels not in (1, 3) or self.latent < 1 or self.width < 1:
            raise ModelError(f"No DCGAN is made like this: {self}; sizes are {SIZES}, channels 1 or 3.")

    @property
    def widths(self) -> list[int]:
        """Channels of the feature maps from half the size down to 4 × 4, doubling up to eight times the width."""
        doublings = (self.size // BASE).bit_length() - 1
        return [self.width * min(2**level, 8) for level in range(doublings)]


class Generator(nn.Module):
    """Latents (B, L), standard normal, and labels (B,) where there are classes  →  (B, C, S, S) in [-1, 1].

    A grid of latents (B, L, h, w) gives a picture of (h + 3, w + 3) × S / 4 pixels, whatever its aspect ratio: where
    the reaches of several latents overlap, their sum is scaled back to the variance that one of them has.
    """

    def __init__(self, config: DCGANConfig) -> None:
        super().__init__()
        self.config = config
        widths = config.widths[::-1]
        self.embedding = nn.Embedding(len(config.classes), config.latent) if config.classes else None
        self.projection = nn.ConvTranspose2d(config.latent * (2 if config.classes else 1), widths[0], BASE, bias=False)
        self.first = nn.Sequential(nn.BatchNorm2d(widths[0]), nn.ReLU(inplace=True))
        self.doublings = nn.Sequential(
            *(
                nn.Sequential(
                    _doubling(config.doubling, before, after, bias=False), nn.BatchNorm2d(after), nn.ReLU(inplace=True)
                )
                for before, after in itertools.pairwise(widths)
            )
        )
        self.last = _doubling(config.doubling, widths[-1], config.channels, bias=True)
        self.apply(_initialize)

    def forward(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        return torch.tanh(self.last(self.doublings(self.hidden(latents, labels))))

    def hidden(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        """The first feature map, (B, widest, 4, 4): the activations in which directions are looked for."""
        grid = latents[..., None, None] if latents.ndim == 2 else latents
        if self.embedding is not None:
            assert labels is not None, "a conditional generator needs labels"
            embedded = self.embedding(labels)[..., None, None].expand(-1, -1, *grid.shape[2:])
            grid = torch.cat([grid, embedded], dim=1)
        projected = self.projection(grid)
        if grid.shape[2:] != (1, 1):
            projected = projected / _overlaps(grid).sqrt().to(projected.dtype)
        hidden: Tensor = self.first(projected)
        return hidden


class Discriminator(nn.Module):
    """(B, C, S, S) in [-1, 1], and labels (B,) where there are classes  →  scores (B,), high for real pictures.

    dropout: the part of the last feature map that is left out while it learns (Srivastava et al. 2014).
    """

    def __init__(self, config: DCGANConfig, dropout: float = 0.0) -> None:
        super().__init__()
        self.config, self.dropout = config, dropout
        widths = [config.channels, *config.widths]
        self.halvings = nn.ModuleList(
            spectral_norm(nn.Conv2d(before, after, 4, 2, 1)) for before, after in itertools.pairwise(widths)
        )
        self.score = spectral_norm(nn.Conv2d(widths[-1], 1, BASE))
        self.embedding = spectral_norm(nn.Embedding(len(config.classes), widths[-1])) if config.classes else None

    def forward(self, pictures: Tensor, labels: Tensor | None = None) -> Tensor:
        x = pictures
        for halving in self.halvings:
            x = functional.leaky_relu(halving(x), 0.2)
        if self.dropout:
            x = functional.dropout(x, self.dropout, self.training)
        scores = self.score(x).flatten()
        if self.embedding is not None:
            assert labels is not None, "a conditional discriminator needs labels"
            scores = scores + (self.embedding(labels) * x.mean((2, 3))).sum(1)
        judged: Tensor = scores.float()
        return judged


def _doubling(kind: str, before: int, after: int, *, bias: bool) -> nn.Module:
    if kind == "transposed":
        return nn.ConvTranspose2d(before, after, 4, 2, 1, bias=bias)
    return nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(before, after, 3, padding=1, bias=bias))


def _overlaps(grid: Tensor) -> Tensor:
    """(1, 1, h + 3, w + 3): how many latents of a grid reach each place of the first feature map."""
    ones = torch.ones(1, 1, *grid.shape[2:], device=grid.device)
    return functional.conv_transpose2d(ones, torch.ones(1, 1, BASE, BASE, device=grid.device))


def _initialize(module: nn.Module) -> None:
    """Weights as in the paper, section 4: normal with deviation 0.02."""
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
        nn.init.normal_(module.weight, 0.0, 0.02)
    if isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)
        nn.init.zeros_(module.bias)
