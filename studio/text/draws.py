"""The random numbers of a text: fixed by its seed and by the place in the text, whatever else is written beside it."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

_AHEAD = 256  # numbers that are made at once


class Draws:
    """The numbers of the text of a seed. attempt: 0, or which of several texts of the same seed."""

    def __init__(self, seed: int, attempt: int = 0) -> None:
        self.seed, self.attempt = seed, attempt
        self._made: tuple[tuple[int, int], NDArray[np.float64]] | None = None

    def at(self, position: int, again: int = 0) -> float:
        """The number in [0, 1) that chooses the token at `position`; `again` counts tokens that were taken back."""
        block, place = divmod(position, _AHEAD)
        if self._made is None or self._made[0] != (block, again):
            self._made = (block, again), uniform(self.seed, self.attempt, block, again)
        return float(self._made[1][place])


def uniform(seed: int, attempt: int, block: int, again: int = 0, count: int = _AHEAD) -> NDArray[np.float64]:
    """(count,) in [0, 1): numbers that any of these four changes."""
    digest = hashlib.sha256(f"{seed}/{attempt}/{block}/{again}".encode()).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest[:16], "little"))).random(count)
