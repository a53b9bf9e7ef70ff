"""An LSTM over the events of a melody: from what is known before an event to its pitch, and from that to its duration.

Hochreiter and Schmidhuber 1997; dropout between layers after Zaremba et al. 2014, arXiv:1409.2329.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

State = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class MelodyLSTMConfig:
    """columns: how many values each input has; pitches, durations: tokens to choose from; width: of every layer."""

    columns: tuple[int, ...]
    pitches: int
    durations: int
    width: int = 384
    layers: int = 2
    dropout: float = 0.4


class MelodyLSTM(nn.Module):
    """Integers (B, T, C)  →  logits of pitches (B, T, P), and of the durations of given pitches (B, T, D)."""

    def __init__(self, config: MelodyLSTMConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.embedding = nn.Embedding(sum(config.columns), width)
        nn.init.normal_(self.embedding.weight, 0.0, 0.3)
        self.dropout = nn.Dropout(config.dropout)
        self.lstm = nn.LSTM(
            width, width, config.layers, batch_first=True, dropout=config.dropout if config.layers > 1 else 0.0
        )
        self.pitch = nn.Linear(2 * width, config.pitches)
        self.chosen = nn.Embedding(config.pitches, width)
        self.mix = nn.Linear(2 * width, width)
        self.duration = nn.Linear(width, config.durations)
        offsets = torch.tensor([0, *config.columns[:-1]]).cumsum(0)
        self.register_buffer("offsets", offsets, persistent=False)

    def forward(self, columns: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """(B, T, C)  →  what the two heads read (B, T, 2·width), and the state after it."""
        seen = self.dropout(self.embedding(columns + self.get_buffer("offsets")).sum(-2))
        hidden, state = self.lstm(seen, state)
        return torch.cat([self.dropout(hidden), seen], -1), state

    def pitch_logits(self, hidden: Tensor) -> Tensor:
        """(…, 2·width)  →  (…, P)."""
        logits: Tensor = self.pitch(hidden)
        return logits

    def duration_logits(self, hidden: Tensor, pitches: Tensor) -> Tensor:
        """(…, 2·width) and the pitches chosen (…)  →  (…, D)."""
        mixed = torch.relu(self.mix(hidden) + self.chosen(pitches))
        logits: Tensor = self.duration(self.dropout(mixed))
        return logits
