"""A causal language model one token at a time, for many texts at once.

What runs is transformers' own network, written down flat (`studio.text.program`), over a cache of keys and values that
grows by whole blocks. A network that cannot be written down runs as it is, each text on its own.

What a row gives does not depend on the rows beside it. Each token is computed as a row of its own, by kernels that sum
a row in one order whatever the number of rows; attention multiplies the whole blocks of a row's cache, and what stands
beyond its end weighs exactly 0. That the kernels of this processor do so is tried out when a Stepper is made, bit for
bit, at several numbers of rows; where they do not, the rows are computed one after another.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache, PreTrainedModel

from studio.device import Device
from studio.errors import InputError, ModelError
from studio.text.program import NotFlatError, Program, flatten

BLOCK = 64
"""Tokens that a cache grows by."""
CHUNK = 512
"""Tokens of a prompt that are read at once."""
LONGEST = 8192
"""The longest context that is used of a network that has a longer one: caches are memory."""
_MANY = 8  # rows from which on more than one thread is worth its trouble


class Stepper:
    """A network ready to be asked for one token after another. Nothing is learnt through it.

    network: a causal language model of transformers, on the device, in the precision that is to compute.
    context: how many tokens it looks back on at most; vocabulary: how many tokens there are.
    """

    def __init__(self, network: PreTrainedModel, device: Device, context: int | None = None) -> None:
        self.network, self.device = network, device
        network.eval()  # type: ignore[no-untyped-call]
        config = network.config.get_text_config()
        longest = int(getattr(config, "max_position_embeddings", None) or LONGEST)
        self.context = min(longest, context or LONGEST)
        self.vocabulary = int(config.vocab_size)
        if self.context < 2:
            raise ModelError(f"A language model needs a context of 2 tokens or more; this one has {self.context}.")
        self.alone = False
        self.program: Program | None = None
        try:
            self.program = flatten(network)
            with self.computing(1), torch.inference_mode():
                self._try_out()
        except NotFlatError:
            self.program = None

    def begin(self, prompts: Sequence[Sequence[int]]) -> Texts:
        """Texts that begin with these tokens, at least one each; of a long one its end, as far back as `context`."""
        rows = [list(prompt) for prompt in prompts]
        if not rows or not all(rows):
            raise InputError("A text begins with at least one token.")
        for token in {token for row in rows for token in row}:
            self.check(token)
        rows = [row if len(row) <= self.context else row[-(self.context // 2) :] for row in rows]
        texts = Flat(self, rows) if self.program else Plain(self, rows)
        texts.read()
        return texts

    def check(self, token: int) -> None:
        """Raises InputError for what is no token of this vocabulary."""
        if not 0 <= token < self.vocabulary:
            raise InputError(f"Token {token} is not one of the {self.vocabulary} of this model.")

    @contextmanager
    def computing(self, rows: int) -> Iterator[None]:
        """As many threads as so many rows are worth; what the process had before comes back."""
        before = torch.get_num_threads()
        wanted = self.device.threads if rows >= _MANY else 1
        if before == wanted:
            yield
            return
        torch.set_num_threads(wanted)
        try:
            yield
        finally:
            torch.set_num_threads(before)

    def _try_out(self) -> None:
        """Whether the flat network gives what the network gives, and each row the same whatever is beside it."""
        generator = self.device.generator(0)
        rows = torch.randint(self.vocabulary, (9, min(6, self.context)), generator=generator).tolist()
        rows = [row[: 1 + place % len(row)] for place, row in enumerate(rows)]
        rows[-1] = rows[-2]
        whole = Flat(self, rows)
        whole.read()
        heard = Plain(self, rows[-1:])
        heard.read()
        near = 0.1 if self.device.dtype != torch.float32 or heard.logits.dtype != torch.float32 else 1e-3
        if not torch.allclose(whole.logits[-1:], heard.logits, rtol=near, atol=near * float(heard.logits.std() + 1e-6)):
            raise NotFlatError("The flat network gives something else than the network.")
        tokens = [row[0] for row in rows]
        with self.computing(len(rows)):
            whole.push(tokens)
        for some in ([1], [3, 4], [8, 0, 2], [7, 6, 5, 4]):
            fewer = Flat(self, [rows[place] for place in some])
            fewer.read()
            fewer.push([tokens[place] for place in some])
            self.alone |= not torch.equal(fewer.logits, whole.logits[some])


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
        self._listen()

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
            self.caches.append([part.new_zeros(*size, part.shape[-1]) for part in (key, value)])
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
            part.view(-1, part.shape[-1]).index_copy_(0, places, new.reshape(-1, part.shape[-1]))
        keys, values = pair if self.all else [part[self.rows] for part in pair]
        asked = query.reshape(count, groups, -1, query.shape[-1]) * scale
        weights = _weights(torch.matmul(asked, keys.transpose(-1, -2)), self.mask)
        return torch.matmul(weights, values).view(count, 1, query.shape[1], -1)

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
                part[piece.row, :, piece.start : piece.end] = new[here, :, 0].transpose(0, 1)
            keys, values = (part[piece.row, :, None, : piece.end] for part in pair)
            asked = query[here, :, 0].transpose(0, 1).reshape(len(keys), -1, len(piece), query.shape[-1]) * scale
            ends = torch.arange(piece.start, piece.end, device=query.device)[:, None]
            later = torch.arange(piece.end, device=query.device) > ends
            scores = torch.matmul(asked, keys.transpose(-1, -2))
            weights = _weights(scores, torch.zeros_like(later, dtype=torch.float32).masked_fill_(later, -torch.inf))
            result[here, 0] = torch.matmul(weights, values).flatten(0, 1).transpose(0, 1)
        return result

    def asked(self, hidden: Tensor) -> Tensor:
        """What `studio.text.program.Past` says."""
        return hidden[self.wanted]


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


def _weights(scores: Tensor, mask: Tensor) -> Tensor:
    """Scores and what is added to them  →  parts of 1, computed in float32."""
    return torch.softmax(scores.float() + mask, -1).to(scores.dtype)


def _blocks(length: int) -> int:
    return -(-length // BLOCK) * BLOCK
