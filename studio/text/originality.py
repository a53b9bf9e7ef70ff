"""What a text copies: the longest run of its words that also stands in the text a model learnt from.

index = Index.build(texts)
index.longest("…").words

All runs of ORDER words of the training texts, across line ends, stand in a filter (`studio.text.fuse_filter`); words
are compared without case, accents and apostrophes. A row of m runs found is told as m + ORDER - 1 words. So what is
told is never less than the truth, of every shared run of ORDER words or more. It is more where a run is found by
mistake, which happens to one in `q` that are not there, or where runs of ORDER words were learnt from different places.

Up to two million words q is a million and more: a report is the truth, or nearly. In 8 MB for the 15 million words of
the shipped model it is 11. Of 1,833 stretches of 200 words of verse that was held out, reports were never too small
and mostly a word too large; where 8 words or more were told there were fewer in 2.0 % of all stretches, where 9
or more in 0.6 %, 10 or more in 0.2 %. With 4 words a run these were 13.8, 5.4 and 1.7 %: more of them stand somewhere.
"""

from __future__ import annotations

import hashlib
import math
import re
import tempfile
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import IO

import numpy as np
from numpy.typing import NDArray

from studio.errors import InputError, OutputError
from studio.text.fuse_filter import MOST_SHARDS, FuseFilter, Keys, mixed, shards_for, unique

ORDER = 5
"""Words of the shortest run that is seen."""
BUDGET = 8_000_000
"""Bytes of the index, unless they would leave less than LEAST_Q."""
SURE, SURE_WORDS = 1e-3, 200
"""What may happen by chance, in a text of so many words, where a report counts as reliable."""

_MOST_CELLS = 20  # in 64 bits, where the budget is not given: q is 9 then
_KEPT = 1 << 24  # runs that are kept in memory, 128 MB; more go to a temporary file
_PIECE = 1 << 20  # characters of a text that are split into words at a time
_KNOWN = 1_000_000  # words whose hashes are remembered
_A_WORD = 40  # characters of text in which there is one, taken over many
_FORMAT = 1

_JOINTS = "'’‘ʼ`´"
_UNSEEN = "\u00ad\u200b\u200c\u200d\u2060\ufeff"  # soft hyphens, joiners and spaces of no width
_ASCII_WORD = re.compile(r"[A-Za-z0-9]+(?:['`][A-Za-z0-9]+)*")
_WORD = re.compile(rf"[^\W_](?:[^\W_]|[{_UNSEEN}\u0300-\u036f]|[{_JOINTS}](?=[^\W_]))*")
_DROPPED = dict.fromkeys(map(ord, _JOINTS + _UNSEEN))
_LETTERS = str.maketrans({"æ": "ae", "œ": "oe"})
_WEIGHTS = np.array(
    [0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93, 0xA0761D6478BD642F], np.uint64
)


@dataclass(frozen=True)
class Run:
    """words: of a run, 0 where none of ORDER words was found; text: as it stands; start: its first character."""

    words: int
    text: str
    start: int

    def in_words(self) -> str:
        """ "7 words: “…”", or "fewer than 5 words"."""
        return f"{self.words} words: “{' '.join(self.text.split())}”" if self.words else f"fewer than {ORDER} words"


class Index:
    """Which runs of ORDER words the training texts hold."""

    def __init__(self, runs: FuseFilter, words: int) -> None:
        """runs: the hashes of them; words: of the training texts."""
        self._runs, self.words = runs, words
        self._cache: dict[str, int] = {}

    @classmethod
    def build(cls, texts: Iterable[str], budget_bytes: int | None = None) -> Index:
        """The index of some texts, which are read once, one by one. Runs go on from one into the next.

        budget_bytes: the most that it may take; without it BUDGET, or where there is much text 3.6 bits a word.
        Raises InputError for a budget under 1 KB, and OutputError where the disk has no room for 8 bytes a word.
        """
        if budget_bytes is not None and budget_bytes < 1000:
            raise InputError(f"Expected at least 1000 bytes for an index of the training text, got {budget_bytes}.")
        gathered, words = _Gathered(), 0
        for piece in _runs_of(texts):
            gathered.take(piece.runs)
            words += piece.words

        def allowed(cells: int) -> int:
            if budget_bytes is not None:
                return budget_bytes // 8
            return max(BUDGET // 8, math.ceil(cells / _MOST_CELLS))

        with gathered:
            shards = shards_for(gathered.count)
            counts = [len(gathered.shard(number, shards)) for number in range(shards)]
            return cls(FuseFilter.build(lambda number: gathered.shard(number, shards), counts, allowed), words)

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[np.generic]]) -> Index:
        """What `to_arrays` gave. Raises InputError for other arrays."""
        kinds = {name: (np.asarray(array).dtype, np.asarray(array).ndim) for name, array in arrays.items()}
        expected = {"cells": (np.uint64, 1), "seeds": (np.uint64, 1), "facts": (np.int64, 1)}
        if any(kinds.get(name) != kind for name, kind in expected.items()) or len(arrays["facts"]) != 6:
            raise InputError("The index of the training text is damaged: it needs arrays named cells, seeds and facts.")
        version, order, words, q, segment, segments = (int(fact) for fact in arrays["facts"])
        if (version, order) != (_FORMAT, ORDER):
            raise InputError("The index of the training text was made by another version of Studio; make it anew.")
        runs = FuseFilter(arrays["cells"], arrays["seeds"], segment, segments, q)  # type: ignore[arg-type]
        if words < 0 or not runs.sound:
            raise InputError("The index of the training text is damaged: its parts do not belong together.")
        return cls(runs, words)

    def to_arrays(self) -> dict[str, NDArray[np.generic]]:
        """To be saved: cells and seeds, uint64, and facts, six whole numbers."""
        runs = self._runs
        facts = np.array([_FORMAT, ORDER, self.words, runs.q, runs.segment, runs.segments], np.int64)
        return {"cells": runs.cells, "seeds": runs.seeds, "facts": facts}

    @property
    def size(self) -> int:
        """Bytes."""
        return self._runs.cells.nbytes + self._runs.seeds.nbytes

    @property
    def rate(self) -> float:
        """How often a run of ORDER words that was not learnt is taken for one that was."""
        return 1 / self._runs.q

    @property
    def reliable(self) -> int:
        """The fewest words of a report that 200 words, no ORDER of them learnt, make at most once in a thousand."""
        return ORDER - 1 + math.ceil(math.log(SURE_WORDS / SURE) / math.log(self._runs.q))

    def longest(self, text: str) -> Run:
        """The longest run that stands in the training texts too, the first of several; of 0 words if under ORDER."""
        return max(self.runs(text), key=lambda run: run.words, default=Run(0, "", 0))

    def runs(self, text: str) -> list[Run]:
        """Every run of at least ORDER words that stands in the training texts too and that no other one holds."""
        places, hit = self._hits(text)
        edges = np.flatnonzero(np.diff(np.concatenate([[False], hit, [False]]).astype(np.int8)))
        found = []
        for first, end in edges.reshape(-1, 2).tolist():
            last = end + ORDER - 2
            start, stop = places[first][0], places[last][1]
            found.append(Run(last - first + 1, text[start:stop], start))
        return found

    def share(self, text: str) -> float:
        """The part of all runs of ORDER words of a text that stand in the training texts too, 0 to 1; 0 of none."""
        hit = self._hits(text)[1]
        return float(hit.mean()) if len(hit) else 0.0

    def guard(self, limit: int) -> Callable[[str, str], bool]:
        """Whether a piece may follow a text, for a limit as in `watch`; what that text copies itself is let be."""
        self.watch(limit)  # for its error

        def allows(text_so_far: str, piece: str) -> bool:
            before = text_so_far[-_A_WORD * (limit + 1) :]
            runs = self.runs(before + piece)
            return all(run.words <= limit or run.start + len(run.text) <= len(before) for run in runs)

        return allows

    def watch(self, limit: int) -> Watch:
        """To count while words are written. limit: words that may be copied in a row. Raises InputError if too few."""
        if limit < ORDER:
            raise InputError(
                f"Expected {ORDER} or more words that may be copied in a row, got {limit}: shorter runs stand anywhere."
            )
        return Watch(self, limit)

    def _hits(self, text: str) -> tuple[list[tuple[int, int]], NDArray[np.bool_]]:
        """Where the words of a text stand, and of each run of ORDER of them whether it is known."""
        places = [match.span() for match in _pattern(text).finditer(text)]
        hashes = np.array([hash_of(text[start:end], self._cache) for start, end in places], np.uint64)
        if len(self._cache) > _KNOWN:
            self._cache.clear()
        return places, self._runs.holds(_run_hashes(hashes))


class Watch:
    """The words written so far, as far as it matters to what comes next. Copies are independent."""

    def __init__(self, index: Index, limit: int) -> None:
        self._index, self.limit = index, limit
        self._last: tuple[int, ...] = ()
        self._hits = 0

    @property
    def words(self) -> int:
        """Of the run that the text now ends in; 0 where that is under ORDER."""
        return self._hits + ORDER - 1 if self._hits else 0

    def push(self, word: str) -> bool:
        """Write a word, or a few; whether some run is longer than the limit now."""
        over = False
        for match in _pattern(word).finditer(word):
            self._last = (*self._last, hash_of(match[0], self._index._cache))[-ORDER:]
            if len(self._last) == ORDER:
                runs = _run_hashes(np.array(self._last, np.uint64))
                self._hits = self._hits + 1 if self._index._runs.holds(runs)[0] else 0
                over = over or self.words > self.limit
        return over

    def copy(self) -> Watch:
        """Another one in the same place."""
        other = Watch(self._index, self.limit)
        other._last, other._hits = self._last, self._hits
        return other


@dataclass(frozen=True)
class _Piece:
    words: int
    runs: Keys


class _Gathered:
    """Hashes of runs, in memory as long as they are not many, then sorted in parts of a temporary file."""

    def __init__(self) -> None:
        self._waiting: list[Keys] = []
        self._tidy = False  # that what waits is one sorted array
        self._count = 0  # of what waits
        self._file: IO[bytes] | None = None
        self._parts: list[NDArray[np.int64]] = []  # of the file: where each sixty-fourth of its numbers begins

    def take(self, runs: Keys) -> None:
        self._waiting.append(runs)
        self._tidy = False
        self._count += len(runs)
        if self._count > _KEPT:
            together = self._together()
            if self._count > _KEPT // 2:
                self._put_away(together)

    @property
    def count(self) -> int:
        """How many there are, those of different parts counted twice."""
        return len(self._together()) + sum(int(part[-1] - part[0]) for part in self._parts)

    def shard(self, number: int, shards: int) -> Keys:
        """Those of one of some shards, each once."""
        each = MOST_SHARDS // shards
        first, end = number * each, (number + 1) * each
        together = self._together()
        edges = _edges(together)
        found = [together[edges[first] : edges[end]]]
        for part in self._parts:
            assert self._file is not None
            self._file.seek(8 * int(part[first]))
            found.append(np.frombuffer(self._file.read(8 * int(part[end] - part[first])), np.uint64))
        return unique(found)

    def _together(self) -> Keys:
        if not self._tidy:
            self._waiting, self._tidy = [unique(self._waiting)], True
            self._count = len(self._waiting[0])
        return self._waiting[0]

    def _put_away(self, runs: Keys) -> None:
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile()  # noqa: SIM115 (closed at the end of `build`)
            start = self._file.seek(0, 2) // 8
            self._file.write(runs.tobytes())
        except OSError as error:
            raise OutputError(
                f"Cannot write a temporary file for the index of the training text: {error.strerror or error}."
            ) from None
        self._parts.append(_edges(runs) + start)
        self._waiting, self._tidy, self._count = [], False, 0

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()


def _edges(runs: Keys) -> NDArray[np.int64]:
    """(65,): where each sixty-fourth of all numbers begins among sorted ones."""
    starts = np.arange(MOST_SHARDS, dtype=np.uint64) << np.uint64(64 - MOST_SHARDS.bit_length() + 1)
    return np.append(np.searchsorted(runs, starts), len(runs)).astype(np.int64)


def _runs_of(texts: Iterable[str]) -> Iterator[_Piece]:
    """How many words each piece of the texts has, and the hashes of their runs."""
    known: dict[str, int] = {}
    last = np.empty(0, np.uint64)
    for text in texts:
        for piece in _pieces(text):
            found = _pattern(piece).findall(piece)
            if len(known) > _KNOWN:
                known.clear()
            for word in set(found):  # less known.keys() would go through all of those each time
                hash_of(word, known)
            words = np.fromiter(map(known.__getitem__, found), np.uint64, len(found))
            words = np.concatenate([last, words])
            yield _Piece(len(found), _run_hashes(words))
            last = words[max(0, len(words) - ORDER + 1) :]


def words_of(text: str) -> list[str]:
    """The words of a text as they are compared."""
    return [normalised(word) for word in _pattern(text).findall(text)]


def hash_of(word: str, known: dict[str, int]) -> int:
    """Of a word as it is compared, 64 bits. known: those of words met before; it is added there."""
    found = known.get(word)
    if found is None:
        digest = hashlib.blake2b(normalised(word).encode("utf-8", "replace"), digest_size=8).digest()
        found = known[word] = int.from_bytes(digest, "little")
    return found


def normalised(word: str) -> str:
    """A word as it is compared: lower case, no accents, no apostrophes, nothing of no width."""
    plain = word.translate(_DROPPED).casefold()
    if plain.isascii():
        return plain
    parts = unicodedata.normalize("NFKD", plain.translate(_LETTERS))
    return "".join(part for part in parts if not unicodedata.combining(part))


def _pattern(text: str) -> re.Pattern[str]:
    return _ASCII_WORD if text.isascii() else _WORD


def _pieces(text: str) -> Iterator[str]:
    """A text in pieces of some size that end between words."""
    start = 0
    while start < len(text):
        end = start + _PIECE
        while end < len(text) and not text[end].isspace() and end < start + 2 * _PIECE:
            end += 1
        yield text[start:end]
        start = end


def _run_hashes(words: Keys) -> Keys:
    """(W,) hashes of words  →  (max(0, W - ORDER + 1),): of each run of ORDER."""
    count = max(0, len(words) - ORDER + 1)
    total = np.zeros(count, np.uint64)
    for offset in range(ORDER):
        total += words[offset : offset + count] * _WEIGHTS[offset]
    return mixed(total)
