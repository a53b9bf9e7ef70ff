"""GANSpace finds the directions that were built in, and draws what they do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from studio.errors import InputError, ModelError
from studio.latent import directions as module
from studio.latent.directions import Directions, find_directions, sheet
from tests.latent.spaces import ConvSpace, LinearSpace


def test_known_directions_are_found(linear: LinearSpace) -> None:
    """Activations z @ U S V vary most along the columns of U, with the shares s² / Σ s²."""
    found = find_directions(linear, samples=4096, count=4)
    assert found.vectors.shape == (4, 6) and len(found) == 4
    cosines = (found.vectors @ linear.turn[:, :4]).abs()
    assert cosines.diagonal().min() > 0.99
    shares = torch.tensor([81, 36, 16, 4, 1, 0.25])
    torch.testing.assert_close(found.explained, (shares / shares.sum())[:4], rtol=0.1, atol=0.002)
    torch.testing.assert_close(found.deviations, torch.ones(4), rtol=0.05, atol=0)  # latents vary by 1 along each


def test_vectors_are_of_length_one_sorted_and_signed(space: ConvSpace) -> None:
    found = find_directions(space, samples=600, count=5)
    torch.testing.assert_close(found.vectors.norm(dim=1), torch.ones(5))
    assert (found.explained.diff() <= 0).all() and 0 < found.explained.sum() <= 1
    assert (found.deviations > 0).all() and (found.deviations < 1.1).all()
    for vector in found.vectors:
        assert vector[vector.abs().argmax()] > 0


def test_equal_seeds_give_equal_directions_and_leave_global_chance_alone(space: ConvSpace) -> None:
    state = torch.get_rng_state()
    first, again = (find_directions(space, samples=300, count=3, seed=2) for _ in range(2))
    assert torch.equal(torch.get_rng_state(), state)
    for name, tensor in first.to_tensors().items():
        assert torch.equal(tensor, again.to_tensors()[name])
    assert not torch.equal(find_directions(space, samples=300, count=3, seed=3).vectors, first.vectors)


def test_the_decomposition_agrees_with_an_exact_one(space: ConvSpace) -> None:
    features = space.activations(space.latents_of(range(400))).detach().double()
    features -= features.mean(dim=0)
    left, values = module._principal_components(features, 6, torch.Generator().manual_seed(0))
    exact_left, exact_values, _ = torch.linalg.svd(features, full_matrices=False)
    torch.testing.assert_close(values, exact_values[:6], rtol=1e-3, atol=0)
    assert (left.T @ exact_left[:, :6]).abs().diagonal().min() > 0.99


def test_of_many_features_some_are_enough(linear: LinearSpace, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = find_directions(linear, count=2)
    monkeypatch.setattr(module, "MOST_FEATURES", 25)
    part = find_directions(linear, count=2)
    assert not torch.equal(part.vectors, whole.vectors)
    assert (part.vectors * whole.vectors).sum(dim=1).min() > 0.8
    assert torch.equal(part.vectors, find_directions(linear, count=2).vectors)


def test_no_gradients_are_gathered(space: ConvSpace) -> None:
    found = find_directions(space, samples=100, count=2)
    sheet(space, found, [0])
    assert not found.vectors.requires_grad and all(parameter.grad is None for parameter in space.parameters())


@pytest.mark.parametrize(("samples", "count"), [(4096, 7), (4, 4), (4096, 0)])
def test_more_directions_than_there_are_is_refused(linear: LinearSpace, samples: int, count: int) -> None:
    with pytest.raises(InputError, match=rf"Expected 1 to \d directions from {samples} samples, got {count}"):
        find_directions(linear, samples=samples, count=count)


def test_activations_that_do_not_vary_are_refused() -> None:
    with pytest.raises(InputError, match="vary in 2 directions only, and 3 were asked for"):
        find_directions(LinearSpace([3.0, 1.0, 0.0, 0.0]), samples=200, count=3)
    with pytest.raises(InputError, match="vary in 0 directions only"):
        find_directions(LinearSpace([0.0, 0.0]), samples=200, count=1)


def test_a_sheet_shows_each_direction_on_each_seed(space: ConvSpace) -> None:
    found = find_directions(space, samples=200, count=3)
    page = sheet(space, found, [4, 9], sigmas=(-2, 0, 2))
    assert page.size == (3 * 16, 6 * 16 + 2 * 4) and page.mode == "RGB"
    pixels = np.asarray(page)
    for number in range(6):  # directions outside, seeds inside
        top = number * 16 + number // 2 * 4
        latents = space.latents_of([[4, 9][number % 2]]) + found.step(number // 2, 2) * torch.tensor([[-1], [0], [1]])
        expected = (space.decode(latents).detach() + 1) * 127.5
        for column in range(3):
            shown = torch.from_numpy(pixels[top : top + 16, column * 16 : column * 16 + 16].copy()).permute(2, 0, 1)
            torch.testing.assert_close(shown.float(), expected[column], rtol=0, atol=0.51)
    assert (pixels[32:36] == 255).all()


def test_a_sheet_of_a_model_with_classes_and_of_a_grey_one() -> None:
    classes = ConvSpace(channels=1, classes=4)
    found = find_directions(classes, samples=100, count=2)
    page = sheet(classes, found, [0, 1], labels=torch.tensor([2, 3]))
    assert page.size == (7 * 16, 4 * 16 + 4)
    assert sheet(classes, found, [0, 1], labels=torch.tensor([3, 3])).tobytes() != page.tobytes()


def test_an_empty_sheet_is_refused(space: ConvSpace) -> None:
    found = find_directions(space, samples=100, count=2)
    for seeds, sigmas in (([], (0.0,)), ([1], ())):
        with pytest.raises(InputError, match="at least one direction, one seed and one column"):
            sheet(space, found, seeds, sigmas)


def test_directions_survive_beside_weights(space: ConvSpace, tmp_path: Path) -> None:
    found = find_directions(space, samples=100, count=2)
    save_file(found.to_tensors() | {"weight": torch.zeros(2)}, tmp_path / "a.safetensors")
    again = Directions.from_tensors(load_file(tmp_path / "a.safetensors"))
    for name, tensor in found.to_tensors().items():
        assert torch.equal(tensor, again.to_tensors()[name])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"directions.explained": None}, r"directions\.explained is missing: find them again"),
        ({"directions.explained": torch.zeros(3)}, r"do not fit each other: \(2, 16\), \(2,\) and \(3,\)"),
        ({"directions.vectors": torch.zeros(2)}, "do not fit each other"),
    ],
)
def test_tensors_that_are_no_directions_are_refused(
    space: ConvSpace, changes: dict[str, Tensor | None], words: str
) -> None:
    tensors = find_directions(space, samples=100, count=2).to_tensors() | changes
    with pytest.raises(ModelError, match=words):
        Directions.from_tensors({name: tensor for name, tensor in tensors.items() if tensor is not None})
