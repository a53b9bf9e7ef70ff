"""Texts out of a language model, word by word, many at once, each with its own random numbers.

A word comes out as soon as it is known where it ends, that no stop string begins in it, and that the guard has nothing
against it. A refused word is taken back: the text is again as it was before the token that the word begins in, and that
token does not come there any more.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from tokenizers import Tokenizer
from torch import Tensor

from studio.errors import InputError
from studio.text.detokenizer import Detokenizer
from studio.text.draws import Draws
from studio.text.sampling import Bools, Past, Sampling, draw
from studio.text.stepper import Stepper, Texts
from studio.text.stopping import Stops

Guard = Callable[[str, str], bool]
"""(the last characters of the text so far, the word that would come next)  →  whether it may.

Where the prompt ends within a word, the first word is the rest of it, and the text so far ends with its beginning.
"""
Reason = Literal["end", "stop", "length", "refused"]

REMEMBERED = 42_000
"""Characters of the text so far that a guard is shown: enough for a thousand words copied in a row."""
_REFUSALS = 256  # after so many at one place, a text ends
_LONGEST_WORD = 100  # letters after which a word comes out before its end is known

_WORD = re.compile(r"[^\W_](?:[\w'’-]*[^\W_])?")
_INSIDE = re.compile(r"[\w'’-]*\Z")


@dataclass(frozen=True)
class Asked:
    """A text that is asked for.

    prompt: the tokens that it goes on from, at least one. seed, attempt: of its random numbers. stop: strings before
    which it ends; end: the token that ends it. guard: see `Guard`; begun: what the prompt is of the text that it is
    shown. max_tokens: None for an endless text.
    """

    prompt: Sequence[int]
    seed: int = 0
    attempt: int = 0
    max_tokens: int | None = 200
    sampling: Sampling = field(default_factory=Sampling)
    stop: tuple[str, ...] = ()
    end: int | None = None
    guard: Guard | None = None
    begun: str = ""

    def __post_init__(self) -> None:
        """Raise InputError for what cannot be."""
        if not len(self.prompt):
            raise InputError("A text goes on from at least one token.")
        if self.max_tokens is not None and self.max_tokens < 1:
            raise InputError(f"max_tokens: expected 1 or more, got {self.max_tokens}.")


@dataclass(frozen=True)
class Piece:
    """What is new of a text: `row` says whose, `finished` why it ended there (None: it goes on).

    "end": its end token came; "stop": a stop string; "length": max_tokens; "refused": the guard let no word through.
    """

    row: int
    text: str
    finished: Reason | None = None


def write(stepper: Stepper, tokenizer: Tokenizer, asked: Sequence[Asked]) -> Generator[Piece, None, None]:
    """The texts that are asked for, piece by piece, each whole words, in the order of their rows at each step.

    The last piece of each text says why it ended. Closing the generator stops the work. A text does not depend on those
    beside it.
    """
    if not asked:
        return
    blank = Detokenizer(tokenizer)
    texts = stepper.begin([one.prompt for one in asked])
    rows = [
        _Row(number, one, blank.begin(one.prompt), Past(one.prompt, stepper.vocabulary))
        for number, one in enumerate(asked)
    ]
    while rows:
        tokens = _drawn(texts, range(len(rows)), rows)
        going, pieces = [], []
        for place, row in enumerate(rows):
            row.take(tokens[place], texts, place)
            while row.refused:
                row.take_back(texts, place)
                if row.finished is None:
                    row.take(_drawn(texts, [place], [row])[0], texts, place)
            if piece := row.piece():
                pieces.append(piece)
            if row.finished is None:
                going.append(place)
        yield from pieces
        if len(going) < len(rows):
            rows = [rows[place] for place in going]
            if rows:
                texts = texts.pick(going)
        if rows:
            texts.push([row.last for row in rows])


def _drawn(texts: Texts, places: Sequence[int], rows: Sequence[_Row]) -> list[int]:
    """A token for each of these rows."""
    logits = texts.logits.cpu().numpy()
    return draw(
        logits if len(places) == len(logits) else logits[list(places)],
        [row.past for row in rows],
        [row.asked.sampling for row in rows],
        [row.draws.at(row.count, row.refusals) for row in rows],
        [row.allowed(logits.shape[1]) for row in rows],
    )


@dataclass
class _Before:
    """All that a text was before a token."""

    token: int
    offset: int  # characters that the tokens before it gave
    count: int
    history: list[int]  # it may have grown since, at its end
    length: int
    logits: Tensor  # of all rows
    place: int
    detokenizer: Detokenizer
    stops: Stops


class _Row:
    """A text being written."""

    def __init__(self, number: int, asked: Asked, detokenizer: Detokenizer, past: Past) -> None:
        self.number, self.asked, self.detokenizer, self.past = number, asked, detokenizer, past
        self.draws, self.stops = Draws(asked.seed, asked.attempt), Stops(asked.stop)
        self.count = self.refusals = self.last = 0
        self.offset = 0  # characters so far
        self.certain = ""  # those that no stop string can begin in, from `sent` on
        self.sent = self.checked = 0
        self.so_far = asked.begun[-REMEMBERED:]
        self.news = ""
        self.before: list[_Before] = []
        self.banned: dict[int, set[int]] = {}
        self.refused: _Before | None = None
        self.finished: Reason | None = None

    def allowed(self, vocabulary: int) -> Bools | None:
        """Which tokens may come next; None for all."""
        banned = self.banned.get(self.count)
        if not banned:
            return None
        allowed = np.ones(vocabulary, bool)
        allowed[list(banned)] = False
        return allowed

    def take(self, token: int, texts: Texts, place: int) -> None:
        """A token that was drawn: hear what it says, and what of it may come out."""
        if self.asked.guard:
            history = texts.history[place]
            kept = (history, len(history), texts.logits, place, self.detokenizer.copy(), self.stops.copy())
            self.before.append(_Before(token, self.offset, self.count, *kept))
        self.last, self.count = token, self.count + 1
        self.past.push(token)
        if token == self.asked.end:
            self._hear(self.detokenizer.finish(), "end")
        elif self.count == self.asked.max_tokens:
            self._hear(self.detokenizer.push(token) + self.detokenizer.finish(), "length")
        else:
            self._hear(self.detokenizer.push(token), None)

    def take_back(self, texts: Texts, place: int) -> None:
        """Be again as before the token that a refused word begins in, which does not come there any more."""
        before, self.refused = self.refused, None
        assert before is not None
        logits = before.logits[before.place]
        texts.rewind(place, before.history[: before.length], logits)
        self.detokenizer, self.stops = before.detokenizer, before.stops
        self.offset, self.count = before.offset, before.count
        self.past.cut(len(self.asked.prompt) + self.count)
        self.certain = self.certain[: max(0, before.offset - len(self.stops.pending) - self.sent)]
        self.checked = min(self.checked, self.sent + len(self.certain))
        self.before = [one for one in self.before if one.count < before.count]
        self.finished = None
        self.refusals += 1
        self.banned = {at: tokens for at, tokens in self.banned.items() if at <= before.count}
        banned = self.banned.setdefault(before.count, set())
        banned.add(before.token)
        if len(banned) >= min(_REFUSALS, len(logits)):
            self.finished = "refused"
            self._release(self.sent + self._last_word())

    def piece(self) -> Piece | None:
        """What may come out now, once."""
        if not self.news and self.finished is None:
            return None
        piece, self.news = Piece(self.number, self.news, self.finished), ""
        return piece

    def _hear(self, text: str, finished: Reason | None) -> None:
        self.offset += len(text)
        self.certain += self.stops.push(text)
        if self.stops.stopped:
            finished = "stop"
        elif finished:
            self.certain += self.stops.finish()
        self.finished = finished
        whole = len(self.certain) if finished else self._last_word()
        if self.asked.guard and self._guard(whole):
            return
        self._release(self.sent + whole)

    def _last_word(self) -> int:
        """Where the word begins whose end is not known yet, in what is certain."""
        match = _INSIDE.search(self.certain)
        begins = match.start() if match else len(self.certain)
        return begins if len(self.certain) - begins < _LONGEST_WORD else len(self.certain)

    def _guard(self, whole: int) -> bool:
        """Whether a word that is complete now is refused."""
        for match in _WORD.finditer(self.certain, self.checked - self.sent, whole):
            so_far = self.so_far + self.certain[: match.start()]
            assert self.asked.guard is not None
            if not self.asked.guard(so_far[-REMEMBERED:], match[0]):
                begins = self.sent + match.start()
                self.refused = next(one for one in reversed(self.before) if one.offset <= begins)
                return True
            self.checked = self.sent + match.end()
        return False

    def _release(self, end: int) -> None:
        """Let out what stands before `end`, back to the beginning of a token that may still be taken back."""
        if not self.finished:
            while len(self.before) > 1 and self.before[1].offset <= end:
                del self.before[0]
            if end == self.offset:
                self.before.clear()
            elif self.before:
                end = min(end, self.before[0].offset)
        count = max(0, end - self.sent)
        self.news += self.certain[:count]
        self.so_far = (self.so_far + self.certain[:count])[-REMEMBERED:]
        self.certain, self.sent = self.certain[count:], self.sent + count
        self.checked = max(self.checked, self.sent)
        kept = self.before[0].count if self.before else self.count
        self.banned = {at: tokens for at, tokens in self.banned.items() if at >= kept}
