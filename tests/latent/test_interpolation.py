"""Ways between latents: through the points, on the sphere, without corners where they should have none."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from studio.errors import InputError
from studio.latent.interpolation import frame_times, slerp, slerp_at, spline, spline_at

seeds = st.integers(0, 2**32)
times = st.floats(0, 1)


def gaussian(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_a_quarter_of_a_circle() -> None:
    x, y = torch.eye(2, dtype=torch.float64)
    for t in (0.0, 1 / 3, 0.5, 1.0):
        expected = torch.tensor([math.cos(t * math.pi / 2), math.sin(t * math.pi / 2)], dtype=torch.float64)
        torch.testing.assert_close(slerp(x, y, t), expected)
    torch.testing.assert_close(slerp(x, 3 * y, 0.5), torch.tensor([2.0, 2.0], dtype=torch.float64) / math.sqrt(2))


@given(seeds, st.integers(2, 64), times)
def test_the_norm_changes_linearly_and_the_angle_too(seed: int, size: int, t: float) -> None:
    a, b = gaussian(seed, 2, size)
    between = slerp(a, b, t)
    torch.testing.assert_close(between.norm(), (1 - t) * a.norm() + t * b.norm())
    angle, part = (torch.acos((a @ other / a.norm() / other.norm()).clamp(-1, 1)).item() for other in (b, between))
    if angle < 3:
        assert part == pytest.approx(t * angle, abs=1e-6)


@given(seeds, st.integers(1, 40), times)
def test_the_ends_are_the_ends_and_the_way_back_is_the_same(seed: int, size: int, t: float) -> None:
    a, b = gaussian(seed, 2, size)
    torch.testing.assert_close(slerp(a, b, 0.0), a)
    torch.testing.assert_close(slerp(a, b, 1.0), b)
    torch.testing.assert_close(slerp(a, b, t), slerp(b, a, 1 - t), rtol=1e-6, atol=1e-6)


@given(seeds, st.sampled_from([0.0, 1e-9, 1e-6, 1e-4, 2e-4, 1e-3]), times)
def test_nearly_parallel_vectors_are_no_trouble(seed: int, difference: float, t: float) -> None:
    a, way = gaussian(seed, 2, 16).float()
    b = a + difference * way
    torch.testing.assert_close(slerp(a, b, t), (1 - t) * a + t * b, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("factor", [0.0, -1.0, -0.5])
def test_zero_and_opposite_vectors_go_straight(factor: float) -> None:
    a = gaussian(0, 8)
    torch.testing.assert_close(slerp(a, factor * a, 0.25), 0.75 * a + 0.25 * factor * a)
    torch.testing.assert_close(slerp(factor * a, a, 0.25), 0.25 * a + 0.75 * factor * a)
    assert slerp(torch.zeros(4), torch.zeros(4), 0.5).eq(0).all()


def test_shapes() -> None:
    a, b = gaussian(0, 2, 5, 3, 8)
    t = torch.tensor([0.0, 0.3, 1.0])
    ways = slerp(a, b, t)
    assert ways.shape == (3, 5, 3, 8) and ways.dtype == torch.float64
    for number, moment in enumerate(t):
        assert slerp(a, b, moment).shape == (5, 3, 8)
        torch.testing.assert_close(ways[number], slerp(a, b, moment))
    torch.testing.assert_close(ways[1, 2, 1], slerp(a[2, 1], b[2, 1], t[1]))
    with pytest.raises(InputError, match=r"of one shape, got \(5, 3, 8\) and \(4, 3, 8\)"):
        slerp(a, b[:4], 0.5)


@given(seeds, st.integers(1, 7), st.integers(1, 9), st.booleans())
def test_both_kinds_pass_through_all_points(seed: int, count: int, each: int, loop: bool) -> None:
    points = gaussian(seed, count, 12)
    frames = count * each if loop else (count - 1) * each + 1
    moments = frame_times(count, frames, loop)
    for way in (spline(points, frames, loop), spline_at(points, moments, loop), slerp_at(points, moments, loop)):
        assert way.shape == (frames, 12)
        torch.testing.assert_close(way[::each], points)


@given(seeds, st.integers(2, 6), st.booleans())
@settings(max_examples=30)
def test_frames_keep_the_norm_of_gaussian_latents(seed: int, count: int, loop: bool) -> None:
    points = gaussian(seed, count, 128)
    norms = spline(points, 200, loop).norm(dim=1)
    spread = (points.norm(dim=1).max() - points.norm(dim=1).min()).item()
    assert norms.min() >= points.norm(dim=1).min() - spread / 2 - 1e-9
    assert norms.max() <= points.norm(dim=1).max() + spread / 2 + 1e-9


def test_equal_norms_stay_equal() -> None:
    points = torch.nn.functional.normalize(gaussian(4, 5, 32), dim=1) * 7
    torch.testing.assert_close(spline(points, 301).norm(dim=1), torch.full((301,), 7.0, dtype=torch.float64))


@given(seeds, st.integers(2, 6))
@settings(max_examples=30)
def test_a_loop_has_no_corner_anywhere(seed: int, count: int) -> None:
    """The difference quotients on both sides of every point, the seam among them, meet as the step goes to 0."""
    points = gaussian(seed, count, 16)
    for knot in range(count):
        gaps = []
        for step in (1e-3, 1e-4):
            before, at, after = spline_at(
                points, torch.tensor([knot - step, knot, knot + step], dtype=torch.float64) % count, loop=True
            )
            gaps.append(((after - at) - (at - before)).norm().item() / step)
        assert gaps[1] < 0.2 * gaps[0] + 1e-6


@given(seeds, st.integers(3, 6), st.booleans())
@settings(max_examples=30)
def test_small_steps_in_time_are_small_steps(seed: int, count: int, loop: bool) -> None:
    way = spline(gaussian(seed, count, 64), 60 * count, loop)
    if loop:
        way = torch.cat([way, way[:1]])
    steps = (way[1:] - way[:-1]).norm(dim=1)
    assert steps.max() < 5 * steps.mean()  # a jump from one point to the next would be some sixty


def test_the_two_points_of_a_loop_are_visited_in_turn() -> None:
    points = gaussian(1, 2, 32)
    way = spline(points, 40)
    torch.testing.assert_close(way[0], points[0])
    torch.testing.assert_close(way[20], points[1])
    torch.testing.assert_close(way[5], way[35])


def test_a_zero_among_the_points_gives_numbers() -> None:
    points = torch.cat([torch.zeros(1, 8), torch.randn(3, 8, generator=torch.Generator().manual_seed(0))])
    for loop in (True, False):
        way = spline(points, 90, loop)
        assert way.isfinite().all() and way[0].eq(0).all()


@pytest.mark.parametrize(("count", "frames"), [(0, 4), (3, 0), (3, -1)])
def test_no_points_and_no_frames_are_refused(count: int, frames: int) -> None:
    with pytest.raises(InputError, match=f"at least one keyframe and one frame, got {count} and {frames}"):
        spline(torch.zeros(count, 4), frames)
