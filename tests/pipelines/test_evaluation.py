"""The figures of a model: of its samples, its reconstructions and its copies."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
import torch

from studio.cli import main
from studio.errors import InputError, StoppedError
from studio.metrics.extractor import VGGFeatures
from studio.pipelines.evaluation import Evaluation, evaluate
from studio.pipelines.generators import load_generator
from tests.training.tiny import TinyVGG, cpu, draw, run


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures, a DCGAN and a VAE that were trained on them."""
    folder = tmp_path_factory.mktemp("evaluated")
    draw(folder / "pictures", 30)
    for kind in ("dcgan", "vae"):
        run(kind, folder / "pictures", folder / kind, steps=2)
    return folder


def measured(room: Path, kind: str, pictures: str = "pictures", **options: int) -> Evaluation:
    vgg = VGGFeatures(cpu(), TinyVGG())
    pipe = load_generator(room / kind, device="cpu", threads=1)
    return evaluate(pipe, room / pictures, vgg, **{"count": 12, **options})


def test_a_gan_is_measured_by_its_samples(room: Path) -> None:
    found = measured(room, "dcgan")
    assert found.reconstructions is None
    (scores,) = found.scores
    assert (scores.generated, scores.real, scores.size, scores.extractor) == (12, 30, 64, "VGG19")
    assert "KID-VGG19" in found.in_words() and "No sample is a copy" in found.in_words()
    assert found.sheet.width > 4 * 2 * 64
    again = measured(room, "dcgan")
    assert again.to_dict() == found.to_dict()  # the same seeds give the same figures
    assert measured(room, "dcgan", seed=5).to_dict() != found.to_dict()


def test_a_vae_is_measured_on_what_it_never_saw(room: Path) -> None:
    found = measured(room, "vae")
    assert found.unseen and found.reconstructions is not None and found.reconstructions.count < 15
    assert "pictures held out from training: PSNR" in found.in_words()
    draw(room / "others", 10, seed=900)
    other = measured(room, "vae", "others")
    assert not other.unseen and other.reconstructions is not None and other.reconstructions.count == 10


def test_copies_are_found(room: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = load_generator(room / "dcgan", device="cpu", threads=1)
    pictures = torch.stack([torch.full((3, 64, 64), value) for value in torch.linspace(-1, 1, 12)])
    from studio.data.tensors import to_pictures

    (room / "flat").mkdir()
    for number, picture in enumerate(to_pictures(pictures)):
        picture.putpixel((number, 3), (255, 0, 0))
        picture.save(room / "flat" / f"{number}.png")
    seen = iter(pictures)
    monkeypatch.setattr(pipe, "decode", lambda latents, labels=None: next(seen)[None])
    found = evaluate(pipe, room / "flat", VGGFeatures(cpu(), TinyVGG()), count=12)
    assert found.copies is not None and "nearly" in found.copies and found.copies in found.in_words()
    assert (found.made, found.compared, found.to_dict()["compared"]) == (12, 12, 12)
    few = dataclasses.replace(found, copies=None, made=5000, compared=1000)
    assert few.in_words().endswith("Of the first 1,000 samples none is a copy of a picture.")


def test_what_cannot_be_measured(room: Path) -> None:
    with pytest.raises(InputError, match="Expected 8 to 50,000 samples, got 3"):
        measured(room, "dcgan", count=3)
    with pytest.raises(StoppedError, match="nothing was measured"):
        pipe = load_generator(room / "dcgan", device="cpu", threads=1)
        evaluate(pipe, room / "pictures", VGGFeatures(cpu(), TinyVGG()), count=12, callback=lambda progress: True)


def test_the_command_measures_and_keeps_the_sheet(room: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sheet = room / "nearest.png"
    typed = ["evaluate", str(room / "dcgan"), "--data", str(room / "pictures"), "--count", "8", "--threads", "1"]
    assert main([*typed, "--sheet", str(room / "pictures" / "1.png")]) == 2
    assert "which is measured; choose a place outside of it" in capsys.readouterr().err
    assert main([*typed, "--sheet", str(sheet), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["scores"][0]["generated"] == 8 and told["sheet"] == str(sheet) and sheet.is_file()
