"""The settings of a text on its page, made from the fields of TextParameters; a form shows those that it needs."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any, get_args

import gradio as gr
from gradio.components import Component

from studio.errors import InputError
from studio.text.parameters import FormName, TextParameters
from studio.ui import widgets
from studio.ui.shell import QUIETLY

FORMS: Mapping[str, str] = {
    "free": "Free", "haiku": "Haiku", "limerick": "Limerick", "sonnet": "Sonnet", "acrostic": "Acrostic",
    "rhyme": "Rhyme scheme",
}  # fmt: skip
"""What the forms are called on the page."""
SCHEMES: Mapping[str, tuple[str, ...]] = {
    "sonnet": ("shakespearean", "petrarchan", "spenserian"),
    "rhyme": ("ABAB CDCD", "AABB CCDD", "ABCB DEFE", "ABBA CDDC", "ABA BCB CDC D"),
}
"""Rhyme schemes that the page suggests for a form; the first is taken. Any other may be typed."""
COUNT = 4  # texts that a page writes side by side

_VERSE = tuple(name for name in get_args(FormName) if name != "free")
_ONLY_FOR: Mapping[str, tuple[str, ...]] = {
    "scheme": tuple(SCHEMES), "letters": ("acrostic",), "syllables": ("acrostic", "rhyme"), "iambic": ("sonnet",),
    "max_tokens": ("free",), "stop": ("free",), "candidates": _VERSE, "tries": _VERSE,
}  # fmt: skip
"""What only some forms ask for; for the others it is hidden and left as it is."""
_OF_FORM = ("scheme", "letters", "syllables")
_NEEDED = (
    ("letters", "acrostic", "An acrostic needs a word to spell: type one beside its form."),
    ("scheme", "rhyme", "A rhyme scheme is needed, such as ABAB CDCD: type one beside the form."),
)
_FIRST = (("count", "max_tokens"), ("temperature", "original"))
_LABELS = {
    "max_tokens": "Longest", "count": "Side by side", "letters": "Word to spell", "original": "Copied words at most",
    "top_k": "Top k", "top_p": "Top p", "min_p": "Min p", "no_repeat_ngram": "No repeated n-gram",
    "stop": "Stop before",
}  # fmt: skip
_HELP = {
    "prompt": "What to go on from; a form takes it as what was said before it.",
    "form": "Kept while it is written, to the syllable.",
    "count": "How many texts; a page shows up to 4.",
    "max_tokens": "In tokens, about ¾ of a word each.",
    "temperature": "Less is plainer, more is wilder.",
    "original": "In a row that also stand in what was learnt from; 0 for any number.",
    "scheme": "By name, or letters as in ABAB CDCD.",
    "letters": "Down the first letters of the lines; several words are stanzas.",
    "syllables": "Of its lines: 8, or 8-6-8-6.",
    "stop": "A free text ends before it; one in a line, \\n is a new line.",
}


class TextSettings:
    """The widgets, and what their values mean."""

    def __init__(self) -> None:
        self.fields = {name: field for name, field in TextParameters.fields() if name != "prompts"}
        self.all: dict[str, Component] = {}
        self.all["prompt"] = gr.Textbox(
            "",
            label="Prompt",
            info=_HELP["prompt"],
            lines=3,
            max_lines=10,
            placeholder="The sea",
            elem_id="text-prompt",
        )
        self.all["form"] = gr.Radio(
            [(called, name) for name, called in FORMS.items()], value="free", label="Form", info=_HELP["form"],
            elem_id="text-form", elem_classes=["forms-of-verse"],
        )  # fmt: skip
        with gr.Row(elem_classes=["pair"], visible=False) as self.of_form:
            for name in _OF_FORM:
                self._setting(name, min_width=130, visible=False)
        for pair in _FIRST:
            self._row(pair)
        with gr.Group(elem_classes=["seed"]):
            self._setting("seed")
            with gr.Row():
                self.another_seed = gr.Checkbox(False, label="A new one each time", container=False, min_width=160)
                self.roll = gr.Button("Roll", size="sm", min_width=90, scale=0, elem_id="text-roll-seed")
        with gr.Accordion("More settings", open=False, elem_classes=["more"]):
            self._setting("iambic", visible=False)
            names = [name for name in self.fields if name not in self.all and name not in ("stop", *_ONLY_FOR)]
            for at in range(0, len(names), 2):
                self._row(names[at : at + 2])
            self._row(("candidates", "tries"), visible=False)
            self._setting("stop")

    def inputs(self) -> dict[str, Component]:
        """Every widget, by the name that the API gives it."""
        return {**self.all, "another_seed": self.another_seed}

    def connect(self) -> None:
        """What happens without the server's models."""
        self.roll.click(_rolled, None, self.all["seed"], **QUIETLY)
        changed = [self.of_form, *(self.all[name] for name in _ONLY_FOR)]
        self.all["form"].input(self.fitting, self.all["form"], changed, **QUIETLY)  # type: ignore[attr-defined]

    def fitting(self, form: str, scheme: str | None = None) -> dict[Any, Any]:
        """Only the settings that a form needs. scheme: its rhymes, else the first that the page suggests."""
        changed: dict[Any, Any] = {
            self.all[name]: gr.update(visible=form in owners) for name, owners in _ONLY_FOR.items()
        }
        changed[self.of_form] = gr.Row(visible=any(form in _ONLY_FOR[name] for name in _OF_FORM))
        offered = SCHEMES.get(form, ())
        changed[self.all["scheme"]] = gr.update(
            visible=bool(offered), choices=list(offered), value=scheme or (offered[0] if offered else "")
        )
        return changed

    def understood(self, values: dict[str, Any]) -> TextParameters:
        """The parameters that the widgets stand for. Raises InputError."""
        if values.get("another_seed"):
            values["seed"] = _rolled()
        form = values.get("form", "free")
        for name, owner, words in _NEEDED:
            if form == owner and not str(values.get(name) or "").strip():
                raise InputError(words)
        given = {
            name: self._meant(name, values[name])
            for name in self.fields
            if name in values and form in _ONLY_FOR.get(name, (form,))
        }
        return TextParameters(**given)

    def restored(self, found: TextParameters) -> dict[Any, Any]:
        """Every widget as a text was made."""
        changed = self.fitting(found.form, found.scheme)
        for name, made in self.all.items():
            value = getattr(found, name)
            if name == "stop":
                shown: Any = "\n".join(string.replace("\n", "\\n") for string in value)
            else:
                shown = value if name == "prompt" else widgets.shown(value, self.fields[name])
            before = changed.get(made)
            if name != "scheme":
                changed[made] = {**before, "value": shown} if isinstance(before, dict) else shown
        return changed

    def _meant(self, name: str, value: Any) -> Any:
        if name == "prompt":
            return str(value or "")
        if name == "stop":
            lines = str(value or "").splitlines()
            return tuple(line.replace("\\n", "\n") for line in lines if line)
        return widgets.meant("" if value is None else value, self.fields[name])

    def _row(self, names: Any, **look: Any) -> None:
        with gr.Row(elem_classes=["pair"]):
            for name in names:
                self._setting(name, min_width=130, **look)

    def _setting(self, name: str, **look: Any) -> None:
        field = self.fields[name]
        info = _HELP.get(name, widgets.help_text(field))
        called = _LABELS.get(name, name.replace("_", " ").capitalize())
        look = {"elem_id": f"text-{name}", "label": called, "info": info, **look}
        if name == "scheme":
            self.all[name] = gr.Dropdown([""], value="", allow_custom_value=True, **look)  # None is no default
        elif name == "count":
            self.all[name] = gr.Slider(1, COUNT, field.default, step=1, buttons=[], **look)
        elif name == "stop":
            self.all[name] = gr.Textbox("", lines=2, max_lines=6, placeholder="none", **look)
        elif name in ("letters", "syllables"):
            placeholder = {"letters": "STUDIO", "syllables": "as they come"}[name]
            self.all[name] = widgets.widget(name, field, placeholder=placeholder, **look)
        else:
            self.all[name] = widgets.widget(name, field, **look)


def _rolled() -> str:
    return str(secrets.randbelow(2**32))
