"""Widgets made from the fields of a pipeline's parameters, where help texts, limits and defaults are written down.

    widgets = {name: widget(name, field) for name, field in StyleTransferParameters.fields()}
    values = {name: shown(getattr(parameters, name), field) for name, field in …}            # parameters → widgets
    parameters = StyleTransferParameters(**{name: meant(values[name], field) for …})         # widgets → parameters

Widgets only suggest the limits; the parameters check them, whoever sends the values.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from typing import Any, Union, get_args, get_origin

import gradio as gr
from gradio.components import Component
from pydantic.fields import FieldInfo

from studio.parameters import choices, limits

_EXACT_IN_BROWSERS = 2**53  # larger whole numbers lose digits there, so they travel as text
_WORTH_SAYING = 1e9  # limits beyond it stop nobody, and are left out of help texts
_SLIDER_SPAN = 10


def widget(name: str, field: FieldInfo, **look: Any) -> Component:
    """The widget of one field. `look` goes to the component: `label`, `scale`, `min_width`, `visible`, …

    value: in place of the default; called: words for choices that would otherwise show as they are.
    """
    kind, _ = _kind(field)
    default = shown(look.pop("value", field.get_default(call_default_factory=True)), field)
    called = look.pop("called", {})
    look = {"label": name.replace("_", " ").capitalize(), "info": help_text(field), "elem_id": f"field-{name}", **look}
    if kind is bool:
        return gr.Checkbox(default, **look)
    if options := choices(kind):
        named = [(str(called.get(option, option)), option) for option in options]
        return gr.Dropdown(named, value=default, filterable=False, **look)
    if _is_text(field):
        empty = "none" if get_origin(kind) is tuple else "automatic"
        return gr.Textbox(default, **{"placeholder": "" if default else empty, "max_lines": 1, **look})
    lowest, highest = _range(field)
    if kind is float and lowest is not None and highest is not None and highest - lowest <= _SLIDER_SPAN:
        return gr.Slider(lowest, highest, default, step=0.01, buttons=[], **look)
    return gr.Number(default, step=1 if kind is int else 0.01, buttons=[], **look)


def help_text(field: FieldInfo) -> str:
    """The description of a field and its limits: "Long side of the result, in pixels. 16 to 8192." """
    bounds = {name: limit for name, limit in limits(field).items() if abs(limit) < _WORTH_SAYING}
    match bounds:
        case {"ge": low, "le": high}:
            range_ = f"{low:g} to {high:g}"
        case {"ge": low, "lt": high}:
            range_ = f"{low:g} to below {high:g}"
        case {"gt": low, "le": high}:
            range_ = f"Above {low:g}, up to {high:g}"
        case {"gt": low}:
            range_ = f"Above {low:g}"
        case {"ge": low}:
            range_ = f"{low:g} or more"
        case _:
            return field.description or ""
    return f"{field.description} {range_}."


def shown(value: Any, field: FieldInfo) -> Any:
    """A parameter as its widget shows it: numbers, switches and choices as they are, everything else as text."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={weight!r}" for key, weight in value.items())
    if isinstance(value, (tuple, list)):
        return ", ".join(item if isinstance(item, str) else repr(item) for item in value)
    if value is None:
        return ""
    return str(value) if _is_text(field) else value


def meant(value: Any, field: FieldInfo) -> Any:
    """What a widget's value means to its field. What cannot be understood is left for the parameters to refuse."""
    kind, optional = _kind(field)
    if not isinstance(value, str):
        return value
    text = value.strip()
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if get_origin(kind) is tuple:
        return tuple(_number(part) for part in parts)
    if get_origin(kind) is dict:
        pairs = [part.partition("=") for part in parts]
        return {name.strip(): _number(weight) if equals else 1.0 for name, equals, weight in pairs}
    if not text and optional:
        return None
    return _number(text) if kind in (int, float) else text


def _kind(field: FieldInfo) -> tuple[Any, bool]:
    """(the type without None, whether None is allowed)."""
    if get_origin(field.annotation) in (Union, types.UnionType):
        inner = [part for part in get_args(field.annotation) if part is not type(None)]
        return inner[0], True
    return field.annotation, False


def _range(field: FieldInfo) -> tuple[float | None, float | None]:
    bounds = limits(field)
    return bounds.get("ge", bounds.get("gt")), bounds.get("le", bounds.get("lt"))


def _is_text(field: FieldInfo) -> bool:
    """Whether the widget is a line of text. Numbers that may be left out need it: a gr.Number is never empty."""
    kind, optional = _kind(field)
    if kind is bool or choices(kind):
        return False
    highest = _range(field)[1] or 0
    return optional or kind not in (int, float) or (kind is int and highest > _EXACT_IN_BROWSERS)


def _number(text: str) -> Any:
    """A number if the text is one, else the text."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
