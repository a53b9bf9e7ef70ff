"""Words that never come out: a list that anyone can edit.

refused = Refused.load()                  # the list that is shipped, refused_words.txt beside this file
refused = Refused.load("my-words.txt")    # one of your own, instead; an empty file refuses nothing
refused.found("…")                        # ["…"]

A list is a text in UTF-8, a word a line; a line that begins with # is a remark. * stands for any letters: word* is all
that begins so. A word of the list is found in capitals, with accents, as a plural or possessive, and with hyphens in it
or beside it; not inside a longer word. An entry of several words is found as a phrase, and written as one word.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from studio.errors import InputError
from studio.media import files
from studio.text.originality import normalised

SHIPPED = Path(__file__).with_name("refused_words.txt")
LARGEST = 1_000_000  # bytes of a list
LONGEST = 100  # characters of an entry
REMEMBERED = 120
"""Characters before a word that `guard` looks at."""

_LETTER = r"[^\W_]"
_COMPOUND = re.compile(rf"{_LETTER}+(?:-\s*{_LETTER}+)*")
_APART = re.compile(r"(?:\A|[^\W_\s]|[.,;:!?])\s+\Z")  # after no hyphen, and nothing of no width
_HYPHENS = str.maketrans({"‐": "-", "‑": "-"})
_ENTRY = re.compile(rf"(?:{_LETTER}|\*)+(?: (?:{_LETTER}|\*)+)*")
_KNOWN = 20_000  # words that are remembered
_JOINED = 4  # parts of a compound that are read as one word, at most


class Refused:
    """Words and phrases that are not to be written."""

    def __init__(self, entries: Iterable[str], sha256: str = "") -> None:
        """entries: lower case, their words divided by single spaces; * for any letters. sha256: of their file."""
        self.entries = tuple(dict.fromkeys(entries))
        self.sha256 = sha256 or files.sha256("\n".join(self.entries).encode())
        whole = [entry.replace(" ", "") for entry in self.entries]
        self._words = frozenset(entry for entry in whole if "*" not in entry)
        self._beginnings = tuple(entry[:-1] for entry in whole if entry.find("*") == len(entry) - 1)
        self._others = _pattern(entry for entry in whole if "*" in entry[:-1])
        self._phrases = _pattern(entry for entry in self.entries if " " in entry)
        # Its words are looked at again and again, with every word that is written after them.
        self._parts = functools.lru_cache(maxsize=_KNOWN)(self._looked_at)

    @staticmethod
    def load(path: str | Path | None = None) -> Refused:
        """A list as its file is now, by default the one that is shipped.

        Raises InputError in one line for a file that is none.
        """
        source = SHIPPED if path is None else Path(path)
        content = files.read_bytes(source)
        if len(content) > LARGEST:
            raise InputError(
                f"{source} has {len(content):,} bytes; expected a list of words of at most {LARGEST:,}, one a line."
            )
        return _listed(content, source)

    def found(self, text: str) -> list[str]:
        """What is refused in a text, in lower case and without marks, as often as it stands there."""
        plain = normalised(text).translate(_HYPHENS)
        words: list[str] = []
        bad: list[str] = []
        for compound in _COMPOUND.findall(plain):
            parts, refused = self._parts(compound)
            words += parts
            bad += refused
        if self._phrases is not None:
            bad += self._phrases.findall(" ".join(words))
        return bad

    def allows(self, word: str) -> bool:
        """Whether a word may be written."""
        if word.isascii() and word.isalpha():  # most are, and a vocabulary asks for every one
            return not self._refuses(word.lower())
        return not self.found(word)

    def guard(self, text_so_far: str, word: str) -> bool:
        """Whether a whole word, a line or more may follow. What is refused in the text before is not its fault."""
        before = text_so_far[-REMEMBERED:]
        if self._phrases is None and _APART.search(before):  # as most words do, it stands by itself
            return not self.found(word)
        found = self.found(before + word)
        return not found or len(found) <= len(self.found(before))

    def _looked_at(self, compound: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The parts of a word with hyphens, and what is refused in it."""
        parts = re.split(r"-\s*", compound)
        return tuple(parts), tuple(word for word in _readings(parts) if self._refuses(word))

    def _refuses(self, word: str) -> bool:
        if word.startswith(self._beginnings):
            return True
        return any(
            form in self._words or (self._others is not None and self._others.fullmatch(form)) for form in _forms(word)
        )


@functools.lru_cache(maxsize=4)
def _listed(content: bytes, source: Path) -> Refused:
    try:
        lines = content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise InputError(f"{source} is not a text in UTF-8; expected a list of words, one a line.") from None
    return Refused(_entries(lines, source), files.sha256(content))


def _entries(lines: Iterable[str], source: Path) -> Iterator[str]:
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        entry = re.sub(r"[\s-]+", " ", normalised(line).translate(_HYPHENS)).strip()
        if len(entry) > LONGEST or not _ENTRY.fullmatch(entry) or len(entry.replace("*", "").replace(" ", "")) < 2:
            shown = line.strip()[:40]
            raise InputError(
                f"{source}, line {number}: expected a word of two letters or more, in which * stands for any letters, "
                f"got {shown!r}."
            )
        yield entry


def _readings(parts: list[str]) -> Iterator[str]:
    """The words that the parts of a compound are, alone and run together."""
    for first in range(len(parts)):
        for end in range(first + 1, min(first + _JOINED, len(parts)) + 1):
            yield "".join(parts[first:end])


def _forms(word: str) -> Iterator[str]:
    """A word (without apostrophes) and what it would be the plural or possessive of."""
    yield word
    if word.endswith("s"):
        yield word[:-1]
        if word.endswith(("ses", "xes", "zes", "ches", "shes", "oes")):
            yield word[:-2]
        if word.endswith("ies"):
            yield word[:-3] + "y"


def _pattern(entries: Iterable[str]) -> re.Pattern[str] | None:
    """Any of some entries, as whole words; None for none."""
    wanted = [re.escape(entry).replace(r"\*", f"{_LETTER}*").replace(r"\ ", " ") for entry in entries]
    return re.compile(rf"(?<!{_LETTER})(?:{'|'.join(wanted)})(?:e?s)?(?!{_LETTER})") if wanted else None
