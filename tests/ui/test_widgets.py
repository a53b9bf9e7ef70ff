"""Widgets carry what the parameters say, and values survive the way there and back."""

from __future__ import annotations

from typing import Any

import gradio as gr
import pytest

from studio.errors import InputError
from studio.parameters import limits
from studio.style.parameters import StyleTransferParameters
from studio.ui.widgets import help_text, meant, shown, widget

FIELDS = dict(StyleTransferParameters.fields())


@pytest.mark.parametrize("name", FIELDS)
def test_a_widget_carries_default_description_and_limits(name: str) -> None:
    field = FIELDS[name]
    made = widget(name, field)
    assert meant(made.value, field) == getattr(StyleTransferParameters(), name)
    assert made.info.startswith(field.description)
    for limit in limits(field).values():
        assert f"{limit:g}" in made.info or limit >= 1e9
    assert made.label
    if isinstance(made, gr.Slider):
        assert {made.minimum, made.maximum} == set(limits(field).values())


CHANGED: list[dict[str, Any]] = [
    {},
    {"seed": 2**63 - 1, "size": 16, "steps": 10_000, "minutes": 0.1, "tile": 64, "learning_rate": 1e-3},
    {"content_weight": 1e12, "style_scale": 0.3333333333333333, "averaging": 0.0, "tv_weight": 0.1 + 0.2},
    {"steps_at_scales": (0, 12, 7), "coarse_to_fine": False, "relative_losses": False, "init": "noise"},
    {"background": "#a0b1c2", "keep_colors": "covariance", "optimizer": "lbfgs", "border": "zeros"},
    {"content_layers": {"relu4_2": 0.5, "relu5_1": 1e-9}, "style_layers": {"relu1_1": 3.0}, "tile": 0, "minutes": 1e-5},
]


@pytest.mark.parametrize("changes", CHANGED)
def test_values_survive_the_way_to_the_widgets_and_back(changes: dict[str, Any]) -> None:
    parameters = StyleTransferParameters(**changes)
    values = {name: shown(getattr(parameters, name), field) for name, field in FIELDS.items()}
    assert StyleTransferParameters(**{name: meant(values[name], field) for name, field in FIELDS.items()}) == parameters


def test_a_number_too_large_for_browsers_travels_as_text() -> None:
    assert shown(2**53 + 1, FIELDS["seed"]) == "9007199254740993"


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("seed", "seven"),
        ("seed", "-1"),
        ("size", None),
        ("size", [1, 2]),
        ("steps", 0),
        ("minutes", "0"),
        ("learning_rate", "nan"),
        ("style_layers", "relu1_1=much"),
        ("style_layers", ""),
        ("steps_at_scales", "1, two"),
        ("keep_colors", "sepia"),
        ("coarse_to_fine", "perhaps"),
        ("averaging", 1),
        ("background", None),
    ],
)
def test_what_cannot_be_meant_is_refused_by_the_parameters_under_its_name(name: str, typed: Any) -> None:
    with pytest.raises(InputError, match=rf"^{name}"):
        StyleTransferParameters(**{name: meant(typed, FIELDS[name])})


def test_limits_are_said_in_words() -> None:
    assert help_text(FIELDS["size"]).endswith("in pixels. 16 to 8192.")
    assert help_text(FIELDS["style_scale"]).endswith("Above 0, up to 4.")
    assert help_text(FIELDS["averaging"]).endswith("0 to below 1.")
    assert help_text(FIELDS["content_weight"]).endswith("0 or more.")
