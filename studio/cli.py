"""The command `studio`: results on standard output, all else on standard error; a refusal is one line, exit code 2."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from typer.exceptions import TyperException

from studio import __version__
from studio.commands.app import doctor, open_app
from studio.commands.evaluate import evaluate
from studio.commands.image import blend, image
from studio.commands.latent import directions, project, walk
from studio.commands.live import live
from studio.commands.melody import melody
from studio.commands.models import models_app
from studio.commands.recipes import recipe, remake
from studio.commands.style import style
from studio.commands.text import text
from studio.commands.train import train_app
from studio.errors import StoppedError, StudioError

REFUSED, INTERRUPTED = 2, 130

app = typer.Typer(name="studio", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
for command in (style, image, walk, project, directions, blend, melody, live, text, recipe, remake, evaluate):
    app.command()(command)
app.add_typer(train_app, name="train")
app.add_typer(models_app, name="models", help="List the models, look at one, or fetch one from the Hugging Face hub.")
app.command("app")(open_app)
app.command()(doctor)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"studio {__version__}")
        raise typer.Exit


@app.callback()
def studio(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Studio: a creative-AI toolkit for art and music."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns its exit code: 0, 2 for a refusal, 130 if it was stopped."""
    try:
        outcome = app(arguments, standalone_mode=False)
        if outcome is False:  # stopped early, with the best so far kept
            return INTERRUPTED
        if outcome == INTERRUPTED:  # what Typer makes of Ctrl-C
            _say("stopped before it was finished.")
        return outcome if type(outcome) is int else 0
    except StoppedError as error:
        _say(str(error))
        return INTERRUPTED
    except StudioError as error:
        _say(str(error))
        return REFUSED
    except TyperException as error:
        context = getattr(error, "ctx", None)
        help_for = f" `{context.command_path} --help` shows what can be given." if context else ""
        message = " ".join(error.format_message().replace("Value error, ", "").split())
        _say(f"{message.rstrip('.')}.{help_for}")
        return REFUSED


def run() -> None:
    """The entry point of the command `studio`."""
    sys.exit(main())


def _say(message: str) -> None:
    print(f"studio: {message}", file=sys.stderr)
