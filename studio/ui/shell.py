"""What every page shares: the Blocks it is built in, what it accepts from browsers, and what it says to them."""

from __future__ import annotations

import html
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.components import Component
from gradio.processing_utils import save_file_to_cache

from studio.errors import InputError

Updates = dict[Any, Any]  # component → its new value, or its new look
QUIETLY: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
COMPUTE = "compute"  # the concurrency_id of everything heavy, on every page: one computation at a time
OURS = "Something went wrong in Studio itself; where it was started, it says what."  # a fault of ours
_KEEP_FILES = 24 * 3600  # seconds that uploads and results stay on disk
_ADDRESSES = ("http:", "https:", "ftp:", "data:")


class Shell(gr.Blocks):
    """Blocks that sends nothing home, clears old files away, and takes no web addresses as inputs."""

    def __init__(self, title: str) -> None:
        super().__init__(title=title, analytics_enabled=False, delete_cache=(3600, _KEEP_FILES), fill_width=True)

    async def preprocess_data(self, block_fn: Any, inputs: list[Any], state: Any, explicit_call: bool = False) -> Any:
        """As in gr.Blocks, which would download from an address where a file is expected: refuse that first."""
        if any(_is_address(path) for path in _paths_in(inputs)):
            raise failure("Expected an uploaded file, got a web address.")
        return await super().preprocess_data(block_fn, inputs, state, explicit_call)


def failure(message: str) -> gr.Error:
    """The error that shows one plain line, and no traceback. (Gradio takes it for HTML.)"""
    return gr.Error(html.escape(message, quote=False), title="That did not work", print_exception=False)


def warn(message: str) -> None:
    """Show a note on the page of whoever's request is being answered."""
    gr.Warning(html.escape(message, quote=False), title="Note")


def uploaded(value: Any, cache: str) -> Path | None:
    """The file in what a browser sent: only one that was uploaded, or put into the cache by the page itself."""
    if not value:
        return None
    path = value.get("path") if isinstance(value, dict) else None
    if not isinstance(path, str) or not Path(path).resolve().is_relative_to(Path(cache).resolve()):
        raise InputError("Expected an uploaded file, got something else.")
    return Path(path)


def handed_over(path: Path, component: Component) -> str:
    """A file that a component is to offer, where it stays after its own folder is gone; cleared away with the rest."""
    return str(save_file_to_cache(path, cache_dir=component.GRADIO_CACHE))


def without_folders(message: str, paths: Iterable[Path | None]) -> str:
    """A message that names files as their owner knows them, not where the server keeps them."""
    for path in paths:
        if path is not None:
            message = message.replace(str(path), path.name)
    return message


def heading(title: str, line: str) -> gr.HTML:
    """The head of a page: its name, and in one line what it does."""
    return gr.HTML(
        f"<header><h1>{html.escape(title)}</h1><p>{html.escape(line)}</p></header>",
        elem_classes=["heading"],
        apply_default_css=False,
    )


def picture_input(label: str, height: int, name: str, hint: str = "Drop a file here, or click") -> gr.Image:
    """A place for a picture. The file reaches the pipeline byte for byte: its hash goes into the recipe."""
    return gr.Image(
        label=label,
        type="filepath",
        image_mode=None,
        sources=["upload"],
        height=height,
        buttons=[],
        placeholder=hint,
        elem_id=name,
    )


def _is_address(path: str) -> bool:
    return path.strip().lower().startswith(_ADDRESSES)


def _paths_in(value: Any) -> Iterable[str]:
    """Every "path" of a file anywhere in what a browser sent."""
    if isinstance(value, dict):
        if isinstance(value.get("path"), str):
            yield value["path"]
        for item in value.values():
            yield from _paths_in(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _paths_in(item)
