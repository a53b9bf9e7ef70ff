"""A step of a flat program, traced: once for each of a few rows, which are computed in ways of their own, and once for
any number from there on. Sizes stay variables, and nothing depends on values.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from studio.text.flat import step
from studio.text.program import NotFlatError, Program
from studio.tracing import traced

Step = Callable[[Tensor, Tensor, list[Tensor], list[Tensor]], Tensor]
"""`studio.text.flat.step` of some program."""


class Traced:
    """A step of a program, traced for a number of rows as soon as there are so many. Raises NotFlatError if it cannot.

    threads: the most that rows are computed by. They may not suit functions that `studio.text.pointwise` cares for.
    """

    def __init__(self, program: Program, threads: int) -> None:
        self.whole, self.threads = _Whole(program), threads
        self.known: dict[int, Step] = {}

    def __call__(self, columns: Tensor, mask: Tensor, keys: list[Tensor], values: list[Tensor]) -> Tensor:
        kind = min(columns.shape[1], self.whole.program.few)
        if kind not in self.known:
            self.known[kind] = self._trace(kind, (columns, mask, keys, values))
        return self.known[kind](columns, mask, keys, values)

    def _trace(self, kind: int, given: tuple[Any, ...]) -> Step:
        before = torch.get_num_threads()
        torch.set_num_threads(self.threads if kind == self.whole.program.few else before)
        try:
            found = traced(self.whole, given)
        finally:
            torch.set_num_threads(before)
        if found is None:
            raise NotFlatError("Torch cannot write the step down.")
        return found


class _Whole(nn.Module):
    """A step as a module, which owns all that it multiplies with."""

    def __init__(self, program: Program) -> None:
        super().__init__()
        self.program = program

    def forward(self, columns: Tensor, mask: Tensor, keys: list[Tensor], values: list[Tensor]) -> Tensor:
        return step(self.program, columns, mask, keys, values)
