"""Figures of texts that need no model: how varied they are, how much they repeat, how long their lines are.

Words are compared as for originality: without case, accents and apostrophes.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass

from studio.text.originality import words_of

Words = Sequence[str]


def grams(items: Sequence[Hashable], size: int) -> list[tuple[Hashable, ...]]:
    """Every run of so many items."""
    return [tuple(items[first : first + size]) for first in range(len(items) - size + 1)]


def distinct(texts: Sequence[str], size: int) -> float:
    """distinct-n: different runs of n words over all runs, of all texts together; 0 where there are none.

    Li et al. 2016, "A Diversity-Promoting Objective Function for Neural Conversation Models". It falls as there is more
    text: compare only equal amounts.
    """
    found = [gram for text in texts for gram in grams(words_of(text), size)]
    return len(set(found)) / len(found) if found else 0.0


def repetition(texts: Sequence[str], size: int) -> float:
    """seq-rep-n: the share of runs of n words that stood in the same text before, the mean over texts; 0 to 1.

    Welleck et al. 2020, "Neural Text Generation with Unlikelihood Training".
    """
    return _mean([_repeated(grams(words_of(text), size)) for text in texts])


def repeated_words(text: str, window: int = 32) -> float:
    """rep: the share of words that stand among the `window` before them too (Welleck et al. 2020); 0 to 1."""
    words = words_of(text)
    again = [word in words[max(0, place - window) : place] for place, word in enumerate(words)]
    return sum(again) / len(again) if again else 0.0


def repeated_lines(text: str) -> float:
    """The share of lines that stood in the text before, empty ones left out; 0 to 1."""
    return _repeated([words for line in text.splitlines() if (words := tuple(words_of(line)))])


def words_a_line(text: str) -> float:
    """The mean number of words of lines that have some; 0 where none has."""
    return _mean([len(words) for line in text.splitlines() if (words := words_of(line))])


def lines_a_stanza(text: str) -> float:
    """The mean number of lines between empty ones; 0 where there are none."""
    stanzas, lines = [], 0
    for line in [*text.splitlines(), ""]:
        if line.strip():
            lines += 1
        elif lines:
            stanzas.append(lines)
            lines = 0
    return _mean(stanzas)


@dataclass(frozen=True)
class Measure:
    """A figure of some texts, and how it is called."""

    name: str
    of: Callable[[Sequence[str]], float]
    digits: int = 3


MEASURES = (
    Measure("distinct-1", lambda texts: distinct(texts, 1)),
    Measure("distinct-2", lambda texts: distinct(texts, 2)),
    Measure("distinct-3", lambda texts: distinct(texts, 3)),
    Measure("repeated runs of 4 words", lambda texts: repetition(texts, 4)),
    Measure("repeated words, of the last 32", lambda texts: _mean([repeated_words(text) for text in texts])),
    Measure("repeated lines", lambda texts: _mean([repeated_lines(text) for text in texts])),
    Measure("words a line", lambda texts: _mean([words_a_line(text) for text in texts]), 2),
    Measure("lines a stanza", lambda texts: _mean([lines_a_stanza(text) for text in texts]), 2),
)


def summary(texts: Sequence[str]) -> Mapping[str, float]:
    """All of MEASURES by name."""
    return {measure.name: measure.of(texts) for measure in MEASURES}


def _repeated(items: Sequence[Hashable]) -> float:
    return 1 - len(set(items)) / len(items) if items else 0.0


def _mean(numbers: Sequence[float]) -> float:
    return sum(numbers) / len(numbers) if numbers else 0.0
