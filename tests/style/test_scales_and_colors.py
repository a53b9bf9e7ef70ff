"""Sizes of the scales, and what keeping colours keeps."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as some

from studio.errors import InputError
from studio.style import colors
from studio.style.scales import LEAST_SIDE, scales


@given(
    width=some.integers(16, 5000),
    height=some.integers(16, 5000),
    size=some.integers(16, 4096),
    smallest=some.integers(16, 1024),
)
def test_scales_grow_to_the_size_asked_for(width: int, height: int, size: int, smallest: int) -> None:
    try:
        found = scales(width, height, size, smallest)
    except InputError as error:
        assert "short side" in str(error)
        assert min(width, height) / max(width, height) * size < LEAST_SIDE + 0.5
        return
    assert max(found[-1]) == size
    assert all(max(small) < max(large) for small, large in pairwise(found))
    assert all(max(size) >= smallest * 0.98 for size in found[:-1])
    assert len(scales(width, height, size, smallest, coarse_to_fine=False)) == 1


@pytest.fixture
def photograph() -> torch.Tensor:
    return torch.rand(1, 3, 40, 60, generator=torch.Generator().manual_seed(1)) * torch.tensor([0.3, 0.6, 0.9]).view(
        3, 1, 1
    )


@pytest.fixture
def painting() -> torch.Tensor:
    return torch.rand(1, 3, 30, 50, generator=torch.Generator().manual_seed(2)) ** 2


def test_histogram_is_that_of_the_photograph(photograph: torch.Tensor, painting: torch.Tensor) -> None:
    matched = colors.match_histogram(painting, photograph)
    assert matched.shape == painting.shape
    levels = torch.linspace(0, 1, 21)
    for channel in range(3):
        found, wanted = matched[0, channel].flatten(), photograph[0, channel].flatten()
        torch.testing.assert_close(found.quantile(levels), wanted.quantile(levels), atol=5e-3, rtol=0)
        assert torch.equal(painting[0, channel].flatten().argsort(stable=True), found.argsort(stable=True))


def test_covariance_is_that_of_the_photograph(photograph: torch.Tensor, painting: torch.Tensor) -> None:
    calm = photograph * 0.3 + 0.35  # far from black and white, so that nothing is clipped
    matched = colors.match_covariance(painting, calm).flatten(2)[0]
    torch.testing.assert_close(matched.mean(1), calm.flatten(2)[0].mean(1), atol=5e-3, rtol=0)
    torch.testing.assert_close(torch.cov(matched), torch.cov(calm.flatten(2)[0]), atol=1e-3, rtol=0)


def test_chroma_is_that_of_the_photograph(photograph: torch.Tensor) -> None:
    calm = photograph * 0.2 + 0.4
    grey = torch.full((1, 3, 40, 60), 0.5)
    mixed = colors.with_chroma_of(grey, calm)
    torch.testing.assert_close(colors.luminance(mixed), grey, atol=1e-5, rtol=0)
    torch.testing.assert_close(colors.with_chroma_of(calm, calm), calm, atol=1e-5, rtol=0)


def test_a_picture_of_one_colour_breaks_nothing(photograph: torch.Tensor) -> None:
    plain = torch.full((1, 3, 20, 20), 0.25)
    for matched in (
        colors.match_histogram(plain, photograph),
        colors.match_covariance(plain, photograph),
        colors.match_luminance(plain, photograph),
        colors.match_covariance(photograph, plain),
    ):
        assert torch.isfinite(matched).all()


def test_noise_has_the_colours_of_the_painting(painting: torch.Tensor) -> None:
    calm = painting * 0.2 + 0.4
    noise = colors.noise_with_colors_of(calm, (64, 64), torch.Generator().manual_seed(0)).flatten(2)[0]
    torch.testing.assert_close(noise.mean(1), calm.flatten(2)[0].mean(1), atol=0.01, rtol=0)
    torch.testing.assert_close(noise.std(1), calm.flatten(2)[0].std(1), atol=0.01, rtol=0)
