"""Are samples new, or copies of training pictures? Each one's nearest training picture, and a scale for "too near".

The scale comes from the training pictures themselves: how near each lies to the nearest other one. A model that has
learnt to draw such pictures makes samples about as far from the training pictures as these are from one another.
"""

from __future__ import annotations

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
NEAR = 0.01  # nearer in features than all but this share of the training pictures have their neighbours
NEAR_IN_PIXELS = 0.5  # nearer in pixels than this share of the median distance of training pictures to theirs
NEARLY_THE_SAME = 0.05  # training pictures nearer than this share of that median are taken for one picture
_MOST_LOOKED_AT = 5000
_GAP = 2


@dataclass(frozen=True, eq=False)
class Nearest:
    """The nearest training picture of each of N samples.

    indices, distances: (N,) in feature space. pixel_indices, pixel_distances: (N,) by the root mean square difference
    in [0, 1] of thumbnails, the sample as it is or mirrored, whichever is nearer.
    """

    indices: Tensor
    distances: Tensor
    pixel_indices: Tensor
    pixel_distances: Tensor


@dataclass(frozen=True, eq=False)
class Originality:
    """What `copies` found.

    copied: the numbers of the samples that are nearly training pictures; nearest: of all samples; feature_limit and
    pixel_limit: what "near" means here; warning: in plain words, or None where there is no copy.
    """

    copied: tuple[int, ...]
    nearest: Nearest
    feature_limit: float
    pixel_limit: float
    warning: str | None


def nearest(samples: Tensor, training: Tensor, extractor: Extractor) -> Nearest:
    """The training picture, (M, C, S, S) uint8, nearest to each sample, (N, C, S, S) uint8. Raises InputError."""
    _check(samples, training, 1)
    return _nearest(extractor(samples), extractor(training), samples, training)


def copies(samples: Tensor, training: Tensor, extractor: Extractor) -> Originality:
    """Which samples, (N, C, S, S) uint8, are nearly one of the training pictures, (M, C, S, S) uint8.

    A copy lies nearer to a training picture than 99 % of the training pictures lie to another one, in features, and
    within half the median of these distances in pixels. Training pictures that are there twice, or nearly, say
    nothing about distances and are passed over. Raises InputError for fewer than 2 training pictures.
    """
    _check(samples, training, 2)
    features = extractor(training)
    looked_at = _distinct(training)
    looked_at = looked_at[:: -(-len(looked_at) // _MOST_LOOKED_AT)]
    feature_limit = _share(_apart(features[looked_at]), NEAR)
    pixel_limit = _share(_apart(_thumbnails(training[looked_at])), 0.5) * NEAR_IN_PIXELS
    found = _nearest(extractor(samples), features, samples, training)
    near = (found.distances <= feature_limit) & (found.pixel_distances <= pixel_limit)
    copied = tuple(near.nonzero().flatten().tolist())
    return Originality(copied, found, feature_limit, pixel_limit, _in_words(copied, len(samples)))


def sheet(samples: Tensor, training: Tensor, found: Nearest, *, pairs: int = 24, columns: int = 4) -> Image.Image:
    """Samples with their nearest training pictures on their right, the nearest pair first; at most `pairs` of them."""
    _check(samples, training, 1)
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


def _nearest(sample_features: Tensor, training_features: Tensor, samples: Tensor, training: Tensor) -> Nearest:
    distances, indices = nearest_points(sample_features, training_features)
    thumbnails = _thumbnails(training)
    ways = [nearest_points(_thumbnails(shown), thumbnails) for shown in (samples, samples.flip(3))]
    pixels, way = torch.cat([distance for distance, _ in ways], 1).min(1)
    pixel_indices = torch.cat([index for _, index in ways], 1).gather(1, way[:, None])
    return Nearest(indices[:, 0], distances[:, 0], pixel_indices[:, 0], pixels)


def _thumbnails(pictures: Tensor) -> Tensor:
    """(N, C, H, W) uint8  →  (N, F) float32, so scaled that distances are root mean square differences in [0, 1]."""
    small = [functional.adaptive_avg_pool2d(batch.float() / 255, THUMBNAIL) for batch in torch.split(pictures, 256)]
    flat = in_color(torch.cat(small)).flatten(1)
    return flat / math.sqrt(flat.shape[1])


def _distinct(pictures: Tensor) -> list[int]:
    """The numbers of the pictures that are not the same, byte for byte, as an earlier one; at least two numbers."""
    first = {picture.numpy().tobytes(): index for index, picture in reversed(list(enumerate(pictures)))}
    return sorted(first.values()) if len(first) > 1 else [0, 1]


def _apart(points: Tensor) -> Tensor:
    """The distance of each point to the nearest other one, without those of pictures that are there nearly twice."""
    distances = nearest_points(points, points, same=True)[0].flatten()
    return distances[distances >= NEARLY_THE_SAME * distances.median()]


def _share(values: Tensor, share: float) -> float:
    return float(values.double().quantile(share))


def _in_words(copied: tuple[int, ...], count: int) -> str | None:
    if not copied:
        return None
    named = ", ".join(str(index + 1) for index in copied[:8]) + (", …" if len(copied) > 8 else "")
    verb = "is nearly a training picture" if len(copied) == 1 else "are nearly training pictures"
    return (
        f"{len(copied)} of {count} samples {verb} (number {named}): nearer to one than training pictures lie to one "
        f"another. Train on more pictures, or use an earlier checkpoint."
    )


def _check(samples: Tensor, training: Tensor, least: int) -> None:
    check_pictures(samples, "samples")
    check_pictures(training, "training pictures")
    if len(training) < least:
        raise InputError(f"Expected at least {least} training pictures, got {len(training)}.")
    if samples.shape[2:] != training.shape[2:]:
        raise InputError(
            f"Samples of {samples.shape[3]} × {samples.shape[2]} cannot be compared with training pictures of "
            f"{training.shape[3]} × {training.shape[2]}; bring both to one size."
        )
