"""DiffAugment (Zhao et al. 2020, arXiv:2006.10738): the same differentiable changes for real and generated pictures.

A discriminator that sees every picture moved, recoloured and with a hole in it cannot learn a small set by heart, and
the generator does not learn the changes, since they are made to its pictures too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
import torch.nn.functional as functional
from torch import Tensor

from studio.training.draws import Draws

TRANSLATION = 1 / 8  # of the side, at most
CUTOUT = 1 / 2  # of the side
FEW = 2000  # pictures
ALL, LITTLE = ("color", "translation", "cutout"), ("translation",)


def chosen_for(count: int, kinds: Iterable[str]) -> tuple[str, ...]:
    """The kinds asked for, with "auto" as what suits a set of `count` pictures: a small one is soon known by heart,
    a large one is learnt faster with little of it.
    """
    own = ALL if count < FEW else LITTLE
    asked = [part for kind in kinds for part in (own if kind == "auto" else (kind,))]
    return tuple(dict.fromkeys(asked))


def augment(pictures: Tensor, kinds: Iterable[str], draws: Draws) -> Tensor:
    """(B, C, H, W) in [-1, 1]  →  the same shape, each picture changed in its own way by each kind in turn.

    kinds: "color" (brightness, saturation, contrast), "translation", "cutout", "flip".
    """
    for kind in kinds:
        pictures = AUGMENTATIONS[kind](pictures, draws)
    return pictures


def _color(pictures: Tensor, draws: Draws) -> Tensor:
    brightness, saturation, contrast = (_uniform(pictures, draws) for _ in range(3))
    pictures = pictures + (brightness - 0.5)
    grey = pictures.mean(1, keepdim=True)
    pictures = grey + (pictures - grey) * (saturation * 2)
    mean = pictures.mean((1, 2, 3), keepdim=True)
    return mean + (pictures - mean) * (contrast + 0.5)


def _translation(pictures: Tensor, draws: Draws) -> Tensor:
    """Moved by up to an eighth of the side; what comes in is zero, the middle of the range."""
    height, width = pictures.shape[2:]
    reach = int(height * TRANSLATION + 0.5), int(width * TRANSLATION + 0.5)
    padded = functional.pad(pictures, (reach[1], reach[1], reach[0], reach[0]))
    down, right = (_integers(pictures, 2 * most + 1, draws) for most in reach)
    rows = down[:, None] + torch.arange(height, device=pictures.device)
    columns = right[:, None] + torch.arange(width, device=pictures.device)
    batch = torch.arange(len(pictures), device=pictures.device)[:, None, None]
    moved = padded.permute(0, 2, 3, 1)[batch, rows[:, :, None], columns[:, None, :]]
    return moved.permute(0, 3, 1, 2)


def _cutout(pictures: Tensor, draws: Draws) -> Tensor:
    """A square of half the side set to zero, anywhere, reaching over the border too."""
    height, width = pictures.shape[2:]
    holes = []
    for side in (height, width):
        length = int(side * CUTOUT + 0.5)
        start = _integers(pictures, side + 1 - length % 2, draws)[:, None] - length // 2
        places = torch.arange(side, device=pictures.device)
        holes.append((places >= start) & (places < start + length))
    hole = holes[0][:, None, :, None] & holes[1][:, None, None, :]
    return pictures * ~hole


def _flip(pictures: Tensor, draws: Draws) -> Tensor:
    return torch.where(_uniform(pictures, draws) < 0.5, pictures, pictures.flip(3))


def _uniform(pictures: Tensor, draws: Draws) -> Tensor:
    """(B, 1, 1, 1) in [0, 1)."""
    return draws.uniform(1, 1, 1).to(pictures.device)


def _integers(pictures: Tensor, end: int, draws: Draws) -> Tensor:
    """(B,) in [0, end)."""
    return draws.integers(end).to(pictures.device)


AUGMENTATIONS: dict[str, Callable[[Tensor, Draws], Tensor]] = {
    "color": _color,
    "translation": _translation,
    "cutout": _cutout,
    "flip": _flip,
}
