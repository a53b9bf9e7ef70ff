"""`studio melody`: tunes, as MIDI, sound, piano roll and score."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from studio.commands.common import TUNES, Device, Json, Quiet, Threads, report
from studio.errors import InputError, OutputError
from studio.media import files
from studio.melody.parameters import MelodyParameters
from studio.options import with_options
from studio.terminal import Terminal

STOPPED = "Stopped early: these tunes were whole."


@with_options(MelodyParameters)
def melody(
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            help="A tune: .mid, .wav, .png, .svg or .abc; several: a folder's name.",
            show_default=False,
        ),
    ],
    parameters: MelodyParameters,
    model: Annotated[str, typer.Option(help="A shipped model, a folder, or a hub id.")] = "melody-folk",
    primer: Annotated[
        Path | None, typer.Option(help="A tune to go on with: MIDI, ABC or MusicXML.", show_default=False)
    ] = None,
    toward: Annotated[
        Path | None, typer.Option(help="A second one, to lead to from the first in --count tunes.", show_default=False)
    ] = None,
    wav: Annotated[bool, typer.Option("--wav", help="As sound too, beside it.")] = False,
    roll: Annotated[bool, typer.Option("--roll", help="As a piano roll too, .png beside it.")] = False,
    score: Annotated[bool, typer.Option("--score", help="As a score too, .abc beside it.")] = False,
    soundfont: Annotated[
        Path | None, typer.Option(help="An .sf2 file to play with, instead of the one that comes along.")
    ] = None,
    device: Device = "auto",
    threads: Threads = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> bool:
    """Write melodies: in any key, mode and metre, exactly as many bars as asked for.

    studio melody -o tune.mid --bars 16 --key D --meter 6/8 --seed 7 --wav --roll
    """
    terminal = Terminal(quiet or as_json)
    started = time.monotonic()
    forms = [suffix for suffix, wanted in ((".wav", wav), (".png", roll), (".abc", score)) if wanted]
    alone = output.suffix.lower() in TUNES
    if parameters.count > 1 and alone:
        raise OutputError(f"Cannot write {parameters.count} tunes into {output}; give the name of a folder.")
    if parameters.count == 1:
        for path in (output, *(output.with_suffix(suffix) for suffix in forms)):
            files.check_writable(path, TUNES)
    else:
        files.make_folder(output)
    for given in (primer, toward):
        if given is not None:
            files.check_readable(given)
            if alone:
                files.check_distinct(output, given)
    if toward is not None and primer is None:
        raise InputError("Expected --primer besides --toward: the tune to begin with.")
    from studio.media import audio

    if wav or output.suffix.lower() in audio.SUFFIXES:
        audio.renderer(soundfont)  # says at once where nothing can play
        if soundfont is not None:
            audio.check_soundfont(soundfont)
    from studio.pipelines.melody import MelodyPipeline

    pipe = MelodyPipeline.from_pretrained(model, device=device, threads=threads)
    with terminal.work() as callback:
        result = pipe(primer=primer, toward=toward, parameters=parameters, callback=callback)
    if parameters.count == 1:
        for path in (output, *(output.with_suffix(suffix) for suffix in forms)):
            result.save(path, soundfont=soundfont)
    else:
        for suffix in (".mid", *forms):
            result.save_all(output, suffix, soundfont=soundfont)
    if parameters.count == 1 and not terminal.quiet:
        near = result.nearest[0]
        terminal.say(f"Nearest tune that was learnt from: {near.name}, {near.longest} notes in a row.")
    return report(output, result, time.monotonic() - started, terminal, as_json, stopped=STOPPED)
