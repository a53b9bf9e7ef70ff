"""Command-line options from the fields of a parameters dataclass, so that an option is written down once."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Container
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import typer
from pydantic.fields import FieldInfo

from studio.errors import InputError
from studio.parameters import Parameters, is_advanced


def with_options(
    parameters: type[Parameters], *, without: Container[str] = ()
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorator for a command that takes `parameters`: an option for each field, handed over as one checked object.

    without: fields that mean nothing to the command.
    """

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        fields = {name: field for name, field in parameters.fields() if name not in without}

        @functools.wraps(command)
        def wrapper(**given: Any) -> Any:
            values = {name: given.pop(name) for name in fields}
            parsed = {
                name: parse(name, value, fields[name].annotation) for name, value in values.items() if value is not None
            }
            return command(**given, parameters=parameters(**parsed))

        own = inspect.signature(command, eval_str=True).parameters
        kept = [parameter for name, parameter in own.items() if name != "parameters"]
        made = [_option(name, field) for name, field in sorted(fields.items(), key=lambda item: is_advanced(item[1]))]
        wrapper.__signature__ = inspect.Signature([*kept, *made])  # type: ignore[attr-defined]
        wrapper.__annotations__ = {parameter.name: parameter.annotation for parameter in [*kept, *made]}
        return wrapper

    return decorate


def parse(name: str, value: Any, annotation: Any) -> Any:
    """What was typed for a field: "0.7,0.3" for a list, "relu1_1=0.5,relu2_1" for weights. Raises InputError."""
    origin = get_origin(_without_none(annotation))
    if not isinstance(value, str) or origin not in (tuple, dict):
        return value
    parts = [part.strip() for part in value.split(",") if part.strip()]
    if origin is tuple:
        return tuple(parts)
    weights: dict[str, str] = {}
    for part in parts:
        key, _, weight = (piece.strip() for piece in part.partition("="))
        if key in weights:
            raise InputError(f"{name}: {key} is named twice.")
        weights[key] = weight or "1"
    return weights


def _option(name: str, field: FieldInfo) -> inspect.Parameter:
    kind, metavar, default = _shown_as(field)
    flag = f"--{name.replace('_', '-')}"
    flags = (f"{flag}/--no-{flag[2:]}",) if kind is bool else (flag,)
    panel = "Finer control" if is_advanced(field) else "Options"
    option = typer.Option(*flags, help=field.description, metavar=metavar, rich_help_panel=panel)
    annotation = kind if default is not None else kind | None
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[annotation, option]
    )


def _shown_as(field: FieldInfo) -> tuple[Any, str | None, Any]:
    """(type, metavar, default) of an option, as its help shows it."""
    annotation, default = _without_none(field.annotation), field.get_default(call_default_factory=True)
    if get_origin(annotation) is tuple:
        return str, "A,B,…", ",".join(map(str, default)) or None
    if get_origin(annotation) is dict:
        return str, "NAME=WEIGHT,…", ",".join(f"{name}={weight:g}" for name, weight in default.items())
    return annotation, None, default


def _without_none(annotation: Any) -> Any:
    if get_origin(annotation) in (Union, UnionType):
        return next(part for part in get_args(annotation) if part is not type(None))
    return annotation
