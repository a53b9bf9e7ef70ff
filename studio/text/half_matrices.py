"""Products with matrices that are kept in half precision, of rows in float32.

For networks some of whose numbers are so much larger than others that 8 bits do not hold them
(`studio.text.small_matrices`): half as much is read as in float32, and next to nothing is lost.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

_found: Any = getattr(torch.ops.quantized, "linear_dynamic_fp16", None)
# Without what torch does around an operator that is given anything but tensors.
_product: Any = _found and _found.default._op


def quick(where: torch.device) -> bool:
    """Whether they are here: kernels of FBGEMM."""
    return where.type == "cpu" and _product is not None and "fbgemm" in torch.backends.quantized.supported_engines


def pack(weight: Tensor) -> Any:
    """A matrix (N, K) as `multiply` takes it."""
    engine = torch.backends.quantized.engine
    torch.backends.quantized.engine = "fbgemm"
    try:
        return torch.ops.quantized.linear_prepack_fp16(weight.float(), None)
    finally:
        torch.backends.quantized.engine = engine


def multiply(rows: Tensor, packed: Any, bias: Tensor | None) -> Tensor:
    """(…, K) in float32 and what is added (N,)  →  (…, N), in float32."""
    product: Tensor = _product(rows, packed)
    return product if bias is None else product + bias
