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
from studio.generation.parameters import DIRECTIONS, DirectionsParameters
from studio.ui import stage
from studio.ui.loaded import loaded
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
        picked = last[index]
        moves = tuple(picked["parameters"].get("moves") or ())  # it may have been made with some
        return {self.group: gr.Row(visible=True), self.picked: picked, **self._set(picked, moves)}

    def back(self, picked: Any) -> Updates:
        """The picture as its seed made it."""
        return self._set(picked, ())

    def _set(self, picked: Any, moves: tuple[float, ...]) -> Updates:
        """The sliders at these moves, and the picture that they make."""
        reach = max(REACH, *map(abs, moves)) if moves else REACH
        values = moves + (0.0,) * (len(self.sliders) - len(moves))
        changed: Updates = {
            slider: gr.Slider(minimum=-reach, maximum=reach, value=value)
            for slider, value in zip(self.sliders, values, strict=True)
        }
        return changed | self.move(picked, *values)

    def tell_shares(self, picked: Any) -> list[Any]:
        """Say at each slider how much of all variation goes along it."""
        if not picked:
            return [gr.skip() for _ in self.sliders]
        try:
            explained = loaded().get(picked["model"]).directions(_class_of(picked)).explained.tolist()
        except StudioError as error:
            raise failure(str(error)) from None
        told = [gr.Slider(info=f"{share:.0%} of all variation", visible=True) for share in explained]
        return told + [gr.Slider(visible=False)] * (len(self.sliders) - len(told))  # latents of few numbers have fewer

    def move(self, picked: Any, *sigmas: float) -> Updates:
        """The picture so many standard deviations along each direction."""
        if not picked:
            return {self.words: ""}
        try:
            return self._moved(picked, sigmas)
        except StudioError as error:
            raise failure(str(error)) from None

    def _moved(self, picked: Any, sigmas: Sequence[float]) -> Updates:
        from studio.media import images

        pipe = loaded().get(picked["model"])
        moves = [float(sigma or 0) for sigma in sigmas]
        while moves and not moves[-1]:
            moves.pop()
        result = pipe(parameters=pipe.parameters(**{**picked["parameters"], "moves": moves}))
        picture, recipe = result.images[0], result.recipe
        classes, seed = recipe.parameters["classes"], result.seeds[0]
        words = ", ".join([f"Seed {seed}", *classes, *(["moved"] if moves else [])])
        with tempfile.TemporaryDirectory() as folder:
            name = f"{self.kind}-{seed}-{recipe.fingerprint[:8]}.png"
            path = images.write_picture(picture, Path(folder) / name, recipe.to_json())
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
