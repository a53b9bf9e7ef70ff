"""DiffAugment (Zhao et al. 2020, arXiv:2006.10738): the same differentiable changes for real and generated pictures.

A discriminator that sees every picture moved, recoloured and with a hole in it cannot learn a small set by heart, and
the generator does not learn the changes, since they are made to its pictures too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

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
    """Brightness, then the distance of each pixel from its grey, then that of each from the picture's mean."""
    brightness, saturation, contrast = (_uniform(pictures, draws) for _ in range(3))
    brightness, saturation, contrast = brightness - 0.5, saturation * 2, contrast + 0.5
    # All three at once, since passes over the pictures are what this costs.
    grey = torch.stack(pictures.unbind(1)).sum(0)[:, None] / pictures.shape[1]
    mean = grey.mean((2, 3), keepdim=True)
    shift = grey * (contrast * (1 - saturation)) + (brightness + (1 - contrast) * mean)
    return pictures * (contrast * saturation) + shift


def _translation(pictures: Tensor, draws: Draws) -> Tensor:
    """Moved by up to an eighth of the side; what comes in is zero, the middle of the range."""
    reach = [int(side * TRANSLATION + 0.5) for side in pictures.shape[2:]]
    down, right = (_integers(pictures, 2 * most + 1, draws) - most for most in reach)
    moved: Tensor = _Moved.apply(pictures, down, right, reach)  # type: ignore[no-untyped-call]
    return moved


class _Moved(torch.autograd.Function):
    """(B, C, H, W) moved by `down` and `right` (B,), at most by `reach`. The gradient is moved back, which takes a
    third of the time that autograd's takes to add up the gradients of the pixels that were picked.
    """

    @staticmethod
    def forward(ctx: Any, pictures: Tensor, down: Tensor, right: Tensor, reach: list[int]) -> Tensor:
        ctx.save_for_backward(down, right)
        ctx.reach = reach
        return _moved(pictures, down, right, reach)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None]:
        down, right = ctx.saved_tensors
        return _moved(gradient, -down, -right, ctx.reach), None, None, None


def _moved(pictures: Tensor, down: Tensor, right: Tensor, reach: list[int]) -> Tensor:
    height, width = pictures.shape[2:]
    padded = functional.pad(pictures, (reach[1], reach[1], reach[0], reach[0])).permute(0, 2, 3, 1)
    windows = padded.unfold(1, height, 1).unfold(2, width, 1).permute(0, 1, 2, 4, 5, 3)  # (B, places, places, H, W, C)
    batch = torch.arange(len(pictures), device=pictures.device)
    return windows[batch, down + reach[0], right + reach[1]].permute(0, 3, 1, 2)


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
