"""A melody LSTM trained on a folder of tunes: it learns, goes on after a kill, and comes out as one that composes."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import pytest
import torch

from studio import hub
from studio.device import choose
from studio.errors import InputError
from studio.media import midi
from studio.music.originality import Index
from studio.networks.melody_lstm import MelodyLSTM
from studio.pipelines.melody import MelodyPipeline
from studio.progress import Progress
from studio.training.estimate import estimate
from studio.training.parameters import DCGANTrainingParameters, MelodyTrainingParameters
from studio.training.run import Source, Trained, settings_of, train
from studio.zoo import melody as zoo
from tests.training.tiny import contents, curve, tune, weights, write_tunes

TINY = {"width": 24, "layers": 2, "batch_size": 8, "steps": 20, "check_every": 10, "keep_every": 3, "warmup": 2}


@pytest.fixture(scope="session")
def tunes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 30 tunes in ABC, one in MIDI, and one that cannot be read."""
    folder = tmp_path_factory.mktemp("tunes")
    write_tunes(folder / "many.abc", map(tune, range(30)))
    midi.write_midi(midi.to_midi(tune(100)), folder / "one.mid")
    (folder / "broken.mid").write_bytes(b"MThd nothing of the kind")
    return folder


def run(tunes: Path, folder: Path, **changes: object) -> Trained:
    source = Source(str(tunes), start=changes.pop("start", None), license="CC0-1.0")  # type: ignore[arg-type]
    resume, callback = bool(changes.pop("resume", False)), changes.pop("callback", None)
    parameters = MelodyTrainingParameters(**(TINY | changes))  # type: ignore[arg-type]
    device = choose("cpu", "float32", 1)
    return train(
        "melody", source, folder, parameters, device, resume=resume, callback=callback, command="studio train melody"  # type: ignore[arg-type]
    )  # fmt: skip


def test_it_learns_and_composes(tunes: Path, tmp_path: Path) -> None:
    trained = run(tunes, tmp_path / "model", steps=60, check_every=20, learning_rate=1e-2, ema=0.9)
    assert trained.outcome.finished and trained.outcome.best is not None
    first, best = trained.outcome.best.figures, trained.outcome.best
    assert best.name == "nats a note" and best.value < 5 and 0 < first["accuracy"] <= 1
    assert first["nats"] == pytest.approx(first["nats_of_pitches"] + first["nats_of_durations"])
    card = (tmp_path / "model" / "README.md").read_text()
    for words in ("# A melody LSTM", "| examples | 31 |", "CC0-1.0", "31 tunes used", "broken.mid", "nats a note"):
        assert words in card
    assert list((tmp_path / "model" / "training" / "sheets").glob("*.png"))
    assert "broken.mid: unreadable" in (tmp_path / "model" / "training" / "left_out.txt").read_text()
    pipe = MelodyPipeline.from_pretrained(tmp_path / "model")
    result = pipe(bars=4, key="G", seed=1)
    assert result.melodies[0].bars == 4
    assert pipe.nearest(tune(3)).longest == 32 or pipe.nearest(tune(4)).longest == 32, "one of the two was learnt from"
    assert settings_of(tmp_path / "model")[0] == "melody"


def test_killed_and_resumed_is_the_same_bit_for_bit(tunes: Path, tmp_path: Path) -> None:
    run(tunes, tmp_path / "whole")

    class Killed(BaseException):
        pass

    def kill_at(step: int) -> object:
        def note(progress: Progress) -> None:
            if progress.step == step:
                raise Killed

        return note

    for number, step in enumerate((5, 11, 18)):
        with pytest.raises(Killed):
            run(tunes, tmp_path / "killed", resume=number > 0, callback=kill_at(step))
    moved = tmp_path / "elsewhere"
    shutil.copytree(tunes, moved)
    run(tunes, tmp_path / "killed", resume=True)
    one, other = weights(tmp_path / "whole"), weights(tmp_path / "killed")
    assert one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_losses_do_not_depend_on_the_parts_of_a_batch(tmp_path: Path) -> None:
    write_tunes(tmp_path / "tunes" / "book.abc", [tune(number, 11 + 8 * (number % 5)) for number in range(20)])
    for parts in (1, 4):
        run(tmp_path / "tunes", tmp_path / str(parts), steps=3, accumulate=parts, dropout=0.0, keep_every=1)
    assert curve(tmp_path / "1")["sums"] == pytest.approx(curve(tmp_path / "4")["sums"], rel=1e-5)


def test_it_goes_on_though_the_tunes_are_gone(tunes: Path, tmp_path: Path) -> None:
    own = tmp_path / "tunes"
    shutil.copytree(tunes, own)
    run(own, tmp_path / "model", callback=lambda progress: progress.step == 4)
    (own / "many.abc").unlink()
    assert run(own, tmp_path / "model", resume=True).outcome.finished


def test_other_tunes_are_refused_and_spoil_nothing(tunes: Path, tmp_path: Path) -> None:
    own, other, model = tmp_path / "tunes", tmp_path / "other", tmp_path / "model"
    shutil.copytree(tunes, own)
    run(own, model, callback=lambda progress: progress.step == 4)
    write_tunes(other / "many.abc", map(tune, range(50, 70)))
    before = contents(model)
    with pytest.raises(InputError, match="trained on other data, or a network of another shape"):
        run(other, model, resume=True)
    assert contents(model) == before
    shutil.rmtree(own)
    assert run(own, model, resume=True).outcome.finished


def test_kept_tunes_that_are_damaged_are_read_again(tunes: Path, tmp_path: Path) -> None:
    run(tunes, tmp_path / "model", callback=lambda progress: progress.step == 4)
    (kept,) = (tmp_path / "model" / "training" / "data").iterdir()
    whole = kept.read_bytes()
    kept.write_bytes(whole[: len(whole) // 2])
    assert run(tunes, tmp_path / "model", resume=True).outcome.finished
    assert kept.read_bytes() == whole


def test_it_goes_on_from_another_model(tunes: Path, tmp_path: Path) -> None:
    run(tunes, tmp_path / "first", steps=2)
    again = {"steps": 2, "start": str(tmp_path / "first"), "learning_rate": 1e-9}
    with pytest.raises(InputError, match="--width 8 is not what the model of --from has"):
        run(tunes, tmp_path / "second", **again, width=8)
    run(tunes, tmp_path / "third", **again)
    assert MelodyPipeline.from_pretrained(tmp_path / "third").network.config.dropout == 0.4
    run(tunes, tmp_path / "second", **again, dropout=0.7)
    models = [MelodyPipeline.from_pretrained(tmp_path / name) for name in ("first", "second")]
    assert models[1].network.config == dataclasses.replace(models[0].network.config, dropout=0.7)
    assert models[0](bars=2, seed=3).melodies == models[1](bars=2, seed=3).melodies


def test_names_of_several_lines_are_kept_as_one(tunes: Path, tmp_path: Path) -> None:
    index = Index.build([tune(1), tune(2)], ["The\nfirst", "The second"])
    zoo.save(tmp_path / "model", MelodyLSTM(zoo.shape(8, 1, 0.0)), index, {}, "# Tunes\n")
    assert list(zoo.load_index(hub.find(tmp_path / "model")).names) == ["The first", "The second"]


def test_what_it_would_use_and_how_long_it_would_take(tunes: Path) -> None:
    found = estimate("melody", Source(str(tunes)), MelodyTrainingParameters(**TINY), choose("cpu", "float32", 1))  # type: ignore[arg-type]
    assert found.in_words().startswith("31 tunes used, ") and found.seconds > 0
    assert any(name == "broken.mid" for name, _ in found.to_dict()["report"]["left_out"])


def test_refusals(tunes: Path, tmp_path: Path) -> None:
    few = tmp_path / "few"
    few.mkdir()
    with pytest.raises(InputError, match="holds no tunes"):
        run(few, tmp_path / "model")
    for numbers in (range(7), [1] * 12):
        write_tunes(few / "few.abc", map(tune, numbers))
        with pytest.raises(InputError, match="at least 8 are needed"):
            run(few, tmp_path / "in" / "model")
    with pytest.raises(InputError, match="Expected MelodyTrainingParameters"):
        train("melody", Source(str(tunes)), tmp_path / "model", DCGANTrainingParameters(), choose("cpu"))
    with pytest.raises(InputError, match="lora"):
        run(tunes, tmp_path / "model", lora_rank=4)
    with pytest.raises(InputError, match="cannot be worked through in 3 parts"):
        run(tunes, tmp_path / "model", accumulate=3)
    with pytest.raises(InputError, match="There is no training to go on with"):
        run(tunes, tmp_path / "model", resume=True)
    assert contents(tmp_path) == {"few": None, "few/few.abc": (few / "few.abc").read_bytes()}, (
        "nothing is left of any of them"
    )


def test_an_index_that_is_damaged(tunes: Path, tmp_path: Path) -> None:
    run(tunes, tmp_path / "model", steps=1)
    from safetensors.torch import load_file, save_file

    from studio import hub
    from studio.errors import ModelError

    tensors = load_file(tmp_path / "model" / "model.safetensors")
    tensors["index.starts"] = tensors["index.starts"] + 1
    save_file(tensors, tmp_path / "model" / "model.safetensors")
    config = (tmp_path / "model" / "config.json").read_text()
    (tmp_path / "model" / "config.json").write_text(config.replace('"files"', '"other_files"'))
    with pytest.raises(ModelError):
        zoo.load_index(hub.find(tmp_path / "model"))
