"""Parameters: ranges, refusals in plain words, and every option of style transfer."""

from __future__ import annotations

import dataclasses
import json
import math
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.errors import InputError
from studio.parameters import Parameters, choices, is_advanced, limits, parameter, parameters
from studio.style.parameters import StyleTransferParameters
from tests.strategies import style_transfer_parameters

FIELDS = dict(StyleTransferParameters.fields())


@parameters
class Blur(Parameters):
    """An example."""

    radius: int = parameter(3, "How far a pixel reaches.", ge=0, le=100)
    shape: Literal["box", "round"] = parameter("box", "The kernel.", advanced=True)
    channels: dict[str, float] = parameter({"red": 1.0}, "How much of each channel.")


def test_a_value_out_of_range_is_named_with_what_was_expected_and_what_came() -> None:
    with pytest.raises(InputError) as refused:
        Blur(radius=-1)
    assert str(refused.value) == "radius: should be greater than or equal to 0, got -1."


def test_two_wrong_values_are_both_named_in_one_line() -> None:
    with pytest.raises(InputError) as refused:
        Blur(radius=1000, shape="star")
    assert "radius: should be less than or equal to 100, got 1000" in str(refused.value)
    assert "shape: should be 'box' or 'round', got 'star'" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_an_unknown_field_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"unknown parameter 'radios'; known are radius, shape, channels"):
        Blur(radios=3)


def test_a_long_value_is_cut_in_the_message() -> None:
    with pytest.raises(InputError) as refused:
        Blur(shape="x" * 10_000)
    assert len(str(refused.value)) < 200


def test_defaults_are_not_shared() -> None:
    Blur().channels["green"] = 5.0
    assert Blur().channels == {"red": 1.0}


def test_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Blur().radius = 4  # type: ignore[misc]


def test_values_without_a_name_are_refused() -> None:
    with pytest.raises((TypeError, InputError)):
        Blur(4)


def test_changed_checks_again_and_leaves_the_first_alone() -> None:
    first = Blur(radius=5)
    assert first.changed(shape="round") == Blur(radius=5, shape="round")
    assert first == Blur(radius=5)
    with pytest.raises(InputError, match="radius"):
        first.changed(radius=101)
    with pytest.raises(InputError, match="unknown parameter 'size'"):
        first.changed(size=1)


def test_what_a_field_says_of_itself() -> None:
    fields = dict(Blur.fields())
    assert list(fields) == ["radius", "shape", "channels"]
    assert limits(fields["radius"]) == {"ge": 0, "le": 100}
    assert choices(fields["shape"].annotation) == ("box", "round")
    assert choices(fields["radius"].annotation) == ()
    assert [is_advanced(field) for field in fields.values()] == [False, True, False]


@pytest.mark.parametrize("name", FIELDS)
def test_every_option_has_a_help_text_of_one_line(name: str) -> None:
    description = FIELDS[name].description
    assert description and description.endswith(".") and "\n" not in description and len(description) < 130


NUMBERS = [(name, *limit) for name, field in FIELDS.items() for limit in limits(field).items()]


@pytest.mark.parametrize(("name", "bound", "limit"), NUMBERS)
def test_every_limit_of_style_transfer_holds(name: str, bound: str, limit: float) -> None:
    """The limit itself is accepted where it belongs to the range; one step beyond is refused and named."""
    size = next((item.multiple_of for item in FIELDS[name].metadata if hasattr(item, "multiple_of")), 1)
    step = {"g": -size, "l": size}[bound[0]]
    beyond = limit if bound in ("gt", "lt") else limit + step
    with pytest.raises(InputError, match=f"{name}: should be (greater|less) than"):
        StyleTransferParameters(**{name: beyond})
    inside = limit if bound in ("ge", "le") else limit - step * (1 if isinstance(limit, int) and limit > 1 else 1e-3)
    assert getattr(StyleTransferParameters(**{name: inside}), name) == inside


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize(
    "name", ["content_weight", "style_scale", "minutes", "averaging", "tv_weight", "learning_rate"]
)
def test_numbers_that_are_none_are_refused(name: str, value: float) -> None:
    with pytest.raises(InputError, match=name):
        StyleTransferParameters(**{name: value})


@pytest.mark.parametrize(
    ("given_", "words"),
    [
        ({"style_weights": (0.5, -1)}, "style_weights.1: should be greater than or equal to 0"),
        ({"style_weights": (math.nan,)}, "style_weights.0: should be a finite number"),
        ({"style_layers": {}}, "style_layers"),
        ({"style_layers": {"relu1_1": -0.5}}, "style_layers.relu1_1: should be greater than or equal to 0"),
        ({"steps_at_scales": (1, -1)}, "steps_at_scales.1: should be greater than or equal to 0"),
        ({"tile": 100}, "tile: should be a multiple of 16"),
        ({"size": "large"}, "size: should be a valid integer"),
        ({"keep_colors": "some"}, "keep_colors: should be 'none', 'luminance', 'histogram' or 'covariance'"),
    ],
)
def test_refusals_of_style_transfer(given_: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError) as refused:
        StyleTransferParameters(**given_)
    assert words in str(refused.value)


@given(style_transfer_parameters)
def test_parameters_survive_json(chosen: StyleTransferParameters) -> None:
    text = json.dumps(chosen.to_dict(), ensure_ascii=True)
    again = StyleTransferParameters(**json.loads(text))
    assert again == chosen
    assert again.to_dict() == chosen.to_dict()
    assert set(chosen.to_dict()) == set(FIELDS)


@given(st.sampled_from(sorted(FIELDS)), st.none() | st.binary(max_size=3) | st.lists(st.text(max_size=3), max_size=2))
def test_a_value_of_another_kind_is_refused_in_one_line_or_taken(name: str, value: Any) -> None:
    try:
        StyleTransferParameters(**{name: value})
    except InputError as error:
        assert name in str(error) and "\n" not in str(error)
