"""The README's commands and its Python, run as they stand, on small pictures and with few steps."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from studio.cli import main
from studio.media import midi
from studio.media.abc_writer import write_tune
from tests.conftest import ROOT
from tests.music.tunes import jig
from tests.training.test_melody import tune
from tests.training.test_text import VERSE

README = (ROOT / "README.md").read_text(encoding="utf-8")
STYLE_COMMANDS = re.findall(r"^    studio (style .*)$", README, re.MULTILINE)
MAKING_COMMANDS = re.findall(
    r"^    studio ((?:image|blend|walk|project|directions|melody|text) .* -o .*)$", README, re.MULTILINE
)
PRINTING_COMMANDS = re.findall(r"^    studio (text (?!.* -o ).*)$", README, re.MULTILINE)
LIVE_COMMANDS = re.findall(r"^    studio (live .*)$", README, re.MULTILINE)
TRAINING_COMMANDS = re.findall(r"^    studio (train .*)$", README, re.MULTILINE)
SMALL = ["--size", "48", "--steps", "1", "--device", "cpu"]
HURRY = {
    "walk": ["--seconds", "0.2", "--fps", "10", "--scale", "1"],
    "project": ["--steps", "1", "--no-features"],
    "directions": ["--samples", "64", "--rows", "1", "--columns", "3"],
}


@pytest.fixture
def folder(picture: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The files that the README speaks of."""
    for seed, name in enumerate(
        ("photo.jpg", "painting.jpg", "wave.jpg", "poppies.jpg", "castle.jpg", "castle_mask.png", "my_letter.png")
    ):
        picture(name, seed=seed, mode="L" if "mask" in name else "RGB")
    midi.write_midi(midi.to_midi(jig()), tmp_path / "my_tune.mid")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_there_are_commands() -> None:
    assert len(STYLE_COMMANDS) >= 4 and len(MAKING_COMMANDS) >= 6 and len(TRAINING_COMMANDS) >= 3


@pytest.mark.parametrize("command", STYLE_COMMANDS)
def test_style_commands(command: str, folder: Path) -> None:
    hurry = ["--minutes", "0.001"] if "--minutes" in command else []
    assert main([*shlex.split(command), *SMALL, *hurry]) == 0
    assert (folder / "out.png").stat().st_size > 500
    assert main(["recipe", "out.png"]) == 0


@pytest.mark.parametrize("command", MAKING_COMMANDS)
def test_commands_that_make_something(command: str, folder: Path) -> None:
    words = shlex.split(command)
    assert main([*words, *HURRY.get(words[0], []), "--device", "cpu"]) == 0
    output = folder / words[words.index("-o") + 1]
    inside = (
        sorted(path for path in output.iterdir() if path.suffix in (".mid", ".txt")) if output.is_dir() else [output]
    )
    assert inside
    for made in inside:
        assert made.stat().st_size > (30 if made.suffix == ".txt" else 500)
        assert main(["recipe", str(made)]) == 0


@pytest.mark.parametrize("command", PRINTING_COMMANDS)
def test_commands_that_print(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*shlex.split(command), "--device", "cpu"]) == 0
    assert capsys.readouterr().out.startswith("The sea")


@pytest.mark.parametrize("command", LIVE_COMMANDS)
def test_music_without_end(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*shlex.split(command), "--json", "--stop-after", "2"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2


@pytest.mark.parametrize("command", [command for command in TRAINING_COMMANDS if "--resume" not in command])
def test_commands_that_train(command: str, folder: Path, picture: Callable[..., Path]) -> None:
    """As far as their report and estimate: what training does is tested where it lives."""
    (folder / "my_pictures").mkdir()
    for seed in range(12):
        picture(f"my_pictures/{seed}.png", size=(64, 64), seed=seed)
    (folder / "my_poems.txt").write_text(VERSE)
    (folder / "my_tunes").mkdir()
    for number in range(12):
        (folder / "my_tunes" / f"{number}.abc").write_text(write_tune(tune(number), f"Tune {number}"))
    assert main([*shlex.split(command), "--dry-run", "--batch-size", "2", "--device", "cpu"]) == 0


def test_python(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (code,) = re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    assert "size=512" in code
    names: dict[str, object] = {}
    exec(code.replace("size=512", "size=48, steps=1"), names)
    assert (folder / "out.png").stat().st_size > 500


def test_make_targets_that_are_named_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for text in (README, (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), (ROOT / ".ci/run").read_text()):
        for target in re.findall(r"(?:^    |^|`)make ([a-z-]+)\b", text, re.MULTILINE):
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_every_option_that_is_named_exists(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    for command in (
        "style",
        "image",
        "blend",
        "walk",
        "project",
        "directions",
        "melody",
        "live",
        "text",
        "train dcgan",
        "train text",
        "evaluate",
    ):
        assert main([*command.split(), "--help"]) == 0
    known = capsys.readouterr().out
    for option in set(re.findall(r"`?(--[a-z][a-z-]+)(?![a-z_-])", README)):
        assert option in known, option


def test_pictures_that_are_shown_exist() -> None:
    for path in re.findall(r"\]\(([\w/.]+\.(?:jpg|png|md))\)", README):
        assert (ROOT / path).is_file(), path
