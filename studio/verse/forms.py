"""Forms of verse as plain descriptions: how many lines, and of each its syllables, stresses, rhyme and first letter."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from studio.errors import InputError
from studio.verse.schemes import Stanzas, parse_letters, parse_scheme, parse_sonnet, parse_syllables

FREE = (4, 12)
"""Syllables of a line that may have as many as it likes: fewest and most."""


@dataclass(frozen=True)
class Line:
    """What one line has to be.

    syllables: how many, or None. stress: the ways to stress it, () for any; each says of every syllable whether the
    place is weak (w) or strong (S). rhyme: a letter that it shares with the lines it rhymes with, or None.
    letter: the capital that it begins with, or None. breaks: whether a stanza ends with it.
    """

    syllables: int | None = None
    stress: tuple[str, ...] = ()
    rhyme: str | None = None
    letter: str | None = None
    breaks: bool = False

    @property
    def patterns(self) -> tuple[str, ...]:
        """Every way to place its syllables: w weak, S strong, . either."""
        if self.stress:
            return self.stress
        fewest, most = FREE if self.syllables is None else (self.syllables, self.syllables)
        return tuple("." * count for count in range(fewest, most + 1))

    @property
    def iambic(self) -> bool:
        """Whether every way to stress it is weak, strong, weak, strong …"""
        return bool(self.stress) and all(way == ("wS" * len(way))[: len(way)] for way in self.stress)


@dataclass(frozen=True)
class Form:
    """A form by its name and its lines. Raises InputError for one without lines."""

    name: str
    lines: tuple[Line, ...]

    def __post_init__(self) -> None:
        if not self.lines:
            raise InputError("Expected a form of at least one line, got none.")

    def partners(self, number: int) -> list[int]:
        """The lines before line `number` (from 0) that it rhymes with."""
        rhyme = self.lines[number].rhyme
        return [earlier for earlier in range(number) if rhyme and self.lines[earlier].rhyme == rhyme]

    def times(self, number: int) -> int:
        """How many lines rhyme with line `number`, itself included."""
        rhyme = self.lines[number].rhyme
        return sum(line.rhyme == rhyme for line in self.lines) if rhyme else 1

    def stanza_of(self, number: int) -> int:
        """The line, from 0, with which the stanza of line `number` begins."""
        return next((before for before in range(number, 0, -1) if self.lines[before - 1].breaks), 0)

    def text(self, lines: Iterable[str]) -> str:
        """Written lines as a text, a blank line between stanzas, and before lines that the form has no place for."""
        written = list(lines)
        breaks = {number for number, line in enumerate(self.lines, 1) if line.breaks} | {len(self.lines)}
        return "\n".join("\n" * (number in breaks) + line for number, line in enumerate(written))


def haiku() -> Form:
    """Three lines of 5, 7 and 5 syllables."""
    return Form("haiku", tuple(Line(count) for count in (5, 7, 5)))


def limerick() -> Form:
    """AABBA; three feet of two weak syllables and a strong one in the A lines, two in the B lines.

    The first foot may lack a weak syllable; a line may end with one more, and so, then, does its partner.
    """
    long, short = _anapaests(3), _anapaests(2)
    return Form("limerick", tuple(Line(None, long if sign == "A" else short, sign) for sign in "AABBA"))


def sonnet(scheme: str = "shakespearean", *, iambic: bool = True) -> Form:
    """14 lines of ten syllables; a scheme by its name or its letters. Raises InputError."""
    return Form("sonnet", _lines(parse_sonnet(scheme), (10,) * 14, iambic))


def acrostic(word: str, syllables: int | str | None = None) -> Form:
    """Lines that begin with the letters of a word; the words of a phrase are stanzas. Raises InputError."""
    parts = parse_letters(word)
    counts = iter(parse_syllables(syllables, sum(map(len, parts))))
    lines = [
        Line(next(counts), letter=letter, breaks=number == len(part))
        for part in parts
        for number, letter in enumerate(part, 1)
    ]
    return Form("acrostic", (*lines[:-1], Line(lines[-1].syllables, letter=lines[-1].letter)))


def rhymed(scheme: str, syllables: int | str | None = None, *, iambic: bool = False) -> Form:
    """Lines that rhyme by a scheme, with syllables such as 8 or "8-6-8-6" or as many as come. Raises InputError."""
    stanzas = parse_scheme(scheme)
    if iambic and syllables is None:
        raise InputError("Iambic lines need a number of syllables; give one such as 8.")
    return Form("rhymed", _lines(stanzas, parse_syllables(syllables, sum(map(len, stanzas))), iambic))


def _lines(stanzas: Stanzas, counts: tuple[int | None, ...], iambic: bool) -> tuple[Line, ...]:
    signs = [(sign, number == len(stanza)) for stanza in stanzas for number, sign in enumerate(stanza, 1)]
    every = [sign for sign, _ in signs]
    lines = []
    for place, ((sign, last), count) in enumerate(zip(signs, counts, strict=True)):
        ways = (("wS" * count)[:count],) if iambic and count else ()
        rhyme = sign if every.count(sign) > 1 else None
        lines.append(Line(count, ways, rhyme, breaks=last and place < len(signs) - 1))
    return tuple(lines)


def _anapaests(feet: int) -> tuple[str, ...]:
    whole = "wwS" * feet
    return tuple(start + end for start in (whole[1:], whole) for end in ("", "w"))
