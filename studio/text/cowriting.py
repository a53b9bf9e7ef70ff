"""Writing together: lines are offered for what comes next, one is taken, and everything can be undone.

A draft is a value: each step gives a new one, so that a page can keep them all and a file can hold one as JSON.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from studio.errors import InputError
from studio.text.verse_writer import Drawn, VerseWriter
from studio.verse.forms import Form, Line
from studio.verse.lexicon import normal, words_of

MOST_OFFERED = 16
_DRAWN = 4  # candidates for each line that is offered


@dataclass(frozen=True)
class Draft:
    """A text in the making.

    form: what it is to become, or None. prompt: what the model reads first, no part of the text. offered: lines for
    what comes next. undone: lines that were taken back, the first to come again last. turn: how often lines were
    offered at this place; every time they are others.
    """

    form: Form | None = None
    prompt: str = ""
    seed: int = 0
    lines: tuple[str, ...] = ()
    offered: tuple[str, ...] = ()
    undone: tuple[str, ...] = ()
    turn: int = 0

    @property
    def text(self) -> str:
        """The lines taken so far."""
        return self.form.text(self.lines) if self.form else "\n".join(self.lines)

    @property
    def finished(self) -> bool:
        """Whether the form is full; a text without one never is."""
        return self.form is not None and len(self.lines) >= len(self.form.lines)

    def offer(self, writer: VerseWriter, before: Sequence[int], count: int = 4) -> Self:
        """The draft with so many lines for what comes next, each of which fits the form; fewer where there are no more.

        before: tokens that the model reads first, at least one. Raises InputError where nothing can be offered.
        """
        if not 1 <= count <= MOST_OFFERED:
            raise InputError(f"Expected from 1 to {MOST_OFFERED} lines to be offered, got {count}.")
        if self.finished:
            raise InputError("The form is full; undo a line to go on in another way.")
        if self.form:
            writer.check(self.form, self.lines)
        tokens = [*writer.apart(before), *writer.tokens(self.form, self.lines)]
        texts = writer.stepper.begin([tokens])
        found: list[Drawn] = []
        turn = self.turn
        for turn in range(self.turn, self.turn + writer.tries):
            found += writer.draw(
                self.form,
                self.lines,
                texts,
                tokens,
                seed=self.seed,
                turn=turn,
                likeliest=not turn,
                candidates=_DRAWN * count,
            )
            if len({line.text for line in found}) >= count:
                break
        if not found:
            raise InputError("No line was found that fits here; undo one, or write this one yourself.")
        return replace(self, offered=_varied(found, count), turn=turn + 1)

    def take(self, number: int) -> Self:
        """The draft with offered line `number`, from 0, as its next line. Raises InputError."""
        if not 0 <= number < len(self.offered):
            raise InputError(f"Expected one of the {len(self.offered)} lines offered, got number {number + 1}.")
        return self.add(self.offered[number])

    def add(self, line: str) -> Self:
        """The draft with a line of one's own; whether it fits shows at the next offer. Raises InputError."""
        line = " ".join(line.split())
        if not line:
            raise InputError("Expected a line of text, got an empty one.")
        if self.finished:
            raise InputError("The form is full; undo a line to go on in another way.")
        return replace(self, lines=(*self.lines, line), offered=(), undone=(), turn=0)

    def undo(self) -> Self:
        """The draft without its last line. Raises InputError where there is none."""
        if not self.lines:
            raise InputError("There is no line to undo.")
        return replace(self, lines=self.lines[:-1], undone=(*self.undone, self.lines[-1]), offered=(), turn=0)

    def redo(self) -> Self:
        """The draft with the line that was undone last. Raises InputError where there is none."""
        if not self.undone:
            raise InputError("There is no line to bring back.")
        return replace(self, lines=(*self.lines, self.undone[-1]), undone=self.undone[:-1], offered=(), turn=0)

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """What `as_json` gave. Raises InputError for anything else."""
        try:
            form = values["form"]
            if form is not None:
                lines = [Line(**{**line, "stress": tuple(line["stress"])}) for line in form["lines"]]
                form = Form(str(form["name"]), tuple(lines))
            texts = {name: tuple(map(str, values[name])) for name in ("lines", "offered", "undone")}
            return cls(form, str(values["prompt"]), int(values["seed"]), turn=int(values["turn"]), **texts)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(f"Expected a draft as it was saved, and {error} is not as it was.") from None


class Writing:
    """A draft at work, with the model that writes with it.

    draft: as it stands now. before: tokens that the model reads first. Each step raises what the same step of `Draft`
    raises, and leaves the draft as it was then.
    """

    def __init__(self, writer: VerseWriter, draft: Draft, before: Sequence[int], *, seed: int | None = None) -> None:
        self.writer, self.before = writer, before
        self.draft = draft if seed is None else replace(draft, seed=seed)

    @property
    def text(self) -> str:
        """The lines taken so far."""
        return self.draft.text

    @property
    def lines(self) -> tuple[str, ...]:
        """The same, one by one."""
        return self.draft.lines

    @property
    def finished(self) -> bool:
        """Whether the form is full."""
        return self.draft.finished

    def offer(self, count: int = 4) -> tuple[str, ...]:
        """Lines for what comes next; asked again, others."""
        with self.writer.stepper.device.computing():
            self.draft = self.draft.offer(self.writer, self.before, count)
        return self.draft.offered

    def take(self, number: int) -> str:
        """Take an offered line, from 0; the text with it."""
        self.draft = self.draft.take(number)
        return self.text

    def add(self, line: str) -> str:
        """Add a line of one's own; the text with it."""
        self.draft = self.draft.add(line)
        return self.text

    def undo(self) -> str:
        """Take the last line back; the text without it."""
        self.draft = self.draft.undo()
        return self.text

    def redo(self) -> str:
        """Bring back what was undone last; the text with it."""
        self.draft = self.draft.redo()
        return self.text


def _varied(found: Sequence[Drawn], count: int) -> tuple[str, ...]:
    """The most natural lines, those first that begin unlike the ones before."""
    best = sorted({line.text: line for line in found}.values(), key=lambda line: (-line.score, line.text))
    begun: dict[str, int] = {}
    rank = []
    for place, line in enumerate(best):
        first = normal((words_of(line.text) or [""])[0])
        rank.append((begun.get(first, 0), place))
        begun[first] = begun.get(first, 0) + 1
    return tuple(best[place].text for _, place in sorted(rank)[:count])
