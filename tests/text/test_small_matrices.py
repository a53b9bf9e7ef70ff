"""Products with matrices of 8 bits: near the real ones, and each row the same bit for bit whatever is beside it."""

from __future__ import annotations

import pytest
import torch

from studio.text import small_matrices

pytestmark = pytest.mark.skipif(
    not small_matrices.quick(torch.device("cpu")), reason="this processor has no quick products of whole numbers"
)


@pytest.mark.parametrize(("width", "height"), [(32, 96), (288, 1152), (1152, 288), (250, 77)])
@pytest.mark.parametrize("biased", [True, False])
def test_products_are_near_and_rows_do_not_depend_on_each_other(width: int, height: int, biased: bool) -> None:
    torch.manual_seed(0)
    weight, rows = torch.randn(height, width), torch.randn(33, 1, width) * torch.rand(33, 1, 1) * 100
    bias = torch.randn(height) if biased else None
    packed = small_matrices.pack(weight)
    found = small_matrices.multiply(rows, packed, bias)
    right = torch.nn.functional.linear(rows, weight, bias)
    for row, wanted in zip(found, right, strict=True):
        assert (row - wanted).std() < 0.015 * wanted.std()
    for first, end in ((0, 1), (5, 6), (3, 5), (7, 20), (1, 33)):
        assert torch.equal(small_matrices.multiply(rows[first:end], packed, bias), found[first:end])


def test_rows_of_zeros_and_of_no_numbers_stay_so() -> None:
    rows = torch.randn(3, 16)
    rows[0], rows[1, 3] = 0, torch.nan
    weight, bias = torch.randn(32, 16), torch.randn(32)
    for some in (rows, rows[:1]):
        assert torch.equal(small_matrices.multiply(some, small_matrices.pack(weight), bias)[0], bias)
    assert small_matrices.multiply(rows, small_matrices.pack(weight), bias)[1].isnan().all()


def test_a_matrix_of_zeros() -> None:
    packed = small_matrices.pack(torch.zeros(32, 16))
    assert not small_matrices.multiply(torch.randn(2, 16), packed, None).any()
