"""Tiles cover a picture exactly once at every layer, and what is computed with them is what the whole would give."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some

from studio.device import choose
from studio.networks.vgg import layer_names, stride
from studio.style.objective import Objective
from studio.style.parameters import StyleTransferParameters
from studio.style.tiles import GRID, HALO, TILE_SIDES, side_that_fits, tiles
from tests.conftest import random_vgg


@settings(max_examples=60, deadline=None)
@given(
    height=some.integers(16, 700),
    width=some.integers(16, 700),
    side=some.integers(1, 20).map(lambda count: count * GRID),
    top=some.integers(0, 60),
    left=some.integers(0, 60),
)
def test_cores_cover_every_position_once(height: int, width: int, side: int, top: int, left: int) -> None:
    cut = tiles(height, width, side, ["relu5_1"], offset=(top * GRID, left * GRID))
    for layer in ("relu1_1", "relu3_1", "relu5_1"):
        step = stride(layer)
        counts = torch.zeros(1, 1, height // step, width // step)
        for tile in cut:
            place = tile.place_in(counts, layer)
            crop = tile.crop(torch.zeros(1, 1, height, width))
            features = torch.zeros(1, 1, crop.shape[2] // step, crop.shape[3] // step)
            assert tile.core_of(features, layer).shape == place.shape
            place.add_(1)
        assert bool((counts == 1).all()), layer


@pytest.mark.parametrize(("regions", "offset"), [(False, (0, 0)), (True, (32, 16))])
def test_tiles_give_the_loss_and_gradient_of_the_whole(regions: bool, offset: tuple[int, int]) -> None:
    """250 × 139: no multiple of anything; cores of 128 with their halo against one piece."""
    generator = torch.Generator().manual_seed(1)
    content, picture, painting = (torch.rand(1, 3, 250, 139, generator=generator) for _ in range(3))
    half = torch.linspace(0, 1, 139).expand(250, 139)
    masks = [half, 1 - half] if regions else []
    styles = [(0.7, painting), (0.3, painting.flip(1))]
    parameters = StyleTransferParameters(tv_weight=1.0, content_weight=0.5)
    device = choose("cpu", "float32")
    network = random_vgg().double()  # in float32 a rectifier at its kink can turn over between a tile and the whole
    whole = Objective(network, device, parameters, content, styles, masks, tile=0)
    tiled = Objective(network, device, parameters, content, styles, masks, tile=128)
    loss, gradient = whole.value_and_gradient(picture)
    tiled_loss, tiled_gradient = tiled.value_and_gradient(picture, offset)
    assert tiled_loss == pytest.approx(loss, rel=1e-5)
    assert float((gradient - tiled_gradient).norm() / gradient.norm()) < 1e-4


def test_the_halo_covers_the_deepest_default_layer() -> None:
    (first, *_) = tiles(1000, 1000, 256, ["relu5_1"])
    assert first.halo == HALO
    assert set(StyleTransferParameters().style_layers) <= set(layer_names(19))


def test_side_that_fits_is_the_largest_within_the_budget() -> None:
    assert side_that_fits(512, 512, 2, 3 * 2**30) == 0
    large = side_that_fits(4096, 4096, 2, 3 * 2**30)
    assert large in TILE_SIDES[1:]
    assert side_that_fits(4096, 4096, 2, 1) == TILE_SIDES[-1]
    assert side_that_fits(4096, 4096, 4, 3 * 2**30) <= large
