"""Chords for a melody.

The method is that of a hidden Markov model, as in MySong (Simon, Morris & Basu, CHI 2008): chords are hidden states,
the notes that sound during each are what is observed, and the likeliest path is found by Viterbi's algorithm. Its
numbers are not learnt but stated: `_FITS`, how well a note sits on a chord, and `_MOVES`, how readily one function of
harmony follows another (tonic, subdominant, dominant; after the table of usual progressions in Piston, Harmony, 1941).
The chords are the diatonic triads of the mode, without the diminished ones, and the dominant seventh.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from studio.music.melody import Melody
from studio.music.theory import TICKS, Key, Meter, Mode

Quality = Literal["major", "minor", "seventh"]
_INTERVALS: Mapping[Quality, tuple[int, ...]] = {"major": (0, 4, 7), "minor": (0, 3, 7), "seventh": (0, 4, 7, 10)}
_SUFFIXES: Mapping[Quality, str] = {"major": "", "minor": "m", "seventh": "7"}


@dataclass(frozen=True)
class Chord:
    """A chord from a tick, counted from the first full bar, for so many ticks. root: a pitch class, 0 for C."""

    start: int
    ticks: int
    root: int
    quality: Quality
    name: str

    @property
    def pitch_classes(self) -> tuple[int, ...]:
        """From the root up: third, fifth and, of a dominant seventh, the seventh."""
        return tuple((self.root + interval) % 12 for interval in _INTERVALS[self.quality])


class _State(NamedTuple):
    """A chord of a mode: semitones above the tonic, function, and how readily it is chosen."""

    step: int
    quality: Quality
    function: Literal["T", "S", "D"]
    liking: float


_STATES: Mapping[Mode, tuple[_State, ...]] = {
    "major": (
        _State(0, "major", "T", 0.2),
        _State(2, "minor", "S", -0.1),
        _State(4, "minor", "T", -0.6),
        _State(5, "major", "S", 0.2),
        _State(7, "major", "D", 0.2),
        _State(7, "seventh", "D", 0.0),
        _State(9, "minor", "T", -0.1),
    ),
    "minor": (
        _State(0, "minor", "T", 0.4),
        _State(3, "major", "T", 0.0),
        _State(5, "minor", "S", 0.0),
        _State(7, "minor", "D", -0.2),
        _State(7, "major", "D", 0.0),
        _State(7, "seventh", "D", -0.2),
        _State(8, "major", "S", 0.0),
        _State(10, "major", "D", 0.1),
    ),
    "dorian": (
        _State(0, "minor", "T", 0.4),
        _State(3, "major", "T", 0.0),
        _State(5, "major", "S", 0.0),
        _State(7, "minor", "D", -0.2),
        _State(10, "major", "D", 0.3),
    ),
    "mixolydian": (
        _State(0, "major", "T", 0.2),
        _State(2, "minor", "S", -0.4),
        _State(5, "major", "S", 0.1),
        _State(7, "minor", "D", -0.2),
        _State(9, "minor", "T", -0.4),
        _State(10, "major", "D", 0.3),
    ),
}
_MOVES = {
    "TT": -0.4, "TS": 0.0, "TD": 0.0,
    "SS": -0.6, "ST": -0.2, "SD": 0.1,
    "DD": -0.5, "DT": 0.3, "DS": -0.9,
}  # fmt: skip
"""What a change from one function to another adds; two chords of one function count as a change too."""
_STAY, _CHANGE_IN_BAR = 0.0, -0.7
_FITS = (1.0, 0.9, 0.8, 0.4)
"""A quarter note on the root, third, fifth and seventh of a chord; and beside it, a semitone beside it."""
_BESIDE, _RUBS = -0.7, -1.0
_ON_BAR, _ON_BEAT = 1.6, 1.2
"""What a note counts for that begins on a bar line or on a beat, others counting for 1."""
_SETTLED, _DOMINANT_BEFORE = -1e6, 1.0


def chords_of(melody: Melody) -> tuple[Chord, ...]:
    """One chord a bar, in 4/4 and 2/2 one or two, from the first full bar to the end of the melody.

    Where the last note belongs to the tonic's triad the last chord is the tonic, from a dominant if the notes allow.
    """
    spans = _spans(melody)
    if not spans:
        return ()
    states = _STATES[melody.key.mode]
    emissions = np.array([state.liking for state in states]) + _heard(melody, spans) @ _fits(states)
    emissions[-1] += _ending(melody, states)
    path = _likeliest(emissions, _moves(melody, spans, states))
    found: list[Chord] = []
    for (start, end), state in zip(spans, path, strict=True):
        chord = _chord(melody.key, states[state], start, end)
        if found and found[-1].name == chord.name and start % melody.meter.bar:
            chord = _chord(melody.key, states[state], found.pop().start, end)
        found.append(chord)
    return tuple(found)


def _chord(key: Key, state: _State, start: int, end: int) -> Chord:
    root = (key.tonic + state.step) % 12
    return Chord(start, end - start, root, state.quality, key.spell(root) + _SUFFIXES[state.quality])


def _spans(melody: Melody) -> list[tuple[int, int]]:
    """Start and end of each stretch that has one chord; whole bars of a long pickup are bars too."""
    meter = melody.meter
    step = meter.bar // 2 if meter.bar == 4 * TICKS else meter.bar
    first, end = -(melody.pickup // meter.bar) * meter.bar, melody.ticks - melody.pickup
    return [(start, min(start + step, end)) for start in range(first, end, step)]


def _heard(melody: Melody, spans: list[tuple[int, int]]) -> NDArray[np.float64]:
    """(spans, 12): quarters for which each pitch class above the tonic sounds, by the weight of where they begin."""
    heard = np.zeros((len(spans), 12))
    first, step = spans[0][0], spans[0][1] - spans[0][0]
    for at, note in melody.timed():
        if note.pitch is None:
            continue
        for number in range(max(0, (at - first) // step), min(len(spans), (at + note.ticks - 1 - first) // step + 1)):
            start, end = spans[number]
            shared = min(end, at + note.ticks) - max(start, at)
            heard[number, (note.pitch - melody.key.tonic) % 12] += shared / TICKS * _weight(at, melody.meter)
    return heard


def _weight(at: int, meter: Meter) -> float:
    return _ON_BAR if at % meter.bar == 0 else _ON_BEAT if at % meter.beat == 0 else 1.0


def _fits(states: tuple[_State, ...]) -> NDArray[np.float64]:
    """(12, S): what a quarter on each pitch class above the tonic says for each chord."""
    fits = np.full((12, len(states)), _BESIDE)
    for number, state in enumerate(states):
        tones = [(state.step + interval) % 12 for interval in _INTERVALS[state.quality]]
        for tone in tones:
            fits[[(tone + 1) % 12, (tone - 1) % 12], number] = _RUBS
        fits[tones, number] = _FITS[: len(tones)]
    return fits


def _ending(melody: Melody, states: tuple[_State, ...]) -> NDArray[np.float64]:
    """(S,): what settles the last chord: only the tonic, if the last note belongs to it or nothing sounds."""
    last = melody.pitches[-1] - melody.key.tonic if melody.pitches else 0
    settled = last % 12 in _INTERVALS[states[0].quality]
    return np.array([_SETTLED if settled and state.step else 0.0 for state in states])


def _moves(melody: Melody, spans: list[tuple[int, int]], states: tuple[_State, ...]) -> NDArray[np.float64]:
    """(spans, S, S): what a move from one chord to the next adds; the first has no chord before it."""
    count = len(states)
    usual = np.array([[_MOVES[one.function + other.function] for other in states] for one in states])
    np.fill_diagonal(usual, _STAY)
    in_bar = usual + _CHANGE_IN_BAR * (1 - np.eye(count))
    moves = np.array([in_bar if start % melody.meter.bar else usual for start, _ in spans])
    tonic = np.array([state.step == 0 for state in states])
    dominant = np.array([state.function == "D" for state in states])
    end = spans[-1][1]
    for number, (start, _) in enumerate(spans):
        if end - start <= 2 * melody.meter.bar:
            moves[number][np.ix_(dominant, tonic)] += _DOMINANT_BEFORE
    return moves


def _likeliest(emissions: NDArray[np.float64], moves: NDArray[np.float64]) -> list[int]:
    """(N, S) emissions, (N, S, S) moves  →  the N states of the best path (Viterbi)."""
    scores = emissions[0]
    back = []
    for emission, move in zip(emissions[1:], moves[1:], strict=True):
        reached = scores[:, None] + move
        back.append(reached.argmax(0))
        scores = reached.max(0) + emission
    path = [int(scores.argmax())]
    for before in reversed(back):
        path.append(int(before[path[-1]]))
    return path[::-1]
