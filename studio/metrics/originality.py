"""Are samples new, or copies of training pictures? Each one's nearest training picture, and a scale for "too near".

The scale is the training picture's own: how far it lies from its nearest other one, as in the authenticity of Alaa et
al. 2022 (arXiv:2102.08921). A new sample lies about as far from it; a copy much nearer.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass

import torch
import torch.nn.functional as functional
from PIL import Image
from torch import Tensor

from studio.errors import InputError
from studio.metrics.extractor import Extractor, check_pictures, in_color
from studio.metrics.neighbours import nearest_points

THUMBNAIL = 32  # pixels are compared at this size: a shift by a pixel hides no copy
# What share of its own distance a sample must come near to a training picture to be called its copy. Measured on crops
# of the sample pictures: of copies shifted by a pixel, blurred to half the size, or with noise of 4 in 255, 9 of 10 are
# found, of mirrored ones all, and of 200 crops that were not trained on 1 is taken for a copy.
NEAR, NEAR_IN_PIXELS = 0.8, 0.5
NEARLY_THE_SAME = 0.05  # training pictures nearer than this share of the median distance are taken for one picture
_MOST_LOOKED_AT = 5000
_GAP = 2


@dataclass(frozen=True, eq=False)
class Nearest:
    """The nearest training picture of each of N samples, the sample as it is or mirrored, whichever is nearer.

    indices, distances: (N,) in feature space. pixel_indices, pixel_distances: (N,) by the root mean square difference
    in [0, 1] of thumbnails.
    """

    indices: Tensor
    distances: Tensor
    pixel_indices: Tensor
    pixel_distances: Tensor


@dataclass(frozen=True, eq=False)
class Originality:
    """What `copies` found.

    copied: the numbers, from 0, of the samples that are nearly training pictures; nearest: of all samples; ratios and
    pixel_ratios: (N,) a sample's distance over that of its training picture to the nearest other one, about 1 for new
    samples and near 0 for copies; warning: in plain words, or None where there is no copy.
    """

    copied: tuple[int, ...]
    nearest: Nearest
    ratios: Tensor
    pixel_ratios: Tensor
    warning: str | None


def nearest(samples: Tensor, training: Tensor, extractor: Extractor) -> Nearest:
    """The training picture, (M, C, S, S) uint8, nearest to each sample, (N, C, S, S) uint8. Raises InputError."""
    _check(samples, training)
    return _nearest(samples, extractor, extractor(training), _thumbnails(training))


def copies(samples: Tensor, training: Tensor, extractor: Extractor) -> Originality:
    """Which samples, (N, C, S, S) uint8, are nearly one of the training pictures, (M, C, S, S) uint8.

    A copy lies nearer to a training picture than 0.8 of the distance, in features, from that picture to the nearest
    other one, and than half of it in pixels. Training pictures that are there twice, or nearly, count as one.
    Raises InputError for fewer than 2 different training pictures.
    """
    _check(samples, training)
    others = _distinct(training)
    if len(others) < 2:
        raise InputError(f"Expected at least 2 different training pictures, got {len(training)} with 1 among them.")
    others = others[:: -(-len(others) // _MOST_LOOKED_AT)]
    features, thumbnails = extractor(training), _thumbnails(training)
    found = _nearest(samples, extractor, features, thumbnails)
    ratios = found.distances / _own_distances(features[found.indices], features[others])
    pixel_ratios = found.pixel_distances / _own_distances(thumbnails[found.pixel_indices], thumbnails[others])
    near = (ratios <= NEAR) & (pixel_ratios <= NEAR_IN_PIXELS)
    copied = tuple(near.nonzero().flatten().tolist())
    return Originality(copied, found, ratios, pixel_ratios, _in_words(copied, len(samples)))


def sheet(samples: Tensor, training: Tensor, found: Nearest, *, pairs: int = 24, columns: int = 4) -> Image.Image:
    """Samples with their nearest training pictures on their right, the nearest pair first; at most `pairs` of them."""
    _check(samples, training)
    order = found.distances.argsort()[:pairs].tolist()
    height, width = samples.shape[2:]
    across = min(columns, len(order))
    down = -(-len(order) // across)
    whole = torch.full((3, down * (height + 4 * _GAP), across * (2 * width + 5 * _GAP)), 255, dtype=torch.uint8)
    for place, index in enumerate(order):
        top = place // across * (height + 4 * _GAP) + 2 * _GAP
        left = place % across * (2 * width + 5 * _GAP) + 2 * _GAP
        pair = (samples[index], training[int(found.indices[index])])
        for picture, x in zip(pair, (left, left + width + _GAP), strict=True):
            whole[:, top : top + height, x : x + width] = picture
    return Image.fromarray(whole.permute(1, 2, 0).numpy())


def _nearest(samples: Tensor, extractor: Extractor, features: Tensor, thumbnails: Tensor) -> Nearest:
    mirrored = samples.flip(3)
    return Nearest(
        *_nearer([extractor(samples), extractor(mirrored)], features),
        *_nearer([_thumbnails(samples), _thumbnails(mirrored)], thumbnails),
    )


def _nearer(ways: list[Tensor], others: Tensor) -> tuple[Tensor, Tensor]:
    """(N,) indices of the others nearest to the points in any of the ways they are given, and the distances."""
    found = [nearest_points(points, others) for points in ways]
    distances, way = torch.cat([distance for distance, _ in found], 1).min(1)
    return torch.cat([index for _, index in found], 1).gather(1, way[:, None])[:, 0], distances


def _thumbnails(pictures: Tensor) -> Tensor:
    """(N, C, H, W) uint8  →  (N, F) float32, so scaled that distances are root mean square differences in [0, 1]."""
    small = [functional.adaptive_avg_pool2d(batch.float() / 255, THUMBNAIL) for batch in torch.split(pictures, 256)]
    flat = in_color(torch.cat(small)).flatten(1)
    return flat / math.sqrt(flat.shape[1])


def _distinct(pictures: Tensor) -> list[int]:
    """The numbers of the pictures that are not the same, byte for byte, as an earlier one."""
    digests = [hashlib.sha256(picture.numpy().tobytes()).digest() for picture in pictures]
    return sorted({digest: index for index, digest in reversed(list(enumerate(digests)))}.values())


def _own_distances(points: Tensor, others: Tensor) -> Tensor:
    """(N, F)  →  (N,): how far each point lies from the nearest of the others that is not the same picture again."""
    usual = nearest_points(others[:1000], others, 2)[0][:, 1].median()
    distances = nearest_points(points, others, min(4, len(others)))[0]
    apart = distances.where(distances >= NEARLY_THE_SAME * usual, torch.inf).amin(1)
    return torch.where(apart.isinf(), distances[:, -1], apart).clamp(min=1e-9)


def _in_words(copied: tuple[int, ...], count: int) -> str | None:
    if not copied:
        return None
    named = ", ".join(str(index + 1) for index in copied[:8]) + (", …" if len(copied) > 8 else "")
    verb = "is nearly a training picture" if len(copied) == 1 else "are nearly training pictures"
    return (
        f"{len(copied)} of {count} samples {verb} (number {named}): each lies much nearer to one than any other "
        f"training picture does. Train on more pictures, or use an earlier checkpoint."
    )


def _check(samples: Tensor, training: Tensor) -> None:
    check_pictures(samples, "samples")
    check_pictures(training, "training pictures")
    if samples.shape[2:] != training.shape[2:]:
        raise InputError(
            f"Samples of {samples.shape[3]} × {samples.shape[2]} cannot be compared with training pictures of "
            f"{training.shape[3]} × {training.shape[2]}; bring both to one size."
        )
