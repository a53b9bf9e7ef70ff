"""Cutting a large picture into overlapping tiles whose cores cover it exactly once, at every layer of a network."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from torch import Tensor

from studio.networks.vgg import receptive_radius, stride

GRID = 16  # the largest stride of a VGG: cores begin on its multiples, so that pooling windows fall as in the whole
TILE_SIDES = (0, 2048, 1024, 768, 512, 256)  # what is tried, in this order: the picture whole, then smaller tiles
HALO = 96  # the receptive radius of relu5_1 in VGG-19, rounded up to the grid

# Bytes per pixel that one evaluation holds at its peak, for each byte of the precision (measured at 1024 px).
BYTES_PER_PIXEL = 750


@dataclass(frozen=True)
class Tile:
    """A core `top:bottom, left:right` of a picture of `height` by `width`, seen with `halo` pixels around it.

    All but `bottom` and `right` at the picture's own edge are multiples of 16, and so is the halo.
    """

    top: int
    bottom: int
    left: int
    right: int
    height: int
    width: int
    halo: int = 0

    @property
    def _outer(self) -> tuple[int, int, int, int]:
        return (
            max(0, self.top - self.halo),
            min(self.height, self.bottom + self.halo),
            max(0, self.left - self.halo),
            min(self.width, self.right + self.halo),
        )

    def crop(self, picture: Tensor) -> Tensor:
        """(B, C, height, width)  →  a view of the core with its halo."""
        top, bottom, left, right = self._outer
        return picture[..., top:bottom, left:right]

    def core_of(self, features: Tensor, layer: str) -> Tensor:
        """Features of `crop`  →  a view of the positions that belong to the core."""
        step = stride(layer)
        top, _, left, _ = self._outer
        vertical = slice((self.top - top) // step, (self.bottom // step) - top // step)
        horizontal = slice((self.left - left) // step, (self.right // step) - left // step)
        return features[..., vertical, horizontal]

    def place_in(self, whole: Tensor, layer: str) -> Tensor:
        """A map over the whole picture at a layer's resolution  →  a view of the core's place in it."""
        step = stride(layer)
        return whole[..., self.top // step : self.bottom // step, self.left // step : self.right // step]


def tiles(
    height: int, width: int, side: int, layers: Iterable[str], depth: int = 19, offset: tuple[int, int] = (0, 0)
) -> list[Tile]:
    """Tiles with cores of about `side` pixels, on a grid shifted by `offset`; one tile for `side` 0 or a small picture.

    The halo is the receptive radius of the deepest layer: what a core's features and gradients depend on.
    """
    if side <= 0 or max(height, width) <= side:
        return [Tile(0, height, 0, width, height, width)]
    halo = -(-receptive_radius(layers, depth) // GRID) * GRID
    rows, columns = _cuts(height, side, offset[0]), _cuts(width, side, offset[1])
    return [
        Tile(top, bottom, left, right, height, width, halo)
        for top, bottom in pairwise(rows)
        for left, right in pairwise(columns)
    ]


def side_that_fits(width: int, height: int, element_size: int, budget: int) -> int:
    """The largest of `TILE_SIDES` whose evaluation stays within `budget` bytes.

    element_size: bytes that a number of the network's precision takes.
    """
    for side in TILE_SIDES:
        seen = width * height if side == 0 else min((side + 2 * HALO) ** 2, width * height)
        if seen * BYTES_PER_PIXEL * element_size <= budget:
            return side
    return TILE_SIDES[-1]


def _cuts(length: int, side: int, offset: int) -> list[int]:
    """Where cores begin and end along one side: multiples of 16, no core thinner than 16 pixels."""
    first = (offset // GRID * GRID) % side
    inner = [cut for cut in range(first, length, side) if 0 < cut <= length - GRID]
    return [0, *inner, length]
