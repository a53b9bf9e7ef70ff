"""An exponential moving average of a network: what one samples from."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn


def averaged_copy(network: nn.Module) -> nn.Module:
    """A copy to average into, which is never trained."""
    return copy.deepcopy(network).requires_grad_(False).eval()


@torch.no_grad()
def update(average: nn.Module, network: nn.Module, step: int, decay: float) -> None:
    """Move the average towards the network as it is after `step` (from 1): buffers are copied, parameters averaged.

    The decay warms up as min(decay, (1 + step) / (10 + step)), so that the random start is soon forgotten.
    """
    weight = 1 - min(decay, (1 + step) / (10 + step))
    averages: list[Tensor] = list(average.parameters())
    values: list[Tensor] = list(network.parameters())
    torch._foreach_lerp_(averages, values, weight)
    for own, other in zip(average.buffers(), network.buffers(), strict=True):
        own.copy_(other)
