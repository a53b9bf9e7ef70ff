"""What plays under a melody: parts of notes that may sound together. Times are in ticks, as everywhere in music."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from studio.music.theory import Meter


@dataclass(frozen=True)
class PartNote:
    """A note from a tick, counted from the first full bar, for so many ticks. pitch: 0 … 127; velocity: 1 … 127."""

    start: int
    ticks: int
    pitch: int
    velocity: int


@dataclass(frozen=True)
class Part:
    """What one instrument plays. program: of General MIDI, 0 … 127; of drums the pitches are those of its drum map."""

    name: str
    program: int
    is_drum: bool
    notes: tuple[PartNote, ...]


class Touch:
    """How hard notes are struck: bar lines most, beats more than what lies between them, none quite like another.

    The same seed and name give the same touch, whatever other parts there are.
    """

    def __init__(self, meter: Meter, seed: int, name: str) -> None:
        self._meter, self._random = meter, Random(f"{seed} {name}")

    def velocity(self, at: int, usual: int) -> int:
        """Of a note at a tick, around what is usual for its part."""
        accent = 8 if at % self._meter.bar == 0 else 2 if at % self._meter.beat == 0 else -4
        return min(127, max(1, usual + accent + self._random.randint(-4, 4)))

    def chance(self, share: float) -> bool:
        """True in so many cases of one."""
        return self._random.random() < share
