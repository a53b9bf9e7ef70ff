"""The one training loop, on Hugging Face accelerate: every medium brings a task, and everything else is here.

What a step does follows from the seed, the number of the step and the weights before it: a run that was killed and
resumed ends with the weights of one that was not, bit for bit on a CPU with the same number of threads (with `minutes`
the length of a run follows the clock, and so may its end).
"""

from __future__ import annotations

import dataclasses
import hashlib
import logging
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from studio.data.order import batch_indices
from studio.device import Device
from studio.errors import InputError, OutputError
from studio.media import files, images
from studio.progress import Callback, Progress, in_words
from studio.training import checkpoint, ema, schedule
from studio.training.curve import Curve
from studio.training.distributed import share_statistics
from studio.training.parameters import TrainingParameters
from studio.training.step import Step, parts_of
from studio.training.task import Measure, Task

MAX_ROLLBACKS = 8
ROLLBACK_RATE = 0.3  # of the learning rate, after each return to the last checkpoint
ESTIMATE_AFTER = 5  # steps

_log = logging.getLogger("studio")


@dataclass(frozen=True)
class Outcome:
    """How a training ended: at which `step`, what was `best`, why it ended in words, and whether that was its end.

    finished: False if it was stopped and can be gone on with; notes: what went wrong on the way, in words.
    """

    step: int
    best: Measure | None
    why: str
    finished: bool
    seconds: float
    notes: tuple[str, ...] = ()


class Loop:
    """One training of one task into one folder. `run` does it; afterwards the task's averages hold the best weights."""

    def __init__(self, task: Task, parameters: TrainingParameters, device: Device, folder: Path) -> None:
        """folder: that of the model; what belongs to the training alone goes into `training` inside it."""
        self.task, self.parameters, self.device, self.folder = task, parameters, device, folder / "training"
        self.accelerator = device.accelerator()
        if parameters.batch_size % (parameters.accumulate * self.accelerator.num_processes):
            raise InputError(
                f"A batch of {parameters.batch_size} cannot be worked through in {parameters.accumulate} parts by "
                f"{self.accelerator.num_processes} processes; choose a multiple of "
                f"{parameters.accumulate * self.accelerator.num_processes}."
            )
        if self.accelerator.num_processes > 1:
            for network in task.networks.values():
                share_statistics(network)
        self.step = 0
        self.rate = 1.0
        self.rollbacks = 0
        self.measures: list[Measure] = []
        self.best: Measure | None = None
        self.curve = Curve()
        self.elapsed_before = 0.0
        self.notes: list[str] = []

    def run(self, callback: Callback | None = None, *, resume: bool = False) -> Outcome:
        """Train until the steps or the minutes are over, the measure no longer improves, or `callback` returns True.

        Raises InputError where a training in the folder cannot be gone on with, or the numbers never become finite.
        """
        self._open(resume)
        with self.device.computing(), _Log(self.accelerator, self.folder) as log:
            started = time.monotonic() - self.elapsed_before
            why, finished = self._train(callback, log, started)
            seconds = time.monotonic() - started
            self._keep(seconds)
        self._take_best()
        return Outcome(self.step, self.best, why, finished, seconds, tuple(self.notes))

    def _open(self, resume: bool) -> None:
        if checkpoint.exists(self.folder) and not resume:
            raise InputError(
                f"{self.folder.parent} holds a training already; add --resume to go on with it, "
                "or choose another folder."
            )
        files.make_folder(self.folder / "sheets")
        if resume:
            state = checkpoint.read(self.folder, self.task.kind, self.task.fingerprint)
            self._restore(state)
            _log.info("going on from step %d.", self.step)
        else:
            self._keep(0.0)

    def _train(self, callback: Callback | None, log: _Log, started: float) -> tuple[str, bool]:
        parameters = self.parameters
        pace = _Pace(self.step)
        while True:
            elapsed = time.monotonic() - started
            fraction = self._fraction(elapsed, pace)
            if fraction >= 1:
                return "its time was over" if parameters.minutes else "all steps were done", True
            losses = self._one_step(fraction)
            if not all(map(math.isfinite, losses.values())):
                self._roll_back(losses)
                continue
            elapsed = time.monotonic() - started
            pace.tick(self.step)
            self.curve.add(self.step, losses)
            log.scalars(self.step, losses)
            if self.step == pace.first + ESTIMATE_AFTER:
                self._estimate(pace, elapsed)
            stopped = bool(callback and callback(self._progress(losses, elapsed, pace)))
            checked = self.step % parameters.check_every == 0
            if checked and self._check(log, elapsed):
                continue
            if checked or self.step % parameters.keep_every == 0:
                self._keep(elapsed)
            if self._from_main(stopped):
                return "it was stopped", False
            if checked and self._no_longer_improves():
                return f"{parameters.patience} measurements brought no gain", True

    def _one_step(self, fraction: float) -> dict[str, float]:
        parameters, task = self.parameters, self.task
        number = self.step + 1
        factor = schedule.rate(parameters, number, fraction) * self.rate
        for optimizer in task.optimizers.values():
            for group in optimizer.param_groups:
                group["lr"] = group["initial_lr"] * factor
        indices = batch_indices(task.count, parameters.batch_size, parameters.seed, self.step)
        parts = parts_of(
            indices,
            seed=parameters.seed,
            number=number,
            process=self.accelerator.process_index,
            processes=self.accelerator.num_processes,
            accumulate=parameters.accumulate,
        )
        step = Step(number, parts, self.device, self.accelerator, task.optimizers, parameters.clip)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(
                _seed_of(parameters.seed, number, self.accelerator.process_index)
            )  # dropout draws from it
            losses = task.step(step)
        for name, average in task.averages.items():
            ema.update(average, task.networks[name], number, parameters.ema)
        self.step = number
        return losses

    def _roll_back(self, losses: dict[str, float]) -> None:
        """Numbers that are not finite: back to the last checkpoint, and on from there more carefully."""
        broken = self.step
        name = next(name for name, value in losses.items() if not math.isfinite(value))
        if self.rollbacks >= MAX_ROLLBACKS:
            raise InputError(
                f"The {name} loss is not finite at step {broken}, even at {self.rate:.1g} of the learning rate "
                f"{self.parameters.learning_rate:g}; what was learnt before is kept in {self.folder}. "
                f"Begin again with a smaller --learning-rate."
            )
        self._return_to(checkpoint.read(self.folder, self.task.kind, self.task.fingerprint))
        self._note(f"the {name} loss was no longer finite at step {broken}: {self._returned()}")

    def _return_to(self, state: dict[str, Any]) -> None:
        rollbacks, smaller = self.rollbacks + 1, self.rate * ROLLBACK_RATE
        self._restore(state)
        self.rollbacks, self.rate = rollbacks, smaller

    def _returned(self) -> str:
        return f"back to step {self.step}, and on with {self.rate:.1g} of the learning rate."

    def _check(self, log: _Log, elapsed: float) -> bool:
        """Measure, show, and say what seems to go wrong; returns whether training went back to its best."""
        trouble = None
        measure = Measure(self.step, "", 0.0)
        if self.accelerator.is_main_process:
            measure = self.task.measure(self.step)
            log.scalars(self.step, measure.figures)
            self._show()
        measure = self._from_main(measure)
        self.measures.append(measure)
        if math.isfinite(measure.value) and (self.best is None or measure.value < self.best.value):
            self.best = measure
            self._keep_best(elapsed)
        if self.best is not None:
            beside = (
                "the best so far" if self.best is measure else f"best {self.best.value:.4g} at step {self.best.step}"
            )
            self._note(f"step {self.step}: {measure.name} {measure.value:.4g} ({beside}).", logging.INFO)
        trouble = self.task.trouble(self.curve.rows, self.measures)
        if trouble is None:
            return False
        best = checkpoint.read_best(self.folder) if trouble.roll_back and self.rollbacks < MAX_ROLLBACKS else None
        if best is not None:
            self._return_to(best)
            self._note(f"{trouble.words}: {self._returned()}")
        elif not any(note == trouble.words for note in self.notes):
            self._note(trouble.words)
        return best is not None

    def _show(self) -> None:
        try:
            images.write_picture(self.task.sheet(), self.folder / "sheets" / f"{self.step:07d}.png")
        except OutputError as error:
            _log.warning("the sheet of samples could not be kept: %s", error)

    def _no_longer_improves(self) -> bool:
        patience = self.parameters.patience
        return bool(patience and self.best and len([m for m in self.measures if m.step > self.best.step]) >= patience)

    def _note(self, line: str, level: int = logging.WARNING) -> None:
        if level >= logging.WARNING:
            self.notes.append(line)
        if self.accelerator.is_main_process:
            _log.log(level, "%s", line)

    def _fraction(self, elapsed: float, pace: _Pace) -> float:
        if self.parameters.minutes:
            budget = self.parameters.minutes * 60
            return float(self._from_main(1.0 if elapsed + pace.seconds > budget else elapsed / budget))
        return self.step / self.parameters.steps

    def _estimate(self, pace: _Pace, elapsed: float) -> None:
        left = self._remaining(elapsed, pace)
        speed = self.parameters.batch_size / max(pace.seconds, 1e-9)
        if self.accelerator.is_main_process:
            _log.info(
                "%.0f examples a second (%s); about %s to go.", speed, self.device.name_and_precision, in_words(left)
            )

    def _remaining(self, elapsed: float, pace: _Pace) -> float:
        if self.parameters.minutes:
            return max(0.0, self.parameters.minutes * 60 - elapsed)
        return (self.parameters.steps - self.step) * pace.seconds

    def _progress(self, losses: dict[str, float], elapsed: float, pace: _Pace) -> Progress:
        remaining = self._remaining(elapsed, pace)
        steps = self.parameters.steps
        if self.parameters.minutes:
            steps = self.step + int(remaining / max(pace.seconds, 1e-9))
        return Progress(
            step=self.step,
            steps=steps,
            fraction=min(1.0, self.step / max(1, steps)),
            elapsed=elapsed,
            remaining=remaining,
            loss=next(iter(losses.values())),
            stage=f"training {self.task.kind}",
            preview=self.task.sheet,
            losses=losses,
        )

    def _keep(self, elapsed: float) -> None:
        """Write a checkpoint; where that fails, say so, go on, and try again next time."""
        if not self.accelerator.is_main_process:
            return
        try:
            checkpoint.write(self.folder, self._state(elapsed))
        except OutputError as error:
            if not checkpoint.exists(self.folder):
                raise
            _log.warning("the work in between could not be kept, training goes on: %s", error)

    def _keep_best(self, elapsed: float) -> None:
        if not self.accelerator.is_main_process:
            return
        try:
            checkpoint.write_best(self.folder, self._state(elapsed))
        except OutputError as error:
            _log.warning("the best so far could not be kept: %s", error)

    def _state(self, elapsed: float) -> dict[str, Any]:
        return {
            "kind": self.task.kind,
            "fingerprint": self.task.fingerprint,
            "step": self.step,
            "rate": self.rate,
            "rollbacks": self.rollbacks,
            "elapsed": elapsed,
            "measures": [dataclasses.asdict(measure) for measure in self.measures],
            "best": None if self.best is None else dataclasses.asdict(self.best),
            "curve": self.curve.state(),
            "notes": self.notes,
            **checkpoint.state_of(self.task.networks, self.task.averages, self.task.optimizers),
        }

    def _restore(self, state: dict[str, Any]) -> None:
        try:
            checkpoint.restore(state, self.task.networks, self.task.averages, self.task.optimizers)
            self.step, self.rate, self.rollbacks = state["step"], state["rate"], state["rollbacks"]
            self.elapsed_before, self.notes = state["elapsed"], list(state["notes"])
            self.measures = [Measure(**measure) for measure in state["measures"]]
            self.best = None if state["best"] is None else Measure(**state["best"])
            self.curve = Curve.of(state["curve"])
        except (KeyError, TypeError, RuntimeError, ValueError):
            raise InputError(
                f"The training in {self.folder.parent} is of a network of another shape; give the settings it was "
                f"begun with, or choose another folder."
            ) from None

    def _take_best(self) -> None:
        """Put the best networks into the task, where the last ones are not the best."""
        if self.best is None or self.best.step == self.step:
            return
        state = checkpoint.read_best(self.folder)
        if state is not None:
            checkpoint.restore(state, self.task.networks, self.task.averages, self.task.optimizers)
            _log.info("the best was at step %d: %s %.4g.", self.best.step, self.best.name, self.best.value)

    def _from_main(self, value: Any) -> Any:
        if self.accelerator.num_processes == 1:
            return value
        from accelerate.utils import broadcast_object_list

        return broadcast_object_list([value])[0]


class _Pace:
    """Seconds a step takes, over the last ones."""

    def __init__(self, first: int) -> None:
        self.first = first
        self.seconds = 0.0
        self._last = time.monotonic()

    def tick(self, step: int) -> None:
        now = time.monotonic()
        taken, self._last = now - self._last, now
        # The first step also sets things up; measurements in between weigh in slowly, as they recur.
        self.seconds = taken if step <= self.first + 2 else 0.95 * self.seconds + 0.05 * taken


class _Log:
    """Losses and figures for TensorBoard, in the training's folder."""

    def __init__(self, accelerator: Any, folder: Path) -> None:
        self.writer: Any = None
        if accelerator.is_main_process:
            from torch.utils.tensorboard import SummaryWriter

            self.writer = SummaryWriter(str(folder / "tensorboard"))

    def __enter__(self) -> _Log:
        return self

    def __exit__(self, *_: object) -> None:
        if self.writer:
            self.writer.close()

    def scalars(self, step: int, values: Any) -> None:
        if self.writer:
            for name, value in values.items():
                self.writer.add_scalar(name, value, step)


def _seed_of(seed: int, number: int, process: int) -> int:
    digest = hashlib.sha256(f"{seed}/{number}/{process}".encode()).digest()
    return int.from_bytes(digest[:8], "little") >> 1
