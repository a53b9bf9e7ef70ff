"""Products with matrices that are kept in 8 bits a number, for processors that multiply whole numbers quickly.

A step for one text is mostly reading matrices, and so becomes quick as they become small; a step for many is mostly
multiplying, and four products of whole numbers take as long as one of fractions. Each row of a matrix has a scale of
its own, and so has each row that is multiplied with it: both are rounded to whole numbers from -127 to 127. Sums of
whole numbers are exact, so a row gives the same bit for bit in whatever order and beside whatever rows it is computed.
"""

from __future__ import annotations

import warnings
from typing import Any

import torch
from torch import Tensor

LARGEST = 127
_MIDDLE = 128  # what 0 is where the kernel counts from 0 to 255
_MOST = float("inf")  # the norm that is the largest
_found: Any = getattr(torch.ops.quantized, "linear_with_input_q_dq_qweight_dq_output_fp32", None)
# Without what torch does around an operator that is given anything but tensors, which takes longer than the product.
_product: Any = _found and _found.default._op


def quick(where: torch.device) -> bool:
    """Whether they are here: kernels of FBGEMM, and a processor whose own sums of products do not overflow."""
    return (
        where.type == "cpu"
        and _product is not None
        and "fbgemm" in torch.backends.quantized.supported_engines
        and bool(torch.cpu.get_capabilities().get("avx512_vnni"))
    )


def pack(weight: Tensor) -> Any:
    """A matrix (N, K) as `multiply` takes it."""
    scales = (weight.abs().amax(1).double() / LARGEST).clamp_min(1e-12)
    small = (weight.double() / scales[:, None]).round().to(torch.int8)
    zeros = torch.zeros(len(weight), dtype=torch.long)
    engine = torch.backends.quantized.engine
    torch.backends.quantized.engine = "fbgemm"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # torch means to have other tensors of 8 bits one day
            whole = torch._make_per_channel_quantized_tensor(small, scales, zeros, 0)
        return torch.ops.quantized.linear_prepack(whole, None)
    finally:
        torch.backends.quantized.engine = engine


def multiply(rows: Tensor, packed: Any, bias: Tensor | None) -> Tensor:
    """(…, K) and what is added (N,)  →  (…, N), in float32."""
    # A row of zeros is divided by 0: what the kernel makes of that is finite, and the scale makes it 0 again.
    # The largest of a row is the same found either way; one is quicker for one row, the other for many.
    one = rows.numel() == rows.shape[-1]
    scales = torch.linalg.vector_norm(rows, _MOST, -1, True) if one else rows.abs().amax(-1, True)
    product = _product(rows / scales, 1 / LARGEST, _MIDDLE, packed)
    return product * scales if bias is None else torch.addcmul(bias, product, scales)
