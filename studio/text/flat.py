"""Rows of texts that a network writes which is written down flat, with their keys and values in blocks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from studio.text.program import Program
from studio.text.texts import Texts

if TYPE_CHECKING:
    from studio.text.stepper import Stepper

BLOCK = 16
"""Tokens that attention looks at at once: sums over whole blocks come out the same however many of them are empty."""
ROOM = 64
"""Tokens that a cache grows by, and attention looks at at least: very small products are summed in another way."""
CHUNK = 512
"""Tokens of a prompt that are read at once."""


class Flat(Texts):
    """Rows of a network that is written down flat.

    caches: for each layer its keys and values, for R tokens, a multiple of ROOM. mask: (B, R), 0 where a row has a
    token and -inf where it has none.
    """

    def __init__(self, stepper: Stepper, history: Sequence[Sequence[int]]) -> None:
        super().__init__(stepper, history)
        self.caches: list[_Cache] = []
        length = _whole(self._longest, ROOM)
        self.mask = torch.full((len(history), length), -torch.inf, device=stepper.device.location)

    def pick(self, rows: Sequence[int]) -> Flat:
        """Texts of these rows, in this order, repeats allowed; this one stays as it is."""
        picked = Flat(self.stepper, [self.history[row] for row in rows])
        chosen, length = torch.tensor(rows, device=self.mask.device), picked.mask.shape[-1]
        with torch.inference_mode():
            picked.caches = [
                _Cache(*(part[:, :, :length].index_select(0, chosen) for part in (one.keys, one.values)))
                for one in self.caches
            ]
            picked.mask = self.mask[:, :length].index_select(0, chosen)
            picked.logits = self.logits.index_select(0, chosen)
        return picked

    def equals(self, other: Flat, rows: list[int]) -> bool:
        """Whether it is bit for bit what these rows of another of the same length are, down to keys and values."""
        ours, theirs = ([one.logits, *(part for cache in one.caches for part in cache.lists)] for one in (self, other))
        chosen = torch.tensor(rows, device=self.mask.device)
        return all(
            torch.equal(one, part.view(len(other), -1).index_select(0, chosen).view(one.shape))
            for one, part in zip(ours, theirs, strict=True)
        )

    def _step(self, full: list[int]) -> None:
        self._fit()
        others = [row for row in range(len(self)) if row not in full]
        if not full and (len(self) == 1 or not self.stepper.alone):
            self.logits = self._heard()
            return
        self.logits = torch.empty(len(self), self.stepper.vocabulary, device=self.mask.device)
        groups = [[row] for row in others] if self.stepper.alone else [others] if others else []
        for group in groups:
            part = self.pick(group)
            part.logits = part._heard()
            self._put(group, part)
        self.mask[full] = -torch.inf
        self._read(full)

    def _heard(self) -> Tensor:
        """What the network gives after the last token of each row, (B, V)."""
        columns = [[row[-1] for row in self.history], [len(row) - 1 for row in self.history]]
        pairs = [one.keys for one in self.caches], [one.values for one in self.caches]
        mask = self.mask[:, : max(ROOM, _whole(self._longest, BLOCK))]
        return self.stepper.step(torch.tensor(columns, device=self.mask.device), mask, *pairs)

    def _put(self, rows: Sequence[int], part: Flat) -> None:
        """Some rows as another has them."""
        chosen, length = list(rows), part.mask.shape[-1]
        for ours, theirs in zip(self.caches, part.caches, strict=True):
            ours.keys[chosen, :, :length], ours.values[chosen, :, :length] = theirs.keys, theirs.values
        self.mask[chosen, :length], self.logits[chosen] = part.mask, part.logits

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
            self.mask[row, len(tokens) :] = -torch.inf
            if not begun:  # its window was begun again in between
                logits = self.logits.clone()
                self._fit()
                self._read([row])
                self.logits = logits

    def _run(self, turn: _Reading) -> Tensor:
        program = self.stepper.program
        assert program is not None
        columns = torch.tensor([turn.tokens, turn.positions], device=self.mask.device).unsqueeze(-1)
        found: Tensor = program(columns[0], columns[1], len(turn.tokens), turn)
        return found

    def cache(self, layer: int, key: Tensor, value: Tensor) -> _Cache:
        """The keys and values of a layer, made as soon as one of them is known."""
        while len(self.caches) <= layer:
            size = (len(self), key.shape[1], self.mask.shape[-1])
            # In float32 whatever the network computes in: small products are slow in half precision.
            self.caches.append(
                _Cache(*(torch.zeros(*size, part.shape[-1], device=part.device) for part in (key, value)))
            )
        return self.caches[layer]

    @property
    def _longest(self) -> int:
        return max(map(len, self.history))

    def _fit(self) -> None:
        """Room for the longest row, and not for more."""
        missing = _whole(self._longest, ROOM) - self.mask.shape[-1]
        if missing:
            pad = torch.nn.functional.pad
            self.caches = [
                _Cache(*(pad(part, (0, 0, 0, missing)) for part in (one.keys, one.values))) for one in self.caches
            ]
            self.mask = pad(self.mask, (0, missing), value=-torch.inf)


class _Cache:
    """Keys and values of a layer, (B, G, R, D) each."""

    def __init__(self, keys: Tensor, values: Tensor) -> None:
        self.keys, self.values = keys, values

    @property
    def lists(self) -> tuple[Tensor, Tensor]:
        """Both as lists of (D,)."""
        return self.keys.view(-1, self.keys.shape[-1]), self.values.view(-1, self.values.shape[-1])


def step(program: Program, columns: Tensor, mask: Tensor, keys: list[Tensor], values: list[Tensor]) -> Tensor:
    """One token of each row of texts: tokens above positions (2, N), the mask as far as there are tokens (N, L), and
    caches (N, G, R, D), all of which are written into  →  logits (N, V).

    Nothing in it depends on the values of what it is given, so it can be traced.
    """
    tokens, positions = columns.unsqueeze(-1).unbind()
    mask.scatter_(1, positions, 0.0)
    found: Tensor = program(tokens, positions, tokens.shape[0], _Step(positions, mask, keys, values))
    return found


class _Step:
    """The tokens before one token of each row, as a `Past`."""

    def __init__(self, positions: Tensor, mask: Tensor, keys: list[Tensor], values: list[Tensor]) -> None:
        self.positions, self.mask, self.keys, self.values = positions, mask, keys, values
        self.places: dict[int, Tensor] = {}
        self.masks: dict[tuple[int, int], Tensor] = {}

    def attend(self, layer: int, query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
        """What `studio.text.program.Past` says."""
        heads, groups, size = (int(one) for one in (query.shape[1], key.shape[1], query.shape[3]))
        cache, places = _Cache(self.keys[layer], self.values[layer]), self._places(groups)
        for part, new in zip(cache.lists, (key, value), strict=True):
            part.index_copy_(0, places, new.reshape(-1, int(new.shape[3])).float())
        asked = query.reshape(-1, heads // groups, size).float()
        length = self.mask.shape[1]
        keys, values = (part[:, :, :length].flatten(0, 1) for part in (cache.keys, cache.values))
        scores = torch.baddbmm(self._mask(groups, heads // groups), asked, keys.transpose(1, 2), alpha=scale)
        found = torch.bmm(torch.softmax(scores, -1), values)
        return found.view(-1, 1, heads, int(value.shape[3])).to(query.dtype)

    def asked(self, hidden: Tensor) -> Tensor:
        """What `studio.text.program.Past` says."""
        return hidden

    def _places(self, groups: int) -> Tensor:
        """Where the new keys stand in a cache that is looked at as a list of (D,): for each row, each group."""
        if groups not in self.places:
            where = self.mask.device
            first = torch.arange(self.positions.shape[0], device=where)[:, None] * groups
            lists = first + torch.arange(groups, device=where)
            self.places[groups] = (lists * self.keys[0].shape[2] + self.positions).flatten()
        return self.places[groups]

    def _mask(self, groups: int, times: int) -> Tensor:
        """The mask for each group of each row, and each query of a group: (N · G, times, L)."""
        if (groups, times) not in self.masks:
            wide = self.mask[:, None].expand(-1, groups * times, -1)
            self.masks[groups, times] = wide.reshape(-1, times, self.mask.shape[1])
        return self.masks[groups, times]


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
            texts.mask[piece.row, piece.start : piece.end] = 0.0
        self.wanted = torch.tensor(wanted or [0], device=texts.mask.device)

    def attend(self, layer: int, query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
        """What `studio.text.program.Past` says."""
        cache = self.texts.cache(layer, key, value)
        pair = cache.keys, cache.values
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


def _whole(length: int, block: int) -> int:
    """The next multiple of a block."""
    return -(-length // block) * block
