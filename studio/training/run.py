"""A folder of pictures  →  a model folder: read, train, check that it copies nothing, write.

    trained = train("dcgan", Source("pictures"), "my-model", DCGANTrainingParameters(minutes=10), choose())

What belongs to the training alone lies in `my-model/training`: settings, prepared pictures, checkpoints, sample sheets,
logs.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from studio import hub
from studio.data import pictures
from studio.data.folder import read_folder
from studio.data.pictures import PictureData
from studio.data.tensors import to_uint8
from studio.device import Device
from studio.errors import InputError, OutputError
from studio.media import files, images
from studio.metrics import originality
from studio.metrics.extractor import VGGFeatures
from studio.progress import Callback
from studio.training import card, checkpoint
from studio.training.loop import Loop
from studio.training.outcome import DivergedError, Outcome
from studio.training.parameters import KINDS as KINDS
from studio.training.parameters import PictureTraining
from studio.training.tasks.make import PictureTask, check_kind, in_the_shape_of, make_task, open_start
from studio.zoo.folder import WEIGHTS

TRAINING, SETTINGS, PICTURES, SHEETS, NEAREST = "training", "settings.json", "pictures", "sheets", "nearest.png"
COMPARED = 128  # samples looked for among the training pictures
COMPARED_WITH = 5000  # training pictures at most
PLACE: Mapping[str, Any] = {"device": "auto", "precision": "auto", "threads": None}  # what `studio.device.choose` takes
NOT_COMPARED = "it was stopped before its samples were compared with the training pictures"
_PREPARES = ("size", "channels", "classes", "seed")  # the parameters that pictures are prepared by
_TELL_EVERY = 10.0  # seconds

_log = logging.getLogger("studio")


@dataclass(frozen=True)
class Source:
    """What to train on and what to begin with, as the command line and the page ask for it.

    data: a folder or .zip; start: a model to begin with; background: the colour under transparent pixels.
    title, summary, license: for the card.
    """

    data: str
    start: str | None = None
    background: str = "white"
    title: str = ""
    summary: str = ""
    license: str = ""


@dataclass(frozen=True)
class Trained:
    """A model folder and how its training went; `copied` is a warning where samples copy training pictures."""

    folder: Path
    outcome: Outcome
    copied: str | None


def train(
    kind: str,
    source: Source,
    folder: str | Path,
    parameters: PictureTraining,
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
    Raises InputError for pictures or settings that cannot be used, ModelError, OutputError.
    """
    check_kind(kind, parameters)
    accelerator = device.accelerator()  # before anything is placed: it says which GPU is this process's own
    target = Path(folder)
    start = None if source.start is None else open_start(kind, source.start)
    if start is not None:
        parameters = in_the_shape_of(parameters, kind, start)
    with accelerator.main_process_first():  # the others find everything prepared
        if accelerator.is_main_process:
            _check_target(target, source, resume)
        data = _pictures(source, parameters, files.make_folder(target / TRAINING), resume)
    if accelerator.is_main_process:
        for line in data.report.in_words().splitlines():
            _log.info("%s", line)
    task = make_task(data, parameters, device, start, extractor)
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
    asked = asdict(source) | {"data": Path(source.data).name, "start": start and start.name}

    def save(outcome: Outcome, copied: str | None = None) -> None:
        task.save(target, card.facts(asked, data, parameters, device, outcome, "\n".join(commands), copied))

    try:
        outcome, copied = loop.train(callback), None
    except DivergedError as diverged:
        if accelerator.is_main_process and (best := loop.rescue("it diverged")):
            save(best)
            raise InputError(f"{diverged} The best until then, of step {best.step}, is in {target}.") from None
        raise
    if not outcome.finished:
        outcome = replace(outcome, notes=(*outcome.notes, NOT_COMPARED))
    if accelerator.is_main_process:
        save(outcome)
        if outcome.finished and (copied := _compare(task, data, device, target / TRAINING, extractor)):
            save(outcome, copied)
    accelerator.wait_for_everyone()
    return Trained(target, outcome, copied)


def read(source: Source, parameters: PictureTraining, cache: Path | None = None) -> PictureData:
    """The pictures that a training would use, with the report. Raises InputError."""
    told = time.monotonic()

    def tell(done: int, count: int) -> None:
        nonlocal told
        if time.monotonic() - told > _TELL_EVERY:
            told = time.monotonic()
            _log.info("%s of %s pictures prepared.", f"{done:,}", f"{count:,}")

    return read_folder(
        source.data,
        size=parameters.size,
        channels=parameters.channels,
        background=source.background,
        classes=parameters.classes,
        seed=parameters.seed,
        cache=cache,
        progress=tell,
    )


def settings_of(folder: str | Path) -> tuple[str, Source, PictureTraining, str]:
    """(kind, source, parameters, commands) that the training in a folder was begun with. Raises InputError."""
    path = Path(folder) / TRAINING / SETTINGS
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
    if target.resolve().is_relative_to(Path(source.data).resolve()):
        raise OutputError(f"{target} lies within the pictures in {source.data}; choose a folder outside of it.")
    if resume:
        return
    if checkpoint.exists(target / TRAINING):
        raise InputError(f"{target} holds a training already; add --resume to go on with it, or choose another folder.")
    for name in (hub.CONFIG, WEIGHTS, "README.md"):
        if (target / name).exists():
            raise OutputError(f"{target} holds a {name}, which would be overwritten; choose another folder.")


def _pictures(source: Source, parameters: PictureTraining, training: Path, resume: bool) -> PictureData:
    """What to train on: with `resume` the pictures as they were prepared, whatever has become of their files since."""
    cache = training / PICTURES
    if resume and (data := _as_begun(source, parameters, training)):
        return data
    return read(source, parameters, cache)


def _as_begun(source: Source, parameters: PictureTraining, training: Path) -> PictureData | None:
    try:
        kept = json.loads((training / SETTINGS).read_text(encoding="utf-8"))
        begun, before = Source(**kept["source"]), kept["parameters"]
        same = Path(begun.data).absolute() == Path(source.data).absolute() and begun.background == source.background
        if not same or any(before[name] != getattr(parameters, name) for name in _PREPARES):
            return None
        found = (pictures.kept(training / PICTURES, path.parent.name) for path in training.glob(f"{PICTURES}/*/*.json"))
        return next((data for data in found if data and data.fingerprint == kept["pictures"]), None)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _compare(
    task: PictureTask, data: PictureData, device: Device, folder: Path, extractor: VGGFeatures | None
) -> str | None:
    """Look for samples among the training pictures; leaves a sheet of pairs, and warns of copies."""
    training, count = data.pictures, len(data.pictures)
    if count > COMPARED_WITH:
        training = training[torch.arange(COMPARED_WITH) * count // COMPARED_WITH]  # evenly spread
        _log.info("Samples are looked for among %s of %s training pictures.", f"{COMPARED_WITH:,}", f"{count:,}")
    with device.computing(), torch.no_grad():
        samples = to_uint8(task.samples(COMPARED))
        found = originality.copies(samples, training, extractor or VGGFeatures(device))
    try:
        images.write_picture(originality.sheet(samples, training, found.nearest), folder / NEAREST)
    except OutputError as error:
        _log.warning("the sheet of nearest pictures could not be kept: %s", error)
    if found.warning:
        _log.warning("%s", found.warning)
    return found.warning


def _commands(target: Path, parameters: PictureTraining, command: str, resume: bool, moved: bool) -> list[str]:
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
    parameters: PictureTraining,
    data: PictureData,
    commands: list[str],
    place: Mapping[str, Any],
) -> None:
    settings: dict[str, Any] = {
        "kind": kind,
        "source": asdict(source),
        "parameters": parameters.to_dict(),
        "place": dict(place),
        "commands": commands,
        "pictures": data.fingerprint,
    }
    files.write_bytes(target / TRAINING / SETTINGS, (json.dumps(settings, indent=2) + "\n").encode())
