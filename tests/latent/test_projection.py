"""Projection finds back the pictures that a model made, from an encoder or from chance, and the same each time."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from studio.errors import InputError
from studio.latent.projection import PULL, Projection, project
from studio.progress import Progress
from tests.latent.spaces import ConvSpace, LinearSpace


def made(space: ConvSpace | LinearSpace, seed: int = 1234) -> Tensor:
    with torch.no_grad():
        return space.decode(space.latents_of([seed]))


@pytest.mark.parametrize("seed", [1, 1234])
def test_a_picture_of_the_model_is_found_back(space: ConvSpace, seed: int) -> None:
    goal = made(space, seed)
    found = project(space, goal)
    start = project(space, goal, steps=0)
    assert found.latent.shape == (1, 16) and found.picture.shape == (1, 3, 16, 16)
    assert found.distance < 0.002 and found.distance < start.distance / 20
    assert (found.picture - goal).abs().mean() < 0.03


def test_a_linear_model_gives_the_very_latent(linear: LinearSpace) -> None:
    found = project(linear, made(linear))
    torch.testing.assert_close(found.latent, linear.latents_of([1234]), rtol=0, atol=0.15)


def test_what_comes_back_belongs_together(space: ConvSpace) -> None:
    goal = made(space)
    for steps in (0, 1, 20):
        found = project(space, goal, steps=steps)
        assert not found.latent.requires_grad and not found.picture.requires_grad
        torch.testing.assert_close(space.decode(found.latent).detach(), found.picture)
        assert found.distance == pytest.approx((found.picture - goal).square().mean().item(), rel=1e-5)


def test_equal_seeds_give_equal_results_and_leave_global_chance_alone(space: ConvSpace) -> None:
    state = torch.get_rng_state()
    first, again = (project(space, made(space), steps=25, seed=5) for _ in range(2))
    assert torch.equal(first.latent, again.latent) and first.distance == again.distance
    assert torch.equal(torch.get_rng_state(), state)
    assert not torch.equal(project(space, made(space), steps=25, seed=6).latent, first.latent)


def test_the_network_gathers_no_gradients(space: ConvSpace) -> None:
    project(space, made(space), steps=3)
    assert all(parameter.grad is None and parameter.requires_grad for parameter in space.parameters())


def test_it_works_where_gradients_are_off(space: ConvSpace) -> None:
    with torch.no_grad():
        found = project(space, made(space), steps=30)
    assert found.distance < project(space, made(space), steps=0).distance


def test_the_encoder_is_where_it_starts() -> None:
    space = LinearSpace([3.0, 2.0, 1.0, 0.5], encodes=True)
    found = project(space, made(space), steps=0)
    torch.testing.assert_close(found.latent, space.latents_of([1234]))
    assert found.distance < 1e-10


def test_more_starts_start_closer(space: ConvSpace) -> None:
    distances = [project(space, made(space), steps=0, starts=starts).distance for starts in (1, 8, 200)]
    assert distances[0] > distances[1] > distances[2]


def test_more_steps_are_never_worse(space: ConvSpace) -> None:
    """A result is the best of all that were looked at, the start among them."""
    goal = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1
    found = project(space, goal, steps=40, learning_rate=5.0)
    start = project(space, goal, steps=0)
    usual = 1.3  # the squared norm of latents here, against that of the random ones that tell the usual norm
    assert found.distance <= start.distance + PULL * usual**2


def test_a_picture_that_no_latent_gives_keeps_the_usual_norm(space: ConvSpace) -> None:
    found = project(space, torch.ones(1, 3, 16, 16), steps=150)
    assert 0.5 * 16**0.5 < found.latent.norm() < 3 * 16**0.5


def test_a_perceptual_distance_counts(space: ConvSpace) -> None:
    def of_the_mean(one: Tensor, other: Tensor) -> Tensor:
        return (one.mean(dim=(2, 3)) - other.mean(dim=(2, 3))).square() * 100

    goal = torch.full((1, 3, 16, 16), 0.3)
    with_features = project(space, goal, steps=120, features=of_the_mean)
    without = project(space, goal, steps=120)
    assert of_the_mean(with_features.picture, goal).mean() < of_the_mean(without.picture, goal).mean()
    expected = (with_features.picture - goal).square().mean() + of_the_mean(with_features.picture, goal).mean()
    assert with_features.distance == pytest.approx(expected.item(), rel=1e-4)


def test_a_class_is_handed_on() -> None:
    space = ConvSpace(classes=3)
    label = torch.tensor([2])
    goal = space.decode(space.latents_of([7]), label).detach()
    assert project(space, goal, labels=label, steps=200).distance < 0.01


def test_progress_and_stopping(space: ConvSpace) -> None:
    seen: list[Progress] = []

    def stop_at_ten(progress: Progress) -> bool:
        seen.append(progress)
        return progress.step == 10

    stopped = project(space, made(space), steps=50, callback=stop_at_ten)
    assert [progress.step for progress in seen] == list(range(1, 11))
    assert all(progress.steps == 50 and progress.fraction == progress.step / 50 for progress in seen)
    assert all(progress.remaining >= 0 and progress.elapsed > 0 for progress in seen)
    losses = [progress.loss for progress in seen]
    assert losses[-1] < losses[0] and stopped.distance <= losses[-1]
    preview = seen[-1].preview()
    assert preview.size == (16, 16) and preview.mode == "RGB"


def test_a_callback_changes_nothing(space: ConvSpace) -> None:
    watched = project(space, made(space), steps=10, callback=lambda progress: bool(progress.preview()) and None)
    assert torch.equal(watched.latent, project(space, made(space), steps=10).latent)


@pytest.mark.parametrize("shape", [(1, 3, 32, 32), (1, 1, 16, 16), (2, 3, 16, 16)])
def test_a_picture_of_another_size_is_refused(space: ConvSpace, shape: tuple[int, ...]) -> None:
    words = " × ".join(map(str, shape))
    with pytest.raises(InputError, match=f"The picture is {words}, and this model makes 1 × 3 × 16 × 16; bring it"):
        project(space, torch.zeros(shape), steps=2)


def test_results_are_plain() -> None:
    assert list(Projection.__dataclass_fields__) == ["latent", "distance", "picture"]
