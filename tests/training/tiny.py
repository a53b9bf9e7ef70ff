"""Trainings that take a second: narrow networks, few small pictures, a VGG-19 of a few channels. All of it is real."""

from __future__ import annotations

import json
import os
import random
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as functional
from PIL import Image
from torch import Tensor, nn

from studio.device import Device, choose
from studio.media.abc_writer import write_tune
from studio.media.state import read_state
from studio.metrics.extractor import VGGFeatures
from studio.music.melody import Melody, Note
from studio.music.theory import Key, Meter
from studio.networks.vgg import BLOCKS, VGG, VGGConfig
from studio.progress import Progress
from studio.training.mediums import melodies, pictures
from studio.training.parameters import KINDS
from studio.training.run import Source, Trained, train
from studio.training.tasks import dcgan, vae

DEFAULTS: dict[str, Any] = {"width": 8, "batch_size": 8, "steps": 12, "check_every": 1000, "ema": 0.9}
SCALE = (0, 2, 4, 5, 7, 9, 11, 12)
# Fewer samples than usual, in this process and in those that these tests start.
dcgan.MEASURED, vae.SAMPLED, pictures.COMPARED, melodies.COMPARED = 40, 40, 20, 4
EXTRA: dict[str, dict[str, Any]] = {
    "dcgan": {"latent": 8},
    "vae": {"latent": 8, "perceptual": 1.0, "beta_warmup": 10, "warmup": 4},
    "melody": {"dropout": 0.0},  # which draws by process
    "text": {"layers": 1, "heads": 2, "context": 16, "vocabulary": 300, "warmup": 2},
}


class TinyVGG(VGG):
    """VGG-19 with 4 to 8 channels and seeded weights, which looks at pictures a quarter of their size."""

    def __init__(self) -> None:
        nn.Module.__init__(self)
        self.config = VGGConfig()
        generator, width = torch.Generator().manual_seed(0), 3
        for block, (count, channels) in enumerate(zip(BLOCKS[19], (4, 4, 8, 8, 8), strict=True), 1):
            for position in range(1, count + 1):
                convolution = nn.Conv2d(width, channels, 3, padding=1)
                nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu", generator=generator)
                nn.init.zeros_(convolution.bias)
                self.add_module(f"conv{block}_{position}", convolution)
                width = channels
        self.requires_grad_(False)

    def _normalized(self, pictures: Tensor) -> Tensor:
        return super()._normalized(functional.avg_pool2d(pictures, 4))


def cpu(precision: str = "float32") -> Device:
    """One thread, so that every machine does the same."""
    return choose("cpu", precision, threads=1)


def parameters(kind: str, **changes: Any) -> Any:
    return KINDS[kind](**(DEFAULTS | EXTRA[kind] | changes))


def draw(folder: Path, count: int = 40, size: tuple[int, int] = (64, 64), seed: int = 0) -> Path:
    """A folder of smooth colour fields, no two of them alike."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        noise = np.random.default_rng(seed + number).integers(0, 256, (5, 5, 3), dtype=np.uint8)
        Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC).save(folder / f"{seed + number:03}.png")
    return folder


def tune(number: int, notes: int = 31) -> Melody:
    """Bars that go by step and leap at random and end on the tonic; no two alike."""
    chance, place, made = random.Random(number), 4, []
    for _ in range(notes):
        place = min(7, max(0, place + chance.choice([-2, -1, -1, 1, 1, 2])))
        made.append(Note(62 + SCALE[place], 24))
    return Melody((*made, Note(62, 24)), Key.named("D"), Meter.named("4/4"))


def write_tunes(path: Path, tunes: Iterable[Melody]) -> None:
    """A book of ABC."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n\n".join(write_tune(melody, f"Tune {number}") for number, melody in enumerate(tunes)))


def run(
    kind: str,
    data: Path,
    folder: Path,
    *,
    precision: str = "float32",
    resume: bool = False,
    start: str | None = None,
    callback: Callable[[Progress], bool | None] | None = None,
    command: str = "",
    **changes: Any,
) -> Trained:
    device = cpu(precision)
    return train(
        kind,
        Source(str(data), start=start, license="CC0-1.0"),
        folder,
        parameters(kind, **changes),
        device,
        resume=resume,
        command=command or f"studio train {kind}",
        callback=callback,
        extractor=VGGFeatures(device, TinyVGG()),
    )


def weights(folder: Path) -> dict[str, Tensor]:
    """Every network and average in the last checkpoint, by name."""
    state = read_state(folder / "training" / "last.safetensors")
    return {
        f"{part}.{network}.{name}": tensor
        for part in ("networks", "averages")
        for network, tensors in state[part].items()
        for name, tensor in tensors.items()
    }


def curve(folder: Path) -> dict[str, Any]:
    """What the last checkpoint says of the losses."""
    kept: dict[str, Any] = read_state(folder / "training" / "last.safetensors")["curve"]
    return kept


def files_of(folder: Path) -> dict[str, bytes]:
    """The model folder, without what belongs to the training."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}


def contents(folder: Path) -> dict[str, bytes | None]:
    """Everything in a folder by its path, and None for the folders in it."""
    found = sorted(folder.rglob("*"))
    return {path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None for path in found}


if __name__ == "__main__":  # under `accelerate launch`: [[kind, data, folder, {parameters}], …]
    from accelerate import PartialState

    assert os.environ.get("WORLD_SIZE") == "2"
    for kind, data, folder, changes in json.loads(sys.argv[1]):
        run(kind, Path(data), Path(folder), **changes)
        assert PartialState().num_processes == 2
    PartialState().destroy_process_group()
