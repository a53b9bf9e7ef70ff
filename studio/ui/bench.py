"""The bench: one picture out of many, moved along the directions in which its model varies most."""

from __future__ import annotations

import html
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr
from PIL import Image

from studio.errors import StudioError
from studio.generation.parameters import DirectionsParameters
from studio.ui import stage
from studio.ui.loaded import DIRECTIONS, loaded
from studio.ui.shell import QUIETLY, Updates, failure, handed_over

REACH: float = dict(DirectionsParameters.fields())["reach"].default  # standard deviations, to each side
_SHOWN = 480  # pixels, about, whatever the size of the picture


class Bench:
    """What lies there, and how it changes. A picture is `{"model", "parameters"}`: what makes it alone."""

    def __init__(self, kind: str, gallery: gr.Gallery) -> None:
        self.kind = kind
        self.last = gr.State([])  # what makes each picture of the gallery alone
        self.picked = gr.State(None)
        with gr.Row(visible=False, elem_classes=["bench"], elem_id=f"{kind}-bench") as self.group:
            with gr.Column(scale=5, min_width=240):
                self.picture = gr.HTML("", elem_id=f"{kind}-picture", apply_default_css=False)
                self.words = gr.HTML("", elem_classes=["status"], apply_default_css=False)
            with gr.Column(scale=6, min_width=260):
                self.sliders = [
                    gr.Slider(
                        -REACH, REACH, 0, step=0.05, label=f"Direction {number}", buttons=[],
                        elem_id=f"{kind}-direction-{number}",
                    )
                    for number in range(1, DIRECTIONS + 1)
                ]  # fmt: skip
                with gr.Row(elem_classes=["actions"]):
                    self.reset = gr.Button("Back to the middle", size="sm", min_width=140, elem_id=f"{kind}-reset")
                    self.download = gr.DownloadButton("Download", size="sm", min_width=110, elem_id=f"{kind}-one")
        self.outputs: list[Any] = [self.group, self.picked, self.picture, self.words, self.download, *self.sliders]
        taken = gallery.select(self.pick, self.last, self.outputs, **QUIETLY)
        taken.then(self.tell_shares, self.picked, self.sliders, **QUIETLY)  # after the picture: it may take seconds
        following = [self.picture, self.words, self.download]
        for slider in self.sliders:
            slider.input(self.move, [self.picked, *self.sliders], following, trigger_mode="always_last", **QUIETLY)
        self.reset.click(self.back, self.picked, [*following, *self.sliders], **QUIETLY)

    def cleared(self, last: Sequence[Any] = ()) -> Updates:
        """Nothing picked yet, of other pictures."""
        return {self.group: gr.Row(visible=False), self.picked: None, self.last: list(last)}

    def pick(self, event: gr.SelectData, last: Sequence[Any]) -> Updates:
        """Take a picture of the gallery to the bench."""
        index = event.index if isinstance(event.index, int) else -1
        if not 0 <= index < len(last):
            return {self.group: gr.Row(visible=False)}
        return {self.group: gr.Row(visible=True), self.picked: last[index], **self.back(last[index])}

    def back(self, picked: Any) -> Updates:
        """The picture as its seed made it."""
        changed: Updates = dict.fromkeys(self.sliders, 0)
        return changed | self.move(picked, *(0.0 for _ in self.sliders))

    def tell_shares(self, picked: Any) -> list[Any]:
        """Say at each slider how much of all variation goes along it."""
        if not picked:
            return [gr.skip() for _ in self.sliders]
        try:
            explained = loaded().get(picked["model"]).directions(_class_of(picked)).explained
        except StudioError as error:
            raise failure(str(error)) from None
        return [gr.Slider(info=f"{float(share):.0%} of all variation") for share in explained]

    def move(self, picked: Any, *sigmas: float) -> Updates:
        """The picture so many standard deviations along each direction."""
        if not picked:
            return {self.words: ""}
        try:
            return self._moved(picked, sigmas)
        except StudioError as error:
            raise failure(str(error)) from None

    def _moved(self, picked: Any, sigmas: Sequence[float]) -> Updates:
        import torch

        from studio.media import images

        model = loaded().get(picked["model"])
        pipe, chosen = model.pipe, model.pipe.parameters(**picked["parameters"])
        latent = pipe.draw(chosen.seed, chosen)
        reached = [max(-REACH, min(REACH, float(sigma or 0))) for sigma in sigmas]
        if moved := any(reached):
            directions = model.directions(_class_of(picked))
            way = torch.stack([directions.step(index, sigma) for index, sigma in enumerate(reached)]).sum(0)
            latent = latent + way.reshape(-1, *[1] * (latent.ndim - 1))
        picture = next(iter(pipe.pictures(latent[None], pipe.mix_of(pipe.labels_of(chosen.classes, 1)), chosen.scale)))
        recipe = pipe.recipe(chosen)
        words = ", ".join([f"Seed {chosen.seed}", *chosen.classes, *(["moved"] if moved else [])])
        with tempfile.TemporaryDirectory() as folder:
            name = f"{self.kind}-{chosen.seed}-{'moved' if moved else recipe.fingerprint[:8]}.png"
            # A recipe has no place for moves, and one without them would make another picture.
            path = images.write_picture(picture, Path(folder) / name, "" if moved else recipe.to_json())
            file = handed_over(path, self.download)
        return {
            self.picture: stage.frame(stage.as_address(shown_large(picture)), words),
            self.words: f'<p class="quiet">{html.escape(words)}</p>',
            self.download: gr.DownloadButton(value=file),
        }


def shown_large(picture: Image.Image) -> Image.Image:
    """A small picture enlarged for the screen."""
    times = max(1, round(_SHOWN / max(picture.size)))
    return picture.resize((picture.width * times, picture.height * times), Image.Resampling.LANCZOS)


def _class_of(picked: Any) -> str:
    return next(iter(picked["parameters"].get("classes") or ()), "")
