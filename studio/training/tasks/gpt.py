"""A GPT learns the next token of a text: cross-entropy over windows of one long stream of documents."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from studio.data.texts import TextData
from studio.device import Device
from studio.errors import InputError
from studio.media import page
from studio.text.originality import Index
from studio.training import card, ema, gpt2, lora
from studio.training.optimizers import check_patterns, make_optimizer
from studio.training.parameters import TextTrainingParameters
from studio.training.sizes import shape_for
from studio.training.step import Part, Step
from studio.training.task import Measure, Trouble
from studio.zoo import causal_lm as zoo

if TYPE_CHECKING:
    from transformers import PreTrainedModel

MEASURED = 1 << 15  # tokens of those held out, from all over them
AT_ONCE = 4096  # of them
DIVERGED = 15.0  # nats a token: choosing blindly among 50,000 costs less than 11
SHEET_TOKENS = 160
NAME = "gpt"


class GPTTask:
    """What the loop trains: one network, "gpt", which is averaged."""

    kind = "text"

    def __init__(
        self, data: TextData, chosen: TextTrainingParameters, device: Device, *, start: PreTrainedModel | None = None
    ) -> None:
        """start: a network to begin with, of which adapters alone are trained with `chosen.lora_rank`."""
        self.data, self.chosen, self.device = data, chosen, device
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(chosen.seed)
            network = start if start is not None else zoo.build(**shape_for(chosen, data))
            known = set(network.state_dict()) if start is not None else set()
            if start is not None and chosen.dropout is not None:
                zoo.set_dropout(network, chosen.dropout, needed=not chosen.lora_rank)
            if chosen.lora_rank:
                lora.add_adapters(network, chosen.lora_rank, dropout=chosen.dropout or 0.0)
        network.set_attn_implementation(device.attention)
        longest = zoo.context_of(network)
        if chosen.context is not None and chosen.context > longest:
            raise InputError(
                f"--context {chosen.context} is more than the {longest} tokens that the model sees at once."
            )
        self.window = min(chosen.context or min(longest, 512), len(data.tokens) - 1)
        self.count = max(1, (len(data.tokens) - 1) // self.window)
        self.network = device.place_for_training(network)
        self.network.train()
        self.by_hand = gpt2.Nats(self.network, device.dtype) if gpt2.suits(self.network, device) else None
        self.networks: dict[str, nn.Module] = {NAME: self.network}
        check_patterns(self.networks, chosen.freeze)
        self.average = ema.averaged_copy(self.network)
        self.averages: dict[str, nn.Module] = {NAME: self.average}
        optimizer = make_optimizer(NAME, self.network, chosen, pretrained=known, betas=(0.9, 0.95))
        self.optimizers = {NAME: optimizer}
        self.limits: Mapping[str, float] = {"nats": DIVERGED}
        self.fingerprint = f"{data.fingerprint}/{zoo.shape_of(network)}/{chosen.lora_rank}"
        self._index: Index | None = None

    def step(self, step: Step) -> dict[str, float]:
        """One update; the loss is in nats a token."""
        losses = []
        with step.update(NAME) as backward:
            for part in step.parts:
                loss = self.loss(self._windows(part))
                backward(loss)
                losses.append(loss)
        return {"nats": step.mean(losses)}

    def loss(self, tokens: Tensor) -> Tensor:
        """Nats a token of the network over windows (B, T + 1)."""
        if self.by_hand:
            return self.by_hand.of(tokens)
        with self.device.mixed():
            logits = self.network(input_ids=tokens[:, :-1], use_cache=False).logits
        return cross_entropy(logits.flatten(0, 1).float(), tokens[:, 1:].flatten())

    def measure(self, step: int) -> Measure:
        """Bits a byte of text held out, which decide."""
        nats = self._nats(self.data.held_out)
        tokens_a_byte = len(self.data.held_out) / max(1, self.data.held_out_bytes)
        bits = nats / math.log(2) * tokens_a_byte
        learnt = self._nats(self.data.tokens[: max(len(self.data.held_out), self.window + 1)])
        figures = {
            "bits_a_byte": bits,
            "nats_a_token": nats,
            "perplexity": math.exp(min(nats, 50)),
            "nats_of_learnt": learnt,
        }
        return Measure(step, "bits a byte", bits, figures)

    def sheet(self) -> Image.Image:
        """A page by the average."""
        return page.draw(self.samples(1, SHEET_TOKENS)[0])

    def trouble(self, curve: Sequence[Mapping[str, float]], measures: Sequence[Measure]) -> Trouble | None:
        """A text learnt by heart."""
        last = measures[-1]
        worse = len(measures) >= 3 and last.value > 1.01 * min(measure.value for measure in measures)
        if worse and last.figures["nats_of_learnt"] < 0.9 * last.figures["nats_a_token"]:
            return Trouble(
                "it is learning its text by heart (what is held out gets worse): more text, --from a model that can "
                "write already, or a larger --dropout help; the best so far is kept"
            )
        return None

    def save(self, folder: Path, facts: Mapping[str, Any]) -> None:
        """Write the averaged network, adapters folded in, with its tokenizer and the runs of words it learnt from."""
        whole = zoo.copy_of(self.average)
        if self.chosen.lora_rank:
            lora.fold(whole)
        zoo.save_model(folder, whole, self.data.tokenizer, self.index(), facts, card.write(self.kind, facts))

    def index(self) -> Index:
        """The runs of words that are learnt from."""
        if self._index is None:
            self._index = Index.build(self.data.texts())
        return self._index

    def samples(self, count: int, tokens: int = SHEET_TOKENS) -> list[str]:
        """Texts from nothing, of so many tokens."""
        end = zoo.end_token(self.data.tokenizer, self.average)  # type: ignore[arg-type]
        start = torch.full((count, 1), end or 0, device=self.device.location)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            made = self.average.generate(  # type: ignore[operator]
                start,
                attention_mask=torch.ones_like(start),
                do_sample=True,
                top_k=0,
                top_p=0.95,
                max_new_tokens=min(tokens, zoo.context_of(self.average) - 1),  # type: ignore[arg-type]
                pad_token_id=end or 0,
            )
        return [self.data.tokenizer.decode(row, skip_special_tokens=True).strip() for row in made.tolist()]

    def _windows(self, part: Part) -> Tensor:
        """(B, T + 1) tokens: each example is a window, moved by a part of its length so that no epoch repeats one."""
        moved = part.draws("windows").uniform()
        room = len(self.data.tokens) - self.window - 1
        rows = []
        for number, index in enumerate(part.indices.tolist()):
            start = min(int((index + float(moved[number])) * self.window), room)
            rows.append(self.data.tokens[max(0, start) : max(0, start) + self.window + 1])
        return torch.from_numpy(np.stack(rows).astype(np.int64)).to(self.device.location)

    @torch.no_grad()
    def _nats(self, tokens: np.ndarray[Any, Any]) -> float:
        """Nats a token of the average, over windows from all over some tokens, each token but a window's first."""
        window = min(self.window, len(tokens) - 1)
        starts = np.arange(0, len(tokens) - window, window)
        starts = starts[:: max(1, len(starts) * window // MEASURED)]
        rows = np.stack([tokens[start : start + window + 1] for start in starts]).astype(np.int64)
        total = 0.0
        for first in range(0, len(rows), size := max(1, AT_ONCE // window)):
            batch = torch.from_numpy(rows[first : first + size]).to(self.device.location)
            with self.device.mixed():
                logits = self.average(input_ids=batch[:, :-1], use_cache=False).logits
            total += float(cross_entropy(logits.flatten(0, 1).float(), batch[:, 1:].flatten(), reduction="sum"))
        return total / (len(rows) * window)
