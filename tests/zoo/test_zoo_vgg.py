"""The VGG networks that the layers below the pipelines share."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from studio import hub
from studio.errors import ModelError
from studio.zoo.vgg import load_vgg, vgg_of
from tests.conftest import random_vgg


def test_the_shipped_network_comes_frozen_and_in_float32() -> None:
    network = load_vgg()
    assert network.config.depth == 19 and not network.training
    assert all(p.dtype == torch.float32 and not p.requires_grad for p in network.parameters())


def test_a_file_of_weights_gives_the_network_back(tmp_path: Path) -> None:
    network = random_vgg()
    save_file(network.state_dict(), tmp_path / "mine.safetensors")
    loaded = vgg_of(hub.find(tmp_path / "mine.safetensors"))
    assert all(torch.equal(a, b) for a, b in zip(loaded.parameters(), network.parameters(), strict=True))


def test_weights_of_another_network_are_refused_in_words(tmp_path: Path) -> None:
    save_file({"conv1_1.weight": torch.zeros(8, 3, 3, 3)}, tmp_path / "other.safetensors")
    with pytest.raises(ModelError, match=r"other\.safetensors is not a VGG-19: conv1_1\.weight should be"):
        vgg_of(hub.find(tmp_path / "other.safetensors"))


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(ModelError, match="There is no model 'vgg18'"):
        load_vgg("vgg18")
