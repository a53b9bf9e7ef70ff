"""Gram matrices and total variation against plain float64 arithmetic."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some

from studio.losses.gram import CHUNK, gram_matrix, gram_sum
from studio.losses.total_variation import total_variation


def reference(features: torch.Tensor, weights: torch.Tensor | None = None) -> torch.Tensor:
    """Σ_p w_p f_p f_pᵀ / Σ_p w_p, position by position in float64."""
    channels = features.shape[1]
    rows = features.double()[0].reshape(channels, -1)
    weight = torch.ones(rows.shape[1], dtype=torch.float64) if weights is None else weights.double().flatten()
    total = torch.zeros(channels, channels, dtype=torch.float64)
    for position in range(rows.shape[1]):
        total += weight[position] * torch.outer(rows[:, position], rows[:, position])
    return total / weight.sum()


@settings(max_examples=30, deadline=None)
@given(
    channels=some.integers(1, 9),
    height=some.integers(1, 12),
    width=some.integers(1, 12),
    weighted=some.booleans(),
    channels_last=some.booleans(),
    seed=some.integers(0, 2**31),
)
def test_gram_equals_the_plain_sum(
    channels: int, height: int, width: int, weighted: bool, channels_last: bool, seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    features = torch.randn(1, channels, height, width, generator=generator)
    weights = torch.rand(height, width, generator=generator) + 0.01 if weighted else None
    given_features = features.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2) if channels_last else features
    found = gram_matrix(given_features, weights)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found.double(), reference(features, weights), rtol=1e-5, atol=1e-6)


def test_gram_of_reduced_precision_is_accumulated_in_float32() -> None:
    """The features may be rounded, the sum over 2.5 chunks of them may not."""
    features = (torch.rand(1, 4, 5, CHUNK // 2) + 1).half()
    found = gram_matrix(features)
    rows = features.double()[0].flatten(1)
    torch.testing.assert_close(found.double(), rows @ rows.T / rows.shape[1], rtol=1e-5, atol=0)


@pytest.mark.parametrize("weighted", [False, True])
def test_gram_gradient(weighted: bool) -> None:
    features = torch.randn(1, 3, 4, 5, dtype=torch.float64, requires_grad=True)
    weights = torch.rand(4, 5, dtype=torch.float64) if weighted else None
    assert torch.autograd.gradcheck(lambda x: gram_matrix(x, weights), (features,))


def test_gram_gradient_keeps_layout_and_precision() -> None:
    features = torch.randn(1, 8, 6, 6).half().to(memory_format=torch.channels_last).requires_grad_()
    gram_sum(features).sum().backward()
    assert features.grad is not None
    assert features.grad.dtype == torch.float16
    assert features.grad.is_contiguous(memory_format=torch.channels_last)


def test_gram_of_an_empty_region_is_zero() -> None:
    assert gram_matrix(torch.randn(1, 3, 4, 4), torch.zeros(4, 4)).abs().max() == 0


@settings(max_examples=20, deadline=None)
@given(height=some.integers(1, 9), width=some.integers(1, 9), seed=some.integers(0, 2**31))
def test_total_variation_equals_the_plain_sum(height: int, width: int, seed: int) -> None:
    picture = torch.rand(1, 3, height, width, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    expected = 0.0
    if width > 1:
        expected += float(sum(((picture[..., i + 1] - picture[..., i]) ** 2).sum() for i in range(width - 1))) / (
            3 * height * (width - 1)
        )
    if height > 1:
        expected += float(
            sum(((picture[..., i + 1, :] - picture[..., i, :]) ** 2).sum() for i in range(height - 1))
        ) / (3 * width * (height - 1))
    assert float(total_variation(picture)) == pytest.approx(expected, rel=1e-9)


def test_total_variation_gradient() -> None:
    picture = torch.rand(1, 3, 4, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(total_variation, (picture,))
