"""A walk through the latent space of a model, as a film in the page."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.components import Component

from studio.generation.parameters import WalkParameters
from studio.ui import stage, widgets
from studio.ui.loaded import loaded
from studio.ui.shell import Updates
from studio.ui.work import Work

_OWN = ("seconds", "keyframes", "scale")
_MORE = ("fps", "kind", "ease")
_SHOWN = {"seconds": 6.0, "scale": 4}  # what the page suggests


class Film:
    """The settings of a film, beside those that pictures have as well, and the film itself."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.fields = dict(WalkParameters.fields())
        self.settings: dict[str, Component] = {}
        with gr.Row(elem_classes=["pair"]):
            for name in _OWN:
                value = _SHOWN.get(name, self.fields[name].default)
                look: dict[str, Any] = {"elem_id": f"{kind}-film-{name}", "min_width": 120, "value": value}
                self.settings[name] = widgets.widget(name, self.fields[name], **look)
        self.settings["loop"] = widgets.widget("loop", self.fields["loop"], elem_id=f"{kind}-film-loop")
        with gr.Accordion("More settings of the film", open=False, elem_classes=["more"]):
            for name in _MORE:
                look = {"elem_id": f"{kind}-film-{name}"}
                self.settings[name] = widgets.widget(name, self.fields[name], **look)
        with gr.Row(elem_classes=["actions"]):
            self.start = gr.Button("Make the film", variant="primary", scale=0, min_width=160, elem_id=f"{kind}-film")
            self.stop = gr.Button(
                "Stop", variant="stop", scale=0, min_width=110, visible=False, elem_id=f"{kind}-stop-film"
            )
            self.status = gr.HTML("", elem_classes=["status"], elem_id=f"{kind}-film-status", apply_default_css=False)
        self.stage = gr.HTML("", elem_classes=["stage", "modest"], visible=False, apply_default_css=False)
        self.video = gr.Video(
            label="Film", visible=False, interactive=False, autoplay=True, loop=True, buttons=["download"], height=480,
            elem_id=f"{kind}-video",
        )  # fmt: skip
        self.buttons: list[Any] = [self.start, self.stop]
        self.outputs: list[Any] = [self.status, self.stage, self.video]

    def inputs(self) -> dict[str, Component]:
        """The settings, by the names that the API gives them."""
        return {f"film_{name}": made for name, made in self.settings.items()}

    def asked(self, working: bool) -> Updates:
        """The buttons while a film is made, and otherwise."""
        return {self.start: gr.Button(visible=not working), self.stop: gr.Button(visible=working)}

    def made(
        self, model: str, shared: Mapping[str, Any], values: Mapping[str, Any], stop: threading.Event
    ) -> Iterator[Updates]:
        """Make a film. shared: the settings that pictures have as well. Raises StudioError, also when stopped."""
        given = {name: widgets.meant(values[f"film_{name}"], self.fields[name]) for name in self.settings}
        parameters = WalkParameters(**{name: shared[name] for name in shared if name in self.fields} | given)
        yield {
            self.status: stage.status("Getting ready."),
            self.stage: gr.HTML(stage.bar(None, 0), visible=True),
            self.video: gr.Video(visible=False),
        }
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"{self.kind}-walk-{parameters.seed}.mp4"
            work = Work(lambda report: _filmed(model, parameters, path, report), stop)
            picture, latest, since = None, None, time.monotonic()
            for update in work.updates():
                if update.preview is not None:
                    picture = stage.as_address(update.preview)
                if update.progress is not None:
                    latest, since = update.progress, time.monotonic()
                shown = stage.at_work(picture, latest, time.monotonic() - since)
                yield {self.stage: shown, self.status: stage.status("Filming.")}
            words = work.result()
            yield {
                self.status: stage.status(f"Done: {words}. The recipe lies inside the film.", "done"),
                self.stage: gr.HTML(visible=False),
                self.video: gr.Video(value=str(path), visible=True),
                **self.asked(False),
            }

    def failed(self, message: str) -> Updates:
        """Nothing came of it."""
        return {self.status: stage.status(message, "failed"), self.stage: gr.HTML(visible=False)}

    def restored(self, parameters: WalkParameters) -> Updates:
        """The settings of a film that was made before."""
        return {
            made: widgets.shown(getattr(parameters, name), self.fields[name]) for name, made in self.settings.items()
        }


def _filmed(model: str, parameters: WalkParameters, path: Path, report: Any) -> str:
    from studio.pipelines.walk import WalkPipeline

    result = WalkPipeline(loaded().get(model))(parameters=parameters, callback=report)
    result.save(path)
    return result.in_words
