"""Text as tokens: a byte-level BPE tokenizer trained on it, and files of tokens that are written and read in pieces.

Byte-level BPE: Radford et al., Language Models are Unsupervised Multitask Learners, 2019, section 2.2. Text is first
cut into words, each with the space before it, numbers, runs of marks, and white space; a newline is always a token of
its own. No text is outside the vocabulary, for every byte is in it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

END = "<|endoftext|>"
"""The token before every document. Where it stands in a text itself it is left out."""
SAMPLE = 48 << 20  # characters that a tokenizer is trained on, from all over the data
PART = 1 << 16  # characters that are turned into tokens at once
LARGEST, SMALLEST = 50_257, 257

_MARK, _BLOCK, _TAIL = 64, 8_192, 16


def train_tokenizer(pieces: Iterable[str], size: int, vocabulary: int | None = None) -> Tokenizer:
    """A byte-level BPE tokenizer for some text of about `size` bytes; `vocabulary`: how many tokens, END among them."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary or suitable(size),
        min_frequency=2,
        special_tokens=[END],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_sampled(pieces, size), trainer)
    return tokenizer


def suitable(size: int) -> int:
    """How many tokens suit a text of so many bytes: each should come often enough to be learnt."""
    return next(
        (tokens for bound, tokens in ((100_000, 512), (2_000_000, 1024), (8_000_000, 2048)) if size < bound), 4096
    )


def _sampled(pieces: Iterable[str], size: int) -> Iterator[str]:
    """Evenly spread lines, as many as a tokenizer needs."""
    every = max(1, -(-size // SAMPLE))
    for number, part in enumerate(part for piece in pieces for part in parts(piece)):
        if number % every == 0:
            yield part.replace(END, "")


def parts(text: str) -> Iterator[str]:
    """A text in parts that give the same tokens alone as together: cut after a newline; in long lines, at a space."""
    start = 0
    while start < len(text):
        end = start + PART
        if end < len(text):
            line = text.rfind("\n", start, end) + 1
            while line and text[line : line + 1].isspace():  # white space in a row belongs together
                line = text.rfind("\n", start, line - 1) + 1
            end = line if line > start else max(text.rfind(" ", start + 1, end), 0) or end
        yield text[start:end]
        start = end


class Writer:
    """Turns text into tokens and appends them to a file. A context: the file is whole when it is left. OSErrors pass.

    count, characters, bytes, words, documents: what was written; digest: SHA-256 of the tokens.
    """

    def __init__(self, path: Path, tokenizer: Tokenizer) -> None:
        self.path, self.tokenizer = path, tokenizer
        self.type: Any = np.dtype(np.uint16 if tokenizer.get_vocab_size() <= 1 << 16 else np.uint32)
        self.count = self.characters = self.bytes = self.words = self.documents = 0
        self._hash = hashlib.sha256()
        self._end = tokenizer.token_to_id(END)
        self._waiting: list[str] = []
        self._empty = True

    @property
    def digest(self) -> str:
        """The SHA-256 of what was written, in hexadecimal."""
        return self._hash.hexdigest()

    def __enter__(self) -> Self:
        self._file = self.path.open("wb")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._file:
            if kind is None:
                self._flush()
                if not self.count:
                    self._put([self._end or 0])

    def document(self) -> None:
        """What is added from here on is another document."""
        self._flush()
        self._empty = True

    def add(self, text: str) -> None:
        """Append a piece of the document; a form feed in it begins another one."""
        for number, document in enumerate(text.replace(END, "").split("\f")):
            if number:
                self.document()
            if self._empty:
                document = document.lstrip("\n")
            if not document:
                continue
            if self._empty:
                self.documents, self._empty = self.documents + 1, False
                if self._end is not None:
                    self._put([self._end])
            self.characters += len(document)
            self.bytes += len(document.encode())
            self.words += len(document.split())
            self._waiting.extend(parts(document))
            if len(self._waiting) >= _MARK:
                self._flush()

    def _flush(self) -> None:
        for encoded in self.tokenizer.encode_batch_fast(self._waiting, add_special_tokens=False):
            self._put(encoded.ids)
        self._waiting = []

    def _put(self, ids: list[int]) -> None:
        block = np.asarray(ids, self.type).tobytes()
        self._hash.update(block)
        self._file.write(block)
        self.count += len(ids)


def decoded(tokens: NDArray[np.unsignedinteger], tokenizer: Tokenizer) -> Iterator[str]:
    """Tokens as text, one document or a piece of one after another; a piece ends where a word does."""
    end, held = tokenizer.token_to_id(END), list[int]()
    for start in range(0, len(tokens), _BLOCK):
        held += tokens[start : start + _BLOCK].tolist()
        while end in held:
            cut = held.index(end)
            if cut:
                yield tokenizer.decode(held[:cut], skip_special_tokens=True)
            held = held[cut + 1 :]
        if len(held) > 4 * _BLOCK:
            text = tokenizer.decode(held[:-_TAIL], skip_special_tokens=True)
            cut = max(text.rfind(" "), text.rfind("\n"))
            if cut <= 0:  # one word without end
                continue
            yield text[:cut]
            held = tokenizer.encode(text[cut:], add_special_tokens=False).ids + held[-_TAIL:]
    if held:
        yield tokenizer.decode(held, skip_special_tokens=True)
