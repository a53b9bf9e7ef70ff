"""`studio style`: a photograph in the manner of paintings."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from studio.commands.common import PICTURES, Device, Json, Output, Precision, Quiet, Threads, report
from studio.media import files
from studio.options import with_options
from studio.style.parameters import StyleTransferParameters
from studio.terminal import Terminal

STOPPED = "Stopped early: this is the best so far. The same command again goes on from here."


@with_options(StyleTransferParameters)
def style(
    content: Annotated[Path, typer.Argument(help="The photograph.", show_default=False)],
    styles: Annotated[list[Path], typer.Argument(help="One or more paintings.", show_default=False)],
    output: Output,
    parameters: StyleTransferParameters,
    mask: Annotated[
        list[Path] | None, typer.Option(help="Where a style goes (white); one for all, or one for each.")
    ] = None,
    init_picture: Annotated[Path | None, typer.Option(help="A picture to start from.")] = None,
    model: Annotated[
        str, typer.Option(help="A shipped model, a folder, a torchvision VGG file, or a hub id.")
    ] = "vgg19",
    device: Device = "auto",
    precision: Precision = "auto",
    threads: Threads = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> bool:
    """Paint a photograph in the manner of one or more paintings.

    studio style photo.jpg wave.jpg -o out.png
    """
    terminal = Terminal(quiet or as_json)
    started = time.monotonic()
    target = files.check_writable(output, PICTURES)
    for path in [content, *styles, *(mask or ()), *([init_picture] if init_picture else ())]:
        files.check_readable(path)
        files.check_distinct(target, path)
    from studio.pipelines.style_transfer import StyleTransferPipeline

    pipe = StyleTransferPipeline.from_pretrained(model, device=device, precision=precision, threads=threads)
    keep_in = files.partial(target)
    with terminal.work() as callback:
        result = pipe(
            content,
            list(styles),
            masks=mask or (),
            init_picture=init_picture,
            parameters=parameters,
            callback=callback,
            keep_in=keep_in,
        )
    result.save(target)
    if result.finished:
        keep_in.unlink(missing_ok=True)
    return report(target, result, time.monotonic() - started, terminal, as_json, stopped=STOPPED)
