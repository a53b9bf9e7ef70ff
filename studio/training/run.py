"""A folder of pictures  →  a model folder: read, train, check that it copies nothing, write.

    trained = train("dcgan", "pictures", "my-model", DCGANTrainingParameters(minutes=10), device=choose())

What belongs to the training alone lies in `my-model/training`: settings, checkpoints, sample sheets, logs.
"""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from studio import __version__, hub
from studio.data.folder import read_folder
from studio.data.pictures import PictureData
from studio.data.tensors import to_uint8
from studio.device import Device
from studio.errors import InputError, ModelError, OutputError
from studio.media import files, images
from studio.metrics import originality
from studio.metrics.extractor import VGGFeatures
from studio.networks.dcgan import DCGANConfig
from studio.progress import Callback, in_words
from studio.training import checkpoint, lora
from studio.training.loop import Loop, Outcome
from studio.training.tasks.dcgan import DCGANTask, DCGANTrainingParameters
from studio.training.tasks.vae import VAETask, VAETrainingParameters
from studio.zoo import dcgan, vae
from studio.zoo.folder import shape_of

KINDS = {"dcgan": DCGANTrainingParameters, "vae": VAETrainingParameters}
SETTINGS = "settings.json"
COMPARED = 128  # samples looked for among the training pictures

PictureTraining = DCGANTrainingParameters | VAETrainingParameters

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
) -> Trained:
    """Train, and write the model into `folder`, from where its pipeline loads it.

    resume: go on with what is in the folder. command: what was typed, for the card. callback: as everywhere; returning
    True stops, and what was learnt is written all the same.
    Raises InputError for pictures or settings that cannot be used, ModelError, OutputError.
    """
    target = files.make_folder(folder)
    if checkpoint.exists(target / "training") and not resume:
        raise InputError(f"{target} holds a training already; add --resume to go on with it, or choose another folder.")
    files.make_folder(target / "training")
    start = _open(kind, source.start)
    if start is not None:
        parameters = _in_the_shape_of(parameters, start)
    data = read(source, parameters, target / "training")
    for line in data.report.in_words().splitlines():
        _log.info("%s", line)
    _write_settings(target / "training", kind, source, parameters, command)
    task = _task(kind, data, parameters, device, start)
    outcome = Loop(task, parameters, device, target).run(callback, resume=resume)
    copied = _compare(task, data, device, target / "training")
    task.save(target, _facts(source, data, parameters, device, outcome, command, copied))
    return Trained(target, outcome, copied)


def read(source: Source, parameters: PictureTraining, cache: Path | None = None) -> PictureData:
    """The pictures that a training would use, with the report. Raises InputError."""
    return read_folder(
        source.data,
        size=parameters.size,
        channels=parameters.channels,
        background=source.background,
        classes=parameters.classes,
        seed=parameters.seed,
        cache=cache,
    )


def settings_of(folder: str | Path) -> tuple[str, Source, PictureTraining, str]:
    """(kind, source, parameters, command) that the training in a folder was begun with. Raises InputError."""
    path = Path(folder) / "training" / SETTINGS
    if not path.is_file():
        raise InputError(f"There is no training to go on with in {folder}; leave out --resume to begin one.")
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        source = Source(**kept["source"])
        return kept["kind"], source, KINDS[kept["kind"]](**kept["parameters"]), str(kept.get("command", ""))
    except (ValueError, KeyError, TypeError):
        raise InputError(f"{path} cannot be read; give the settings again, or choose another folder.") from None


def _open(kind: str, start: str | None) -> hub.Model | None:
    if kind not in KINDS:
        raise InputError(f"Studio does not train a {kind!r}; it trains {', '.join(KINDS)}.")
    return None if start is None else hub.find(start)


def _in_the_shape_of(parameters: PictureTraining, start: hub.Model) -> PictureTraining:
    """A network that was trained before keeps its size and its colours."""
    shape = start.config.get("shape", {})
    if not isinstance(shape, dict) or "size" not in shape or "channels" not in shape:
        raise ModelError(f"{start.name} is no model to begin with: give a DCGAN or a VAE; `studio models` lists them.")
    return parameters.changed(size=shape["size"], channels=shape["channels"])


def _task(
    kind: str, data: PictureData, parameters: PictureTraining, device: Device, start: hub.Model | None
) -> DCGANTask | VAETask:
    lora.check_absent(parameters.lora_rank, kind)
    if isinstance(parameters, DCGANTrainingParameters):
        if start is not None:
            shape_of(start, dcgan.NETWORK, DCGANConfig)
        known = None if start is None else (dcgan.load_generator(start), dcgan.load_discriminator(start))
        return DCGANTask(data, parameters, device, start=known)
    return VAETask(data, parameters, device, start=None if start is None else vae.load_vae(start))


def _compare(task: DCGANTask | VAETask, data: PictureData, device: Device, folder: Path) -> str | None:
    """Look for samples among the training pictures; leaves a sheet of pairs, and warns of copies."""
    with device.computing(), torch.no_grad():
        samples = to_uint8(task.samples(COMPARED))
        extractor = VGGFeatures(device)
        found = originality.copies(samples, data.pictures, extractor)
    try:
        images.write_picture(originality.sheet(samples, data.pictures, found.nearest), folder / "nearest.png")
    except OutputError as error:
        _log.warning("the sheet of nearest pictures could not be kept: %s", error)
    if found.warning:
        _log.warning("%s", found.warning)
    return found.warning


def _facts(
    source: Source,
    data: PictureData,
    parameters: PictureTraining,
    device: Device,
    outcome: Outcome,
    command: str,
    copied: str | None,
) -> dict[str, Any]:
    """What goes into the config and the card."""
    figures = {} if outcome.best is None else {f"{outcome.best.name} (at step {outcome.best.step})": outcome.best.value}
    figures |= {} if outcome.best is None else dict(outcome.best.figures)
    return {
        "title": source.title,
        "summary": source.summary,
        "license": source.license,
        "data": {
            "source": Path(source.data).name,
            "used": data.report.used,
            "classes": dict(data.report.classes),
            "report": data.report.in_words().splitlines(),
            "fingerprint": data.fingerprint,
        },
        "training": {
            "parameters": parameters.to_dict(),
            "from": source.start,
            "steps": outcome.step,
            "seen": outcome.step * parameters.batch_size,
            "time": in_words(outcome.seconds),
            "device": device.name_and_precision,
            "ended": outcome.why,
            "studio": __version__,
            "command": command,
            "notes": [*outcome.notes, *([copied] if copied else [])],
        },
        "metrics": figures,
    }


def _write_settings(folder: Path, kind: str, source: Source, parameters: PictureTraining, command: str) -> None:
    settings = {"kind": kind, "source": asdict(source), "parameters": parameters.to_dict(), "command": command}
    files.write_bytes(folder / SETTINGS, (json.dumps(settings, indent=2) + "\n").encode())
