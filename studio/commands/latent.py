"""`studio walk`, `studio project` and `studio directions`: what there is between and around the pictures of a model."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from studio.commands.common import FILMS, PICTURES, Device, Generator, Json, Output, Precision, Quiet, Threads, report
from studio.generation.parameters import DirectionsParameters, ProjectionParameters, WalkParameters
from studio.media import files
from studio.options import with_options
from studio.terminal import Terminal


@with_options(WalkParameters)
def walk(
    model: Generator,
    output: Annotated[Path, typer.Option("--output", "-o", help="Where the film goes: .mp4.")],
    parameters: WalkParameters,
    picture: Annotated[
        list[Path] | None, typer.Option(help="A picture as a keyframe; may be given again.", show_default=False)
    ] = None,
    device: Device = "auto",
    precision: Precision = "auto",
    threads: Threads = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> bool:
    """Film a walk through the latent space of a DCGAN or a VAE, from keyframe to keyframe.

    studio walk my-model -o film.mp4 --keyframes 6 --seconds 12 --seed 7
    """
    terminal = Terminal(quiet or as_json)
    started = time.monotonic()
    target = files.check_writable(output, FILMS)
    for path in picture or ():
        files.check_readable(path)
    from studio.pipelines.walk import WalkPipeline

    pipe = WalkPipeline.from_pretrained(model, device=device, precision=precision, threads=threads)
    with terminal.work(kept="") as callback:
        result = pipe(pictures=picture or (), parameters=parameters, callback=callback)
        result.save(target)
    return report(target, result, time.monotonic() - started, terminal, as_json)


@with_options(ProjectionParameters)
def project(
    model: Generator,
    picture: Annotated[Path, typer.Argument(help="The picture to look for.", show_default=False)],
    output: Output,
    parameters: ProjectionParameters,
    device: Device = "auto",
    precision: Precision = "auto",
    threads: Threads = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> bool:
    """Search for the latent that comes closest to a picture, and show what a DCGAN or a VAE makes of it.

    studio project my-model photo.jpg -o closest.png --beside
    """
    terminal = Terminal(quiet or as_json)
    started = time.monotonic()
    target = files.check_writable(output, PICTURES)
    files.check_readable(picture)
    files.check_distinct(target, picture)
    from studio.pipelines.projection import ProjectionPipeline

    pipe = ProjectionPipeline.from_pretrained(model, device=device, precision=precision, threads=threads)
    with terminal.work() as callback:
        result = pipe(picture, parameters=parameters, callback=callback)
    result.save(target)
    return report(target, result, time.monotonic() - started, terminal, as_json)


@with_options(DirectionsParameters)
def directions(
    model: Generator,
    output: Output,
    parameters: DirectionsParameters,
    device: Device = "auto",
    precision: Precision = "auto",
    threads: Threads = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> bool:
    """Find what a DCGAN or a VAE varies most, and draw a sheet of it: a row for each direction and picture.

    studio directions my-model -o directions.png --count 6
    """
    terminal = Terminal(quiet or as_json)
    started = time.monotonic()
    target = files.check_writable(output, PICTURES)
    from studio.pipelines.directions import DirectionsPipeline

    pipe = DirectionsPipeline.from_pretrained(model, device=device, precision=precision, threads=threads)
    result = pipe(parameters=parameters)
    result.save(target)
    return report(target, result, time.monotonic() - started, terminal, as_json)
