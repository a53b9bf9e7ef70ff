"""Every option of a melody, with its range and its help text."""

from __future__ import annotations

import re
from typing import Literal

from studio.errors import InputError
from studio.music.theory import METERS, Key, Meter, MeterName, Mode, tonic_of
from studio.parameters import Parameters, parameter, parameters

Accompaniment = Literal["none", "chords", "bass", "arpeggio", "drone"]
KEY, MODE, METER = "D", "major", "4/4"
"""What a tune has that nothing was said of, and that begins with no primer."""


def pitch_named(name: str) -> int:
    """The MIDI number of "G3" (55; "C4" is 60), "F#4", "Bb5", or of a number as text. Raises InputError."""
    text = name.strip()
    match = re.fullmatch(r"([A-Ga-g])([#♯b♭]?)(-?\d)", text)
    if match:
        shift = {"": 0, "#": 1, "♯": 1, "b": -1, "♭": -1}[match[2]]
        pitch = tonic_of(match[1]) + shift + 12 * (int(match[3]) + 1)
    elif text.isdecimal() and len(text) < 4:
        pitch = int(text)
    else:
        raise InputError(f"There is no pitch {name!r}; expected a name and an octave, as in G3 or F#5, or 0 to 127.")
    if not 0 <= pitch <= 127:
        raise InputError(f"The pitch {name} is {pitch} as MIDI counts; expected 0 to 127, C-1 to G9.")
    return pitch


@parameters
class MelodyParameters(Parameters):
    """What tunes are asked for, and what they promise."""

    bars: int = parameter(16, "Full bars, those of a primer included.", ge=1, le=512)
    key: str | None = parameter(None, "The tonic, as in D, F# or Bb; D if nothing else says so.")
    mode: Mode | None = parameter(None, "major, minor, dorian or mixolydian; major if nothing else says so.")
    meter: MeterName | None = parameter(None, f"{', '.join(METERS)}; 4/4 if nothing else says so.")
    tempo: float | None = parameter(None, "Beats a minute, dotted ones in 6/8 and 9/8; 120.", ge=20, le=400)
    seed: int = parameter(0, "Seed; tune k of several has the seed + k.", ge=0, lt=2**63)
    count: int = parameter(1, "How many tunes.", ge=1, le=10_000)
    temperature: float = parameter(1.0, "Less is plainer, more is wilder; 0 takes the likeliest note.", ge=0, le=5)
    scale_only: bool = parameter(False, "Only notes of the scale.")
    end_on_tonic: bool = parameter(True, "The last note is the tonic, a quarter or longer.")
    loop: bool = parameter(False, "The end leads back to the beginning.")
    accompaniment: Accompaniment = parameter("none", "What plays under the tune: chords, bass, arpeggio or drone.")
    drums: bool = parameter(False, "Drums under the tune.")

    lowest: str = parameter("G3", "The lowest note: a name and an octave, or a MIDI number.", advanced=True)
    highest: str = parameter("E6", "The highest note.", advanced=True)
    density: float | None = parameter(None, "Notes a quarter, roughly; as the model likes.", gt=0, le=8, advanced=True)
    top_k: int = parameter(0, "Choose among so many likeliest; 0 for all.", ge=0, le=1000, advanced=True)
    top_p: float = parameter(
        0.95, "Choose among the likeliest that make up this part of the probability.", gt=0, le=1, advanced=True
    )
    most_repeats: int = parameter(4, "Notes in a row of one pitch, at most.", ge=1, le=64, advanced=True)
    best_of: int = parameter(
        4, "Tunes sampled for each one kept: that which lies nearest to real ones.", ge=1, le=256, advanced=True
    )
    original: int = parameter(
        0,
        "Sample again while a tune shares more notes in a row with one learnt from; 0 never.",
        ge=0,
        le=1000,
        advanced=True,
    )
    toward_seed: int | None = parameter(
        None, "Another seed: the tunes lead from the one to the other.", ge=0, lt=2**63, advanced=True
    )
    part: float | None = parameter(
        None,
        "Where on the way between two seeds or primers, 0 to 1; all of it if not given.",
        ge=0,
        le=1,
        advanced=True,
    )
    instrument: int = parameter(
        73, "Who plays it, as General MIDI counts from 0: 73 flute.", ge=0, le=127, advanced=True
    )

    def __post_init__(self) -> None:
        """Raise InputError for a key or a pitch that does not exist, and for a range that is upside down."""
        _ = self.whole_key
        low, high = self.span
        if low >= high:
            raise InputError(f"Expected the lowest note below the highest one, got {self.lowest} and {self.highest}.")

    @property
    def span(self) -> tuple[int, int]:
        """The lowest and the highest note, as MIDI counts."""
        return pitch_named(self.lowest), pitch_named(self.highest)

    @property
    def whole_key(self) -> Key:
        """Of a tune without a primer."""
        return Key.named(self.key or KEY, self.mode or MODE)

    @property
    def whole_meter(self) -> Meter:
        """Of a tune without a primer."""
        return Meter.named(self.meter or METER)
