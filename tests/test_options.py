"""Command-line options made from parameters: what is typed comes back as the same parameters."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.cli import app, main
from studio.errors import InputError
from studio.options import parse, with_options
from studio.style.parameters import StyleTransferParameters
from tests.strategies import style_transfer_parameters

FIELDS = dict(StyleTransferParameters.fields())


def parsed(arguments: list[str]) -> StyleTransferParameters:
    """What a command with the options of style transfer is handed."""
    handed: list[StyleTransferParameters] = []
    small = typer.Typer(add_completion=False)

    @small.command()
    @with_options(StyleTransferParameters)
    def command(parameters: StyleTransferParameters, file: Path = Path("none")) -> None:
        handed.append(parameters)

    small(arguments, standalone_mode=False)
    return handed[0]


def written(parameters: StyleTransferParameters) -> list[str]:
    """Parameters as one would type them."""
    arguments = []
    for name, value in parameters.to_dict().items():
        flag = f"--{name.replace('_', '-')}"
        match value:
            case bool():
                arguments.append(flag if value else f"--no-{flag[2:]}")
            case None:
                pass
            case dict():
                arguments.append(f"{flag}={','.join(f'{key}={weight!r}' for key, weight in value.items())}")
            case list():
                arguments.append(f"{flag}={','.join(map(repr, value))}")
            case _:
                arguments.append(f"{flag}={value}")
    return arguments


def test_no_options_are_the_defaults() -> None:
    assert parsed([]) == StyleTransferParameters()


@given(style_transfer_parameters)
@settings(max_examples=60)
def test_parameters_written_as_options_are_parsed_back(parameters: StyleTransferParameters) -> None:
    assert parsed(written(parameters)) == parameters


def shown(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert main(arguments) == 0
    return re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out)


def test_help_shows_every_option(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    help_text = shown(["style", "--help"], capsys)
    for name in FIELDS:
        assert f"--{name.replace('_', '-')}" in help_text
    assert help_text.index("Finer control") > help_text.index("--keep-colors")


def test_options_are_one_to_one_with_fields() -> None:
    """Options of the real command: the fields, and what only a command line has."""
    command = typer.main.get_command(app).commands["style"]  # type: ignore[attr-defined]
    own = {
        "content",
        "styles",
        "output",
        "mask",
        "init_picture",
        "model",
        "device",
        "precision",
        "threads",
        "quiet",
        "as_json",
    }
    assert {option.name for option in command.params} - own - {"help"} == set(FIELDS)


@pytest.mark.parametrize(
    ("text", "annotation", "value"),
    [
        ("0.7,0.3", tuple[float, ...], ("0.7", "0.3")),
        (" 0.7 , 0.3 ,", tuple[float, ...], ("0.7", "0.3")),
        ("", tuple[float, ...], ()),
        ("relu1_1=0.5,relu2_1", dict[str, float], {"relu1_1": "0.5", "relu2_1": "1"}),
        ("a,b", str, "a,b"),
        (7, int | None, 7),
    ],
)
def test_parse(text: Any, annotation: Any, value: Any) -> None:
    assert parse("option", text, annotation) == value


def test_a_layer_named_twice_is_refused() -> None:
    with pytest.raises(InputError, match=r"style_layers: relu1_1 is named twice\."):
        parsed(["--style-layers", "relu1_1=1,relu1_1=2"])


@given(st.sampled_from(["--style-weights", "--style-layers", "--steps-at-scales"]), st.text(max_size=20))
def test_any_list_that_is_typed_is_taken_or_refused_in_one_line(flag: str, text: str) -> None:
    try:
        parsed([f"{flag}={text}"])
    except InputError as error:
        assert flag[2:].replace("-", "_") in str(error) and "\n" not in str(error)
