"""How English words sound: syllables, stresses and rhymes, from the CMU Pronouncing Dictionary and by guess.

Phones are ARPAbet, a vowel carries its stress: 0 none, 1 main, 2 lesser (speech.cs.cmu.edu/cgi-bin/cmudict).
"""

from __future__ import annotations

import functools
import gzip
import importlib.resources
import re
from collections.abc import Iterable
from dataclasses import dataclass

from studio.verse import spelling

APOSTROPHES = str.maketrans(dict.fromkeys("’‘ʼ`´", "'"))
WORD = re.compile(r"'?[^\W_]+(?:'[^\W_]+)*'?")


@dataclass(frozen=True)
class Reading:
    """One way to say a word."""

    phones: tuple[str, ...]

    @property
    def stresses(self) -> str:
        """One digit a syllable, 0, 1 or 2."""
        return "".join(phone[-1] for phone in self.phones if phone[-1].isdigit())

    @property
    def syllables(self) -> int:
        return len(self.stresses)

    @property
    def rhyme(self) -> tuple[str, ...]:
        """From the last stressed vowel on, without stresses; from the last vowel where none is stressed."""
        return tuple(phone.rstrip("012") for phone in self.phones[self._turn :])

    @property
    def onset(self) -> tuple[str, ...]:
        """The consonants just before the rhyme."""
        start = self._turn
        while start and not self.phones[start - 1][-1].isdigit():
            start -= 1
        return self.phones[start : self._turn]

    @property
    def _turn(self) -> int:
        vowels = [place for place, phone in enumerate(self.phones) if phone[-1].isdigit()]
        stressed = [place for place in vowels if self.phones[place][-1] != "0"]
        return (stressed or vowels or [0])[-1]


class Lexicon:
    """Words and their readings. `Lexicon.load()` gives the one that is shipped; its entries are parsed when asked for.

    `entries` are lines of the data file by word: "class phones|phones…", the class a digit that tells how common the
    word is in verse and prose.
    """

    def __init__(self, entries: dict[str, str]) -> None:
        self._entries = entries
        self._readings: dict[str, tuple[Reading, ...]] = {}
        self._guesses: dict[str, Reading] = {}

    @staticmethod
    @functools.cache
    def load() -> Lexicon:
        packed = importlib.resources.files("studio.verse").joinpath("lexicon.txt.gz").read_bytes()
        lines = gzip.decompress(packed).decode("ascii").splitlines()
        return Lexicon(dict(line.split(" ", 1) for line in lines))

    @property
    def words(self) -> Iterable[str]:
        """Every word listed, in lower case, sorted."""
        return self._entries.keys()

    def readings(self, word: str) -> tuple[Reading, ...]:
        """The ways to say a word, the usual one first; () for a word that is not listed."""
        word = normal(word)
        if word not in self._readings:
            entry = self._entries.get(word)
            ways = entry[2:].split("|") if entry else []
            self._readings[word] = tuple(Reading(tuple(way.split())) for way in ways)
        return self._readings[word]

    def common(self, word: str) -> int:
        """0 for a word that Studio's verse and prose lack, else 1 (a few times) to 9 (the, and); each step 4 times."""
        return int(self._entries.get(normal(word), "0")[0])

    def guess(self, word: str) -> Reading:
        """How a word sounds by its parts or its letters, whether it is listed or not."""
        word = normal(word)
        if word not in self._guesses:
            self._guesses[word] = Reading(spelling.guess(word, self._first))
        return self._guesses[word]

    def read(self, word: str) -> tuple[Reading, ...]:
        """The listed readings, or else the guess."""
        return self.readings(word) or (self.guess(word),)

    def syllables(self, word: str) -> set[int]:
        """The numbers of syllables that a word can have."""
        return {reading.syllables for reading in self.read(word)}

    def _first(self, word: str) -> tuple[str, ...] | None:
        found = self.readings(word)
        return found[0].phones if found else None


def normal(word: str) -> str:
    """Lower case, plain apostrophes."""
    return word.translate(APOSTROPHES).lower()


def rhymes(a: str, b: str, lexicon: Lexicon) -> bool:
    """Perfect rhyme: alike from the last stressed vowel on, unlike just before it; no word rhymes with itself."""
    if normal(a) == normal(b):
        return False
    return any(
        one.rhyme == other.rhyme and one.onset != other.onset for one in lexicon.read(a) for other in lexicon.read(b)
    )


def words_of(line: str) -> list[str]:
    """The words of a line: apostrophes in and at the start of a word belong to it, a hyphen parts two words.

    A quotation mark before a word is one only where the line has its partner: 'Tis stays, 'Stop,' loses both.
    """
    line = line.translate(APOSTROPHES)
    found = [match[0] for match in WORD.finditer(line)]
    opened = any(word.startswith("'") for word in found)
    closed = re.search(r"[^\W_][.,;:!?-]*'(?!\w)", line) is not None
    words = []
    for word in found:
        if word.startswith("'") and opened and closed and word.lower() not in CLIPPED:
            word = word[1:]
        if word.endswith("'") and word.lower() not in CLIPPED and not word.lower().endswith(("in'", "th'", "o'", "s'")):
            word = word[:-1]
        words.append(word)
    return [word for word in words if word.strip("'")]


CLIPPED = frozenset(
    re.findall(
        r"\S+",
        "'tis 'twas 'twere 'twill 'twould 'tisn't 'neath 'gainst 'gin 'gan 'mid 'midst 'mong 'mongst 'twixt 'tween "
        "'scape 'pon 'till 'til 'ere 'bout 'cause 'cross 'long 'way 'round 'em 's 'd 'll "
        "tho' thro' altho' th' o' i' wi' ha' a'",
    )
)
