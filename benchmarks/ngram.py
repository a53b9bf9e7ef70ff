"""n-gram models over sequences of tokens, with interpolated Kneser-Ney smoothing: what a network has to beat.

Chen and Goodman 1999, "An empirical study of smoothing techniques for language modeling": modified Kneser-Ney, its three
discounts estimated from the counts of each order; the lowest order is mixed with the uniform distribution over the
vocabulary, so that no token is impossible.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

Token = Hashable
START = "start"


@dataclass(frozen=True)
class Score:
    """nats: the mean cost of a token; accuracy: how often the likeliest one came."""

    nats: float
    accuracy: float


class KneserNey:
    """Orders 1 … `order`; a sequence begins with as many START tokens as a context has room for."""

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
        """The likeliest token after a context: one of those seen after its longest known part, or of a shorter one."""
        candidates: set[Token] = set()
        for level in range(self.order):
            found = self.followers[level].get(context[len(context) - level :])
            if found is None:
                break
            candidates.update(token for token, _ in found.most_common(8))
        return max(candidates, key=lambda token: (self.probability(context, token), str(token)))

    def score(self, sequences: Sequence[Sequence[Token]]) -> Score:
        """Over all tokens of some sequences."""
        cost, right, count = 0.0, 0, 0
        for sequence in sequences:
            for *context, token in _grams(sequence, self.order):
                cost -= float(np.log(self.probability(tuple(context), token)))
                right += self.likeliest(tuple(context)) == token
                count += 1
        return Score(cost / count, right / count)


def _grams(sequence: Sequence[Token], order: int) -> Iterator[tuple[Token, ...]]:
    padded = [START] * (order - 1) + list(sequence)
    for end in range(order, len(padded) + 1):
        yield tuple(padded[end - order : end])


def _discounts(counts: Counter[tuple[Token, ...]]) -> tuple[float, float, float]:
    """What is taken from grams seen once, twice, and more often."""
    of = Counter(min(count, 5) for count in counts.values())
    ratio = of[1] / (of[1] + 2 * of[2]) if of[1] else 0.5
    found = [number - (number + 1) * ratio * of[number + 1] / of[number] if of[number] else 0.5 for number in (1, 2, 3)]
    return tuple(min(max(value, 0.05), number - 0.05) for number, value in zip((1, 2, 3), found, strict=True))  # type: ignore[return-value]


def _discount(discounts: tuple[float, float, float], count: int) -> float:
    return discounts[min(count, 3) - 1] if count else 0.0


def _shares(found: Counter[Token], discounts: tuple[float, float, float]) -> tuple[int, float]:
    """(all counts, the part that is left over for the lower order)."""
    total = sum(found.values())
    return total, sum(_discount(discounts, count) for count in found.values()) / total
