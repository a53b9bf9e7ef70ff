"""`studio train` and `studio evaluate`, as they are typed."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.cli import main
from tests.training.tiny import TinyVGG, draw

TINY = ["--width", "8", "--latent", "8", "--batch-size", "8", "--check-every", "1000", "--precision", "float32"]


@pytest.fixture(scope="module", autouse=True)
def tiny_vgg() -> Iterator[None]:
    """The commands look through the shipped VGG-19, which takes a minute here; a tiny one takes its place."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("studio.metrics.extractor.load_vgg", TinyVGG)
        yield


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A VAE of two steps, trained as one types it."""
    room = tmp_path_factory.mktemp("typed")
    data = draw(room / "pictures", 16)
    typed = ["train", "vae", "--data", str(data), "-o", str(room / "model"), "--steps", "2", "--perceptual", "0", *TINY]
    assert main([*typed, "--license", "CC0-1.0", "--quiet"]) == 0
    logging.getLogger("studio").handlers = []
    return room / "model"


def test_training_says_what_it_made_and_its_card_how(model: Path) -> None:
    card = (model / "README.md").read_text()
    assert "studio train vae --data " in card and " --steps 2 --batch-size 8 " in card and "CC0-1.0" in card
    kept = json.loads((model / "training" / "settings.json").read_text())
    assert " --precision float32" in card and " --threads" not in card and " --device" not in card
    assert kept["place"] == {"device": "auto", "precision": "float32", "threads": None}
    assert kept["parameters"]["perceptual"] == 0 and Path(kept["source"]["data"]).is_absolute()


def test_resume_needs_nothing_but_the_folder(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "vae", "--resume", "-o", str(model), "--json", "--steps", "3", "--threads", "1"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["steps"] == 3 and said["finished"] and said["output"] == str(model)
    assert (model / "README.md").read_text().count("    studio train vae") == 2
    assert "--resume --steps 3 --precision float32 --threads 1\n" in (model / "README.md").read_text()
    assert json.loads((model / "training" / "settings.json").read_text())["place"]["threads"] == 1
    assert json.loads((model / "config.json").read_text())["training"]["device"] == "cpu in float32"


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        (["dcgan"], "Expected --data: what to train on"),
        (["dcgan", "--resume"], "holds the training of a vae: `studio train vae --resume` goes on"),
        (["vae", "--resume", "--width", "16"], "a network of another shape"),
        (["vae", "--data", "nowhere"], "holds a training already; add --resume"),
        (["vae", "--resume", "--config", "missing.json"], "There is no file missing.json"),
    ],
)
def test_refusals(model: Path, typed: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", *typed, "-o", str(model)]) == 2
    said = capsys.readouterr()
    assert words in said.err.splitlines()[-1] and said.out == ""


def test_options_come_from_a_file_and_those_typed_win(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = draw(tmp_path / "pictures", 10)
    options = {"steps": 500, "width": 8, "latent": 8, "batch_size": 4, "perceptual": 0, "minutes": None}
    (tmp_path / "options.json").write_text(json.dumps(options))
    (tmp_path / "options.toml").write_text("steps = 500\nwidth = 8\nbatch_size = 4\nperceptual = 0\nfreeze = []\n")
    for name in ("options.json", "options.toml"):
        typed = ["train", "vae", "--data", str(data), "-o", str(tmp_path / "model"), "--config", str(tmp_path / name)]
        assert main([*typed, "--steps", "700", "--dry-run", "--json"]) == 0
        said = json.loads(capsys.readouterr().out)
        assert said["steps"] == 700 and said["report"]["used"] == 10
        assert said["seconds"] == pytest.approx(700 * 4 / said["examples_a_second"])
    assert not (tmp_path / "model").exists()
    (tmp_path / "options.json").write_text('{"warp": 9}')
    assert main(["train", "vae", "--data", str(data), "-o", str(tmp_path), "--config", str(tmp_path / "options.json")])
    assert "unknown parameter 'warp'" in capsys.readouterr().err
    (tmp_path / "options.toml").write_text("steps = ")
    assert main(["train", "vae", "--data", str(data), "-o", str(tmp_path), "--config", str(tmp_path / "options.toml")])
    assert "is neither JSON nor TOML that can be read" in capsys.readouterr().err


def test_a_dry_run_speaks_to_people(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = draw(tmp_path / "pictures", 10)
    assert main(["train", "dcgan", "--data", str(data), "-o", str(tmp_path / "model"), "--dry-run", *TINY]) == 0
    said = capsys.readouterr().out
    assert said.startswith("10 pictures used, ") and "examples a second: 80,000 steps in " in said
