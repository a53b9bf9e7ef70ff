"""What a training leaves behind, and when it ends."""

from __future__ import annotations

import dataclasses
import json
import logging
import time
from pathlib import Path

import pytest
import torch

from studio import hub
from studio.data.tensors import to_network
from studio.errors import InputError
from studio.metrics import originality
from studio.metrics.extractor import Extractor
from studio.metrics.originality import Originality
from studio.networks.dcgan import DCGANConfig, Discriminator, Generator
from studio.training import checkpoint
from studio.training import run as running
from studio.training.estimate import estimate
from studio.training.mediums import pictures
from studio.training.run import Source, settings_of
from studio.zoo import dcgan, vae
from tests.training.tiny import cpu, draw, parameters, run


def test_a_dcgan_loads_and_its_card_says_what_it_is(tmp_path: Path, data: Path) -> None:
    trained = run("dcgan", data, tmp_path / "model", check_every=6)
    model = hub.find(tmp_path / "model")
    pictures = dcgan.load_generator(model)(torch.randn(2, 8))
    assert pictures.shape == (2, 3, 64, 64) and pictures.isfinite().all()
    assert dcgan.load_discriminator(model) is not None
    card = (tmp_path / "model" / "README.md").read_text()
    for words in (
        "| licence | CC0-1.0 |", "| data | pictures |", "| examples | 40 |", "| steps | 12 |", "studio train dcgan",
        "40 pictures used, ", "- KID-VGG19 (at step", "- recall: ", "| examples seen | 96 |",
    ):  # fmt: skip
        assert words in card, words
    config = json.loads((tmp_path / "model" / "config.json").read_text())
    assert config["training"]["parameters"]["batch_size"] == 8 and config["license"] == "CC0-1.0"
    assert trained.outcome.best is not None and config["metrics"]["kid"] == trained.outcome.best.figures["kid"]
    training = tmp_path / "model" / "training"
    assert sorted(path.name for path in (training / "sheets").iterdir()) == ["0000006.png", "0000012.png"]
    assert (training / "nearest.png").is_file() and list((training / "tensorboard").iterdir())
    assert settings_of(tmp_path / "model")[0] == "dcgan"


def test_a_vae_loads_with_its_prior(tmp_path: Path, data: Path) -> None:
    run("vae", data, tmp_path / "model", steps=4)
    model = hub.find(tmp_path / "model")
    network, prior = vae.load_vae(model), vae.load_prior(model)
    assert prior.means.shape[1] == 8
    pictures = to_network(torch.zeros(2, 3, 64, 64, dtype=torch.uint8))
    assert network(pictures, torch.zeros(2, 8))[0].shape == pictures.shape
    assert "- vgg_distance: " in (tmp_path / "model" / "README.md").read_text()


def test_classes_are_learnt_by_the_names_of_folders(tmp_path: Path) -> None:
    draw(tmp_path / "pictures" / "blue", 12)
    draw(tmp_path / "pictures" / "red", 12, seed=100)
    for kind in ("dcgan", "vae"):
        run(kind, tmp_path / "pictures", tmp_path / kind, steps=2, classes=True, channels=1)
    shape = dcgan.load_generator(hub.find(tmp_path / "dcgan")).config
    assert shape.classes == vae.load_vae(hub.find(tmp_path / "vae")).config.classes == ("blue", "red")
    assert shape.channels == 1


def test_a_model_is_taken_further_in_its_own_shape(tmp_path: Path, data: Path) -> None:
    """Even one of widths and doublings that nobody asked for here, and grey."""
    torch.manual_seed(0)
    shape = DCGANConfig(channels=1, width=8, latent=6, doubling="transposed")
    old = Generator(shape)
    dcgan.save(tmp_path / "old", old, Discriminator(shape), {}, "# Old\n")
    chosen = {"steps": 1, "start": str(tmp_path / "old"), "learning_rate": 1e-9, "ema": 0.0}
    with pytest.raises(InputError, match="--latent 7 is not what the model of --from has, 6; leave it out"):
        run("dcgan", data, tmp_path / "new", **chosen, latent=7)
    run("dcgan", data, tmp_path / "new", **chosen, latent=6)
    new = dcgan.load_generator(hub.find(tmp_path / "new"))
    assert new.config == shape
    torch.testing.assert_close(new.projection.weight, old.projection.weight, atol=1e-4, rtol=1e-2)
    assert "| began with | old |" in (tmp_path / "new" / "README.md").read_text()


def test_it_stops_when_measurements_bring_no_gain(tmp_path: Path, data: Path) -> None:
    # A learning rate of nothing: after the first measurement, none can be better by more than the average's start.
    trained = run("vae", data, tmp_path / "model", steps=40, check_every=1, patience=2, learning_rate=1e-12, ema=0.0)
    assert trained.outcome.finished and trained.outcome.why == "2 measurements brought no gain"
    assert trained.outcome.step < 12


def test_patience_that_had_run_out_when_it_was_killed_has_run_out_still(tmp_path: Path, data: Path) -> None:
    """Unless more is asked for: then it may try again."""
    chosen = {"steps": 40, "check_every": 1, "learning_rate": 1e-12, "ema": 0.0}
    first = run("vae", data, tmp_path / "model", **chosen, patience=2)
    again = run("vae", data, tmp_path / "model", **chosen, patience=2, resume=True)
    assert again.outcome == dataclasses.replace(first.outcome, seconds=again.outcome.seconds)
    more = run("vae", data, tmp_path / "model", **(chosen | {"steps": 50}), patience=2, resume=True)
    assert more.outcome.step == first.outcome.step + 2 and more.outcome.why == first.outcome.why


def test_the_model_is_written_before_it_is_compared(
    tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """With some of many pictures; what is copied is added to the card; one that was stopped says that it was not."""
    caplog.set_level(logging.INFO, "studio")
    seen: list[tuple[bool, int]] = []

    def copies(samples: torch.Tensor, training: torch.Tensor, extractor: Extractor) -> Originality:
        seen.append(((tmp_path / "model" / "config.json").is_file(), len(training)))
        return dataclasses.replace(real(samples, training, extractor), warning="3 samples are nearly training pictures")

    real = originality.copies
    monkeypatch.setattr(originality, "copies", copies)
    monkeypatch.setattr(pictures, "COMPARED_WITH", 15)
    stopped = run("dcgan", data, tmp_path / "model", steps=2, callback=lambda progress: progress.step == 1)
    assert not seen and stopped.outcome.notes == (running.NOT_COMPARED,)
    assert running.NOT_COMPARED in (tmp_path / "model" / "README.md").read_text()
    (tmp_path / "model" / "config.json").unlink()
    assert run("dcgan", data, tmp_path / "model", steps=2, resume=True).copied
    assert seen == [(True, 12)]  # every third of them
    card = (tmp_path / "model" / "README.md").read_text()
    assert "- 3 samples are nearly training pictures" in card and running.NOT_COMPARED not in card
    assert "Samples are looked for among 12 of" in caplog.text


def test_settings_are_there_before_the_first_checkpoint(
    tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def kill(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(checkpoint, "write", kill)
        run("dcgan", data, tmp_path / "model", steps=1)
    assert settings_of(tmp_path / "model")[0] == "dcgan"
    assert run("dcgan", data, tmp_path / "model", steps=1).outcome.step == 1


def test_minutes_end_in_time_and_leave_a_model(tmp_path: Path, data: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "studio")
    started = time.monotonic()
    trained = run("dcgan", data, tmp_path / "model", minutes=0.05, schedule="cosine")
    assert trained.outcome.finished and trained.outcome.why == "its time was over"
    assert 2 < trained.outcome.seconds < 20 and time.monotonic() - started < 40  # it measures afterwards
    assert hub.find(tmp_path / "model").config["training"]["steps"] == trained.outcome.step > 0
    assert any("examples a second" in record.message and "to go" in record.message for record in caplog.records)


def test_the_estimate_keeps_nothing_and_says_how_long(tmp_path: Path, data: Path) -> None:
    before = sorted(tmp_path.iterdir())
    found = estimate("dcgan", Source(str(data)), parameters("dcgan", steps=1000), cpu())
    assert found.steps == 1000 and found.seconds == pytest.approx(1000 * 8 / found.examples)
    assert found.in_words().startswith("40 pictures used, ") and "1,000 steps in" in found.in_words()
    assert estimate("vae", Source(str(data)), parameters("vae", minutes=2.0, perceptual=0), cpu()).seconds == 120
    assert sorted(tmp_path.iterdir()) == before
