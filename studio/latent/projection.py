"""The latent that comes closest to a picture, by gradient descent (after Karras et al. 2020, arXiv:1912.04958, app. D).

Adam moves the latent, never the network. Noise on the latent lets the search leave a poor valley and fades away over
the first three quarters; the learning rate rises at the start and falls at the end; a pull towards the norm that the
model's own latents have keeps the result where the model knows its way.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from PIL import Image
from torch import Tensor

from studio.data.tensors import to_pictures
from studio.errors import InputError
from studio.latent.space import LatentSpace
from studio.progress import Callback, Progress

Distance = Callable[[Tensor, Tensor], Tensor]
"""Of two batches (1, C, H, W) in [-1, 1]; differentiable; any shape, of which the mean counts."""

NOISE = 0.05  # at the start, in standard deviations of the model's latents
NOISE_FADES = 0.75  # by this part of the steps
RISE, FALL = 0.05, 0.25  # parts of the steps in which the learning rate rises and falls
PULL = 0.005  # towards the usual norm, against a distance whose pixel part is at most 4
_COMPANY = 64  # latents that tell the usual norm


@dataclass(frozen=True)
class Projection:
    """What a search found: the `latent` (1, L), its `picture` (1, C, H, W) in [-1, 1], and its `distance`."""

    latent: Tensor
    distance: float
    picture: Tensor


def project(
    space: LatentSpace,
    picture: Tensor,
    *,
    steps: int = 300,
    starts: int = 8,
    learning_rate: float = 0.05,
    features: Distance | None = None,
    labels: Tensor | None = None,
    seed: int = 0,
    callback: Callback | None = None,
) -> Projection:
    """Search for the latent of a picture (1, C, H, W) in [-1, 1].

    The search starts from the model's encoder, or else from the closest of `starts` random latents. The distance is the
    mean square of the difference of pixels, plus `features` of both pictures if given: a perceptual distance.
    steps: 0 gives the start itself; labels: (1,) the class, for a model that has them.
    Equal seeds give equal results. The callback may stop the search; the best so far comes back.
    Raises InputError for a picture that is not of the size that the model makes.
    """
    random = torch.Generator().manual_seed(seed)
    company = space.latents_of(torch.randint(2**31, (max(_COMPANY, starts),), generator=random).tolist())
    usual = float(company.square().mean().sqrt())
    goal = picture.to(company)
    search = _Search(space, goal, features, labels, usual)

    began = time.monotonic()
    latent = _start(search, company[: max(starts, 1)])
    optimizer = torch.optim.Adam([latent], lr=learning_rate)
    for step in range(1, steps + 1):
        part = (step - 1) / steps
        noise = torch.randn(latent.shape, generator=random).to(latent) * usual * NOISE
        noise *= max(0.0, 1 - part / NOISE_FADES) ** 2
        for group in optimizer.param_groups:
            group["lr"] = learning_rate * _ramp(part)
        with torch.enable_grad():
            loss = search.try_out(latent + noise)
            (latent.grad,) = torch.autograd.grad(loss, [latent])
        optimizer.step()
        if callback and callback(_progress(search, step, steps, time.monotonic() - began)):
            break
    with torch.no_grad():
        search.try_out(latent.detach())
    return search.best


class _Search:
    """The loss of latents, and the best one seen so far."""

    def __init__(
        self, space: LatentSpace, goal: Tensor, features: Distance | None, labels: Tensor | None, usual: float
    ) -> None:
        self.space, self.goal, self.features, self.labels, self.usual = space, goal, features, labels, usual
        self.least = math.inf
        self.best: Projection

    def try_out(self, latent: Tensor) -> Tensor:
        """The loss of a latent (1, L), which is remembered if no other was better."""
        made = self.space.decode(latent, self.labels).float()
        if made.shape != self.goal.shape:
            raise InputError(
                f"The picture is {_size(self.goal)}, and this model makes {_size(made)}; bring it to that size first."
            )
        distance = (made - self.goal).square().mean()
        if self.features is not None:
            distance = distance + self.features(made, self.goal).mean()
        loss: Tensor = distance + PULL * (latent.square().mean() / self.usual**2 - 1) ** 2
        if loss.item() < self.least:
            self.least = loss.item()
            self.best = Projection(latent.detach().clone(), distance.item(), made.detach().clone())
        return loss


@torch.no_grad()
def _start(search: _Search, company: Tensor) -> Tensor:
    encoded = search.space.encode(search.goal)
    for latent in company if encoded is None else encoded:
        search.try_out(latent[None])
    return search.best.latent.clone().requires_grad_()


def _ramp(part: float) -> float:
    """What the learning rate is multiplied by: up in a line, at the end down in half a cosine."""
    down = min(1.0, (1 - part) / FALL)
    return (0.5 - 0.5 * math.cos(down * math.pi)) * min(1.0, (part + 0.01) / RISE)


def _progress(search: _Search, step: int, steps: int, elapsed: float) -> Progress:
    best = search.best

    def preview() -> Image.Image:
        return to_pictures(best.picture)[0]

    remaining = elapsed / step * (steps - step)
    return Progress(step, steps, step / steps, elapsed, remaining, best.distance, "searching the latent", preview)


def _size(pictures: Tensor) -> str:
    return " × ".join(map(str, pictures.shape))
