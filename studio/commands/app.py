"""`studio app` and `studio doctor`: the pages in a browser, and what works on this machine."""

from __future__ import annotations

import json
import os
from typing import Annotated, Literal

import typer

from studio.commands.common import Device, Json, Quiet
from studio.errors import InputError
from studio.terminal import Terminal

Page = Literal["studio", "style", "gan", "vae", "melody", "text", "train"]


def open_app(
    page: Annotated[Page, typer.Argument(help="All pages, or one of them.")] = "studio",
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
    """Open the studio in a browser, on this machine only unless told otherwise.

    studio app --browser
    """
    Terminal(quiet)
    user, colon, password = (auth or "").partition(":")
    if auth is not None and not (user and colon and password):
        raise InputError("Expected --auth user:password, with neither of them empty.")
    if device != "auto":
        os.environ["STUDIO_DEVICE"] = device  # the pages load their models when they first need them
    from studio.ui import studio as front_door

    blocks = front_door.BUILDERS[page]()
    login = (user, password) if auth else None
    front_door.launch(blocks, host=host, port=port, auth=login, open_browser=browser)


def doctor(as_json: Json = False) -> None:
    """What works on this machine and what does not: devices, precisions, models, optional parts.

    studio doctor
    """
    from studio.doctor import examine

    findings = examine()
    if as_json:
        print(json.dumps([finding.to_dict() for finding in findings]))
        return
    for finding in findings:
        print(f"{'ok ' if finding.works else '-- '} {finding.part:16} {finding.what}")
        if finding.remedy:
            print(f"    {'':16} {finding.remedy}")
