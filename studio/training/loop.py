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
from pathlib import Path
from typing import Any

import torch

from studio.data.order import batch_indices
from studio.device import Device, is_out_of_memory
from studio.errors import DeviceError, InputError, OutputError
from studio.media import files, images
from studio.progress import Callback, Progress, in_words
from studio.training import checkpoint, ema, schedule
from studio.training.curve import Curve
from studio.training.distributed import share_statistics
from studio.training.log import Log
from studio.training.outcome import DivergedError, Outcome
from studio.training.pace import Pace
from studio.training.parameters import TrainingParameters
from studio.training.soundness import broken, is_finite
from studio.training.step import Step, parts_of
from studio.training.task import Measure, Task

MAX_ROLLBACKS = 8
ROLLBACK_RATE = 0.3  # of the learning rate, after each return to the last checkpoint
ESTIMATE_AFTER = 5  # steps
STILL_IMPROVING = 0.05  # of the measure, between the last two, is much
_GO_ON = "it was still getting better when it ended: go on with --resume and more steps or minutes"

_log = logging.getLogger("studio")


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
        self.patient_since = 0  # the step that patience counts from
        self._kept_at: int | None = None
        self._went_back = False  # and nothing was kept since

    def run(self, callback: Callback | None = None, *, resume: bool = False) -> Outcome:
        """`open`, then train until the steps or the minutes are over, the measure no longer improves, or `callback`
        returns True. Raises InputError, also where it diverges again and again.
        """
        self.open(resume)
        return self.train(callback)

    def open(self, resume: bool = False) -> None:
        """Take up the training in the folder, or begin one there.

        Raises InputError where there is one already, or none that can be gone on with; OutputError.
        """
        if not resume and self._from_main(checkpoint.exists(self.folder)):
            raise InputError(
                f"{self.folder.parent} holds a training already; add --resume to go on with it, "
                "or choose another folder."
            )
        files.make_folder(self.folder / "sheets")
        if resume:
            self._restore(checkpoint.read(self.folder, self.task.kind, self.task.fingerprint))
            self.notes = [note for note in self.notes if note != _GO_ON]
            self._tell(f"going on from step {self.step:,}.")
        else:
            self._keep(0.0)
        self.accelerator.wait_for_everyone()

    def train(self, callback: Callback | None = None) -> Outcome:
        """Train what was opened, as `run` does."""
        main = self.accelerator.is_main_process
        with self.device.computing(), Log(self.folder, self.step, wanted=main) as log:
            started = time.monotonic() - self.elapsed_before
            why, finished = self._train(callback if main else None, log, started)
            seconds = time.monotonic() - started
            self._keep(seconds)
        self.accelerator.wait_for_everyone()
        self._take_best()
        return Outcome(self.step, self.best, why, finished, seconds, tuple(self.notes))

    def take_step(self, fraction: float) -> dict[str, float]:
        """The next step, `fraction` of the way to the end; returns the losses by name."""
        parameters, task = self.parameters, self.task
        number = self.step + 1
        factor = schedule.rate(parameters, number, fraction) * self.rate
        for optimizer in task.optimizers.values():
            for group in optimizer.param_groups:
                group["lr"] = group["initial_lr"] * factor
        parts = parts_of(
            batch_indices(task.count, parameters.batch_size, parameters.seed, self.step),
            seed=parameters.seed,
            number=number,
            process=self.accelerator.process_index,
            processes=self.accelerator.num_processes,
            accumulate=parameters.accumulate,
        )
        step = Step(number, parts, self.device, self.accelerator, task.optimizers, parameters.clip)
        with torch.random.fork_rng(devices=[]):
            # What a network itself draws from, for dropout.
            self.device.seed(_seed_of(parameters.seed, number, self.accelerator.process_index))
            losses = task.step(step)
        for name, average in task.averages.items():
            ema.update(average, task.networks[name], number, parameters.ema)
        self.step = number
        return losses

    def _train(self, callback: Callback | None, log: Log, started: float) -> tuple[str, bool]:
        parameters = self.parameters
        pace = Pace(self.step)
        while True:
            if self._is_measured() and self._no_longer_improves():
                return f"{parameters.patience} measurements brought no gain", True
            elapsed = time.monotonic() - started
            fraction = self._fraction(elapsed, pace)
            if fraction >= 1:
                if not is_finite(self.task):
                    self._roll_back("the weights were no longer finite")
                elif self._is_measured() or not self._check(log, elapsed):
                    self._note_if_still_improving()
                    return "its time was over" if parameters.minutes else "all steps were done", True
                continue
            try:
                losses = self.take_step(fraction)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                raise DeviceError(
                    f"Out of memory on {self.device.name} in step {self.step + 1}: go on with --resume and a smaller "
                    f"--batch-size, or with --accumulate, which works through a batch in parts."
                ) from None
            if wrong := broken(losses, self.task.limits):
                self._roll_back(f"the loss {wrong}")
                continue
            elapsed = time.monotonic() - started
            pace.tick(self.step)
            self.curve.add(self.step, losses)
            log.scalars(self.step, losses)
            if self.step == pace.first + ESTIMATE_AFTER:
                self._estimate(pace, elapsed)
            stopped = self._from_main(bool(callback and callback(self._progress(losses, elapsed, pace))))
            checked = self.step % parameters.check_every == 0
            if not (stopped or checked or self.step % parameters.keep_every == 0):
                continue
            if not is_finite(self.task):
                self._roll_back("the weights were no longer finite")
                continue
            if checked and self._check(log, elapsed):
                continue
            self._keep(elapsed)
            if stopped:
                return "it was stopped", False

    def _roll_back(self, what: str) -> None:
        """It diverged: back to the last checkpoint, and on from there more carefully."""
        broken = self.step
        if self.rollbacks >= MAX_ROLLBACKS:
            raise DivergedError(
                f"At step {broken} {what}, even at {self.rate:.1g} of the learning rate "
                f"{self.parameters.learning_rate:g}; what was learnt before is kept in {self.folder}. "
                f"Go on with --resume and a smaller --learning-rate, or begin again with one."
            )
        state = checkpoint.read(self.folder, self.task.kind, self.task.fingerprint)
        if self._from_main(self._went_back):  # the last one may be what is ruined
            state = checkpoint.read_earlier(self.folder, state)
        self._return_to(state)
        self._went_back = True
        self._note(f"at step {broken} {what}: {self._returned()}")

    def _return_to(self, state: dict[str, Any]) -> None:
        rollbacks, smaller, notes = self.rollbacks + 1, self.rate * ROLLBACK_RATE, self.notes
        self._restore(state)
        self.rollbacks, self.rate, self.notes = rollbacks, smaller, notes

    def _returned(self) -> str:
        return f"back to step {self.step}, and on with {self.rate:.1g} of the learning rate."

    def _check(self, log: Log, elapsed: float) -> bool:
        """Measure, show, and say what seems to go wrong; returns whether training went back to its best."""
        measure = Measure(self.step, "", 0.0)
        if self.accelerator.is_main_process:
            measure = self.task.measure(self.step)
            log.scalars(self.step, measure.figures)
            self._show()
        measure = self._from_main(measure)
        self.measures.append(measure)
        self._kept_at = None
        trouble = self.task.trouble(self.curve.rows, self.measures)
        usable = math.isfinite(measure.value) and not (trouble and trouble.roll_back)
        if usable and (self.best is None or measure.value < self.best.value):
            self.best = measure
            self._keep_best(elapsed)
        self.accelerator.wait_for_everyone()
        if self.best is not None:
            beside = (
                "the best so far" if self.best is measure else f"best {self.best.value:.4g} at step {self.best.step}"
            )
            self._tell(f"step {self.step:,}: {measure.name} {measure.value:.4g} ({beside}).")
        if trouble is None:
            return False
        best = checkpoint.read_best(self.folder) if trouble.roll_back and self.rollbacks < MAX_ROLLBACKS else None
        if best is not None:
            self._return_to(best)
            self._note(f"{trouble.words}: {self._returned()}")
        elif trouble.words not in self.notes:
            self._note(trouble.words)
        return best is not None

    def _show(self) -> None:
        try:
            images.write_picture(self.task.sheet(), self.folder / "sheets" / f"{self.step:07d}.png")
        except OutputError as error:
            _log.warning("the sheet of samples could not be kept: %s", error)

    def _no_longer_improves(self) -> bool:
        patience = self.parameters.patience
        if not patience or self.best is None:
            return False
        since = max(self.best.step, self.patient_since)
        return len([measure for measure in self.measures if measure.step > since]) >= patience

    def _is_measured(self) -> bool:
        return bool(self.measures and self.measures[-1].step == self.step)

    def _note_if_still_improving(self) -> None:
        """Under-fitting: the last measurement was by far the best."""
        if len(self.measures) > 1 and self.best and self.best.step == self.measures[-1].step:
            before = min(measure.value for measure in self.measures[:-1])
            if before - self.best.value > STILL_IMPROVING * abs(before):
                self._note(_GO_ON)

    def _note(self, line: str) -> None:
        """What the card should say too."""
        self.notes.append(line)
        self._kept_at = None
        self._tell(line, logging.WARNING)

    def _tell(self, line: str, level: int = logging.INFO) -> None:
        if self.accelerator.is_main_process:
            _log.log(level, "%s", line)

    def _fraction(self, elapsed: float, pace: Pace) -> float:
        if self.parameters.minutes:
            if not self.step:
                return 0.0
            budget = self.parameters.minutes * 60
            return float(self._from_main(1.0 if elapsed + pace.seconds > budget else elapsed / budget))
        return self.step / self.parameters.steps

    def _estimate(self, pace: Pace, elapsed: float) -> None:
        left = self._remaining(elapsed, pace)
        speed = self.parameters.batch_size / max(pace.seconds, 1e-9)
        self._tell(f"{speed:.0f} examples a second ({self.device.name_and_precision}); about {in_words(left)} to go.")

    def _remaining(self, elapsed: float, pace: Pace) -> float:
        if self.parameters.minutes:
            return max(0.0, self.parameters.minutes * 60 - elapsed)
        return (self.parameters.steps - self.step) * pace.seconds

    def _progress(self, losses: dict[str, float], elapsed: float, pace: Pace) -> Progress:
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
        if not self.accelerator.is_main_process or self._kept_at == self.step:
            return
        try:
            checkpoint.write(self.folder, self._state(elapsed))
            self._kept_at, self._went_back = self.step, False
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
            "asked": self._asked(),
            "patient_since": self.patient_since,
            **checkpoint.state_of(self.task.networks, self.task.averages, self.task.optimizers),
        }

    def _asked(self) -> list[float | None]:
        """How far it is to go."""
        return [self.parameters.steps, self.parameters.minutes, self.parameters.patience]

    def _restore(self, state: dict[str, Any]) -> None:
        try:
            checkpoint.restore(state, self.task.networks, self.task.averages, self.task.optimizers)
            self.step, self.rate, self.rollbacks = state["step"], state["rate"], state["rollbacks"]
            self.elapsed_before, self.notes = state["elapsed"], list(state["notes"])
            self.measures = [Measure(**measure) for measure in state["measures"]]
            self.best = None if state["best"] is None else Measure(**state["best"])
            self.curve = Curve.of(state["curve"])
            same = state.get("asked", self._asked()) == self._asked()
            self.patient_since = state.get("patient_since", 0) if same else self.step  # more was asked for: it may try
            self._kept_at = None
        except (LookupError, TypeError, AttributeError, RuntimeError, ValueError):
            raise InputError(
                f"The training in {self.folder.parent} is of a network of another shape; give the settings it was "
                f"begun with, or choose another folder."
            ) from None

    def rescue(self, why: str) -> Outcome | None:
        """After it diverged for good: the best networks into the task, or None where there are none."""
        state = checkpoint.read_best(self.folder)
        if state is None:
            return None
        notes = tuple(self.notes)
        self._restore(state)
        return Outcome(self.step, self.best, why, False, self.elapsed_before, notes)

    def _take_best(self) -> None:
        """Put the best networks into the task, where the last ones are not the best."""
        if self.best is None or self.best.step == self.step:
            return
        best, state = self.best, checkpoint.read_best(self.folder)
        if state is not None and state["step"] == best.step:
            checkpoint.restore(state, self.task.networks, self.task.averages, self.task.optimizers)
            self._tell(f"the best was at step {best.step:,}: {best.name} {best.value:.4g}.")
        else:
            self.best = self.measures[-1] if self._is_measured() else None
            self._note(f"the best, of step {best.step}, could not be kept: the model is that of step {self.step}")

    def _from_main(self, value: Any) -> Any:
        if self.accelerator.num_processes == 1:
            return value
        from accelerate.utils import broadcast_object_list

        return broadcast_object_list([value])[0]


def _seed_of(seed: int, number: int, process: int) -> int:
    digest = hashlib.sha256(f"{seed}/{number}/{process}".encode()).digest()
    return int.from_bytes(digest[:8], "little") >> 1
