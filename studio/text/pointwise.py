"""Functions of each number by itself, which give the same for a number wherever in a tensor it stands.

Processors compute exp, tanh and their like for many numbers at once, and what is left over at the end of a tensor, or
of the part of it that a thread has, one by one and in another way, whose last bit may differ. So it is seen to that
nothing is left over: then a row gives the same bit for bit whatever stands before and after it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

AT_ONCE = 32
"""Numbers in float32 that are computed together, at most: two registers of 512 bits."""

aten = torch.ops.aten


def even(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """A function of each number of (…, W), as it gives the same for a row alone and among others."""

    def apply(rows: Tensor, **options: Any) -> Tensor:
        width, threads = rows.shape[-1], torch.get_num_threads()
        if rows.device.type != "cpu" or _divides(width, threads):
            return function(rows, **options)
        if torch.jit.is_tracing():  # type: ignore[attr-defined, no-untyped-call]
            raise RuntimeError("The number of threads is nothing that a trace holds.")
        whole = torch.nn.functional.pad(rows, (0, -width % AT_ONCE))
        torch.set_num_threads(1)
        try:
            return function(whole, **options)[..., :width].contiguous()
        finally:
            torch.set_num_threads(threads)

    apply.__name__ = apply.__qualname__ = f"even_{function.__name__}"
    return apply


@functools.lru_cache(maxsize=256)
def _divides(width: int, threads: int) -> bool:
    """Whether rows can be shared out among up to so many threads with nothing left over."""
    return all(width % (AT_ONCE * some) == 0 for some in range(1, threads + 1))


EVEN = {
    aten.gelu.default: even(torch.nn.functional.gelu),
    aten.silu.default: even(torch.nn.functional.silu),
    aten.tanh.default: even(torch.tanh),
    aten.sigmoid.default: even(torch.sigmoid),
    aten.exp.default: even(torch.exp),
    aten.cos.default: even(torch.cos),
    aten.sin.default: even(torch.sin),
}
"""Those that networks are made of, by the operator that they are called by."""
