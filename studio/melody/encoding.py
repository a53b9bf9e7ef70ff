"""A melody as the network reads and writes it: one event a note, a rest, or a note held over a bar line.

An event is two tokens, a pitch and a duration. Pitches count from the tonic, so that a tune is the same in every key.
No event crosses a bar line: a note that does is a note and a `HOLD` after the line. What the network knows besides the
event before is in `COLUMNS`: where the bar stands, how many bars are left, and what sounded 1, 2, 4 and 8 bars ago,
after the lookback of Magenta's melody RNN and the tokens of folk-rnn (Sturm et al. 2016, arXiv:1604.08723).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from studio.errors import InputError
from studio.music.melody import Melody, Note
from studio.music.theory import METERS, MODES, TICKS, Key, Meter

Ints = NDArray[np.int64]

REST, HOLD, LOWEST, HIGHEST = 0, 1, -17, 26
"""Pitch tokens of a rest and of a held note; the lowest and highest pitch, in semitones from the tonic's own octave."""
FIRST_PITCH = 2
PITCH_TOKENS = FIRST_PITCH + HIGHEST - LOWEST + 1
NOTHING = PITCH_TOKENS
"""Stands for a pitch where there is none: before the beginning."""

DURATIONS = (
    2,
    3,
    4,
    6,
    8,
    9,
    12,
    15,
    16,
    18,
    20,
    21,
    24,
    27,
    30,
    32,
    33,
    36,
    40,
    42,
    45,
    48,
    54,
    60,
    66,
    72,
    78,
    84,
    90,
    96,
    102,
    108,
)
"""The duration of each duration token, in ticks."""
NO_DURATION = len(DURATIONS)

LAGS = (1, 2, 4, 8)
"""Bars back that the network looks."""
LONGEST_MATCH = 8
MOST_BARS_LEFT = 32
DENSITY_EDGES = (1.0, 1.3, 1.6, 1.8, 1.95, 2.4, 3.2)
"""Notes a quarter that part the classes of density; class 0 is "as it likes"."""

_LONGEST_BAR = 108

COLUMNS: tuple[tuple[str, int], ...] = (
    ("meter", len(METERS)),
    ("mode", len(MODES)),
    ("density", len(DENSITY_EDGES) + 2),
    ("position", _LONGEST_BAR),
    ("bar", 8),
    ("bars_left", MOST_BARS_LEFT + 1),
    ("pitch", PITCH_TOKENS + 1),
    ("duration", NO_DURATION + 1),
    ("sounding", PITCH_TOKENS + 1),
    *(
        (f"{name}_{lag}", size)
        for lag in LAGS
        for name, size in (
            ("pitch", 2 * (PITCH_TOKENS + 1)),
            ("duration", NO_DURATION + 1),
            ("match", LONGEST_MATCH + 1),
        )
    ),
)
"""What the network is told before each event: the name of each column and how many values it has."""


@dataclass(frozen=True)
class Events:
    """N events: `pitches` and `durations` are tokens (N,); `starts` (N,) are ticks from the first full bar."""

    pitches: Ints
    durations: Ints
    starts: Ints


def reference(key: Key, pitches: Sequence[int]) -> int:
    """The tonic that pitches are counted from: the highest one not above their median (MIDI)."""
    middle = sorted(pitches)[len(pitches) // 2] if pitches else 67
    return middle - (middle - key.tonic) % 12


def pitch_token(pitch: int, origin: int) -> int:
    """Of a MIDI pitch. Raises InputError where it is too far from the tonic."""
    if not LOWEST <= pitch - origin <= HIGHEST:
        raise InputError(
            f"its pitches span too much: {pitch - origin:+d} semitones from the tonic, "
            f"where {LOWEST} to +{HIGHEST} can be written"
        )
    return FIRST_PITCH + pitch - origin - LOWEST


def midi_pitch(token: int, origin: int) -> int:
    """The MIDI pitch of a pitch token, which is neither a rest nor held."""
    return token - FIRST_PITCH + LOWEST + origin


@cache
def _token_of_duration() -> dict[int, int]:
    return {ticks: token for token, ticks in enumerate(DURATIONS)}


def nearest_duration(ticks: int) -> int:
    """The token of the duration that comes nearest to some ticks."""
    return min(range(len(DURATIONS)), key=lambda token: abs(DURATIONS[token] - ticks))


def events_of(melody: Melody, origin: int, *, exact: bool = True) -> Events:
    """The events of a melody, its pitches counted from `origin`.

    exact: refuse a duration that is no token; otherwise take the nearest one, while `starts` stay as they are.
    Raises InputError.
    """
    bar, tokens = melody.meter.bar, _token_of_duration()
    pitches, durations, starts = [], [], []
    for start, note in melody.timed():
        at, end = start, start + note.ticks
        token = REST if note.pitch is None else pitch_token(note.pitch, origin)
        while at < end:
            part = min(end, (at // bar + 1) * bar) - at
            if part not in tokens and exact:
                raise InputError(f"a note of {part}/{TICKS} of a quarter cannot be written")
            pitches.append(token)
            durations.append(tokens[part] if part in tokens else nearest_duration(part))
            starts.append(at)
            token, at = (REST if note.pitch is None else HOLD), at + part
    return Events(np.array(pitches, np.int64), np.array(durations, np.int64), np.array(starts, np.int64))


def melody_of(
    pitches: Sequence[int], ticks: Sequence[int], origin: int, key: Key, meter: Meter, tempo: float, pickup: int = 0
) -> Melody:
    """The melody of pitch tokens and durations in ticks: notes held over a bar line become one."""
    notes: list[Note] = []
    for token, length in zip(pitches, ticks, strict=True):
        if token == HOLD and notes and notes[-1].pitch is not None:
            notes[-1] = Note(notes[-1].pitch, notes[-1].ticks + length)
        elif token == REST and notes and notes[-1].pitch is None:
            notes[-1] = Note(None, notes[-1].ticks + length)
        else:
            notes.append(Note(None if token in (REST, HOLD) else midi_pitch(token, origin), length))
    return Melody(tuple(notes), key, meter, tempo, pickup)


def density_class(notes_a_quarter: float | None) -> int:
    """0 for None: as it likes; otherwise from 1, the sparsest."""
    return 0 if notes_a_quarter is None else 1 + sum(notes_a_quarter >= edge for edge in DENSITY_EDGES)


def density_of(melody: Melody) -> float:
    """Notes a quarter."""
    return len(melody.pitches) * TICKS / max(1, melody.ticks)


def columns_of(events: Events, melody: Melody, density: int) -> Ints:
    """(N, len(COLUMNS)): what is known before each event, the values of COLUMNS."""
    meter, count = melody.meter, len(events.starts)
    starts, bar = events.starts, meter.bar
    bars = starts // bar
    rows: dict[str, Ints] = {
        "meter": np.full(count, METERS.index(meter.name)),
        "mode": np.full(count, MODES.index(melody.key.mode)),
        "density": np.full(count, density),
        "position": starts - bars * bar,
        "bar": bars % 8,
        "bars_left": bars_left(melody.bars - bars, melody.bars * bar - (melody.ticks - melody.pickup)),
        "pitch": np.concatenate([[NOTHING], events.pitches[:-1]]),
        "duration": np.concatenate([[NO_DURATION], events.durations[:-1]]),
        "sounding": _sounding(events.pitches),
    }
    for lag in LAGS:
        covering = np.searchsorted(starts, starts - lag * bar, "right") - 1
        known = covering >= 0
        there = np.maximum(covering, 0)
        begins = known & (starts[there] == starts - lag * bar)
        rows[f"pitch_{lag}"] = np.where(known, 2 * events.pitches[there] + begins, 2 * NOTHING)
        rows[f"duration_{lag}"] = np.where(begins, events.durations[there], NO_DURATION)
        rows[f"match_{lag}"] = _matches(events, begins, there)
    return np.stack([rows[name] for name, _ in COLUMNS], 1).astype(np.int64)


def bars_left(left: Ints, missing: int) -> Ints:
    """Bars to the end, 1 in the last one; 0 in a last one that `missing` ticks shorten, as after a pickup."""
    return np.where((left <= 1) & (missing > 0), 0, np.clip(left, 0, MOST_BARS_LEFT))


def _sounding(pitches: Ints) -> Ints:
    """(N,): the last pitch that began before each event."""
    found, last = np.empty_like(pitches), NOTHING
    for number, pitch in enumerate(pitches):
        found[number] = last
        last = pitch if pitch >= FIRST_PITCH else last
    return found


def _matches(events: Events, begins: NDArray[np.bool_], there: Ints) -> Ints:
    """(N,): how many events in a row, up to the one before, were those of a lag earlier."""
    same = begins & (events.pitches == events.pitches[there]) & (events.durations == events.durations[there])
    found, run = np.empty_like(events.pitches), 0
    for number, equal in enumerate(same):
        found[number] = min(run, LONGEST_MATCH)
        run = run + 1 if equal else 0
    return found
