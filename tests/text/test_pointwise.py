"""What a function gives for a row does not depend on the rows beside it, however wide they are."""

from __future__ import annotations

import pytest
import torch

from studio.text.pointwise import EVEN


@pytest.mark.parametrize("width", [8, 32, 48, 50, 1152])
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("operator", EVEN, ids=str)
def test_a_row_gives_the_same_alone_and_among_others(operator, width: int, threads: int) -> None:
    torch.manual_seed(0)
    rows = torch.randn(33, 1, width) * 3
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        whole = EVEN[operator](rows)
        torch.testing.assert_close(whole, operator(rows))
        for first, end in ((0, 1), (3, 4), (3, 6), (1, 33)):
            assert torch.equal(EVEN[operator](rows[first:end].clone()), whole[first:end])
        assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
