"""The page of melodies: promises to set, tunes that play, and every form they can be kept in.

Everything that a browser sends is taken as it comes and checked by the parameters and the pipeline.
"""

from __future__ import annotations

import html
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import gradio as gr

from studio.errors import InputError, StudioError
from studio.melody.parameters import MelodyParameters
from studio.ui import melody_files, models, piano_roll, stage
from studio.ui.melody_models import melody_model
from studio.ui.melody_settings import MelodySettings
from studio.ui.primer import Primer
from studio.ui.shell import COMPUTE, OURS, QUIETLY, Shell, Updates, failure, heading, uploaded, warn, without_folders
from studio.ui.wall import SCROLL_TO_IT
from studio.ui.work import StopFlags, Work

if TYPE_CHECKING:
    from studio.pipelines.melody_result import MelodyResult

TITLE = "Melody"
KIND = "melody_lstm"
MOST = 8  # tunes that a page shows at once

_INVITATION = "A tune will stand here."
_NONE_YET = "There is no model for melodies here yet: train one on the page Training, or type the folder of one."
_RESTORED_FROM = [".mid", ".wav", ".png", ".svg", ".abc"]


def build() -> Shell:
    """The page on its own."""
    blocks = Shell("Studio – Melody")
    with blocks:
        page()
    return blocks


def page() -> MelodyPage:
    """The page inside the Blocks that is being built."""
    return MelodyPage()


class MelodyPage:
    """The widgets of the page and what happens when they are used."""

    def __init__(self) -> None:
        self.flags = StopFlags()
        heading(TITLE, "Tunes that keep their promises: so many bars, in that key and metre, ending where they should.")
        with gr.Row(elem_classes=["desk"]):
            with gr.Column(scale=4, min_width=320, elem_classes=["controls"]):
                self.model = models.model_list(KIND, "Model", elem_id="melody-model")
                self.about = gr.HTML("", elem_classes=["status"], elem_id="melody-about", apply_default_css=False)
                self.settings = MelodySettings(self._lay_out_primer)
                with gr.Accordion("Restore settings from a result", open=False, elem_classes=["more"]):
                    self.dropped = gr.File(
                        label="Drop a tune, its sound, its score or its picture that was made here",
                        file_types=_RESTORED_FROM, height=120, elem_id="melody-dropped",
                    )  # fmt: skip
            with gr.Column(scale=7, min_width=320, elem_classes=["wall"]):
                self._lay_out_wall()
        self._connect()

    def _lay_out_primer(self) -> None:
        self.primer = Primer()

    def _lay_out_wall(self) -> None:
        with gr.Row(elem_classes=["actions"]):
            self.start = gr.Button("Compose", variant="primary", scale=0, min_width=150, elem_id="melody-compose")
            self.stop = gr.Button("Stop", variant="stop", scale=0, min_width=110, visible=False, elem_id="melody-stop")
            self.status = gr.HTML(
                "",
                html_template='<p role="status" aria-live="polite">${value}</p>',
                elem_classes=["status"],
                elem_id="melody-status",
                min_width=200,
                apply_default_css=False,
            )
        self.stage = gr.HTML(stage.empty(_INVITATION), elem_classes=["stage", "modest"], apply_default_css=False)
        self.roll = piano_roll.player("melody-roll")
        self.nearest = gr.HTML("", elem_classes=["status"], elem_id="melody-nearest", apply_default_css=False)
        with gr.Row(elem_classes=["actions", "forms"], visible=False) as self.forms:
            self.downloads = {
                suffix: gr.DownloadButton(name, size="sm", scale=0, min_width=84, elem_id=f"melody-{suffix[1:]}")
                for suffix, name in melody_files.FORMS.items()
            }
        self.made = gr.State(None)  # the MelodyResult that is shown

    def _connect(self) -> None:
        self.model.focus(lambda: gr.update(choices=models.choices(KIND)), None, self.model, **QUIETLY)
        self.model.change(_described, self.model, self.about, **QUIETLY)
        gr.on(None, _opened, self.model, [self.model, self.about], **QUIETLY)  # when a page is opened
        self.settings.connect()
        self.primer.connect(self.settings.all)
        shown = [self.stage, self.roll, self.nearest, self.forms, *self.downloads.values()]
        composed = self.start.click(self._announce, None, [self.start, self.stop], js=SCROLL_TO_IT, **QUIETLY).then(
            self.compose,
            outputs=[self.status, *shown, self.made, self.settings.all["seed"], self.start, self.stop],
            inputs_kwargs={"model": self.model, **self.settings.inputs(), **self.primer.inputs()},
            api_name="melody_tunes", preprocess=False, show_progress="hidden", concurrency_limit=1,
            concurrency_id=COMPUTE,
        )  # fmt: skip
        composed.failure(self._ended, None, [self.start, self.stop], **QUIETLY)
        self.stop.click(self.ask_to_stop, None, self.status, **QUIETLY)
        self.roll.select(self.pick, self.made, shown, trigger_mode="always_last", **QUIETLY)
        self.dropped.upload(
            self.restore, outputs=[self.status, self.model, *self.settings.all.values()],
            inputs_kwargs={"file": self.dropped}, preprocess=False, api_name="melody_restore", queue=False,
            show_progress="hidden",
        )  # fmt: skip

    def compose(self, request: gr.Request, **values: Any) -> Iterator[Updates]:
        """Make tunes, and the files of the first of them."""
        with self.flags.working(request.session_hash or "") as stop:
            sent = None
            try:
                sent = uploaded(values.get("primer"), self.primer.file.GRADIO_CACHE)
                yield from self._composed(values, stop)
            except StudioError as error:
                message = without_folders(str(error), [sent])
                yield {self.status: stage.status(message, "failed"), self.stage: gr.HTML("", visible=False)}
                raise failure(message) from None
            except Exception:
                yield {self.status: stage.status(OURS, "failed")}
                raise

    def _composed(self, values: dict[str, Any], stop: threading.Event) -> Iterator[Updates]:
        if not values.get("model"):
            raise InputError(_NONE_YET)
        name, chosen = models.chosen(values["model"], KIND), self.settings.understood(values)
        if chosen.count > MOST:
            raise InputError(f"A page shows up to {MOST} tunes at once; make fewer, then go on with a later seed.")
        primer = self.primer.tune(values, chosen)
        yield {self.status: stage.status("Getting ready."), self.settings.all["seed"]: str(chosen.seed)}
        work = Work(lambda report: melody_model(name)(primer=primer, parameters=chosen, callback=report), stop)
        for update in work.updates():
            for text in update.warnings:
                warn(text)
            if update.progress is not None:
                yield {self.status: "", self.stage: gr.HTML(stage.bar(update.progress, 0), visible=True)}
        result = work.result()
        done = stage.status(f"{result.in_words}{'' if result.finished else ': stopped'}.", "done")
        yield {self.status: done, **self._on_the_roll(result, 0, waiting=True)}
        yield {
            self.made: result, self.start: gr.Button(visible=True), self.stop: gr.Button(visible=False),
            **self._on_the_roll(result, 0),
        }  # fmt: skip

    def pick(self, event: gr.EventData, made: Any) -> Updates:
        """Put another of the tunes on the roll; made: the MelodyResult that is shown."""
        data = getattr(event, "_data", None)
        index = data.get("index") if isinstance(data, dict) else None
        if made is None or type(index) is not int or not 0 <= index < len(made.melodies):
            return {self.roll: gr.skip()}
        return self._on_the_roll(made, index)

    def _on_the_roll(self, result: MelodyResult, number: int, *, waiting: bool = False) -> Updates:
        """A tune on the roll: at once, or (without `waiting`) with its sound and its files."""
        tunes = [
            piano_roll.tune(melody, parts, f"Seed {seed}", loop=result.loop)
            for melody, parts, seed in zip(result.melodies, result.parts, result.seeds, strict=True)
        ]
        changed: Updates = {
            self.stage: gr.HTML(visible=False),
            self.nearest: _shared(result, number),
        }
        if waiting:
            return {**changed, self.roll: piano_roll.playing(tunes, chosen=number, waiting=True),
                    self.forms: gr.Row(visible=False)}  # fmt: skip
        files, silence = melody_files.written(result, number, self.downloads[".mid"])
        sound = files.get(".wav")
        changed |= {self.roll: piano_roll.playing(tunes, chosen=number, sound=sound, silence=silence)}
        for suffix, made in self.downloads.items():
            changed[made] = gr.DownloadButton(value=files.get(suffix), visible=suffix in files)
        return {**changed, self.forms: gr.Row(visible=True)}

    def restore(self, file: Any) -> Updates:
        """Read the settings out of a tune, its sound or its picture."""
        from studio.recipe import recipe_of

        path = None
        try:
            path = uploaded(file, self.dropped.GRADIO_CACHE)
            if path is None:
                return {self.status: gr.skip()}
            recipe = recipe_of(path)
            if recipe.pipeline != "melody":
                raise InputError(f"{path} was made by {recipe.pipeline}, not as a melody.")
            found = MelodyParameters(**recipe.parameters)  # checked: a recipe may come from anyone
        except StudioError as error:
            raise failure(without_folders(str(error), [path])) from None
        offered = models.shelf().models(KIND)
        names = [value for name, value in offered.items() if name.split(" (")[0] == recipe.model.name]
        words = "Settings restored." if names else f"Settings restored. Its model {recipe.model.name} is not here."
        given = [source.name or "one without a name" for sources in recipe.inputs.values() for source in sources]
        if given:
            words += f" Give again what it began with: {', '.join(given)}."
        changed = self.settings.restored(found)
        return {**changed, **({self.model: names[0]} if names else {}), self.status: stage.status(words, "done")}

    def ask_to_stop(self, request: gr.Request) -> str:
        """Stop this session's work."""
        stopping = self.flags.stop(request.session_hash or "")
        return stage.status("Stopping." if stopping else "There is nothing to stop.")

    def _announce(self, request: gr.Request) -> Updates:
        self.flags.announce(request.session_hash or "")
        return {self.start: gr.Button(visible=False), self.stop: gr.Button(visible=True)}

    def _ended(self) -> Updates:
        return {self.start: gr.Button(visible=True), self.stop: gr.Button(visible=False)}


def _shared(result: MelodyResult, number: int) -> str:
    """What a tune has of those that the model learnt from, in a line."""
    near = result.nearest[number]
    if not near.longest:
        return stage.status("It shares nothing with the tunes that were learnt from.")
    return stage.status(f"Nearest tune learnt from: {near.name}, {near.longest} notes in a row.")


def _opened(model: Any) -> list[Any]:
    offered = models.choices(KIND)
    here = model in [value for _, value in offered]  # it may have gone since the page was built
    value = model if here else offered[0][1] if offered else None
    return [gr.update(choices=offered, value=value), _described(value)]


def _described(model: Any) -> str:
    if not model:
        return stage.status(_NONE_YET)
    try:
        _, words = models.described(models.config_in(model, KIND))
    except StudioError as error:
        return stage.status(str(error), "failed")
    return f'<span class="quiet">{html.escape(words)}</span>'
