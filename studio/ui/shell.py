"""What every page shares: the Blocks it is built in, what it accepts from browsers, and its look."""

from __future__ import annotations

import html
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.themes.utils import colors, sizes

from studio.errors import InputError

COMPUTE = "compute"  # the concurrency_id of everything heavy, on every page: one computation at a time
STYLESHEET = Path(__file__).parent / "studio.css"
_KEEP_FILES = 24 * 3600  # seconds that uploads and results stay on disk
_ADDRESSES = ("http:", "https:", "ftp:", "data:")


class Shell(gr.Blocks):
    """Blocks that sends nothing home, clears old files away, and takes no web addresses as inputs."""

    def __init__(self, title: str) -> None:
        super().__init__(title=title, analytics_enabled=False, delete_cache=(3600, _KEEP_FILES), fill_width=True)

    async def preprocess_data(self, block_fn: Any, inputs: list[Any], state: Any, explicit_call: bool = False) -> list[Any]:
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
    """The file in what a browser sent for a picture or a file: only one that was uploaded, or put there by the page itself."""
    if not value:
        return None
    path = value.get("path") if isinstance(value, dict) else None
    if not isinstance(path, str) or not Path(path).resolve().is_relative_to(Path(cache).resolve()):
        raise InputError("Expected an uploaded file, got something else.")
    return Path(path)


def without_folders(message: str, paths: Iterable[Path | None]) -> str:
    """A message that names files as their owner knows them, not where the server keeps them."""
    for path in paths:
        if path is not None:
            message = message.replace(str(path), path.name)
    return message


def theme() -> gr.themes.Base:
    """Paper and ink; in the dark, the other way round. Fonts are those of the system: none is fetched."""
    ink, paper = "*neutral_900", "*neutral_50"
    look = gr.themes.Base(
        primary_hue=colors.stone,
        secondary_hue=colors.stone,
        neutral_hue=colors.stone,
        radius_size=sizes.radius_sm,
        spacing_size=sizes.spacing_md,
        text_size=sizes.text_md,
        font=["Segoe UI", "Helvetica Neue", "Roboto", "Noto Sans", "Liberation Sans", "sans-serif"],
        font_mono=["SF Mono", "Menlo", "Consolas", "Liberation Mono", "monospace"],
    )
    look.name = "studio"
    return look.set(
        body_background_fill="#f7f6f3",
        body_background_fill_dark="#161514",
        body_text_color=ink,
        body_text_color_dark="*neutral_200",
        body_text_color_subdued="*neutral_500",
        body_text_color_subdued_dark="*neutral_400",
        background_fill_primary="#ffffff",
        background_fill_primary_dark="#1e1d1b",
        background_fill_secondary="#f2f1ed",
        background_fill_secondary_dark="#262422",
        border_color_primary="#e3e0da",
        border_color_primary_dark="#35322f",
        border_color_accent="*neutral_500",
        border_color_accent_dark="*neutral_500",
        color_accent="*neutral_800",
        color_accent_soft="*neutral_100",
        color_accent_soft_dark="*neutral_800",
        block_background_fill="*background_fill_primary",
        block_background_fill_dark="#1e1d1b",
        block_border_color="*border_color_primary",
        block_border_width="1px",
        block_shadow="none",
        block_shadow_dark="none",
        block_label_background_fill="*background_fill_primary",
        block_label_background_fill_dark="*background_fill_primary",
        block_label_border_width="0px",
        block_label_text_color="*body_text_color_subdued",
        block_label_text_color_dark="*body_text_color_subdued",
        block_title_text_color="*body_text_color",
        block_title_text_weight="500",
        block_info_text_color="*body_text_color_subdued",
        block_info_text_color_dark="*body_text_color_subdued",
        block_info_text_size="*text_xs",
        input_background_fill="*background_fill_secondary",
        input_background_fill_dark="#2b2926",
        input_border_color="transparent",
        input_border_color_dark="transparent",
        input_border_color_focus="*neutral_500",
        input_border_color_focus_dark="*neutral_400",
        input_border_width="1px",
        input_shadow="none",
        slider_color="*neutral_800",
        slider_color_dark="*neutral_300",
        loader_color="*neutral_600",
        checkbox_background_color_selected="*neutral_800",
        checkbox_background_color_selected_dark="*neutral_500",
        checkbox_border_color_selected="*neutral_800",
        checkbox_border_color_selected_dark="*neutral_500",
        checkbox_label_background_fill="transparent",
        checkbox_label_background_fill_dark="transparent",
        checkbox_label_border_width="0px",
        button_primary_background_fill=ink,
        button_primary_background_fill_hover="*neutral_700",
        button_primary_background_fill_dark="*neutral_100",
        button_primary_background_fill_hover_dark="#ffffff",
        button_primary_text_color=paper,
        button_primary_text_color_dark=ink,
        button_primary_border_color=ink,
        button_primary_border_color_dark="*neutral_100",
        button_secondary_background_fill="transparent",
        button_secondary_background_fill_dark="transparent",
        button_secondary_background_fill_hover="*background_fill_secondary",
        button_secondary_background_fill_hover_dark="*background_fill_secondary",
        button_secondary_border_color="*border_color_primary",
        button_secondary_border_color_dark="*border_color_primary",
        button_cancel_background_fill="transparent",
        button_cancel_background_fill_dark="transparent",
        button_cancel_background_fill_hover="*background_fill_secondary",
        button_cancel_background_fill_hover_dark="*background_fill_secondary",
        button_cancel_text_color="#9f2d20",
        button_cancel_text_color_dark="#ef9a8d",
        button_cancel_border_color="#c9857c",
        button_cancel_border_color_dark="#7c443c",
        button_border_width="1px",
        button_large_text_weight="500",
        panel_background_fill="transparent",
        panel_background_fill_dark="transparent",
    )


def heading(title: str, line: str) -> gr.HTML:
    """The head of a page: its name, and in one line what it does."""
    return gr.HTML(
        f"<header><h1>{html.escape(title)}</h1><p>{html.escape(line)}</p></header>", elem_classes=["heading"], apply_default_css=False
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
