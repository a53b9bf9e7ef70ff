"""Tunes without end, bar by bar, for a stage or a museum: no run of `FRESH` bars ever comes a second time.

The count of bars left, which shapes phrases and cadences, begins again after every `phrase` bars: a cadence, and on it
goes. What has been played is kept as one hash a bar: a day of 120 beats a minute in 6/8 takes some 10 MB.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from studio.device import Device
from studio.melody.compose import Asked
from studio.melody.draws import Draw
from studio.melody.encoding import DURATIONS, HOLD, REST, melody_of
from studio.melody.rules import Bools, Ints, Rules, duration_mask
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
        self.last = [*self.last, _as_heard(bar)][-(self.fresh - 1) :] if self.fresh > 1 else []

    def _hash(self, bar: Written) -> int:
        return hash((*self.last, _as_heard(bar)))


def stream(network: Stepper, device: Device, asked: Asked) -> Performance:
    """Bars without end; `bars` of what is asked for is the length of a phrase. A primer is heard, not played again.

    Raises InputError before the first bar.
    """
    rules = replace(asked.rules(endless=True), bars=_FOREVER, missing=0)
    sampler = Sampler(
        network, rules, [Draw(asked.chosen.seed)], device,
        taste=asked.taste(), pasts=asked.pasts[:1], phrase=asked.chosen.bars,
    )  # fmt: skip
    return Performance(asked.key, asked.meter, asked.tempo, _bars(sampler, rules))


def _bars(sampler: Sampler, rules: Rules) -> Iterator[Bar]:
    bar, memory, number = rules.meter.bar, Memory(), 0
    written: list[tuple[int, int]] = []
    before = None  # the pitch that a first note may go on with

    def fresh(sampler: Sampler, allowed: Bools, pitch: Ints | None) -> Bools:
        return _only_fresh(rules, sampler, memory, tuple(written), allowed, pitch)

    while True:
        sampler.step(fresh)
        written.append((int(sampler.pitches[-1][0]), int(sampler.ticks[-1][0])))
        if sampler.now.at[0] % bar == 0:
            whole = tuple(written)
            memory.keep(whole)
            notes = _notes(whole, rules, before)
            before = next((note.pitch for note in reversed(notes) if note.pitch is not None), before)
            yield Bar(number, notes, whole[0][0] == HOLD)
            number += 1
            written.clear()
            sampler.pitches.clear()
            sampler.ticks[:-1] = []  # what was played is not kept


def _only_fresh(
    rules: Rules, sampler: Sampler, memory: Memory, written: Written, allowed: Bools, pitch: Ints | None
) -> Bools:
    """Take away what would complete a sequence of bars that was played before, while anything else is left."""
    if len(memory.last) < memory.fresh - 1:
        return allowed
    room = rules.meter.bar - int(sampler.now.at[0]) % rules.meter.bar
    if room not in DURATIONS:
        return allowed
    last = DURATIONS.index(room)
    kept = allowed.copy()
    if pitch is not None:
        if allowed[0, last] and memory.would_repeat((*written, (int(pitch[0]), room))):
            kept[0, last] = False
    else:
        for token in np.flatnonzero(allowed[0]):
            lengths = duration_mask(rules, sampler.now, np.array([token]))[0]
            only_fills = lengths[last] and lengths.sum() == 1
            kept[0, token] = not (only_fills and memory.would_repeat((*written, (int(token), room))))
    return kept if kept.any() else allowed


def _notes(whole: Written, rules: Rules, before: int | None) -> tuple[Note, ...]:
    """The notes of a bar; before: the pitch of the one that is held over into it, if one is."""
    if whole[0][0] != HOLD:
        return _written(whole, rules)
    return (Note(before, whole[0][1]), *(_written(whole[1:], rules) if whole[1:] else ()))


def _as_heard(bar: Written) -> Written:
    """The same with neighbouring rests as one: nobody hears where one ends and the next begins."""
    found: list[tuple[int, int]] = []
    for pitch, ticks in bar:
        if found and pitch == REST == found[-1][0]:
            found[-1] = (REST, found[-1][1] + ticks)
        else:
            found.append((pitch, ticks))
    return tuple(found)


def _written(events: Written, rules: Rules) -> tuple[Note, ...]:
    pitches, ticks = zip(*events, strict=True)
    return melody_of(pitches, ticks, rules.origin, rules.key, rules.meter, 1.0).notes
