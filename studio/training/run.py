"""A folder of pictures or tunes  →  a model folder: read, train, check that it copies nothing, write.

    trained = train("dcgan", Source("pictures"), "my-model", DCGANTrainingParameters(minutes=10), choose())

What belongs to the training alone lies in `my-model/training`: settings, prepared data, checkpoints, sample sheets,
logs.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from studio import hub
from studio.device import Device
from studio.errors import InputError, OutputError
from studio.media import files
from studio.metrics.extractor import VGGFeatures
from studio.progress import Callback
from studio.training import card, checkpoint
from studio.training.loop import Loop
from studio.training.medium import Data, Report
from studio.training.medium import Source as Source
from studio.training.mediums.known import medium_of
from studio.training.mediums.pictures import NEAREST as NEAREST
from studio.training.outcome import DivergedError, Outcome
from studio.training.own_folder import alone_in, untouched_if_refused
from studio.training.parameters import KINDS as KINDS
from studio.training.parameters import AnyTraining
from studio.zoo.folder import WEIGHTS

TRAINING, SETTINGS, PREPARED, SHEETS, LEFT_OUT = "training", "settings.json", "data", "sheets", "left_out.txt"
PLACE: Mapping[str, Any] = {"device": "auto", "precision": "auto", "threads": None}  # what `studio.device.choose` takes
NOT_COMPARED = "it was stopped before its samples were compared with what it was trained on"
# The parameters that data are prepared by, where there are such.
_PREPARES = ("size", "channels", "classes", "seed", "held_out", "vocabulary")

_log = logging.getLogger("studio")


@dataclass(frozen=True)
class Trained:
    """A model folder and how its training went; `copied` is a warning where its samples are copies."""

    folder: Path
    outcome: Outcome
    copied: str | None


def train(
    kind: str,
    source: Source,
    folder: str | Path,
    parameters: AnyTraining,
    device: Device,
    *,
    resume: bool = False,
    command: str = "",
    callback: Callback | None = None,
    extractor: VGGFeatures | None = None,
    place: Mapping[str, Any] | None = None,
) -> Trained:
    """Train, and write the model into `folder`, from where its pipeline loads it.

    resume: go on with what is in the folder. command: what was typed, for the card. callback: as everywhere; returning
    True stops, and what was learnt is written all the same. extractor: what pictures are looked at through, the shipped
    VGG-19 if none is given. place: how the device was asked for, as in PLACE, kept for a resume. In several processes
    (`accelerate launch`) every one calls this, and the first one writes.
    Raises InputError for data or settings that cannot be used, ModelError, OutputError. What is refused
    before the first step leaves the folder as it was.
    """
    accelerator = device.accelerator()  # before anything is placed: it says which GPU is this process's own
    target, first = Path(folder), accelerator.is_main_process
    with alone_in(target) if first else nullcontext():
        begun = _begin(kind, source, target, parameters, device, accelerator, resume, command, extractor, place)
        outcome, copied = begun.train(callback, first), None
        if first and outcome.finished:
            copied = medium_of(kind).compare(begun.task, begun.data, device, target / TRAINING, extractor)
            if copied:
                begun.save(outcome, copied)
        accelerator.wait_for_everyone()
    return Trained(target, outcome, copied)


@dataclass(frozen=True)
class _Begun:
    """A training that can go on, and all that its card says."""

    task: Any
    loop: Loop
    data: Data
    folder: Path
    parameters: AnyTraining
    device: Device
    asked: Mapping[str, Any]
    typed: str

    def train(self, callback: Callback | None, first: bool) -> Outcome:
        """To its end, after which the first of several processes saves it. Raises InputError where it diverges."""
        try:
            outcome = self.loop.train(callback)
        except DivergedError as diverged:
            if first and (best := self.loop.rescue("it diverged")):
                self.save(best)
                raise InputError(f"{diverged} The best until then, of step {best.step}, is in {self.folder}.") from None
            raise
        if not outcome.finished:
            outcome = replace(outcome, notes=(*outcome.notes, NOT_COMPARED))
        if first:
            self.save(outcome)
        return outcome

    def save(self, outcome: Outcome, copied: str | None = None) -> None:
        """Write the model. copied: a warning where its samples are copies."""
        facts = card.facts(self.asked, self.data, self.parameters, self.device, outcome, self.typed, copied)
        self.task.save(self.folder, facts)


def _begin(
    kind: str,
    source: Source,
    target: Path,
    parameters: AnyTraining,
    device: Device,
    accelerator: Any,
    resume: bool,
    command: str,
    extractor: VGGFeatures | None,
    place: Mapping[str, Any] | None,
) -> _Begun:
    """Everything before the first step, as `train` has it; what is refused in here leaves the folder as it was."""
    medium = medium_of(kind)
    start = None if source.start is None else hub.find(source.start)
    parameters = medium.settle(parameters, start)
    if accelerator.is_main_process:
        _check_target(target, source, resume)
    with untouched_if_refused(target / TRAINING) if accelerator.is_main_process else nullcontext():
        with accelerator.main_process_first():  # the others find everything prepared
            data = _data(kind, source, parameters, target / TRAINING, resume)
        if accelerator.is_main_process:
            _tell(data.report, None if resume else target / TRAINING)
        task = medium.task(data, parameters, device, start, extractor)
        loop = Loop(task, parameters, device, target)
        if resume:  # what cannot be gone on with keeps its settings
            loop.open(resume)
        before = place_of(target) if resume else dict(PLACE)
        place = before if place is None else dict(place)
        commands = _commands(target, parameters, command, resume, place != before)
        if accelerator.is_main_process:
            _write_settings(target, kind, source, parameters, data, commands, place)
        if not resume:  # where there is a checkpoint there are settings, wherever it is killed
            loop.open(resume)
    asked = asdict(source) | {"data": files.shown(Path(source.data).name), "start": start and start.name}
    return _Begun(task, loop, data, target, parameters, device, asked, files.shown("\n".join(commands)))


def _tell(report: Report, training: Path | None) -> None:
    """Say what becomes of the data; the whole list of what was left out goes into a file there."""
    for line in report.in_words().splitlines():
        _log.info("%s", line)
    left_out = "".join(f"{name}: {reason}\n" for name, reason in report.to_dict()["left_out"])
    if left_out and training is not None:
        files.write_bytes(training / LEFT_OUT, left_out.encode())
        _log.info("All of these, each with its reason: %s", training / LEFT_OUT)


def settings_of(folder: str | Path) -> tuple[str, Source, AnyTraining, str]:
    """(kind, source, parameters, commands) that the training in a folder was begun with.

    Raises InputError, OutputError.
    """
    path = Path(folder) / TRAINING / SETTINGS
    files.check_reachable(path)
    if not path.is_file():
        raise InputError(f"There is no training to go on with in {folder}; leave out --resume to begin one.")
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        source, parameters = Source(**kept["source"]), KINDS[kept["kind"]](**kept["parameters"])
        return kept["kind"], source, parameters, "\n".join(kept["commands"])
    except (OSError, ValueError, KeyError, TypeError, InputError):
        raise InputError(
            f"{path} is damaged or of another Studio; give the settings again, or another folder."
        ) from None


def place_of(folder: str | Path) -> dict[str, Any]:
    """How the device of the training in a folder was asked for, as in PLACE; that where nothing is known of it."""
    try:
        kept = json.loads((Path(folder) / TRAINING / SETTINGS).read_text(encoding="utf-8"))["place"]
        return {name: kept.get(name, usual) for name, usual in PLACE.items()}
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return dict(PLACE)


def _check_target(target: Path, source: Source, resume: bool) -> None:
    """Raise InputError or OutputError where this folder cannot take the model."""
    files.check_reachable(target / TRAINING / SETTINGS)
    if files.shown(str(target)) != str(target):
        raise OutputError(f"{files.shown(str(target))} is no name in UTF-8, as weights need; choose another folder.")
    if Path(os.path.realpath(target)).is_relative_to(os.path.realpath(source.data)):
        raise OutputError(
            f"{target} lies within {source.data}, which is to be trained on; choose a folder outside of it."
        )
    if resume:
        return
    if checkpoint.exists(target / TRAINING):
        raise InputError(f"{target} holds a training already; add --resume to go on with it, or choose another folder.")
    for name in (hub.CONFIG, WEIGHTS, "README.md"):
        if (target / name).exists():
            raise OutputError(f"{target} holds a {name}, which would be overwritten; choose another folder.")


def _data(kind: str, source: Source, parameters: AnyTraining, training: Path, resume: bool) -> Data:
    """What to train on: with `resume` as it was prepared, whatever has become of its files since."""
    found: Data | None = _as_begun(kind, source, parameters, training) if resume else None
    if found is None:
        found = medium_of(kind).read(source, parameters, training / PREPARED)
    assert found is not None
    return found


def _as_begun(kind: str, source: Source, parameters: AnyTraining, training: Path) -> Any:
    try:
        kept = json.loads((training / SETTINGS).read_text(encoding="utf-8"))
        begun, before = Source(**kept["source"]), kept["parameters"]
        same = Path(begun.data).absolute() == Path(source.data).absolute() and begun.background == source.background
        if not same or any(before.get(name) != getattr(parameters, name, None) for name in _PREPARES):
            return None
        return medium_of(kind).read_again(source, parameters, training / PREPARED, kept["data"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _commands(target: Path, parameters: AnyTraining, command: str, resume: bool, moved: bool) -> list[str]:
    """The commands that made the model: the first one, and those that went on with it in another way."""
    if not resume:
        return [command] if command else []
    try:
        _, _, before, commands = settings_of(target)
    except InputError:
        return [command] if command else []
    changed = [command] if command and (moved or before != parameters) else []
    return [*commands.splitlines(), *changed]


def _write_settings(
    target: Path,
    kind: str,
    source: Source,
    parameters: AnyTraining,
    data: Data,
    commands: list[str],
    place: Mapping[str, Any],
) -> None:
    settings: dict[str, Any] = {
        "kind": kind,
        "source": asdict(source),
        "parameters": parameters.to_dict(),
        "place": dict(place),
        "commands": commands,
        "data": data.fingerprint,
    }
    files.write_bytes(target / TRAINING / SETTINGS, (json.dumps(settings, indent=2) + "\n").encode())
