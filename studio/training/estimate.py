"""Before a training: what it would use, and about how long it would take, from a few steps on a copy of the task."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio import hub
from studio.device import Device
from studio.progress import in_words
from studio.training import run
from studio.training.loop import Loop
from studio.training.medium import Report
from studio.training.mediums.known import medium_of
from studio.training.parameters import AnyTraining

TIMED = 2  # steps, after one that sets things up


@dataclass(frozen=True)
class Estimate:
    """report: what was found in the data; examples: a second; steps, seconds: of the whole, measuring left out."""

    report: Report
    examples: float
    steps: int
    seconds: float

    def in_words(self) -> str:
        """A few plain lines, without a newline at the end."""
        speed = f"About {self.examples:.3g} examples a second: {self.steps:,} steps in {in_words(self.seconds)}"
        return f"{self.report.in_words()}\n{speed}, and more for measuring in between."

    def to_dict(self) -> dict[str, Any]:
        """Every field by its name, for JSON."""
        return {
            "report": self.report.to_dict(),
            "examples_a_second": self.examples,
            "steps": self.steps,
            "seconds": self.seconds,
        }


def estimate(
    kind: str, source: run.Source, parameters: AnyTraining, device: Device, cache: Path | None = None
) -> Estimate:
    """Read the data and time a few steps; nothing is kept but what goes into `cache`, see `Medium.read`.

    Raises InputError and ModelError as `studio.training.run.train` does.
    """
    medium = medium_of(kind)
    start = None if source.start is None else hub.find(source.start)
    parameters = medium.settle(parameters, start)
    data = medium.read(source, parameters, cache)
    loop = Loop(medium.task(data, parameters, device, start), parameters, device, Path())
    with device.computing():
        loop.take_step(0.0)
        device.synchronize()
        started = time.perf_counter()
        for _ in range(TIMED):
            loop.take_step(0.0)
        device.synchronize()
        pace = (time.perf_counter() - started) / TIMED
    seconds = parameters.minutes * 60 if parameters.minutes else parameters.steps * pace
    return Estimate(data.report, parameters.batch_size / pace, max(1, round(seconds / pace)), seconds)
