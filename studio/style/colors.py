"""Keeping a photograph's colours (Gatys et al. 2016, arXiv:1606.05897, and 2017, arXiv:1611.07865).

Pictures are (1, 3, H, W) in [0, 1].
"""

from __future__ import annotations

import torch
from torch import Tensor

# ITU-R BT.601, full range: the luminance of the method's paper (YIQ), with the chroma of JPEG.
_TO_YCC = ((0.299, 0.587, 0.114), (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312))


def luminance(picture: Tensor) -> Tensor:
    """The luminance of a picture in all three channels."""
    grey = _apply(_matrix(), picture)[:, :1]
    return grey.expand(-1, 3, -1, -1).contiguous()


def match_luminance(painting: Tensor, photograph: Tensor) -> Tensor:
    """A grey painting with the mean and the spread of the photograph's luminance."""
    scale = photograph.std() / painting.std().clamp(min=1e-4)
    return ((painting - painting.mean()) * scale + photograph.mean()).clamp(0, 1)


def with_chroma_of(result: Tensor, photograph: Tensor) -> Tensor:
    """The luminance of a result with the chroma of the photograph."""
    mixed = torch.cat([_apply(_matrix(), result)[:, :1], _apply(_matrix(), photograph)[:, 1:]], 1)
    return _apply(_matrix().inverse(), mixed).clamp(0, 1)


def match_histogram(painting: Tensor, photograph: Tensor) -> Tensor:
    """A painting whose red, green and blue are each distributed as in the photograph."""
    matched = torch.empty_like(painting)
    for channel in range(3):
        source = painting[0, channel].flatten()
        target = photograph[0, channel].flatten().sort().values
        ranks = torch.empty_like(source)
        ranks[source.argsort(stable=True)] = torch.linspace(0, len(target) - 1, len(source))
        below = ranks.floor().long().clamp(max=len(target) - 1)
        above = (below + 1).clamp(max=len(target) - 1)
        values = torch.lerp(target[below], target[above], ranks - below)
        matched[0, channel] = values.view_as(painting[0, channel])
    return matched


def match_covariance(painting: Tensor, photograph: Tensor) -> Tensor:
    """A painting with the mean and the covariance of the photograph's colours, by the symmetric linear map."""
    source, target = painting.flatten(2)[0], photograph.flatten(2)[0]
    source_mean, target_mean = source.mean(1, keepdim=True), target.mean(1, keepdim=True)
    transform = _root(_covariance(target)) @ torch.linalg.inv(_root(_covariance(source)))
    matched: Tensor = transform.to(source) @ (source - source_mean) + target_mean
    return matched.view_as(painting).clamp(0, 1)


def noise_with_colors_of(painting: Tensor, size: tuple[int, int], generator: torch.Generator) -> Tensor:
    """Gaussian noise of `size` (H, W) with the mean and the covariance of a painting's colours."""
    colors = painting.flatten(2)[0]
    white = torch.randn(3, size[0] * size[1], generator=generator).to(colors)
    noise: Tensor = _root(_covariance(colors)).to(colors) @ white + colors.mean(1, keepdim=True)
    return noise.view(1, 3, *size).clamp(0, 1)


def _matrix() -> Tensor:
    return torch.tensor(_TO_YCC)


def _apply(matrix: Tensor, picture: Tensor) -> Tensor:
    mixed: Tensor = torch.einsum("ij,bjhw->bihw", matrix.to(picture), picture)
    return mixed


def _covariance(colors: Tensor) -> Tensor:
    """(3, N)  →  (3, 3) in float64, with enough on the diagonal that a picture of one colour can be inverted."""
    return torch.cov(colors.double()) + 1e-5 * torch.eye(3, dtype=torch.float64, device=colors.device)


def _root(covariance: Tensor) -> Tensor:
    values, vectors = torch.linalg.eigh(covariance)
    root: Tensor = vectors @ torch.diag(values.clamp(min=0).sqrt()) @ vectors.T
    return root
