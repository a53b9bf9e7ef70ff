"""The front door of the browser app, and how any page is served: on this machine alone, unless there is a login.

launch(build_studio())
"""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Callable
from typing import Any

import gradio as gr

from studio.errors import InputError
from studio.ui import gan, melody, piano_roll, style_transfer, text, text_sheets, training, vae
from studio.ui.look import STYLESHEET, theme
from studio.ui.samples import samples_folder
from studio.ui.shell import Shell

HOST, PORT = "127.0.0.1", 7860
PAGES: dict[str, tuple[str, Callable[[], Any]]] = {
    "style": (style_transfer.TITLE, style_transfer.page),
    "gan": (gan.TITLE, gan.page),
    "vae": (vae.TITLE, vae.page),
    "melody": (melody.TITLE, melody.page),
    "text": (text.TITLE, text.page),
    "train": (training.TITLE, training.page),
}
_MAX_FILE = 2**30  # a .zip of pictures
_MAX_WAITING = 20
_PORTS_TRIED = 50


def build_studio() -> Shell:
    """All pages behind one door. Models are loaded when they are first needed."""
    blocks = Shell("Studio")
    with blocks:
        gr.HTML("<p>Studio</p>", elem_classes=["wordmark"], apply_default_css=False)
        with gr.Tabs(elem_classes=["pages"]) as tabs:
            made = {}
            for name, (title, page) in PAGES.items():
                with gr.Tab(title, id=name):
                    made[name] = page()
        made["train"].lead_to(
            tabs,
            {
                "dcgan": ("gan", made["gan"].model),
                "vae": ("vae", made["vae"].model),
                "melody": ("melody", made["melody"].model),
                "text": ("text", made["text"].model),
            },
        )
    return blocks


BUILDERS: dict[str, Callable[[], Shell]] = {
    "studio": build_studio,
    "style": style_transfer.build,
    "gan": gan.build,
    "vae": vae.build,
    "melody": melody.build,
    "text": text.build,
    "train": training.build,
}
"""What `studio app` can open, by name: all pages, or one of them."""


def launch(
    blocks: gr.Blocks,
    *,
    host: str = HOST,
    port: int | None = None,
    auth: tuple[str, str] | None = None,
    open_browser: bool = False,
    block: bool = True,
) -> str:
    """Serve pages until interrupted; with `block=False`, return at once. Returns the address.

    host: anything but this machine itself needs auth, (name, password).
    port: if left out, that of GRADIO_SERVER_PORT in the environment, or else the first free one from 7860 on.
    Raises InputError for a host, login or port that cannot be used.
    """
    if auth is not None and not (auth[0] and auth[1]):
        raise InputError("The login needs a name and a password, neither of them empty.")
    if auth is None and not _is_this_machine(host):
        raise InputError(f"Refusing to listen on {host} without a login, open to anyone; give one with --auth.")
    reloading = _is_reloading()
    chosen = PORT if reloading else _free_port(host, port)
    blocks.queue(max_size=_MAX_WAITING, default_concurrency_limit=4)
    _, address, _ = blocks.launch(
        server_name=host,
        server_port=chosen,
        auth=auth,
        inbrowser=open_browser,
        prevent_thread_lock=True,
        quiet=True,
        share=False,
        show_error=True,
        run_history=False,
        enable_monitoring=False,
        ssr_mode=False,
        pwa=False,
        mcp_server=False,
        footer_links=[],
        allowed_paths=[str(samples_folder())],
        max_file_size=_MAX_FILE,
        theme=theme(),
        css_paths=[STYLESHEET, piano_roll.STYLESHEET, text_sheets.STYLESHEET],
    )
    if reloading:
        return ""
    print(f"Studio is at {address} until Ctrl-C.", flush=True)
    if block:
        blocks.block_thread()
    return str(address)


def _is_reloading() -> bool:
    """Whether the `gradio` command runs the script again, to put new pages into the server that is already there."""
    from gradio.cli.commands.reload import reload_thread

    return bool(getattr(reload_thread, "running_reload", False))


def _is_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _free_port(host: str, port: int | None) -> int:
    """The port that was asked for, or the first free one from 7860 on."""
    asked = port if port is not None else os.environ.get("GRADIO_SERVER_PORT") or None
    try:
        first = int(asked) if asked is not None else PORT
    except ValueError:
        raise InputError(f"GRADIO_SERVER_PORT is {asked!r}; expected the number of a port.") from None
    if not 1 <= first <= 65535:
        raise InputError(f"There is no port {first}; expected 1 to 65535.")
    tried = range(first, first + (1 if asked is not None else _PORTS_TRIED))
    for candidate in tried:
        if _is_free(host, candidate):
            return candidate
    where = f"Port {first} is" if len(tried) == 1 else f"The ports {first} to {tried[-1]} are all"
    raise InputError(f"{where} taken on {host}; stop what listens there, or give another with --port.")


def _is_free(host: str, port: int) -> bool:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise InputError(f"{host} is no address of this machine ({error.strerror or error}).") from None
    with socket.socket(family, kind, protocol) as probe:
        if os.name == "posix":  # elsewhere this would let two listen on one port
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError:
            return False
    return True
