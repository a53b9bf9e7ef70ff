"""`studio melody`: tunes, as MIDI, sound, piano roll and score."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from studio.commands.common import TUNES, Device, Json, Quiet, Threads, report
from studio.errors import InputError
from studio.media import files
from studio.melody.parameters import MelodyParameters
from studio.options import with_options
from studio.terminal import Terminal

if TYPE_CHECKING:
    from studio.music.originality import Nearest

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
    if parameters.count == 1:
        files.check_writable(output, TUNES)
    from studio.pipelines.melody_result import targets

    written = [path for together in targets(output, parameters.count, forms) for path in together]
    for given in (primer, toward, soundfont):
        if given is not None:
            files.check_readable(given)
            for path in written:
                files.check_distinct(path, given)
    if toward is not None and primer is None:
        raise InputError("Expected --primer besides --toward: the tune to begin with.")
    if wav or output.suffix.lower() == ".wav":
        _check_sound(parameters, primer, soundfont)
    from studio.pipelines.melody import MelodyPipeline

    pipe = MelodyPipeline.from_pretrained(model, device=device, threads=threads)
    with terminal.work() as callback:
        result = pipe(primer=primer, toward=toward, parameters=parameters, callback=callback)
    result.save(output, forms=forms, soundfont=soundfont)
    if parameters.count == 1 and not terminal.quiet:
        terminal.say(shared(result.nearest[0]))
    return report(output, result, time.monotonic() - started, terminal, as_json, stopped=STOPPED)


def _check_sound(parameters: MelodyParameters, primer: Path | None, soundfont: Path | None) -> None:
    """Raise OutputError where nothing can play, InputError for a soundfont or for a tune that is too long for sound."""
    from studio.media import audio
    from studio.media.scores import glance
    from studio.music.melody import in_seconds
    from studio.music.theory import TEMPO

    audio.renderer(soundfont)
    if soundfont is not None:
        audio.check_soundfont(soundfont)
    meter, tempo = parameters.whole_meter, parameters.tempo or TEMPO
    if primer is not None:
        before = glance(primer)
        meter, tempo = before.meter, parameters.tempo or before.tempo
    audio.check_seconds(in_seconds(parameters.bars * meter.bar, meter, tempo))


def shared(near: Nearest) -> str:
    """How much of a tune is in one that was learnt from."""
    if not near.longest:
        return "It shares no run of notes with a tune that was learnt from."
    notes = f"{near.longest} note{'s' if near.longest != 1 else ''}"
    return f"Nearest tune that was learnt from: {near.name}, {notes} in a row."
