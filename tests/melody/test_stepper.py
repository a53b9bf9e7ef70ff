"""The network event by event is the network over whole tunes."""

from __future__ import annotations

import pytest
import torch

from studio.melody.stepper import Stepper, exact
from studio.networks.melody_lstm import MelodyLSTM
from studio.zoo import melody as zoo


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_it_computes_what_the_network_does(layers: int) -> None:
    torch.manual_seed(layers)
    network = exact(MelodyLSTM(zoo.shape(width=24, layers=layers, dropout=0.3)))
    columns = torch.stack([torch.randint(0, size, (3, 20)) for size in network.config.columns], -1)
    pitches = torch.randint(0, network.config.pitches, (3, 20))
    hidden, _ = network(columns)
    expected = network.pitch_logits(hidden), network.duration_logits(hidden, pitches)
    stepper, state = Stepper(network), None
    for place in range(20):
        logits, mixed, state = stepper(columns[:, place], state)
        torch.testing.assert_close(logits, expected[0][:, place], rtol=1e-10, atol=1e-12)
        durations = stepper.duration(mixed, pitches[:, place])
        torch.testing.assert_close(durations, expected[1][:, place], rtol=1e-10, atol=1e-12)
