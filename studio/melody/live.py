"""Tunes without end, bar by bar, for a stage or a museum: no run of `FRESH` bars ever comes a second time.

The count of bars left, which shapes phrases and cadences, begins again after every `phrase` bars: a cadence, and on it
goes. What has been played is kept as two numbers a bar: a day of 6/8 at 120 takes some 20 MB.
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
    """Which sequences of bars were played, and which beginnings of a bar lead to nothing but such."""

    def __init__(self, fresh: int = FRESH) -> None:
        self.fresh = fresh
        self.last: list[Written] = []
        self.known: set[int] = set()
        self.pasts: set[int] = set()
        self.exhausted: set[int] = set()

    def has_been_here(self) -> bool:
        """Whether the last bars were played before, so that the next one has to be another than it was."""
        return hash(tuple(self.last)) in self.pasts

    def would_repeat(self, bar: Written) -> bool:
        """Whether this bar would complete a sequence that was played before."""
        return self._hash(bar) in self.known

    def is_exhausted(self, begun: Written) -> bool:
        """Whether every bar that begins like this would."""
        return self._hash(begun) in self.exhausted

    def exhaust(self, begun: Written) -> None:
        """No bar that begins like this is left."""
        self.exhausted.add(self._hash(begun))

    def keep(self, bar: Written) -> None:
        """A bar was played."""
        if len(self.last) == self.fresh - 1:
            self.known.add(self._hash(bar))
            self.pasts.add(hash(tuple(self.last)))
        self.last = [*self.last, _as_heard(bar)][-(self.fresh - 1) :]

    def _hash(self, bar: Written) -> int:
        return hash((*self.last, _as_heard(bar)))


class _NothingFresh(Exception):  # noqa: N818 (it never leaves this module)
    """Whatever comes next, the bar would complete a sequence that was played before."""


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
    memory, number = Memory(), 0
    before = None  # the pitch that a first note may go on with
    while True:
        sampler, whole = _next_bar(sampler, rules, memory)
        memory.keep(whole)
        notes = _notes(whole, rules, before)
        before = next((note.pitch for note in reversed(notes) if note.pitch is not None), before)
        yield Bar(number, notes, whole[0][0] == HOLD)
        number += 1
        sampler.pitches.clear()
        sampler.ticks[:-1] = []  # what was played is not kept


def _next_bar(start: Sampler, rules: Rules, memory: Memory) -> tuple[Sampler, Written]:
    """The sampler after the next bar, and the bar; begun again where it led to nothing fresh."""
    while True:
        sampler, written = start.copy(), list[tuple[int, int]]()

        def fresh(
            sampler: Sampler, allowed: Bools, pitch: Ints | None, written: list[tuple[int, int]] = written
        ) -> Bools:
            return _only_fresh(rules, sampler, memory, tuple(written), allowed, pitch)

        watched = memory.has_been_here() and not memory.is_exhausted(())
        try:
            while not written or sampler.now.at[0] % rules.meter.bar:
                sampler.step(fresh if watched else None)
                written.append((int(sampler.pitches[-1][0]), int(sampler.ticks[-1][0])))
            return sampler, tuple(written)
        except _NothingFresh:
            memory.exhaust(tuple(written))


def _only_fresh(
    rules: Rules, sampler: Sampler, memory: Memory, written: Written, allowed: Bools, pitch: Ints | None
) -> Bools:
    """Take away what would complete a sequence of bars that was played before. Raises _NothingFresh."""
    room = rules.meter.bar - int(sampler.now.at[0]) % rules.meter.bar

    def leads_on(token: int, length: int) -> bool:
        after = (*written, (token, DURATIONS[length]))
        return not (memory.would_repeat(after) if DURATIONS[length] == room else memory.is_exhausted(after))

    kept = np.zeros_like(allowed)
    if pitch is not None:
        for length in np.flatnonzero(allowed[0]):
            kept[0, length] = leads_on(int(pitch[0]), int(length))
    else:
        for token in np.flatnonzero(allowed[0]):
            lengths = np.flatnonzero(duration_mask(rules, sampler.now, np.array([token]))[0])
            kept[0, token] = any(leads_on(int(token), int(length)) for length in lengths)
    if not kept.any():
        raise _NothingFresh
    return kept


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
