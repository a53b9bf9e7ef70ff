"""The settings of a training on its page: what to learn from, what to train, how long, and where the model goes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.components import Component

from studio.data.texts import SUFFIXES as TEXT_FILES
from studio.errors import InputError
from studio.training.parameters import KINDS, AnyTraining
from studio.ui import gather, models, widgets
from studio.ui.primer import SUFFIXES as TUNE_FILES
from studio.ui.shell import QUIETLY, uploaded

NAMES = {"dcgan": "GAN", "vae": "VAE", "melody": "Melody", "text": "Text"}
NETWORKS = {"melody": "melody_lstm", "text": "gpt"}
"""The network of a kind where it is called otherwise, as the lists of models know it."""
THINGS = {"melody": "tunes", "text": "texts"}
"""What a kind learns from; the others learn from pictures."""
PICTURES = "pictures"
MINUTES = 30.0  # that the page suggests

_FIRST = ("minutes", "size", "channels", "classes")  # the rest is folded away
_NOT_FOR_PICTURES = ("lora_rank",)
_OWN = {"text": ("size", "lora_rank")}
"""What a kind asks for among its own settings, unlike those of pictures."""
_SHARED = (*_FIRST, *_NOT_FOR_PICTURES)
_CALLED = {"channels": {1: "grey", 3: "colour"}, "size": {64: "64 pixels", 128: "128 pixels"}}
_LABELS = {"channels": "Colours", "classes": "Folders are classes", "minutes": "Minutes"}
_NOTHING = "nothing"
_FILES: dict[str, dict[str, Any]] = {
    "pictures": {"label": "Pictures, or one .zip of them", "file_types": ["image", gather.ZIP]},
    "tunes": {"label": "Tunes (MIDI, ABC, MusicXML), or one .zip of them", "file_types": [*TUNE_FILES, gather.ZIP]},
    "texts": {"label": "Texts in UTF-8: one file, or several", "file_types": list(TEXT_FILES)},
}


class TrainingSettings:
    """The widgets, and what their values mean. Values come as a browser sends them, by the names of `inputs`."""

    def __init__(self) -> None:
        self.fields = {kind: dict(parameters.fields()) for kind, parameters in KINDS.items()}
        self.files = gr.File(
            file_count="multiple",
            height=150,
            elem_id="pictures",
            **_FILES[PICTURES],
        )
        self.folder = gr.Textbox(
            label="Or a folder (of texts also a file) on this machine",
            placeholder="/home/me/folder",
            max_lines=1,
            elem_id="folder",
        )
        self.kind = gr.Radio(
            [(name, kind) for kind, name in NAMES.items()],
            value="dcgan",
            label="What to train",
            info="A GAN makes crisper pictures. A VAE learns faster, and can also blend pictures that you bring. "
            "Melody learns from tunes and writes tunes, Text learns from texts and writes texts.",
            elem_id="kind",
        )
        self.first: dict[str, Component] = {}
        with gr.Row(elem_classes=["pair"]):
            self.start = gr.Dropdown(
                self._starts("dcgan"),
                value="",
                label="Begin with",
                info="A trained model learns sooner than nothing does.",
                allow_custom_value=True,
                min_width=130,
                elem_id="begin-with",
            )
            self._setting("minutes", value=MINUTES, min_width=130, placeholder="none")
        with gr.Row(elem_classes=["pair"]) as self.of_pictures:
            self._setting("size", min_width=130)
            self._setting("channels", min_width=130)
        self._setting("classes")
        self.name = gr.Textbox(
            label="Name of the model", placeholder="that of the files", max_lines=1, elem_id="model-name"
        )
        with gr.Accordion("More settings", open=False, elem_classes=["more"]):
            self.home = gr.Textbox(
                str(models.shelf().home), label="Folder for models", max_lines=1, elem_id="models-folder"
            )
            self.background = gr.Textbox(
                "white", label="Background", info="The colour under transparent pixels.", max_lines=1
            )
            self.more: dict[str, dict[str, Component]] = {}
            self.groups: dict[str, gr.Column] = {}
            for kind, fields in self.fields.items():
                names = [name for name in fields if name in _OWN.get(kind, ()) or name not in _SHARED]
                self.more[kind] = {}
                with gr.Column(visible=kind == "dcgan") as self.groups[kind]:
                    for pair in (names[at : at + 2] for at in range(0, len(names), 2)):
                        with gr.Row(elem_classes=["pair"]):
                            for name in pair:
                                self.more[kind][name] = widgets.widget(
                                    name, fields[name], elem_id=f"field-{kind}-{name}", min_width=130
                                )

        of_pictures = [self.of_pictures, self.first["classes"], self.background]
        changed = [self.start, *self.groups.values(), self.files, *of_pictures]
        self.kind.change(self._kind_changed, self.kind, changed, **QUIETLY)
        self.start.focus(self._starts_again, self.kind, self.start, **QUIETLY)

    def inputs(self) -> dict[str, Component]:
        """Every widget, by the name that the API gives it."""
        more = {f"{kind}_{name}": made for kind, group in self.more.items() for name, made in group.items()}
        return {
            "files": self.files, "folder": self.folder, "kind": self.kind, "begin_with": self.start,
            "name": self.name, "home": self.home, "background": self.background, **self.first, **more,
        }  # fmt: skip

    def pictures(self, values: dict[str, Any]) -> tuple[list[Path], str]:
        """(the uploaded files, the path that was typed). Raises InputError for anything else."""
        sent = values.get("files") or []
        found = [uploaded(item, self.files.GRADIO_CACHE) for item in (sent if isinstance(sent, list) else [sent])]
        paths, folder = [path for path in found if path is not None], str(values.get("folder") or "").strip()
        thing = things_of(str(values.get("kind")))
        if thing == "texts" and not paths and not folder:
            raise InputError("There are no texts yet: drop one or several, or type the path of a file or a folder.")
        if thing == "tunes" and not paths and not folder:
            raise InputError("There are no tunes yet: drop a .zip or tunes, or type the path of a folder.")
        return paths, folder

    def parameters(self, values: dict[str, Any]) -> AnyTraining:
        """The parameters. Raises InputError."""
        kind = str(values.get("kind"))
        if kind not in KINDS:
            raise InputError(f"Studio does not train a {kind!r}; it trains {', '.join(KINDS)}.")
        given = {}
        for name, field in self.fields[kind].items():
            key = name if name in _FIRST and name not in _OWN.get(kind, ()) else f"{kind}_{name}"
            if key in values:
                given[name] = widgets.meant(values[key], field)
        return KINDS[kind](**given)

    def start_model(self, values: dict[str, Any]) -> str | None:
        """The model to begin with."""
        name = str(values.get("begin_with") or "")
        return models.chosen(name, network_of(str(values.get("kind")))) if name not in ("", _NOTHING) else None

    def model_folder(self, values: dict[str, Any], otherwise: str) -> Path:
        """The folder of the model, called `otherwise` where no name was given. Raises InputError."""
        name = str(values.get("name") or "").strip() or otherwise
        if not re.fullmatch(r"[^\W_][\w .()+-]{0,79}", name):
            raise InputError(f"Expected a name for the model of letters, digits and spaces, got {name!r}.")
        home = models.place_for(values.get("home"))
        return home / name

    def _setting(self, name: str, **look: Any) -> None:
        if name in _LABELS:
            look["label"] = _LABELS[name]
        look = {"elem_id": f"training-{name}", **look}
        self.first[name] = widgets.widget(name, self.fields["dcgan"][name], called=_CALLED.get(name, {}), **look)

    def _kind_changed(self, kind: str) -> list[Any]:
        return [
            gr.update(choices=self._starts(kind), value=""),
            *(gr.Column(visible=kind == own) for own in self.groups),
            gr.File(**_FILES[things_of(kind)]),
            *[gr.update(visible=things_of(kind) == PICTURES)] * 3,
        ]

    def _starts_again(self, kind: str) -> Any:
        return gr.update(choices=self._starts(kind))

    def _starts(self, kind: str) -> list[tuple[str, str]]:
        return [(_NOTHING, ""), *models.choices(network_of(kind))]


def things_of(kind: str) -> str:
    """What a kind learns from."""
    return THINGS.get(kind, PICTURES)


def network_of(kind: str) -> str:
    """What the models of a kind are made of."""
    return NETWORKS.get(kind, kind)
