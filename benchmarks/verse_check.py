"""Whether a text is a haiku or a Shakespearean sonnet: a second opinion, which shares no code with the studio.

Words are looked up in the lexicon's data file, read here line by line. A word that is not in it is a fault, and so is a
line whose words cannot be said in the syllables that the form asks for. Two words rhyme if they sound alike from the
last stressed vowel on (the last vowel where none is stressed) and differ in the consonants before it.
"""

from __future__ import annotations

import gzip
import itertools
import re
from functools import cache
from pathlib import Path

LEXICON = Path(__file__).parent.parent / "studio" / "verse" / "lexicon.txt.gz"
HAIKU = (5, 7, 5)
SONNET = "ABABCDCDEFEFGG"
SONNET_SYLLABLES = 10

Phones = list[str]


@cache
def pronunciations() -> dict[str, list[Phones]]:
    """Each word's ways to be said, in ARPAbet: lines are "word class phones|phones"."""
    found: dict[str, list[Phones]] = {}
    with gzip.open(LEXICON, "rt", encoding="ascii") as lines:
        for line in lines:
            word, _, ways = line.rstrip("\n").split(" ", 2)
            found[word] = [way.split() for way in ways.split("|")]
    return found


def haiku_faults(text: str) -> list[str]:
    """What is wrong with a haiku; nothing where all is right."""
    lines = _lines(text)
    if len(lines) != len(HAIKU):
        return [f"{len(lines)} lines"]
    return [fault for line, wanted in zip(lines, HAIKU, strict=True) for fault in _syllable_faults(line, wanted)]


def sonnet_faults(text: str) -> list[str]:
    """What is wrong with a sonnet of Shakespeare's kind, its metre aside; nothing where all is right."""
    lines = _lines(text)
    if len(lines) != len(SONNET):
        return [f"{len(lines)} lines"]
    faults = [fault for line in lines for fault in _syllable_faults(line, SONNET_SYLLABLES)]
    if faults:
        return faults
    last = [_words(line)[-1] for line in lines]
    for letter in sorted(set(SONNET)):
        places = [place for place, other in enumerate(SONNET) if other == letter]
        for one, other in itertools.combinations(places, 2):
            if not rhymes(last[one], last[other]):
                faults.append(f"{last[one]} / {last[other]}")
    return faults


def rhymes(one: str, other: str) -> bool:
    """Whether two words can be said so that they rhyme."""
    return one != other and any(
        a[1] == b[1] and a[0] != b[0] for a in map(_parted, _ways(one)) for b in map(_parted, _ways(other))
    )


def _parted(phones: Phones) -> tuple[Phones, Phones]:
    """The consonants before the rhyme, and the rhyme without its stresses."""
    vowels = [place for place, phone in enumerate(phones) if phone[-1].isdigit()]
    stressed = [place for place in vowels if not phones[place].endswith("0")]
    turn = (stressed or vowels)[-1]
    before = turn
    while before and not phones[before - 1][-1].isdigit():
        before -= 1
    return phones[before:turn], [phone.strip("012") for phone in phones[turn:]]


def _syllable_faults(line: str, wanted: int) -> list[str]:
    unknown = [word for word in _words(line) if not _ways(word)]
    if unknown:
        return [f"not in the lexicon: {', '.join(unknown)}"]
    ways = [{sum(phone[-1].isdigit() for phone in way) for way in _ways(word)} for word in _words(line)]
    counts = {sum(chosen) for chosen in itertools.product(*ways)}
    return [] if wanted in counts else [f"{min(counts)} syllables, not {wanted}: {line}"]


def _ways(word: str) -> list[Phones]:
    return pronunciations().get(word, [])


def _lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip()]


def _words(line: str) -> list[str]:
    """Words as the lexicon writes them; an apostrophe belongs to a word if the word is listed with it."""
    words = []
    for run in re.findall(r"[a-z']+", line.lower().replace("’", "'").replace("‘", "'")):
        shapes = (run, run.rstrip("'"), run.lstrip("'"), run.strip("'"))
        word = next((shape for shape in shapes if shape in pronunciations()), run.strip("'"))
        if word:
            words.append(word)
    return words
