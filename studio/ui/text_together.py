"""Writing together: the draft on its sheet, lines offered for what comes next, one taken, everything undone and redone.

What is on the desk is one Draft a visitor; settings may change between two lines.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.components import Component

from studio.errors import InputError, StudioError
from studio.progress import Callback
from studio.text.parameters import TextParameters
from studio.ui import stage, text_files, text_sheets
from studio.ui.shell import COMPUTE, OURS, QUIETLY, Updates, failure, warn
from studio.ui.text_models import text_model
from studio.ui.text_settings import FORMS
from studio.ui.text_work import desk, report_on
from studio.ui.work import StopFlags, Work

if TYPE_CHECKING:
    from studio.text.cowriting import Draft

Understood = Callable[[dict[str, Any]], tuple[str, TextParameters]]

OFFERED, MOST_OFFERED = 4, 9
LINES = 4  # of a free text that are written at once
MOST_LINES, LONGEST = 1000, 50_000  # of a draft; characters

_LOOK_EVERY = 0.1  # seconds
_SCRIPT = Path(__file__).with_name("text_offers.js").read_text(encoding="utf-8")
_SKELETON = '<div class="offers" role="group" aria-label="Lines to choose from" tabindex="-1" hidden></div>'
_INVITATION = "A text that you write together will stand here."


class Together:
    """The widgets, and what happens when they are used. The draft travels with the page, as the value of `offers`."""

    def __init__(self, flags: StopFlags, understood: Understood) -> None:
        """understood: what the settings of the page stand for."""
        self.flags, self.understood = flags, understood
        small: dict[str, Any] = {"scale": 0, "min_width": 84}
        with gr.Row(elem_classes=["actions"]):
            self.offer = gr.Button("Offer lines", variant="primary", scale=0, min_width=150, elem_id="text-offer")
            self.on = gr.Button("Go on by itself", scale=0, min_width=140, elem_id="text-go-on")
            self.stop = gr.Button("Stop", variant="stop", visible=False, elem_id="text-stop-together", **small)
            self.undo = gr.Button("Undo", elem_id="text-undo", **small)
            self.redo = gr.Button("Redo", elem_id="text-redo", **small)
            self.again = gr.Button("Begin anew", elem_id="text-anew", scale=0, min_width=124)
        self.status = gr.HTML(
            "",
            html_template='<p role="status" aria-live="polite">${value}</p>',
            elem_classes=["status"],
            elem_id="text-together-status",
            apply_default_css=False,
        )
        self.stage = gr.HTML(stage.empty(_INVITATION), elem_classes=["stage", "low"], apply_default_css=False)
        self.sheet = text_sheets.text_sheets("text-draft")
        self.offers = gr.HTML(
            {}, html_template=_SKELETON, js_on_load=_SCRIPT, elem_id="text-offers", apply_default_css=False
        )
        with gr.Row(elem_classes=["pair"]):
            self.own = gr.Textbox(
                "", label="Or a line of your own", placeholder="Enter adds it", max_lines=1, elem_id="text-own",
                scale=3, min_width=220,
            )  # fmt: skip
            self.count = gr.Slider(
                2, MOST_OFFERED, OFFERED, step=1, buttons=[], label="Lines offered", elem_id="text-offered",
                scale=2, min_width=160,
            )  # fmt: skip
        self.at_once = gr.Checkbox(
            True, label="Offer the next lines as soon as one is taken", container=False, elem_id="text-at-once"
        )
        self.keeper = gr.File(visible=False)  # whose cache holds the files of the draft
        self.shown: list[Any] = [self.status, self.stage, self.sheet, self.offers]

    def connect(self, settings: dict[str, Component], seed: Component) -> None:
        """settings: every widget that says how to write, by the name that the API gives it."""
        self.seed = seed
        asked: dict[str, Any] = {
            "inputs_kwargs": {"draft": self.offers, "count_offered": self.count, "at_once": self.at_once, **settings},
            "preprocess": False, "show_progress": "hidden",
        }  # fmt: skip
        heavy: dict[str, Any] = {
            **asked, "outputs": [*self.shown, seed, *self.buttons], "concurrency_limit": 1, "concurrency_id": COMPUTE,
        }  # fmt: skip
        quiet: dict[str, Any] = {**QUIETLY, **asked, "outputs": self.shown}
        own = {
            **quiet,
            "inputs_kwargs": {"line": self.own, **asked["inputs_kwargs"]},
            "outputs": [*self.shown, self.own],
        }
        self.offer.click(self._announce, None, self.buttons, **QUIETLY).then(
            self.offer_lines, api_name="offer_lines", **heavy
        ).failure(self._ended, None, self.buttons, **QUIETLY)
        self.on.click(self._announce, None, self.buttons, **QUIETLY).then(
            self.go_on, api_name="go_on_with_lines", **heavy
        ).failure(self._ended, None, self.buttons, **QUIETLY)
        for added in (self.offers.select(self.take, **quiet), self.own.submit(self.add, **own)):
            added.success(self.offer_next, api_visibility="private", **heavy)
        for change, event in ((self.undo, self.take_back), (self.redo, self.bring_back)):
            change.click(event, **quiet).success(self.look, api_visibility="private", **heavy)
        self.again.click(self.begin_anew, None, self.shown, **QUIETLY)
        self.stop.click(self.ask_to_stop, None, self.status, **QUIETLY)

    @property
    def buttons(self) -> list[Any]:
        """Those that change while it works."""
        return [self.offer, self.on, self.stop]

    def offer_lines(self, request: gr.Request, **values: Any) -> Iterator[Updates]:
        """Offer lines for what comes next."""
        yield from self._guarded(request, values, self._offer)

    def offer_next(self, request: gr.Request, **values: Any) -> Iterator[Updates]:
        """After a line was taken: offer the next ones, where that is wished and there is room."""
        yield from self._guarded(request, values, self._offer if values.get("at_once") else self._look, after=True)

    def go_on(self, request: gr.Request, **values: Any) -> Iterator[Updates]:
        """Write a form to its end, or some lines more of a free text."""
        yield from self._guarded(request, values, self._go_on)

    def look(self, request: gr.Request, **values: Any) -> Iterator[Updates]:
        """Say what there is to say of the draft."""
        yield from self._guarded(request, values, self._look, after=True)

    def take(self, event: gr.EventData, **values: Any) -> Updates:
        """Take one of the lines that are offered."""
        data = getattr(event, "_data", None)
        index = data.get("index") if isinstance(data, dict) else None
        return self._changed(values, lambda draft: draft.take(index if type(index) is int else -1))

    def add(self, **values: Any) -> Updates:
        """Add a line of one's own."""
        return {**self._changed(values, lambda draft: draft.add(str(values.get("line") or ""))), self.own: ""}

    def take_back(self, **values: Any) -> Updates:
        """Undo the last line."""
        return self._changed(values, lambda draft: draft.undo())

    def bring_back(self, **values: Any) -> Updates:
        """Redo the line that was undone last."""
        return self._changed(values, lambda draft: draft.redo())

    def begin_anew(self) -> Updates:
        """An empty sheet."""
        return {self.status: "", self.stage: gr.HTML(visible=True), self.sheet: text_sheets.laid([]), self.offers: {}}

    def restored(self, draft: Draft) -> Updates:
        """A draft that was brought back."""
        words = stage.status("Here is the draft again; go on with it.", "done")
        return {**self._shown(draft), self.status: words}

    def ask_to_stop(self, request: gr.Request) -> str:
        """Stop this session's work."""
        stopping = self.flags.stop(request.session_hash or "")
        return stage.status("Stopping after this line." if stopping else "There is nothing to stop.")

    def _changed(self, values: dict[str, Any], change: Callable[[Draft], Draft]) -> Updates:
        """A step that needs no model."""
        try:
            _, chosen = self.understood({**values, "another_seed": False})
            draft = change(draft_of(values.get("draft"), chosen))
        except StudioError as error:
            raise failure(str(error)) from None
        return {**self._shown(draft), self.status: ""}

    def _guarded(
        self,
        request: gr.Request,
        values: dict[str, Any],
        work: Callable[[Draft, str, TextParameters, dict[str, Any], threading.Event], Iterator[Updates]],
        *,
        after: bool = False,
    ) -> Iterator[Updates]:
        """Work on the draft that the page sent, with its errors in plain lines. after: it follows a step of its own."""
        with self.flags.working(request.session_hash or "") as stop:
            try:
                name, chosen = self.understood({**values, "another_seed": values.get("another_seed") and not after})
                draft = draft_of(values.get("draft"), chosen)
                work = self._look if after and draft.finished else work
                yield from work(draft, name, chosen, values, stop)
            except StudioError as error:
                yield {self.status: stage.status(str(error), "failed")}
                raise failure(str(error)) from None
            except Exception:
                yield {self.status: stage.status(OURS, "failed")}
                raise

    def _offer(
        self, draft: Draft, name: str, chosen: TextParameters, values: dict[str, Any], stop: threading.Event
    ) -> Iterator[Updates]:
        count = values.get("count_offered", OFFERED)
        if type(count) is not int:
            raise InputError(f"Expected a number of lines to be offered, got {count!r}.")
        yield {**self._shown(draft, waiting=True), self.status: "", self.seed: str(chosen.seed)}

        def call(_: Callback) -> tuple[Any, Draft]:
            pipe = text_model(name)
            writer, before = desk(pipe, chosen)
            with pipe.device.computing():
                return pipe, draft.offer(writer, before, count)

        work = Work(call, stop, tick=_LOOK_EVERY)
        try:
            for update in work.updates():
                for said in update.warnings:
                    warn(said)
            pipe, made = work.result()
        except StudioError:
            yield self._shown(draft)
            raise
        yield {**self._shown(made, pipe, name, chosen), self.status: "", **self._ended()}

    def _go_on(
        self, draft: Draft, name: str, chosen: TextParameters, values: dict[str, Any], stop: threading.Event
    ) -> Iterator[Updates]:
        room = len(chosen.verse.lines) - len(draft.lines) if chosen.verse else LINES
        if room < 1:
            raise InputError("The form is full; undo a line to go on in another way.")
        made = [replace(draft, offered=())]
        yield {**self._shown(draft, going=True), self.status: stage.status("Writing."), self.seed: str(chosen.seed)}

        def call(report: Callback) -> Any:
            pipe = text_model(name)
            writer, before = desk(pipe, chosen)
            with pipe.device.computing():
                for number in range(room):
                    if report(report_on(number / room)):
                        break
                    made.append(made[-1].offer(writer, before, max(1, min(16, chosen.candidates // 4))).take(0))
            return pipe

        work, seen = Work(call, stop, tick=_LOOK_EVERY), 1
        for update in work.updates():
            for said in update.warnings:
                warn(said)
            if len(made) > seen:
                seen = len(made)
                yield self._shown(made[-1], going=True)
        try:
            pipe = work.result()
        except StudioError:
            yield self._shown(made[-1])
            raise
        yield {**self._shown(made[-1], pipe, name, chosen), self.status: "", **self._ended()}

    def _look(
        self, draft: Draft, name: str, chosen: TextParameters, values: dict[str, Any], stop: threading.Event
    ) -> Iterator[Updates]:
        yield self._shown(draft, text_model(name), name, chosen)

    def _shown(
        self,
        draft: Draft,
        pipe: Any = None,
        name: str = "",
        chosen: TextParameters | None = None,
        *,
        waiting: bool = False,
        going: bool = False,
    ) -> Updates:
        """The draft on its sheet, with all that there is to say of it where a model is at hand."""
        facts: dict[str, Any] = {}
        if pipe is not None and chosen is not None and draft.lines:
            facts["copied"] = text_sheets.learnt(draft.text, pipe.copied(draft.text))
            facts["files"] = text_files.draft_files(draft, pipe.model.name, chosen, self.keeper)
            if draft.finished:
                from studio.verse import checker
                from studio.verse.lexicon import Lexicon

                assert draft.form is not None
                facts["form"] = text_sheets.kept(checker.score(draft.text, draft.form, Lexicon.load()))
        sheets = (
            [text_sheets.sheet(_called(draft), draft.text, verse=True, going=going, **facts)] if draft.lines else []
        )
        value = {
            "lines": list(draft.offered), "waiting": waiting,
            "draft": {"lines": draft.lines, "offered": draft.offered, "undone": draft.undone, "turn": draft.turn},
        }  # fmt: skip
        return {self.sheet: text_sheets.laid(sheets), self.offers: value,
                self.stage: gr.HTML(visible=not draft.lines and not draft.offered and not waiting)}  # fmt: skip

    def _announce(self, request: gr.Request) -> Updates:
        self.flags.announce(request.session_hash or "")
        return {self.offer: gr.Button(visible=False), self.on: gr.Button(visible=False),
                self.stop: gr.Button(visible=True)}  # fmt: skip

    def _ended(self) -> Updates:
        return {self.offer: gr.Button(visible=True), self.on: gr.Button(visible=True),
                self.stop: gr.Button(visible=False)}  # fmt: skip


def draft_of(value: Any, chosen: TextParameters) -> Draft:
    """The draft that a page sent, in the form that its settings ask for now. Raises InputError for anything else."""
    from studio.text.cowriting import Draft  # here, so that pages stand before torch is loaded

    sent = value.get("draft") if isinstance(value, dict) else None
    if not sent:
        return Draft(form=chosen.verse, prompt=chosen.prompt, seed=chosen.seed)
    if not isinstance(sent, dict):
        raise InputError("The draft that the page sent cannot be understood; begin anew.")
    given = {"lines": (), "offered": (), "undone": (), "turn": 0, **sent}
    draft = Draft.from_json({**given, "form": None, "prompt": chosen.prompt, "seed": chosen.seed})
    lines = (*draft.lines, *draft.offered, *draft.undone)
    if len(lines) > MOST_LINES or sum(map(len, lines)) > LONGEST or not 0 <= draft.turn < 2**31:
        raise InputError(f"A draft on a page has up to {MOST_LINES:,} lines of {LONGEST:,} characters in all.")
    return replace(draft, form=chosen.verse)


def _called(draft: Draft) -> str:
    written = len(draft.lines)
    if draft.form is None:
        return f"Draft · {written} line{'' if written == 1 else 's'}"
    name, places = {"rhymed": "rhyme"}.get(draft.form.name, draft.form.name), len(draft.form.lines)
    much = f"{written} of {places} lines" if written <= places else f"{written} lines, {written - places} too many"
    return f"Draft · {FORMS.get(name, name)} · {much}"
