"""`studio evaluate`: the figures of a model, as its card quotes them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from studio.commands.common import PICTURES, Device, Json, Precision, Quiet, Threads
from studio.errors import InputError
from studio.generation.parameters import SEEDS
from studio.media import files
from studio.terminal import Terminal

if TYPE_CHECKING:
    from studio.pipelines.evaluation import Evaluation
    from studio.pipelines.melody_evaluation import MelodyEvaluation


def evaluate(
    model: Annotated[
        str,
        typer.Argument(
            help="A DCGAN, a VAE or a melody model: a shipped one, a folder, or a hub id.", show_default=False
        ),
    ],
    data: Annotated[
        Path, typer.Option(help="A folder of pictures, or of tunes for a melody model; or a .zip.", show_default=False)
    ],
    count: Annotated[
        int | None,
        typer.Option(help="Samples to measure.", min=8, max=50_000, show_default="1000 pictures or 500 tunes"),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the first sample; others follow.", min=0, max=SEEDS - 1)] = 0,
    sheet: Annotated[
        Path | None, typer.Option(help="Where to show samples beside the nearest pictures: .png, .jpg or .webp.")
    ] = None,
    inception: Annotated[
        Path | None, typer.Option(help="A TorchScript Inception of your own, to measure FID-Inception with as well.")
    ] = None,
    device: Device = "auto",
    precision: Precision = "auto",
    threads: Threads = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Measure a model's samples against pictures or tunes, and look for copies among them.

    Of pictures: FID, KID, precision and recall in features of VGG-19; of a VAE the error of reconstructions as well, of
    the pictures held out where it was trained on these ones. Lower FID and KID are better; compare only figures of
    equal numbers.

    Of tunes: nats a note and accuracy, on those held out where the model was trained on these ones, and what its own
    tunes measure beside real ones.

    studio evaluate my-model --data pictures --sheet nearest.png
    """
    terminal = Terminal(quiet or as_json)
    if sheet is not None:
        files.check_writable(sheet, PICTURES)
    from studio import hub
    from studio.zoo.folder import network_of
    from studio.zoo.melody import NETWORK

    place = {"device": device, "precision": precision, "threads": threads}
    chosen = {"seed": seed} if count is None else {"seed": seed, "count": count}
    found: Evaluation | MelodyEvaluation
    if network_of(hub.find(model)) == NETWORK:
        for name, given in (("sheet", sheet), ("inception", inception)):
            if given is not None:
                raise InputError(f"{model} makes melodies, of which there is no --{name}; leave it out.")
        found = _of_tunes(model, data, chosen, place, terminal)
        as_dict = found.to_dict()
    else:
        found = _of_pictures(model, data, inception, chosen, place, terminal)
        as_dict = found.to_dict() | {"sheet": sheet and str(sheet)}
        if sheet is not None:
            from studio.media import images

            images.write_picture(found.sheet, sheet)
    print(json.dumps(as_dict) if as_json else found.in_words())


def _of_tunes(
    model: str, data: Path, chosen: dict[str, int], place: dict[str, Any], terminal: Terminal
) -> MelodyEvaluation:
    from studio.pipelines.melody import MelodyPipeline
    from studio.pipelines.melody_evaluation import evaluate_melodies

    pipe = MelodyPipeline.from_pretrained(model, **place)
    with terminal.work("") as callback:
        return evaluate_melodies(pipe, data, callback=callback, **chosen)


def _of_pictures(
    model: str, data: Path, inception: Path | None, chosen: dict[str, int], place: dict[str, Any], terminal: Terminal
) -> Evaluation:
    from studio.device import choose
    from studio.metrics.extractor import InceptionFeatures, VGGFeatures
    from studio.pipelines.evaluation import evaluate as measure
    from studio.pipelines.generators import load_generator

    seen_on = choose(**place)
    pipe = load_generator(model, **place)
    others = [] if inception is None else [InceptionFeatures(inception, seen_on)]
    with terminal.work("") as callback:
        return measure(pipe, data, VGGFeatures(seen_on), others, callback=callback, **chosen)
