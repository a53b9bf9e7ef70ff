"""The random numbers of a tune: fixed by its seed and by the place in the tune, whatever else is sampled beside it.

Two tunes can be blended: their numbers are mapped to normal ones, turned from one to the other on a circle, and mapped
back, so that every tune on the way is as likely as any, and the ends are the two tunes themselves.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import from_numpy
from torch.special import ndtr, ndtri

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Draw:
    """The numbers of the tune of `seed`, or of the one that is `part` of the way from it to that of `other`.

    attempt: 0, or which of several tunes of the same seed.
    """

    seed: int
    other: int | None = None
    part: float = 0.0
    attempt: int = 0

    def of_bar(self, number: int, ticks: int) -> Floats:
        """(ticks, 2) in (0, 1): what chooses the pitch and the duration of an event at each tick of a bar."""
        own = _uniform(self.seed, self.attempt, number, ticks)
        if self.other in (None, self.seed) or not self.part:
            return own
        assert self.other is not None
        other = _uniform(self.other, self.attempt, number, ticks)
        if self.part == 1:
            return other
        angle = self.part * np.pi / 2
        turned = np.cos(angle) * ndtri(from_numpy(own)).numpy() + np.sin(angle) * ndtri(from_numpy(other)).numpy()
        return np.asarray(ndtr(from_numpy(turned)).numpy())


def _uniform(seed: int, attempt: int, number: int, bar: int) -> Floats:
    digest = hashlib.sha256(f"{seed}/{attempt}/{number}".encode()).digest()
    generator = np.random.Generator(np.random.PCG64(int.from_bytes(digest[:16], "little")))
    return generator.random((bar, 2)).clip(1e-12, 1 - 1e-12)
