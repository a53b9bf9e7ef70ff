"""The objective against autograd over the formula of its docstring, in float64 where that is possible."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from studio.device import Device, choose
from studio.networks.vgg import VGG
from studio.style.objective import Objective
from studio.style.parameters import StyleTransferParameters
from tests.conftest import random_vgg


@pytest.fixture(scope="module")
def network() -> VGG:
    """In float64: in float32 a rectifier at its kink can turn over with the layout, and the gradient with it."""
    return random_vgg().double()


@pytest.fixture(scope="module")
def device() -> Device:
    return choose("cpu", "float32")


def pictures(count: int, side: int = 48) -> list[Tensor]:
    generator = torch.Generator().manual_seed(5)
    return [torch.rand(1, 3, side, side, generator=generator) for _ in range(count)]


def reference(
    network: VGG,
    parameters: StyleTransferParameters,
    picture: Tensor,
    content: Tensor,
    styles: list[tuple[float, Tensor]],
) -> Tensor:
    """The formula, written out."""
    layers = [*parameters.content_layers, *parameters.style_layers]

    def features(x: Tensor) -> dict[str, Tensor]:
        return network(x, layers, pooling=parameters.pooling, border=parameters.border)

    def gram(x: Tensor) -> Tensor:
        rows = x[0].flatten(1).double()
        return rows @ rows.T / rows.shape[1]

    found, wanted = features(picture), features(content)
    loss = torch.zeros((), dtype=torch.float64)
    for layer, weight in parameters.content_layers.items():
        scale = wanted[layer].double().square().mean() if parameters.relative_losses else 1
        loss = (
            loss + parameters.content_weight * weight * (found[layer] - wanted[layer]).double().square().mean() / scale
        )
    for style_weight, painting in styles:
        target = features(painting)
        for layer, weight in parameters.style_layers.items():
            scale = gram(target[layer]).square().mean() if parameters.relative_losses else 1
            loss = loss + style_weight * weight * (gram(found[layer]) - gram(target[layer])).square().mean() / scale
    horizontal = (picture[..., 1:] - picture[..., :-1]).double().square().mean()
    vertical = (picture[..., 1:, :] - picture[..., :-1, :]).double().square().mean()
    return loss + parameters.tv_weight * (horizontal + vertical)


@pytest.mark.parametrize(
    "parameters",
    [
        StyleTransferParameters(),
        StyleTransferParameters(pooling="average", border="zeros", content_weight=3.0, tv_weight=0.0),
        StyleTransferParameters(relative_losses=False, content_layers={"relu3_2": 2.0, "relu2_1": 0.5}),
        StyleTransferParameters(style_layers={"relu2_2": 1.0}, content_weight=0.0),
    ],
    ids=["defaults", "average pooling", "absolute, two content layers", "style alone"],
)
def test_loss_and_gradient(network: VGG, device: Device, parameters: StyleTransferParameters) -> None:
    picture, content, first, second = pictures(4)
    styles = [(0.75, first), (0.25, second)]
    leaf = picture.clone().requires_grad_()
    expected = reference(network, parameters, leaf, content, styles)
    expected.backward()  # type: ignore[no-untyped-call]
    assert leaf.grad is not None
    loss, gradient = Objective(network, device, parameters, content, styles).value_and_gradient(picture)
    assert loss == pytest.approx(expected.item(), rel=1e-5)
    assert float((gradient - leaf.grad).norm() / leaf.grad.norm()) < 1e-4


def test_a_full_mask_changes_nothing(network: VGG, device: Device) -> None:
    picture, content, painting = pictures(3)
    parameters = StyleTransferParameters()
    plain = Objective(network, device, parameters, content, [(1.0, painting)]).value_and_gradient(picture)
    masked = Objective(
        network, device, parameters, content, [(1.0, painting)], [torch.ones(48, 48)]
    ).value_and_gradient(picture)
    assert masked[0] == pytest.approx(plain[0], rel=1e-5)
    torch.testing.assert_close(masked[1], plain[1], rtol=1e-3, atol=1e-7)


def test_a_style_acts_only_where_its_mask_is(network: VGG, device: Device) -> None:
    """With style at the first layer alone, whose radius is one pixel, nothing outside the mask is touched."""
    picture, content, painting = pictures(3)
    mask = torch.zeros(48, 48)
    mask[:, :16] = 1
    parameters = StyleTransferParameters(style_layers={"relu1_1": 1.0}, content_weight=0.0, tv_weight=0.0)
    _, gradient = Objective(network, device, parameters, content, [(1.0, painting)], [mask]).value_and_gradient(picture)
    assert gradient[..., :16].abs().max() > 0
    assert gradient[..., 17:].abs().max() == 0
