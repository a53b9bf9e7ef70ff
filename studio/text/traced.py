"""A step of a flat program without Python: what it calls is written down once, and torch's own interpreter runs that.

A step of a small network is hundreds of small operators, and calling them from Python takes as long as they do. So the
step is traced: once for one row, for two and for three, of which some products are computed in ways of their own, and
once for any number from there on. Sizes stay variables, and nothing that a step does depends on values.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from studio.text.flat import step
from studio.text.program import FEW, Program

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
            self.known[kind] = _trace(self.whole, (columns, mask, keys, values))
        with torch.jit.optimized_execution(False):  # type: ignore[attr-defined]
            return self.known[kind](columns, mask, keys, values)


class _Whole(nn.Module):
    """A step as a module, which owns all that it multiplies with."""

    def __init__(self, program: Program) -> None:
        super().__init__()
        self.program = program

    def forward(self, columns: Tensor, mask: Tensor, keys: list[Tensor], values: list[Tensor]) -> Tensor:
        return step(self.program, columns, mask, keys, values)


def _trace(whole: _Whole, given: tuple[Any, ...]) -> Step:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that some sizes are taken for fixed: those of the network are
        try:
            return torch.jit.trace(whole, given, check_trace=False)  # type: ignore[no-any-return, no-untyped-call]
        except Exception:  # whatever torch does not write down; nothing is lost but time
            return whole.forward
