"""Strategies made from the fields of a parameters dataclass, so that a new option is tested without a new line."""

from __future__ import annotations

from typing import Any, get_args, get_origin

from hypothesis import strategies as st
from pydantic.fields import FieldInfo

from studio.parameters import Parameters, choices, limits
from studio.style.parameters import StyleTransferParameters

WEIGHTS = st.floats(0, 1e12)
LAYER_NAMES = st.text(st.characters(exclude_characters=",=", exclude_categories=["C", "Z"]), min_size=1, max_size=12)


def parameters_of(cls: type[Parameters]) -> st.SearchStrategy[Any]:
    """Any valid parameters: every field varies over its whole range."""
    return st.builds(cls, **{name: values_of(field) for name, field in cls.fields()})


def values_of(field: FieldInfo) -> st.SearchStrategy[Any]:
    """Any valid value of one field."""
    return _values(field.annotation, field)


def _values(annotation: Any, field: FieldInfo) -> st.SearchStrategy[Any]:
    if choices(annotation):
        return st.sampled_from(choices(annotation))
    origin, bounds = get_origin(annotation), limits(field)
    if origin is tuple:
        item = get_args(get_args(annotation)[0])[0] if get_origin(get_args(annotation)[0]) else get_args(annotation)[0]
        return st.lists(st.integers(0, 100_000) if item is int else WEIGHTS, max_size=6).map(tuple)
    if origin is dict:
        return st.dictionaries(LAYER_NAMES, WEIGHTS, min_size=1, max_size=5)
    if type(None) in get_args(annotation):
        plain = next(part for part in get_args(annotation) if part is not type(None))
        return st.none() | _values(plain, field)
    if annotation is bool:
        return st.booleans()
    if annotation is int:
        step = next((limit.multiple_of for limit in field.metadata if hasattr(limit, "multiple_of")), 1)
        lowest, highest = int(bounds["ge"]), int(bounds.get("le", bounds.get("lt", 1) - 1))
        return st.integers(-(-lowest // step), highest // step).map(lambda count: count * step)
    if annotation is float:
        return st.floats(
            bounds.get("ge", bounds.get("gt")),
            bounds.get("le", bounds.get("lt")),
            exclude_min="gt" in bounds,
            exclude_max="lt" in bounds,
        )
    if annotation is str:
        return st.text(max_size=12)
    raise AssertionError(f"no strategy for {annotation}: add one here")


style_transfer_parameters = parameters_of(StyleTransferParameters)
