"""A step of a flat program, traced: once for one row, for two and for three, of which some products are computed in
ways of their own, and once for any number from there on. Sizes stay variables, and nothing depends on values.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from studio.text.flat import step
from studio.text.program import FEW, Program
from studio.tracing import traced

Step = Callable[[Tensor, Tensor, list[Tensor], list[Tensor]], Tensor]
"""`studio.text.flat.step` of some program."""


class Traced:
    """A step of a program, traced for a number of rows as soon as there are so many; as it is where that fails."""

    def __init__(self, program: Program) -> None:
        self.whole = _Whole(program)
        self.known: dict[int, Step] = {}

    def __call__(self, columns: Tensor, mask: Tensor, keys: list[Tensor], values: list[Tensor]) -> Tensor:
        kind = min(columns.shape[1], FEW)
        if kind not in self.known:
            self.known[kind] = traced(self.whole, (columns, mask, keys, values)) or self.whole.forward
        return self.known[kind](columns, mask, keys, values)


class _Whole(nn.Module):
    """A step as a module, which owns all that it multiplies with."""

    def __init__(self, program: Program) -> None:
        super().__init__()
        self.program = program

    def forward(self, columns: Tensor, mask: Tensor, keys: list[Tensor], values: list[Tensor]) -> Tensor:
        return step(self.program, columns, mask, keys, values)
