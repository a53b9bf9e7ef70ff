"""n-gram models over sequences of tokens, with interpolated Kneser-Ney smoothing: what a network has to beat.

Chen and Goodman 1999, "An empirical study of smoothing techniques for language modeling": modified Kneser-Ney, the
three discounts of each order estimated from its counts; the lowest order is mixed with the uniform distribution over
the vocabulary, so that no token is impossible.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass

from studio.text.ngrams import discounts

Token = Hashable
Discounts = tuple[float, float, float]
START = "start"
LOOKED_AT = 8  # likeliest followers of each part of a context among which the likeliest token is looked for


@dataclass(frozen=True)
class Score:
    """nats: the mean cost of a token; accuracy: how often the likeliest one came."""

    nats: float
    accuracy: float


class KneserNey:
    """A model of one order that falls back on all lower ones; each sequence begins with `order` - 1 START tokens."""

    def __init__(self, sequences: Sequence[Sequence[Token]], order: int, vocabulary: int) -> None:
        """vocabulary: how many tokens there are, those never seen included."""
        self.order, self.vocabulary = order, vocabulary
        grams: list[Counter[tuple[Token, ...]]] = [Counter() for _ in range(order + 1)]
        for sequence in sequences:
            for gram in _grams(sequence, order):
                grams[order][gram] += 1
        for length in range(order - 1, 0, -1):  # lower orders count in how many contexts a gram was seen
            for gram in grams[length + 1]:
                grams[length][gram[1:]] += 1
        self.discounts = [_discounts(counts) for counts in grams[1:]]
        self.followers: list[dict[tuple[Token, ...], Counter[Token]]] = []
        for counts in grams[1:]:
            table: dict[tuple[Token, ...], Counter[Token]] = defaultdict(Counter)
            for gram, count in counts.items():
                table[gram[:-1]][gram[-1]] = count
            self.followers.append(dict(table))
        self._whole = {
            level: {context: _shares(found, self.discounts[level]) for context, found in table.items()}
            for level, table in enumerate(self.followers)
        }

    def probability(self, context: tuple[Token, ...], token: Token) -> float:
        """Of a token after a context of order - 1 tokens."""
        chance = 1 / self.vocabulary
        for level in range(self.order):
            part = context[len(context) - level :]
            found = self._whole[level].get(part)
            if found is None:
                break
            total, left_over = found
            count = self.followers[level][part].get(token, 0)
            chance = max(0.0, count - _discount(self.discounts[level], count)) / total + left_over * chance
        return chance

    def likeliest(self, context: tuple[Token, ...]) -> Token:
        """The likeliest token after a context, of those most often seen after each part of it that is known."""
        candidates: set[Token] = set()
        for level in range(self.order):
            found = self.followers[level].get(context[len(context) - level :])
            if found is None:
                break
            candidates.update(token for token, _ in found.most_common(LOOKED_AT))
        return max(candidates, key=lambda token: (self.probability(context, token), str(token)))

    def score(self, sequences: Sequence[Sequence[Token]]) -> Score:
        """Over all tokens of some sequences."""
        cost, right, count = 0.0, 0, 0
        for sequence in sequences:
            for gram in _grams(sequence, self.order):
                context, token = gram[:-1], gram[-1]
                cost -= math.log(self.probability(context, token))
                right += self.likeliest(context) == token
                count += 1
        return Score(cost / count, right / count)


def _grams(sequence: Sequence[Token], order: int) -> Iterator[tuple[Token, ...]]:
    padded = [START] * (order - 1) + list(sequence)
    for end in range(order, len(padded) + 1):
        yield tuple(padded[end - order : end])


def _discounts(counts: Counter[tuple[Token, ...]]) -> Discounts:
    """What is taken from grams seen once, twice, and more often."""
    of = Counter(min(count, 5) for count in counts.values())
    return discounts([of[count] for count in range(5)])


def _discount(discounts: Discounts, count: int) -> float:
    return discounts[min(count, 3) - 1] if count else 0.0


def _shares(found: Counter[Token], discounts: Discounts) -> tuple[int, float]:
    """(all counts, the part that is left over for the lower order)."""
    total = sum(found.values())
    return total, sum(_discount(discounts, count) for count in found.values()) / total
