"""A run that was killed, however often and wherever, ends as one that was not."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import signal
import time
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path

import pytest
import torch

from studio.media.state import read_state
from studio.metrics.extractor import VGGFeatures
from studio.progress import Progress
from studio.training.loop import Loop
from studio.training.mediums.pictures import Pictures
from studio.training.run import Source
from tests.training.tiny import TinyVGG, cpu, files_of, parameters, run, weights

STEPS = 12
# A server that has imported everything once: what is killed is a real process, yet starts at once.
CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(
    ["tests.training.tiny", "torchmetrics", "torchmetrics.functional.image", "accelerate", "sklearn.mixture",
     "tensorboard.compat.proto.event_pb2"]
)  # fmt: skip


def work(kind: str, data: Path, folder: Path, precision: str, resume: bool, reached: Synchronized[int]) -> None:
    def note(progress: Progress) -> None:
        reached.value = progress.step

    run(
        kind, data, folder, precision=precision, resume=resume, callback=note,
        steps=STEPS, keep_every=3, check_every=7 if kind == "dcgan" else 1000, variations=("flip", "shift"),
    )  # fmt: skip


def in_process(kind: str, data: Path, folder: Path, precision: str, resume: bool, kill_at: int | None) -> None:
    """Train in a process of its own, and kill it once it reports a step: somewhere in the next one, or in between."""
    reached: Synchronized[int] = CONTEXT.Value("i", 0)
    process = CONTEXT.Process(target=work, args=(kind, data, folder, precision, resume, reached))
    process.start()
    if kill_at is None:
        process.join(120)
        assert process.exitcode == 0
        return
    while reached.value < kill_at and process.is_alive():
        time.sleep(0.001)
    time.sleep(random.Random(kill_at).uniform(0, 0.02))
    assert process.pid is not None and process.is_alive()
    os.kill(process.pid, signal.SIGKILL)
    process.join(60)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("kind", ["dcgan", "vae"])
def test_killed_and_resumed_is_the_same_bit_for_bit(tmp_path: Path, data: Path, kind: str, precision: str) -> None:
    in_process(kind, data, tmp_path / "whole", precision, False, None)
    kills = sorted(random.Random(f"{kind}{precision}").sample(range(1, STEPS - 1), 3 if precision == "float32" else 2))
    for number, step in enumerate(kills):
        in_process(kind, data, tmp_path / "killed", precision, number > 0, step)
    in_process(kind, data, tmp_path / "killed", precision, True, None)

    one, other = weights(tmp_path / "whole"), weights(tmp_path / "killed")
    assert one.keys() == other.keys()
    assert [name for name in one if not torch.equal(one[name], other[name])] == []
    assert files_of(tmp_path / "whole") == files_of(tmp_path / "killed")


@pytest.mark.parametrize("kind", ["dcgan", "vae"])
def test_stopped_and_resumed_is_the_same(tmp_path: Path, data: Path, kind: str) -> None:
    chosen = {"check_every": 4 if kind == "dcgan" else 1000, "dropout": 0.3}
    run(kind, data, tmp_path / "whole", **chosen)
    stopped = run(kind, data, tmp_path / "stopped", **chosen, callback=lambda progress: progress.step == 5)
    assert not stopped.outcome.finished and stopped.outcome.step == 5
    assert "model.safetensors" in files_of(tmp_path / "stopped")  # what was learnt is there at once
    finished = run(kind, data, tmp_path / "stopped", **chosen, resume=True)
    assert finished.outcome.finished and finished.outcome.step == 12
    one, other = weights(tmp_path / "whole"), weights(tmp_path / "stopped")
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert files_of(tmp_path / "whole") == files_of(tmp_path / "stopped")


def test_a_finished_training_is_gone_on_with_by_more_steps(tmp_path: Path, data: Path) -> None:
    run("dcgan", data, tmp_path / "model", steps=4)
    assert run("dcgan", data, tmp_path / "model", steps=6, resume=True).outcome.step == 6


def test_moments_go_to_the_weights_of_their_names(tmp_path: Path, data: Path) -> None:
    """Whatever else is frozen, or trained more slowly, when it is gone on with."""
    device, extractor = cpu(), VGGFeatures(cpu(), TinyVGG())
    pictures = Pictures("dcgan").read(Source(str(data)), parameters("dcgan"))

    def loop(steps: int, **changes: object) -> Loop:
        chosen = parameters("dcgan", steps=steps, **changes)
        return Loop(Pictures("dcgan").task(pictures, chosen, device, extractor=extractor), chosen, device, tmp_path)

    loop(2, freeze=("generator.projection.*",)).run()
    kept = read_state(tmp_path / "training" / "last.safetensors")["optimizers"]["generator"]
    assert "projection.weight" not in kept and "first.0.weight" in kept
    again = loop(4)
    again.open(resume=True)
    state = again.task.optimizers["generator"].state
    for name, weight in again.task.networks["generator"].named_parameters():
        assert (name in kept) == (weight in state)
        if name in kept:
            assert torch.equal(state[weight]["exp_avg"], kept[name]["exp_avg"])
    assert again.train().step == 4
    assert loop(6, freeze=("generator.last.*", "discriminator.*.bias")).run(resume=True).step == 6


def test_resume_needs_the_pictures_no_more(tmp_path: Path, data: Path) -> None:
    """They were prepared when it began: what becomes of the files afterwards changes nothing."""
    mine = tmp_path / "mine"
    mine.mkdir()
    for path in data.iterdir():
        (mine / path.name).write_bytes(path.read_bytes())
    run("dcgan", mine, tmp_path / "model", callback=lambda progress: progress.step == 3)
    for path in sorted(mine.iterdir()):
        path.write_bytes(b"no longer a picture")
    run("dcgan", mine, tmp_path / "model", resume=True)
    run("dcgan", data, tmp_path / "whole")
    one, other = weights(tmp_path / "model"), weights(tmp_path / "whole")
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_the_card_names_the_commands_that_made_the_model(tmp_path: Path, data: Path) -> None:
    run("dcgan", data, tmp_path / "model", steps=2)
    run("dcgan", data, tmp_path / "model", steps=2, resume=True)
    settings = json.loads((tmp_path / "model" / "training" / "settings.json").read_text())
    assert settings["commands"] == ["studio train dcgan"]  # it was only finished, not changed
