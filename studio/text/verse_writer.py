"""Verse in a form, line by line: several lines are drawn under the form's masks, and the most natural one is kept.

What is natural the model says: how likely the words are to it when nothing is forbidden, and that the line ends where
it ends. A line that cannot be completed is drawn again, then the line it rhymes with; when the tries are used up the
rhyme is let go, then the stress, and the result says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer

from studio.errors import InputError
from studio.text.constraints import STOPS, Constraint, LinePlan
from studio.text.draws import uniform
from studio.text.sampling import Sampling, draw
from studio.text.stepper import Stepper, Texts
from studio.text.vocabulary import CAPITAL, LOWER, Bools, Vocabulary
from studio.verse import checker, meter
from studio.verse.forms import Form, Line
from studio.verse.lexicon import normal, words_of

CANDIDATES = 16
TRIES = 8
LONGEST = 64
"""Tokens of a line."""
_ROOM = 4096  # more than the candidates of a line
REPEATED = 0.35
"""What a word that stood before costs a line, in nats; as much for a line that begins like another."""
_LET_GO = ("the rhyme", "the stress", "the first letter")


@dataclass(frozen=True)
class Written:
    """A poem as it grows: after every line one. Lines may go again when the way they opened leads nowhere.

    kept: whether everything that the form asks for could be kept so far; missing: what could not, in plain words.
    """

    form: Form
    lines: tuple[str, ...]
    finished: bool = False
    missing: tuple[str, ...] = ()

    @property
    def kept(self) -> bool:
        """Whether nothing had to be let go."""
        return not self.missing

    @property
    def text(self) -> str:
        """The lines, stanzas apart."""
        return self.form.text(self.lines)


@dataclass(frozen=True)
class Drawn:
    """A candidate for a line: its tokens without the newline, and how natural it is (nats a syllable, 0 is most)."""

    text: str
    tokens: tuple[int, ...]
    score: float
    texts: Texts = field(repr=False, compare=False)


@dataclass(frozen=True)
class VerseWriter:
    """A model, its tokenizer and the words that it may use.

    sampling: how a token is chosen among those the form leaves. candidates: lines drawn for each that is kept.
    accept: whether a line may stand after the text before it (decency, originality); nothing that it refuses comes out.
    """

    stepper: Stepper
    tokenizer: Tokenizer
    vocabulary: Vocabulary
    sampling: Sampling
    candidates: int = CANDIDATES
    tries: int = TRIES
    accept: Callable[[str, str], bool] | None = None

    def write(
        self, form: Form, before: Sequence[int], *, seed: int, attempt: int = 0, opening: Sequence[str] = ()
    ) -> Iterator[Written]:
        """A poem, after every line once more.

        before: tokens that the model reads first, at least one. opening: its first lines, given. The poem is fixed by
        all of these and the seed, whatever else is written beside it. Raises InputError for lines that do not fit.
        """
        self.check(form, opening)
        lines, tokens = list(opening), [*before, *self._tokens(form, opening)]
        texts = self.stepper.begin([tokens])
        failed: Counter[int] = Counter()
        level = 0
        missing: dict[int, str] = {}
        while len(lines) < len(form.lines):
            number = len(lines)
            if level > len(_LET_GO):
                missing[number] = f"Line {number + 1} could not be written."
                break
            drawn = self.draw(form, lines, texts, seed=seed, attempt=attempt, turn=sum(failed.values()), level=level)
            if drawn:
                best = drawn[0]
                texts = best.texts
                ending = self._ending(form, number)
                for token in ending:
                    texts.push([token])
                tokens += [*best.tokens, *ending]
                lines.append(best.text)
                if level:
                    missing[number] = f"Line {number + 1} does without {_LET_GO[level - 1]}: no words were found."
                level = 0
                yield Written(form, tuple(lines), len(lines) == len(form.lines), tuple(missing.values()))
                continue
            failed[number] += 1
            if sum(failed.values()) >= self.tries:
                level += 1
            elif failed[number] % 2 == 0:
                back = max(len(opening), min([*form.partners(number), number - 1]))
                lines = lines[: max(0, back)]
                missing = {line: said for line, said in missing.items() if line < len(lines)}
                tokens = [*before, *self._tokens(form, lines)]
                texts = self.stepper.begin([tokens])
        else:
            return
        yield Written(form, tuple(lines), True, tuple(missing.values()))

    def check(self, form: Form, opening: Sequence[str]) -> None:
        """Raise InputError for first lines that do not fit a form."""
        if not opening:
            return
        if len(opening) > len(form.lines):
            raise InputError(f"The {form.name} has {len(form.lines)} lines, and {len(opening)} are there already.")
        begun = Form(form.name, form.lines[: len(opening)])
        found = checker.score("\n".join(opening), begun, self.vocabulary.lexicon)
        if not found.passed:
            raise InputError(f"What is there does not fit the {form.name}: {found.problems[0]}")

    def draw(
        self,
        form: Form,
        lines: Sequence[str],
        texts: Texts,
        *,
        seed: int,
        attempt: int = 0,
        turn: int = 0,
        level: int = 0,
    ) -> list[Drawn]:
        """Candidates for the next line, the most natural first; none where the form cannot be met.

        texts: one row, after the lines so far. turn: numbers that set this drawing apart from others of the same line.
        level: how much is let go, 0 nothing.
        """
        plan = self._plan(form, lines, level)
        number = len(lines)
        rows: list[Constraint] = [plan.begin() for _ in range(self.candidates)]
        draws = [
            uniform(seed, attempt, number * _ROOM + candidate, turn, LONGEST) for candidate in range(self.candidates)
        ]
        drawn = []
        for tokens, cost, state in self._sampled(rows, draws, texts, plan):
            text = self.tokenizer.decode(tokens).strip()
            natural = cost / max(1, *checker.syllables(text, self.vocabulary.lexicon)) - self._dullness(text, lines)
            drawn.append(Drawn(text, tuple(tokens), natural, state))
        before = form.text(lines)
        found = {line.text: line for line in sorted(drawn, key=lambda line: line.score)}
        best = sorted(found.values(), key=lambda line: -line.score)
        return [
            line for line in best if line.text not in lines and (self.accept is None or self.accept(before, line.text))
        ]

    def _sampled(
        self, rows: list[Constraint], draws: Sequence[NDArray[np.float64]], texts: Texts, plan: LinePlan
    ) -> Iterator[tuple[list[int], float, Texts]]:
        """(tokens, log-likelihood, the text after them) of every line that was completed."""
        newline = self.vocabulary.newline
        texts = texts.pick([0] * len(rows))
        live = list(range(len(rows)))  # of each row of texts, the candidate; -1 for one that is over
        tokens: list[list[int]] = [[] for _ in rows]
        costs = [0.0] * len(rows)
        for step in range(LONGEST):
            masks = {row: rows[candidate].allowed() for row, candidate in enumerate(live) if candidate >= 0}
            living = [row for row, mask in masks.items() if mask is None or mask.any()]
            logits = texts.logits.double()
            chosen = (
                draw(
                    logits[living].cpu().numpy(),
                    [texts.history[row] for row in living],
                    self.sampling,
                    [float(draws[live[row]][step]) for row in living],
                    [masks[row] for row in living],
                )
                if living
                else []
            )
            costs_here = torch.log_softmax(logits, -1)
            pushed = [newline] * len(live)
            following = [-1] * len(live)
            for row, token in zip(living, chosen, strict=True):
                candidate = live[row]
                costs[candidate] += float(costs_here[row, token])
                rows[candidate].push(token)
                if rows[candidate].done:
                    yield tokens[candidate], costs[candidate], texts.pick([row])
                    continue
                tokens[candidate].append(token)
                pushed[row], following[row] = token, candidate
            live = following
            going = [row for row, candidate in enumerate(live) if candidate >= 0]
            if not going:
                return
            if len(going) <= 0.7 * len(live):
                texts, pushed = texts.pick(going), [pushed[row] for row in going]
                live = [live[row] for row in going]
            texts.push(pushed)

    def _plan(self, form: Form, lines: Sequence[str], level: int) -> LinePlan:
        number = len(lines)
        line, closing = form.lines[number], number == len(form.lines) - 1
        if level >= 2:
            count = line.syllables or (len(line.stress[0]) if line.stress else None)
            line = replace(line, stress=(), syllables=count)
        if level >= 3:
            line = replace(line, letter=None)
        return LinePlan(
            self.vocabulary,
            line,
            self._last_words(form, lines, rhyme=level < 1),
            look=self._look(form.lines[number], lines),
            closing=closing,
        )

    def _last_words(self, form: Form, lines: Sequence[str], *, rhyme: bool) -> Bools:
        """(W,): the words that the next line may end with."""
        vocabulary, number = self.vocabulary, len(lines)
        ends = [normal((words_of(line) or [""])[-1]) for line in lines]
        allowed = vocabulary.ending.copy()
        if rhyme and form.times(number) > 1:
            partners = form.partners(number)
            if partners:
                for partner in partners:
                    allowed &= vocabulary.rhymes_with(ends[partner])
            else:
                allowed &= vocabulary.rich(form.times(number))
                taken = [vocabulary.rhyme_of(end) for end, line in zip(ends, form.lines, strict=False) if line.rhyme]
                allowed &= ~np.isin(vocabulary.rhyme, taken)
            if form.lines[number].iambic:
                allowed &= vocabulary.masculine
        allowed[[vocabulary.number[end] for end in ends if end in vocabulary.number]] = False
        return allowed

    def _look(self, line: Line, lines: Sequence[str]) -> int | None:
        """How the line begins: large after a full stop and where it has to, else as the first line does."""
        if line.letter is not None or (lines and lines[-1].rstrip("\"')”’")[-1:] in STOPS):
            return CAPITAL
        if not lines:
            return None
        first = lines[0].lstrip("\"'(“‘")[:1]
        return CAPITAL if first.isupper() else LOWER

    def _ending(self, form: Form, number: int) -> list[int]:
        """The newlines after a line."""
        if number == len(form.lines) - 1:
            return []
        return [self.vocabulary.newline] * (1 + form.lines[number].breaks)

    def _tokens(self, form: Form, lines: Sequence[str]) -> list[int]:
        """Lines as they would have been written, with the newlines after them."""
        tokens: list[int] = []
        for number, line in enumerate(lines):
            tokens += self.tokenizer.encode(line, add_special_tokens=False).ids + self._ending(form, number)
        return tokens

    def _dullness(self, text: str, lines: Sequence[str]) -> float:
        """What a line loses for saying again what was said, in nats a syllable."""
        words = [normal(word) for word in words_of(text)]
        said = Counter(normal(word) for line in lines for word in words_of(line))
        cost = 0.0
        for place, word in enumerate(words):
            if word in words[:place] and (len(word) > 3 or words[place - 1] == word):
                cost += 2 * REPEATED
            if len(word) > 3 and word not in meter.LEANING and word not in meter.NEUTRAL:
                cost += REPEATED * min(2, said[word])
        begins = [normal((words_of(line) or [""])[0]) for line in lines[-3:]]
        if words and words[0] in begins:
            cost += REPEATED * begins.count(words[0])
        return cost * 10 / max(1, len(words) + 2) / 10
