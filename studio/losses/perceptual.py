"""How far two pictures are apart for an eye: the distance of their VGG features."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from studio.networks.vgg import VGG

LAYERS = ("relu1_2", "relu2_2", "relu3_2")


def perceptual_distance(
    network: VGG,
    pictures: Tensor,
    others: Tensor,
    layers: Iterable[str] = LAYERS,
    scales: Mapping[str, Tensor] | None = None,
) -> Tensor:
    """(B, 1 or 3, H, W) in [-1, 1], twice  →  a scalar: the mean squared difference of features, each layer relative to
    the mean square of what it sees in `others`, summed over layers (after Johnson et al. 2016, arXiv:1603.08155).

    scales: mean squares to relate to instead, by layer (see `layer_scales`): the distance is then the mean of those of
    the single pairs, however they are divided into batches.
    No gradient flows into `others`.
    """
    wanted = list(layers)
    found = network(_seen(pictures), wanted)
    with torch.no_grad():
        targets = network(_seen(others), wanted)
    losses = []
    for layer in wanted:
        scale = targets[layer].float().square().mean() if scales is None else scales[layer]
        difference = (found[layer] - targets[layer]).float()
        losses.append(difference.square().mean() / scale.clamp(min=1e-12))
    return torch.stack(losses).sum()


@torch.no_grad()
def layer_scales(network: VGG, pictures: Tensor, layers: Iterable[str] = LAYERS) -> dict[str, Tensor]:
    """The mean square of what each layer sees in pictures, (B, 1 or 3, H, W) in [-1, 1]."""
    return {layer: seen.float().square().mean() for layer, seen in network(_seen(pictures), list(layers)).items()}


def _seen(pictures: Tensor) -> Tensor:
    return (pictures.float() / 2 + 0.5).expand(-1, 3, -1, -1)
