"""The music code of an ABC tune: text → stretches of notes between bar lines."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final

from studio.media.barring import MAX_NOTES, Stretch, UnusableError, Written
from studio.music.theory import LETTERS, Meter

ACCIDENTALS: Final = {"^": 1, "^^": 2, "=": 0, "_": -1, "__": -2}
_SHORTEST = 1 << 16  # of a quarter: nothing that can be kept is as short
_TIMES = {2: 3, 3: 2, 4: 3, 6: 2, 8: 3}  # tuplets: p notes in the time of this many; 5, 7 and 9 go by the metre

_LENGTH = r"\d{0,4}(?:/+\d{0,4})?"
_NOTE = rf"(?P<accidental>\^\^?|__?|=)?(?P<letter>[A-Ga-g])(?P<octave>[,']*)(?P<length>{_LENGTH})"
_TOKEN = re.compile(
    rf"""(?P<skip>[\s\\`*;$.~h-wH-W)y]|"[^"]*"|\{{[^}}]*\}}|![^!\s|]+!|!|\+[a-z]\w*\+|=20|=\s*$)
    |(?P<field>\[[A-Za-z]:[^\]]*\])
    |(?P<bar>(?:\[\||:*\||:)[:|\]]*)
    |(?P<ending>\[?\d[\d,.\-]*)
    |\((?P<tuplet>\d)(?::(?P<times>\d?))?(?::(?P<count>\d{{0,2}}))?
    |(?P<slur>\()
    |(?P<rest>[zx])(?P<rest_length>{_LENGTH})
    |(?P<bars_rest>[ZX])(?P<rest_bars>\d{{0,2}})
    |(?P<chord>\[(?P<inside>[^\]|]*)\](?P<chord_length>{_LENGTH}))
    |(?P<broken>>+|<+)
    |(?P<tie>-)
    |{_NOTE}""",
    re.VERBOSE,
)
_IN_CHORD = re.compile(rf"{_NOTE}(?P<tie>-?)|.")

OnField = Callable[[str, str], None]


@dataclass
class Reader:
    """Reads the lines of one tune. unit: quarters of a note without a number; signature: semitones by letter."""

    meter: Meter
    signature: dict[str, int]
    unit: Fraction
    stretches: list[Stretch] = field(default_factory=lambda: [Stretch("bar")])

    _accidentals: dict[str, int] = field(default_factory=dict)
    _tuplet: Fraction = Fraction(1)
    _in_tuplet: int = 0  # notes of it still to come
    _broken: Fraction = Fraction(1)  # what > or < before makes of the next note
    _last: Written | None = None
    _count: int = 0

    def read(self, text: str, on_field: OnField) -> None:
        """Read some music code. on_field is called with the letter and the value of [K:…] and the like."""
        place = 0
        while place < len(text):
            match = _TOKEN.match(text, place)
            if match is None or match.end() == place:
                raise UnusableError(f"{text[place : place + 8].strip()!r} cannot be read")
            place = match.end()
            self._take(match, on_field)

    def _take(self, match: re.Match[str], on_field: OnField) -> None:
        if match["skip"] or match["slur"]:
            return
        if match["letter"]:
            self._add(self._note(match), _length(match["length"]))
        elif match["bar"]:
            self._bar(match["bar"])
        elif match["ending"]:
            self._ending(match["ending"])
        elif match["field"]:
            on_field(match["field"][1], match["field"][3:-1].strip())
        elif match["tuplet"]:
            self._begin_tuplet(int(match["tuplet"]), match["times"], match["count"])
        elif match["rest"]:
            self._add(Written(None, self.unit), _length(match["rest_length"]))
        elif match["bars_rest"]:
            for _ in range(int(match["rest_bars"] or 1)):
                self._add(Written(None, Fraction(4 * self.meter.beats, self.meter.unit)), Fraction(1))
        elif match["chord"]:
            self._chord(match["inside"], _length(match["chord_length"]))
        elif match["broken"] and self._last is not None:
            dots = Fraction(1, 2 ** min(4, len(match["broken"])))
            before, after = (2 - dots, dots) if match["broken"][0] == ">" else (dots, 2 - dots)
            self._last.length *= before
            if self._last.length.denominator > _SHORTEST:
                raise UnusableError("a note is too short")
            self._broken = after
        elif match["tie"] and self._last is not None:
            self._last.tied = True

    def _note(self, match: re.Match[str]) -> Written:
        """A note of the plain length, its accidental noted for the rest of the bar (in every octave)."""
        letter = match["letter"].upper()
        octave = (5 if match["letter"].islower() else 4) + match["octave"].count("'") - match["octave"].count(",")
        if match["accidental"]:
            self._accidentals[letter] = ACCIDENTALS[match["accidental"]]
        pitch = 12 * (octave + 1) + LETTERS[letter] + self._accidentals.get(letter, self.signature[letter])
        if not 0 <= pitch <= 127:
            raise UnusableError(f"the note {match[0]!r} is too high or too low")
        return Written(pitch, self.unit, False, letter not in self._accidentals, 7 * octave + [*LETTERS].index(letter))

    def _chord(self, inside: str, length: Fraction) -> None:
        """Its top note, as long as its first."""
        notes = [
            (self._note(match), _length(match["length"]), match["tie"])
            for match in _IN_CHORD.finditer(re.sub(r'"[^"]*"|![^!]*!', "", inside))
            if match["letter"]
        ]
        if notes:
            top, _, tie = max(notes, key=lambda note: note[0].pitch or 0)
            top.tied = bool(tie)
            self._add(top, notes[0][1] * length)

    def _add(self, note: Written, length: Fraction) -> None:
        note.length *= length * self._broken
        self._broken = Fraction(1)
        if self._in_tuplet:
            note.length *= self._tuplet
            self._in_tuplet -= 1
        if note.length <= 0:
            raise UnusableError("a note has no length")
        self._count += 1
        if self._count > MAX_NOTES:
            raise UnusableError(f"it has more than {MAX_NOTES:,} notes")
        self.stretches[-1].notes.append(note)
        self._last = note

    def _begin_tuplet(self, notes: int, times: str | None, count: str | None) -> None:
        if notes < 2:
            raise UnusableError(f"'({notes}' is no tuplet")
        usual = _TIMES.get(notes, 3 if self.meter.is_compound else 2)
        self._tuplet = Fraction(int(times or usual), notes)
        self._in_tuplet = int(count or notes)

    def _bar(self, signs: str) -> None:
        self.stretches.append(Stretch("bar" if signs == "|" else "part"))
        self._accidentals = {}

    def _ending(self, written: str) -> None:
        """[1 anywhere, or a number right behind a bar line."""
        if self.stretches[-1].notes or self.stretches[-1].ending:
            if written[0] != "[":
                raise UnusableError(f"{written!r} cannot be read")
            self.stretches.append(Stretch("none"))
        self.stretches[-1].ending = frozenset(int(number[:4]) for number in re.findall(r"\d+", written))


def _length(written: str) -> Fraction:
    """ "3/2" → 3/2, "/" → 1/2, "//" → 1/4, "" → 1."""
    number, slashes, divisor = re.fullmatch(r"(\d*)(/*)(\d*)", written).groups()  # type: ignore[union-attr]
    below = int(divisor) * 2 ** (len(slashes) - 1) if divisor else 2 ** min(8, len(slashes))
    if below == 0:
        raise UnusableError("a note is divided by 0")
    return Fraction(int(number or 1), below)
