"""Random numbers of one step: drawn for the whole batch, of which each process and each part takes its own rows.

A step's numbers follow from the seed, the step's number and what they are for, and from nothing before: a run that is
resumed, or spread over processes, draws the same ones.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import torch
from torch import Generator, Tensor


@dataclass(frozen=True)
class Draws:
    """Numbers for `count` examples, of which those in `rows` are handed out, on the CPU."""

    generator: Generator = field(repr=False)
    count: int
    rows: slice

    @classmethod
    def of(cls, seed: int, step: int, purpose: str, count: int, rows: slice) -> Draws:
        """The stream for one purpose ("latents") at one step."""
        digest = hashlib.sha256(f"{seed}/{step}/{purpose}".encode()).digest()
        return cls(Generator().manual_seed(int.from_bytes(digest[:8], "little") >> 1), count, rows)

    def normal(self, *shape: int) -> Tensor:
        """(rows, *shape), standard normal."""
        return torch.randn(self.count, *shape, generator=self.generator)[self.rows]

    def uniform(self, *shape: int) -> Tensor:
        """(rows, *shape) in [0, 1)."""
        return torch.rand(self.count, *shape, generator=self.generator)[self.rows]

    def integers(self, end: int) -> Tensor:
        """(rows,) in [0, end)."""
        return torch.randint(0, end, (self.count,), generator=self.generator)[self.rows]
