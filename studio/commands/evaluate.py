"""`studio evaluate`: the figures of a model, as its card quotes them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from studio.commands.common import PICTURES, Device, Json, Precision, Quiet, Threads
from studio.errors import InputError, OutputError
from studio.generation.parameters import SEEDS
from studio.media import files
from studio.terminal import Terminal

if TYPE_CHECKING:
    from studio.pipelines.evaluation import Evaluation
    from studio.pipelines.melody_evaluation import MelodyEvaluation
    from studio.pipelines.text_evaluation import TextEvaluation


def evaluate(
    model: Annotated[
        str,
        typer.Argument(
            help="A DCGAN, a VAE, a melody or a text model: a shipped one, a folder, or a hub id.", show_default=False
        ),
    ],
    data: Annotated[
        Path,
        typer.Option(
            help="A folder of pictures, or of tunes for a melody model, or a .zip; a text or a folder of them.",
            show_default=False,
        ),
    ],
    count: Annotated[
        int | None,
        typer.Option(
            help="Samples to measure.", min=8, max=50_000, show_default="1000 pictures, 500 tunes or 50 texts"
        ),
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
    """Measure a model's samples against pictures, tunes or texts, and look for copies among them.

    Of pictures: FID, KID, precision and recall in features of VGG-19; of a VAE the error of reconstructions as well, of
    the pictures held out where it was trained on these ones. Lower FID and KID are better; compare only figures of
    equal numbers.

    Of tunes: nats a note and accuracy, on those held out where the model was trained on these ones, and what its own
    tunes measure beside real ones.

    Of texts: bits a byte on the tail held out, beside an n-gram model and xz, what its own texts repeat and copy, and
    how well they keep a form.

    studio evaluate my-model --data pictures --sheet nearest.png
    """
    terminal = Terminal(quiet or as_json)
    if sheet is not None:
        files.check_writable(sheet, PICTURES)
        if Path(os.path.realpath(sheet)).is_relative_to(os.path.realpath(data)):
            raise OutputError(f"{sheet} lies within {data}, which is measured; choose a place outside of it.")
    from studio import hub
    from studio.zoo.causal_lm import is_language_model
    from studio.zoo.folder import network_of
    from studio.zoo.melody import NETWORK

    place = {"device": device, "precision": precision, "threads": threads}
    chosen = {"seed": seed} if count is None else {"seed": seed, "count": count}
    found: Evaluation | MelodyEvaluation | TextEvaluation
    opened = hub.find(model)
    if network_of(opened) == NETWORK or is_language_model(opened):
        what, measure = ("texts", _of_texts) if is_language_model(opened) else ("melodies", _of_tunes)
        for name, given in (("sheet", sheet), ("inception", inception)):
            if given is not None:
                raise InputError(f"{model} makes {what}, of which there is no --{name}; leave it out.")
        found = measure(model, data, chosen, place, terminal)
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


def _of_texts(
    model: str, data: Path, chosen: dict[str, int], place: dict[str, Any], terminal: Terminal
) -> TextEvaluation:
    from studio.pipelines.text import TextPipeline
    from studio.pipelines.text_evaluation import evaluate_text

    pipe = TextPipeline.from_pretrained(model, **place)
    with terminal.work("") as callback:
        return evaluate_text(pipe, data, callback=callback, **chosen)


def _of_pictures(
    model: str, data: Path, inception: Path | None, chosen: dict[str, int], place: dict[str, Any], terminal: Terminal
) -> Evaluation:
    from studio.device import choose
    from studio.metrics.extractor import InceptionFeatures, VGGFeatures
    from studio.pipelines.evaluation import evaluate as measure
    from studio.pipelines.generators import load_generator

    seen_on = choose(place["device"], place["precision"], place["threads"])
    pipe = load_generator(model, **place)
    others = [] if inception is None else [InceptionFeatures(inception, seen_on)]
    with terminal.work("") as callback:
        return measure(pipe, data, VGGFeatures(seen_on), others, callback=callback, **chosen)
