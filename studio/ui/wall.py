"""The wall of a page that makes a picture: the buttons, the line of status, the stage, and the finished picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr
from PIL import Image

from studio.ui import stage
from studio.ui.shell import Updates

SCROLL_TO_IT = """() => {
  const wall = document.querySelector(".wall"), top = wall.getBoundingClientRect().top;
  if (top < -80 || top > innerHeight / 2) wall.scrollIntoView({ behavior: "smooth" });
  return [];
}"""

_DISPLAY_SIDE = 2048  # pixels; the file itself is as large as was asked for
_INVITATION = "Your picture will take shape here."
_RECIPE_LABEL = "What made this picture; the same lies inside the file"


class Wall:
    """What hangs there, and how it changes."""

    def __init__(self, verb: str) -> None:
        with gr.Row(elem_classes=["actions"]):
            self.start = gr.Button(verb, variant="primary", scale=0, min_width=150, elem_id="start")
            self.stop = gr.Button(
                "Stop, keep the best", variant="stop", scale=0, min_width=190, visible=False, elem_id="stop"
            )
            self.status = gr.HTML(
                "",
                html_template='<p role="status" aria-live="polite">${value}</p>',
                elem_classes=["status"],
                elem_id="status",
                min_width=200,
                apply_default_css=False,
            )
            self.download = gr.DownloadButton("Download", scale=0, min_width=150, visible=False, elem_id="download")
        self.stage = gr.HTML(stage.empty(_INVITATION), elem_classes=["stage"], elem_id="stage", apply_default_css=False)
        self.slider = gr.ImageSlider(
            label="Before and after",
            visible=False,
            interactive=False,
            buttons=["fullscreen"],
            max_height=820,
            elem_classes=["slider"],
            elem_id="result",
        )
        with gr.Accordion("Recipe", open=False, visible=False, elem_classes=["more"]) as self.recipe_fold:
            self.recipe = gr.Code(
                language="json", label=_RECIPE_LABEL, interactive=False, wrap_lines=True, elem_id="recipe"
            )
        self.outputs: list[Any] = [self.status, self.stage, self.slider, self.download, self.recipe_fold, self.recipe]

    def announced(self) -> Updates:
        """Work was asked for."""
        return {
            self.start: gr.Button(visible=False),
            self.stop: gr.Button(visible=True),
            self.status: stage.status("Waiting for its turn."),
        }

    def ended(self) -> Updates:
        """Work can be asked for again."""
        return {self.start: gr.Button(visible=True), self.stop: gr.Button(visible=False)}

    def begun(self, shown: str) -> Updates:
        """Work begins from a picture, as `stage.as_address` gives it."""
        return {
            self.status: stage.status("Getting ready."),
            self.stage: gr.HTML(stage.at_work(shown, None, 0), visible=True),
            self.slider: gr.ImageSlider(visible=False),
            self.download: gr.DownloadButton(visible=False),
            self.recipe_fold: gr.Accordion(visible=False),
        }

    def failed(self, message: str) -> Updates:
        """Nothing came of it."""
        return {
            self.status: stage.status(message, "failed"),
            self.stage: gr.HTML(stage.empty(_INVITATION), visible=True),
            self.slider: gr.ImageSlider(visible=False),
            self.download: gr.DownloadButton(visible=False),
            self.recipe_fold: gr.Accordion(visible=False),
        }

    def hung(self, words: str, before: Image.Image, after: Image.Image, path: Path, recipe: str) -> Updates:
        """The finished picture beside the one that it was made from, with its file and its recipe."""
        displayed = after.copy()
        displayed.thumbnail((_DISPLAY_SIDE, _DISPLAY_SIDE))
        return {
            self.status: stage.status(words, "done"),
            self.stage: gr.HTML(visible=False),
            self.slider: gr.ImageSlider((before.resize(displayed.size), displayed), visible=True),
            self.download: gr.DownloadButton(value=str(path), visible=True),
            self.recipe_fold: gr.Accordion(visible=True),
            self.recipe: recipe,
        }
