"""Several processes train as one does on the same batches."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from studio.training.parameters import KINDS
from tests.conftest import ROOT
from tests.training.test_text import VERSE
from tests.training.tiny import curve, draw, files_of, run, tune, weights, write_tunes

STEPS = 8
# Sums over a batch are added up in another order, so float32 differs in its last bits. Adam makes steps of one size
# from gradients of any: where one is nothing but rounding, its sign and with it a weight may differ by several steps.
LOSSES = 1e-3  # relative
WEIGHTS = 2 * STEPS * 2e-4  # twice what all steps can move a weight
TYPICAL = 2e-5  # the mean difference of weights


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders one/dcgan, one/vae, one/melody, two/dcgan and so on: the same trainings by one process and by two."""
    room = tmp_path_factory.mktemp("processes")
    data = draw(room / "pictures")
    write_tunes(room / "tunes" / "book.abc", [tune(number, 11 + 8 * (number % 5)) for number in range(20)])
    usual = {"steps": STEPS, "learning_rate": 2e-4, "keep_every": 3}
    (room / "verse.txt").write_text(VERSE)
    places = {"melody": room / "tunes", "text": room / "verse.txt"}
    changes = {"dcgan": {"check_every": 5, "variations": ["flip"]}, "vae": {"variations": ["flip"]}}
    orders = [(kind, places.get(kind, data), usual | changes.get(kind, {})) for kind in KINDS]
    for kind, source, changed in orders:
        run(kind, source, room / "one" / kind, **changed)
    asked = json.dumps([[kind, str(source), str(room / "two" / kind), changed] for kind, source, changed in orders])
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    # With --cpu it starts a single process on a single machine; --multi_gpu is its word for several of them.
    launch = ["accelerate.commands.launch", "--multi_gpu", "--num_processes=2", "--num_machines=1",
              "--mixed_precision=no", "--dynamo_backend=no", f"--main_process_port={port}",
              "--num_cpu_threads_per_process=1", "-m", "tests.training.tiny", asked]  # fmt: skip
    environment = os.environ | {"PYTHONPATH": str(ROOT), "GLOO_SOCKET_IFNAME": "lo"}
    done = subprocess.run(
        [sys.executable, "-m", *launch], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return room


@pytest.mark.parametrize("kind", KINDS)
def test_two_processes_learn_what_one_does(trained: Path, kind: str) -> None:
    one, two = curve(trained / "one" / kind), curve(trained / "two" / kind)
    assert one["count"] == two["count"] == STEPS
    assert two["sums"] == pytest.approx(one["sums"], rel=LOSSES, abs=LOSSES)
    alone, together = weights(trained / "one" / kind), weights(trained / "two" / kind)
    assert alone.keys() == together.keys()
    for name, tensor in alone.items():
        difference = (tensor.float() - together[name].float()).abs()
        if name.endswith(("_u", "_v", "running_var", "running_mean")):
            assert difference.max() < 1e-2, name
        else:
            assert difference.max() <= WEIGHTS, name
    differences = torch.cat([(alone[name].float() - together[name].float()).abs().flatten() for name in alone])
    assert differences.mean() < TYPICAL


@pytest.mark.parametrize("kind", KINDS)
def test_one_of_them_writes_the_model(trained: Path, kind: str) -> None:
    one, two = files_of(trained / "one" / kind), files_of(trained / "two" / kind)
    assert one.keys() == two.keys()
    made = json.loads(two["config.json"])
    assert made["training"]["seen"] == json.loads(one["config.json"])["training"]["seen"] == STEPS * 8
    assert len(list((trained / "two" / kind / "training").rglob("events.out.tfevents*"))) == 1
