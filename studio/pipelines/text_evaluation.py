"""How good a language model is: bits per byte of text that it never saw, and its own texts beside real ones.

found = evaluate_text(TextPipeline.from_pretrained("gpt-verse"), "poems.txt")
print(found.in_words())

The text held out is the tail of the data, by the rule that training follows. Beside the model stand an n-gram model
that counted the rest of the data, and xz, on the same bytes. Texts are written at default settings.
"""

from __future__ import annotations

import dataclasses
import logging
import math
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch
from tokenizers import Tokenizer
from torch.nn.functional import cross_entropy

from studio.data.texts import TextData, read_texts
from studio.data.tokens import decoded
from studio.device import Device
from studio.errors import InputError, StoppedError
from studio.media import page
from studio.pipelines.text import TextPipeline
from studio.progress import Callback, Progress
from studio.text import ngrams
from studio.text.measures import MEASURES, summary
from studio.text.ngrams import ByteNgrams, xz_bits_per_byte, xz_bits_per_byte_after
from studio.text.originality import ORDER, Index, words_of
from studio.training.parameters import TextTrainingParameters
from studio.verse import checker, forms
from studio.verse.lexicon import Lexicon
from studio.zoo.causal_lm import context_of, end_token

if TYPE_CHECKING:
    from transformers import PreTrainedModel

COUNT = 50  # texts written
FEWEST, MOST_TEXTS = 8, 50_000
TOKENS = 200  # of a text
MEASURED = 400_000
"""Bytes of the text held out that are measured at most, the first."""
FORMS = {"haiku": forms.haiku, "sonnet": forms.sonnet}
IN_FORM = 10
"""Poems of each form."""
LONGEST_CONTEXT = 1024
_AT_ONCE = 1 << 22  # numbers in the output of a network, for all windows that it reads together

_log = logging.getLogger("studio")
Tell = Callable[[str, int, int, str], None]
"""Called with what is being done, how many are done and of how many, and a text to show."""


@dataclasses.dataclass(frozen=True)
class Predictions:
    """What a text costs a model: of all its tokens, the first included, each seen with half a context or more."""

    bits_per_byte: float
    nats_per_token: float
    tokens: int
    bytes: int


@dataclasses.dataclass(frozen=True)
class Baselines:
    """Bits per byte of the same text. counted: bytes that the n-gram model learnt from; before: that xz read."""

    ngrams: float
    order: int
    counted: int
    xz: float
    xz_after: float
    before: int


@dataclasses.dataclass(frozen=True)
class Originality:
    """Words of the longest run that each text shares with what was learnt: the median and the 95th percentile.

    Those of texts that share fewer than `ORDER` words in a row are 0.
    """

    median: float
    high: float

    @classmethod
    def of(cls, texts: Sequence[str], index: Index) -> Self:
        """Of at least one text."""
        median, high = np.percentile([index.longest(text).words for text in texts], [50, 95])
        return cls(float(median), float(high))

    def in_words(self) -> str:
        """ "6 words, 95 % up to 9"."""
        median = f"{self.median:.0f} words" if self.median else f"fewer than {ORDER} words"
        return f"{median}, 95 % up to {self.high:.0f}" if self.high else median


@dataclasses.dataclass(frozen=True)
class FormScore:
    """Of some poems: how many the checker found without fault, and the mean part of its demands that was met."""

    poems: int
    kept: int
    share: float


@dataclasses.dataclass(frozen=True)
class TextEvaluation:
    """What was measured.

    unseen: whether the model was trained on the rest of this very data; known: the part of runs of words of the text
    held out that stand in what was learnt, None where the model does not say; measures: by the names of
    `studio.text.measures.MEASURES`, of texts made and of as many real ones as long; seed: of the first.
    """

    predictions: Predictions
    baselines: Baselines
    unseen: bool
    known: float | None
    made: int
    measures_of_made: Mapping[str, float]
    measures_of_real: Mapping[str, float]
    originality_of_made: Originality | None
    originality_of_real: Originality | None
    forms: Mapping[str, FormScore]
    seed: int

    def in_words(self) -> str:
        """Some lines, without a newline at the end."""
        found, beside = self.predictions, self.baselines
        whose = "held out from training" if self.unseen else "at the end of the data, which is not what it learnt from"
        lines = [
            f"{found.bits_per_byte:.3f} bits a byte ({found.nats_per_token:.3f} nats a token): "
            f"{found.bytes:,} bytes, {found.tokens:,} tokens {whose}.",
            "The same bytes by others:",
            f"  {f'n-grams of {beside.order} bytes, from {_size(beside.counted)}':<40}{beside.ngrams:>8.3f}",
            f"  {f'xz -9e, after {_size(beside.before)} of it':<40}{beside.xz_after:>8.3f}",
            f"  {'xz -9e, alone':<40}{beside.xz:>8.3f}",
            f"{self.made:,} texts made (seeds from {self.seed}) beside as many real ones of that length:",
            *self.table(),
        ]
        for name, score in self.forms.items():
            lines.append(f"{score.kept} of {score.poems} {name}s keep their form, {score.share:.1%} of what it asks.")
        if self.originality_of_made and self.originality_of_real:
            lines.append(f"Longest run shared with what was learnt: {self.originality_of_made.in_words()}.")
            lines.append(f"Of the real texts: {self.originality_of_real.in_words()}.")
        return "\n".join(lines)

    def table(self) -> list[str]:
        """A head and a line for each measure."""
        lines = [f"  {'':<32}{'made':>8}{'real':>8}"]
        for measure in MEASURES:
            both = (measures[measure.name] for measures in (self.measures_of_made, self.measures_of_real))
            lines.append(f"  {measure.name:<32}{''.join(f'{value:8.{measure.digits}f}' for value in both)}")
        return lines

    def to_dict(self) -> dict[str, Any]:
        """Every figure by its name, for JSON."""
        made, real = self.originality_of_made, self.originality_of_real
        return {
            "predictions": dataclasses.asdict(self.predictions),
            "baselines": dataclasses.asdict(self.baselines),
            "held_out": self.unseen,
            "known": self.known,
            "made": self.made,
            "seed": self.seed,
            "measures": {
                name: {"made": value, "real": self.measures_of_real[name]}
                for name, value in self.measures_of_made.items()
            },
            "forms": {name: dataclasses.asdict(score) for name, score in self.forms.items()},
            "originality": {
                "made": made and dataclasses.asdict(made),
                "real": real and dataclasses.asdict(real),
            },
        }


def evaluate_text(
    pipe: TextPipeline,
    data: str | Path,
    *,
    count: int = COUNT,
    seed: int = 0,
    in_form: int = IN_FORM,
    most: int = MEASURED,
    callback: Callback | None = None,
) -> TextEvaluation:
    """Measure a model by the tail of a text file or of a folder of them, and by `count` texts of its own.

    seed: of the first text; others follow. in_form: how many poems of each form; 0 for none. most: bytes of the tail.
    Raises InputError, and StoppedError when the callback returns True.
    """
    if not FEWEST <= count <= MOST_TEXTS:
        raise InputError(f"Expected {FEWEST} to {MOST_TEXTS:,} texts to make and measure, got {count}.")
    tell = _teller(callback)
    with tempfile.TemporaryDirectory(prefix="studio-", ignore_cleanup_errors=True) as cache:
        tell("reading", 0, 1, "")
        read, unseen = _read(pipe, data, Path(cache))
        for line in read.report.in_words().splitlines():
            _log.info("%s", line)
        if not unseen:
            _log.warning(
                "%s is not what %s was trained on, as it was: it is measured by the end of it.", data, pipe.model.name
            )
        tokens = _some(read, most)
        pieces = list(decoded(tokens, read.tokenizer))
        predictions = predict(
            pipe.network, read.tokenizer, tokens, sum(len(piece.encode()) for piece in pieces), pipe.device, tell
        )
        held_out = "".join(pieces).encode()
        baselines = _baselines(read, held_out, tell)
        del read, tokens
    texts = _written(pipe, count, seed, tell)
    real = _alike(texts, pieces, seed)
    index = pipe.index
    return TextEvaluation(
        predictions=predictions,
        baselines=baselines,
        unseen=unseen,
        known=index.share("\n".join(pieces)) if index else None,
        made=count,
        measures_of_made=summary(texts),
        measures_of_real=summary(real),
        originality_of_made=Originality.of(texts, index) if index else None,
        originality_of_real=Originality.of(real, index) if index else None,
        forms={name: _in_form(pipe, name, in_form, seed, tell) for name in FORMS} if in_form else {},
        seed=seed,
    )


@torch.no_grad()
def predict(
    network: PreTrainedModel,
    tokenizer: Tokenizer,
    tokens: Sequence[int] | np.ndarray[Any, Any],
    size: int,
    device: Device,
    tell: Tell | None = None,
) -> Predictions:
    """What some tokens, which stand for `size` bytes of UTF-8, cost a network.

    They are read in windows of a context that overlap by half. Before the first stands the token that ends documents,
    where the model has one: so every token counts, but for that one.
    """
    end = end_token(tokenizer, network)
    read = np.asarray(tokens).astype(np.int64)
    if end is not None and (not len(read) or read[0] != end):
        read = np.concatenate([[end], read])
    if len(read) < 2:
        raise InputError("There is no text to measure the model by.")
    window = min(context_of(network), LONGEST_CONTEXT, len(read) - 1)
    step = max(1, window // 2)
    starts = [*range(0, len(read) - window, step)]
    if starts[-1] + window < len(read) - 1:
        starts.append(len(read) - 1 - window)
    at_once = max(1, _AT_ONCE // (window * int(network.config.get_text_config().vocab_size)))
    total, counted = 0.0, 0  # targets so far: tokens 1 … counted
    for first in range(0, len(starts), at_once):
        some = starts[first : first + at_once]
        rows = torch.from_numpy(np.stack([read[start : start + window + 1] for start in some])).to(device.location)
        with device.computing():
            logits = network(input_ids=rows[:, :-1], use_cache=False).logits.float()
        costs = cross_entropy(logits.flatten(0, 1), rows[:, 1:].flatten(), reduction="none").view(len(some), window)
        for row, start in enumerate(some):
            new = start + window - counted  # of its targets, the last ones
            total += float(costs[row, window - new :].double().sum())
            counted += new
        if tell:
            tell("reading what was held out", first + len(some), len(starts), "")
    return Predictions(total / math.log(2) / size, total / counted, counted, size)


def _read(pipe: TextPipeline, data: str | Path, cache: Path) -> tuple[TextData, bool]:
    """The text as it was prepared for the model, and whether it is what the model was trained on."""
    facts = pipe.origin.config if pipe.origin else {}
    kept = facts.get("training", {}).get("parameters", {})
    part = kept.get("held_out", TextTrainingParameters().held_out)
    read = read_texts(data, cache, held_out=part, tokenizer=pipe.tokenizer)
    return read, read.fingerprint == facts.get("data", {}).get("fingerprint")


def _some(read: TextData, most: int) -> np.ndarray[Any, Any]:
    """The first tokens of what is held out, of about `most` bytes."""
    share = min(1.0, most / max(1, read.held_out_bytes))
    return np.asarray(read.held_out[: max(1, int(len(read.held_out) * share))])


def _baselines(read: TextData, held_out: bytes, tell: Tell) -> Baselines:
    """What others make of it that learnt from the rest of the data."""
    tail = bytearray()

    def learnt() -> Iterator[bytes]:
        for piece in read.texts():
            content = piece.encode()
            tail.extend(content)
            del tail[: -ngrams.PREFIX]
            yield content

    tell("counting n-grams", 0, 1, "")
    model = ByteNgrams.count(learnt(), most=ngrams.COUNTED)
    bits = model.bits_per_byte(held_out)
    tell("compressing", 0, 1, "")
    return Baselines(
        ngrams=bits,
        order=model.order,
        counted=model.counted,
        xz=xz_bits_per_byte(held_out),
        xz_after=xz_bits_per_byte_after(bytes(tail), held_out),
        before=len(tail),
    )


def _written(pipe: TextPipeline, count: int, seed: int, tell: Tell) -> list[str]:
    texts: list[str] = []
    while len(texts) < count:
        some = min(32, count - len(texts))
        texts += pipe(count=some, seed=seed + len(texts), max_tokens=TOKENS).texts
        tell("writing texts", len(texts), count, texts[-1])
    return texts


def _alike(texts: Sequence[str], pieces: Sequence[str], seed: int) -> list[str]:
    """Stretches of real text with as many words as those made, from anywhere, each from the beginning of a line."""
    lines = [line for piece in pieces for line in piece.split("\n")]
    begins = [number for number, line in enumerate(lines) if line.strip()]
    draws = np.random.default_rng(seed)
    found = []
    for text in texts:
        first = begins[int(draws.integers(len(begins)))]
        wanted, taken = len(words_of(text)), list[str]()
        for line in lines[first:]:
            words = line.split(" ")
            left = wanted - sum(len(words_of(before)) for before in taken)
            if left <= 0:
                break
            taken.append(" ".join(words[:left]) if len(words_of(line)) > left else line)
        found.append("\n".join(taken))
    return found


def _in_form(pipe: TextPipeline, form: str, count: int, seed: int, tell: Tell) -> FormScore:
    asked, lexicon = FORMS[form](), Lexicon.load()
    scores = []
    for number in range(count):
        poem = pipe(form=form, seed=seed + number).texts[0]
        scores.append(checker.score(poem, asked, lexicon))
        tell(f"writing {form}s", number + 1, count, poem)
    return FormScore(count, sum(score.passed for score in scores), float(np.mean([score.share for score in scores])))


def _teller(callback: Callback | None) -> Tell:
    began = time.monotonic()

    def tell(stage: str, done: int, steps: int, shown: str) -> None:
        if callback is None:
            return
        elapsed = time.monotonic() - began
        left = elapsed * (steps - done) / done if done else 0.0
        told = Progress(
            done, steps, done / steps, elapsed, left, float("nan"), stage, lambda: page.draw(shown)
        )  # fmt: skip
        if callback(told):
            raise StoppedError("stopped; nothing was measured.")

    return tell


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 100_000 else f"{count:,} bytes"
