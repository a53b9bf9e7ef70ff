"""What the commands have in common: the options of the machine, and the line that says what was made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from studio.progress import in_words
from studio.terminal import Terminal

# Commands import what computes inside their bodies, so that `studio --help` answers at once.

PICTURES = (".png", ".jpg", ".jpeg", ".webp")
FILMS = (".mp4",)
TUNES = (".mid", ".midi", ".wav", ".png", ".svg", ".abc")
TEXTS = (".txt", ".png")
STOPPED = "Stopped early: this is what was made until then."

Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N, mps or xpu.", rich_help_panel="Machine")]
Precision = Annotated[str, typer.Option(help="auto, float32 or bfloat16.", rich_help_panel="Machine")]
Threads = Annotated[
    int | None, typer.Option(help="CPU threads; all cores by default.", min=1, rich_help_panel="Machine")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.", rich_help_panel="Machine")]
Json = Annotated[bool, typer.Option("--json", help="One line of JSON on standard output.", rich_help_panel="Machine")]
Output = Annotated[Path, typer.Option("--output", "-o", help="Where the picture goes: .png, .jpg or .webp.")]
Generator = Annotated[
    str, typer.Argument(help="A DCGAN or a VAE: a shipped model, a folder, or a hub id.", show_default=False)
]


def report(
    target: Path, result: Any, seconds: float, terminal: Terminal, as_json: bool, *, stopped: str = STOPPED
) -> bool:
    """Say where a result is and how long it took; returns whether it was finished.

    result: of any pipeline: it knows its `facts`, what to say `in_words`, and whether it was `finished`.
    """
    if as_json:
        print(json.dumps({"output": str(target), **result.facts, "seconds": round(seconds, 2)}))
    elif not terminal.quiet:
        print(f"{target}  {result.in_words} in {in_words(seconds)}")
        if not result.finished:
            terminal.say(stopped)
    return bool(result.finished)
