"""Nearest neighbours among many points, in blocks, so that no table of all distances is ever held."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

ROWS = 1024


def nearest_points(points: Tensor, others: Tensor, count: int = 1, *, same: bool = False) -> tuple[Tensor, Tensor]:
    """(N, F) and (M, F)  →  the `count` nearest of the others: distances (N, count), ascending, and indices.

    same: both are the same points, and none is its own neighbour. The search has the precision of the points; the
    distances of what it found are exact.
    """
    distances, indices = [], []
    for start, squared in squared_distances(points, others):
        if same:
            rows = torch.arange(len(squared))
            squared[rows, start + rows] = torch.inf
        found = squared.topk(count, dim=1, largest=False).indices
        exact = torch.stack(
            [(others[column] - points[start : start + ROWS]).square().sum(1).sqrt() for column in found.unbind(1)], 1
        )
        exact, order = exact.sort(1)
        distances.append(exact)
        indices.append(found.gather(1, order))
    return torch.cat(distances), torch.cat(indices)


def squared_distances(points: Tensor, others: Tensor) -> Iterator[tuple[int, Tensor]]:
    """(first row, (≤ 1024, M) squared distances to the others) for one block of rows after another.

    What is below the rounding of the arithmetic comes as 0.
    """
    centre = others.mean(0)
    moved = others - centre
    lengths = moved.square().sum(1)
    for start in range(0, len(points), ROWS):
        block = points[start : start + ROWS] - centre
        sums = block.square().sum(1, keepdim=True) + lengths
        squared = torch.addmm(sums, block, moved.t(), alpha=-2)
        yield start, squared.masked_fill_(squared < 16 * torch.finfo(squared.dtype).eps * sums, 0)
