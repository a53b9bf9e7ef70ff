"""Work without Python gives what it gives with it."""

from __future__ import annotations

import warnings

import torch
from torch import Tensor, nn

from studio.tracing import traced


class Work(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(4, 4))

    def forward(self, rows: Tensor, others: list[Tensor]) -> Tensor:
        others[0].add_(1)
        return torch.softmax(rows.reshape(-1, 4) @ self.weight, -1) + others[0].sum() + rows.shape[0]


class Unknown(nn.Module):
    def forward(self, rows: Tensor) -> Tensor:
        raise ValueError("not while it is watched")


def test_sizes_and_weights_may_change_and_what_is_given_is_written_into() -> None:
    work = Work()
    with torch.no_grad():
        run = traced(work, (torch.randn(2, 4), [torch.zeros(3)]))
        assert run is not None
        for count in (1, 2, 7):
            rows, one, other = torch.randn(count, 4), [torch.ones(count)], [torch.ones(count)]
            assert torch.equal(run(rows, one), work(rows, other)) and torch.equal(one[0], other[0])
            work.weight.mul_(2)


def test_what_cannot_be_written_down_is_told_quietly() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert traced(Unknown(), (torch.zeros(1, 4),)) is None
