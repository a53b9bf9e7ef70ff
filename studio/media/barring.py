"""Written bars → one line of notes whose bars are all full, or the reason why that cannot be.

Written music has short bars where a part with a pickup ends: that bar and the pickup of the next part make one full bar
together. Of endings for the first and the second time only the last one is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

from studio.music.melody import Note, joined
from studio.music.theory import TICKS, Meter

MAX_NOTES = 20_000

Border = Literal["none", "bar", "part"]
"""What stands before a stretch of notes: nothing, a plain bar line, or a repeat sign, double bar or end."""


class UnusableError(Exception):
    """Why a tune is left out, in plain words."""


@dataclass
class Written:
    """A note or rest as it stands. length: in quarter notes; tied: to the next one, if that has the same pitch."""

    pitch: int | None
    length: Fraction
    tied: bool = False
    follows_tie: bool = False  # written without an accidental: it takes the pitch of a tied note on the same line
    place: int = 0  # letter and octave, whatever the accidental


@dataclass
class Stretch:
    """Notes between two bar lines. ending: the numbers of an ending that begins here; end: what stands behind."""

    border: Border
    notes: list[Written] = field(default_factory=list)
    ending: frozenset[int] = frozenset()

    @property
    def length(self) -> Fraction:
        return sum((note.length for note in self.notes), Fraction())


def barred(stretches: Sequence[Stretch], meter: Meter) -> tuple[tuple[Note, ...], int]:
    """The notes and the ticks of the pickup. Raises UnusableError."""
    bars = _bars(_last_endings(stretches))
    if sum(len(bar.notes) for bar in bars) > MAX_NOTES:
        raise UnusableError(f"it has more than {MAX_NOTES:,} notes")
    for note in (note for bar in bars for note in bar.notes):
        if (note.length * TICKS).denominator != 1:
            raise UnusableError(f"a note of {note.length} of a quarter is no whole number of ticks, {TICKS} a quarter")
    full = Fraction(4 * meter.beats, meter.unit)
    pickup = _check(bars, full, meter)
    return joined(_sounding([note for bar in bars for note in bar.notes])), int(pickup * TICKS)


def _last_endings(stretches: Sequence[Stretch]) -> list[Stretch]:
    """Without first endings: where several endings follow one another, the last one takes their place."""
    kept: list[Stretch] = []
    start: int | None = None  # where in `kept` the ending that may have to go began
    numbers: frozenset[int] = frozenset()
    for stretch in stretches:
        if stretch.ending:
            if start is not None and min(stretch.ending) > min(numbers):
                stretch = Stretch(kept[start].border, stretch.notes, stretch.ending)
                del kept[start:]
            start, numbers = len(kept), stretch.ending
        elif stretch.border == "part":
            start = None
        kept.append(stretch)
    return kept


def _bars(stretches: Sequence[Stretch]) -> list[Stretch]:
    """Stretches with no bar line between them made into one; empty ones left out, their borders kept."""
    bars: list[Stretch] = []
    border: Border = "bar"
    for stretch in stretches:
        if stretch.border == "none" and bars and border == "bar":
            bars[-1].notes.extend(stretch.notes)
            continue
        border = "part" if "part" in (border, stretch.border) else "bar"
        if stretch.notes:
            bars.append(Stretch(border, list(stretch.notes)))
            border = "bar"
    return bars


def _check(bars: Sequence[Stretch], full: Fraction, meter: Meter) -> Fraction:
    """The pickup, in quarter notes. Raises UnusableError for a bar of another length than the metre's."""
    if not any(note.pitch is not None for bar in bars for note in bar.notes):
        raise UnusableError("it has no notes")
    start = pickup = Fraction() if bars[0].length >= full else bars[0].length
    place, number = (1 if pickup else 0), 1
    while place < len(bars):
        bar, following = bars[place], bars[place + 1] if place + 1 < len(bars) else None
        if bar.length == full or _is_several(bar, full):
            place += 1
            number += int(bar.length / full) - 1
        elif following is None and bar.length in (full - start, full - pickup):
            if bar.length != full - start:  # shortened by the pickup of its own part: nothing more sounds in it
                bar.notes.append(Written(None, full - bar.length))
            place += 1
        elif following is not None and bar.length + following.length == full:
            pickup = following.length
            place += 2
        else:
            raise UnusableError(f"bar {number} holds {_length(bar.length, meter)} where {meter.name} is expected")
        number += 1
    return start


def _is_several(bar: Stretch, full: Fraction) -> bool:
    """Whether a bar line was forgotten where it does no harm: whole bars, and no note reaches over their borders."""
    at, ends = Fraction(), set[Fraction]()
    for note in bar.notes:
        at += note.length
        ends.add(at)
    return at % full == 0 and all(place * full in ends for place in range(1, int(at / full)))


def _length(quarters: Fraction, meter: Meter) -> str:
    units = quarters * meter.unit / 4
    unit = meter.unit
    while units.denominator > 1 and unit < 64:
        units, unit = units * 2, unit * 2
    return f"{units}/{unit}" if units.denominator == 1 else f"{float(quarters):.3f} quarters"


def _sounding(written: Sequence[Written]) -> list[Note]:
    """Ties of equal pitches made into one note."""
    notes: list[Note] = []
    before: Written | None = None
    for note in written:
        ticks = int(note.length * TICKS)
        pitch = note.pitch
        if before is not None and before.tied and before.pitch is not None and pitch is not None:
            if note.follows_tie and note.place == before.place:
                pitch = note.pitch = before.pitch
            if pitch == before.pitch:
                notes[-1] = Note(pitch, notes[-1].ticks + ticks)
                before = note
                continue
        notes.append(Note(pitch, ticks))
        before = note
    return notes
