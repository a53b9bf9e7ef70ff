"""How a training ends."""

from __future__ import annotations

from dataclasses import dataclass

from studio.errors import InputError
from studio.training.task import Measure


class DivergedError(InputError):
    """It diverges again and again, however small the steps."""


@dataclass(frozen=True)
class Outcome:
    """How a training ended: at which `step`, what was `best`, why it ended in words, and whether that was its end.

    finished: False if it was stopped and can be gone on with; notes: what went wrong on the way, in words.
    """

    step: int
    best: Measure | None
    why: str
    finished: bool
    seconds: float
    notes: tuple[str, ...] = ()
