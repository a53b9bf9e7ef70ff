"""How good a model is, and whether it makes copies: the figures that its card quotes, of pictures of one's own choice.

found = evaluate(load_generator("my-model"), "pictures", VGGFeatures(choose()))
print(found.in_words())
"""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from studio.data.folder import read_folder
from studio.data.pictures import PictureData
from studio.data.tensors import to_network, to_pictures, to_uint8
from studio.errors import InputError, StoppedError
from studio.metrics import originality
from studio.metrics.evaluate import ReconstructionScores, Scores, compare_features, reconstruction
from studio.metrics.extractor import Extractor, VGGFeatures
from studio.pipelines.generator import GeneratorPipeline, progress
from studio.progress import Callback

FEWEST, MOST = 8, 50_000  # samples
COMPARED = 1000  # samples looked for among the pictures, at most
MEASURED = 5000  # pictures that samples are measured against, at most
RECONSTRUCTED = 500  # pictures, at most

_log = logging.getLogger("studio")


@dataclasses.dataclass(frozen=True, eq=False)
class Evaluation:
    """What was measured.

    scores: of samples against the pictures, one for each extractor; reconstructions: of a VAE, None of a GAN;
    unseen: whether those were of pictures that were held out when the model was trained; copies: a warning where
    samples are copies, or None; sheet: samples with the nearest picture beside each, the nearest of them all.
    made: samples that were measured; compared: how many of these, the first, copies were looked for among.
    """

    scores: tuple[Scores, ...]
    reconstructions: ReconstructionScores | None
    unseen: bool
    copies: str | None
    sheet: Image.Image
    made: int
    compared: int

    def in_words(self) -> str:
        """A few lines, without a newline at the end."""
        lines = [scores.in_words() for scores in self.scores]
        if self.reconstructions is not None:
            what = "pictures held out from training" if self.unseen else "pictures given"
            lines.append(f"Reconstructions of {what}: {self.reconstructions.in_words()}")
        first = f"Of the first {self.compared:,} samples none" if self.compared < self.made else "No sample"
        return "\n".join([*lines, self.copies or f"{first} is a copy of a picture."])

    def to_dict(self) -> dict[str, Any]:
        """Every figure by its name, for JSON."""
        made = self.reconstructions
        return {
            "scores": [scores.to_dict() for scores in self.scores],
            "reconstructions": None if made is None else made.to_dict() | {"held_out": self.unseen},
            "copies": self.copies,
            "compared": self.compared,
        }


def evaluate(
    pipe: GeneratorPipeline,
    folder: str | Path,
    vgg: VGGFeatures,
    others: Sequence[Extractor] = (),
    *,
    count: int = 1000,
    seed: int = 0,
    callback: Callback | None = None,
) -> Evaluation:
    """Measure the samples of the seeds from `seed` on against a folder (or .zip) of pictures.

    vgg: measures, reconstructs and looks for copies; others: measure as well. callback: called while samples are made.
    Where the folder is the one that the model was trained on, reconstructions are of the pictures held out then.
    Raises InputError, and StoppedError when the callback returns True.
    """
    if not FEWEST <= count <= MOST:
        raise InputError(f"Expected {FEWEST} to {MOST:,} samples, got {count}.")
    data, trained_on = _pictures(pipe, Path(folder))
    for line in data.report.in_words().splitlines():
        _log.info("%s", line)
    samples = _samples(pipe, count, seed, callback)
    everything = torch.cat([data.pictures, data.held_out])
    real = everything[:: -(-len(everything) // MEASURED)]
    with vgg.device.computing():
        scores = [
            compare_features(extractor(samples), extractor(real), extractor.name, seed) for extractor in (vgg, *others)
        ]
        found = originality.copies(samples[:COMPARED], everything, vgg)
        made = _reconstructed(pipe, data, trained_on, vgg)
    return Evaluation(
        tuple(dataclasses.replace(one, size=int(samples.shape[3])) for one in scores),
        made,
        trained_on,
        found.warning,
        originality.sheet(samples[:COMPARED], everything, found.nearest),
        len(samples),
        min(COMPARED, len(samples)),
    )


def _pictures(pipe: GeneratorPipeline, folder: Path) -> tuple[PictureData, bool]:
    """The pictures as they were prepared for the model, and whether they are those that it was trained on."""
    facts = pipe.origin.config if pipe.origin else {}
    begun, training = facts.get("data", {}), facts.get("training", {}).get("parameters", {})
    data = read_folder(
        folder,
        size=pipe.config.size,
        channels=pipe.config.channels,
        background=begun.get("background", "white"),
        classes=bool(pipe.classes),
        seed=training.get("seed", 0),
    )
    unknown = [name for name in data.class_names if name not in pipe.classes]
    if unknown:
        raise InputError(f"{folder} has a class {unknown[0]!r}, and {pipe.model.name} has {', '.join(pipe.classes)}.")
    return data, data.fingerprint == begun.get("fingerprint")


@torch.no_grad()
def _samples(pipe: GeneratorPipeline, count: int, seed: int, callback: Callback | None) -> Tensor:
    """(count, C, S, S) uint8; the classes in turn."""
    made, began = [], time.monotonic()
    labels = pipe.labels_of((), count)
    with pipe.device.computing():
        for number in range(count):
            label = None if labels is None else torch.tensor(labels[number : number + 1])
            picture = pipe.decode(pipe.latents_of([seed + number]), label).cpu()
            made.append(to_uint8(picture))
            told = progress(number + 1, count, began, "making samples", to_pictures(picture)[0]) if callback else None
            if callback and told and callback(told):
                raise StoppedError("stopped; nothing was measured.")
    return torch.cat(made)


@torch.no_grad()
def _reconstructed(
    pipe: GeneratorPipeline, data: PictureData, trained_on: bool, vgg: VGGFeatures
) -> ReconstructionScores | None:
    pictures, labels = data.held_out, data.held_out_labels
    if not trained_on:
        pictures, labels = torch.cat([data.pictures, pictures]), torch.cat([data.labels, labels])
    every = -(-len(pictures) // RECONSTRUCTED)
    pictures, labels = pictures[::every], labels[::every]
    numbers = torch.tensor([pipe.classes.index(name) for name in data.class_names], dtype=torch.long)
    made = []
    for index in range(len(pictures)):
        label = numbers[labels[index : index + 1]] if len(numbers) else None
        latent = pipe.encode(to_network(pictures[index : index + 1]), label)
        if latent is None:
            return None
        made.append(to_uint8(pipe.decode(latent, label).cpu()))
    return reconstruction(pictures, torch.cat(made), vgg)
