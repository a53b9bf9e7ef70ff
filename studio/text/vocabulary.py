"""The words that verse is made of here, as paths through the tokens of one tokenizer, and how each one sounds.

A word stands in two tries: as it is written at the beginning of a line, and inside one after a space. The path of a
word is the tokenizer's own encoding of it, so that a model reads what is written under constraints as it reads
everything else. Only words go in whose number of syllables is beyond doubt: "fire" has one or two, and stays out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from studio.errors import ModelError
from studio.verse import meter, proper
from studio.verse.lexicon import Lexicon, Reading

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

LOWER, CAPITAL, EITHER = 0, 1, 2
"""How a word is written: as any, as one that begins a sentence, or as one that always has this look (I, O, God)."""
MARKS = ",;:.!?"
LEAST_COMMON = 3
"""The class of `Lexicon.common` from which a word is used."""
LEAST_COMMON_ENDING = 4
"""The class from which one is used for its rhyme."""
LONGEST = 12
"""Letters of a word, where the lexicon does not know which words are common."""
RICH = 6
"""Partners that a rhyme should have to be begun."""

_SINGLE = frozenset(["a", "i", "o"])
_NO_WORDS = re.compile(
    r"(?=[ivxlcdm]{2,}$)(c[dm]|d?c{0,3})(x[cl]|l?x{0,3})(i[xv]|v?i{0,3})$|etc$|[mdsj]rs?$|[^aeiouy]+$"
)


@dataclass(frozen=True)
class Kind:
    """What a metre asks of a word: the ways to stress it, and a word that leans as it does."""

    stresses: tuple[str, ...]
    example: str

    @property
    def syllables(self) -> int:
        return len(self.stresses[0])


class Trie:
    """Token paths. A node is a number, 0 the root; `end` is the path that ends at a node, or -1."""

    def __init__(self, paths: Sequence[Sequence[int]]) -> None:
        """Paths that repeat an earlier one are left out of `end`."""
        children: list[dict[int, int]] = [{}]
        end = [-1]
        visited: list[int] = []
        for number, path in enumerate(paths):
            node = 0
            for token in path:
                following = children[node].get(token)
                if following is None:
                    following = children[node][token] = len(children)
                    children.append({})
                    end.append(-1)
                node = following
                visited.append(node)
            if end[node] < 0:
                end[node] = number
        self.children = children
        self.end = end
        self._nodes = np.array(visited, np.int64)
        self._paths = np.repeat(np.arange(len(paths)), [len(path) for path in paths])

    def reach(self, wanted: Bools) -> Bools:
        """Which paths (P,)  →  which nodes lead to one of them (N,)."""
        nodes = np.zeros(len(self.children), bool)
        nodes[self._nodes[wanted[self._paths]]] = True
        return nodes

    def tokens(self, node: int, reached: Bools) -> list[int]:
        """The tokens that go from a node to one that is reached."""
        return [token for token, child in self.children[node].items() if reached[child]]

    @cached_property
    def root(self) -> tuple[Ints, Ints]:
        """The tokens that begin a path, and the nodes they lead to."""
        return np.array(list(self.children[0]), np.int64), np.array(list(self.children[0].values()), np.int64)


@dataclass(frozen=True)
class Surfaces:
    """How words are written in one place: the word (S,), its look (S,), its first letter (S,) and its path."""

    word: Ints
    look: Ints
    first: NDArray[np.str_]
    trie: Trie


class Vocabulary:
    """The words, what is known of each, and the tries of their tokens. W words, V tokens.

    kind (W,): the number of its `Kind`. ending (W,): whether a line may end with it. rhyme (W,): its class of rhyme,
    or -1 where its readings differ; onset (W,): what stands before the rhyme; partners: for a class, how many onsets it
    has among common words. masculine (W,): whether the last syllable is stressed. within_line (V,): the tokens that may
    stand in a line without a form.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        lexicon: Lexicon,
        refused: Callable[[str], bool] | None = None,
        size: int | None = None,
    ) -> None:
        """refused: words that are not to come out. size: tokens that the network has, where the tokenizer has others.

        Raises ModelError for a tokenizer without a token for a new line.
        """
        self.lexicon = lexicon
        self.size = size or tokenizer.get_vocab_size()
        newline = self._alone(tokenizer, "\n")
        if newline is None:
            raise ModelError("Forms need a tokenizer with one token for a new line; this model's has none.")
        self.newline = newline
        marks = {mark: self._alone(tokenizer, mark) for mark in MARKS}
        self.marks = {mark: token for mark, token in marks.items() if token is not None}
        if not set(".!?") & set(self.marks):
            raise ModelError("Forms need a tokenizer with a token for a full stop; this model's has none.")
        special = tokenizer.get_added_tokens_decoder()
        breaks = [number for piece, number in tokenizer.get_vocab().items() if "\n" in piece or "Ċ" in piece]
        self.within_line: Bools = np.ones(self.size, bool)
        self.within_line[[token for token in (*special, *breaks) if token < self.size]] = False
        listed, commonness = _usual(lexicon)
        readings = {word: lexicon.readings(word) for word in listed}
        self.words = [
            word
            for word in listed
            if len({way.syllables for way in readings[word]}) == 1 and not (refused and refused(word))
        ]
        self.number = {word: place for place, word in enumerate(self.words)}
        ways = [readings[word] for word in self.words]
        self._sound(ways)
        ending = [word not in meter.LEANING and word not in meter.HANGING for word in self.words]
        self.ending: Bools = np.array(ending, bool)
        least = LEAST_COMMON_ENDING if any(commonness.values()) else 0
        self.rhyming: Bools = self.ending & (self.rhyme >= 0)
        self.rhyming &= np.array([commonness[word] >= least for word in self.words], bool)
        pairs = np.unique(np.stack([self.rhyme, self.onset], 1)[self.rhyming], axis=0)
        self.partners: Ints = np.bincount(pairs[:, 0], minlength=max(1, self.rhyme.max(initial=0) + 1))
        self.begin = self._surfaces(tokenizer, "\n", [(_large, CAPITAL), (str, LOWER)])
        self.inside = self._surfaces(
            tokenizer, "a", [(lambda word: " " + word, LOWER), (lambda word: " " + _large(word), CAPITAL)]
        )

    def rhymes_with(self, word: str) -> Bools:
        """(W,): the words that rhyme with one, by the reading it usually has, and are not its like."""
        reading = self.lexicon.read(word)[0]
        rhyme, onset = self._rhymes.get(reading.rhyme, -1), self._onsets.get(reading.onset, -1)
        found: Bools = self.rhyming & (self.rhyme == rhyme) & (self.onset != onset)
        return found

    def rhyme_of(self, word: str) -> int:
        """The number of the rhyme that a word usually has, -1 for one that no word here has."""
        return self._rhymes.get(self.lexicon.read(word)[0].rhyme, -1)

    def rich(self, times: int) -> Bools:
        """(W,): the words that begin a rhyme which can be met so many times."""
        enough = self.partners >= max(RICH, 2 * times)
        found: Bools = self.rhyming & enough[self.rhyme]
        return found

    def _alone(self, tokenizer: Tokenizer, text: str) -> int | None:
        """The one token that a text is after a letter, where the network has it."""
        before = tokenizer.encode("a", add_special_tokens=False).ids
        ids = tokenizer.encode("a" + text, add_special_tokens=False).ids
        found = len(ids) == len(before) + 1 and ids[: len(before)] == before and ids[-1] < self.size
        return ids[-1] if found else None

    def _sound(self, ways: Sequence[Sequence[Reading]]) -> None:
        kinds: dict[tuple[tuple[str, ...], int], int] = {}
        self.kinds: list[Kind] = []
        self._rhymes: dict[tuple[str, ...], int] = {}
        self._onsets: dict[tuple[str, ...], int] = {}
        rows = []
        for word, readings in zip(self.words, ways, strict=True):
            stresses = tuple(sorted({reading.stresses for reading in readings}))
            weight = (word in meter.ARTICLES) + 2 * (word in meter.LEANING) + 4 * (word in meter.NEUTRAL)
            key = (stresses, weight if len(stresses[0]) == 1 else 0)
            if key not in kinds:
                kinds[key] = len(kinds)
                self.kinds.append(Kind(stresses, word))
            ends = {(reading.rhyme, reading.onset) for reading in readings}
            rhyme, onset = next(iter(ends)) if len(ends) == 1 else ((), ())
            number = self._rhymes.setdefault(rhyme, len(self._rhymes)) if rhyme else -1
            beginning = self._onsets.setdefault(onset, len(self._onsets))
            rows.append((kinds[key], number, beginning, all(way[-1] != "0" for way in stresses)))
        table = np.array(rows, np.int64).reshape(-1, 4)
        self.kind, self.rhyme, self.onset = table[:, 0], table[:, 1], table[:, 2]
        self.masculine: Bools = table[:, 3] == 1

    def _surfaces(
        self, tokenizer: Tokenizer, before: str, styles: Iterable[tuple[Callable[[str], str], int]]
    ) -> Surfaces:
        written, word, look = [], [], []
        for style, name in styles:
            for place, plain in enumerate(self.words):
                if plain in proper.NAMES:
                    if name == CAPITAL:
                        written.append(style(plain))
                        word.append(place)
                        look.append(EITHER)
                else:
                    written.append(style(plain))
                    word.append(place)
                    look.append(name)
        context = tokenizer.encode(before, add_special_tokens=False).ids
        encoded = tokenizer.encode_batch_fast([before + text for text in written], add_special_tokens=False)
        paths, kept = [], []
        for place, encoding in enumerate(encoded):
            ids = encoding.ids
            if ids[: len(context)] == context and len(ids) > len(context) and max(ids) < self.size:
                kept.append(place)
                paths.append(ids[len(context) :])
        first = np.array([written[place].strip().lstrip("'")[:1].upper() for place in kept])
        return Surfaces(np.array(word)[kept], np.array(look)[kept], first, Trie(paths))


def _large(word: str) -> str:
    return "'" + word[1:].capitalize() if word.startswith("'") else word.capitalize()


def _usual(lexicon: Lexicon) -> tuple[list[str], dict[str, int]]:
    """The words to use, and the class of each."""
    every = [word for word in lexicon.words if _is_word(word)]
    commonness = {word: lexicon.common(word) for word in every}
    if any(commonness.values()):
        return [word for word in every if commonness[word] >= LEAST_COMMON], commonness
    return [word for word in every if len(word) <= LONGEST], commonness


def _is_word(word: str) -> bool:
    if word in proper.STRANGERS or word in proper.ODD:
        return False
    return bool(re.fullmatch(r"[a-z']+", word)) and (word in _SINGLE or (len(word) > 1 and not _NO_WORDS.match(word)))
