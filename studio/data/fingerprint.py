"""Finding the same picture twice: re-encoded, resized, or copied.

Two looks at a picture. A perceptual hash of 64 bits finds candidates: the signs of the lowest frequencies of its cosine
transform (pHash: Zauner, Implementation and Benchmarking of Perceptual Image Hash Functions, 2010, section 3.2.1). It
says little about drawings on a plain ground, which share their low frequencies, and nothing about flat pictures; so a
candidate counts only if small thumbnails agree as well, measured against how much there is to see in them.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import adaptive_avg_pool2d

Pixels = NDArray[np.uint8]

DISTANCE = 10  # bits of 64; unrelated photographs differ in about 32
THUMBNAIL = 16  # pixels a side
MEAN_DIFFERENCE = 5.0  # grey levels of 255
UNLIKE = 0.01  # of the variance of two thumbnails: pictures that correlate by less than 0.99 are different ones
ROUNDING = 2.0  # squared grey levels between two thumbnails that say nothing: rounding, and traces of JPEG

_BLOCK = 256
_LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)


def perceptual_hash(pixels: Pixels) -> NDArray[np.uint64]:
    """(N, C, S, S) in 0..255, N > 0  →  (N,) hashes, where near pictures differ in few bits."""
    return np.concatenate([_hash(block) for block in _blocks(pixels)])


def thumbnails(pixels: Pixels) -> Pixels:
    """(N, C, S, S), N > 0  →  (N, C × 16 × 16), means over areas."""
    parts = [np.rint(_shrink(block, THUMBNAIL)).astype(np.uint8) for block in _blocks(pixels)]
    return np.concatenate([part.reshape(len(part), -1) for part in parts])


def first_alike(pixels: Pixels) -> NDArray[np.int64]:
    """For each of the pictures (N, C, S, S) the index of the first that it is a copy of; its own if it is none.

    Each is compared with the ones before it that are no copies themselves: N passes over at most N hashes.
    """
    if not len(pixels):
        return np.empty(0, np.int64)
    hashes, small = perceptual_hash(pixels), thumbnails(pixels)
    means, variances = small.mean(axis=1, dtype=np.float32), small.var(axis=1, dtype=np.float32)
    first = np.arange(len(hashes))
    kept, kept_hashes, kept_count = np.empty_like(first), np.empty_like(hashes), 0
    for index, own in enumerate(hashes):
        near = kept[:kept_count][np.bitwise_count(kept_hashes[:kept_count] ^ own) <= DISTANCE]
        near = near[np.abs(means[near] - means[index]) <= MEAN_DIFFERENCE]  # never less than the mean difference
        if len(near):
            differences = small[near].astype(np.float32) - small[index]
            allowed = ROUNDING + UNLIKE * (variances[near] + variances[index])
            same = (np.abs(differences).mean(axis=1) <= MEAN_DIFFERENCE) & ((differences**2).mean(axis=1) <= allowed)
            near = near[same]
        if len(near):
            first[index] = near[0]
        else:
            kept[kept_count], kept_hashes[kept_count] = index, own
            kept_count += 1
    return first


def _hash(block: Pixels) -> NDArray[np.uint64]:
    channels = _shrink(block, 32)
    grey = channels[:, 0] if channels.shape[1] == 1 else np.einsum("nchw,c->nhw", channels, _LUMA)
    frequencies: NDArray[np.float32] = (_cosines() @ grey @ _cosines().T).reshape(len(grey), 64)
    frequencies[np.abs(frequencies) < 0.5] = 0  # noise of a flat picture is no feature
    bits = frequencies > np.median(frequencies, axis=1, keepdims=True)
    hashes: NDArray[np.uint64] = np.packbits(bits, axis=1).view(np.uint64)[:, 0]
    return hashes


@cache
def _cosines() -> NDArray[np.float32]:
    """(8, 32): the rows 1 to 8 of the orthonormal discrete cosine transform (II) of 32 values."""
    rows, columns = np.mgrid[1:9, 0:32]
    cosines: NDArray[np.float32] = (np.cos(np.pi * rows * (2 * columns + 1) / 64) / 4).astype(np.float32)
    return cosines


def _shrink(block: Pixels, side: int) -> NDArray[np.float32]:
    shrunk: NDArray[np.float32] = adaptive_avg_pool2d(torch.from_numpy(block.astype(np.float32)), side).numpy()
    return shrunk


def _blocks(pixels: Pixels) -> Iterator[Pixels]:
    return (pixels[start : start + _BLOCK] for start in range(0, len(pixels), _BLOCK))
