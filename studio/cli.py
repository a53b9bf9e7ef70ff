"""The command `studio`: results on standard output, all else on standard error; a refusal is one line, exit code 2."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from typer.exceptions import TyperException

from studio import __version__, hub
from studio.errors import InputError, StudioError
from studio.media import files
from studio.options import with_options
from studio.progress import in_words
from studio.style.parameters import StyleTransferParameters
from studio.terminal import Terminal

# Commands import what computes inside their bodies, so that `studio --help` answers at once.

PICTURES = (".png", ".jpg", ".jpeg", ".webp")
REFUSED, INTERRUPTED = 2, 130

app = typer.Typer(name="studio", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
models = typer.Typer(no_args_is_help=False, invoke_without_command=True)
app.add_typer(models, name="models", help="List the models, look at one, or fetch one from the Hugging Face hub.")

Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N, mps or xpu.", rich_help_panel="Machine")]
Precision = Annotated[str, typer.Option(help="auto, float32 or bfloat16.", rich_help_panel="Machine")]
Threads = Annotated[
    int | None, typer.Option(help="CPU threads; all cores by default.", min=1, rich_help_panel="Machine")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.", rich_help_panel="Machine")]
Json = Annotated[bool, typer.Option("--json", help="One line of JSON on standard output.", rich_help_panel="Machine")]
Output = Annotated[Path, typer.Option("--output", "-o", help="Where the picture goes: .png, .jpg or .webp.")]


@app.command()
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
    return _report(target, result, time.monotonic() - started, terminal, as_json)


@app.command()
def recipe(
    file: Annotated[Path, typer.Argument(help="A picture that Studio made.", show_default=False)], as_json: Json = False
) -> None:
    """Print the recipe inside an output: what made it, with which settings, from which files."""
    from studio.recipe import recipe_of

    text = recipe_of(file).to_json()
    print(text if as_json else json.dumps(json.loads(text), indent=2))


@app.command()
def remake(
    file: Annotated[Path, typer.Argument(help="A picture that Studio made.", show_default=False)],
    output: Output,
    inputs: Annotated[
        list[Path] | None, typer.Option(help="A folder to look for the inputs in; may be given again.")
    ] = None,
    model: Annotated[str | None, typer.Option(help="The model, where it has another name or place here.")] = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> bool:
    """Make an output again from the recipe inside it: the same bytes on the same machine.

    The inputs are found by their hashes, in the folder of the file, in this one, and in those given by --inputs.
    """
    terminal = Terminal(quiet or as_json)
    started = time.monotonic()
    target = files.check_writable(output, PICTURES)
    files.check_readable(file)
    files.check_distinct(target, file)
    from studio.remake import remake as make_again

    with terminal.work() as callback:
        keep_in = files.partial(target)
        result = make_again(file, folders=inputs or (), model=model, callback=callback, keep_in=keep_in)
    result.save(target)
    if result.finished:
        keep_in.unlink(missing_ok=True)
    return _report(target, result, time.monotonic() - started, terminal, as_json)


@models.callback()
def models_default(context: typer.Context) -> None:
    """List the models when no subcommand is given."""
    if context.invoked_subcommand is None:
        models_list()


@models.command("list")
def models_list(as_json: Json = False) -> None:
    """The models that came with Studio."""
    found = [hub.find(name) for name in hub.shipped()]
    if as_json:
        print(
            json.dumps([{"name": model.name, "folder": str(model.folder), "sha256": model.sha256} for model in found])
        )
        return
    for model in found:
        size = sum(path.stat().st_size for path in model.folder.iterdir()) / 1e6
        print(f"{model.name:12} {size:6.1f} MB  {model.config.get('summary', '')}")


@models.command("show")
def models_show(
    name: Annotated[str, typer.Argument(help="A shipped model, a folder, or a hub id.", show_default=False)],
) -> None:
    """The card of a model: what it is, where it comes from, its licence and checksums."""
    model = hub.find(name)
    card = model.folder / "README.md"
    if not card.is_file():
        raise InputError(f"{model.folder} has no README.md, so there is no card to show.")
    print(card.read_text(encoding="utf-8"))


@models.command("pull")
def models_pull(hub_id: Annotated[str, typer.Argument(help="owner/name", show_default=False)]) -> None:
    """Fetch a model from the Hugging Face hub, so that it is there offline."""
    print(hub.fetch(hub_id))


@app.command("app")
def open_app(
    page: Annotated[Literal["studio", "style"], typer.Argument(help="All pages, or one of them.")] = "studio",
    host: Annotated[
        str, typer.Option(help="Address to listen on; anything but this machine needs --auth.")
    ] = "127.0.0.1",
    port: Annotated[
        int | None, typer.Option(help="Port; by default the first free one from 7860 on.", min=1, max=65535)
    ] = None,
    auth: Annotated[
        str | None, typer.Option(help="user:password that visitors have to give.", show_default=False)
    ] = None,
    browser: Annotated[bool, typer.Option("--browser", help="Open the page in a browser.")] = False,
    device: Device = "auto",
    quiet: Quiet = False,
) -> None:
    """Open the studio in a browser, on this machine only unless told otherwise."""
    Terminal(quiet)
    user, colon, password = (auth or "").partition(":")
    if auth is not None and not (user and colon and password):
        raise InputError("Expected --auth user:password, with neither of them empty.")
    if device != "auto":
        os.environ["STUDIO_DEVICE"] = device  # the pages load their models when they first need them
    from studio.ui import studio as front_door
    from studio.ui import style_transfer

    blocks = front_door.build_studio() if page == "studio" else style_transfer.build()
    login = (user, password) if auth else None
    front_door.launch(blocks, host=host, port=port, auth=login, open_browser=browser)


@app.command()
def doctor(as_json: Json = False) -> None:
    """What works on this machine and what does not: devices, precisions, models, optional parts."""
    from studio.doctor import examine

    findings = examine()
    if as_json:
        print(json.dumps([finding.to_dict() for finding in findings]))
        return
    for finding in findings:
        print(f"{'ok ' if finding.works else '-- '} {finding.part:16} {finding.what}")
        if finding.remedy:
            print(f"    {'':16} {finding.remedy}")


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
            print("studio: stopped; no picture was written.", file=sys.stderr)
        return outcome if type(outcome) is int else 0
    except StudioError as error:
        return _refuse(str(error))
    except TyperException as error:
        context = getattr(error, "ctx", None)
        help_for = f" `{context.command_path} --help` shows what can be given." if context else ""
        message = " ".join(error.format_message().replace("Value error, ", "").split())
        return _refuse(f"{message.rstrip('.')}.{help_for}")


def run() -> None:
    """The entry point of the command `studio`."""
    sys.exit(main())


def _report(target: Path, result: Any, seconds: float, terminal: Terminal, as_json: bool) -> bool:
    """Say where the picture is and how long it took; returns whether it was finished."""
    image, steps = result.images[0], len(result.losses)
    if as_json:
        facts = {
            "output": str(target),
            "width": image.width,
            "height": image.height,
            "steps": steps,
            "loss": result.losses[-1],
        }
        print(json.dumps({**facts, "seconds": round(seconds, 2), "finished": result.finished}))
    elif not terminal.quiet:
        print(f"{target}  {image.width} × {image.height}, {steps} steps in {in_words(seconds)}")
        if not result.finished:
            terminal.say("Stopped early: this is the best so far. The same command again goes on from here.")
    return bool(result.finished)


def _refuse(message: str) -> int:
    print(f"studio: {message}", file=sys.stderr)
    return REFUSED
