"""Where the notes of chords lie: close to those of the chord before, and under the melody."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise, product

import numpy as np

from studio.music.harmony import Chord
from studio.music.melody import Melody

Voicing = tuple[int, ...]
"""Pitches from the lowest up; fewer than the chord has, or none, where the melody leaves no room."""

_LOWEST, _CENTRE, _HIGHEST = 43, 57, 74
_BASS_LOWEST, _BASS_CENTRE, _BASS_HIGHEST = 28, 41, 52
_CLOSE_BELOW = 52
"""Thirds and seconds below this sound muddy."""


class Ceiling:
    """The melody as a roof over what accompanies it."""

    def __init__(self, melody: Melody) -> None:
        timed = [(at, at + note.ticks, note.pitch) for at, note in melody.timed() if note.pitch is not None]
        self._starts, self._ends, self._pitches = np.array(timed, np.int64).reshape(-1, 3).T

    def over(self, start: int, end: int) -> int:
        """The highest pitch that stays below every note of the melody that sounds between two ticks; 127 in a rest."""
        first = int(np.searchsorted(self._ends, start, side="right"))
        last = int(np.searchsorted(self._starts, end, side="left"))
        return int(self._pitches[first:last].min()) - 1 if last > first else 127


def voiced(chords: Sequence[Chord], ceiling: Ceiling) -> list[Voicing]:
    """Each chord so that its voices move little from the one before, keep together and stay under the melody."""
    found: list[Voicing] = []
    before: Voicing = ()
    for chord in chords:
        highest = min(_HIGHEST, ceiling.over(chord.start, chord.start + chord.ticks))
        places = [range(_first(tone, _LOWEST), highest + 1, 12) for tone in chord.pitch_classes]
        candidates = [tuple(sorted(voicing)) for voicing in product(*(some for some in places if some))]
        found.append(min(candidates, key=lambda voicing: (_cost(voicing, before), voicing)))
        before = found[-1] or before
    return found


def bass_of(pitch_class: int, below: int) -> int | None:
    """The bass note nearest the middle of its range that lies below a pitch; None where there is no room."""
    places = range(_first(pitch_class, _BASS_LOWEST), min(_BASS_HIGHEST + 1, below), 12)
    return min(places, key=lambda pitch: abs(pitch - _BASS_CENTRE), default=None)


def _first(pitch_class: int, lowest: int) -> int:
    """The lowest pitch of a class that is not below another."""
    return lowest + (pitch_class - lowest) % 12


def _cost(voicing: Voicing, before: Voicing) -> float:
    """Semitones that voices move, and what makes a chord wide, muddy, or drift out of the middle."""
    if not voicing:
        return 0.0
    moves = sum(min(abs(pitch - other) for other in before) for pitch in voicing) if before else 0
    wide = max(0, voicing[-1] - voicing[0] - 12)
    muddy = sum(3 for low, high in pairwise(voicing) if low < _CLOSE_BELOW and high - low < 5)
    drift = abs(sum(voicing) / len(voicing) - _CENTRE)
    return moves + wide + muddy + 0.5 * drift
