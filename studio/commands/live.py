"""`studio live`: melodies without end, into a MIDI port or as lines of JSON."""

from __future__ import annotations

import itertools
import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from studio.commands.common import Device, Quiet, Threads
from studio.errors import StoppedError
from studio.media import files
from studio.melody.parameters import MelodyParameters
from studio.options import with_options
from studio.terminal import Terminal

if TYPE_CHECKING:
    from studio.melody.live import Bar


_OF_WHOLE_TUNES = (
    "count", "end_on_tonic", "loop", "accompaniment", "drums", "best_of", "original", "toward_seed", "part"
)  # fmt: skip


@with_options(MelodyParameters, without=_OF_WHOLE_TUNES)
def live(
    parameters: MelodyParameters,
    model: Annotated[str, typer.Option(help="A shipped model, a folder, or a hub id.")] = "melody-folk",
    primer: Annotated[
        Path | None, typer.Option(help="A tune to go on from: MIDI, ABC or MusicXML.", show_default=False)
    ] = None,
    port: Annotated[str, typer.Option(help="A MIDI port, by a part of its name; else one of our own.")] = "",
    ports: Annotated[bool, typer.Option("--ports", help="List the MIDI ports, and do no more.")] = False,
    stop_after: Annotated[int | None, typer.Option(help="Bars to play; without end if not given.", min=1)] = None,
    device: Device = "auto",
    threads: Threads = None,
    quiet: Quiet = False,
    as_json: Annotated[bool, typer.Option("--json", help="A line for each bar, at once, and no sound.")] = False,
) -> bool:
    """Play melodies without end, never the same eight bars twice; Ctrl-C stops. --bars is the length of a phrase.

    studio live --key A --mode dorian --meter 6/8 --port fluid
    """
    from studio.media import ports as midi_ports

    if ports:
        print("\n".join(midi_ports.names()))
        return True
    if primer is not None:
        files.check_readable(primer)
    out = None if as_json else midi_ports.open_port(port)
    from studio.media.performance import perform
    from studio.pipelines.melody import MelodyPipeline

    pipe = MelodyPipeline.from_pretrained(model, device=device, threads=threads)
    performance = pipe.live(primer=primer, parameters=parameters)
    bars = itertools.islice(performance.bars, stop_after)
    if out is None:
        _print_lines(bars)
        return True
    Terminal(quiet).say(f"Playing in {performance.key.name}, {performance.meter.name}; Ctrl-C stops.")
    try:
        perform(bars, out, performance.meter, performance.tempo, program=parameters.instrument)
    except KeyboardInterrupt:
        raise StoppedError("stopped playing.") from None
    finally:
        out.close_port()
    return True


def _print_lines(bars: Iterable[Bar]) -> None:
    """A line of JSON for each bar, until nobody reads them any longer."""
    try:
        for bar in bars:
            notes = [[note.pitch, note.ticks] for note in bar.notes]
            print(json.dumps({"bar": bar.number, "notes": notes, "tied": bar.tied}), flush=True)
    except BrokenPipeError:  # as of `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left unwritten goes nowhere
