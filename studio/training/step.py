"""One step of training: which examples, which random numbers, and how gradients become an update."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from studio.device import Device
from studio.training.draws import Draws

Backward = Callable[[Tensor], None]


@dataclass(frozen=True)
class Part:
    """A share of a batch: the `indices` (B,) of its examples, and random numbers for them."""

    indices: Tensor
    seed: int
    number: int
    batch: int
    rows: slice

    def draws(self, purpose: str) -> Draws:
        """Random numbers for these examples; the same `purpose` gives the same ones again."""
        return Draws.of(self.seed, self.number, purpose, self.batch, self.rows)


@dataclass(frozen=True)
class Step:
    """Step `number` (from 1): the parts that this process works through, and the way to update networks."""

    number: int
    parts: Sequence[Part]
    device: Device
    accelerator: Any = field(repr=False)
    optimizers: Mapping[str, Optimizer] = field(repr=False)
    clip: float | None = None

    def mixed(self) -> AbstractContextManager[Any]:
        """Networks called in here compute in the device's precision; their weights stay float32."""
        return self.device.mixed()

    @contextmanager
    def update(self, name: str) -> Iterator[Backward]:
        """Collect gradients with the function handed out, one loss a part; then change the weights of a network."""
        optimizer = self.optimizers[name]
        yield lambda loss: self.accelerator.backward(loss / len(self.parts))
        weights = [weight for group in optimizer.param_groups for weight in group["params"] if weight.grad is not None]
        if self.accelerator.num_processes > 1:
            self._share([weight.grad for weight in weights])
        if self.clip:
            norm = torch.nn.utils.get_total_norm([weight.grad for weight in weights if weight.grad is not None])
            if not norm <= self.clip:  # what is short enough is left alone: to multiply it by 1 takes time too
                torch.nn.utils.clip_grads_with_norm_(weights, self.clip, norm)
        optimizer.step()
        optimizer.zero_grad()

    def _share(self, gradients: Sequence[Tensor]) -> None:
        """The mean over all processes, in place, by one message."""
        message = torch.cat([gradient.flatten() for gradient in gradients])
        means = self.accelerator.reduce(message, reduction="mean").split([gradient.numel() for gradient in gradients])
        for gradient, mean in zip(gradients, means, strict=True):
            gradient.copy_(mean.view(gradient.shape))

    def mean(self, losses: Sequence[Tensor]) -> float:
        """The mean of a loss over the parts of all processes."""
        value = torch.stack([loss.detach().float() for loss in losses]).mean()
        if self.accelerator.num_processes > 1:
            value = self.accelerator.reduce(value, reduction="mean")
        return float(value)


def parts_of(indices: Tensor, *, seed: int, number: int, process: int, processes: int, accumulate: int) -> list[Part]:
    """The parts of a batch that one process works through; all parts of all processes are of one size."""
    batch = len(indices)
    size = batch // (processes * accumulate)
    slices = [
        slice(first * size, (first + 1) * size) for first in range(process * accumulate, (process + 1) * accumulate)
    ]
    return [Part(indices[rows], seed, number, batch, rows) for rows in slices]
