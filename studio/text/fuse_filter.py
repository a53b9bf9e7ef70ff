"""A set of numbers in few bits: what is in it is always found, what is not is found one time in `q`.

Graf and Lemire 2022, "Binary Fuse Filters: Fast and Smaller Than Xor Filters" (ACM JEA 27): each key looks at three
cells that lie in neighbouring segments of a table, and the cells are filled so that the three add up to the key's
fingerprint. Here they add up modulo q, so that the fingerprints fit any budget, not whole bits alone: 18 cells of
q = 11 stand in 64 bits. It takes 1.13 cells a key, against 1.44 bits for each bit of fingerprint of a Bloom filter.

The keys are spread over shards of a million or so that are filled one by one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Keys = NDArray[np.uint64]

MOST_SHARDS = 64
LARGEST_Q = 2**32
_SHARD = 1_400_000  # keys
_TRIES = 100
_MIX = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))


@dataclass(frozen=True, eq=False)
class FuseFilter:
    """cells: (W,) uint64, each of them `packed(q)` numbers below q; seeds: (S,) of the shards, S a power of two.

    segment: the cells of one, a power of two; segments: a shard has two more than that.
    """

    cells: Keys
    seeds: Keys
    segment: int
    segments: int
    q: int

    @classmethod
    def build(cls, shard: Callable[[int], Keys], counts: Sequence[int], words: Callable[[int], int]) -> FuseFilter:
        """Of keys that are spread evenly over all 64 bits.

        shard: the distinct keys of a shard, which are those whose highest log2(S) bits are its number; counts: of the
        keys in each of the S; words: how many 64-bit words may be taken where there are so many cells.
        """
        most = max(*counts, 16)
        segment = 1 << max(2, min(18, math.floor(math.log(most) / math.log(3.33) + 2.25)))
        roomy = most * max(1.125, 0.875 + 0.25 * math.log(1e6) / math.log(most))
        segments = max(1, math.ceil(roomy / segment) - 2)
        size = (segments + 2) * segment
        total = size * len(counts)
        each = max(2, math.ceil(total / max(1, words(total))))
        q = min(_largest(each), LARGEST_Q)
        values, seeds = np.zeros(total, np.uint32), np.zeros(len(counts), np.uint64)
        for number in range(len(counts)):
            seeds[number] = _fill(shard(number), segment, segments, q, values[number * size : (number + 1) * size])
        return cls(_pack(values, q), seeds, segment, segments, q)

    def holds(self, keys: Keys) -> NDArray[np.bool_]:
        """(K,)  →  (K,): whether each is in the set, or seems so."""
        shard = _shard_of(keys, len(self.seeds))
        places, prints = _places(keys, self.seeds[shard], self.segment, self.segments, self.q)
        first = shard * ((self.segments + 2) * self.segment)
        each = packed(self.q)
        powers = np.array([self.q**place for place in range(each)], np.uint64)
        total = np.zeros(len(keys), np.uint64)
        for place in places:
            cell = first + place
            total += self.cells[cell // each] // powers[cell % each] % np.uint64(self.q)
        found: NDArray[np.bool_] = total % np.uint64(self.q) == prints
        return found

    @property
    def sound(self) -> bool:
        """Whether the parts belong together: false of arrays that come from elsewhere."""
        shards = len(self.seeds)
        total = shards * (self.segments + 2) * self.segment
        return (
            1 <= shards <= MOST_SHARDS
            and shards & (shards - 1) == 0
            and 1 <= self.segments < 1 << 24
            and 1 <= self.segment <= 1 << 18
            and self.segment & (self.segment - 1) == 0
            and 2 <= self.q <= LARGEST_Q
            and len(self.cells) == -(-total // packed(self.q))
        )


def shards_for(keys: int) -> int:
    """Into how many shards so many keys go."""
    wanted = max(1, math.ceil(keys / _SHARD))
    return min(MOST_SHARDS, 1 << (wanted - 1).bit_length())


def packed(q: int) -> int:
    """How many numbers below q stand in 64 bits."""
    count = 1
    while q ** (count + 1) <= 1 << 64:
        count += 1
    return count


def unique(parts: Sequence[Keys]) -> Keys:
    """The keys of all parts, sorted, each once."""
    found = np.sort(np.concatenate([np.empty(0, np.uint64), *parts]))
    return found[np.concatenate([[True], found[1:] != found[:-1]])] if len(found) else found


def mixed(numbers: Keys) -> Keys:
    """splitmix64's finish (Steele, Lea and Flood 2014)."""
    numbers = numbers ^ (numbers >> np.uint64(30))
    numbers = numbers * _MIX[0]
    numbers = numbers ^ (numbers >> np.uint64(27))
    numbers = numbers * _MIX[1]
    return numbers ^ (numbers >> np.uint64(31))


def _largest(each: int) -> int:
    """The largest q of which so many numbers stand in 64 bits; 2 at least."""
    q = round(2 ** (64 / each)) + 1
    while q > 2 and q**each > 1 << 64:
        q -= 1
    return max(2, q)


def _shard_of(keys: Keys, shards: int) -> NDArray[np.int64]:
    bits = shards.bit_length() - 1
    return (keys >> np.uint64(64 - bits)).astype(np.int64) if bits else np.zeros(len(keys), np.int64)


def _places(
    keys: Keys, seed: Keys | np.uint64, segment: int, segments: int, q: int
) -> tuple[list[NDArray[np.int64]], Keys]:
    """The three cells of each key, within its shard, and its fingerprint, below q."""
    bits = mixed(keys + seed)
    within = np.uint64(segment - 1)
    first = ((bits >> np.uint64(36)) * np.uint64(segments)) >> np.uint64(28)
    start = (first * np.uint64(segment)).astype(np.int64)
    places = [
        start + number * segment + ((bits >> np.uint64(shift)) & within).astype(np.int64)
        for number, shift in enumerate((0, 18))
    ]
    again = mixed(bits + np.uint64(0x9E3779B97F4A7C15))
    places.append(start + 2 * segment + (again & within).astype(np.int64))
    return places, (again >> np.uint64(20)) % np.uint64(q)


def _fill(keys: Keys, segment: int, segments: int, q: int, values: NDArray[np.uint32]) -> int:
    """Set the cells of one shard, `values`; the seed by which that could be done."""
    for seed in range(_TRIES):
        at, prints = _places(keys, np.uint64(seed * 0x5851F42D4C957F2D % 2**64), segment, segments, q)
        places = np.stack(at)
        if (order := _peeled(places, len(values))) is not None:
            for which, own in reversed(order):
                others = values[places[:, which]].sum(axis=0, dtype=np.uint64) % np.uint64(q)
                values[own] = ((prints[which] + np.uint64(q) - others) % np.uint64(q)).astype(np.uint32)
            return seed * 0x5851F42D4C957F2D % 2**64
    raise AssertionError("the keys are not distinct")


def _peeled(places: NDArray[np.int64], size: int) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]] | None:
    """Rounds of (keys, a cell of each that no key of this or a later round looks at); None where that cannot be."""
    count = places.shape[1]
    degree = np.bincount(places.ravel(), minlength=size)
    keys_of = np.zeros(size, np.int64)  # the exclusive or of all keys that look at a cell: the key, where it is one
    for at in places:
        np.bitwise_xor.at(keys_of, at, np.arange(count))
    free = np.flatnonzero(degree == 1)
    rounds, taken, mark = [], 0, np.zeros(count, np.int64)
    while len(free):
        keys = keys_of[free]
        mark[keys] = np.arange(len(keys))
        once = mark[keys] == np.arange(len(keys))
        keys, own = keys[once], free[once]
        rounds.append((keys, own))
        taken += len(keys)
        touched = places[:, keys].ravel()
        np.subtract.at(degree, touched, 1)
        np.bitwise_xor.at(keys_of, touched, np.tile(keys, 3))
        free = touched[degree[touched] == 1]
        keys_free = np.sort(free)
        free = keys_free[np.concatenate([[True], keys_free[1:] != keys_free[:-1]])] if len(free) else free
    return rounds if taken == count else None


def _pack(values: NDArray[np.uint32], q: int) -> Keys:
    each = packed(q)
    padded = np.zeros(-(-len(values) // each) * each, np.uint32)
    padded[: len(values)] = values
    columns = padded.reshape(-1, each)
    cells = np.zeros(len(columns), np.uint64)
    for column in range(each - 1, -1, -1):
        cells = cells * np.uint64(q) + columns[:, column]
    return cells
