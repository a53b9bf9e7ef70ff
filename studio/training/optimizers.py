"""The optimiser of a network: what is frozen stays out, what was trained before may move more slowly."""

from __future__ import annotations

from collections.abc import Set
from fnmatch import fnmatch

import torch
from torch import nn
from torch.optim import Optimizer

from studio.errors import InputError
from studio.training.parameters import TrainingParameters


def make_optimizer(
    name: str,
    network: nn.Module,
    parameters: TrainingParameters,
    *,
    pretrained: Set[str] = frozenset(),
    betas: tuple[float, float] = (0.9, 0.999),
    rate: float = 1.0,
) -> Optimizer:
    """AdamW over the weights of a network that are not frozen.

    pretrained: names of weights that were trained before and learn at `pretrained_rate`; rate: this network's own part
    of the learning rate. The loop multiplies each group's `initial_lr` by its schedule.
    """
    fresh: list[nn.Parameter] = []
    known: list[nn.Parameter] = []
    for weight_name, weight in network.named_parameters():
        if any(fnmatch(f"{name}.{weight_name}", pattern) for pattern in parameters.freeze):
            weight.requires_grad_(False)
        elif weight.requires_grad:  # as all do, but for what stands beside adapters
            (known if weight_name in pretrained else fresh).append(weight)
    base = parameters.learning_rate * rate
    groups = [
        {"params": weights, "lr": step_size, "initial_lr": step_size}
        for weights, step_size in ((fresh, base), (known, base * parameters.pretrained_rate))
        if weights
    ]
    if not groups:
        raise InputError(f"Every weight of the {name} is frozen: --freeze leaves nothing to train.")
    return torch.optim.AdamW(groups, betas=betas, weight_decay=parameters.weight_decay, fused=True)


def check_patterns(networks: dict[str, nn.Module], patterns: tuple[str, ...]) -> None:
    """Raise InputError for a pattern that no weight's name matches."""
    names = [f"{name}.{weight}" for name, network in networks.items() for weight, _ in network.named_parameters()]
    for pattern in patterns:
        if not any(fnmatch(weight, pattern) for weight in names):
            some = ", ".join(names[:3])
            raise InputError(
                f"No weight is called {pattern!r}: --freeze wants names as in {some}, … with * for anything."
            )
