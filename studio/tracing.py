"""Work of many small operators without Python: written down once, and run by torch's own interpreter.

A small network is hundreds of small operators, and calling them from Python takes as long as they do.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import nn


def traced(work: nn.Module, given: tuple[Any, ...]) -> Callable[..., Any] | None:
    """What a module does, as one call; None where torch cannot write it down.

    given: what it is called with while it is watched. Sizes of these that the module reads stay variables, all else
    that is not a tensor is held as it was. It gives the same bit for bit: the same operators run.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that some sizes are taken for fixed, and that tracing is of an older time
        try:
            whole = torch.jit.trace(work, given, check_trace=False)  # type: ignore[no-untyped-call]
        except Exception:  # whatever torch does not write down; nothing is lost but time
            return None

    def run(*given: Any) -> Any:
        with torch.jit.optimized_execution(False):  # type: ignore[attr-defined]
            return whole(*given)

    return run
