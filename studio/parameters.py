"""Parameters of a pipeline: one frozen dataclass, written down once.

The command line's options, the page's widgets and the recipe inside an output are made from the same fields. A field
is `parameter(default, "help")` with its range beside it, and nothing else checks ranges.

    @parameters
    class Blur(Parameters):
        radius: int = parameter(3, "How far a pixel reaches, in pixels.", ge=0, le=100)

    Blur(radius=-1)   # InputError: radius: should be greater than or equal to 0, got -1.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any, Literal, Self, TypeVar, dataclass_transform, get_args, get_origin

from pydantic import ConfigDict, Field, ModelWrapValidatorHandler, ValidationError, model_validator
from pydantic.dataclasses import dataclass
from pydantic.fields import FieldInfo

from studio.errors import InputError

_Class = TypeVar("_Class")


def parameter(default: Any, description: str, *, advanced: bool = False, **limits: Any) -> Any:
    """A field with its help text and its limits.

    `limits` are pydantic's: `ge`, `gt`, `le`, `lt` for numbers, `min_length` and `pattern` for text.
    `advanced` fields are folded away on pages and listed last in help texts.
    """
    source = {"default_factory": lambda: dict(default)} if isinstance(default, Mapping) else {"default": default}
    return Field(description=description, json_schema_extra={"advanced": advanced}, kw_only=True, **source, **limits)


class Parameters:
    """What the parameters of every pipeline can do. Subclasses are made with `@parameters`."""

    @model_validator(mode="wrap")
    @classmethod
    def _in_plain_words(cls, values: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            return handler(values)
        except ValidationError as error:
            raise InputError("; ".join(_plain(found, cls) for found in error.errors()) + ".") from None

    @classmethod
    def fields(cls) -> Iterator[tuple[str, FieldInfo]]:
        """(name, field) in the order of the class; `field` knows default, annotation, description and limits."""
        yield from cls.__pydantic_fields__.items()  # type: ignore[attr-defined]

    def changed(self, **changes: Any) -> Self:
        """A copy with some fields changed, checked again. Raises InputError."""
        return type(self)(**(self.to_dict() | changes))

    def to_dict(self) -> dict[str, Any]:
        """Every field by name, in plain JSON types."""
        return {name: _as_json(getattr(self, name)) for name, _ in self.fields()}


@dataclass_transform(frozen_default=True, kw_only_default=True)
def parameters(cls: type[_Class]) -> type[_Class]:
    """Class decorator: a frozen, keyword-only dataclass that refuses unknown fields, NaN and values out of range."""
    return dataclass(
        frozen=True, kw_only=True, config=ConfigDict(extra="forbid", allow_inf_nan=False, defer_build=True)
    )(cls)  # type: ignore[return-value]


def choices(annotation: Any) -> tuple[Any, ...]:
    """The values of a `Literal` annotation, or () for any other."""
    return get_args(annotation) if get_origin(annotation) is Literal else ()


def limits(field: FieldInfo) -> dict[str, float]:
    """The limits of a field by their pydantic names: {"ge": 1, "le": 100}."""
    return {
        name: getattr(limit, name)
        for limit in field.metadata
        for name in ("ge", "gt", "le", "lt")
        if hasattr(limit, name)
    }


def is_advanced(field: FieldInfo) -> bool:
    """Whether a field is folded away on pages and listed last in help texts."""
    return bool(isinstance(field.json_schema_extra, dict) and field.json_schema_extra.get("advanced"))


def _plain(found: Any, cls: type) -> str:
    name = ".".join(str(part) for part in found["loc"] if part != "function-wrap")
    if found["type"] == "unexpected_keyword_argument":
        known = ", ".join(field.name for field in dataclasses.fields(cls))
        return f"unknown parameter {name!r}; known are {known}"
    message = found["msg"].removeprefix("Value error, ").removeprefix("Input ")
    received = repr(found["input"])
    received = received if len(received) <= 60 else received[:57] + "..."
    return f"{name}: {message}, got {received}" if name else message


def _as_json(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _as_json(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [_as_json(item) for item in value]
    return value
