"""`studio image` and `studio blend`: pictures by a DCGAN or a VAE, and pictures that went through a VAE."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from studio.commands.common import PICTURES, Device, Generator, Json, Output, Precision, Quiet, Threads, report
from studio.generation.parameters import BlendParameters, ImageParameters
from studio.media import files
from studio.options import with_options
from studio.terminal import Terminal


@with_options(ImageParameters)
def image(
    model: Generator,
    output: Annotated[
        Path,
        typer.Option("--output", "-o", help="One picture or a grid: .png, .jpg or .webp; any number: a folder's name."),
    ],
    parameters: ImageParameters,
    device: Device = "auto",
    precision: Precision = "auto",
    threads: Threads = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> bool:
    """Make pictures with a DCGAN or a VAE.

    studio image my-model -o sheet.png --count 64 --grid --seed 7
    """
    terminal = Terminal(quiet or as_json)
    started = time.monotonic()
    from studio.generation import layout

    layout.targets(output, 1 if parameters.grid else parameters.count)
    from studio.pipelines.generators import fitting, load_generator

    pipe = load_generator(model, device=device, precision=precision, threads=threads)
    chosen = pipe.parameters(**fitting(pipe, parameters))
    with terminal.work() as callback:
        result = pipe(parameters=chosen, callback=callback)
    result.save(output)
    return report(output, result, time.monotonic() - started, terminal, as_json)


@with_options(BlendParameters)
def blend(
    model: Annotated[str, typer.Argument(help="A VAE: a shipped model, a folder, or a hub id.", show_default=False)],
    pictures: Annotated[
        list[Path], typer.Argument(help="Two or more; one alone comes back as the VAE knows it.", show_default=False)
    ],
    output: Output,
    parameters: BlendParameters,
    device: Device = "auto",
    precision: Precision = "auto",
    threads: Threads = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> bool:
    """Blend pictures in the latent space of a VAE, or show the way from one to another.

    studio blend my-vae one.png other.png -o between.png --steps 8
    """
    terminal = Terminal(quiet or as_json)
    started = time.monotonic()
    target = files.check_writable(output, PICTURES)
    for path in pictures:
        files.check_readable(path)
        files.check_distinct(target, path)
    from studio.pipelines.vae import VAEPipeline

    pipe = VAEPipeline.from_pretrained(model, device=device, precision=precision, threads=threads)
    result = pipe.blend(list(pictures), parameters=parameters)
    result.save(target)
    return report(target, result, time.monotonic() - started, terminal, as_json)
