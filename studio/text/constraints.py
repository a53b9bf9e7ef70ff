"""Which tokens may come next, so that a line of verse comes out as its form asks: masks, never trial and error.

A mask leaves only words that fit the metre where they stand and after which the line can still be ended as it must be:
with a word of the right rhyme, at the right length. Within a word it leaves the tokens that lead to such a word.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from studio.text.vocabulary import CAPITAL, EITHER, LOWER, Bools, Surfaces, Vocabulary
from studio.verse import meter
from studio.verse.forms import Line

INNER_MARKS = ",;:!?"
"""What may stand inside a line."""
STOPS = ".!?"
MOST_MARKS = 2
"""Marks inside a line; one in a line of at most seven syllables."""
MOST_TOKENS = 48
"""Of a line without a form."""


class Constraint(Protocol):
    """What may come next, token by token. `allowed` is (V,), None for anything, all False where nothing can follow."""

    @property
    def done(self) -> bool:
        """Whether what was asked for is complete."""

    def allowed(self) -> Bools | None:
        """(V,): the tokens that may come next; do not change it."""

    def push(self, token: int) -> None:
        """Take one of them."""

    def copy(self) -> Constraint:
        """The same state, to go on with in another way."""


@dataclass(frozen=True)
class Place:
    """Where in a line the next word begins: its syllable, the ways of the metre still open, what stood before.

    rough: whether the word before was a bump. look: how the word is to be written, or None for any way.
    first: whether it begins the line.
    """

    at: int
    ways: tuple[int, ...]
    rough: bool = False
    look: int | None = LOWER
    first: bool = False


@dataclass(frozen=True)
class Choice:
    """What may stand at a place: surfaces (S,), nodes of the trie that lead there (N,), tokens that begin (V,)."""

    surfaces: Bools
    nodes: Bools
    tokens: Bools


class LinePlan:
    """What one line has to be, with the choices at each place worked out once for all its candidates.

    last_words (W,): those that the line may end with. look: how its first word is written, None for any way.
    closing: whether it ends the poem, and so with a full stop or its like.
    """

    def __init__(
        self, vocabulary: Vocabulary, line: Line, last_words: Bools, *, look: int | None = None, closing: bool = False
    ) -> None:
        self.vocabulary, self.line, self.last_words = vocabulary, line, last_words
        self.look, self.closing = look, closing
        self.ways = line.patterns
        self.leaning = np.array([word in meter.LEANING for word in vocabulary.words])
        self._choices: dict[Place, Choice] = {}
        self._fits: dict[
            tuple[int, tuple[int, ...], bool], tuple[list[tuple[int, ...]], list[tuple[int, ...]], Bools]
        ] = {}
        ends = np.unique(vocabulary.kind[last_words])
        self._latest = [self._latest_start(way, ends.tolist()) for way in self.ways]
        longest = max(map(len, self.ways))
        self.most_marks = MOST_MARKS if longest > 7 else 1
        self.end_marks = _mask(
            vocabulary, [token for mark, token in vocabulary.marks.items() if not closing or mark in STOPS]
        )
        self.inner_marks = _mask(
            vocabulary, [vocabulary.marks[mark] for mark in INNER_MARKS if mark in vocabulary.marks]
        )
        self.newline = _mask(vocabulary, [vocabulary.newline])

    def begin(self) -> LineConstraint:
        """The line before its first word."""
        ways = tuple(number for number, latest in enumerate(self._latest) if latest >= 0)
        return LineConstraint(self, Place(0, ways, look=self.look, first=True))

    def surfaces(self, place: Place) -> Surfaces:
        return self.vocabulary.begin if place.first else self.vocabulary.inside

    def choice(self, place: Place) -> Choice:
        """What may stand at a place."""
        if place not in self._choices:
            surfaces = self.surfaces(place)
            inner, final, _ = self._fit(place)
            goes_on = np.array([bool(ways) for ways in inner])
            ends = np.array([bool(ways) for ways in final])
            kind = self.vocabulary.kind
            words = goes_on[kind] | (ends[kind] & self.last_words)
            wanted = words[surfaces.word]
            if place.look is not None:
                wanted = wanted & ((surfaces.look == place.look) | (surfaces.look == EITHER))
            if place.first and self.line.letter is not None:
                wanted = wanted & (surfaces.first == self.line.letter) & (surfaces.look != LOWER)
            nodes = surfaces.trie.reach(wanted)
            begins, children = surfaces.trie.root
            tokens = np.zeros(self.vocabulary.size, bool)
            tokens[begins[nodes[children]]] = True
            self._choices[place] = Choice(wanted, nodes, tokens)
        return self._choices[place]

    def after(self, place: Place, word: int) -> tuple[Place | None, bool]:
        """Where the line stands after a word: the next place, None where there is none, and whether it may end."""
        inner, final, rough = self._fit(place)
        kind = int(self.vocabulary.kind[word])
        ends = bool(final[kind]) and bool(self.last_words[word])
        at = place.at + self.vocabulary.kinds[kind].syllables
        return Place(at, inner[kind], bool(rough[kind])) if inner[kind] else None, ends

    def _fit(self, place: Place) -> tuple[list[tuple[int, ...]], list[tuple[int, ...]], Bools]:
        """For every kind of word: the ways in which the line goes on after it, those in which it is full, its bump."""
        key = (place.at, place.ways, place.rough)
        if key not in self._fits:
            inner: list[tuple[int, ...]] = []
            final: list[tuple[int, ...]] = []
            bumps = []
            for kind in self.vocabulary.kinds:
                smooth = [way for way in place.ways if self._stands(kind.stresses, kind.example, way, place.at) == 1]
                rough = [way for way in place.ways if self._stands(kind.stresses, kind.example, way, place.at) == 2]
                taken = smooth or ([] if place.rough else rough)
                after = place.at + kind.syllables
                inner.append(tuple(way for way in taken if after < len(self.ways[way]) and after <= self._latest[way]))
                final.append(tuple(way for way in taken if after == len(self.ways[way])))
                bumps.append(not smooth)
            self._fits[key] = (inner, final, np.array(bumps))
        return self._fits[key]

    def _stands(self, stresses: Sequence[str], example: str, way: int, at: int) -> int:
        """0 where a word cannot stand, 1 where it stands well, 2 where it is a bump."""
        places = self.ways[way]
        fitting = [said for said in stresses if meter.fits(said, places, at)]
        if not fitting or (places[at] == "S" and example in meter.ARTICLES):
            return 0
        return 2 if all(meter.is_rough(example, said, places, at) for said in fitting) else 1

    def _latest_start(self, way: str, ends: list[int]) -> int:
        """The last syllable at which a word can begin that ends the line, -1 where none can."""
        starts = [len(way) - self.vocabulary.kinds[kind].syllables for kind in ends]
        number = self.ways.index(way)
        found = [
            start
            for kind, start in zip(ends, starts, strict=True)
            if start >= 0
            and self._stands(self.vocabulary.kinds[kind].stresses, self.vocabulary.kinds[kind].example, number, start)
        ]
        return max(found, default=-1)


class LineConstraint:
    """One line as it is written, token by token, to its newline."""

    def __init__(self, plan: LinePlan, place: Place) -> None:
        self.plan = plan
        self.done = False
        self.last_word: int | None = None
        self._place: Place | None = place
        self._node = 0
        self._mark: str | None = None
        self._marks = 0
        self._ends = False
        self._next: Place | None = place

    def copy(self) -> LineConstraint:
        """The same state, to go on with in another way."""
        return copy.copy(self)

    def allowed(self) -> Bools:
        """(V,): the tokens that may come next."""
        plan = self.plan
        if self.done:
            return np.zeros(plan.vocabulary.size, bool)
        if not self._node:
            return self._between()
        assert self._place is not None
        choice, trie = plan.choice(self._place), plan.surfaces(self._place).trie
        allowed = np.zeros(plan.vocabulary.size, bool)
        if (surface := trie.end[self._node]) >= 0 and choice.surfaces[surface]:
            allowed |= self._after(surface)
        allowed[trie.tokens(self._node, choice.nodes)] = True
        return allowed

    def push(self, token: int) -> None:
        """Take one of the tokens allowed."""
        plan = self.plan
        if self._node:
            assert self._place is not None
            choice, trie = plan.choice(self._place), plan.surfaces(self._place).trie
            child = trie.children[self._node].get(token)
            if child is not None and choice.nodes[child]:
                self._node = child
                return
            self._finish(trie.end[self._node])
        if token == plan.vocabulary.newline:
            self.done = True
            return
        for mark, number in plan.vocabulary.marks.items():
            if token == number:
                self._mark, self._marks = mark, self._marks + 1
                return
        place = self._coming()
        assert place is not None
        self._place = place
        self._node = plan.surfaces(place).trie.children[0][token]
        self._mark = None

    def _finish(self, surface: int) -> None:
        """A word is whole."""
        assert self._place is not None
        self.last_word = int(self.plan.surfaces(self._place).word[surface])
        self._next, self._ends = self.plan.after(self._place, self.last_word)
        self._node = 0

    def _coming(self) -> Place | None:
        """Where the next word begins, and how it is written after the mark before it."""
        place = self._next
        if place is None or place.first or self._mark is None:
            return place
        look = CAPITAL if self._mark == "." else None if self._mark in STOPS else LOWER
        return Place(place.at, place.ways, place.rough, look)

    def _between(self) -> Bools:
        """After a mark, or at the beginning."""
        place = self._coming()
        allowed = np.zeros(self.plan.vocabulary.size, bool)
        if place is not None:
            allowed |= self.plan.choice(place).tokens
        if self._mark is not None and self._ends and (not self.plan.closing or self._mark in STOPS):
            allowed |= self.plan.newline
        return allowed

    def _after(self, surface: int) -> Bools:
        """What may follow a whole word."""
        plan = self.plan
        assert self._place is not None
        word = int(plan.surfaces(self._place).word[surface])
        place, ends = plan.after(self._place, word)
        allowed = np.zeros(plan.vocabulary.size, bool)
        if place is not None:
            going_on = plan.choice(place).tokens
            allowed |= going_on
            if self._marks < plan.most_marks and not plan.leaning[word] and going_on.any():
                allowed |= plan.inner_marks
        if ends:
            allowed |= plan.end_marks
            if not plan.closing:
                allowed |= plan.newline
        return allowed


class FreeLine:
    """A line without a form: anything up to its newline, from one token to MOST_TOKENS."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self.done = False
        self._count = 0

    def copy(self) -> FreeLine:
        """The same state, to go on with in another way."""
        return copy.copy(self)

    def allowed(self) -> Bools:
        """(V,): the tokens that may come next."""
        allowed = self.vocabulary.within_line & (self._count < MOST_TOKENS)
        allowed[self.vocabulary.newline] = self._count > 0
        return allowed

    def push(self, token: int) -> None:
        """Take one of the tokens allowed."""
        self.done = token == self.vocabulary.newline
        self._count += 1


def _mask(vocabulary: Vocabulary, tokens: Sequence[int]) -> Bools:
    mask = np.zeros(vocabulary.size, bool)
    mask[list(tokens)] = True
    return mask
