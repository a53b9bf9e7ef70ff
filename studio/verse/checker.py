"""Does a text keep a form? Lines, syllables, stresses, rhymes and first letters, by the lexicon.

It knows nothing of how a text came to be and reads any: a poem of the nineteenth century, a draft, a model's output.
Where a word can be said in several ways, the one that suits the form counts.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from studio.verse import meter
from studio.verse.forms import Form, Line
from studio.verse.lexicon import Lexicon, normal, rhymes, words_of


@dataclass(frozen=True)
class Score:
    """share: of what the form asks for, the part that the text keeps, 0 to 1. problems: the rest, in plain words.

    guessed: words whose sound is not in the lexicon; their syllables and rhymes are by guess.
    """

    passed: bool
    share: float
    problems: tuple[str, ...] = ()
    guessed: tuple[str, ...] = ()


def score(text: str, form: Form, lexicon: Lexicon) -> Score:
    """How well a text keeps a form. Blank lines are stanza breaks and are not counted."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    kept, problems = 0, []
    if len(lines) == len(form.lines):
        kept += 1
    else:
        problems.append(f"The form has {_count(len(form.lines), 'line')}, the text has {len(lines)}.")
    asked = 1 + sum(_asked(line, bool(form.partners(number))) for number, line in enumerate(form.lines))
    for number, (written, line) in enumerate(zip(lines, form.lines, strict=False)):
        partners = [lines[earlier] for earlier in form.partners(number)]
        found = list(_problems(written, line, partners, lexicon))
        kept += _asked(line, bool(partners)) - len(found)
        problems += [f"Line {number + 1} {problem}." for problem in found]
    words = dict.fromkeys(normal(word) for line in lines for word in words_of(line))
    guessed = tuple(word for word in words if not lexicon.readings(word))
    return Score(not problems, kept / asked, tuple(problems), guessed)


def syllables(line: str, lexicon: Lexicon) -> set[int]:
    """The numbers of syllables that a line can have."""
    counts = {0}
    for word in words_of(line):
        counts = {count + more for count in counts for more in lexicon.syllables(word)}
    return counts


def scans(written: str, line: Line, lexicon: Lexicon) -> bool:
    """Whether a line can be said in one of the ways that a form stresses it."""
    words = [[reading.stresses for reading in lexicon.read(word)] for word in words_of(written)]
    return any(meter.scans(words, way) for way in line.stress)


def unrhymed(written: str, partners: Sequence[str], lexicon: Lexicon) -> str | None:
    """Why a line does not rhyme with others, None where it does."""
    last = (words_of(written) or [""])[-1]
    for partner in partners:
        other = (words_of(partner) or [""])[-1]
        if not last or not other:
            return "has no word to rhyme with"
        if normal(last) == normal(other):
            return f"ends with {normal(last)} again"
        if not rhymes(last, other, lexicon):
            return f"does not rhyme: {normal(last)}, {normal(other)}"
    return None


def first_letter(written: str) -> str:
    """What a line begins with, as a capital without accents; "" for no letter."""
    plain = unicodedata.normalize("NFKD", written)
    return next((sign.upper() for sign in plain if sign.isalpha()), "")


def _asked(line: Line, has_partner: bool) -> int:
    """How many things a form asks of a line."""
    counted = line.syllables is not None or bool(line.stress)
    return counted + bool(line.stress) + has_partner + (line.letter is not None)


def _problems(written: str, line: Line, partners: list[str], lexicon: Lexicon) -> list[str]:
    found = []
    counts = syllables(written, lexicon)
    lengths = {len(way) for way in line.patterns}
    right = bool(counts & lengths)
    if (line.syllables is not None or line.stress) and not right:
        found.append(f"has {_either(counts)} {'syllable' if counts == {1} else 'syllables'}, not {_either(lengths)}")
    if line.stress and not (right and scans(written, line, lexicon)):
        found.append("does not scan" if right else "does not scan at that length")
    if partners and (wrong := unrhymed(written, partners, lexicon)):
        found.append(wrong)
    if line.letter is not None and (first := first_letter(written)) != line.letter:
        found.append(f"begins with {first or 'no letter'}, not {line.letter}")
    return found


def _either(counts: set[int]) -> str:
    *most, last = sorted(counts)
    return (", ".join(map(str, most)) + " or " if most else "") + str(last)


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" + "s" * (number != 1)
