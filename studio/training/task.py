"""What a medium brings to the training loop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from PIL import Image
from torch import nn
from torch.optim import Optimizer

from studio.training.step import Step


@dataclass(frozen=True)
class Measure:
    """How good a network is after `step`: `value` decides, lower is better; `name` says what it is.

    figures: all that was measured, by name.
    """

    step: int
    name: str
    value: float
    figures: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Trouble:
    """What seems to go wrong, in `words`; `roll_back` where going on from here would be of no use."""

    words: str
    roll_back: bool = False


class Task(Protocol):
    """Networks, their data and their losses. All it draws comes from the step, so that a step can be repeated."""

    kind: str
    """What is trained: "dcgan"."""
    fingerprint: str
    """What the data and the networks are: a checkpoint of another fingerprint is refused."""
    count: int
    """Training examples."""
    networks: dict[str, nn.Module]
    """Every network that is trained, by name."""
    averages: dict[str, nn.Module]
    """Averaged copies of some of them, by the same names: what results are made with."""
    optimizers: dict[str, Optimizer]
    """One for each network, by the same names."""
    limits: Mapping[str, float]
    """How large a loss may become, by name: one beyond that has diverged."""

    def step(self, step: Step) -> dict[str, float]:
        """Learn from the examples of a step; returns the losses by name, the first being the one to watch."""

    def measure(self, step: int) -> Measure:
        """How good the averaged networks are on examples held out."""

    def sheet(self) -> Image.Image:
        """What they make now."""

    def trouble(self, curve: Sequence[Mapping[str, float]], measures: Sequence[Measure]) -> Trouble | None:
        """What seems to go wrong (over-fitting, collapse); None while nothing does.

        curve: losses by name, averaged over stretches of steps; measures: so far, the newest last.
        """

    def save(self, folder: Path, facts: Mapping[str, Any]) -> None:
        """Write the averaged networks as a model folder; `facts` go into its card and config."""
