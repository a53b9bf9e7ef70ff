"""The page of training: pictures, tunes or texts go in, a report says which are used, and a model comes out.

A training runs in a process of its own and goes on when the page is closed; whoever opens the page again finds it.
"""

from __future__ import annotations

import dataclasses
import html
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from studio.errors import InputError, StudioError
from studio.ui import gather, models, stage
from studio.ui.plot import Curve, drawn
from studio.ui.shell import QUIETLY, Shell, Updates, failure, heading, warn, without_folders
from studio.ui.trainer import Order
from studio.ui.training_settings import NAMES, TrainingSettings, network_of, things_of
from studio.ui.trainings import Story, Trainings
from studio.ui.work import Work

TITLE = "Training"
_LOOK_EVERY = 1.0  # seconds
_STOPPING = "Stopping after this step; then the model is measured and written."
_INVITATION = "Sheets of what the model makes will hang here."


def build() -> Shell:
    """The page on its own."""
    blocks = Shell("Studio – Training")
    with blocks:
        page()
    return blocks


def page() -> TrainingPage:
    """The page inside the Blocks that is being built."""
    return TrainingPage()


class TrainingPage:
    """The widgets of the page and what happens when they are used. One training at a time, for all visitors."""

    def __init__(self) -> None:
        self.trainings = Trainings()
        self.used = False  # whether there is a page behind "Use it now"
        heading(TITLE, "A folder of pictures, tunes or texts becomes a model of your own, on this machine.")
        with gr.Row(elem_classes=["desk"]):
            with gr.Column(scale=4, min_width=320, elem_classes=["controls"]):
                self.settings = TrainingSettings()
            with gr.Column(scale=7, min_width=320, elem_classes=["wall"]):
                self._lay_out_wall()
        self._connect()

    def _lay_out_wall(self) -> None:
        with gr.Row(elem_classes=["actions"]):
            self.look = gr.Button("Look at the pictures", variant="primary", scale=0, min_width=180, elem_id="look")
            self.train = gr.Button("Train", scale=0, min_width=110, elem_id="train")
            self.resume = gr.Button("Go on", scale=0, min_width=110, visible=False, elem_id="go-on")
            self.stop = gr.Button(
                "Stop, keep the model", variant="stop", scale=0, min_width=190, visible=False, elem_id="stop-training"
            )
            self.use = gr.Button("Use it now", variant="primary", scale=0, min_width=130, visible=False, elem_id="use")
        self.status = gr.HTML(
            "",
            html_template='<p role="status" aria-live="polite">${value}</p>',
            elem_classes=["status"],
            elem_id="training-status",
            apply_default_css=False,
        )
        plain: dict[str, Any] = {"apply_default_css": False}
        self.bar = gr.HTML("", elem_id="training-bar", visible=False, **plain)
        self.report = gr.HTML("", elem_id="report", visible=False, **plain)
        self.curves = gr.HTML("", elem_id="curves", visible=False, **plain)
        self.sheet = gr.HTML(stage.empty(_INVITATION), elem_id="sheet", elem_classes=["stage"], **plain)
        self.notes = gr.HTML("", elem_id="notes", visible=False, **plain)
        self.timer = gr.Timer(_LOOK_EVERY, active=False)
        self.seen = gr.State((None, 0, 0))  # of which story, how many sheets and notes this visitor has
        self.buttons: list[Any] = [self.look, self.train, self.resume, self.stop, self.use]
        self.shown: list[Any] = [*self.buttons, self.status, self.bar, self.report, self.curves, self.sheet, self.notes]

    def _connect(self) -> None:
        asked: dict[str, Any] = {
            "inputs_kwargs": self.settings.inputs(),
            "preprocess": False,
            "show_progress": "hidden",
        }
        self.settings.kind.change(_look_at, self.settings.kind, self.look, **QUIETLY)
        self.look.click(self.look_at_them, outputs=[self.look, self.train, self.status, self.report],
                        api_name="look", **asked)  # fmt: skip
        outputs = [*self.shown, self.settings.name, self.timer, self.seen]
        self.train.click(self.begin, outputs=outputs, api_name="train", queue=False, **asked)
        self.resume.click(self.go_on, outputs=outputs, api_name="go_on", queue=False, **asked)
        self.stop.click(self.ask_to_stop, None, self.status, api_name="stop_training", queue=False,
                        show_progress="hidden")  # fmt: skip
        follow = [*self.shown, self.timer, self.seen]
        self.timer.tick(self.follow, self.seen, follow, **QUIETLY)
        gr.on(None, self.follow, self.seen, follow, **QUIETLY)  # when a page is opened

    def lead_to(self, tabs: gr.Tabs, pages: Mapping[str, tuple[str, gr.Dropdown]]) -> None:
        """Let "Use it now" open the page of a kind of model: kind → (its tab, its list of models)."""
        self.used = True

        def lead() -> Updates:
            story = self.trainings.story
            if story is None or story.finished is None:
                return {tabs: gr.skip()}
            kind = story.order.kind
            tab, models_there = pages[kind]
            return {
                tabs: gr.Tabs(selected=tab),
                models_there: gr.update(choices=models.choices(network_of(kind)), value=str(story.folder)),
            }

        self.use.click(lead, None, [tabs, *(made for _, made in pages.values())], **QUIETLY)

    def look_at_them(self, **values: Any) -> Iterator[Updates]:
        """Read the pictures, tunes or texts, and say which would be used and how long training takes."""
        uploads: list[Path] = []
        try:
            uploads, folder = self.settings.pictures(values)
            gather.check(uploads, folder)
            parameters, start = self.settings.parameters(values), self.settings.start_model(values)
            yield {
                self.status: stage.status("Looking through the files."),
                self.report: gr.HTML(stage.bar(None, 0), visible=True),
            }
            with tempfile.TemporaryDirectory() as room:
                source = gather.gathered(uploads, folder, Path(room) / gather.called(uploads, folder))
                given = {"data": str(source), "start": start, "background": str(values.get("background") or "white")}
                work = Work(lambda _: _looked(str(values["kind"]), given, parameters), threading.Event())
                began = time.monotonic()
                for update in work.updates():
                    for text in update.warnings:
                        warn(text)
                    yield {self.report: stage.bar(None, time.monotonic() - began)}
                words = work.result()
        except StudioError as error:
            message = without_folders(str(error), uploads)
            yield {self.status: stage.status(message, "failed"), self.report: gr.HTML("", visible=False)}
            raise failure(message) from None
        yield {
            self.status: stage.status("This can be trained on.", "done"),
            self.report: gr.HTML(f'<pre class="report">{html.escape(words)}</pre>', visible=True),
            self.look: gr.Button("Look again", variant="secondary"),
            self.train: gr.Button(variant="primary"),
        }

    def begin(self, **values: Any) -> Updates:
        """Begin a training; it goes on whether the page stays open or not."""
        try:
            uploads, typed = self.settings.pictures(values)
            gather.check(uploads, typed)
            parameters, start = self.settings.parameters(values), self.settings.start_model(values)
            kind = str(values["kind"])
            folder = self.settings.model_folder(values, gather.called(uploads, typed) + "-" + NAMES[kind].lower())
            if _begun(folder):
                raise InputError(f"{folder} holds a training already: press Go on, or choose another name.")
            if self.trainings.running:
                self.trainings.begin(Order(kind, {}, str(folder), {}))  # says what is running
            source = gather.gathered(uploads, typed, folder / "training" / "given")
            background = str(values.get("background") or "white")
            order = Order(
                kind,
                {"data": str(source.absolute()), "start": start, "background": background, "title": folder.name},
                str(folder),
                parameters.to_dict(),
            )
            story = self.trainings.begin(order)
        except StudioError as error:
            return self._refused(error, values)
        return {**self._follow(story, (None, 0, 0)), self.settings.name: story.folder.name}

    def go_on(self, **values: Any) -> Updates:
        """Go on with the training in the folder of that name, for as long again as the page says."""
        from studio.training import run  # loads torch

        try:
            story = self.trainings.story
            unnamed = story is not None and not str(values.get("name") or "").strip()
            folder = story.folder if story is not None and unnamed else self.settings.model_folder(values, "")
            kind, source, parameters, _ = run.settings_of(folder)
            kept = _kept(folder)
            more = self.settings.parameters({**values, "kind": kind})
            length: dict[str, Any] = {"minutes": None, "steps": kept.get("step", 0) + more.steps}
            if more.minutes:
                length = {"minutes": kept.get("elapsed", 0.0) / 60 + more.minutes}
            order = Order(
                kind, dataclasses.asdict(source), str(folder), parameters.changed(**length).to_dict(), resume=True
            )
            story = self.trainings.begin(order, Curve(kept.get("curve", {}).get("rows", ())))
        except StudioError as error:
            return self._refused(error, values)
        return {**self._follow(story, (None, 0, 0)), self.settings.name: story.folder.name}

    def follow(self, seen: Any) -> Updates:
        """How the training stands, for a page that has `seen` it up to a point."""
        story = self.trainings.story
        return self._follow(story, tuple(seen)) if story is not None else {self.timer: gr.Timer(active=False)}

    def ask_to_stop(self) -> str:
        """Stop the training; what was learnt becomes a model."""
        if not self.trainings.stop():
            return stage.status("There is nothing to stop.")
        return stage.status(_STOPPING)

    def _follow(self, story: Story, seen: Sequence[Any]) -> Updates:
        mark = story.began
        pictures, told = (seen[1], seen[2]) if seen[0] == mark else (-1, -1)
        changed: Updates = {self.timer: gr.Timer(active=story.running), self.seen: (mark, story.pictures, story.told)}
        if seen[0] != mark or not story.running:
            changed |= self._buttons(story)
            changed[self.report] = gr.HTML(visible=False)
        if story.pictures != pictures:
            changed[self.sheet] = stage.frame(story.sheet, "Samples") if story.sheet else stage.empty(_INVITATION)
        if story.told != told:
            lines = "".join(f"<li>{html.escape(text)}</li>" for text in story.notes)
            changed[self.notes] = gr.HTML(f'<ul class="notes">{lines}</ul>', visible=bool(lines))
        changed[self.bar] = gr.HTML(stage.bar(story.progress, time.monotonic() - story.since), visible=story.running)
        changed[self.curves] = gr.HTML(drawn(story.curve), visible=True)
        changed[self.status] = stage.status(*_standing(story))
        if story.finished is not None:
            models.shelf().add(story.folder.parent)
        return changed

    def _buttons(self, story: Story) -> Updates:
        done = not story.running
        return {
            self.look: gr.Button(visible=done, variant="secondary"),
            self.train: gr.Button(visible=done, variant="secondary"),
            self.resume: gr.Button(visible=done and _begun(story.folder)),
            self.stop: gr.Button(visible=not done),
            self.use: gr.Button(visible=story.finished is not None and self.used),
        }

    def _refused(self, error: StudioError, values: dict[str, Any]) -> Updates:
        message = str(error)
        gr.Warning(html.escape(message, quote=False), title="That did not work")
        try:
            folder = self.settings.model_folder(values, "")
            there = _begun(folder) and not self.trainings.running
        except StudioError:
            there = False
        changed: Updates = {self.status: stage.status(message, "failed")}
        return changed | ({self.resume: gr.Button(visible=True)} if there else {})


def _look_at(kind: str) -> Any:
    return gr.Button(f"Look at the {things_of(kind)}", variant="primary")


def _looked(kind: str, source: dict[str, Any], parameters: Any) -> str:
    """The report and the estimate, in words."""
    # Imported here, as everywhere on this page, so that it stands before torch is loaded.
    from studio import device
    from studio.training.estimate import estimate
    from studio.training.run import Source

    return estimate(kind, Source(**source), parameters, device.choose()).in_words()


def _begun(folder: Path) -> bool:
    """Whether there is a training in the folder of a model."""
    from studio.training import checkpoint

    return checkpoint.exists(folder / "training")


def _kept(folder: Path) -> dict[str, Any]:
    """What a training's last checkpoint says; where it cannot be read, training says why."""
    from studio.media import state
    from studio.training import checkpoint

    try:
        return state.read_state(folder / "training" / checkpoint.LAST)
    except InputError:
        return {}


def _standing(story: Story) -> tuple[str, str]:
    """(how a training stands, in words; of which kind they are)."""
    if story.error:
        return story.error, "failed"
    if story.finished is not None:
        return (
            f"Done at step {story.finished.step}, because {story.finished.why}. The model is in {story.folder}",
            "done",
        )
    if story.stop.is_set():
        return _STOPPING, "quiet"
    return f"Training {story.folder.name}. The page may be closed; training goes on.", "quiet"
