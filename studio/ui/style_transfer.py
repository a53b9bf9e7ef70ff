"""The page of style transfer: a photograph, one to four paintings, and the picture that comes of them.

    build(StyleTransferPipeline.from_pretrained()).launch()     # a page of its own
    with gr.Blocks(): page()                                    # a part of another one

Everything that a browser sends is taken as it comes and checked by the pipeline's parameters.
"""

from __future__ import annotations

import functools
import json
import secrets
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.components import Component
from PIL import Image

from studio.errors import InputError, StudioError
from studio.media import images
from studio.pipelines.style_transfer_parameters import StyleTransferParameters
from studio.ui import samples, stage, widgets
from studio.ui.restore import restored
from studio.ui.shell import COMPUTE, Shell, failure, heading, uploaded, warn, without_folders
from studio.ui.work import StopFlags, Update, Work

if TYPE_CHECKING:
    from studio.pipelines.style_transfer import StyleTransferPipeline, StyleTransferResult

TITLE = "Style transfer"
MAX_STYLES = 4
FIRST = ("size", "steps", "minutes", "content_weight", "keep_colors", "seed")
FORMATS = [".png", ".jpg", ".jpeg", ".webp"]

_LABELS = {"keep_colors": "Colours", "minutes": "Minutes instead", "tv_weight": "Smoothness", "tile": "Tiles"}
_BY_THE_STYLES = "style_weights"  # its widgets are the sliders beside the paintings
_DISPLAY_SIDE = 2048  # pixels; the file itself is as large as was asked for
_INVITATION = "Your picture will take shape here."

_SHOW_THE_WALL = """() => {
  const wall = document.querySelector(".wall"), top = wall.getBoundingClientRect().top;
  if (top < -80 || top > innerHeight / 2) wall.scrollIntoView({ behavior: "smooth" });
  return [];
}"""

Updates = dict[Component, Any]


def build(pipeline: StyleTransferPipeline | None = None) -> gr.Blocks:
    """The page on its own. Without a pipeline, the shipped VGG-19 is loaded when it is first needed."""
    with Shell("Studio – Style transfer") as blocks:
        page(pipeline)
    return blocks


def page(pipeline: StyleTransferPipeline | None = None) -> None:
    """The page inside the Blocks that is being built."""
    StyleTransferPage((lambda: pipeline) if pipeline is not None else _shipped)


class StyleTransferPage:
    """The widgets of the page and what happens when they are used; what belongs to one visitor is never kept here."""

    def __init__(self, pipeline: Callable[[], StyleTransferPipeline]) -> None:
        self.pipeline = pipeline
        self.flags = StopFlags()
        self.contents, self.paintings = samples.samples("content"), samples.samples("style")
        self.fields = {name: field for name, field in StyleTransferParameters.fields() if name != _BY_THE_STYLES}
        self.settings: dict[str, Component] = {}
        self.slots: list[Slot] = []
        self._lay_out()
        self._connect()

    def _lay_out(self) -> None:
        heading(TITLE, "A photograph, painted in the manner of one or more paintings.")
        with gr.Row(elem_classes=["desk"]):
            with gr.Column(scale=4, min_width=320, elem_classes=["controls"]):
                self.content = _picture("Photograph", 250, "content")
                self.content_strip = samples.strip(self.contents, "Photographs to try")
                self.slots = [Slot(number) for number in range(1, MAX_STYLES + 1)]
                self.shown_slots = gr.State([True] + [False] * (MAX_STYLES - 1))
                self.style_strip = samples.strip(self.paintings, "Paintings to try")
                self.add = gr.Button("Add a style", size="sm", elem_classes=["quiet"])
                self._first_settings()
                with gr.Accordion("More settings", open=False, elem_classes=["more"]):
                    self._more_settings()
                with gr.Accordion("Restore settings from a result", open=False, elem_classes=["more"]):
                    self.dropped = gr.File(
                        label="Drop a picture that was made here", file_types=FORMATS, height=120, elem_id="dropped"
                    )
            with gr.Column(scale=7, min_width=320, elem_classes=["wall"]):
                with gr.Row(elem_classes=["actions"]):
                    self.start = gr.Button("Paint", variant="primary", scale=0, min_width=150, elem_id="start")
                    self.stop = gr.Button("Stop, keep the best", variant="stop", scale=0, min_width=190, visible=False, elem_id="stop")
                    self.status = gr.HTML(
                        "", html_template='<p role="status" aria-live="polite">${value}</p>', elem_classes=["status"],
                        elem_id="status", min_width=200, apply_default_css=False,
                    )
                    self.download = gr.DownloadButton("Download", scale=0, min_width=150, visible=False, elem_id="download")
                self.stage = gr.HTML(stage.empty(_INVITATION), elem_classes=["stage"], elem_id="stage", apply_default_css=False)
                self.slider = gr.ImageSlider(
                    label="Before and after", visible=False, interactive=False, buttons=["fullscreen"],
                    max_height=820, elem_classes=["slider"], elem_id="result",
                )
                with gr.Accordion("Recipe", open=False, visible=False, elem_classes=["more"]) as self.recipe_fold:
                    self.recipe = gr.Code(
                        language="json", label="What made this picture; the same lies inside the file", interactive=False,
                        wrap_lines=True, elem_id="recipe",
                    )

    def _first_settings(self) -> None:
        with gr.Row(elem_classes=["pair"]):
            self._setting("size", min_width=130)
            self._setting("content_weight", min_width=130)
        with gr.Row(elem_classes=["pair"]):
            self._setting("steps", min_width=130)
            self._setting("minutes", min_width=130)
        self._setting("keep_colors")
        with gr.Group(elem_classes=["seed"]):
            self._setting("seed", buttons=[])
            with gr.Row():
                self.always_roll = gr.Checkbox(False, label="A new one each time", container=False, min_width=160)
                self.roll = gr.Button("Roll", size="sm", min_width=90, scale=0, elem_id="roll")

    def _more_settings(self) -> None:
        for name in self.fields:
            if name not in FIRST:
                self._setting(name)
            if name == "init":
                self.init_picture = _picture("Picture to start from", 160, "init-picture")

    def _setting(self, name: str, **look: Any) -> None:
        if name in _LABELS:
            look["label"] = _LABELS[name]
        self.settings[name] = widgets.widget(name, self.fields[name], **look)

    def _connect(self) -> None:
        private: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
        self.content_strip.click(self._pick_content, None, self.content, **private)
        images_of_slots = [slot.picture for slot in self.slots]
        self.style_strip.click(self._pick_style, [self.shown_slots, *images_of_slots], images_of_slots, preprocess=False, **private)
        slot_parts = [part for slot in self.slots for part in slot.parts]
        self.add.click(self._add_slot, self.shown_slots, [self.shown_slots, self.add, *slot_parts], **private)
        for number, slot in enumerate(self.slots):
            slot.remove.click(
                functools.partial(self._remove_slot, number), self.shown_slots, [self.shown_slots, self.add, *slot_parts], **private
            )
        self.roll.click(_rolled, None, self.settings["seed"], **private)
        self.init_picture.upload(lambda: "picture", None, self.settings["init"], **private)
        self.init_picture.clear(lambda: "content", None, self.settings["init"], **private)
        self.dropped.upload(
            self.restore, None, [self.status, self.shown_slots, self.add, self.content, *slot_parts, *self.settings.values()],
            inputs_kwargs={"file": self.dropped}, preprocess=False, queue=False, show_progress="hidden", api_name="restore",
        )
        outputs = [self.status, self.stage, self.slider, self.download, self.recipe_fold, self.recipe, self.settings["seed"]]
        asked = self.start.click(self._announce, None, [self.start, self.stop, self.status], js=_SHOW_THE_WALL, **private)
        painted = asked.then(
            self.paint, None, outputs, inputs_kwargs=self._inputs(), preprocess=False, show_progress="hidden",
            concurrency_limit=1, concurrency_id=COMPUTE, api_name="style_transfer",
        )
        painted.then(lambda: (gr.Button(visible=True), gr.Button(visible=False)), None, [self.start, self.stop], **private)
        self.stop.click(self.ask_to_stop, None, self.status, queue=False, show_progress="hidden", api_name="stop")

    def _inputs(self) -> dict[str, Component]:
        """Everything that a run is made from, by the names that the API gives them."""
        weights: dict[str, Component] = {f"weight_{number}": slot.weight for number, slot in enumerate(self.slots, 1)}
        return {**self._files(), **weights, **self.settings, "another_seed": self.always_roll}

    def _files(self) -> dict[str, Component]:
        """Those of the inputs that are pictures."""
        files: dict[str, Component] = {"content": self.content}
        for number, slot in enumerate(self.slots, 1):
            files |= {f"style_{number}": slot.picture, f"mask_{number}": slot.mask}
        return {**files, "init_picture": self.init_picture}

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
                yield {
                    self.status: stage.status(message, "failed"),
                    self.stage: gr.HTML(stage.empty(_INVITATION), visible=True),
                    self.slider: gr.ImageSlider(visible=False),
                }
                raise failure(message) from None

    def _painted(self, files: dict[str, Path | None], values: dict[str, Any], stop: Any) -> Iterator[Updates]:
        if values.pop("another_seed", False):
            values["seed"] = _rolled()
        if stop.is_set():
            yield {self.status: stage.status("Stopped before it began.")}
            return
        parameters, pictures = self._understood(files, values)
        before = images.open_picture(pictures["content"], max_pixels=round(parameters.max_megapixels * 1e6)).image
        shown = stage.as_address(before)
        yield {
            self.status: stage.status("Getting ready."),
            self.stage: gr.HTML(stage.at_work(shown, None, 0), visible=True),
            self.slider: gr.ImageSlider(visible=False),
            self.download: gr.DownloadButton(visible=False),
            self.recipe_fold: gr.Accordion(visible=False),
            self.settings["seed"]: str(parameters.seed),
        }
        work = Work(lambda report: self.pipeline()(**pictures, parameters=parameters, callback=report), stop)
        latest, since, scale = None, time.monotonic(), ""
        for update in work.updates():
            for text in update.warnings:
                warn(without_folders(text, files.values()))
            if update.preview is not None:
                shown = stage.as_address(update.preview)
            if update.progress is not None:
                latest, since = update.progress, time.monotonic()
            changed: Updates = {self.stage: stage.at_work(shown, latest, time.monotonic() - since)}
            if latest and latest.stage != scale and not stop.is_set():
                scale = latest.stage
                changed[self.status] = stage.status(f"Painting at {scale}.")
            elif update.notes:
                changed[self.status] = stage.status(without_folders(update.notes[-1], files.values()))
            yield changed
        yield from self._hung(work.result(), before, len(work.result().losses), work.timed_out)

    def _hung(self, result: StyleTransferResult, before: Image.Image, steps: int, timed_out: bool) -> Iterator[Updates]:
        """The finished picture beside the photograph, its file and its recipe."""
        after = result.images[0]
        words = f"Done: {after.width} × {after.height}, {steps} steps."
        if not result.finished:
            cause = "The time limit was reached" if timed_out else "Stopped"
            words = f"{cause} at step {steps}; this is the best so far."
        size = after.size
        if max(size) > _DISPLAY_SIDE:
            size = (round(after.width * _DISPLAY_SIDE / max(size)), round(after.height * _DISPLAY_SIDE / max(size)))
        seed, mark = result.recipe.parameters["seed"], result.recipe.fingerprint[:8]
        with tempfile.TemporaryDirectory() as folder:
            path = result.save(Path(folder) / f"style-{seed}-{mark}.png")
            yield {
                self.status: stage.status(words, "done"),
                self.stage: gr.HTML(visible=False),
                self.slider: gr.ImageSlider((before.resize(size), after.resize(size) if size != after.size else after), visible=True),
                self.download: gr.DownloadButton(value=str(path), visible=True),
                self.recipe_fold: gr.Accordion(visible=True),
                self.recipe: json.dumps(json.loads(result.recipe.to_json()), indent=2),
            }

    def _understood(
        self, files: dict[str, Path | None], values: dict[str, Any]
    ) -> tuple[StyleTransferParameters, dict[str, Any]]:
        """(the parameters, the pictures) that the widgets stand for. Raises InputError."""
        if files.get("content") is None:
            raise InputError("There is no photograph yet: drop one, or pick one of those below it.")
        used = [number for number in range(1, MAX_STYLES + 1) if files.get(f"style_{number}")]
        if not used:
            raise InputError("There is no painting yet: drop one, or pick one of those below it.")
        masks = [files[f"mask_{number}"] for number in used if files.get(f"mask_{number}")]
        if masks and len(masks) != len(used):
            raise InputError(f"{len(masks)} of {len(used)} styles have a mask: give every style one, or none.")
        weights = tuple(values.get(f"weight_{number}", 1) for number in used)
        parameters = StyleTransferParameters(
            style_weights=() if len(weights) == 1 or all(weight == 1 for weight in weights) else weights,
            **{name: widgets.meant(values[name], field) for name, field in self.fields.items() if name in values},
        )
        return parameters, {
            "content": files["content"],
            "styles": [files[f"style_{number}"] for number in used],
            "masks": masks,
            "init_picture": files.get("init_picture") if parameters.init == "picture" else None,
        }

    def restore(self, file: Any) -> Updates:
        """Read the settings out of a picture that was made here."""
        path = None
        try:
            path = uploaded(file, self.dropped.GRADIO_CACHE)
            if path is None:
                return {}
            found = restored(path, samples.samples_folder(), MAX_STYLES)
        except StudioError as error:
            raise failure(without_folders(str(error), [path])) from None
        styles = max(1, len(found.styles))
        changed: Updates = {
            self.status: stage.status(found.words, "done"),
            self.content: found.content,
            **self._slots_shown([number < styles for number in range(MAX_STYLES)]),
            **{self.settings[name]: widgets.shown(found.parameters[name], field) for name, field in self.fields.items()},
        }
        for number, slot in enumerate(self.slots[: len(found.styles)]):
            weight = found.weights[number] if found.weights else 1.0
            changed[slot.picture] = found.styles[number]
            changed[slot.weight] = gr.Slider(value=weight, maximum=max(1, *found.weights, 1), visible=styles > 1)
        return changed

    def ask_to_stop(self, request: gr.Request) -> str:
        """Stop this session's work; the best so far comes back."""
        stopping = self.flags.stop(request.session_hash or "")
        return stage.status("Stopping after this step." if stopping else "There is nothing to stop.")

    def _announce(self, request: gr.Request) -> Updates:
        self.flags.announce(request.session_hash or "")
        return {
            self.start: gr.Button(visible=False),
            self.stop: gr.Button(visible=True),
            self.status: stage.status("Waiting for its turn."),
        }

    def _pick_content(self, event: gr.EventData) -> Any:
        return samples.picked(self.contents, event) or gr.skip()

    def _pick_style(self, event: gr.EventData, slots: list[bool], *filled: Any) -> list[Any]:
        """Put a painting into the first style that has none, else in place of the last one."""
        path = samples.picked(self.paintings, event)
        places = [number for number, is_shown in enumerate(slots) if is_shown]
        place = next((number for number in places if not filled[number]), places[-1])
        return [path if path and number == place else gr.skip() for number in range(MAX_STYLES)]

    def _add_slot(self, slots: list[bool]) -> Updates:
        free = next((number for number, is_shown in enumerate(slots) if not is_shown), None)
        return self._slots_shown([is_shown or number == free for number, is_shown in enumerate(slots)])

    def _remove_slot(self, removed: int, slots: list[bool]) -> Updates:
        changed = self._slots_shown([is_shown and number != removed for number, is_shown in enumerate(slots)])
        slot = self.slots[removed]
        return {**changed, slot.picture: None, slot.mask: None}

    def _slots_shown(self, slots: list[bool]) -> Updates:
        changed: Updates = {self.shown_slots: slots, self.add: gr.Button(interactive=not all(slots))}
        for slot, is_shown in zip(self.slots, slots, strict=True):
            changed[slot.group] = gr.Group(visible=is_shown)
            changed[slot.weight] = gr.Slider(visible=sum(slots) > 1)
        return changed


class Slot:
    """A place for one painting, with its weight and its mask; all but the first can be taken away."""

    def __init__(self, number: int) -> None:
        first = number == 1
        with gr.Group(visible=first, elem_classes=["slot"]) as self.group:
            self.picture = _picture("Painting" if first else f"Painting {number}", 190, f"style-{number}")
            self.weight = gr.Slider(
                0, 1, 1.0, step=0.01, label="Weight", visible=False, buttons=[], elem_id=f"weight-{number}",
            )
            with gr.Accordion("Mask", open=False, elem_classes=["more"]):
                self.mask = _picture("White where this style goes, black where the photograph stays", 150, f"mask-{number}")
            self.remove = gr.Button("Remove this style", size="sm", visible=not first, elem_classes=["quiet"])

    @property
    def parts(self) -> list[Any]:
        """What is changed when styles come and go."""
        return [self.group, self.picture, self.weight, self.mask]


def _picture(label: str, height: int, name: str) -> gr.Image:
    """A place for a picture. The file reaches the pipeline byte for byte: its hash goes into the recipe."""
    return gr.Image(
        label=label, type="filepath", image_mode=None, sources=["upload"], height=height, buttons=[],
        placeholder=f"{label}: drop a file here, or click", elem_id=name,
    )


def _rolled() -> str:
    return str(secrets.randbelow(2**32))


@functools.cache
def _shipped() -> StyleTransferPipeline:
    # Imported here so that the page stands before torch is loaded.
    from studio.pipelines.style_transfer import StyleTransferPipeline

    return StyleTransferPipeline.from_pretrained()
