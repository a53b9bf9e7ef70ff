"""The order in which pictures are seen: a function of the seed and the step alone, so that a resume needs no state."""

from __future__ import annotations

import functools
import hashlib

import torch
from torch import Tensor


@functools.lru_cache(maxsize=2)  # a step is often of the epoch that the last one was of
def epoch_order(count: int, seed: int, epoch: int) -> Tensor:
    """The order of `count` pictures in an epoch (0, 1, …): an int64 permutation of 0..count-1, shape (count,)."""
    stream = int.from_bytes(hashlib.sha256(f"{seed}/{epoch}".encode()).digest()[:8], "big") >> 1
    return torch.randperm(count, generator=torch.Generator().manual_seed(stream))


def batch_indices(count: int, batch: int, seed: int, step: int) -> Tensor:
    """The pictures of a step (0, 1, …): int64 indices into 0..count-1, shape (batch,).

    The epochs' orders stand one after another and are cut into batches: a batch goes on into the next epoch where one
    ends, and holds pictures more than once only where `batch` exceeds what is left of an epoch.
    """
    position, parts, missing = step * batch, [], batch
    while missing:
        epoch, start = divmod(position, count)
        part = epoch_order(count, seed, epoch)[start : start + missing]
        parts.append(part)
        position, missing = position + len(part), missing - len(part)
    return torch.cat(parts)
