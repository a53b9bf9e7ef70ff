"""Which pictures a step sees is a function of the seed and the step."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from studio.data.order import batch_indices, epoch_order

COUNTS, SEEDS = st.integers(1, 60), st.integers(0, 2**63 - 1)


@given(count=COUNTS, batch=st.integers(1, 100), seed=SEEDS)
def test_every_epoch_visits_every_picture_once(count: int, batch: int, seed: int) -> None:
    steps = -(-3 * count // batch)
    seen = torch.cat([batch_indices(count, batch, seed, step) for step in range(steps)])
    for epoch in range(3):
        part = seen[epoch * count : (epoch + 1) * count]
        assert sorted(part.tolist()) == list(range(count))
        assert torch.equal(part, epoch_order(count, seed, epoch))


@given(count=COUNTS, batch=st.integers(1, 100), seed=SEEDS, step=st.integers(0, 10**9))
def test_the_same_step_gives_the_same_batch(count: int, batch: int, seed: int, step: int) -> None:
    indices = batch_indices(count, batch, seed, step)
    assert indices.shape == (batch,) and indices.dtype == torch.int64
    assert torch.equal(indices, batch_indices(count, batch, seed, step))


def test_seeds_and_epochs_differ_and_others_randomness_is_left_alone() -> None:
    torch.manual_seed(1)
    expected = torch.rand(1)
    torch.manual_seed(1)
    orders = {tuple(epoch_order(50, seed, epoch).tolist()) for seed in range(3) for epoch in range(3)}
    assert len(orders) == 9
    assert torch.equal(torch.rand(1), expected)
