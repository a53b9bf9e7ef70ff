"""The command `studio`: what it makes, what it says, and where."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest
import typer
from PIL import Image

from studio import __version__, hub
from studio.cli import app, main

Maker = Callable[..., Path]
Captured = pytest.CaptureFixture[str]
LITTLE = ["--size", "64", "--steps", "1", "--precision", "float32", "--device", "cpu", "--threads", "1"]


def studio(*arguments: str | Path) -> int:
    return main([str(argument) for argument in arguments])


def size_of(path: Path) -> tuple[int, int]:
    with Image.open(path) as image:
        return image.size


def listing(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def commands() -> list[list[str]]:
    """Every command, those within others too."""

    def within(group: Any, names: list[str]) -> list[list[str]]:
        found = [names]
        for name, command in getattr(group, "commands", {}).items():
            found += within(command, [*names, name])
        return found

    return within(typer.main.get_command(app), [])


def test_a_picture_its_recipe_and_the_same_bytes_again(picture: Maker, tmp_path: Path, capsys: Captured) -> None:
    content, wave, out = picture("photo ü.png", seed=1), picture("wave.jpg", seed=2), tmp_path / "out.png"
    assert studio("style", content, wave, "-o", out, *LITTLE, "--seed", "7") == 0
    said = capsys.readouterr()
    assert said.out.startswith(f"{out}  64 × 43, 1 steps in ") and said.out.count("\n") == 1
    assert "64 × 43  step 1/1  100%" in said.err and "in float32" in said.err
    assert size_of(out) == (64, 43)
    assert listing(tmp_path) == ["out.png", "photo ü.png", "wave.jpg"]

    assert studio("recipe", out, "--json") == 0
    text = capsys.readouterr().out
    recipe = json.loads(text)
    assert text.count("\n") == 1 and recipe["parameters"]["seed"] == 7 and recipe["parameters"]["size"] == 64
    assert [source["name"] for source in recipe["inputs"]["content"]] == ["photo ü.png"]
    assert recipe["model"] == {"name": "vgg19", "sha256": hub.find("vgg19").sha256}
    assert str(tmp_path) not in text

    assert studio("recipe", out) == 0
    shown = capsys.readouterr()
    assert json.loads(shown.out) == recipe and shown.out.count("\n") > 20 and shown.err == ""

    content.rename(tmp_path / "another name.png")
    (tmp_path / "elsewhere").mkdir()
    wave.rename(tmp_path / "elsewhere" / "wave.jpg")
    moved = out.rename(tmp_path / "elsewhere" / "made.png")
    assert studio("remake", moved, "-o", tmp_path / "again.png", "--inputs", tmp_path, "--quiet") == 0
    assert capsys.readouterr() == ("", "")
    assert (tmp_path / "again.png").read_bytes() == moved.read_bytes()


def test_json_is_one_line_and_nothing_else(picture: Maker, tmp_path: Path, capsys: Captured) -> None:
    out = tmp_path / "out.webp"
    assert studio("style", picture(), picture("wave.png", seed=1), "-o", out, "--json", *LITTLE) == 0
    said = capsys.readouterr()
    facts = json.loads(said.out)
    assert said.err == "" and said.out.count("\n") == 1
    assert facts.keys() == {"output", "width", "height", "steps", "loss", "seconds", "finished"}
    assert (facts["output"], facts["width"], facts["height"], facts["steps"]) == (str(out), 64, 43, 1)
    assert facts["finished"] is True and facts["loss"] > 0 and 0 < facts["seconds"] < 60


def test_an_animated_gif_and_a_mask_of_another_size_work_and_it_is_said(
    picture: Maker, tmp_path: Path, capsys: Captured
) -> None:
    frames = [Image.new("RGB", (48, 32), color) for color in ("red", "green", "blue")]
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:])
    mask = picture("mask.png", size=(10, 10), mode="L")
    out = tmp_path / "out.jpg"
    assert studio("style", tmp_path / "moving.gif", picture("wave.png"), "-o", out, "--mask", mask, *LITTLE) == 0
    said = capsys.readouterr().err.splitlines()
    assert f"note: {tmp_path / 'moving.gif'} is animated with 3 frames; taking the first." in said
    assert "note: mask mask.png is 10 × 10; resizing it to 48 × 32." in said
    assert size_of(out) == (64, 43)


def test_planning_no_step_at_all_is_refused_or_gives_whole_json(
    picture: Maker, tmp_path: Path, capsys: Captured
) -> None:
    arguments = [
        picture(),
        picture("wave.png"),
        "-o",
        tmp_path / "out.png",
        "--json",
        *LITTLE,
        "--steps-at-scales",
        "0",
    ]
    code, said = studio("style", *arguments), capsys.readouterr()
    assert ((code, said.err) == (0, "") and json.loads(said.out)["steps"] == 0) or (code, said.out) == (2, "")


def test_models(capsys: Captured) -> None:
    for arguments in (["models"], ["models", "list"]):
        assert studio(*arguments) == 0
        said = capsys.readouterr()
        assert "vgg19 " in said.out and " 20.1 MB" in said.out and said.err == ""
    assert studio("models", "list", "--json") == 0
    (found,) = (found for found in json.loads(capsys.readouterr().out) if found["name"] == "vgg19")
    assert found == {"name": "vgg19", "folder": str(hub.find("vgg19").folder), "sha256": hub.find("vgg19").sha256}


def test_the_card_of_a_model(capsys: Captured) -> None:
    assert studio("models", "show", "vgg19") == 0
    card = capsys.readouterr().out
    assert card.strip() == (hub.find("vgg19").folder / "README.md").read_text(encoding="utf-8").strip()
    assert hub.find("vgg19").sha256 in card and "CC BY 4.0" in card


def test_doctor(capsys: Captured) -> None:
    assert studio("doctor") == 0
    shown = capsys.readouterr().out
    assert f"ok  studio           {__version__}" in shown and "ok  model vgg19      whole" in shown
    assert studio("doctor", "--json") == 0
    findings = json.loads(capsys.readouterr().out)
    assert {"part": "pages", "works": True}.items() <= next(
        found for found in findings if found["part"] == "pages"
    ).items()


def test_version_and_help(capsys: Captured) -> None:
    assert studio("--version") == 0
    assert capsys.readouterr() == (f"studio {__version__}\n", "")
    for command in commands():
        assert studio(*command, "--help") == 0
        said = capsys.readouterr()
        assert "Usage:" in said.out and said.err == ""


def test_as_a_program(tmp_path: Path) -> None:
    """Exit codes and streams of the real process."""
    root = Path(__file__).parent.parent
    done = [
        subprocess.run(
            [sys.executable, "-m", "studio", *arguments], cwd=root, capture_output=True, text=True, check=False
        )
        for arguments in (["--version"], ["recipe", str(tmp_path / "none.png")])
    ]
    assert (done[0].returncode, done[0].stdout, done[0].stderr) == (0, f"studio {__version__}\n", "")
    assert (done[1].returncode, done[1].stdout) == (2, "")
    assert done[1].stderr == f"studio: There is no file {tmp_path / 'none.png'}; check the name.\n"


def test_every_page_can_be_opened_by_its_name() -> None:
    from studio.commands.app import Page
    from studio.ui.studio import BUILDERS

    assert list(get_args(Page)) == list(BUILDERS)
