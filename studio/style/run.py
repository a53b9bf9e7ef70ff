"""One stylisation from coarse to fine: what is prepared at each scale, how long to stay there, and what comes out."""

from __future__ import annotations

import logging
import math
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from studio.device import Device
from studio.errors import InputError, OutputError
from studio.networks.vgg import VGG
from studio.progress import Callback, Progress, in_words
from studio.style import checkpoint, colors
from studio.style.objective import Objective
from studio.style.painter import Painter, resize
from studio.style.parameters import StyleTransferParameters
from studio.style.scales import scales
from studio.style.tiles import GRID, HALO, side_that_fits

MEMORY_BUDGET = 3 * 2**30  # of one evaluation on the CPU: a picture of 2048 px then stays within 6 GB
CHECKPOINT_EVERY = 20.0  # seconds
CHECKPOINT_SHARE = 20  # and at least so many times as long as writing one takes
NOTICEABLY_LARGER = 1.5
MOST_FOR_A_COARSE_SCALE = 0.25  # of the time that is left, a step at each finer one aside
PROBE_SIDE = 256  # the estimate before the start is made at the largest scale up to here

_log = logging.getLogger("studio")


@dataclass(frozen=True)
class Pictures:
    """What a stylisation works from, as RGB pictures (masks: grey, in the size of the content)."""

    content: Image.Image
    styles: Sequence[Image.Image]
    masks: Sequence[Image.Image] = ()
    init: Image.Image | None = None


@dataclass
class Outcome:
    """What a stylisation arrived at: the steps really made, and whether they were all that was planned (`finished`)."""

    image: Image.Image
    steps_at_scales: list[int]
    tile: int
    finished: bool
    losses: list[float] = field(default_factory=list)


class Run:
    """Paints `pictures.content` in the manner of `pictures.styles`, with weights that sum to 1."""

    def __init__(
        self,
        network: VGG,
        device: Device,
        parameters: StyleTransferParameters,
        pictures: Pictures,
        weights: Sequence[float],
    ) -> None:
        self.network, self.device, self.parameters = network, device, parameters
        self.pictures, self.weights = pictures, weights
        self.sizes = scales(*pictures.content.size, parameters.size, parameters.smallest, parameters.coarse_to_fine)
        if parameters.steps_at_scales and not any(parameters.steps_at_scales[: len(self.sizes)]):
            raise InputError(
                f"steps_at_scales holds no step for the {len(self.sizes)} scales of this size; "
                f"give at least one of them a number above 0."
            )
        self.tile = parameters.tile if parameters.tile is not None else self._tile_that_fits()
        self.done = [0] * len(self.sizes)
        self.losses: list[float] = []
        self.scale = 0
        self.painter: Painter | None = None

    def paint(self, callback: Callback | None = None, keep_in: Path | None = None, fingerprint: str = "") -> Outcome:
        """All scales, or until the callback asks to stop or the minutes are used up.

        keep_in: a checkpoint file, written every 20 s and taken up again when it belongs to `fingerprint`.
        """
        clock = _Clock(self.parameters, self.sizes, self.tile)
        state = checkpoint.read(keep_in, fingerprint) if keep_in else None
        if state:
            self._restore(state)
            clock.started -= state["elapsed"]
            _log.info("going on from step %d, kept in %s.", sum(self.done), keep_in)
        else:
            self._estimate(clock)
        stopped, keep_at = False, time.monotonic() + CHECKPOINT_EVERY
        for scale in range(self.scale, len(self.sizes)):
            if not clock.enter(scale):
                break
            resumed, state = state is not None, None
            if not resumed and not clock.allows_another(scale, self.done[scale]):
                continue
            self.scale = scale
            objective = self._objective(scale)
            painter = self.painter = self.painter if resumed and self.painter else self._moved_on(scale)
            # A scale that was begun gets a step in any case: a recipe cannot tell one that was only passed through.
            while not stopped and (clock.allows_another(scale, self.done[scale]) or not (resumed or self.done[scale])):
                began = time.monotonic()
                self.losses.append(painter.step(objective, self._offset(scale, self.done[scale])))
                self._check_finite(self.losses[-1])
                self.done[scale] += 1
                self._notice_smaller_tiles(objective)
                clock.record(scale, time.monotonic() - began)
                stopped = bool(callback and callback(self._progress(clock)))
                if keep_in and (stopped or time.monotonic() > keep_at):
                    began = time.monotonic()
                    keep_in = self._keep(keep_in, fingerprint, clock.elapsed)
                    now = time.monotonic()
                    keep_at = now + max(CHECKPOINT_EVERY, CHECKPOINT_SHARE * (now - began))
            if stopped:
                break
        return Outcome(self.preview(), self.done, self.tile, not stopped or self.done == clock.planned, self.losses)

    def preview(self) -> Image.Image:
        """The picture as it would be if the work stopped here, in the final size."""
        content = self._tensor(self.pictures.content, self.sizes[-1])
        result = self.painter.result().cpu() if self.painter else content
        result = resize(result, (content.shape[2], content.shape[3])).clamp(0, 1)
        coverage = self._coverage(self._masks(self.sizes[-1]))
        if coverage is not None:
            result = content + coverage * (result - content)
        if self.parameters.keep_colors == "luminance":
            result = colors.with_chroma_of(result, content)
        pixels = (result[0].permute(1, 2, 0) * 255).round().to(torch.uint8)
        return Image.fromarray(pixels.numpy())

    def _notice_smaller_tiles(self, objective: Objective) -> None:
        if objective.tile != self.tile:
            _log.warning(
                "memory ran out: going on with tiles of %d pixels; made again, it may differ in small things.",
                objective.tile,
            )
            self.tile = objective.tile

    def _check_finite(self, loss: float) -> None:
        if not math.isfinite(loss):
            raise InputError(
                f"The optimisation diverged at step {len(self.losses)} (the loss is {loss}); "
                f"use a smaller learning_rate, smaller weights, or optimizer adam."
            )

    def _estimate(self, clock: _Clock) -> None:
        """Say how long it will take, from two evaluations at a small scale."""
        probe = max(scale for scale, size in enumerate(self.sizes) if scale == 0 or max(size) <= PROBE_SIDE)
        objective, start = self._objective(probe), self._moved_on(probe).picture.detach()
        for _ in range(2):  # the first one also sets things up
            began = time.monotonic()
            objective.value_and_gradient(start)
            clock.record(probe, time.monotonic() - began)
        width, height = self.sizes[-1]
        where = self.device.name_and_precision
        _log.info("%s, for a picture of %d × %d (%s).", clock.promise(), width, height, where)
        self._notice_small_paintings()

    def _notice_small_paintings(self) -> None:
        for style in self.pictures.styles:
            wanted = self._style_ratio(style, self.sizes[-1])
            if wanted > NOTICEABLY_LARGER:
                _log.warning(
                    "a painting of %d × %d is small for this size: its strokes come out %.1f times finer than asked.",
                    *style.size,
                    wanted,
                )

    def _objective(self, scale: int) -> Objective:
        content, styles, masks = self._prepared(scale)
        weighted = list(zip(self.weights, (self.device.place(style) for style in styles), strict=True))
        return Objective(
            self.network, self.device, self.parameters, self.device.place(content), weighted, masks, tile=self.tile
        )

    def _moved_on(self, scale: int) -> Painter:
        """The painter of this scale: the first one, or the one before it resized."""
        content, styles, masks = self._prepared(scale)
        coverage = self._coverage(masks)
        content = content.to(self.device.location)
        coverage = None if coverage is None else coverage.to(self.device.location)
        if self.painter:
            return self.painter.resized(content, coverage)
        size = (content.shape[2], content.shape[3])
        match self.parameters.init:
            case "picture" if self.pictures.init:
                start = self._tensor(self.pictures.init, self.sizes[scale])
            case "noise":
                generator = self.device.generator(self.parameters.seed)
                start = torch.rand(1, 3, *size, generator=generator)
            case "style":
                start = colors.noise_with_colors_of(styles[0], size, self.device.generator(self.parameters.seed))
            case _:
                start = content
        return Painter(self.parameters, start.to(self.device.location), content, coverage)

    def _prepared(self, scale: int) -> tuple[Tensor, list[Tensor], list[Tensor]]:
        """Content, paintings and masks at a scale, with the colours treated as the parameters ask."""
        size = self.sizes[scale]
        content = self._tensor(self.pictures.content, size)
        styles = [self._tensor(style, self._style_size(style, size)) for style in self.pictures.styles]
        match self.parameters.keep_colors:
            case "luminance":
                content = colors.luminance(content)
                styles = [colors.match_luminance(colors.luminance(style), content) for style in styles]
            case "histogram":
                styles = [colors.match_histogram(style, content) for style in styles]
            case "covariance":
                styles = [colors.match_covariance(style, content) for style in styles]
        return content, styles, self._masks(size)

    def _style_size(self, style: Image.Image, size: tuple[int, int]) -> tuple[int, int]:
        """The area of the result times `style_scale`², but never more pixels than the painting has."""
        ratio = max(min(self._style_ratio(style, size), 1.0), GRID / min(style.size))
        return max(GRID, round(style.width * ratio)), max(GRID, round(style.height * ratio))

    def _style_ratio(self, style: Image.Image, size: tuple[int, int]) -> float:
        return float((size[0] * size[1] / (style.width * style.height)) ** 0.5 * self.parameters.style_scale)

    def _masks(self, size: tuple[int, int]) -> list[Tensor]:
        return [self._tensor(mask, size)[0, 0] for mask in self.pictures.masks]

    @staticmethod
    def _coverage(masks: list[Tensor]) -> Tensor | None:
        return torch.stack(masks).sum(0).clamp(0, 1) if masks else None

    @staticmethod
    def _tensor(image: Image.Image, size: tuple[int, int]) -> Tensor:
        """A picture of mode RGB or L, resized  →  (1, channels, H, W) in [0, 1]."""
        if image.size != size:
            image = image.resize(size, Image.Resampling.LANCZOS)
        values = torch.from_numpy(np.array(image)).float() / 255
        return values.permute(2, 0, 1)[None].contiguous() if values.ndim == 3 else values[None, None]

    def _offset(self, scale: int, step: int) -> tuple[int, int]:
        """Where the grid of tiles begins at this step: random, and the same again for the same seed."""
        if not self.tile:
            return 0, 0
        stream = random.Random(f"{self.parameters.seed}/{scale}/{step}")
        return stream.randrange(0, self.tile, GRID), stream.randrange(0, self.tile, GRID)

    def _tile_that_fits(self) -> int:
        budget = MEMORY_BUDGET
        if self.device.kind != "cpu":
            budget = int((self.device.free_memory() or MEMORY_BUDGET) * 0.6)
        return side_that_fits(*self.sizes[-1], self.device.dtype.itemsize, budget)

    def _progress(self, clock: _Clock) -> Progress:
        width, height = self.sizes[self.scale]
        done = sum(self.done)
        return Progress(
            step=done,
            steps=max(done, clock.expected_steps(self.done, self.scale)),
            fraction=clock.fraction(self.done),
            elapsed=clock.elapsed,
            remaining=clock.remaining(self.done),
            loss=self.losses[-1],
            stage=f"{width} × {height}",
            preview=self.preview,
        )

    def _keep(self, path: Path, fingerprint: str, elapsed: float) -> Path | None:
        """Write a checkpoint; where that fails, say so and go on without."""
        try:
            checkpoint.write(path, fingerprint, self._state(elapsed))
        except OutputError as error:
            _log.warning("the work in between cannot be kept: %s", error)
            return None
        return path

    def _state(self, elapsed: float) -> dict[str, Any]:
        assert self.painter
        return {
            "scale": self.scale,
            "done": self.done,
            "losses": self.losses,
            "tile": self.tile,
            "elapsed": elapsed,
            "painter": self.painter.state(),
        }

    def _restore(self, state: dict[str, Any]) -> None:
        self.scale, self.done, self.losses, self.tile = state["scale"], state["done"], state["losses"], state["tile"]
        self.painter = None
        self.painter = self._moved_on(self.scale)
        self.painter.restore(state["painter"])


class _Clock:
    """How many steps each scale gets: as many as the parameters say, or as the minutes allow.

    Minutes are shared out so that each scale gets as many steps; where that is fewer than the parameters say, coarse
    scales get those first, for they cost little and decide what the picture becomes, and fine ones what is left.

    A step is taken to cost time in proportion to its pixels; a tiled one half as much again, over its halo too.
    """

    def __init__(self, parameters: StyleTransferParameters, sizes: Sequence[tuple[int, int]], tile: int) -> None:
        self.started = time.monotonic()
        self.budget = parameters.minutes * 60 if parameters.minutes else None
        self.costs = [_cost(size, tile) for size in sizes]
        steps = list(parameters.steps_at_scales) or [parameters.steps] * len(sizes)
        self.planned = [*steps[: len(sizes)], *[0] * (len(sizes) - len(steps))]
        self._deadline = float("inf")
        self._pace = 0.0  # seconds for each unit of cost, as the last step took it

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self.started

    def record(self, scale: int, seconds: float) -> None:
        """A step at a scale took so long."""
        self._pace = seconds / self.costs[scale]

    def promise(self) -> str:
        """What is going to happen, in words."""
        if self.budget is None:
            return f"{sum(self.planned)} steps, about {in_words(self._pace * self._cost_left([0] * len(self.costs)))}"
        steps = int(self.budget / max(self._pace * sum(self.costs), 1e-9))
        if steps < self.planned[0] and len(self.costs) > 1:
            return f"{in_words(self.budget)}: {self.planned[0]} steps at coarse scales, as many as fit at fine ones"
        return f"{in_words(self.budget)}: about {max(1, steps)} steps at each of {len(self.costs)} scales"

    def enter(self, scale: int) -> bool:
        """Begin with a scale; False if nothing is planned from here on, or not one step of it would fit."""
        if self.budget is None:
            return any(self.planned[scale:])
        left = self.budget - self.elapsed
        fair = left * self.costs[scale] / sum(self.costs[scale:])
        spare = max(0.0, left - self._pace * sum(self.costs[scale + 1 :]))
        wanted = min(self._pace * self.costs[scale] * self.planned[scale], MOST_FOR_A_COARSE_SCALE * spare)
        self._deadline = self.elapsed + max(fair, wanted)
        return scale == 0 or self._pace * self.costs[scale] <= left

    def allows_another(self, scale: int, done: int) -> bool:
        """Whether another step at this scale is planned, or fits."""
        if self.budget is None:
            return done < self.planned[scale]
        return (scale == 0 and done == 0) or self.elapsed + self._pace * self.costs[scale] <= self._deadline

    def fraction(self, done: Sequence[int]) -> float:
        """How much of the work is done, in [0, 1]."""
        if self.budget is not None:
            return min(1.0, self.elapsed / self.budget)
        left = self._cost_left(done)
        return 1 - left / max(self._cost_left([0] * len(done)), left, 1e-9)

    def remaining(self, done: Sequence[int]) -> float:
        """Seconds still to go, at the pace of the last step."""
        return self._pace * self._cost_left(done) if self.budget is None else max(0.0, self.budget - self.elapsed)

    def expected_steps(self, done: Sequence[int], scale: int) -> int:
        """Steps in all, counting those still to come."""
        if self.budget is None:
            return sum(self.planned)
        return sum(done) + int(self.remaining(done) / max(self._pace * self.costs[scale], 1e-9))

    def _cost_left(self, done: Sequence[int]) -> float:
        return sum(
            cost * max(0, planned - made) for cost, planned, made in zip(self.costs, self.planned, done, strict=True)
        )


def _cost(size: tuple[int, int], tile: int) -> float:
    pixels = float(size[0] * size[1])
    if not tile or max(size) <= tile:
        return pixels
    return pixels * 1.5 * ((tile + 2 * HALO) / tile) ** 2
