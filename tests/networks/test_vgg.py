"""VGG: known values of the shipped features, receptive fields found by experiment, torchvision's names."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from studio.errors import InputError, ModelError
from studio.media.images import open_picture
from studio.networks.vgg import VGG, VGGConfig, layer_names, receptive_radius, state_from_torchvision, stride
from studio.pipelines.style_transfer import StyleTransferPipeline
from tests.conftest import ROOT, random_vgg

# Mean activations of a fixed ramp, computed in float64 by a plain chain of convolutions.
KNOWN = {
    "relu1_1": 26.4594,
    "relu2_1": 113.143797,
    "relu3_1": 141.92316,
    "relu4_1": 634.990135,
    "relu4_2": 403.903527,
    "relu5_1": 60.39247,
}


def ramp(side: int = 64) -> Tensor:
    """(1, 3, side, side): red grows to the right, green downwards, blue along the diagonal."""
    x = torch.linspace(0, 1, side)
    return torch.stack([x.expand(side, side), x[:, None].expand(side, side), (x + x[:, None]) / 2])[None]


def test_shipped_features_have_known_values(shipped_pipeline: StyleTransferPipeline) -> None:
    features = shipped_pipeline.network(ramp(), KNOWN)
    for layer, mean in KNOWN.items():
        assert features[layer].mean().item() == pytest.approx(mean, rel=1e-4), layer


@pytest.mark.parametrize("depth", [16, 19])
def test_shapes_and_names(depth: int) -> None:
    names = layer_names(depth)
    assert len(names) == depth - 3
    features = VGG(VGGConfig(depth))(torch.rand(1, 3, 48, 33), names)
    assert list(features) == names
    for layer, found in features.items():
        assert found.shape[2:] == (48 // stride(layer), 33 // stride(layer)), layer
        assert found.min() >= 0, layer


@pytest.mark.parametrize("layer", ["relu1_1", "relu2_2", "relu3_1", "relu4_1"])
def test_receptive_radius_is_as_far_as_a_position_sees(layer: str) -> None:
    """The gradient of one position reaches exactly so far, and no pixel further."""
    network = random_vgg().double()
    side, radius, step = 256, receptive_radius([layer]), stride(layer)
    picture = torch.rand(1, 3, side, side, dtype=torch.float64, requires_grad=True)
    position = side // step // 2
    network(picture, [layer], pooling="average")[layer][0, :, position, position].sum().backward()
    assert picture.grad is not None
    touched = picture.grad[0].abs().sum((0, 1)).nonzero()
    first, last = int(touched.min()), int(touched.max())
    assert position * step - first <= radius
    assert last - (position * step + step - 1) <= radius
    assert radius <= max(position * step - first, last - (position * step + step - 1)) + step


def test_average_pooling_is_rescaled_to_the_size_of_maxima(shipped_pipeline: StyleTransferPipeline) -> None:
    layers = ["relu2_1", "relu3_1", "relu4_1", "relu5_1"]
    photograph = open_picture(ROOT / "samples/content/astronaut.jpg").image.resize((160, 160))
    x = torch.from_numpy(np.array(photograph)).permute(2, 0, 1)[None] / 255
    maxima, averages = (shipped_pipeline.network(x, layers, pooling=pooling) for pooling in ("max", "average"))
    for layer in layers:
        assert averages[layer].mean().item() == pytest.approx(maxima[layer].mean().item(), rel=0.35), layer


def test_unknown_layer_is_named() -> None:
    with pytest.raises(InputError, match=r"Unknown layer 'relu9_9': VGG-19 has relu1_1, "):
        VGG()(torch.rand(1, 3, 32, 32), ["relu9_9"])


def test_torchvision_names_and_preprocessing() -> None:
    """The same weights under torchvision's names give the features of torchvision's chain of modules."""
    source = random_vgg(seed=3)
    indices = [0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34]
    tensors = {}
    for index, layer in zip(indices, layer_names(19), strict=True):
        convolution = source.get_submodule(layer.replace("relu", "conv"))
        tensors[f"features.{index}.weight"], tensors[f"features.{index}.bias"] = convolution.weight, convolution.bias
    tensors["classifier.0.weight"] = torch.zeros(2, 2)
    config, state = state_from_torchvision(tensors)
    assert config == VGGConfig(19, "torchvision")
    network = VGG(config)
    network.load_state_dict(state)
    picture = torch.rand(1, 3, 32, 32)
    x = (picture - torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)) / torch.tensor([0.229, 0.224, 0.225]).view(
        3, 1, 1
    )
    for index in (0, 2):
        x = torch.conv2d(x, tensors[f"features.{index}.weight"], tensors[f"features.{index}.bias"], padding=1).relu()
    torch.testing.assert_close(network(picture, ["relu1_2"])["relu1_2"], x)


def test_batch_normalised_variants_are_refused() -> None:
    tensors = {f"features.{index}.weight": torch.zeros(4) for index in range(26)}
    with pytest.raises(ModelError, match="batch normalisation"):
        state_from_torchvision(tensors)


def test_replicated_border_leaves_no_frame() -> None:
    """A picture of one colour has the same features everywhere at the first layer, and only then."""
    network, plain = random_vgg(), torch.full((1, 3, 16, 16), 0.7)
    replicated = network(plain, ["relu1_1"], border="replicate")["relu1_1"]
    zeros = network(plain, ["relu1_1"], border="zeros")["relu1_1"]
    assert replicated.std((2, 3)).max() < 1e-4
    assert zeros.std((2, 3)).max() > 1e-2
