"""Tunes out of the network, event by event, many at once, each with its own random numbers and under its own rules.

The network computes in float64 here: it leaves rounding so far below the random numbers that a tune is the same alone
and in a batch, with one thread and with many.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from studio.device import Device
from studio.melody.draws import Draw
from studio.melody.encoding import (
    COLUMNS,
    DURATIONS,
    FIRST_PITCH,
    HOLD,
    LAGS,
    LONGEST_MATCH,
    NO_DURATION,
    NOTHING,
    REST,
    Events,
    bars_left,
    events_of,
    melody_of,
    nearest_duration,
)
from studio.melody.rules import Bools, Ints, Progress, Rules, duration_mask, pitch_mask, pitch_mask_off_grid
from studio.melody.stepper import State, Stepper, exact
from studio.music.melody import Melody
from studio.music.theory import METERS, MODES, TEMPO, Key, Meter

MEDIAN = 5
"""Semitones from the tonic that pitches are counted from to the middle of a usual tune."""

_KEPT = 64
"""Bars back whose random numbers are let go: no tune is so far behind another."""

Floats = NDArray[np.float64]
Forbid = Callable[["Sampler", Bools, Ints | None], Bools]
"""A further rule: allowed pitches (B, P), or durations (B, D) of chosen pitches (B,)  →  those that stay allowed."""


@dataclass(frozen=True)
class Taste:
    """How tokens are chosen among those allowed.

    temperature: 0 takes the likeliest; top_k: among so many, 0 for all; top_p: among the likeliest that make up this
    part of the probability. density: a class of `studio.melody.encoding.density_class`.
    """

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    density: int = 0


class Sampler:
    """B tunes as they grow. Of each, K versions with another past are listened to, and `weights` (B, K) mixes them.

    One past a tune (K = 1) is the usual case; two with weights 1 - t and t lie between how two primers go on.
    """

    def __init__(
        self,
        network: Stepper,
        rules: Rules,
        draws: Sequence[Draw],
        device: Device,
        *,
        taste: Taste | None = None,
        pasts: Sequence[Melody] = (),
        weights: Floats | None = None,
        phrase: int | None = None,
    ) -> None:
        """pasts: K primers that all end at one tick; phrase: for tunes without end,
        bars after which the count of bars left begins again.
        """
        self.network, self.rules, self.draws, self.device = network, rules, draws, device
        self.taste, self.phrase = taste or Taste(), phrase
        self.weights = np.ones((len(draws), 1)) if weights is None else weights
        self.costs = np.zeros(len(draws))
        self.pitches: list[Ints] = []
        self.ticks: list[Ints] = []
        self._ring = (max(LAGS) + 2) * rules.meter.bar
        self._state: State | None = None
        self._drawn: dict[int, Floats] = {}
        rows = len(draws) * self.weights.shape[1]
        self.now = Progress(*(np.zeros(len(draws), np.int64) for _ in range(6)))
        self.now.sounding[:] = REST
        self._last = np.tile([NOTHING, NO_DURATION], (rows, 1))
        self._sounding = np.full(rows, NOTHING)
        self._past_pitch = np.full((rows, self._ring), 2 * NOTHING)
        self._past_duration = np.full((rows, self._ring), NO_DURATION)
        self._match = np.zeros((rows, len(LAGS)), np.int64)
        self.seam = -pasts[0].pickup if pasts else 0
        self._hear(pasts)

    def copy(self) -> Sampler:
        """The same tunes as they stand now, to go on with in another way."""
        other = copy.copy(self)
        other.now = replace(self.now)
        other.pitches, other.ticks, other.costs = list(self.pitches), list(self.ticks), self.costs.copy()
        for name in ("_past_pitch", "_past_duration", "_match"):  # the others are never changed in place
            setattr(other, name, getattr(self, name).copy())
        return other

    def run(self, callback: Callable[[float], bool] | None = None) -> bool:
        """Sample until every tune is over; `callback` hears which part is done and may return True to stop."""
        whole = self.rules.end - self.seam
        while (self.now.at < self.rules.end).any():
            self.step()
            if callback and callback(float((self.now.at - self.seam).mean() / whole)):
                return False
        return True

    def step(self, forbid: Forbid | None = None) -> None:
        """The next event of every tune that is not over yet."""
        waiting = self.now.at >= self.rules.end
        now = replace(self.now, at=np.where(waiting, self.rules.last_bar, self.now.at))
        with torch.no_grad():
            awake = torch.from_numpy(np.flatnonzero(np.repeat(~waiting, self.weights.shape[1]))).to(
                self.device.location
            )
            logits, mixed, state = self._heard(self._columns(now.at), awake)
            uniform = self._numbers(now.at)
            ahead = 0 if self.ticks else self.rules.onto_grid(int(now.at[0]))
            allowed = pitch_mask_off_grid(self.rules, now, ahead) if ahead else pitch_mask(self.rules, now)
            allowed = forbid(self, allowed, None) if forbid else allowed
            pitch = self._choose(logits, allowed | waiting[:, None], uniform[:, 0], ~waiting)
            every = torch.from_numpy(np.repeat(pitch, self.weights.shape[1])).to(mixed.device)
            logits = self.network.duration(mixed, every)
        allowed = np.ones((1, len(DURATIONS)), bool) if ahead else duration_mask(self.rules, now, pitch)
        allowed = forbid(self, allowed, pitch) if forbid else allowed
        duration = self._choose(logits, allowed | waiting[:, None], uniform[:, 1], ~waiting)
        ticks = np.array(DURATIONS)[duration]
        if ahead:  # a primer ended where no note can begin
            ticks[:], duration[:] = ahead, nearest_duration(ahead)
        self._state = state
        self._take(pitch, duration, np.where(waiting, 0, ticks))

    def tunes(self, tempo: float = TEMPO) -> list[Melody]:
        """Each tune so far, without its past."""
        pitches, ticks = np.stack(self.pitches, 1), np.stack(self.ticks, 1)
        rules = self.rules
        return [
            melody_of(p[t > 0].tolist(), t[t > 0].tolist(), rules.origin, rules.key, rules.meter, tempo)
            for p, t in zip(pitches, ticks, strict=True)
        ]

    def _heard(self, columns: Tensor, awake: Tensor) -> tuple[Tensor, Tensor, State]:
        """What the network says to every row; rows that are not `awake`, whose tunes are over, cost nothing."""
        if self._state is None or len(awake) == len(columns):
            return self.network(columns, self._state)
        parts = (*self.network(columns[awake], self._state[:, :, awake]),)
        logits, mixed = (part.new_zeros(len(columns), part.shape[1]).index_copy_(0, awake, part) for part in parts[:2])
        return logits, mixed, self._state.index_copy(2, awake, parts[2])

    def nats(self) -> Floats:
        """(B,): what an event of each tune cost the network, the rules left aside."""
        return np.asarray(self.costs / np.maximum(1, (np.stack(self.ticks) > 0).sum(0)))

    def _numbers(self, at: Ints) -> Floats:
        """(B, 2): what chooses the pitch and the duration of an event that begins at these ticks."""
        bar = self.rules.meter.bar
        bars, places = at // bar, at % bar
        found = np.empty((len(at), 2))
        for number in np.unique(bars):
            if number not in self._drawn:
                self._drawn[number] = np.stack([draw.of_bar(int(number), bar) for draw in self.draws])
                self._drawn.pop(number - _KEPT, None)
            here = bars == number
            found[here] = self._drawn[number][here, places[here]]
        return found

    def _choose(self, logits: Tensor, allowed: Bools, uniform: Floats, counted: Bools) -> Ints:
        """(B·K, V) and what is allowed (B, V)  →  a token for each (B,); the costs of those counted (B,) are kept."""
        scores = logits.double().cpu().numpy().reshape(*self.weights.shape, -1)
        scores = scores - np.logaddexp.reduce(scores, axis=-1, keepdims=True)
        mixed = (scores * self.weights[:, :, None]).sum(1)
        chosen = choose(np.where(allowed, mixed, -np.inf), self.taste, uniform)
        self.costs -= np.where(counted, mixed[np.arange(len(chosen)), chosen], 0.0)
        return chosen

    def _columns(self, at: Ints) -> Tensor:
        """What the network is told: (B·K, C)."""
        rules, bar = self.rules, self.rules.meter.bar
        times = np.repeat(at, self.weights.shape[1])
        rows, bars = np.arange(len(times)), times // bar
        left = rules.bars - bars if self.phrase is None else self.phrase - bars % self.phrase
        missing = rules.missing if self.phrase is None else 0
        values: dict[str, Ints | int] = {
            "meter": METERS.index(rules.meter.name),
            "mode": MODES.index(rules.key.mode),
            "density": self.taste.density,
            "position": times - bars * bar,
            "bar": bars % 8,
            "bars_left": bars_left(left, missing),
            "pitch": self._last[:, 0],
            "duration": self._last[:, 1],
            "sounding": self._sounding,
        }
        for number, lag in enumerate(LAGS):
            there = (times - lag * bar) % self._ring
            values[f"pitch_{lag}"] = self._past_pitch[rows, there]
            values[f"duration_{lag}"] = self._past_duration[rows, there]
            values[f"match_{lag}"] = self._match[:, number]
        columns = np.empty((len(times), len(COLUMNS)), np.int64)
        for place, (name, _) in enumerate(COLUMNS):
            columns[:, place] = values[name]
        return torch.from_numpy(columns).to(self.device.location)

    def _take(self, pitch: Ints, duration: Ints, ticks: Ints) -> None:
        """Add an event to every tune; one of 0 ticks changes nothing."""
        now, goes_on = self.now, ticks > 0
        count = self.weights.shape[1]
        self._remember(
            np.repeat(pitch, count), np.repeat(duration, count), np.repeat(ticks, count), np.repeat(now.at, count)
        )
        sounds = goes_on & (pitch >= FIRST_PITCH)
        now.run = np.where(sounds, np.where(pitch == now.sounding, now.run + 1, 1), now.run)
        now.sounding = np.where(sounds, pitch, now.sounding)
        now.first = np.where(sounds & (now.first < FIRST_PITCH), pitch, now.first)
        now.sounded = np.where(pitch == HOLD, now.sounded + ticks, np.where(pitch == REST, 0, ticks))
        now.rested = np.where(pitch == REST, now.rested + ticks, 0)
        now.at = now.at + ticks
        self.pitches.append(pitch)
        self.ticks.append(ticks)

    def _remember(self, pitch: Ints, duration: Ints, ticks: Ints, at: Ints) -> None:
        """Keep an event of every past, (B·K,) each, as `studio.melody.encoding.columns_of` would tell of it later."""
        rows, bar, goes_on = np.arange(len(at)), self.rules.meter.bar, ticks > 0
        for number, lag in enumerate(LAGS):
            there = (at - lag * bar) % self._ring
            same = (self._past_pitch[rows, there] == 2 * pitch + 1) & (self._past_duration[rows, there] == duration)
            run = np.where(same, np.minimum(self._match[:, number] + 1, LONGEST_MATCH), 0)
            self._match[:, number] = np.where(goes_on, run, self._match[:, number])
        covered = np.repeat(rows, ticks)  # a row number for each tick that an event lasts
        places = np.arange(len(covered)) - np.repeat(ticks.cumsum() - ticks, ticks) + np.repeat(at, ticks)
        self._past_pitch[covered, places % self._ring] = 2 * pitch[covered]
        self._past_duration[covered, places % self._ring] = NO_DURATION
        begun, first = rows[goes_on], at[goes_on] % self._ring
        self._past_pitch[begun, first] = 2 * pitch[goes_on] + 1
        self._past_duration[begun, first] = duration[goes_on]
        self._last = np.where(goes_on[:, None], np.stack([pitch, duration], 1), self._last)
        self._sounding = np.where(goes_on & (pitch >= FIRST_PITCH), pitch, self._sounding)

    def _hear(self, pasts: Sequence[Melody]) -> None:
        """Let the network hear the primers, one after another; rows of one tune have one past each."""
        if not pasts:
            return
        tunes, count = self.weights.shape
        states, kept = [], []
        for past in pasts:
            heard = Sampler(self.network, self.rules, [Draw(0)], self.device, taste=self.taste, phrase=self.phrase)
            heard._hear_one(events_of(past, self.rules.origin, exact=False), past)
            states.append(heard._state)
            kept.append(heard)
        order = np.tile(np.arange(count), tunes)
        self._state = torch.cat([state for state in states if state is not None], 2)[:, :, order].contiguous()
        for name in ("_last", "_sounding", "_past_pitch", "_past_duration", "_match"):
            setattr(self, name, np.concatenate([getattr(one, name) for one in kept])[order])
        self.seam = int(kept[0].now.at[0])
        self.now.at[:] = self.seam
        if count == 1:
            self._go_on_from(kept[0].now)

    def _go_on_from(self, past: Progress) -> None:
        """The tune goes on where a primer ended: its last note or rest stays as long as it is."""
        most = self.rules.most_repeats - (self.seam >= self.rules.last_bar)  # there the tonic has to stay free
        self.now.sounding[:], self.now.first[:] = past.sounding[0], past.first[0]
        self.now.run[:] = min(int(past.run[0]), most)
        self.now.rested[:] = self.rules.longest_rest if past.rested[0] else 0

    def _hear_one(self, events: Events, past: Melody) -> None:
        self.now.at[:] = -past.pickup
        ends = np.append(events.starts[1:], past.ticks - past.pickup)
        for pitch, duration, ticks in zip(events.pitches, events.durations, ends - events.starts, strict=True):
            with torch.no_grad():
                *_, self._state = self.network(self._columns(self.now.at), self._state)
            self._take(np.array([pitch]), np.array([duration]), np.array([ticks]))


def sample(
    network: nn.Module, device: Device, *, key: Key, meter: Meter, bars: int, seeds: Sequence[int], tempo: float = TEMPO
) -> list[Melody]:
    """Tunes of a network in training, within two octaves and a half, under the usual rules."""
    low, high = 55, 84
    rules = Rules(key, meter, bars, origin_for(key, low, high), low, high)
    sampler = Sampler(Stepper(exact(network)), rules, [Draw(seed) for seed in seeds], device)
    sampler.run()
    return sampler.tunes(tempo)


def origin_for(key: Key, low: int, high: int) -> int:
    """The tonic to count from, so that the tunes lie about the middle of a range (both ends as MIDI counts)."""
    middle = (low + high) // 2 - MEDIAN
    return middle - (middle - key.tonic + 6) % 12 + 6


def choose(scores: Floats, taste: Taste, uniform: Floats) -> Ints:
    """Log-probabilities (B, V), -inf for what is not allowed, and a number in [0, 1) each  →  tokens (B,)."""
    if not taste.temperature:
        return np.asarray(scores.argmax(1))
    with np.errstate(over="ignore"):  # next to nothing for a temperature
        scaled = (scores - scores.max(1, keepdims=True)) / taste.temperature
    if taste.top_k:
        least = np.sort(scaled, axis=1)[:, -min(taste.top_k, scaled.shape[1]), None]
        scaled = np.where(scaled >= least, scaled, -np.inf)
    parts = np.exp(scaled)
    parts /= parts.sum(1, keepdims=True)
    if taste.top_p < 1:
        ordered = -np.sort(-parts, axis=1)
        within = (ordered.cumsum(1) - ordered < taste.top_p).sum(1)  # so many make up that part
        parts = np.where(parts >= ordered[np.arange(len(parts)), within - 1][:, None], parts, 0.0)
    reached = parts.cumsum(1)
    return np.asarray(np.minimum((reached <= uniform[:, None] * reached[:, -1:]).sum(1), parts.shape[1] - 1))
