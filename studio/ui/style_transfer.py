"""The page of style transfer: a photograph, one to four paintings, and the picture that comes of them.

    launch(build(StyleTransferPipeline.from_pretrained()))      # a page of its own
    with Shell("Pages"): page()                                 # a part of another one

Everything that a browser sends is taken as it comes and checked by the pipeline's parameters.
"""

from __future__ import annotations

import functools
import json
import secrets
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.components import Component
from PIL import Image

from studio.errors import InputError, StudioError
from studio.media import images
from studio.style.parameters import StyleTransferParameters
from studio.ui import samples, stage, widgets
from studio.ui.restore import restored
from studio.ui.shell import (
    COMPUTE,
    OURS,
    QUIETLY,
    Shell,
    Updates,
    failure,
    heading,
    picture_input,
    uploaded,
    warn,
    without_folders,
)
from studio.ui.styles import MAX_STYLES, Styles
from studio.ui.wall import SCROLL_TO_IT, Wall
from studio.ui.work import StopFlags, Work

if TYPE_CHECKING:
    from studio.pipelines.style_transfer import StyleTransferPipeline, StyleTransferResult

TITLE = "Style transfer"
FIRST = ("size", "content_weight", "steps", "minutes", "keep_colors", "seed")  # the rest is folded away

_LABELS = {
    "keep_colors": "Colours",
    "minutes": "Minutes instead",
    "max_megapixels": "Largest picture",
    "init": "Start from",
    "tile": "Tiles",
    "tv_weight": "Smoothness",
}
_BY_THE_STYLES = "style_weights"  # its widgets are the sliders beside the paintings


def build(pipeline: StyleTransferPipeline | None = None) -> Shell:
    """The page on its own. Without a pipeline, the shipped VGG-19 is loaded when it is first needed."""
    blocks = Shell("Studio – Style transfer")
    with blocks:
        page(pipeline)
    return blocks


def page(pipeline: StyleTransferPipeline | None = None) -> None:
    """The page inside the Blocks that is being built."""
    StyleTransferPage(_shipped if pipeline is None else lambda: pipeline)


class StyleTransferPage:
    """The widgets of the page and what happens when they are used; of its visitors, only stop flags are kept here."""

    def __init__(self, pipeline: Callable[[], StyleTransferPipeline]) -> None:
        self.pipeline = pipeline
        self.flags = StopFlags()
        self.photographs = samples.samples("content")
        self.fields = {name: field for name, field in StyleTransferParameters.fields() if name != _BY_THE_STYLES}
        self.settings: dict[str, Component] = {}
        heading(TITLE, "A photograph, painted in the manner of one or more paintings.")
        with gr.Row(elem_classes=["desk"]):
            with gr.Column(scale=4, min_width=320, elem_classes=["controls"]):
                self._lay_out_controls()
            with gr.Column(scale=7, min_width=320, elem_classes=["wall"]):
                self.wall = Wall("Paint")
        self._connect()

    def _lay_out_controls(self) -> None:
        self.content = picture_input("Photograph", 250, "content")
        self.strip = samples.strip(self.photographs, "Photographs to try")
        self.styles = Styles()
        with gr.Row(elem_classes=["pair"]):
            self._setting("size", min_width=130)
            self._setting("content_weight", min_width=130)
        with gr.Row(elem_classes=["pair"]):
            self._setting("steps", min_width=130)
            self._setting("minutes", min_width=130, placeholder="none")
        self._setting("keep_colors")
        with gr.Group(elem_classes=["seed"]):
            self._setting("seed")
            with gr.Row():
                self.another_seed = gr.Checkbox(False, label="A new one each time", container=False, min_width=160)
                self.roll = gr.Button("Roll", size="sm", min_width=90, scale=0, elem_id="roll")
        with gr.Accordion("More settings", open=False, elem_classes=["more"]):
            for name in self.fields:
                if name not in FIRST:
                    self._setting(name)
                if name == "init":
                    self.init_picture = picture_input("Picture to start from", 160, "init-picture")
        with gr.Accordion("Restore settings from a result", open=False, elem_classes=["more"]):
            self.dropped = gr.File(
                label="Drop a picture that was made here",
                file_types=list(images.SUFFIXES),
                height=120,
                elem_id="dropped",
            )

    def _setting(self, name: str, **look: Any) -> None:
        if name in _LABELS:
            look["label"] = _LABELS[name]
        self.settings[name] = widgets.widget(name, self.fields[name], **look)

    def _connect(self) -> None:
        self.strip.click(self._pick, None, self.content, **QUIETLY)
        self.roll.click(_rolled, None, self.settings["seed"], **QUIETLY)
        self.init_picture.upload(lambda: "picture", None, self.settings["init"], **QUIETLY)
        self.init_picture.clear(lambda: "content", None, self.settings["init"], **QUIETLY)
        self.dropped.upload(
            self.restore,
            outputs=[self.wall.status, self.content, *self.styles.outputs, *self.settings.values()],
            inputs_kwargs={"file": self.dropped},
            preprocess=False,
            api_name="restore",
            queue=False,
            show_progress="hidden",
        )
        wall = self.wall
        buttons = [wall.start, wall.stop]
        asked = wall.start.click(self._announce, None, [*buttons, wall.status], js=SCROLL_TO_IT, **QUIETLY)
        painted = asked.then(
            self.paint,
            outputs=[*wall.outputs, self.settings["seed"]],
            inputs_kwargs=self._inputs(),
            preprocess=False,
            api_name="style_transfer",
            show_progress="hidden",
            concurrency_limit=1,
            concurrency_id=COMPUTE,
        )
        painted.success(wall.ended, None, buttons, **QUIETLY)
        painted.failure(wall.ended, None, buttons, **QUIETLY)  # `then` alone does not follow a failure
        wall.stop.click(self.ask_to_stop, None, wall.status, api_name="stop", queue=False, show_progress="hidden")

    def _files(self) -> dict[str, Component]:
        return {"content": self.content, **self.styles.files(), "init_picture": self.init_picture}

    def _inputs(self) -> dict[str, Component]:
        """Everything that a picture is made from, by the names that the API gives them."""
        return {**self._files(), **self.styles.weights(), **self.settings, "another_seed": self.another_seed}

    def paint(self, request: gr.Request, **values: Any) -> Iterator[Updates]:
        """Paint a photograph in the manner of paintings, and show the picture as it takes shape."""
        with self.flags.working(request.session_hash or "") as stop:
            files: dict[str, Path | None] = {}
            try:
                for name in self._files():
                    files[name] = uploaded(values.get(name), self.content.GRADIO_CACHE)
                yield from self._painted(files, values, stop)
            except StudioError as error:
                message = without_folders(str(error), files.values())
                yield self.wall.failed(message)
                raise failure(message) from None
            except Exception:
                yield self.wall.failed(OURS)
                raise

    def _painted(
        self, files: Mapping[str, Path | None], values: dict[str, Any], stop: threading.Event
    ) -> Iterator[Updates]:
        if stop.is_set():
            yield {self.wall.status: stage.status("Stopped before it began.")}
            return
        if values.get("another_seed"):
            values["seed"] = _rolled()
        parameters, pictures = self._understood(files, values)
        limit = round(parameters.max_megapixels * 1e6)
        before = images.open_picture(pictures["content"], background=parameters.background, max_pixels=limit).image
        shown = stage.as_address(before)
        yield {**self.wall.begun(shown), self.settings["seed"]: str(parameters.seed)}
        work = Work(lambda report: self.pipeline()(**pictures, parameters=parameters, callback=report), stop)
        wall, files_here = self.wall, list(files.values())
        latest, since = None, time.monotonic()
        for update in work.updates():
            changed: Updates = {}
            for text in update.warnings:
                warn(without_folders(text, files_here))
            for text in update.notes:
                changed[wall.status] = stage.status(without_folders(text, files_here))
            if update.preview is not None:
                shown = stage.as_address(update.preview)
            if update.progress is not None:
                if latest and latest.stage != update.progress.stage and not stop.is_set():
                    changed[wall.status] = stage.status(f"Painting at {update.progress.stage}.")
                latest, since = update.progress, time.monotonic()
            yield {**changed, wall.stage: stage.at_work(shown, latest, time.monotonic() - since)}
        yield from self._hung(work.result(), before, work.timed_out)

    def _hung(self, result: StyleTransferResult, before: Image.Image, timed_out: bool) -> Iterator[Updates]:
        """The picture beside the photograph, its file and its recipe."""
        after, steps = result.images[0], len(result.losses)
        words = f"Done: {after.width} × {after.height}, {steps} step{'s' * (steps != 1)}."
        if not result.finished:
            cause = "The time limit was reached" if timed_out else "Stopped"
            words = f"{cause} at step {steps}; this is the best so far."
        seed, mark = result.recipe.parameters["seed"], result.recipe.fingerprint[:8]
        recipe = json.dumps(json.loads(result.recipe.to_json()), indent=2)
        with tempfile.TemporaryDirectory() as folder:
            path = result.save(Path(folder) / f"style-{seed}-{mark}.png")
            yield self.wall.hung(words, before, after, path, recipe)

    def _understood(
        self, files: Mapping[str, Path | None], values: Mapping[str, Any]
    ) -> tuple[StyleTransferParameters, dict[str, Any]]:
        """(the parameters, the pictures) that the widgets stand for. Raises InputError."""
        if files["content"] is None:
            raise InputError("There is no photograph yet: drop one, or pick one of those below it.")
        paintings, masks, weights = self.styles.understood(files, values)
        parameters = StyleTransferParameters(
            style_weights=weights,
            **{name: widgets.meant(values[name], field) for name, field in self.fields.items() if name in values},
        )
        start = files["init_picture"] if parameters.init == "picture" else None
        return parameters, {"content": files["content"], "styles": paintings, "masks": masks, "init_picture": start}

    def restore(self, file: Any) -> Updates:
        """Read the settings out of a picture that was made here."""
        path = None
        try:
            path = uploaded(file, self.dropped.GRADIO_CACHE)
            if path is None:
                return {self.wall.status: ""}
            found = restored(path, samples.samples_folder(), MAX_STYLES)
        except StudioError as error:
            raise failure(without_folders(str(error), [path])) from None
        return {
            self.wall.status: stage.status(found.words, "done"),
            self.content: found.content,
            **self.styles.restored(found.styles, found.weights),
            **{self.settings[name]: widgets.shown(found.parameters[name], self.fields[name]) for name in self.fields},
        }

    def ask_to_stop(self, request: gr.Request) -> str:
        """Stop this session's work; the best so far comes back."""
        stopping = self.flags.stop(request.session_hash or "")
        return stage.status("Stopping after this step." if stopping else "There is nothing to stop.")

    def _announce(self, request: gr.Request) -> Updates:
        self.flags.announce(request.session_hash or "")
        return self.wall.announced()

    def _pick(self, event: gr.EventData) -> Any:
        return samples.picked(self.photographs, event) or gr.skip()


def _rolled() -> str:
    return str(secrets.randbelow(2**32))


@functools.cache
def _shipped() -> StyleTransferPipeline:
    # Imported here so that the page stands before torch is loaded.
    from studio.pipelines.style_transfer import StyleTransferPipeline

    return StyleTransferPipeline.from_pretrained()
