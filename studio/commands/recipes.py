"""`studio recipe` and `studio remake`: what made an output, and the output once more."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated

import typer

from studio.commands import style
from studio.commands.common import FILMS, PICTURES, STOPPED, TEXTS, TUNES, Json, Quiet, report
from studio.media import files
from studio.terminal import Terminal

_FORMS = {"walk": FILMS, "melody": TUNES, "text": TEXTS}
"""What the outputs of a pipeline can be written as, where those are no pictures."""

File = Annotated[Path, typer.Argument(help="A picture, a film, a tune or a text that Studio made.", show_default=False)]


def recipe(file: File, as_json: Json = False) -> None:
    """Print the recipe inside an output: what made it, with which settings, from which files.

    studio recipe out.png
    """
    from studio.recipe import recipe_of

    text = recipe_of(file).to_json()
    print(text if as_json else json.dumps(json.loads(text), indent=2))


def remake(
    file: File,
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", help="Where it goes: .png, .jpg, .webp; .mp4 for a film; .mid, .wav, … for a tune; .txt."
        ),
    ],
    inputs: Annotated[
        list[Path] | None, typer.Option(help="A folder to look for the inputs in; may be given again.")
    ] = None,
    model: Annotated[str | None, typer.Option(help="The model, where it has another name or place here.")] = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> bool:
    """Make an output again from the recipe inside it: the same bytes on the same machine.

    The inputs are found by their hashes, in the folder of the file, in this one, and in those given by --inputs.

    studio remake out.png -o again.png
    """
    terminal = Terminal(quiet or as_json)
    started = time.monotonic()
    files.check_folder(output)
    files.check_readable(file)
    from studio.recipe import recipe_of
    from studio.remake import remake as make_again

    target = files.check_writable(output, _FORMS.get(recipe_of(file).pipeline, PICTURES))
    files.check_distinct(target, file)
    keep_in = files.partial(target)
    with terminal.work(kept="" if target.suffix.lower() in FILMS else ", with the best so far") as callback:
        result = make_again(file, folders=inputs or (), model=model, callback=callback, keep_in=keep_in, target=target)
        result.save(target)
    if result.finished:
        keep_in.unlink(missing_ok=True)
    stopped = style.STOPPED if keep_in.exists() else STOPPED
    return report(target, result, time.monotonic() - started, terminal, as_json, stopped=stopped)
