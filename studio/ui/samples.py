"""The pictures that came with Studio, for a first try: where they lie, their titles, and a strip to pick them from."""

from __future__ import annotations

import base64
import html
import io
import re
from dataclasses import dataclass
from pathlib import Path

import gradio as gr
from PIL import Image, ImageOps

import studio

_THUMBNAIL = 144  # pixels, shown at half of it
_ROW = re.compile(r"^\|\s*(?P<file>[\w.-]+\.jpg)\s*\|\s*(?P<title>[^|]+?)\s*\|\s*(?P<author>[^|]+?)\s*\|", re.MULTILINE)
_PICK = """
element.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button) trigger("click", { name: button.dataset.name });
});
"""


@dataclass(frozen=True)
class Sample:
    """A picture to try: its file and what it is, in words."""

    path: Path
    title: str


def samples_folder() -> Path:
    """Where the samples lie: inside the installed package, or in the checkout."""
    package = Path(studio.__file__).parent
    inside = package / "shipped" / "samples"
    return inside if inside.is_dir() else package.parent / "samples"


def samples(kind: str) -> dict[str, Sample]:
    """The samples of a kind, "content" or "style", by the names of their files, with the titles in CREDITS.md."""
    folder = samples_folder()
    credits = folder / "CREDITS.md"
    text = credits.read_text(encoding="utf-8") if credits.is_file() else ""
    titles = {row["file"]: _title(row["title"], row["author"]) for row in _ROW.finditer(text)}
    return {
        path.name: Sample(path, titles.get(path.name, path.stem.replace("_", " ").capitalize()))
        for path in sorted((folder / kind).glob("*.jpg"))
    }


def strip(pictures: dict[str, Sample], label: str) -> gr.HTML:
    """A row of small buttons, one for each picture; a click event carries the `name` of the one that was picked."""
    buttons = "".join(
        f'<button type="button" data-name="{html.escape(name)}" title="{html.escape(sample.title)}">'
        f'<img src="{_thumbnail(sample.path)}" alt="{html.escape(sample.title)}" width="72" height="72"></button>'
        for name, sample in pictures.items()
    )
    return gr.HTML(
        f'<div role="group" aria-label="{html.escape(label)}">{buttons}</div>',
        elem_classes=["strip"],
        js_on_load=_PICK,
        visible=bool(pictures),
        apply_default_css=False,
    )


def picked(pictures: dict[str, Sample], event: gr.EventData) -> str | None:
    """The file that a click on a strip asks for; None for a name that is not among them."""
    data = getattr(event, "_data", None)
    sample = pictures.get(str(data.get("name"))) if isinstance(data, dict) else None
    return str(sample.path) if sample else None


def _title(title: str, author: str) -> str:
    years = re.compile(r"\s*\(.*?\)")
    return f"{title}, {years.sub('', author)}" if author not in ("", "–") else title


def _thumbnail(path: Path) -> str:
    with Image.open(path) as picture:
        picture.draft("RGB", (_THUMBNAIL * 2, _THUMBNAIL * 2))
        small = ImageOps.fit(picture.convert("RGB"), (_THUMBNAIL, _THUMBNAIL), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
