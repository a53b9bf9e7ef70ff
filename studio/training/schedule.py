"""How the learning rate changes over a training."""

from __future__ import annotations

import math

from studio.training.parameters import TrainingParameters


def rate(parameters: TrainingParameters, step: int, fraction: float) -> float:
    """The part of the learning rate that is used at `step` (from 1), `fraction` of the way to the end (0 to 1)."""
    rising = min(1.0, step / parameters.warmup) if parameters.warmup else 1.0
    match parameters.schedule:
        case "cosine":
            return rising * 0.5 * (1 + math.cos(math.pi * min(1.0, fraction)))
        case "linear":
            return rising * max(0.0, 1 - fraction)
        case _:
            return rising
