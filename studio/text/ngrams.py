"""What a language model has to beat: an n-gram model over bytes, and a compressor, in bits per byte of the same text.

The n-gram model is interpolated and smoothed by modified Kneser and Ney's (Chen and Goodman 1999, "An empirical study
of smoothing techniques for language modeling"): three discounts an order, estimated from its counts; lower orders count
in how many contexts a gram was seen; the lowest is mixed with the uniform distribution over 256 bytes.

    model = ByteNgrams.count([b"…"], order=6)
    model.bits_per_byte(b"…")
"""

from __future__ import annotations

import lzma
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from studio.errors import InputError

ORDER = 6
"""Bytes of a gram: the context is one less."""
COUNTED = 128_000_000
"""Bytes that are counted at most, the first."""
PREFIX = 16_000_000
"""Bytes, the last of the training text, that xz reads before what it is measured by."""
LARGEST_ORDER = 8

_BLOCK = 1 << 23  # bytes counted at a time
_ASKED = 1 << 20  # bytes scored at a time
_FEW, _LEAST = 0.5, 0.05  # the discount where nothing is known, and how near one comes to nothing or everything
_PRESET = 9 | lzma.PRESET_EXTREME

Grams = NDArray[np.uint64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class _Level:
    """One order. grams: (G,), sorted, the bytes of each as one number, the last the lowest; counts: (G,).

    contexts: (C,), sorted, those bytes but the last; totals: (C,) of counts; left_over: (C,) the part of the
    probability that the lower order shares out.
    """

    grams: Grams
    counts: NDArray[np.int32]
    contexts: Grams
    totals: Floats
    left_over: Floats
    discounts: Floats

    @classmethod
    def of(cls, grams: Grams, counts: NDArray[np.int32]) -> _Level:
        taken = np.concatenate([[0.0], discounts(np.bincount(np.minimum(counts, 5), minlength=5).tolist())])
        starts = _starts(grams >> np.uint64(8))
        totals = np.add.reduceat(counts, starts, dtype=np.float64)
        left_over = np.add.reduceat(taken[np.minimum(counts, 3)], starts) / totals
        return cls(grams, counts, grams[starts] >> np.uint64(8), totals, left_over, taken)

    def mixed(self, asked: Grams, lower: Floats) -> Floats:
        """(N,) grams of this order and the probabilities of the lower one  →  (N,)."""
        place, known = _found(self.contexts, asked >> np.uint64(8))
        at, seen = _found(self.grams, asked)
        count = np.where(seen, self.counts[at], 0)
        own = np.maximum(count - self.discounts[np.minimum(count, 3)], 0) / self.totals[place]
        return np.where(known, own + self.left_over[place] * lower, lower)


class ByteNgrams:
    """The model. `counted`: bytes that were; `order`: bytes of a gram."""

    def __init__(self, levels: Sequence[_Level], counted: int) -> None:
        self._levels, self.order, self.counted = levels, len(levels), counted

    @classmethod
    def count(cls, texts: Iterable[bytes], order: int = ORDER, most: int = COUNTED) -> ByteNgrams:
        """Of the first `most` bytes of some pieces of a text. Raises InputError where there are none."""
        if not 1 <= order <= LARGEST_ORDER:
            raise InputError(f"Expected an n-gram order of 1 to {LARGEST_ORDER}, got {order}.")
        grams, counts, counted = np.empty(0, np.uint64), np.empty(0, np.int32), 0
        last = bytes(order - 1)
        for block in _blocks(texts, most):
            new = grams_of(last + block, order)[order - 1 :]
            grams, counts = _summed([grams, new], [counts, np.ones(len(new), np.int32)])
            last = (last + block)[len(last) + len(block) - order + 1 :]
            counted += len(block)
        if not counted:
            raise InputError("There is no text to count; an n-gram model needs some to learn from.")
        levels = [_Level.of(grams, counts)]
        for length in range(order - 1, 0, -1):
            within = np.uint64(256**length - 1)
            grams, counts = _summed([grams & within], [np.ones(len(grams), np.int32)])
            levels.append(_Level.of(grams, counts))
        return cls(levels[::-1], counted)

    def probabilities(self, text: bytes) -> Floats:
        """(bytes,): of each byte after those before it; the text begins as a document does."""
        found = [np.empty(0, np.float64)]
        context = bytes(self.order - 1)
        for start in range(0, len(text), _ASKED):
            block = text[start : start + _ASKED]
            asked = grams_of(context + block, self.order)[self.order - 1 :]
            context = (context + block)[len(context) + len(block) - self.order + 1 :]
            each, back = np.unique(asked, return_inverse=True)
            chances = np.full(len(each), 1 / 256)
            for length, level in enumerate(self._levels, 1):
                chances = level.mixed(each & np.uint64(256**length - 1), chances)
            found.append(chances[back])
        return np.concatenate(found)

    def bits_per_byte(self, text: bytes) -> float:
        """The mean cost of a byte. Raises InputError for no text."""
        if not text:
            raise InputError("There is no text to measure an n-gram model by.")
        return float(-np.log2(self.probabilities(text)).mean())


def xz_bits_per_byte(text: bytes) -> float:
    """Of xz at its strongest, header and all: 8 times the compressed length over the length."""
    return 8 * _squeezed(text) / len(text)


def xz_bits_per_byte_after(learnt: bytes, text: bytes) -> float:
    """Of the same after the last PREFIX bytes of another text: what `text` adds to the length."""
    learnt = learnt[-PREFIX:]
    with ThreadPoolExecutor(2) as pool:
        alone, both = pool.map(_squeezed, (learnt, learnt + text))
    return 8 * (both - alone) / len(text)


def discounts(of: Sequence[int]) -> tuple[float, float, float]:
    """What is taken from the counts of grams seen once, twice, and more often (Chen and Goodman 1999, equation 26).

    of: how many grams there are of each count up to 4, by index. A fixed part is taken where too few were seen to say.
    """
    once, twice = of[1], of[2]
    ratio = once / (once + 2 * twice) if once else _FEW

    def of_those(seen: int) -> float:
        taken = seen - (seen + 1) * ratio * of[seen + 1] / of[seen] if of[seen] else _FEW
        return min(max(taken, _LEAST), seen - _LEAST)

    return of_those(1), of_those(2), of_those(3)


def grams_of(text: bytes, length: int) -> Grams:
    """(N,): at each byte, it and those before it as one number; `length` up to 8."""
    read = np.frombuffer(text, np.uint8)
    grams = np.zeros(len(read), np.uint64)
    for back in range(min(length, len(read))):
        grams[back:] |= read[: len(read) - back].astype(np.uint64) << np.uint64(8 * back)
    return grams


def _blocks(texts: Iterable[bytes], most: int) -> Iterable[bytes]:
    """The first bytes of all, in blocks of some size."""
    held, left = bytearray(), most
    for text in texts:
        held += text[:left]
        left -= min(left, len(text))
        while len(held) >= _BLOCK:
            yield bytes(held[:_BLOCK])
            del held[:_BLOCK]
        if not left:
            break
    if held:
        yield bytes(held)


def _summed(grams: Sequence[Grams], counts: Sequence[NDArray[np.int32]]) -> tuple[Grams, NDArray[np.int32]]:
    """Each gram once, sorted, and its counts together."""
    together = np.concatenate(grams)
    order = np.argsort(together, kind="stable")
    together = together[order]
    starts = _starts(together)
    if not len(starts):
        return together, np.empty(0, np.int32)
    return together[starts], np.add.reduceat(np.concatenate(counts)[order], starts).astype(np.int32)


def _starts(ordered: Grams) -> NDArray[np.intp]:
    """Where each number begins among sorted ones."""
    return (
        np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]])) if len(ordered) else np.empty(0, np.intp)
    )


def _found(among: Grams, asked: Grams) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Where each number stands among sorted ones, or any place, and whether it does."""
    place = np.minimum(np.searchsorted(among, asked), len(among) - 1)
    found: NDArray[np.bool_] = among[place] == asked
    return place, found


def _squeezed(text: bytes) -> int:
    return len(lzma.compress(text, preset=_PRESET))
