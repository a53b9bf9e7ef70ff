"""How a token is chosen among what a network thinks of all of them, in float64.

The order is the field's (and transformers'): penalties on the logits, then temperature, top-k, top-p, min-p. Each of
them leaves at least the likeliest token. Each row is computed by itself: it gives the same alone and in a batch.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studio.errors import InputError, ModelError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

RECENT = 256
"""Tokens that a penalty looks back on."""
_LEAST = float(np.finfo(np.float64).smallest_subnormal)  # of what is not 0


@dataclass(frozen=True)
class Sampling:
    """How tokens are chosen.

    temperature: 0 takes the likeliest. top_k: among so many, 0 for all. top_p: among the likeliest that make up this
    part of the probability (nucleus sampling, Holtzman et al. 2020). min_p: not what is less likely than this part of
    the likeliest (Nguyen et al. 2024). repetition_penalty: logits of the last RECENT tokens are divided by it, or
    multiplied where negative (CTRL, Keskar et al. 2019). no_repeat_ngram: so many tokens in a row never come twice.
    """

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.0
    repetition_penalty: float = 1.0
    no_repeat_ngram: int = 0

    def __post_init__(self) -> None:
        """Raise InputError for what is out of range."""
        for name, fine, wanted in (
            ("temperature", 0 <= self.temperature < math.inf, "0 or more"),
            ("top_k", self.top_k >= 0, "0 or more"),
            ("top_p", 0 < self.top_p <= 1, "more than 0, at most 1"),
            ("min_p", 0 <= self.min_p <= 1, "from 0 to 1"),
            ("repetition_penalty", 0 < self.repetition_penalty < math.inf, "more than 0"),
            ("no_repeat_ngram", self.no_repeat_ngram >= 0, "0 or more"),
        ):
            if not fine:
                raise InputError(f"{name}: expected {wanted}, got {getattr(self, name)!r}.")


class Past:
    """The tokens of a text so far as the rules against repetition look at them: all, however far back a network looks.

    seen (V,): whether each of the V tokens that there are stands among the last `reach`. A text without end has had
    nearly every token, and a penalty that fell on all of them would be none.
    """

    def __init__(self, tokens: Sequence[int] | Ints, vocabulary: int, reach: int | None = RECENT) -> None:
        self._room: Ints = np.array(tokens, np.int64)  # grows by more than is needed, so that it grows seldom
        self._count, self._vocabulary, self.reach = len(tokens), vocabulary, reach
        self._look_back()

    @property
    def tokens(self) -> Ints:
        """(T,): all of them in their order, to be read at once: `cut` and `push` write over them."""
        return self._room[: self._count]

    def push(self, token: int) -> None:
        """Add a token."""
        if self._count == len(self._room):
            self._room = np.concatenate([self._room, np.empty(self._count + 64, np.int64)])
        self._room[self._count] = token
        self._count += 1
        self._times[token] += 1
        self.seen[token] = True
        if self.reach is not None and self._count > self.reach:
            out_of_reach = self._room[self._count - self.reach - 1]
            self._times[out_of_reach] -= 1
            self.seen[out_of_reach] = self._times[out_of_reach] > 0

    def cut(self, count: int) -> None:
        """Keep the first `count` tokens."""
        self._count = count
        self._look_back()

    def copy(self) -> Past:
        """Another that goes on from here by itself."""
        return Past(self.tokens, self._vocabulary, self.reach)

    def _look_back(self) -> None:
        recent = self.tokens if self.reach is None else self.tokens[-self.reach :]
        self._times: Ints = np.bincount(recent, minlength=self._vocabulary)
        self.seen: Bools = self._times > 0


def distribution(logits: Any, history: Sequence[int], sampling: Sampling, allowed: Bools | None = None) -> Floats:
    """Logits (V,), the tokens before, and which tokens are allowed (V,)  →  the probability of each token (V,).

    Raises InputError where nothing is allowed, ModelError for logits that are no numbers. Where a rule against repeated
    n-grams would leave nothing, it is left aside.
    """
    whole: Floats = distributions(np.asarray(logits)[None], [history], sampling, [allowed])[0]
    return whole


def distributions(
    logits: Any,
    histories: Sequence[Past | Sequence[int]],
    sampling: Sampling | Sequence[Sampling],
    allowed: Sequence[Bools | None] | None = None,
) -> Floats:
    """`distribution` of many rows: logits (B, V)  →  (B, V)."""
    result = np.zeros(np.shape(logits))
    for row, (tokens, parts) in enumerate(_shortlists(logits, histories, sampling, allowed)):
        result[row, tokens] = parts
    return result


def choose(distribution: Floats, uniform: float) -> int:
    """Probabilities (V,) and a number in [0, 1)  →  a token: where the sum of those before it passes that number."""
    reached = distribution.cumsum()
    place = int(reached.searchsorted(uniform * reached[-1], side="right"))
    return place if place < len(reached) else int(np.flatnonzero(distribution)[-1])


def draw(
    logits: Any,
    histories: Sequence[Past | Sequence[int]],
    sampling: Sampling | Sequence[Sampling],
    uniforms: Sequence[float],
    allowed: Sequence[Bools | None] | None = None,
) -> list[int]:
    """A token for each row: `choose` from its `distribution`, without writing out what is 0."""
    lists = _shortlists(logits, histories, sampling, allowed)
    return [int(tokens[choose(parts, uniform)]) for (tokens, parts), uniform in zip(lists, uniforms, strict=True)]


def _shortlists(
    logits: Any,
    histories: Sequence[Past | Sequence[int]],
    sampling: Sampling | Sequence[Sampling],
    allowed: Sequence[Bools | None] | None,
) -> list[tuple[Ints, Floats]]:
    """For each row the tokens that may come, in order, and their probabilities."""
    scores = np.array(logits, dtype=np.float64)
    if not np.isfinite(scores.max(1)).all():  # a largest number is NaN as soon as one of them is
        raise ModelError("The model gives numbers that are none (NaN or infinite): its weights are damaged.")
    samplings = [sampling] * len(scores) if isinstance(sampling, Sampling) else sampling
    masks = allowed or [None] * len(scores)
    for row, one, history, mask in zip(scores, samplings, histories, masks, strict=True):
        _penalize(row, history if isinstance(history, Past) else Past(history, len(row)), one, mask)
    if all(one.temperature == 0 for one in samplings):
        return [(tokens, np.ones(1)) for tokens in scores.argmax(1)[:, None]]
    scores -= scores.max(1, keepdims=True)
    with np.errstate(over="ignore"):  # next to nothing for a temperature
        scores /= np.array([one.temperature or 1.0 for one in samplings])[:, None]
    parts = np.exp(scores, out=scores)
    return [_shortlist(*row) for row in zip(parts, parts.sum(1).tolist(), samplings, strict=True)]


def _shortlist(parts: Floats, whole: float, sampling: Sampling) -> tuple[Ints, Floats]:
    """Parts of the largest probability of a row (V,), and their sum  →  the tokens that stay, how likely they are."""
    count = len(parts)
    if sampling.temperature == 0:
        return np.array([int(parts.argmax())]), np.ones(1)
    least = max(sampling.min_p, _LEAST)
    if 0 < sampling.top_k < count:
        place = count - sampling.top_k
        fewest = float(np.partition(parts, place)[place])
        least, whole = max(least, fewest), float(parts[parts >= fewest].sum())
    if sampling.top_p < 1:
        # Tokens less likely than a V-th of what top-p leaves out need not be put in order.
        least = max(least, (1 - sampling.top_p) / count * whole)
    tokens = (parts >= least).nonzero()[0]
    kept = parts[tokens]
    if sampling.top_p < 1:
        likely = kept.copy()
        likely.sort()
        within = int(likely[::-1].cumsum().searchsorted(sampling.top_p * whole))
        if within < len(likely):
            stay = kept >= likely[len(likely) - 1 - within]
            tokens, kept = tokens[stay], kept[stay]
    return tokens, kept / kept.sum()


def _penalize(scores: Floats, past: Past, sampling: Sampling, allowed: Bools | None) -> None:
    """Logits (V,) as they are after the penalties, -inf for what must not come, in place."""
    if sampling.repetition_penalty != 1:
        before = scores[past.seen]
        scores[past.seen] = np.where(
            before < 0, before * sampling.repetition_penalty, before / sampling.repetition_penalty
        )
    if allowed is not None:
        if not allowed.any():
            raise InputError("No token is allowed here.")
        scores[~allowed] = -np.inf
    if sampling.no_repeat_ngram:
        again = _repeats(past.tokens, sampling.no_repeat_ngram)
        before = scores[again]
        scores[again] = -np.inf
        if not np.isfinite(scores.max()):
            scores[again] = before


def _repeats(tokens: Ints, size: int) -> Ints:
    """The tokens that would make the last `size` ones stand twice."""
    again = np.ones(max(0, len(tokens) - size + 1), bool)  # whether the run that ends there begins as the last one
    for back in range(1, size):
        if not again.any():
            break
        again &= tokens[size - 1 - back : len(tokens) - back] == tokens[-back]
    return tokens[size - 1 :][again]
