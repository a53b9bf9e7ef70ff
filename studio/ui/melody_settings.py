"""The settings of a melody on its page, made from the fields of MelodyParameters."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import gradio as gr
from gradio.components import Component

from studio.melody.parameters import MelodyParameters
from studio.music.theory import METERS, MODES, Key
from studio.ui import widgets
from studio.ui.shell import QUIETLY

INSTRUMENTS: Mapping[str, int] = {
    "Flute": 73, "Recorder": 74, "Whistle": 78, "Ocarina": 79, "Oboe": 68, "Clarinet": 71, "Violin": 40, "Fiddle": 110,
    "Cello": 42, "Accordion": 21, "Harmonica": 22, "Bagpipe": 109, "Trumpet": 56, "Horn": 60, "Piano": 0, "Harp": 46,
    "Guitar": 24, "Banjo": 105, "Dulcimer": 15, "Marimba": 12, "Music box": 10,
}  # fmt: skip
"""Those of General MIDI that carry a tune; any other may be typed by its number."""

_ROWS = (("bars", "count"), ("key", "mode"), ("meter", "tempo"), ("lowest", "highest"), ("temperature", "original"),
         ("end_on_tonic", "scale_only"), ("accompaniment", "instrument"), ("loop", "drums"))  # fmt: skip
_KEYS = tuple(Key(pitch).tonic_name for pitch in range(12))
_LABELS = {"meter": "Metre", "most_repeats": "Most repeats", "top_k": "Top k",
           "top_p": "Top p", "best_of": "Best of"}  # fmt: skip
_HELP = {
    "count": "How many tunes; a page shows up to 8.",
    "key": "The tonic; D if left open.",
    "mode": "The scale; major if left open.",
    "meter": "Beats in a bar; 4/4 if left open.",
    "temperature": "Less is plainer, more is wilder.",
}
_OPEN: Mapping[str, Sequence[str]] = {"key": _KEYS, "mode": MODES, "meter": METERS}
"""What may be left open, so that what a tune begins with says it."""


class MelodySettings:
    """The widgets, and what their values mean."""

    def __init__(self, primer: Callable[[], None]) -> None:
        """primer: lays out what a tune begins with, where it belongs among the settings."""
        self.fields = dict(MelodyParameters.fields())
        self.all: dict[str, Component] = {}
        for pair in _ROWS:
            self._row(pair)
        with gr.Group(elem_classes=["seed"]):
            self._setting("seed")
            with gr.Row():
                self.another_seed = gr.Checkbox(False, label="A new one each time", container=False, min_width=160)
                self.roll = gr.Button("Roll", size="sm", min_width=90, scale=0, elem_id="melody-roll-seed")
        primer()
        with gr.Accordion("More settings", open=False, elem_classes=["more"]):
            names = [name for name in self.fields if name not in self.all]
            for at in range(0, len(names), 2):
                self._row(names[at : at + 2])

    def inputs(self) -> dict[str, Component]:
        """Every widget, by the name that the API gives it."""
        return {**self.all, "another_seed": self.another_seed}

    def connect(self) -> None:
        """What happens without the server's models."""
        self.roll.click(_rolled, None, self.all["seed"], **QUIETLY)

    def understood(self, values: dict[str, Any]) -> MelodyParameters:
        """The parameters that the widgets stand for. Raises InputError."""
        if values.get("another_seed"):
            values["seed"] = _rolled()
        return MelodyParameters(
            **{name: widgets.meant(values[name], field) for name, field in self.fields.items() if name in values}
        )

    def restored(self, found: MelodyParameters) -> dict[Any, Any]:
        """Every widget as a tune was made."""
        changed: dict[Any, Any] = {}
        for name, made in self.all.items():
            value = getattr(found, name)
            changed[made] = value if name == "instrument" else widgets.shown(value, self.fields[name])
        return changed

    def _row(self, names: Any) -> None:
        with gr.Row(elem_classes=["pair"]):
            for name in names:
                self._setting(name, min_width=130)

    def _setting(self, name: str, **look: Any) -> None:
        field = self.fields[name]
        look = {"elem_id": f"melody-{name}", "label": _LABELS.get(name, name.replace("_", " ").capitalize()), **look}
        if name in _OPEN:
            choices = [("automatic", ""), *((one, one) for one in _OPEN[name])]
            self.all[name] = gr.Dropdown(choices, value="", info=_HELP[name], filterable=False, **look)
        elif name == "instrument":
            self.all[name] = gr.Dropdown(
                list(INSTRUMENTS.items()), value=field.default, info="Who plays it; or a number of General MIDI.",
                allow_custom_value=True, **look,
            )  # fmt: skip
        else:
            look = {"info": _HELP.get(name, widgets.help_text(field)), **look}
            self.all[name] = widgets.widget(name, field, **look)


def _rolled() -> str:
    return str(secrets.randbelow(2**32))
