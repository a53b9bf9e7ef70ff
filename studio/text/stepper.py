"""A causal language model one token at a time, for many texts at once.

What runs is transformers' own network, written down flat (`studio.text.program`), over a cache of keys and values that
grows by whole blocks, and traced (`studio.text.traced`). A network that cannot be written down runs as it is, each text
on its own.

What a row gives does not depend on the rows beside it. Each token is computed as a row of its own, by kernels that sum
a row in one order whatever the number of rows; attention multiplies the whole blocks of a row's cache, and what stands
beyond its end weighs exactly 0. That the kernels of this processor do so is tried out when a Stepper is made, bit for
bit, at several numbers of rows; where they do not, the rows are computed one after another.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor
from transformers import PreTrainedModel

from studio.device import Device
from studio.errors import InputError, ModelError
from studio.text import half_matrices, small_matrices
from studio.text.flat import Flat, step
from studio.text.program import Matrices, NotFlatError, Program, flatten
from studio.text.texts import Plain
from studio.text.texts import Texts as Texts
from studio.text.traced import Step, Traced

LONGEST = 8192
"""The longest context that is used of a network that has a longer one: caches are memory."""
_NEAR, _NEARER = 0.1, 1e-3  # see `Stepper._try_out`
_MANY = 8  # rows from which on more than one thread is worth its trouble
_FEWER = (8, 4, 2, 1)  # threads, where those that there are do not share out evenly what a trace holds


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
        self.alone, self.threads = False, device.threads
        self.program: Program | None = None
        self.step: Step
        with self.computing(1):
            self._choose_program()

    def begin(self, prompts: Sequence[Sequence[int]]) -> Texts:
        """Texts that begin with these tokens, at least one each; of a long one its end, as far back as `context`."""
        rows = [list(prompt) for prompt in prompts]
        if not rows or not all(rows):
            raise InputError("A text begins with at least one token.")
        for token in {token for row in rows for token in row}:
            self.check(token)
        rows = [row if len(row) <= self.context else row[-(self.context // 2) :] for row in rows]
        known = {tuple(row): place for place, row in enumerate(dict.fromkeys(map(tuple, rows)))}
        texts = Flat(self, list(known)) if self.program else Plain(self, list(known))
        texts.read()
        return texts if len(known) == len(rows) else texts.pick([known[tuple(row)] for row in rows])

    def check(self, token: int) -> None:
        """Raises InputError for what is no token of this vocabulary."""
        if not 0 <= token < self.vocabulary:
            raise InputError(f"Token {token} is not one of the {self.vocabulary} of this model.")

    @contextmanager
    def computing(self, rows: int) -> Iterator[None]:
        """As many threads as so many rows are worth; what the process had before comes back."""
        before = torch.get_num_threads()
        wanted = self.threads if rows >= _MANY else 1
        if before == wanted:
            yield
            return
        torch.set_num_threads(wanted)
        try:
            yield
        finally:
            torch.set_num_threads(before)

    def _choose_program(self) -> None:
        """The quickest program that gives what the network gives; in half precision, what it would give in float32."""
        where, half = self.device.location, self.network.dtype.itemsize == 2
        known: tuple[tuple[Matrices, bool], ...] = (
            (small_matrices, small_matrices.quick(where)),
            (half_matrices, half_matrices.quick(where)),
        )
        quick = [matrices for matrices, here in known if half and here]
        exact = copy.deepcopy(self.network).float() if quick else self.network  # type: ignore[no-untyped-call]
        generator = self.device.generator(0)
        rows = torch.randint(self.vocabulary, (9, min(6, self.context)), generator=generator).tolist()
        rows = [row[: 1 + place % len(row)] for place, row in enumerate(rows)]
        rows[-1] = rows[-2]
        heard = torch.cat([_heard(exact, row) for row in rows])
        near = _NEAR if half else _NEARER
        for matrices in (*quick, None):
            try:
                self.program = flatten(self.network if matrices is None else exact, matrices)
                with torch.inference_mode():
                    self._try_out(rows, heard, near)
                return
            except NotFlatError:
                self.program = None

    def _try_out(self, rows: list[list[int]], heard: Tensor, near: float) -> None:
        """Whether the flat network gives what the network gives, and each row the same whatever is beside it.

        heard: (rows, V), what it gives. near: how far off half of the rows may be, as parts of the spread of logits.
        Some tokens make no sense to a network where a text begins, and what it gives then may be of any kind.
        """
        assert self.program is not None
        self.alone, self.step = False, functools.partial(step, self.program)
        whole = Flat(self, rows)
        whole.read()
        off = (whole.logits - heard).square().mean(1).sqrt() / (heard.std(1) + 1e-6)
        if not off.median() <= near:
            raise NotFlatError("The flat network gives something else than the network.")
        tokens = [row[0] for row in rows]
        with self.computing(len(rows)):
            whole.push(tokens)
        untraced, most = self.step, self.device.threads
        for threads in (most, *(fewer for fewer in _FEWER if fewer < most)):
            self.step, self.threads = Traced(self.program, threads), threads
            if self._same(rows, tokens, whole):
                return
        self.step, self.threads = untraced, most
        self.alone = not self._same(rows, tokens, whole)

    def _same(self, rows: list[list[int]], tokens: list[int], whole: Flat) -> bool:
        """Whether a few rows by themselves go on with a token each as they do in the whole, bit for bit."""
        for some in ([1], [3, 4], [8, 0, 2], [7, 6, 5, 4]):
            fewer = Flat(self, [rows[place] for place in some])
            fewer.read()
            try:
                fewer.push([tokens[place] for place in some])
            except NotFlatError:
                return False
            if not fewer.equals(whole, some):
                return False
        return True


def _heard(network: PreTrainedModel, row: list[int]) -> Tensor:
    """What a network as it is gives after some tokens, (1, V)."""
    tokens = torch.tensor([row], device=network.device)
    with torch.inference_mode():
        return network(input_ids=tokens, use_cache=False, return_dict=True).logits[:, -1].float()  # type: ignore[no-any-return]
