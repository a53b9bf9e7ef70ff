"""The figures of a melody model: what real tunes cost it, its own tunes beside them, and how original those are."""

from __future__ import annotations

import json
import logging
import math
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from studio.cli import main
from studio.device import choose
from studio.errors import InputError, StoppedError
from studio.music.measures import MEASURES
from studio.music.originality import Nearest
from studio.pipelines.melody import MelodyPipeline
from studio.pipelines.melody_evaluation import MelodyEvaluation, Originality, evaluate_melodies, predict, read_tunes
from studio.training.mediums import melodies
from studio.training.parameters import MelodyTrainingParameters
from studio.training.run import Source, train
from studio.training.tasks.melody import MelodyTask

TUNES = 16


def write_tunes(folder: Path, seed: int) -> Path:
    """Tunes of 8 bars, by chance; half of them in G in 4/4, half in A minor in 6/8."""
    folder.mkdir(parents=True)
    chance = random.Random(seed)
    for number in range(TUNES):
        key, meter, beats = (("G", "4/4", 8), ("Am", "6/8", 6))[number % 2]
        bars = ["".join(chance.choices("DEFGABcde", k=beats)) for _ in range(8)]
        text = f"X:1\nT:Tune {number}\nM:{meter}\nL:1/8\nK:{key}\n{'|'.join(bars)}|]\n"
        (folder / f"{number:02d}.abc").write_text(text)
    return folder


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tunes, other ones, and a network that saw the first for two steps."""
    folder = tmp_path_factory.mktemp("evaluated")
    write_tunes(folder / "tunes", 0)
    write_tunes(folder / "others", 1)
    chosen = MelodyTrainingParameters(width=8, layers=1, steps=2, batch_size=4, check_every=1000, seed=3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(melodies, "COMPARED", 2)
        train("melody", Source(str(folder / "tunes")), folder / "model", chosen, choose("cpu", "float32", 1))
    return folder


@pytest.fixture(scope="module")
def pipe(room: Path) -> MelodyPipeline:
    return MelodyPipeline.from_pretrained(room / "model", threads=1)


@pytest.fixture(scope="module")
def found(room: Path, pipe: MelodyPipeline) -> MelodyEvaluation:
    return evaluate_melodies(pipe, room / "tunes", count=8)


def test_it_is_measured_by_what_was_held_out(room: Path, pipe: MelodyPipeline, found: MelodyEvaluation) -> None:
    data, trained_on = read_tunes(pipe, room / "tunes")
    assert trained_on and found.unseen
    assert found.real == len(data.held_out) and set(pipe.index.names) == {tune.name for tune in data.tunes}
    assert "of 2 tunes held out from training" in found.in_words().splitlines()[0]


def test_its_costs_are_those_that_the_training_measures(room: Path, pipe: MelodyPipeline) -> None:
    data, _ = read_tunes(pipe, room / "tunes")
    own = predict(pipe, [tune.melody for tune in data.held_out])
    training = MelodyTrainingParameters(width=8, layers=1, seed=3)
    task = MelodyTask(data, training, choose("cpu", "float32", 1), start=pipe.network.float())
    theirs = task.measure(0).figures
    pipe.network.double()
    assert own.nats == pytest.approx(theirs["nats"], abs=1e-4)
    assert own.duration_nats == pytest.approx(theirs["nats_of_durations"], abs=1e-4)
    assert own.accuracy == pytest.approx(theirs["accuracy"])
    assert own.events == sum(len(tune.melody.notes) for tune in data.held_out)


def test_its_tunes_are_like_the_real_ones(found: MelodyEvaluation) -> None:
    assert found.made == 8 and sum(found.metres.values()) == 8 and set(found.metres) <= {"4/4", "6/8"}
    assert set(found.measures_of_made) == set(found.distances) == set(MEASURES)
    assert all(0 <= share <= 1 for share in found.overlap.values())
    words = found.in_words()
    assert "pitch class entropy" in words and " sd" in words and "seeds from 0" in words
    assert words.count("more than half of the tune in") == 2


def test_every_figure_is_in_the_dict(found: MelodyEvaluation) -> None:
    plain: dict[str, Any] = json.loads(json.dumps(found.to_dict()))
    assert plain["predictions"]["nats"] == pytest.approx(found.predictions.nats)
    entropy = plain["measures"]["pitch_class_entropy"]
    assert set(entropy) == {"made", "real", "distance", "overlap"} and math.isfinite(entropy["made"]["mean"])
    assert plain["originality"]["made"]["median"] == found.originality_of_made.median


def test_the_same_seeds_give_the_same_figures(room: Path, pipe: MelodyPipeline, found: MelodyEvaluation) -> None:
    assert evaluate_melodies(pipe, room / "tunes", count=8).to_dict() == found.to_dict()
    assert evaluate_melodies(pipe, room / "tunes", count=8, seed=50).to_dict() != found.to_dict()


def test_other_tunes_are_all_foreign(
    room: Path, pipe: MelodyPipeline, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("studio"), "propagate", True)
    both = room / "both"
    (both / "known").mkdir(parents=True)
    for path in sorted((room / "tunes").iterdir())[:4]:
        (both / "known" / path.name).write_text(path.read_text())
    for path in (room / "others").iterdir():
        (both / path.name).write_text(path.read_text())
    data, _ = read_tunes(pipe, room / "tunes")
    learnt = {tune.name for tune in data.tunes} & {f"{number:02d}.abc: Tune {number}" for number in range(4)}
    assert learnt
    found = evaluate_melodies(pipe, both, count=8)
    assert not found.unseen and found.real == TUNES + 4 - len(learnt)
    (said,) = (message for message in caplog.messages if "is not the folder that model was trained on" in message)
    assert said.endswith(f"by all tunes in it, less {len(learnt)} that it learnt from note for note.")
    assert "none of them learnt from" in found.in_words()


def test_originality_counts_runs() -> None:
    found = Originality.of([Nearest("", longest, longest / 40) for longest in range(1, 41)])
    assert (found.median, found.copied) == (20.5, 0.5) and found.high == pytest.approx(np.percentile(range(1, 41), 95))


def test_progress_is_told_and_can_stop_it(room: Path, pipe: MelodyPipeline) -> None:
    told: list[str] = []
    evaluate_melodies(pipe, room / "tunes", count=8, callback=lambda progress: told.append(progress.stage))
    assert list(dict.fromkeys(told)) == ["reading tunes", "making tunes"]
    with pytest.raises(StoppedError, match="nothing was measured"):
        evaluate_melodies(pipe, room / "tunes", count=8, callback=lambda progress: progress.stage == "making tunes")


def test_what_cannot_be_measured(room: Path, pipe: MelodyPipeline) -> None:
    with pytest.raises(InputError, match="Expected 8 to 50,000 tunes to make and measure, got 3"):
        evaluate_melodies(pipe, room / "tunes", count=3)


def test_the_command(room: Path, capsys: pytest.CaptureFixture[str]) -> None:
    typed = ["evaluate", str(room / "model"), "--data", str(room / "tunes"), "--count", "8", "--threads", "1"]
    assert main([*typed, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["made"] == 8
    assert main([*typed, "--quiet"]) == 0
    assert " nats a note (" in capsys.readouterr().out
    assert main([*typed, "--sheet", str(room / "sheet.png")]) == 2
    assert "makes melodies, of which there is no --sheet; leave it out." in capsys.readouterr().err
    assert main([*typed, "--precision", "bfloat16"]) == 2
    assert "always computed in float64" in capsys.readouterr().err
    logging.getLogger("studio").handlers = []
