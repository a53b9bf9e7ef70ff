"""Products with matrices in half precision: next to exact, and each row the same whatever is beside it."""

from __future__ import annotations

import pytest
import torch

from studio.text import half_matrices

pytestmark = pytest.mark.skipif(
    not half_matrices.quick(torch.device("cpu")), reason="this torch has no such products here"
)


@pytest.mark.parametrize(("width", "height"), [(32, 96), (576, 1536), (1536, 576), (250, 77)])
@pytest.mark.parametrize("biased", [True, False])
def test_products_are_near_and_rows_do_not_depend_on_each_other(width: int, height: int, biased: bool) -> None:
    torch.manual_seed(0)
    weight, rows = torch.randn(height, width).half(), torch.randn(33, 1, width)
    rows[:, :, 0] *= 10_000
    bias = torch.randn(height) if biased else None
    packed = half_matrices.pack(weight)
    found = half_matrices.multiply(rows, packed, bias)
    right = torch.nn.functional.linear(rows.double(), weight.double(), None if bias is None else bias.double())
    torch.testing.assert_close(found.double(), right, rtol=1e-5, atol=0.05)
    for first, end in ((0, 1), (5, 6), (3, 5), (7, 20), (1, 33)):
        assert torch.equal(half_matrices.multiply(rows[first:end], packed, bias), found[first:end])
