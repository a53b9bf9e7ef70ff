"""A tiny network: what is promised holds whatever the weights are."""

from __future__ import annotations

import pytest
import torch

from studio.device import Device, choose
from studio.melody.stepper import Stepper, exact
from studio.networks.melody_lstm import MelodyLSTM
from studio.zoo import melody as zoo


@pytest.fixture(scope="session")
def network() -> Stepper:
    """Untrained, and so less sensible than any trained one: every promise is put to the test."""
    torch.manual_seed(0)
    return Stepper(exact(MelodyLSTM(zoo.shape(width=16, layers=1, dropout=0.0))))


@pytest.fixture(scope="session")
def device() -> Device:
    return choose("cpu", "float32", 1)
