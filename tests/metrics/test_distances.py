"""Distances between sets and between pairs, against plain references in float64."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from studio.errors import InputError
from studio.metrics.distances import (
    frechet_distance,
    kernel_distance,
    precision_and_recall,
    psnr,
    ssim,
    vgg_distance,
)
from studio.metrics.neighbours import nearest_points
from studio.networks.vgg import VGG, VGGConfig
from tests.conftest import random_vgg


def cloud(count: int, size: int, seed: int, shift: float = 0.0, spread: float = 1.0) -> Tensor:
    return torch.randn(count, size, generator=torch.Generator().manual_seed(seed)) * spread + shift


def square_root(matrix: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.sqrt(values.clip(0))) @ vectors.T


def test_fid_is_the_closed_form_of_the_fitted_gaussians() -> None:
    mix = cloud(12, 12, 9)
    generated, real = cloud(400, 12, 0, 0.3) @ mix, cloud(300, 12, 1, spread=1.4)
    a, b = generated.double().numpy(), real.double().numpy()
    of_a, of_b = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    root = square_root(of_a)
    cross = square_root(root @ of_b @ root)
    expected = ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(of_a) + np.trace(of_b) - 2 * np.trace(cross)
    assert frechet_distance(generated, real) == pytest.approx(expected, rel=1e-9)


def test_fid_of_known_gaussians_is_what_the_formula_says() -> None:
    generated, real = cloud(40_000, 4, 0, shift=0.5, spread=2.0), cloud(40_000, 4, 1)
    assert frechet_distance(generated, real) == pytest.approx(4 * 0.25 + 4 * (2 - 1) ** 2, rel=0.03)


def test_fid_of_a_set_and_itself_is_zero_even_from_few_pictures() -> None:
    features = cloud(40, 256, 3)
    assert 0 <= frechet_distance(features, features) < 1e-3


def plain_kid(x: np.ndarray, y: np.ndarray) -> float:
    def kernel(u: np.ndarray, v: np.ndarray) -> float:
        return float((u @ v / len(u) + 1) ** 3)

    m, n = len(x), len(y)
    of_x = sum(kernel(x[i], x[j]) for i in range(m) for j in range(m) if i != j) / (m * (m - 1))
    of_y = sum(kernel(y[i], y[j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
    return of_x + of_y - 2 * sum(kernel(u, v) for u in x for v in y) / (m * n)


def test_kid_is_the_mean_of_the_plain_sums_over_the_same_subsets() -> None:
    generated, real = cloud(24, 5, 0, 0.4), cloud(20, 5, 1)
    generator = torch.Generator().manual_seed(7)
    values = []
    for _ in range(50):
        of_real = real[torch.randperm(20, generator=generator)[:10]].double().numpy()
        of_generated = generated[torch.randperm(24, generator=generator)[:10]].double().numpy()
        values.append(plain_kid(of_real, of_generated))
    kid = kernel_distance(generated, real, seed=7)
    assert kid.value == pytest.approx(np.mean(values), rel=1e-9)
    assert kid.error == pytest.approx(np.std(values, ddof=1) * math.sqrt(10 / 10 + 1 / 50), rel=1e-9)


def test_kid_of_like_distributions_is_zero_within_its_error_and_else_is_not() -> None:
    like = [kernel_distance(cloud(300, 16, seed), cloud(300, 16, seed + 100)) for seed in range(20)]
    assert sum(abs(kid.value) <= 2 * kid.error for kid in like) >= 18
    assert any(kid.value < 0 for kid in like)  # unbiased
    other = kernel_distance(cloud(300, 16, 0, 0.5), cloud(300, 16, 1))
    assert other.value > 5 * other.error > 0


def test_the_error_of_kid_is_about_how_much_it_varies() -> None:
    kids = [kernel_distance(cloud(200, 8, seed, 0.5), cloud(200, 8, seed + 100)) for seed in range(30)]
    spread, error = np.std([kid.value for kid in kids]), np.mean([kid.error for kid in kids])
    assert 0.6 < error / spread < 1.6


def test_kid_depends_on_its_seed_and_on_nothing_else() -> None:
    generated, real = cloud(60, 8, 0), cloud(50, 8, 1)
    before = torch.get_rng_state()
    assert kernel_distance(generated, real, 3) == kernel_distance(generated, real, 3)
    assert kernel_distance(generated, real, 3) != kernel_distance(generated, real, 4)
    assert torch.equal(torch.get_rng_state(), before)


def test_precision_and_recall_of_toy_clouds() -> None:
    real = torch.cat([cloud(200, 3, 0), cloud(200, 3, 1, shift=50)])
    one_half, both, elsewhere = cloud(200, 3, 2), cloud(400, 3, 3), cloud(200, 3, 4, shift=-50)
    both[::2] += 50
    precision, recall = precision_and_recall(one_half, real)
    assert precision > 0.9 and 0.4 < recall <= 0.5
    precision, recall = precision_and_recall(torch.cat([both, elsewhere]), real)
    assert 0.6 < precision <= 2 / 3 and recall > 0.9
    assert precision_and_recall(elsewhere, real) == (0, 0)
    assert precision_and_recall(real, real) == (1, 1)


def test_precision_and_recall_are_those_of_the_whole_table_of_distances() -> None:
    generated, real = cloud(1500, 6, 0, 0.3), cloud(1100, 6, 1)  # more than one block of rows

    def share(points: Tensor, others: Tensor) -> float:
        radii = torch.cdist(others, others).sort(1).values[:, 3]
        return (torch.cdist(points, others) <= radii).any(1).double().mean().item()

    expected = share(generated.double(), real.double()), share(real.double(), generated.double())
    assert precision_and_recall(generated, real) == pytest.approx(expected, abs=0)


def test_equal_pictures_in_plenty_lie_among_themselves() -> None:
    features = torch.full((10, 300), 7.3) + cloud(10, 300, 0)[:1]
    assert precision_and_recall(features, features) == (1, 1)


@given(st.integers(1, 2100), st.integers(2, 40), st.integers(1, 5), st.integers(0, 99))
@settings(max_examples=15)
def test_nearest_points_are_nearest(count: int, others: int, size: int, seed: int) -> None:
    a, b = cloud(count, size, seed, 100).double(), cloud(others, size, seed + 1, 100).double()
    distances, indices = nearest_points(a, b, 2)
    table = (a[:, None] - b).norm(dim=2)
    expected = table.sort(1)
    torch.testing.assert_close(distances, expected.values[:, :2])
    torch.testing.assert_close(table.gather(1, indices), distances)


def test_no_point_is_its_own_neighbour() -> None:
    points = cloud(1300, 4, 0)
    distances, indices = nearest_points(points, points, same=True)
    assert (distances > 0).all() and (indices[:, 0] != torch.arange(1300)).all()


@pytest.mark.parametrize("measure", [frechet_distance, kernel_distance, precision_and_recall])
def test_what_cannot_be_measured_is_refused(measure) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match=r"at least \d generated pictures"):
        measure(cloud(1, 8, 0), cloud(9, 8, 1))
    with pytest.raises(InputError, match="8 features of generated pictures, 9 of real ones"):
        measure(cloud(9, 8, 0), cloud(9, 9, 1))
    with pytest.raises(InputError, match="real pictures hold values that are no numbers"):
        measure(cloud(9, 8, 0), cloud(9, 8, 1) / 0)


def test_psnr_is_ten_log_ten_of_the_mean_square() -> None:
    a = torch.rand(3, 3, 16, 16, generator=torch.Generator().manual_seed(0)) * 0.8
    b = a + torch.tensor([0.1, 0.01, 0.0]).view(3, 1, 1, 1)
    torch.testing.assert_close(psnr(a, b), torch.tensor([20.0, 40.0, 100.0]), rtol=1e-3, atol=1e-3)


def test_ssim_of_like_pictures_is_one_and_falls_with_noise() -> None:
    a = torch.rand(1, 1, 24, 24, generator=torch.Generator().manual_seed(0))
    noisy = [(a + level * torch.randn(a.shape, generator=torch.Generator().manual_seed(1))) for level in (0.1, 0.3)]
    assert ssim(a, a).tolist() == pytest.approx([1.0])
    assert 1 > ssim(a, noisy[0]).item() > ssim(a, noisy[1]).item() > 0
    with pytest.raises(InputError, match="SSIM needs 11 × 11 pixels"):
        ssim(a[..., :8, :8], a[..., :8, :8])


def test_vgg_distance_is_a_symmetric_differentiable_distance_of_each_pair() -> None:
    network = random_vgg()
    pictures = torch.rand(3, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    a, b = pictures[:2].requires_grad_(), pictures[1:]
    distances = vgg_distance(a, b, network)
    assert distances.shape == (2,) and (distances > 0).all() and (distances < 2).all()
    torch.testing.assert_close(distances, vgg_distance(b, a, network))
    torch.testing.assert_close(distances[:1], vgg_distance(a[:1], b[:1], network))
    assert vgg_distance(a, a, network).abs().max() == 0
    (gradient,) = torch.autograd.grad(distances.sum(), a)
    assert gradient.isfinite().all() and gradient.abs().sum() > 0


def test_vgg_distance_knows_vgg16_and_survives_dead_positions() -> None:
    network = VGG(VGGConfig(depth=16))
    for parameter in network.parameters():
        parameter.zero_()
    pictures = torch.rand(1, 3, 32, 32).requires_grad_()
    (gradient,) = torch.autograd.grad(vgg_distance(pictures, pictures.detach() / 2, network).sum(), pictures)
    assert gradient.isfinite().all()
