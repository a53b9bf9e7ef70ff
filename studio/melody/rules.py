"""What a tune promises, as masks over the tokens that may come next: bars, range, scale, cadence, nothing stuck.

Every mask leaves something to choose from, so that no promise depends on luck. Why that holds: a duration is allowed
only where the bar can still be filled exactly; in the last bar, whose last note has a least length, one that is not
the tonic may not fill it, and a tonic that would be the last of a row of equal notes has to. So when only one length is
left, the tonic is free for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from studio.errors import InputError
from studio.melody.encoding import DURATIONS, FIRST_PITCH, HOLD, LOWEST, PITCH_TOKENS, REST
from studio.music.theory import TICKS, Key, Meter, pitch_name

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

LEAP = 7
"""Semitones from the last note of a tune that loops to its first, at most, where a tonic in the range is that near."""
LEAST_RANGE = 5
"""Semitones that a range has to span."""
_TICKS = np.array(DURATIONS)


@dataclass(frozen=True)
class Rules:
    """The promises of one tune. Pitches are MIDI's; `origin` is the tonic that tokens count from.

    bars: after the pickup; low, high: the range, both included; most_repeats: notes in a row of one pitch;
    missing: ticks by which the last bar is shorter, so that a pickup completes it when the tune comes round.
    Raises InputError where no tune can keep them.
    """

    key: Key
    meter: Meter
    bars: int
    origin: int
    low: int
    high: int
    scale_only: bool = False
    end_on_tonic: bool = True
    loop: bool = False
    most_repeats: int = 4
    missing: int = 0

    def __post_init__(self) -> None:
        if self.high - self.low < LEAST_RANGE:
            raise InputError(
                f"Expected a range of at least {LEAST_RANGE} semitones, got {pitch_name(self.low)} to "
                f"{pitch_name(self.high)}."
            )
        if self.end_on_tonic and not self.tonics.any():
            raise InputError(
                f"There is no {self.key.tonic_name} to end on between {pitch_name(self.low)} and "
                f"{pitch_name(self.high)}; widen the range or allow another ending."
            )

    @property
    def end(self) -> int:
        """The tick at which the tune is over."""
        return self.bars * self.meter.bar - self.missing

    @property
    def last_bar(self) -> int:
        """The tick at which the last bar begins."""
        return (self.bars - 1) * self.meter.bar

    @property
    def longest(self) -> int:
        """Ticks that a note sounds at most: a bar and a half."""
        return self.meter.bar * 3 // 2

    @property
    def longest_rest(self) -> int:
        """Ticks of silence at most: half a bar."""
        return self.meter.bar // 2

    @property
    def shortest_end(self) -> int:
        """Ticks that the last note lasts at least, where it is the tonic: a beat, or a quarter of a longer one."""
        return self.meter.beat if self.meter.is_compound else min(self.meter.beat, TICKS)

    @cached_property
    def pitches(self) -> Bools:
        """(P,): the pitch tokens within the range and, if asked, the scale; neither rests nor held notes."""
        midi = np.arange(PITCH_TOKENS) - FIRST_PITCH + LOWEST + self.origin
        allowed = (midi >= max(0, self.low)) & (midi <= min(127, self.high))
        allowed[:FIRST_PITCH] = False
        if self.scale_only:
            allowed &= np.isin(midi % 12, list(self.key.pitch_classes))
        return np.asarray(allowed)

    @cached_property
    def tonics(self) -> Bools:
        """(P,): the tokens that the tune may end on."""
        midi = np.arange(PITCH_TOKENS) - FIRST_PITCH + LOWEST + self.origin
        return np.asarray(self.pitches & (midi % 12 == self.key.tonic))

    @cached_property
    def lengths(self) -> Bools:
        """(bar, D): durations that may begin at each tick of a bar, so that the bar can be filled from there on."""
        return self._fillable(self.meter.bar, self.meter.bar)

    @cached_property
    def last_lengths(self) -> Bools:
        """The same for the last bar, where no note but the last ends within the time that it lasts at least."""
        end = self.meter.bar - self.missing
        loose = self._fillable(end, end)
        if not self.end_on_tonic:
            return loose
        latest = max(0, end - self.shortest_end)
        strict = self._fillable(end, latest + 1)
        return np.concatenate([strict[: latest + 1], loose[latest + 1 :]])  # there a primer may have ended

    def _fillable(self, end: int, places: int) -> Bools:
        """(bar, D): durations that lead to `end`, or to one of the first so many places and from there to the end."""
        allowed = np.zeros((self.meter.bar, len(DURATIONS)), bool)
        live = np.zeros(end + 1, bool)
        live[end] = True
        for position in reversed(range(min(places, end))):
            for token, ticks in enumerate(DURATIONS):
                after = position + ticks
                allowed[position, token] = after <= end and live[after] and _stays_on_grid(position, ticks)
            live[position] = allowed[position].any()
        return allowed

    def lengths_at(self, at: Ints) -> Bools:
        """(B, D): durations that may begin at each tick of the tune (B,)."""
        place = at % self.meter.bar
        in_last = at >= self.last_bar
        return np.asarray(np.where(in_last[:, None], self.last_lengths[place], self.lengths[place]))

    def onto_grid(self, at: int) -> int:
        """Ticks from a place in the tune to the next where a duration may begin, or to a bar's end; 0 at such a one."""
        in_last = at >= self.last_bar
        lengths, position = (self.last_lengths if in_last else self.lengths), at % self.meter.bar
        end = self.meter.bar - (self.missing if in_last else 0)
        return next(ahead for ahead in range(end) if position + ahead == end or lengths[position + ahead].any())

    def last_ones(self, first: Ints) -> Bools:
        """(B, P): the tokens that each tune may end on; first: the token that each began with, REST if none yet."""
        if not self.end_on_tonic:
            return np.repeat(self.pitches[None], len(first), 0)
        tonics = np.repeat(self.tonics[None], len(first), 0)
        if not self.loop:
            return tonics
        far = np.abs(np.arange(PITCH_TOKENS)[None] - first[:, None])
        near = tonics & ((far <= LEAP) | (first[:, None] < FIRST_PITCH))
        nearest = tonics & (far == np.where(tonics, far, PITCH_TOKENS).min(1, keepdims=True))
        return np.asarray(np.where(near.any(1, keepdims=True), near, nearest))


@dataclass
class Progress:
    """Where each of B tunes stands: all (B,).

    at: ticks; sounding: the last pitch; sounded: ticks that it lasts, 0 in a rest; rested: ticks of silence; run: how
    often the sounding pitch came in a row; first: the first pitch.
    """

    at: Ints
    sounding: Ints
    sounded: Ints
    rested: Ints
    run: Ints
    first: Ints


def pitch_mask(rules: Rules, now: Progress) -> Bools:
    """(B, P): the pitch tokens that may come now; at least one in each row."""
    position = now.at % rules.meter.bar
    in_last = now.at >= rules.last_bar
    lengths = rules.lengths_at(now.at)
    fills = now.at[:, None] + _TICKS == rules.end
    can_fill, can_stay = (lengths & fills).any(1), (lengths & ~fills).any(1)
    last_ones = rules.last_ones(now.first)

    rows = np.arange(len(now.at))
    allowed = np.repeat(rules.pitches[None], len(rows), 0)
    again = np.where(now.sounding >= FIRST_PITCH, now.sounding, REST)
    allowed[rows, again] &= now.run < rules.most_repeats
    allowed &= can_stay[:, None] | last_ones
    # A last one that completes its row of equal notes may only come as the very end.
    completes = _completes(rules, now, np.arange(PITCH_TOKENS)[None]) & last_ones & in_last[:, None]
    allowed &= ~completes | can_fill[:, None]
    allowed[:, REST] = ~in_last & (now.rested + DURATIONS[0] <= rules.longest_rest) & _rest_fits(rules, now, lengths)
    held = (position == 0) & (now.sounding >= FIRST_PITCH) & (now.sounded > 0)
    held &= ~(in_last & (now.run >= rules.most_repeats))  # the tonic has to stay free for the end
    room = rules.longest - now.sounded
    stays = (lengths & ~(fills & ~last_ones[rows, again][:, None]) & (room[:, None] >= _TICKS)).any(1)
    allowed[:, HOLD] = held & stays
    return allowed


def pitch_mask_off_grid(rules: Rules, now: Progress, ahead: int) -> Bools:
    """(B, P): what may fill the `ahead` ticks from the end of a primer to the next place where notes may begin."""
    ends = now.at + ahead >= rules.end
    allowed = np.where(ends[:, None], rules.last_ones(now.first), rules.pitches[None])
    others = allowed.copy()
    again = np.where(now.sounding >= FIRST_PITCH, now.sounding, REST)
    others[np.arange(len(now.at)), again] &= now.run < rules.most_repeats
    return np.asarray(np.where(others.any(1, keepdims=True), others, allowed))


def duration_mask(rules: Rules, now: Progress, pitch: Ints) -> Bools:
    """(B, D): the durations that a chosen pitch (B,) may have; at least one in each row."""
    lengths = rules.lengths_at(now.at)
    fills = now.at[:, None] + _TICKS == rules.end
    rows = np.arange(len(now.at))
    sounds = np.where(pitch == HOLD, now.sounding, pitch)
    last_ones = rules.last_ones(now.first)[rows, sounds] & (pitch != REST)
    allowed = lengths & ~(fills & ~last_ones[:, None])
    in_last = now.at >= rules.last_bar
    completes = _completes(rules, now, pitch[:, None])[:, 0] & in_last & last_ones & (pitch != HOLD)
    allowed &= ~completes[:, None] | fills
    room = np.where(pitch == HOLD, rules.longest - now.sounded, rules.longest)
    room = np.where(pitch == REST, rules.longest_rest - now.rested, room)
    return np.asarray(allowed & (room[:, None] >= _TICKS))


def _completes(rules: Rules, now: Progress, pitch: Ints) -> Bools:
    """Whether pitches (B or 1, N) would be the last of as many equal notes in a row as are allowed: (B, N)."""
    row = np.where(pitch == now.sounding[:, None], now.run[:, None] + 1, 1)
    return np.asarray(row == rules.most_repeats)


def _rest_fits(rules: Rules, now: Progress, lengths: Bools) -> Bools:
    room = rules.longest_rest - now.rested
    return np.asarray((lengths & (room[:, None] >= _TICKS)).any(1))


def _stays_on_grid(position: int, ticks: int) -> bool:
    """Whether a triplet that was begun is also ended, and likewise straight notes: within an eighth, 12 ticks."""
    inside = position % 12
    if inside in (3, 6, 9):
        return ticks % 3 == 0
    if inside in (4, 8):
        return ticks % 4 == 0
    if inside in (2, 10):
        return ticks % 2 == 0
    return inside == 0
