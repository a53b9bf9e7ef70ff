"""The page of texts: free or in a form, several side by side as they are written, and a line at a time together.

Everything that a browser sends is taken as it comes and checked by the parameters and the pipeline.
"""

from __future__ import annotations

import html
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr

from studio.errors import InputError, StudioError
from studio.text.parameters import TextParameters
from studio.ui import models, stage, text_files, text_sheets
from studio.ui.shell import COMPUTE, OURS, QUIETLY, Shell, Updates, failure, heading, uploaded, warn, without_folders
from studio.ui.text_models import text_model
from studio.ui.text_settings import COUNT, FORMS, TextSettings
from studio.ui.text_together import Together, draft_of
from studio.ui.text_work import Growing, result_of, written
from studio.ui.wall import SCROLL_TO_IT
from studio.ui.work import StopFlags, Work

TITLE = "Text"
KIND = "gpt"
LONGEST = 10_000  # tokens of a text on a page

_LOOK_EVERY = 0.08  # seconds
_NONE_YET = "There is no model for texts here yet: train one on the page Training, or type the folder of one."


def build() -> Shell:
    """The page on its own."""
    blocks = Shell("Studio – Text")
    with blocks:
        page()
    return blocks


def page() -> TextPage:
    """The page inside the Blocks that is being built."""
    return TextPage()


class TextPage:
    """The widgets of the page and what happens when they are used."""

    def __init__(self) -> None:
        self.flags = StopFlags()
        heading(TITLE, "Verse and prose, word by word; a sonnet that is one, or a poem written together.")
        with gr.Row(elem_classes=["desk"]):
            with gr.Column(scale=4, min_width=320, elem_classes=["controls"]):
                self.model = models.model_list(KIND, "Model", elem_id="text-model")
                self.about = gr.HTML("", elem_classes=["status"], elem_id="text-about", apply_default_css=False)
                self.settings = TextSettings()
                with gr.Accordion("Restore settings from a result", open=False, elem_classes=["more"]):
                    self.dropped = gr.File(
                        label="Drop a page, a recipe or a draft that was made here", file_count="multiple",
                        file_types=list(text_files.RESTORED_FROM), height=120, elem_id="text-dropped",
                    )  # fmt: skip
            with gr.Column(scale=7, min_width=320, elem_classes=["wall"]), gr.Tabs(elem_id="text-ways") as self.ways:
                with gr.Tab("Write", id="write"):
                    self._lay_out_wall()
                with gr.Tab("Write together", id="together"):
                    self.together = Together(self.flags, self.understood)
        self._connect()

    def _lay_out_wall(self) -> None:
        with gr.Row(elem_classes=["actions"]):
            self.start = gr.Button("Write", variant="primary", scale=0, min_width=150, elem_id="text-write")
            self.stop = gr.Button("Stop", variant="stop", scale=0, min_width=110, visible=False, elem_id="text-stop")
            self.status = gr.HTML(
                "",
                html_template='<p role="status" aria-live="polite">${value}</p>',
                elem_classes=["status"],
                elem_id="text-status",
                min_width=200,
                apply_default_css=False,
            )
        self.stage = gr.HTML(
            stage.empty("A text will stand here."),
            elem_classes=["stage"],
            elem_id="text-stage",
            apply_default_css=False,
        )
        self.sheets = text_sheets.text_sheets("text-sheets")
        self.keeper = gr.File(visible=False)  # whose cache holds the files of the sheets

    def _connect(self) -> None:
        self.model.focus(lambda: gr.update(choices=models.choices(KIND)), None, self.model, **QUIETLY)
        self.model.change(_described, self.model, self.about, **QUIETLY)
        gr.on(None, _opened, self.model, [self.model, self.about], **QUIETLY)  # when a page is opened
        self.settings.connect()
        asked = {"model": self.model, **self.settings.inputs()}
        wrote = self.start.click(self._announce, None, [self.start, self.stop], js=SCROLL_TO_IT, **QUIETLY).then(
            self.write,
            outputs=[self.status, self.stage, self.sheets, self.settings.all["seed"], self.start, self.stop],
            inputs_kwargs=asked, api_name="texts", preprocess=False, show_progress="hidden", concurrency_limit=1,
            concurrency_id=COMPUTE,
        )  # fmt: skip
        wrote.failure(self._ended, None, [self.start, self.stop], **QUIETLY)
        self.stop.click(self.ask_to_stop, None, self.status, **QUIETLY)
        self.together.connect(asked, self.settings.all["seed"])
        self.dropped.upload(
            self.restore,
            outputs=[self.status, self.model, self.settings.of_form, *self.settings.all.values(), self.ways,
                     *self.together.shown],
            inputs_kwargs={"files": self.dropped}, preprocess=False, api_name="text_restore", queue=False,
            show_progress="hidden",
        )  # fmt: skip

    def understood(self, values: dict[str, Any]) -> tuple[str, TextParameters]:
        """(the model, the parameters) that the widgets stand for. Raises InputError, ModelError."""
        if not values.get("model"):
            raise InputError(_NONE_YET)
        name, chosen = models.chosen(values["model"], KIND), self.settings.understood(values)
        if chosen.count > COUNT:
            raise InputError(f"A page shows up to {COUNT} texts at once; write fewer, then go on with a later seed.")
        if chosen.form == "free" and chosen.max_tokens > LONGEST:
            raise InputError(f"A page writes up to {LONGEST:,} tokens; `studio text` writes as many as you like.")
        return name, chosen

    def write(self, request: gr.Request, **values: Any) -> Iterator[Updates]:
        """Write texts, and the files of each."""
        with self.flags.working(request.session_hash or "") as stop:
            try:
                yield from self._written(values, stop)
            except StudioError as error:
                yield {self.status: stage.status(str(error), "failed")}
                raise failure(str(error)) from None
            except Exception:
                yield {self.status: stage.status(OURS, "failed")}
                raise

    def _written(self, values: dict[str, Any], stop: threading.Event) -> Iterator[Updates]:
        name, chosen = self.understood(values)
        growing = Growing([""] * chosen.count)
        yield {
            self.status: stage.status("Getting ready."), self.settings.all["seed"]: str(chosen.seed),
            self.stage: gr.HTML(visible=False), self.sheets: _sheets(chosen, growing),
        }  # fmt: skip

        def call(report: Any) -> Any:
            pipe = text_model(name)
            written(pipe, chosen, growing, report)
            return pipe

        work, seen = Work(call, stop, tick=_LOOK_EVERY), 0
        for update in work.updates():
            for said in update.warnings:
                warn(said)
            if growing.news != seen:
                seen = growing.news
                yield {self.sheets: _sheets(chosen, growing), self.status: stage.status(_so_far(chosen, growing))}
        pipe = work.result()
        words = sum(len(one.split()) for one in growing.texts)
        whole = all(growing.over)
        done = f"{FORMS[chosen.form]}, {words:,} words{'' if whole else ': stopped'}."
        yield {
            self.status: stage.status(done, "done"), self.start: gr.Button(visible=True),
            self.stop: gr.Button(visible=False),
            self.sheets: text_sheets.laid([self._finished(pipe, chosen, growing, k) for k in range(chosen.count)]),
        }  # fmt: skip

    def _finished(self, pipe: Any, chosen: TextParameters, growing: Growing, number: int) -> dict[str, Any]:
        """A sheet with all that there is to say of its text."""
        called, verse, text = _called(chosen, number), chosen.form != "free", growing.texts[number].rstrip()
        if not growing.over[number]:
            note = "Stopped here; a recipe makes whole texts, so this one has none." if text else "Stopped."
            copied = text_sheets.learnt(text, pipe.copied(text)) if text else None
            return text_sheets.sheet(called, text, verse=verse, note=note, copied=copied)
        result = result_of(pipe, chosen, growing, number)
        (score,), (copy,) = result.scores, result.copied
        return text_sheets.sheet(
            called, text, verse=verse, note=growing.notes[number],
            form=None if score is None else text_sheets.kept(score, growing.missing[number]),
            copied=text_sheets.learnt(text, copy), files=text_files.written(result, self.keeper),
        )  # fmt: skip

    def restore(self, files: Any) -> Updates:
        """Read the settings out of a page or a recipe, or go on with a draft."""
        sent = files if isinstance(files, list) else [files]
        paths: list[Path] = []
        try:
            found = [uploaded(one, self.dropped.GRADIO_CACHE) for one in sent]
            paths = [path for path in found if path is not None]
            if not paths:
                return {self.status: gr.skip()}
            if kept := text_files.draft_in(paths):
                draft, name, parameters = kept
                changed = self.together.restored(draft_of({"draft": draft}, parameters))
                way, words, inputs = "together", "", False
            else:
                recipe, parameters = text_files.recipe_in(paths)
                changed, name = {}, recipe.model.name
                way, words, inputs = "write", "Settings restored.", bool(recipe.inputs)
        except StudioError as error:
            raise failure(without_folders(str(error), paths)) from None
        names = [value for called, value in models.choices(KIND) if called.split(" (")[0] == name]
        if words and not names:
            words += f" Its model {name} is not here."
        if inputs:
            words += " It was written with a list of refused words of its own, which the page does not take."
        return {
            **self.settings.restored(parameters), **({self.model: names[0]} if names else {}), **changed,
            self.ways: gr.Tabs(selected=way), self.status: stage.status(words, "done"),
        }  # fmt: skip

    def ask_to_stop(self, request: gr.Request) -> str:
        """Stop this session's work."""
        stopping = self.flags.stop(request.session_hash or "")
        return stage.status("Stopping." if stopping else "There is nothing to stop.")

    def _announce(self, request: gr.Request) -> Updates:
        self.flags.announce(request.session_hash or "")
        return {self.start: gr.Button(visible=False), self.stop: gr.Button(visible=True)}

    def _ended(self) -> Updates:
        return {self.start: gr.Button(visible=True), self.stop: gr.Button(visible=False)}


def _called(chosen: TextParameters, number: int) -> str:
    return f"{'' if chosen.form == 'free' else FORMS[chosen.form] + ' · '}Seed {chosen.seed + number}".strip()


def _sheets(chosen: TextParameters, growing: Growing) -> dict[str, Any]:
    """The texts as they stand."""
    return text_sheets.laid(
        [
            text_sheets.sheet(_called(chosen, number), so_far, verse=chosen.form != "free", going=not over)
            for number, (so_far, over) in enumerate(zip(growing.texts, growing.over, strict=True))
        ]
    )


def _so_far(chosen: TextParameters, growing: Growing) -> str:
    form = chosen.verse
    if form is None:
        return "Writing."
    number = next((k for k, over in enumerate(growing.over) if not over), chosen.count - 1)
    lines = sum(bool(line.strip()) for line in growing.texts[number].splitlines())
    which = f" of text {number + 1}" if chosen.count > 1 else ""
    return f"Writing: {lines} of {len(form.lines)} lines{which}."


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
