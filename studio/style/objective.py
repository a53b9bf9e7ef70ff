"""What style transfer minimises at one scale: content + styles + total variation (Gatys, Ecker & Bethge 2016).

    content   Σ_l  c_l · mean (F_l − P_l)²
    style     Σ_s w_s Σ_l  s_l · mean (G_l − A_sl)²        G and A are Gram matrices, divided by H · W
    total variation of the picture

With `relative_losses`, each mean is divided by the mean square of its target: a layer then counts alike for every
photograph, painting and network. A style with a mask is compared on the mask's region alone (arXiv:1611.07865).

A picture of more than one tile is evaluated in two passes: first the Gram matrices over all tiles, then the gradient
tile by tile, as if the picture had been evaluated whole. Each tile sees as far beyond its core as the deepest layer
does, so the two agree up to rounding and no seam can arise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
import torch.nn.functional as functional
from torch import Tensor

from studio.device import Device, retry_with_less
from studio.losses.gram import gram_sum
from studio.losses.total_variation import total_variation
from studio.networks.vgg import VGG, stride
from studio.style.parameters import StyleTransferParameters
from studio.style.tiles import TILE_SIDES, Tile, tiles

_Result = TypeVar("_Result")
Grams = dict[str, Tensor]


@dataclass(frozen=True)
class Style:
    """A painting as the objective knows it: its weight, its Gram matrices by layer, and the region it is to fill."""

    weight: float
    grams: Grams
    region: int | None = None


class Objective:
    """The loss of a picture of one size, with its gradient.

    content: (1, 3, H, W) in [0, 1]; styles: (weight, painting (1, 3, h, w)) pairs, each painting in a size of its own;
    masks: none; one (H, W) map in [0, 1] for all styles; or one for each.
    tile: the side of a tile's core in pixels, a multiple of 16; 0 evaluates every picture whole. Where memory runs out
    the objective goes on with smaller tiles, and `tile` then says which.
    """

    def __init__(
        self,
        network: VGG,
        device: Device,
        parameters: StyleTransferParameters,
        content: Tensor,
        styles: Sequence[tuple[float, Tensor]],
        masks: Sequence[Tensor] = (),
        tile: int = 0,
    ) -> None:
        self.network, self.device, self.parameters, self.tile = network, device, parameters, tile
        self.size = (content.shape[2], content.shape[3])
        self.layers = [*parameters.content_layers, *parameters.style_layers]
        self._regions = [self._mask_pyramid(mask) for mask in masks]
        with torch.no_grad():
            self._content = self._within_memory(lambda: self._whole_features(content, parameters.content_layers))
            self._styles = [
                Style(
                    weight,
                    self._within_memory(lambda painting=painting: self._grams_of(painting)),  # type: ignore[misc]
                    min(index, len(masks) - 1) if masks else None,
                )
                for index, (weight, painting) in enumerate(styles)
            ]
        scale = {layer: target.float().square().mean().item() for layer, target in self._content.items()}
        self._content_scale = scale if parameters.relative_losses else dict.fromkeys(scale, 1.0)

    def value_and_gradient(self, picture: Tensor, offset: tuple[int, int] = (0, 0)) -> tuple[float, Tensor]:
        """(1, 3, H, W) in [0, 1]  →  the loss, and its gradient in the shape of the picture.

        offset: where the grid of tiles begins, in pixels; another one each step keeps rounding from favouring a place.
        """
        return self._within_memory(lambda: self._value_and_gradient(picture, offset))

    def _value_and_gradient(self, picture: Tensor, offset: tuple[int, int]) -> tuple[float, Tensor]:
        cut = self._cut(picture.shape, self.layers, offset)
        if len(cut) == 1:
            leaf = picture.detach().requires_grad_()
            features = self._features(leaf, self.layers)
            grams = self._divided(self._gram_sums(features, cut[0]))
            loss = self._content_loss(features, cut[0]) + self._style_loss(grams) + self._variation(leaf)
            loss.backward()  # type: ignore[no-untyped-call]
            assert leaf.grad is not None
            return loss.item(), leaf.grad.contiguous()
        return self._tiled_value_and_gradient(picture, cut)

    def _tiled_value_and_gradient(self, picture: Tensor, cut: list[Tile]) -> tuple[float, Tensor]:
        with torch.no_grad():
            sums = [dict.fromkeys(self.parameters.style_layers, self._zero()) for _ in range(len(self._regions) or 1)]
            for tile in cut:
                features = self._features(tile.crop(picture), self.parameters.style_layers)
                for total, part in zip(sums, self._gram_sums(features, tile), strict=True):
                    for layer in total:
                        total[layer] = total[layer] + part[layer]
        for region in sums:
            for gram in region.values():
                gram.requires_grad_()
        leaf = picture.detach().requires_grad_()
        loss = self._style_loss(self._divided(sums)) + self._variation(leaf)
        loss.backward()  # type: ignore[no-untyped-call]
        gradient = torch.zeros_like(leaf) if leaf.grad is None else leaf.grad
        value = loss.item()
        for tile in cut:
            crop = tile.crop(picture).detach().requires_grad_()
            features = self._features(crop, self.layers)
            content = self._content_loss(features, tile)
            surrogate = content
            for total, part in zip(sums, self._gram_sums(features, tile), strict=True):
                for layer, gram in part.items():
                    slope = total[layer].grad
                    if slope is not None:
                        surrogate = surrogate + (gram * slope).sum()
            surrogate.backward()  # type: ignore[no-untyped-call]
            assert crop.grad is not None
            tile.crop(gradient).add_(crop.grad)
            value += content.item()
        return value, gradient

    def _within_memory(self, evaluate: Callable[[], _Result]) -> _Result:
        """What `evaluate` returns, with tiles made smaller each time memory runs out."""

        def attempt(tile: int) -> _Result:
            self.tile = tile
            return evaluate()

        smaller = [side for side in TILE_SIDES if side and side < (self.tile or max(self.size))]
        return retry_with_less(
            attempt, [self.tile, *smaller], self.device, f"a picture of {self.size[1]} × {self.size[0]}"
        )

    def _features(self, picture: Tensor, layers: Iterable[str]) -> dict[str, Tensor]:
        return self.network(  # type: ignore[no-any-return]
            self.device.place(picture), layers, pooling=self.parameters.pooling, border=self.parameters.border
        )

    def _cut(self, shape: Sequence[int], layers: Iterable[str], offset: tuple[int, int] = (0, 0)) -> list[Tile]:
        return tiles(shape[2], shape[3], self.tile, layers, self.network.config.depth, offset)

    def _whole_features(self, picture: Tensor, layers: Iterable[str]) -> dict[str, Tensor]:
        """Features of a whole picture, put together from its tiles."""
        cut = self._cut(picture.shape, layers)
        if len(cut) == 1:
            return self._features(picture, layers)
        whole: dict[str, Tensor] = {}
        for tile in cut:
            for layer, features in self._features(tile.crop(picture), layers).items():
                if layer not in whole:
                    height, width = (side // stride(layer) for side in picture.shape[2:])
                    whole[layer] = self.device.place(features.new_empty(1, features.shape[1], height, width))
                tile.place_in(whole[layer], layer).copy_(tile.core_of(features, layer))
        return whole

    def _grams_of(self, painting: Tensor) -> Grams:
        sums: Grams = {}
        for tile in self._cut(painting.shape, self.parameters.style_layers):
            for layer, features in self._features(tile.crop(painting), self.parameters.style_layers).items():
                part = gram_sum(tile.core_of(features, layer))
                sums[layer] = sums[layer] + part if layer in sums else part
        return {layer: total / _positions(painting.shape[2:], layer) for layer, total in sums.items()}

    def _gram_sums(self, features: dict[str, Tensor], tile: Tile) -> list[Grams]:
        """For each region, the undivided Gram matrices of a tile's core."""
        cores = {layer: tile.core_of(features[layer], layer) for layer in self.parameters.style_layers}
        if not self._regions:
            return [{layer: gram_sum(core) for layer, core in cores.items()}]
        return [
            {layer: gram_sum(core, tile.place_in(region[layer], layer)) for layer, core in cores.items()}
            for region in self._regions
        ]

    def _divided(self, sums: list[Grams]) -> list[Grams]:
        if not self._regions:
            return [{layer: gram / _positions(self.size, layer) for layer, gram in sums[0].items()}]
        return [
            {layer: gram / region[layer].sum().clamp(min=1e-6) for layer, gram in grams.items()}
            for grams, region in zip(sums, self._regions, strict=True)
        ]

    def _style_loss(self, grams: list[Grams]) -> Tensor:
        loss = self._zero()
        for style in self._styles:
            for layer, weight in self.parameters.style_layers.items():
                target = style.grams[layer]
                scale = target.square().mean().clamp(min=1e-12) if self.parameters.relative_losses else 1.0
                difference = (grams[style.region or 0][layer] - target).square().mean()
                loss = loss + style.weight * weight * difference / scale
        return loss

    def _content_loss(self, features: dict[str, Tensor], tile: Tile) -> Tensor:
        """The share of the content loss that falls on a tile's core."""
        loss = self._zero()
        for layer, weight in self.parameters.content_layers.items():
            target = self._content[layer]
            difference = tile.core_of(features[layer], layer).float() - tile.place_in(target, layer).float()
            share = difference.square().sum() / (target.numel() * max(self._content_scale[layer], 1e-12))
            loss = loss + self.parameters.content_weight * weight * share
        return loss

    def _variation(self, picture: Tensor) -> Tensor:
        if not self.parameters.tv_weight:
            return self._zero()
        return (self.parameters.tv_weight * total_variation(picture)).to(self.device.location)

    def _zero(self) -> Tensor:
        return torch.zeros((), device=self.device.location)

    def _mask_pyramid(self, mask: Tensor) -> Grams:
        """The mask at the resolution of every style layer: the mean of the pixels that a position stands for."""
        height, width = self.size
        maps = {}
        for layer in self.parameters.style_layers:
            step = stride(layer)
            covered = mask[: height // step * step, : width // step * step]
            maps[layer] = functional.avg_pool2d(covered[None, None].to(self.device.location), step)[0, 0]
        return maps


def _positions(size: Sequence[int], layer: str) -> int:
    return (size[0] // stride(layer)) * (size[1] // stride(layer))
