"""Verse in a form, line by line: several lines are drawn under the form's masks, and the most natural one is kept.

What is natural the model says: how likely the words are to it when nothing is forbidden, and that the line ends where
it ends. A line that cannot be completed is drawn again, then the line it rhymes with; when the tries are used up the
rhyme is let go, then the stress, then the first letter, as far as its form asks for them, and the result says what it
lacks.
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
from studio.text.constraints import STOPS, Constraint, FreeLine, LinePlan
from studio.text.draws import uniform
from studio.text.sampling import Past, Sampling, draw
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
NEAR_LIKELIEST = 0.3
"""The temperature of other lines than the likeliest where temperature 0 was asked for."""
REPEATED = 0.35
"""What a word that stood before costs a line, in nats; as much for a line that begins like another."""
RHYME, STRESS, LETTER = "the rhyme", "the stress", "the first letter"
"""What a line can do without, in this order."""


@dataclass(frozen=True)
class Written:
    """A poem as it grows: after every line one. Lines of the last stanza may go again, if their way leads nowhere.

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
    def settled(self) -> int:
        """How many of the lines stay whatever comes: those of whole stanzas, or all."""
        return len(self.lines) if self.finished else self.form.stanza_of(len(self.lines))

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


@dataclass
class _Row:
    """A line being drawn: its constraint, its random numbers, the tokens of all that was before, what it has so far."""

    constraint: Constraint
    numbers: NDArray[np.float64]
    past: Past
    tokens: list[int] = field(default_factory=list)
    cost: float = 0.0
    weight: float = 1.0


@dataclass(frozen=True)
class VerseWriter:
    """A model, its tokenizer and the words that it may use.

    sampling: how a token is chosen among those the form leaves; at temperature 0 the likeliest line is tried first, and
    others are drawn near it where it leads nowhere or more are wanted. candidates: lines drawn for each that is kept.
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
        before = self.apart(before)
        lines, tokens = list(opening), [*before, *self.tokens(form, opening)]
        texts = self.stepper.begin([tokens])
        failed: Counter[int] = Counter()
        level = 0
        missing: dict[int, str] = {}
        while len(lines) < len(form.lines):
            number = len(lines)
            asked = _asked(form, number)
            if level > len(asked):
                missing[number] = f"Line {number + 1} could not be written."
                break
            let_go, turn, first = asked[:level], sum(failed.values()), not failed[number]
            drawn = self.draw(
                form, lines, texts, tokens, seed=seed, attempt=attempt, turn=turn, likeliest=first, let_go=let_go
            )
            if drawn:
                best = drawn[0]
                texts = best.texts
                ending = self._ending(form, number)
                for token in ending:
                    texts.push([token])
                tokens += [*best.tokens, *ending]
                lines.append(best.text)
                if lacks := [one for one in let_go if self._lacks(form, lines, one)]:
                    missing[number] = f"Line {number + 1} does without {' and '.join(lacks)}: no words were found."
                level = 0
                yield Written(form, tuple(lines), len(lines) == len(form.lines), tuple(missing.values()))
                continue
            failed[number] += 1
            if sum(failed.values()) >= self.tries:
                level += 1
            elif failed[number] % 2 == 0:
                back = min([*form.partners(number), number - 1])
                lines = lines[: max(len(opening), form.stanza_of(number), back)]
                missing = {line: said for line, said in missing.items() if line < len(lines)}
                tokens = [*before, *self.tokens(form, lines)]
                texts = self.stepper.begin([tokens])
        else:
            return
        yield Written(form, tuple(lines), True, tuple(missing.values()))

    def apart(self, before: Sequence[int]) -> list[int]:
        """What the model reads first, with a blank line after it where it is more than the beginning of a text."""
        newline = self.vocabulary.newline
        bare = len(before) > 1 and before[-1] != newline
        return [*before, newline, newline] if bare else list(before)

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
        form: Form | None,
        lines: Sequence[str],
        texts: Texts,
        before: Sequence[int],
        *,
        seed: int,
        attempt: int = 0,
        turn: int = 0,
        likeliest: bool = True,
        let_go: Sequence[str] = (),
        candidates: int | None = None,
    ) -> list[Drawn]:
        """Candidates for the next line, the most natural first; none where the form cannot be met.

        form: None for a line without one. texts: one row, after the lines so far; before: all tokens up to there.
        turn: a number that sets this drawing apart from others of the same line. likeliest: at temperature 0, whether
        only that line is drawn, rather than others near it. let_go: what the line does without.
        """
        number, count, sampling = len(lines), candidates or self.candidates, self.sampling
        if sampling.temperature == 0:
            count, sampling = (1, sampling) if likeliest else (count, replace(sampling, temperature=NEAR_LIKELIEST))
        rows: list[Constraint]
        if form is None:
            rows = [FreeLine(self.vocabulary) for _ in range(count)]
        else:
            plan = self._plan(form, lines, let_go)
            rows = [plan.begin() for _ in range(count)]
        draws = [uniform(seed, attempt, number * _ROOM + candidate, turn, 2 * LONGEST) for candidate in range(count)]
        found: dict[str, Drawn] = {}
        past = Past(before, self.stepper.vocabulary)
        for tokens, cost, state in self._sampled(rows, draws, texts, past, sampling):
            text = self.tokenizer.decode(tokens).strip()
            length = max(1, *checker.syllables(text, self.vocabulary.lexicon))
            drawn = Drawn(text, tuple(tokens), cost / length - self._dullness(text, lines), state)
            if text and "\ufffd" not in text and (text not in found or found[text].score < drawn.score):
                found[text] = drawn
        above = form.text(lines) if form else "\n".join(lines)
        above += "\n" if lines else ""  # or the first word would be read as the end of the last one
        return [
            line
            for line in sorted(found.values(), key=lambda line: (-line.score, line.text))
            if line.text not in lines and (self.accept is None or self.accept(above, line.text))
        ]

    def _sampled(
        self,
        constraints: list[Constraint],
        draws: Sequence[NDArray[np.float64]],
        texts: Texts,
        past: Past,
        sampling: Sampling,
    ) -> Iterator[tuple[list[int], float, Texts]]:
        """(tokens, log-likelihood, the text after them) of every line that was completed.

        Lines that the masks force into what the model finds unlikely give way to copies of those that come into the
        form by themselves: particles weighted by the probability that a mask leaves (Lew et al., arXiv 2306.03081).
        """
        texts = texts.pick([0] * len(constraints))
        rows: list[_Row | None] = [
            _Row(one, numbers, past.copy()) for one, numbers in zip(constraints, draws, strict=True)
        ]
        for step in range(LONGEST):
            logits = texts.logits.double()
            likely = torch.log_softmax(logits, -1).cpu().numpy()
            masks = [None if row is None else row.constraint.allowed() for row in rows]
            weights = np.zeros(len(rows))
            for place, (row, mask) in enumerate(zip(rows, masks, strict=True)):
                if row is not None:
                    left = 1.0 if mask is None else float(np.exp(likely[place][mask]).sum())
                    weights[place] = row.weight * left
            rows = [row if weight else None for row, weight in zip(rows, weights, strict=True)]
            masks = [None if row is None else mask for row, mask in zip(rows, masks, strict=True)]
            weights /= weights.max() or 1.0
            chosen = _survivors(weights, float(draws[0][LONGEST + step]))
            if not chosen:
                return
            if chosen != list(range(len(rows))):
                again = len(set(chosen)) < len(chosen)
                weights = np.ones(len(chosen)) if again else weights[chosen]
                spare = [row.numbers for row in rows if row is not None]
                rows = [_copied(rows[place], spare[slot]) for slot, place in enumerate(chosen)]
                masks, likely = [masks[place] for place in chosen], likely[chosen]
                texts, logits = texts.pick(chosen), logits[chosen]
            tokens = draw(
                logits.cpu().numpy(),
                [past if row is None else row.past for row in rows],
                sampling,
                [0.0 if row is None else float(row.numbers[step]) for row in rows],
                masks,
            )
            for place, (row, token) in enumerate(zip(rows, tokens, strict=True)):
                if row is None:
                    continue
                row.weight = float(weights[place])
                row.cost += float(likely[place, token])
                row.constraint.push(token)
                if row.constraint.done:
                    yield row.tokens, row.cost, texts.pick([place])
                    rows[place] = None
                else:
                    row.tokens.append(token)
                    row.past.push(token)
            if all(row is None for row in rows):
                return
            texts.push([self.vocabulary.newline if row is None else row.tokens[-1] for row in rows])

    def _lacks(self, form: Form, lines: Sequence[str], what: str) -> bool:
        """Whether the last one of some lines really does without something that was let go."""
        number = len(lines) - 1
        line, lexicon = form.lines[number], self.vocabulary.lexicon
        if what == RHYME:
            return bool(checker.unrhymed(lines[-1], [lines[earlier] for earlier in form.partners(number)], lexicon))
        if what == STRESS:
            return not checker.scans(lines[-1], line, lexicon)
        return checker.first_letter(lines[-1]) != line.letter

    def _plan(self, form: Form, lines: Sequence[str], let_go: Sequence[str]) -> LinePlan:
        number = len(lines)
        line, closing = form.lines[number], number == len(form.lines) - 1
        if STRESS in let_go:
            line = replace(line, stress=(), syllables=line.syllables or len(line.stress[0]))
        if LETTER in let_go:
            line = replace(line, letter=None)
        return LinePlan(
            self.vocabulary,
            line,
            self._last_words(form, lines, rhyme=RHYME not in let_go),
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

    def _ending(self, form: Form | None, number: int) -> list[int]:
        """The newlines after a line."""
        if form is None:
            return [self.vocabulary.newline]
        if number == len(form.lines) - 1:
            return []
        return [self.vocabulary.newline] * (1 + form.lines[number].breaks)

    def tokens(self, form: Form | None, lines: Sequence[str]) -> list[int]:
        """Lines as they would have been written, with the newlines after them."""
        tokens: list[int] = []
        for number, line in enumerate(lines):
            tokens += self.tokenizer.encode(line, add_special_tokens=False).ids + self._ending(form, number)
        return tokens

    def _dullness(self, text: str, lines: Sequence[str]) -> float:
        """What a line loses for saying again what was said, in nats a syllable, roughly."""
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
        return cost / (len(words) + 2)


def _asked(form: Form, number: int) -> list[str]:
    """What a form asks of a line that can be let go."""
    line = form.lines[number]
    asked = ((RHYME, form.times(number) > 1), (STRESS, line.stress), (LETTER, line.letter is not None))
    return [what for what, wanted in asked if wanted]


def _survivors(weights: NDArray[np.float64], uniform: float) -> list[int]:
    """Rows that go on, of weights (B,), 0 for a row that is over: all that are alive, or where the weights have grown
    too unlike as many drawn by them (systematic resampling, Kitagawa 1996)."""
    alive = np.flatnonzero(weights)
    if len(alive) == 0:
        return []
    parts = weights[alive] / weights[alive].sum()
    if len(alive) >= 4 and 1 / (parts**2).sum() < len(alive) / 2:
        points = (np.arange(len(alive)) + uniform) / len(alive)
        return [int(alive[min(place, len(alive) - 1)]) for place in np.searchsorted(parts.cumsum(), points)]
    if len(alive) <= 0.7 * len(weights):
        return [int(place) for place in alive]
    return list(range(len(weights)))


def _copied(row: _Row | None, numbers: NDArray[np.float64]) -> _Row | None:
    """A row to go on with by other random numbers."""
    return row and _Row(row.constraint.copy(), numbers, row.past.copy(), list(row.tokens), row.cost)
