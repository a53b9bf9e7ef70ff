"""Melody → a tune in ABC notation that `studio.media.abc` reads back to the same melody."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from studio.media import files
from studio.music.melody import Melody
from studio.music.theory import TICKS, Key, Meter

BARS_IN_LINE = 4
_UNIT = TICKS // 2  # ticks of a note without a number: L:1/8
_MODES = {"major": "", "minor": "m", "dorian": "dor", "mixolydian": "mix"}
_SIGNS = {-1: "_", 0: "=", 1: "^"}
_SHIFTS = {"": 0, "#": 1, "b": -1}
_RECIPE = "%studio-recipe "


@dataclass(frozen=True)
class _Piece:
    """A note, or what lies of it in one bar. at: ticks from the bar's beginning; tied: it goes on in the next bar."""

    pitch: int | None
    at: int
    ticks: int
    tied: bool


@dataclass
class _Accidentals:
    """What holds in a bar, so that a reader for whom an accidental counts in every octave and one for whom it
    counts only in its own both read the pitch that is meant."""

    key: Key
    in_all: dict[str, int] = field(default_factory=dict)
    in_one: dict[tuple[str, int], int] = field(default_factory=dict)

    def written(self, pitch: int) -> str:
        """A pitch with the accidental it needs here: "^f", "G,"."""
        name = self.key.spell(pitch)
        letter, shift = name[0], _SHIFTS[name[1:]]
        octave = (pitch - shift) // 12 - 1
        usual = _SHIFTS[self._usual(letter)]
        holds = {self.in_all.get(letter, usual), self.in_one.get((letter, octave), usual)}
        self.in_all[letter] = self.in_one[letter, octave] = shift
        sign = "" if holds == {shift} else _SIGNS[shift]
        return sign + (letter.lower() + "'" * (octave - 5) if octave > 4 else letter + "," * (4 - octave))

    def _usual(self, letter: str) -> str:
        return next((name[1:] for name in map(self.key.spell, self.key.pitch_classes) if name[0] == letter), "")


def write_tune(melody: Melody, title: str, recipe_json: str = "") -> str:
    """An ABC tune, four bars to a line, notes of a beat beamed together. recipe_json: kept in a comment."""
    lines = ["X:1", f"T:{' '.join(title.split()).replace('%', chr(92) + '%')}"]
    lines += [f"M:{melody.meter.name}", "L:1/8", f"Q:{_beat(melody.meter)}={repr(melody.tempo).removesuffix('.0')}"]
    lines.append(f"K:{melody.key.tonic_name}{_MODES[melody.key.mode]}")
    bars = [_bar(pieces, melody) for pieces in _bars(melody)]
    first = BARS_IN_LINE + (melody.pickup > 0)
    rows = [bars[:first]] + [bars[at : at + BARS_IN_LINE] for at in range(first, len(bars), BARS_IN_LINE)]
    lines += [" | ".join(row) + (" |]" if row is rows[-1] else " |") for row in rows]
    if recipe_json:
        lines.append(_RECIPE + " ".join(recipe_json.splitlines()))
    return "\n".join(lines) + "\n"


def write_abc(path: str | Path, melody: Melody, title: str, recipe_json: str = "") -> Path:
    """Write an .abc file atomically. Raises OutputError."""
    target = files.check_writable(path, (".abc",))
    return files.write_bytes(target, write_tune(melody, title, recipe_json).encode())


def read_recipe_text(path: str | Path) -> str | None:
    """The recipe in an .abc file that Studio wrote, or None. Raises InputError for a file that cannot be read."""
    for line in files.read_bytes(path).decode(errors="replace").splitlines():
        if line.startswith(_RECIPE):
            return line.removeprefix(_RECIPE)
    return None


def _bars(melody: Melody) -> Iterator[list[_Piece]]:
    """Notes cut at the bar lines."""
    bar, pieces = melody.meter.bar, list[_Piece]()
    number = -1 if melody.pickup else 0
    for begin, note in melody.timed():
        at, end = begin, begin + note.ticks
        while at < end:
            if at // bar != number and pieces:
                yield pieces
                pieces = []
            number = at // bar
            ticks = min(end, (number + 1) * bar) - at
            goes_on = at + ticks < end and note.pitch is not None
            pieces.append(_Piece(note.pitch, at - number * bar, ticks, goes_on))
            at += ticks
    yield pieces


def _bar(pieces: Sequence[_Piece], melody: Melody) -> str:
    meter, accidentals, words, place = melody.meter, _Accidentals(melody.key), "", 0
    beam = meter.beat * (2 if meter.name == "4/4" else 1)
    while place < len(pieces):
        count = _tuplet(pieces[place:])
        factor = Fraction(3, 2) if count else Fraction(1)
        run = pieces[place : place + max(1, count)]
        for index, piece in enumerate(run):
            before = pieces[place + index - 1] if place + index else None
            if before and (piece.at % beam == 0 or max(piece.ticks, before.ticks) >= TICKS):
                words += " "
            if count and index == 0:
                words += "(3" if count == 3 else f"(3:2:{count}"
            words += "z" if piece.pitch is None else accidentals.written(piece.pitch)
            words += _length(factor * piece.ticks / _UNIT) + "-" * piece.tied
        place += len(run)
    return words


def _tuplet(pieces: Sequence[_Piece]) -> int:
    """How many notes from here make a triplet together, three in the time of two; 0 where none begins."""
    total = 0
    for count, piece in enumerate(pieces[:9], 1):
        total += piece.ticks
        if piece.ticks % 2 or (count == 1 and piece.ticks % 3 == 0):
            return 0
        if total % 3 == 0:
            return count
    return 0


def _length(units: Fraction) -> str:
    """3/2 → "3/2", 1/2 → "/", 1 → ""."""
    above = "" if units.numerator == 1 else str(units.numerator)
    below = {1: "", 2: "/"}.get(units.denominator, f"/{units.denominator}")
    return above + below


def _beat(meter: Meter) -> str:
    length = Fraction(meter.beat, 4 * TICKS)
    return f"{length.numerator}/{length.denominator}"
