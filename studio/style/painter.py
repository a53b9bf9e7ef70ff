"""The picture being painted: what is optimised at one scale, and how it moves on to the next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as functional
from torch import Tensor

from studio.style.objective import Objective
from studio.style.parameters import StyleTransferParameters

LEARNING_RATES = {"adam": 0.05, "lbfgs": 1.0}


@dataclass
class Average:
    """An exponential moving average with its bias corrected (Kingma & Ba 2014, arXiv:1412.6980, section 3)."""

    total: Tensor
    weight: float = 0.0

    def update(self, picture: Tensor, decay: float) -> None:
        self.total.mul_(decay).add_(picture, alpha=1 - decay)
        self.weight = decay * self.weight + 1 - decay

    @property
    def value(self) -> Tensor:
        return self.total / self.weight


class Painter:
    """Improves one picture, (1, 3, H, W) in [0, 1], step by step.

    content and coverage: where coverage, (H, W) in [0, 1], is below 1, the content shows through and is left as it is.
    """

    def __init__(
        self,
        parameters: StyleTransferParameters,
        picture: Tensor,
        content: Tensor,
        coverage: Tensor | None = None,
    ) -> None:
        self.parameters = parameters
        self.picture = picture.clone().requires_grad_()
        self.content, self.coverage = content, coverage
        self.average = Average(torch.zeros_like(picture))
        self.optimizer = self._new_optimizer()

    def step(self, objective: Objective, offset: tuple[int, int] = (0, 0)) -> float:
        """One step of the optimiser; returns the loss before it."""
        first: list[float] = []

        def evaluate() -> Tensor:
            loss, gradient = objective.value_and_gradient(self._composite(self.picture.detach()), offset)
            self.picture.grad = gradient if self.coverage is None else gradient * self.coverage
            first.append(loss)
            return torch.tensor(loss)

        self.optimizer.step(evaluate)  # type: ignore[arg-type]
        with torch.no_grad():
            if self.parameters.optimizer == "adam":  # L-BFGS's curvature would not survive a clamp
                self.picture.clamp_(0, 1)
            self.average.update(self.picture, self.parameters.averaging)
        return first[0]

    def result(self) -> Tensor:
        """The averaged picture, (1, 3, H, W) in [0, 1]; where the content shows through is not taken into account."""
        picture = self.average.value if self.average.weight else self.picture.detach()
        return picture.clamp(0, 1)

    def resized(self, content: Tensor, coverage: Tensor | None) -> Painter:
        """A painter for another scale that goes on from the averaged picture, with Adam's moments carried over."""
        size = (content.shape[2], content.shape[3])
        painter = Painter(self.parameters, resize(self.result(), size).clamp(0, 1), content, coverage)
        moments = self.optimizer.state.get(self.picture)
        if self.parameters.optimizer == "adam" and moments:
            # Losses are means over the picture: on so many times the pixels, each pixel's gradient is as much smaller.
            smaller = self.picture.numel() / painter.picture.numel()
            painter.optimizer.state[painter.picture] = {
                "step": moments["step"].clone(),
                "exp_avg": resize(moments["exp_avg"], size) * smaller,
                "exp_avg_sq": resize(moments["exp_avg_sq"], size).clamp(min=0) * smaller**2,
            }
        return painter

    def state(self) -> dict[str, Any]:
        """Everything that the next step depends on."""
        return {
            "picture": self.picture.detach(),
            "average": self.average.total,
            "average_weight": self.average.weight,
            "optimizer": self.optimizer.state_dict()["state"],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on exactly where `state()` was taken."""
        with torch.no_grad():
            self.picture.copy_(state["picture"])
        self.average = Average(state["average"], state["average_weight"])
        self.optimizer.load_state_dict({**self.optimizer.state_dict(), "state": state["optimizer"]})

    def _composite(self, picture: Tensor) -> Tensor:
        if self.coverage is None:
            return picture
        return self.content + self.coverage * (picture - self.content)

    def _new_optimizer(self) -> torch.optim.Optimizer:
        rate = self.parameters.learning_rate or LEARNING_RATES[self.parameters.optimizer]
        if self.parameters.optimizer == "adam":
            return torch.optim.Adam([self.picture], lr=rate, betas=(0.9, 0.99), eps=1e-12)
        return torch.optim.LBFGS(
            [self.picture], lr=rate, max_iter=1, history_size=20, tolerance_grad=0, tolerance_change=0
        )


def resize(picture: Tensor, size: tuple[int, int]) -> Tensor:
    """(1, C, H, W)  →  (1, C, *size), bicubic, antialiased when it shrinks."""
    if picture.shape[2:] == size:
        return picture.clone()
    return functional.interpolate(picture, size, mode="bicubic", antialias=True, align_corners=False)
