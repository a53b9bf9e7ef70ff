"""`studio evaluate`: the figures of a model, as its card quotes them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from studio.commands.common import PICTURES, Device, Generator, Json, Precision, Quiet, Threads
from studio.generation.parameters import SEEDS
from studio.media import files
from studio.terminal import Terminal


def evaluate(
    model: Generator,
    data: Annotated[Path, typer.Option(help="A folder of pictures, or a .zip of one.", show_default=False)],
    count: Annotated[int, typer.Option(help="Samples to measure.", min=8, max=50_000)] = 1000,
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
    """Measure a model's samples against pictures, and look for copies among them.

    FID, KID, precision and recall in features of VGG-19; of a VAE the error of reconstructions as well, of the pictures
    held out where it was trained on these ones. Lower FID and KID are better; compare only figures of equal numbers.

    studio evaluate my-model --data pictures --sheet nearest.png
    """
    terminal = Terminal(quiet or as_json)
    if sheet is not None:
        files.check_writable(sheet, PICTURES)
    from studio.device import choose
    from studio.media import images
    from studio.metrics.extractor import InceptionFeatures, VGGFeatures
    from studio.pipelines.evaluation import evaluate as measure
    from studio.pipelines.generators import load_generator

    place = choose(device, precision, threads)
    pipe = load_generator(model, device=device, precision=precision, threads=threads)
    others = [] if inception is None else [InceptionFeatures(inception, place)]
    with terminal.work("") as callback:
        found = measure(pipe, data, VGGFeatures(place), others, count=count, seed=seed, callback=callback)
    if sheet is not None:
        images.write_picture(found.sheet, sheet)
    print(json.dumps(found.to_dict() | {"sheet": sheet and str(sheet)}) if as_json else found.in_words())
