"""Rows of texts that a network writes which is written down flat, with their keys and values in blocks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from studio.text.texts import Texts

if TYPE_CHECKING:
    from studio.text.stepper import Stepper

BLOCK = 64
"""Tokens that a cache grows by."""
CHUNK = 512
"""Tokens of a prompt that are read at once."""


class Flat(Texts):
    """Rows of a network that is written down flat. It is the `Past` that the program asks.

    caches: for each layer its keys and its values (B, G, L, D), L a multiple of BLOCK. mask: (B, 1, 1, L), 0 where a
    row has a token and -inf where it has none.
    """

    def __init__(self, stepper: Stepper, history: Sequence[Sequence[int]]) -> None:
        super().__init__(stepper, history)
        self.caches: list[list[Tensor]] = []
        length = _blocks(max(map(len, history)))
        self.mask = torch.full((len(history), 1, 1, length), -torch.inf, device=stepper.device.location)

    def pick(self, rows: Sequence[int]) -> Flat:
        """Texts of these rows, in this order, repeats allowed; this one stays as it is."""
        picked = Flat(self.stepper, [self.history[row] for row in rows])
        chosen, length = torch.tensor(rows, device=self.mask.device), picked.mask.shape[-1]
        with torch.inference_mode():
            picked.caches = [[part[:, :, :length].index_select(0, chosen) for part in pair] for pair in self.caches]
            picked.mask = self.mask[..., :length].index_select(0, chosen)
            picked.logits = self.logits.index_select(0, chosen)
        return picked

    def _step(self, full: list[int]) -> None:
        self._fit()
        if self.stepper.alone:
            groups = [[row] for row in range(len(self)) if row not in full]
        else:
            groups = [[row for row in range(len(self)) if row not in full]]
        if not full and len(groups) == 1:
            self.logits = self._run(_Step(self, groups[0]))
            return
        parts = {tuple(group): self._run(_Step(self, group)) for group in groups if group}
        logits = torch.empty(len(self), self.stepper.vocabulary, device=self.mask.device)
        for group, part in parts.items():
            logits[list(group)] = part
        self.logits = logits
        self.mask[full] = -torch.inf
        self._read(full)

    def _read(self, rows: Sequence[int]) -> None:
        if len(rows) == len(self):
            self.logits = torch.empty(len(self), self.stepper.vocabulary, device=self.mask.device)
        pieces: list[_Piece] = []
        for row in rows:
            ends = len(self.history[row])
            pieces += [_Piece(row, start, min(start + CHUNK, ends)) for start in range(0, ends, CHUNK)]
        while pieces:
            count, tokens = 1, len(pieces[0])
            while count < len(pieces) and tokens + len(pieces[count]) <= CHUNK and not self.stepper.alone:
                tokens += len(pieces[count])
                count += 1
            turn = _Reading(self, pieces[:count])
            found = self._run(turn)
            self.logits[turn.finished] = found[: len(turn.finished)]
            del pieces[:count]

    def _back(self, row: int, tokens: list[int]) -> None:
        begun = self.history[row][: len(tokens)] == tokens
        self.history[row] = tokens
        with self.stepper.computing(len(tokens)), torch.inference_mode():
            self.mask[row, ..., len(tokens) :] = -torch.inf
            if not begun:  # its window was begun again in between
                logits = self.logits.clone()
                self._fit()
                self._read([row])
                self.logits = logits

    def _run(self, turn: _Step | _Reading) -> Tensor:
        program = self.stepper.program
        assert program is not None
        columns = torch.tensor([turn.tokens, turn.positions], device=self.mask.device).unsqueeze(-1)
        return program(columns[0], columns[1], len(turn.tokens), turn).float()

    def cache(self, layer: int, key: Tensor, value: Tensor) -> list[Tensor]:
        """The keys and values of a layer, made as soon as one of them is known."""
        while len(self.caches) <= layer:
            size = (len(self), key.shape[1], self.mask.shape[-1])
            # In float32 whatever the network computes in: small products are slow in half precision.
            self.caches.append([torch.zeros(*size, part.shape[-1], device=part.device) for part in (key, value)])
        return self.caches[layer]

    def _fit(self) -> None:
        """Room for the longest row, and not for more."""
        missing = _blocks(max(map(len, self.history))) - self.mask.shape[-1]
        if missing:
            pad = torch.nn.functional.pad
            self.caches = [[pad(part, (0, 0, 0, missing)) for part in pair] for pair in self.caches]
            self.mask = pad(self.mask, (0, missing), value=-torch.inf)


class _Step:
    """One token of each of some rows, as a `Past`."""

    def __init__(self, texts: Flat, rows: list[int]) -> None:
        self.texts, self.all = texts, len(rows) == len(texts)
        self.rows = torch.tensor(rows, device=texts.mask.device)
        self.tokens = [texts.history[row][-1] for row in rows]
        self.positions = [len(texts.history[row]) - 1 for row in rows]
        self.at = torch.tensor(self.positions, device=texts.mask.device)
        texts.mask[self.rows, 0, 0, self.at] = 0.0
        self.mask = texts.mask if self.all else texts.mask[self.rows]
        self.places: dict[int, Tensor] = {}

    def attend(self, layer: int, query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
        """What `studio.text.program.Past` says."""
        pair = self.texts.cache(layer, key, value)
        count, groups = key.shape[:2]
        places = self._places(groups)
        for part, new in zip(pair, (key, value), strict=True):
            part.view(-1, part.shape[-1]).index_copy_(0, places, new.reshape(-1, part.shape[-1]).to(part.dtype))
        keys, values = pair if self.all else [part[self.rows] for part in pair]
        asked = query.reshape(count, groups, -1, query.shape[-1]).to(keys.dtype) * scale
        weights = torch.softmax(torch.matmul(asked, keys.transpose(-1, -2)) + self.mask, -1)
        return torch.matmul(weights, values).view(count, 1, query.shape[1], -1).to(query.dtype)

    def asked(self, hidden: Tensor) -> Tensor:
        """What `studio.text.program.Past` says."""
        return hidden

    def _places(self, groups: int) -> Tensor:
        """Where the new keys stand in a cache that is looked at as a list of (D,): for each row, each group."""
        if groups not in self.places:
            first = self.rows[:, None] * groups + torch.arange(groups, device=self.rows.device)
            self.places[groups] = (first * self.texts.mask.shape[-1] + self.at[:, None]).flatten()
        return self.places[groups]


class _Piece:
    """Tokens of a row that are read at once, from `start` to before `end`."""

    def __init__(self, row: int, start: int, end: int) -> None:
        self.row, self.start, self.end = row, start, end

    def __len__(self) -> int:
        return self.end - self.start


class _Reading:
    """Pieces of rows that are read, as a `Past`. What a row gives depends on its own pieces alone."""

    def __init__(self, texts: Flat, pieces: Sequence[_Piece]) -> None:
        self.texts, self.pieces = texts, pieces
        self.tokens: list[int] = []
        self.positions: list[int] = []
        self.finished: list[int] = []
        wanted = []
        for piece in pieces:
            self.tokens += texts.history[piece.row][piece.start : piece.end]
            self.positions += range(piece.start, piece.end)
            if piece.end == len(texts.history[piece.row]):
                self.finished.append(piece.row)
                wanted.append(len(self.tokens) - 1)
            texts.mask[piece.row, 0, 0, piece.start : piece.end] = 0.0
        self.wanted = torch.tensor(wanted or [0], device=texts.mask.device)

    def attend(self, layer: int, query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
        """What `studio.text.program.Past` says."""
        pair = self.texts.cache(layer, key, value)
        result = query.new_empty(len(query), 1, query.shape[1], value.shape[-1])
        first = 0
        for piece in self.pieces:
            here = slice(first, first + len(piece))
            first += len(piece)
            for part, new in zip(pair, (key, value), strict=True):
                part[piece.row, :, piece.start : piece.end] = new[here, :, 0].transpose(0, 1).to(part.dtype)
            keys, values = (part[piece.row, :, None, : piece.end] for part in pair)
            asked = (
                query[here, :, 0].float().transpose(0, 1).reshape(len(keys), -1, len(piece), query.shape[-1]) * scale
            )
            ends = torch.arange(piece.start, piece.end, device=query.device)[:, None]
            later = torch.arange(piece.end, device=query.device) > ends
            scores = torch.matmul(asked, keys.transpose(-1, -2))
            weights = torch.softmax(scores.masked_fill_(later, -torch.inf), -1)
            result[here, 0] = torch.matmul(weights, values).flatten(0, 1).transpose(0, 1).to(result.dtype)
        return result

    def asked(self, hidden: Tensor) -> Tensor:
        """What `studio.text.program.Past` says."""
        return hidden[self.wanted]


def _blocks(length: int) -> int:
    return -(-length // BLOCK) * BLOCK
