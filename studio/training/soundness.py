"""Whether a training still makes sense: its numbers are numbers, and its losses within reason."""

from __future__ import annotations

import math
from collections.abc import Mapping

from studio.training.task import Task


def is_finite(task: Task) -> bool:
    """Whether every weight is: a step may break them after its own losses were computed."""
    networks = [*task.networks.values(), *task.averages.values()]
    return all(bool(tensor.isfinite().all()) for network in networks for tensor in network.state_dict().values())


def broken(losses: Mapping[str, float], limits: Mapping[str, float]) -> str:
    """What is wrong with the losses of a step, in words; nothing where they are as they should be.

    limits: how large each may become, by name.
    """
    for name, value in losses.items():
        if not math.isfinite(value):
            return f"{name} was no longer finite"
        if abs(value) > limits.get(name, math.inf):
            return f"{name} was {value:.2g}, beyond all reason"
    return ""
