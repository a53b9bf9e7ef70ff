"""Several processes that train as one: batch norm over the batches of all of them.

torch's SyncBatchNorm does this on GPUs alone; this does it wherever the processes can add up tensors.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, distributed, nn


class SharedBatchNorm2d(nn.BatchNorm2d):
    """Batch norm whose statistics in training are those of the batches of all processes, which are of one size."""

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return super().forward(x)
        assert self.running_mean is not None and self.running_var is not None and self.momentum is not None
        count = x.numel() // x.shape[1] * distributed.get_world_size()
        values = x.float()
        own = torch.stack([values.sum((0, 2, 3)), values.square().sum((0, 2, 3))])
        sums: Tensor = _Sum.apply(own)  # type: ignore[no-untyped-call]
        mean, square = sums / count
        variance = (square - mean.square()).clamp(min=0)
        with torch.no_grad():
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * (count / (count - 1)), self.momentum)
            if self.num_batches_tracked is not None:
                self.num_batches_tracked.add_(1)
        scale = self.weight * (variance + self.eps).rsqrt()
        normalized: Tensor = values * scale[:, None, None] + (self.bias - mean * scale)[:, None, None]
        return normalized.to(x.dtype)


class _Sum(torch.autograd.Function):
    """A tensor summed over all processes; so are the gradients that come back."""

    @staticmethod
    def forward(context: Any, tensor: Tensor) -> Tensor:
        total = tensor.clone()
        distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Tensor:
        total = gradient.contiguous().clone()
        distributed.all_reduce(total)
        return total


def share_statistics(network: nn.Module) -> None:
    """Turn every batch norm of a network into a shared one, in place."""
    for module in network.modules():
        if type(module) is nn.BatchNorm2d:
            module.__class__ = SharedBatchNorm2d
