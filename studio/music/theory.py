"""Keys, modes and metres: what a melody promises, and how each is written."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, get_args

from studio.errors import InputError

TICKS = 24
"""Ticks in a quarter note: a triplet of sixteenths is 4 each, a thirty-second is 3."""

Mode = Literal["major", "minor", "dorian", "mixolydian"]
MODES: tuple[Mode, ...] = get_args(Mode)
SCALES: Mapping[Mode, tuple[int, ...]] = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
}
"""The semitones of each mode above its tonic; minor is the natural one."""

MeterName = Literal["2/4", "3/4", "4/4", "2/2", "6/8", "9/8"]
METERS: tuple[MeterName, ...] = get_args(MeterName)

TEMPO = 120.0
"""Felt beats a minute of a tune that says nothing of it."""

LETTERS: Mapping[str, int] = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
"""The pitch class of each letter."""
FIFTHS: Mapping[Mode, int] = {"major": 0, "mixolydian": -1, "dorian": -2, "minor": -3}
"""Sharps of each mode's key signature, beyond those of the major key on its tonic."""
SHARP_ORDER = "FCGDAEB"
"""The letters in the order in which key signatures sharpen them; they are flattened from its end."""

_ACCIDENTALS = {"": 0, "#": 1, "♯": 1, "b": -1, "♭": -1}


@dataclass(frozen=True)
class Key:
    """A tonic, 0 for C to 11 for B, and a mode."""

    tonic: int
    mode: Mode = "major"

    @classmethod
    def named(cls, tonic: str, mode: str = "major") -> Key:
        """The key of a tonic such as "D", "F#" or "Bb". Raises InputError."""
        if mode not in MODES:
            raise InputError(f"There is no mode {mode!r} here; choose one of {', '.join(MODES)}.")
        return cls(tonic_of(tonic), mode)

    @property
    def pitch_classes(self) -> frozenset[int]:
        """Those of the scale, 0 for C."""
        return frozenset((self.tonic + step) % 12 for step in SCALES[self.mode])

    @property
    def sharps(self) -> int:
        """Sharps of the key signature, from -6 to 6; flats are negative."""
        fifths = (7 * self.tonic + FIFTHS[self.mode] + 5) % 12 - 5
        return -6 if fifths == 6 and self.mode != "major" else fifths  # F♯ major, but E♭ minor

    @property
    def tonic_name(self) -> str:
        """The tonic as its key signature spells it: "F#", "Bb"."""
        return self.spell(self.tonic)

    @property
    def name(self) -> str:
        """ "D major"."""
        return f"{self.tonic_name} {self.mode}"

    @cached_property
    def _spelling(self) -> dict[int, str]:
        """The name of each pitch class: those of the scale by the signature, others by a sharp or a flat."""
        sharpened = SHARP_ORDER[: max(0, self.sharps)]
        flattened = SHARP_ORDER[::-1][: max(0, -self.sharps)]
        names: dict[int, str] = {}
        for letter, pitch_class in LETTERS.items():
            shift = (letter in sharpened) - (letter in flattened)
            names[(pitch_class + shift) % 12] = letter + {1: "#", 0: "", -1: "b"}[shift]
        other = ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"]
        if self.sharps < 0:
            other = ["C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B"]
        return {pitch_class: names.get(pitch_class, other[pitch_class]) for pitch_class in range(12)}

    def spell(self, pitch: int) -> str:
        """The name of a pitch class in this key, without its octave: "F#"."""
        return self._spelling[pitch % 12]


@dataclass(frozen=True)
class Meter:
    """Beats of a bar and the note that counts as one: 6/8 is Meter(6, 8)."""

    beats: int
    unit: int

    @classmethod
    def named(cls, name: str) -> Meter:
        """The metre written "6/8". Raises InputError for one that is not among METERS."""
        if name not in METERS:
            raise InputError(f"There is no metre {name!r} here; choose one of {', '.join(METERS)}.")
        return cls(*map(int, name.split("/")))

    @property
    def name(self) -> str:
        return f"{self.beats}/{self.unit}"

    @property
    def bar(self) -> int:
        """Ticks in a bar."""
        return TICKS * 4 * self.beats // self.unit

    @property
    def is_compound(self) -> bool:
        """Whether its beats are in threes, as in 6/8."""
        return self.unit == 8 and self.beats % 3 == 0

    @property
    def beat(self) -> int:
        """Ticks in a beat as it is felt: a dotted quarter in 6/8, a half in 2/2."""
        return TICKS * 3 // 2 if self.is_compound else TICKS * 4 // self.unit


def tonic_of(name: str) -> int:
    """The pitch class of "D", "F#" or "Bb". Raises InputError."""
    match = re.fullmatch(r"([A-Ga-g])([#♯b♭]?)", name.strip())
    if not match:
        raise InputError(f"There is no key {name!r}; expected a letter from A to G, as in D, F# or Bb.")
    return (LETTERS[match[1].upper()] + _ACCIDENTALS[match[2]]) % 12


def pitch_name(pitch: int) -> str:
    """The name of a MIDI pitch with its octave: 60 is "C4"."""
    return f"{Key(0).spell(pitch)}{pitch // 12 - 1}"
