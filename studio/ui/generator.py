"""What the pages of the GAN and the VAE share: a model, pictures by seeds, a bench, a film, and their recipes.

    GeneratorPage("dcgan", "GAN", DCGANParameters)

Everything that a browser sends is taken as it comes and checked by the parameters of the pipelines.
"""

from __future__ import annotations

import html
import secrets
import tempfile
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.components import Component

from studio.errors import InputError, ModelError, StudioError
from studio.generation.parameters import BlendParameters, ManyParameters, WalkParameters
from studio.media import images
from studio.recipe import recipe_of
from studio.ui import models, stage, widgets
from studio.ui.bench import Bench
from studio.ui.blend import Blend
from studio.ui.film import Film
from studio.ui.loaded import loaded
from studio.ui.shell import COMPUTE, OURS, QUIETLY, Updates, failure, heading, uploaded, warn, without_folders
from studio.ui.wall import SCROLL_TO_IT
from studio.ui.work import StopFlags, Work

MOST = 400  # pictures that a browser shows at once
SUGGESTED = 16

_FIRST = ("count", "truncation", "temperature", "classes", "seed")  # the rest is folded away
_LOOKS: dict[str, dict[str, Any]] = {"count": {"value": SUGGESTED}, "truncation": {"placeholder": "none"}}
_NOT_ASKED = ("grid",)  # the sheet is always there to be downloaded
_INVITATION = "Pictures will hang here."
_LED = "It led through pictures, which a film here does not: `studio remake` makes it again."


class GeneratorPage:
    """The widgets of a page and what happens when they are used; of its visitors, only stop flags are kept here."""

    def __init__(self, kind: str, title: str, line: str, parameters: type[ManyParameters], blends: bool) -> None:
        self.kind, self.title, self.parameters = kind, title, parameters
        self.flags = StopFlags()
        self.fields = {name: field for name, field in parameters.fields() if name not in _NOT_ASKED}
        self.settings: dict[str, Component] = {}
        heading(title, line)
        with gr.Row(elem_classes=["desk"]):
            with gr.Column(scale=4, min_width=320, elem_classes=["controls"]):
                self._lay_out_controls()
            with gr.Column(scale=7, min_width=320, elem_classes=["wall"]), gr.Tabs() as self.tabs:
                with gr.Tab("Pictures", id="pictures"):
                    self._lay_out_pictures()
                with gr.Tab("Film", id="film"):
                    self.film = Film(kind)
                self.blend: Blend | None = None
                if blends:
                    with gr.Tab("Blend", id="blend"):
                        self.blend = Blend(kind, self.model)
        self._connect()

    def _lay_out_controls(self) -> None:
        self.model = models.model_list(self.kind, "Model", elem_id=f"{self.kind}-model")
        self.restored = gr.State(None)
        self.about = gr.HTML("", elem_classes=["status"], elem_id=f"{self.kind}-about", apply_default_css=False)
        with gr.Row(elem_classes=["pair"]):
            for name in _FIRST[:3]:
                if name in self.fields:
                    self._setting(name, min_width=130, **_LOOKS.get(name, {}))
        self.settings["classes"] = gr.Dropdown(
            [],
            multiselect=True,
            label="Classes",
            info=widgets.help_text(self.fields["classes"]),
            visible=False,
            elem_id=f"{self.kind}-classes",
        )
        with gr.Group(elem_classes=["seed"]):
            self._setting("seed")
            with gr.Row():
                self.another_seed = gr.Checkbox(False, label="A new one each time", container=False, min_width=160)
                self.roll = gr.Button("Roll", size="sm", min_width=90, scale=0, elem_id=f"{self.kind}-roll")
        with gr.Accordion("More settings", open=False, elem_classes=["more"]):
            names = [name for name in self.fields if name not in _FIRST]
            for at in range(0, len(names), 2):
                with gr.Row(elem_classes=["pair"]):
                    for name in names[at : at + 2]:
                        self._setting(name, min_width=130)
        with gr.Accordion("Restore settings from a result", open=False, elem_classes=["more"]):
            self.dropped = gr.File(
                label="Drop a picture or a film that was made here",
                file_types=[*images.SUFFIXES, ".mp4"],
                height=120,
                elem_id=f"{self.kind}-dropped",
            )

    def _setting(self, name: str, **look: Any) -> None:
        info = widgets.help_text(self.fields[name]).replace(f" ({self.kind.upper()})", "")  # no other kind is here
        look = {"elem_id": f"{self.kind}-{name}", "info": info, **look}
        self.settings[name] = widgets.widget(name, self.fields[name], **look)

    def _lay_out_pictures(self) -> None:
        kind = self.kind
        with gr.Row(elem_classes=["actions"]):
            self.start = gr.Button("Make", variant="primary", scale=0, min_width=130, elem_id=f"{kind}-make")
            self.stop = gr.Button("Stop", variant="stop", scale=0, min_width=110, visible=False, elem_id=f"{kind}-stop")
            self.status = gr.HTML("", elem_classes=["status"], elem_id=f"{kind}-status", min_width=200,
                                  apply_default_css=False)  # fmt: skip
            self.download = gr.DownloadButton(
                "Download the sheet", scale=0, min_width=200, visible=False, elem_id=f"{kind}-download"
            )
        self.stage = gr.HTML(stage.empty(_INVITATION), elem_classes=["stage"], apply_default_css=False)
        self.gallery = gr.Gallery(
            show_label=False,
            visible=False,
            interactive=False,
            allow_preview=False,
            object_fit="contain",
            height="auto",
            buttons=[],
            elem_id=f"{kind}-gallery",
            elem_classes=["gallery"],
        )
        self.bench = Bench(kind, self.gallery)

    def _connect(self) -> None:
        bench, film = self.bench, self.film
        opened = [self.model, self.about, self.settings["classes"], *(self.blend.classes if self.blend else ())]
        self.model.focus(self._offered, None, self.model, **QUIETLY)
        # Nothing that it waits for: it runs as a page opens, and whenever one of these changes.
        gr.on(None, self._opened, [self.model, self.restored], opened, **QUIETLY)
        self.roll.click(_rolled, None, self.settings["seed"], **QUIETLY)
        asked: dict[str, Any] = {
            "preprocess": False, "show_progress": "hidden", "concurrency_limit": 1, "concurrency_id": COMPUTE,
        }  # fmt: skip
        shared = {"model": self.model, **self.settings, "another_seed": self.another_seed}
        outputs = [self.status, self.stage, self.gallery, self.download, self.settings["seed"], self.start, self.stop]
        made = self.start.click(self._announce, None, [self.start, self.stop], js=SCROLL_TO_IT, **QUIETLY).then(
            self.make, outputs=[*outputs, bench.group, bench.picked, bench.last], inputs_kwargs=shared,
            api_name=f"{self.kind}_pictures", **asked,
        )  # fmt: skip
        filmed = film.start.click(self._announce_film, None, film.buttons, **QUIETLY).then(
            self.make_film, outputs=[*film.outputs, self.settings["seed"], *film.buttons],
            inputs_kwargs=shared | film.inputs(), api_name=f"{self.kind}_film", **asked,
        )  # fmt: skip
        for done in (made, filmed):
            done.failure(self._ended, None, [self.start, self.stop, *film.buttons], **QUIETLY)
        for button in (self.stop, film.stop):
            button.click(self.ask_to_stop, None, [self.status, film.status], **QUIETLY)
        self.dropped.upload(
            self.restore,
            outputs=[self.status, self.model, self.about, self.restored, *self.settings.values(), self.another_seed,
                     *film.settings.values(), *([self.blend.way] if self.blend else [])],
            inputs_kwargs={"file": self.dropped},
            preprocess=False,
            api_name=f"{self.kind}_restore",
            queue=False,
            show_progress="hidden",
        )  # fmt: skip

    def make(self, request: gr.Request, **values: Any) -> Iterator[Updates]:
        """Make pictures by seeds."""
        with self.flags.working(request.session_hash or "") as stop:
            try:
                yield from self._made(values, stop)
            except StudioError as error:
                yield {self.status: stage.status(str(error), "failed"), self.stage: gr.HTML(stage.empty(_INVITATION))}
                raise failure(str(error)) from None
            except Exception:
                yield {self.status: stage.status(OURS, "failed")}
                raise

    def _made(self, values: dict[str, Any], stop: threading.Event) -> Iterator[Updates]:
        name, chosen = self._model(values), self._understood(values)
        if chosen.count > MOST:
            raise InputError(f"A page shows up to {MOST} pictures at once; make fewer, then go on with a later seed.")
        yield {self.status: stage.status("Getting ready."), self.settings["seed"]: str(chosen.seed)}
        work = Work(lambda report: loaded().get(name)(parameters=chosen, callback=report), stop)
        for update in work.updates():
            for text in update.warnings:
                warn(text)
            if update.progress is not None:
                yield {self.status: "", self.stage: gr.HTML(stage.bar(update.progress, 0), visible=True)}
        result = work.result()
        pipe = loaded().get(name)
        sheet_of = chosen.changed(count=len(result.images), grid=True)
        with tempfile.TemporaryDirectory() as folder:
            files = [
                Path(folder) / f"{self.kind}-{seed}{f'-{number}' if chosen.same_latent else ''}.png"
                for number, seed in enumerate(result.seeds, 1)
            ]
            sheet = _sheet(pipe, result.images, sheet_of, Path(folder), self.kind)
            for file, image, recipe in zip(files, result.images, result.recipes, strict=True):
                images.write_picture(image, file, recipe.to_json())
            yield {
                self.status: stage.status(
                    f"{result.in_words}{'' if result.finished else ': stopped'}. Click one to work on it."
                    f"{'' if sheet else ' A sheet of them would be too large to be written.'}",
                    "done",
                ),
                self.stage: gr.HTML(visible=False),
                self.gallery: gr.Gallery(
                    [(str(file), "") for file in files], visible=True, columns=columns_for(len(files), chosen.columns)
                ),
                self.download: gr.DownloadButton(value=sheet and str(sheet), visible=bool(sheet)),
                self.start: gr.Button(visible=True),
                self.stop: gr.Button(visible=False),
                **self.bench.cleared([{"model": name, "parameters": dict(one.parameters)} for one in result.recipes]),
            }

    def make_film(self, request: gr.Request, **values: Any) -> Iterator[Updates]:
        """Make a film that leads from seed to seed."""
        film = self.film
        with self.flags.working(request.session_hash or "") as stop:
            try:
                name, chosen = self._model(values), self._understood(values)
                yield {self.settings["seed"]: str(chosen.seed)}
                yield from film.made(name, chosen.to_dict(), values, stop)
            except StudioError as error:
                yield film.failed(str(error))
                raise failure(str(error)) from None
            except Exception:
                yield film.failed(OURS)
                raise

    def restore(self, file: Any) -> Updates:
        """Read the settings out of a picture or a film that was made here."""
        path = None
        try:
            path = uploaded(file, self.dropped.GRADIO_CACHE)
            return {} if path is None else self._restored(path)
        except StudioError as error:
            raise failure(without_folders(str(error), [path])) from None

    def _restored(self, path: Path) -> Updates:
        recipe = recipe_of(path)
        offered = models.shelf().models(self.kind)
        names = {name: value for name, value in offered.items() if name.split(" (")[0] == recipe.model.name}
        words = "Settings restored." if names else f"Settings restored. Its model {recipe.model.name} is not here."
        changed: Updates = {self.model: next(iter(names.values()))} if names else {}
        if recipe.pipeline == self.kind and recipe.inputs:
            weights = BlendParameters(**recipe.parameters).weights
            named = ", ".join(source.name or "one without a name" for source in recipe.inputs.get("pictures", ()))
            changed |= self.blend.restored(weights) if self.blend else {}
            words += f" Give again the pictures under Blend: {named}."
        elif recipe.pipeline in (self.kind, "walk"):
            kind = WalkParameters if recipe.pipeline == "walk" else self.parameters
            found: Any = kind(**recipe.parameters)  # checked: a recipe may come from anyone
            film = isinstance(found, WalkParameters)
            for name, made in self.settings.items():
                if hasattr(found, name) and not (film and name in self.film.settings):
                    value = getattr(found, name)
                    changed[made] = widgets.shown(value, self.fields[name]) if name != "classes" else value
            if self.model in changed:
                restored = {"model": changed[self.model], "classes": found.classes}
                about, classes, *_ = self._of_model(changed[self.model], restored)
                changed |= {self.about: about, self.settings["classes"]: classes, self.restored: restored}
            else:
                changed.pop(self.settings["classes"], None)
            changed |= {self.another_seed: False, **(self.film.restored(found) if film else {})}
            if film and recipe.inputs:
                words += f" {_LED}"
        else:
            raise InputError(f"{path} was made by {recipe.pipeline}, not by a {self.title}.")
        return {**changed, self.status: stage.status(words, "done")}

    def ask_to_stop(self, request: gr.Request) -> list[str]:
        """Stop this session's work."""
        stopping = self.flags.stop(request.session_hash or "")
        return [stage.status("Stopping." if stopping else "There is nothing to stop.")] * 2

    def _model(self, values: Mapping[str, Any]) -> str:
        if not values.get("model"):
            raise ModelError(_none_yet(self.title))
        return models.chosen(values["model"], self.kind)

    def _understood(self, values: dict[str, Any]) -> ManyParameters:
        """The parameters that the widgets stand for. Raises InputError."""
        if values.get("another_seed"):
            values["seed"] = _rolled()
        given = {name: widgets.meant(values[name], field) for name, field in self.fields.items() if name in values}
        if "classes" in given:
            given["classes"] = tuple(given["classes"] or ())
        return self.parameters(**given)

    def _announce(self, request: gr.Request) -> Updates:
        self.flags.announce(request.session_hash or "")
        return {self.start: gr.Button(visible=False), self.stop: gr.Button(visible=True)}

    def _announce_film(self, request: gr.Request) -> Updates:
        self.flags.announce(request.session_hash or "")
        return self.film.asked(True)

    def _ended(self) -> Updates:
        return {self.start: gr.Button(visible=True), self.stop: gr.Button(visible=False), **self.film.asked(False)}

    def _offered(self) -> Any:
        return gr.update(choices=models.choices(self.kind))

    def _opened(self, model: str | None, restored: Mapping[str, Any] | None = None) -> list[Any]:
        offered = models.choices(self.kind)
        here = model in [value for _, value in offered]  # it may have gone since the page was built
        value = model if here else offered[0][1] if offered else None
        return [gr.update(choices=offered, value=value), *self._of_model(value, restored)]

    def _of_model(self, model: str | None, restored: Mapping[str, Any] | None = None) -> list[Any]:
        """(what the model is, in a line; the classes to choose from; those of the pictures to blend).

        restored: the model and the classes of a result whose settings came back; they are chosen with that model.
        """
        if not model:
            return [stage.status(_none_yet(self.title)), *[gr.skip()] * (3 if self.blend else 1)]
        try:
            config = models.config_in(model, self.kind)
        except StudioError as error:
            return [stage.status(str(error), "failed"), *[gr.skip()] * (3 if self.blend else 1)]
        names, words = models.described(config)
        chosen = restored["classes"] if restored and restored["model"] == model else ()
        kept = [name for name in chosen if name in names]
        lists = list(self.blend.classes_of(names).values()) if self.blend else []
        return [f'<span class="quiet">{html.escape(words)}</span>',
                gr.update(choices=list(names), value=kept, visible=bool(names)), *lists]  # fmt: skip


def columns_for(count: int, asked: int | None) -> int:
    """The columns of the gallery for so many pictures."""
    return min(count, asked or max(3, min(8, round(count**0.5))))


def _sheet(pipe: Any, made: list[Any], chosen: Any, folder: Path, kind: str) -> Path | None:
    """All pictures on one page, as the pipeline lays them out; None where it would be larger than that makes one."""
    from studio.generation import layout

    try:
        columns = layout.columns_of(len(made), chosen.columns)
        layout.check_size(pipe.size_of(chosen), len(made), columns, chosen.scale)
    except InputError:
        return None
    page = layout.page(made, chosen.columns, layout.GAP * chosen.scale)
    recipe = pipe.recipe(chosen)
    return images.write_picture(page, folder / f"{kind}-sheet-{chosen.seed}.png", recipe.to_json())


def _none_yet(title: str) -> str:
    return f"There is no {title} here yet: train one on the page Training, or type the folder of one."


def _rolled() -> str:
    return str(secrets.randbelow(2**32))
