"""The network one event at a time, in float64: what can be multiplied before the first event is multiplied once.

Each input is a row of the embedding, and whatever reads the sum of these rows is linear. So the rows are kept as what
they become in the first layer and in the two heads, and are only summed. That is the same function as
`studio.networks.melody_lstm`, up to rounding, in less than half of its time for one tune.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding_bag, linear

from studio.networks.melody_lstm import MelodyLSTM

State = Tensor
"""(2, layers, B, width): what the layers put out last, and what their cells hold."""


class Stepper:
    """A network ready to be asked for one event after another. Nothing is learnt through it."""

    @torch.no_grad()
    def __init__(self, network: MelodyLSTM) -> None:
        """network: in float64, on the device that is to compute."""
        config, lstm, rows = network.config, network.lstm, network.embedding.weight
        self.width, self.layers = config.width, config.layers
        weights = [
            [getattr(lstm, f"{name}_l{layer}") for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
            for layer in range(config.layers)
        ]
        first = weights[0]
        self._own = [first[1]]  # of the first layer; of others what comes from below stands before it
        self._own += [torch.cat([below, own], 1) for below, own, _, _ in weights[1:]]
        self._biases = [one + other for _, _, one, other in weights]
        heads = torch.cat([network.pitch.weight, network.mix.weight])
        self._head_biases = torch.cat([network.pitch.bias, network.mix.bias])
        above, beside = torch.split(heads, self.width, 1)
        self._heads = above.contiguous()
        self._table = torch.cat([rows @ first[0].t(), rows @ beside.t()], 1)
        self._offsets = network.get_buffer("offsets")
        self._pitches = config.pitches
        self._chosen, self._duration = network.chosen.weight, network.duration

    def __call__(self, columns: Tensor, state: State | None) -> tuple[Tensor, Tensor, State]:
        """Inputs (B, C) of integers  →  logits of the pitch (B, P), what `duration` wants (B, width), and the state."""
        summed = embedding_bag(columns + self._offsets, self._table, mode="sum")
        gates, heads = torch.split(summed, [4 * self.width, len(self._heads)], 1)
        if state is None:
            state = summed.new_zeros(2, self.layers, len(columns), self.width)
        after = torch.empty_like(state)
        for layer, (own, bias) in enumerate(zip(self._own, self._biases, strict=True)):
            below = state[0, 0] if not layer else torch.cat([after[0, layer - 1], state[0, layer]], 1)
            parts = linear(below, own, bias)
            if not layer:
                parts += gates
            taken, kept, new, put = parts.chunk(4, 1)
            after[1, layer] = kept.sigmoid() * state[1, layer] + taken.sigmoid() * new.tanh()
            after[0, layer] = put.sigmoid() * after[1, layer].tanh()
        both = linear(after[0, -1], self._heads, self._head_biases) + heads
        pitch, mixed = torch.split(both, [self._pitches, self.width], 1)
        return pitch, mixed, after

    def duration(self, mixed: Tensor, pitches: Tensor) -> Tensor:
        """What came with the pitch's logits (B, width) and the pitches chosen (B,)  →  logits of durations (B, D)."""
        logits: Tensor = self._duration(torch.relu(mixed + self._chosen[pitches]))
        return logits


def exact(network: nn.Module) -> MelodyLSTM:
    """A copy of a network to sample with: in float64, ready to use."""
    copied = copy.deepcopy(network).double().eval()
    assert isinstance(copied, MelodyLSTM)
    return copied.requires_grad_(False)
