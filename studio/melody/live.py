"""Tunes without end, bar by bar, for a stage or a museum: no run of `FRESH` bars ever comes a second time.

The count of bars left, which shapes phrases and cadences, begins again after every `phrase` bars: a cadence, and on it
goes. Memory grows by a few bytes a bar: what has been played is kept as hashes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from studio.device import Device
from studio.melody.compose import Asked
from studio.melody.draws import Draw
from studio.melody.encoding import DURATIONS, HOLD, melody_of
from studio.melody.rules import Bools, Ints, Rules
from studio.melody.sampler import Sampler
from studio.melody.stepper import Stepper
from studio.music.melody import Note
from studio.music.theory import Key, Meter

FRESH = 8
"""Bars: a sequence of so many never comes twice."""
_FOREVER = 2**40  # bars

Written = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Bar:
    """A bar as it is played: its number from 0, and its notes; the first goes on from the last bar where `tied`."""

    number: int
    notes: tuple[Note, ...]
    tied: bool


@dataclass(frozen=True)
class Performance:
    """Bars without end, in a key, a metre and a tempo."""

    key: Key
    meter: Meter
    tempo: float
    bars: Iterator[Bar]


class Memory:
    """Which sequences of bars were played."""

    def __init__(self, fresh: int = FRESH) -> None:
        self.fresh = fresh
        self.last: list[Written] = []
        self.known: set[int] = set()

    def would_repeat(self, bar: Written) -> bool:
        """Whether this bar would complete a sequence that was played before."""
        return len(self.last) >= self.fresh - 1 and self._hash(bar) in self.known

    def keep(self, bar: Written) -> None:
        """A bar was played."""
        if len(self.last) >= self.fresh - 1:
            self.known.add(self._hash(bar))
        self.last = [*self.last, bar][-(self.fresh - 1) :] if self.fresh > 1 else []

    def _hash(self, bar: Written) -> int:
        return hash((*self.last, bar))


def stream(network: Stepper, device: Device, asked: Asked) -> Performance:
    """Bars without end; `bars` of what is asked for is the length of a phrase. A primer is heard, not played again.

    Raises InputError before the first bar.
    """
    rules = replace(asked.rules(), bars=_FOREVER, end_on_tonic=False)
    sampler = Sampler(
        network, rules, [Draw(asked.chosen.seed)], device,
        taste=asked.taste(), pasts=asked.pasts[:1], phrase=asked.chosen.bars,
    )  # fmt: skip
    return Performance(asked.key, asked.meter, asked.tempo, _bars(sampler, rules))


def _bars(sampler: Sampler, rules: Rules) -> Iterator[Bar]:
    bar, memory, number = rules.meter.bar, Memory(), 0
    written: list[tuple[int, int]] = []

    def fresh(sampler: Sampler, allowed: Bools, pitch: Ints | None) -> Bools:
        return _only_fresh(rules, sampler, memory, tuple(written), allowed, pitch)

    while True:
        sampler.step(fresh)
        written.append((int(sampler.pitches[-1][0]), int(sampler.ticks[-1][0])))
        if sampler.now.at[0] % bar == 0:
            whole = tuple(written)
            memory.keep(whole)
            yield Bar(number, _notes(whole, rules), whole[0][0] == HOLD)
            number += 1
            written.clear()
            sampler.pitches.clear()
            sampler.ticks[:-1] = []  # what was played is not kept


def _only_fresh(
    rules: Rules, sampler: Sampler, memory: Memory, written: Written, allowed: Bools, pitch: Ints | None
) -> Bools:
    """Take away what would complete a sequence of bars that was played before, where anything else is left."""
    room = rules.meter.bar - int(sampler.now.at[0]) % rules.meter.bar
    if room not in DURATIONS:
        return allowed
    last = DURATIONS.index(room)
    kept = allowed.copy()
    if pitch is not None:
        if allowed[0, last] and memory.would_repeat((*written, (int(pitch[0]), room))):
            kept[0, last] = False
    else:
        lengths = rules.lengths[rules.meter.bar - room]
        if lengths.sum() > 1 or not lengths[last]:
            return allowed  # the length is still open: it is decided there
        for token in np.flatnonzero(allowed[0]):
            kept[0, token] = not memory.would_repeat((*written, (int(token), room)))
    return kept if kept.any() else allowed


def _notes(whole: Written, rules: Rules) -> tuple[Note, ...]:
    """The notes of a bar; one that is held over from the bar before is a rest here, which `Bar.tied` tells apart."""
    pitches, ticks = zip(*whole, strict=True)
    return melody_of(pitches, ticks, rules.origin, rules.key, rules.meter, 1.0).notes
