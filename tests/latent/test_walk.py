"""Walks: equal times between keyframes, loops without a seam, rests where asked for."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.errors import InputError
from studio.latent.walk import KINDS, Kind, walk
from tests.latent.spaces import ConvSpace


@given(st.integers(0, 9), st.integers(1, 6), st.integers(1, 10), st.sampled_from(KINDS), st.booleans(), st.booleans())
def test_keyframes_are_met_at_equal_times(seed: int, count: int, each: int, kind: Kind, loop: bool, ease: bool) -> None:
    keyframes = ConvSpace().latents_of(range(seed, seed + count))
    frames = count * each if loop else (count - 1) * each + 1
    way = walk(keyframes, frames, kind=kind, loop=loop, ease=ease)
    assert way.shape == (frames, 16) and way.dtype == torch.float32
    torch.testing.assert_close(way[::each], keyframes)


@given(st.integers(0, 99), st.integers(2, 6), st.integers(90, 200), st.booleans())
@settings(max_examples=20)
def test_a_loop_has_no_seam(seed: int, count: int, frames: int, ease: bool) -> None:
    """Whatever the number of frames: the step from the last to the first is like the steps beside it."""
    way = walk(ConvSpace().latents_of(range(seed, seed + count)), frames, ease=ease)
    around = torch.cat([way[-3:], way[:3]])
    steps = (around[1:] - around[:-1]).norm(dim=1)
    longest = (way[1:] - way[:-1]).norm(dim=1).max()
    assert steps[2] <= longest * 1.1
    assert (steps[2] - steps[[1, 3]].mean()).abs() < 0.15 * longest


@pytest.mark.parametrize("kind", KINDS)
def test_pictures_of_a_loop_have_no_seam_either(space: ConvSpace, kind: Kind) -> None:
    with torch.no_grad():
        pictures = space.decode(walk(space.latents_of(range(4)), 80, kind=kind))
    changes = (pictures - pictures.roll(1, 0)).abs().mean(dim=(1, 2, 3))
    assert changes[0] < 1.5 * changes[[1, -1]].max()


@pytest.mark.parametrize("kind", KINDS)
def test_easing_rests_at_the_keyframes(space: ConvSpace, kind: Kind) -> None:
    way = walk(space.latents_of(range(3)), 90, kind=kind, ease=True)
    steps = (way.roll(-1, 0) - way).norm(dim=1)
    for keyframe in (0, 30, 60):
        assert steps[keyframe] < 0.3 * steps.mean()
    assert torch.equal(walk(space.latents_of(range(3)), 90, kind=kind, ease=False)[15], way[15])


def test_the_same_keyframes_give_the_same_walk(space: ConvSpace) -> None:
    assert torch.equal(walk(space.latents_of([3, 1]), 50), walk(space.latents_of([3, 1]), 50))


def test_one_keyframe_stands_still(space: ConvSpace) -> None:
    for kind in KINDS:
        for loop in (True, False):
            way = walk(space.latents_of([5]), 4, kind=kind, loop=loop)
            torch.testing.assert_close(way, space.latents_of([5]).expand(4, -1))


def test_what_is_no_walk_is_refused() -> None:
    with pytest.raises(InputError, match=r"keyframes of shape \(K, L\), got \(4,\)"):
        walk(torch.zeros(4), 10)
    with pytest.raises(InputError, match="Unknown kind of walk 'random': expected spline or slerp"):
        walk(torch.zeros(4, 4), 10, kind="random")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="got 0 and 10"):
        walk(torch.zeros(0, 4), 10)
    with pytest.raises(InputError, match="got 3 and 0"):
        walk(torch.zeros(3, 4), 0)
