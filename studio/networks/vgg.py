"""The convolutions of VGG-16 and VGG-19 (Simonyan & Zisserman 2014, arXiv:1409.1556), as features of a picture.

Layers go by name: `relu4_2` is the second convolution of the fourth block, after its rectifier.
Block 1 has 64 channels at stride 1, block 2 128 at 2, block 3 256 at 4, blocks 4 and 5 512 at 8 and 16.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from studio.errors import InputError, ModelError

BLOCKS = {16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}
CHANNELS = (64, 128, 256, 512, 512)

# Averaging gives smaller activations than taking the maximum. These factors, one a pooling, make up for it: the ratio
# of the means of both, over the sample photographs, for the shipped VGG-19 (each photograph within 10 % of them).
AVERAGE_POOLING_SCALES = (1.3, 1.8, 1.5, 2.2)


@dataclass(frozen=True)
class VGGConfig:
    """`depth` 16 or 19; `preprocessing` the convention that the weights were trained with:

    caffe: BGR in 0..255 less the mean (103.939, 116.779, 123.68), as in the original release.
    torchvision: RGB in 0..1, less the mean (0.485, 0.456, 0.406), over (0.229, 0.224, 0.225).
    """

    depth: int = 19
    preprocessing: Literal["caffe", "torchvision"] = "caffe"

    def __post_init__(self) -> None:
        if not isinstance(self.depth, int) or self.depth not in BLOCKS:
            raise ModelError(f"VGG of depth {self.depth}: Studio knows depths 16 and 19.")
        if self.preprocessing not in ("caffe", "torchvision"):
            raise ModelError(f"Preprocessing {self.preprocessing!r}: Studio knows 'caffe' and 'torchvision'.")


class VGG(nn.Module):
    """(B, 3, H, W) RGB in [0, 1]  →  {layer: (B, C, H // stride, W // stride)}."""

    def __init__(self, config: VGGConfig | None = None) -> None:
        super().__init__()
        self.config = config or VGGConfig()
        width = 3
        for block, (count, channels) in enumerate(zip(BLOCKS[self.config.depth], CHANNELS, strict=True), 1):
            for position in range(1, count + 1):
                self.add_module(f"conv{block}_{position}", nn.Conv2d(width, channels, 3, padding=1))
                width = channels
        self.requires_grad_(False)

    def forward(
        self,
        pictures: Tensor,
        layers: Iterable[str],
        *,
        pooling: Literal["max", "average"] = "max",
        border: Literal["replicate", "zeros"] = "zeros",
    ) -> dict[str, Tensor]:
        """Features of the named layers; computes no further than the deepest one.

        border: what the first convolution sees outside the picture. Zeros (mean grey, as in training) leave a frame
        in pictures that are optimised; replicated pixels do not.
        """
        wanted = set(layers)
        self.check(wanted)
        features: dict[str, Tensor] = {}
        x = self._normalized(pictures)
        for block, count in enumerate(BLOCKS[self.config.depth], 1):
            if block > 1:
                x = _pool(x, pooling, block - 1)
            for position in range(1, count + 1):
                convolution = self.convolution(f"conv{block}_{position}")
                if block == position == 1 and border == "replicate":
                    x = functional.conv2d(_replicated(x), convolution.weight, convolution.bias).relu_()
                else:
                    x = convolution(x).relu_()
                if f"relu{block}_{position}" in wanted:
                    features[f"relu{block}_{position}"] = x
                if len(features) == len(wanted):
                    return features
        return features

    def convolution(self, name: str) -> nn.Conv2d:
        """One of the network's convolutions: "conv4_2"."""
        found = self.get_submodule(name)
        assert isinstance(found, nn.Conv2d)
        return found

    def check(self, layers: Iterable[str]) -> None:
        """Raise InputError for a layer that this network does not have."""
        known = layer_names(self.config.depth)
        for layer in layers:
            if layer not in known:
                raise InputError(f"Unknown layer {layer!r}: VGG-{self.config.depth} has {', '.join(known)}.")

    def _normalized(self, pictures: Tensor) -> Tensor:
        if self.config.preprocessing == "caffe":
            mean = pictures.new_tensor((123.68, 116.779, 103.939)).view(3, 1, 1)
            x = (pictures * 255 - mean).flip(1)
        else:
            mean = pictures.new_tensor((0.485, 0.456, 0.406)).view(3, 1, 1)
            x = (pictures - mean) / pictures.new_tensor((0.229, 0.224, 0.225)).view(3, 1, 1)
        return x.to(self.convolution("conv1_1").weight.dtype)


def layer_names(depth: int = 19) -> list[str]:
    """['relu1_1', 'relu1_2', …] of VGG-16 or VGG-19."""
    return [
        f"relu{block}_{position}" for block, count in enumerate(BLOCKS[depth], 1) for position in range(1, count + 1)
    ]


def stride(layer: str) -> int:
    """How many pixels of the picture one position of a layer stands for."""
    return 1 << (int(layer[4]) - 1)


def receptive_radius(layers: Iterable[str], depth: int = 19) -> int:
    """How far from its own pixels, at the most, a position of these layers sees, in pixels."""
    names = layer_names(depth)
    deepest = max(names.index(layer) for layer in layers)
    radius = 0
    for layer in names[: deepest + 1]:
        if layer.endswith("_1") and layer != "relu1_1":
            radius += stride(layer) // 2  # the pooling window before this block
        radius += stride(layer)
    return radius


def state_from_torchvision(tensors: dict[str, Tensor]) -> tuple[VGGConfig, dict[str, Tensor]]:
    """Our names for the tensors of a torchvision VGG-16 or VGG-19 without batch normalisation. Raises ModelError."""
    weights = sorted(
        (name for name in tensors if re.fullmatch(r"features\.\d+\.weight", name)),
        key=lambda name: int(name.split(".")[1]),
    )
    depth = {13: 16, 16: 19}.get(len(weights))
    biases = [name.replace("weight", "bias") for name in weights]
    if depth is None or any(tensors[name].ndim != 4 for name in weights) or not set(biases) <= set(tensors):
        raise ModelError(
            f"Expected the tensors of torchvision's vgg16 or vgg19 (features.0.weight, … 13 or 16 convolutions), "
            f"found {len(weights)} weights and "
            f"{len(set(biases) & set(tensors))} biases; variants with batch normalisation do not fit."
        )
    state = {}
    for weight, bias, layer in zip(weights, biases, layer_names(depth), strict=True):
        name = layer.replace("relu", "conv")
        state[f"{name}.weight"], state[f"{name}.bias"] = tensors[weight], tensors[bias]
    return VGGConfig(depth=depth, preprocessing="torchvision"), state


def state_from_codebooks(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Weights from 8-bit codes and tables of 256 values: `conv1_1.codes`, `conv1_1.table`  →  `conv1_1.weight`.

    Raises ModelError for codes without a table of 256 values.
    """
    state = {name: tensor for name, tensor in tensors.items() if name.endswith(".bias")}
    for name in tensors:
        if name.endswith(".codes"):
            layer = name.removesuffix(".codes")
            if f"{layer}.table" not in tensors or tensors[f"{layer}.table"].shape != (256,):
                raise ModelError(f"The weights hold {name}, but no {layer}.table of 256 values to look it up in.")
            state[f"{layer}.weight"] = tensors[f"{layer}.table"][tensors[name].int()]
    return state


def _replicated(x: Tensor) -> Tensor:
    """One pixel more on each side. (The gradient of `pad(mode="replicate")` is not deterministic on a GPU.)"""
    x = torch.cat([x[..., :1, :], x, x[..., -1:, :]], 2)
    return torch.cat([x[..., :1], x, x[..., -1:]], 3)


def _pool(x: Tensor, pooling: str, position: int) -> Tensor:
    if pooling == "max":
        return functional.max_pool2d(x, 2)
    return functional.avg_pool2d(x, 2) * AVERAGE_POOLING_SCALES[position - 1]
