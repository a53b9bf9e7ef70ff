"""Rows of texts being written, and how a network that runs as it is writes them: one after another."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from transformers import DynamicCache

from studio.errors import InputError, ModelError

if TYPE_CHECKING:
    from studio.text.stepper import Stepper


class Texts:
    """Rows of texts being written, with what the network remembers of them.

    logits: (B, V) float32 of what may come next.
    history: the tokens in the window of each row, `context` at most: beyond it a row goes on with its last half.
    """

    logits: Tensor

    def __init__(self, stepper: Stepper, history: Sequence[Sequence[int]]) -> None:
        self.stepper, self.history = stepper, [list(row) for row in history]

    def __len__(self) -> int:
        return len(self.history)

    def push(self, tokens: Sequence[int]) -> None:
        """Add a token to each row; the logits are new afterwards."""
        if len(tokens) != len(self.history):
            raise InputError(f"Expected a token for each of {len(self.history)} rows, got {len(tokens)}.")
        full = []
        for row, token in enumerate(tokens):
            token = int(token)
            self.stepper.check(token)
            history = self.history[row]
            if len(history) >= self.stepper.context:
                self.history[row] = history = history[-(self.stepper.context // 2) :]
                full.append(row)
            history.append(token)
        with self.stepper.computing(len(tokens)), torch.inference_mode():
            self._step(full)

    def pick(self, rows: Sequence[int]) -> Texts:
        """Texts of these rows, in this order, repeats allowed; this one stays as it is."""
        raise NotImplementedError

    def rewind(self, row: int, tokens: Sequence[int], logits: Tensor) -> None:
        """Put a row back to what it was: `tokens`, a `history` that it had, and the `logits` (V,) that it had then."""
        self.logits = self.logits.clone()
        self.logits[row] = logits
        self._back(row, list(tokens))

    def read(self) -> None:
        """Let the network read every row from its beginning."""
        with self.stepper.computing(sum(map(len, self.history))), torch.inference_mode():
            self._read(range(len(self)))
        self._listen()

    def _listen(self) -> None:
        # The largest is not a number as soon as one of them is not.
        if not bool(torch.isfinite(self.logits.amax())):
            raise ModelError("The model gives numbers that are none (NaN or infinite): its weights are damaged.")

    def _step(self, full: list[int]) -> None:
        """Hear the last token of each row; rows that are `full` are read anew."""
        raise NotImplementedError

    def _read(self, rows: Sequence[int]) -> None:
        raise NotImplementedError

    def _back(self, row: int, tokens: list[int]) -> None:
        raise NotImplementedError


class Plain(Texts):
    """Rows of a network that runs as it is, one row after another."""

    def __init__(self, stepper: Stepper, history: Sequence[Sequence[int]]) -> None:
        super().__init__(stepper, history)
        self.caches: list[Any] = [None] * len(history)

    def pick(self, rows: Sequence[int]) -> Plain:
        """Texts of these rows, in this order, repeats allowed; this one stays as it is."""
        picked = Plain(self.stepper, [self.history[row] for row in rows])
        picked.caches = [copy.deepcopy(self.caches[row]) for row in rows]
        picked.logits = self.logits[list(rows)]
        return picked

    def _step(self, full: list[int]) -> None:
        self._read(full)
        others = [row for row in range(len(self)) if row not in full]
        self._hear(others, [self.history[row][-1:] for row in others])

    def _read(self, rows: Sequence[int]) -> None:
        if len(rows) == len(self):
            self.logits = torch.empty(len(self), self.stepper.vocabulary, device=self.stepper.device.location)
        for row in rows:
            self.caches[row] = DynamicCache(config=self.stepper.network.config)
        self._hear(rows, [self.history[row] for row in rows])

    def _back(self, row: int, tokens: list[int]) -> None:
        self.history[row] = tokens
        logits = self.logits.clone()
        with torch.inference_mode():
            self._read([row])
        self.logits = logits

    def _hear(self, rows: Sequence[int], tokens: Sequence[list[int]]) -> None:
        network = self.stepper.network
        logits = self.logits.clone()
        for row, new in zip(rows, tokens, strict=True):
            asked = torch.tensor([new], device=logits.device)
            found = network(input_ids=asked, past_key_values=self.caches[row], use_cache=True, return_dict=True)
            self.caches[row] = found.past_key_values
            logits[row] = found.logits[0, -1].float()
        self.logits = logits
