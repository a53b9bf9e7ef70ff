"""The doctor: what works is said to work, and what does not comes with a remedy."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch

from studio import __version__, device, hub
from studio.doctor import Finding, examine


@pytest.fixture
def healthy() -> dict[str, Finding]:
    return {finding.part: finding for finding in examine()}


def test_what_is_looked_at(healthy: dict[str, Finding]) -> None:
    assert {"studio", *device.available(), "model vgg19", "pages", "hub cache", "disk"} <= set(healthy)
    assert (
        healthy["studio"].what.startswith(f"{__version__}, Python 3.") and torch.__version__ in healthy["studio"].what
    )
    for part in ("studio", "cpu", "model vgg19", "pages", "hub cache"):
        assert healthy[part].works and not healthy[part].remedy
    assert hub.find("vgg19").sha256[:12] in healthy["model vgg19"].what
    assert device.choose("cpu").precision in healthy["cpu"].what


def test_findings_are_plain_json(healthy: dict[str, Finding]) -> None:
    for finding in healthy.values():
        again = json.loads(json.dumps(finding.to_dict()))
        assert set(again) == {"part", "works", "what", "remedy"} and Finding(**again) == finding
        assert "\n" not in finding.what and "\n" not in finding.remedy


def test_a_damaged_model_is_named_with_its_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(hub.shipped_folder() / "vgg19", tmp_path / "vgg19")
    with (tmp_path / "vgg19" / "model.safetensors").open("r+b") as file:
        file.seek(1000)
        file.write(b"damage")
    monkeypatch.setattr(hub, "shipped_folder", lambda: tmp_path)
    finding = next(finding for finding in examine() if finding.part == "model vgg19")
    assert not finding.works and "is damaged: its SHA-256 begins" in finding.what
    assert finding.remedy.endswith("pip install --force-reinstall --no-deps .")


def test_no_models_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "shipped_folder", lambda: tmp_path)
    finding = next(finding for finding in examine() if finding.part == "models")
    assert not finding.works and str(tmp_path) in finding.what and finding.remedy


def test_a_device_that_does_not_compute(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> None:
        raise RuntimeError("no kernel image is available\nand a long story")

    monkeypatch.setattr(device, "try_out", fail)
    finding = next(finding for finding in examine() if finding.part == "cpu")
    assert not finding.works and finding.what.endswith("but it does not compute: no kernel image is available")
