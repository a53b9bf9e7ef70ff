"""Texts being written behind a page: what there is of each so far, and the result when all are whole."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from PIL import Image

from studio.progress import Callback, Progress
from studio.text.parameters import TextParameters
from studio.text.prompt import begun

if TYPE_CHECKING:
    from studio.pipelines.text import TextPipeline
    from studio.pipelines.text_result import TextResult
    from studio.text.verse_writer import VerseWriter

ENDINGS = {
    "refused": "It ends here: no word was left that may come next.",
    "length": "It goes on: its longest length was reached.",
}
"""Why a free text ended, where its reader may wonder."""


@dataclass
class Growing:
    """Texts as they grow, filled in one thread and read in another.

    texts: so far; over: whether each is whole; notes: why it ended, in words; news: rises with every change.
    """

    texts: list[str]
    over: list[bool] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    missing: list[tuple[str, ...]] = field(default_factory=list)
    news: int = 0

    def __post_init__(self) -> None:
        count = len(self.texts)
        self.over, self.notes, self.missing = [False] * count, [""] * count, [()] * count

    def put(self, number: int, text: str) -> None:
        """A text is this now."""
        self.texts[number] = text
        self.news += 1

    def end(self, number: int, note: str = "", missing: tuple[str, ...] = ()) -> None:
        """A text is whole."""
        self.texts[number] = self.texts[number].rstrip()
        self.over[number], self.notes[number], self.missing[number] = True, note, missing
        self.news += 1


def written(pipe: TextPipeline, chosen: TextParameters, growing: Growing, report: Callback) -> None:
    """Write all texts into `growing`, free ones side by side; as far as they are when `report` says to stop."""
    began = time.monotonic()

    def stopped(done: float) -> bool:
        return bool(report(report_on(done, time.monotonic() - began)))

    with pipe.device.computing():
        (_free if chosen.form == "free" else _verse)(pipe, chosen, growing, stopped)


def report_on(done: float, elapsed: float = 0.0) -> Progress:
    """How far the work is, from 0 to 1; what there is to see of it the page sees by itself."""
    left = elapsed / done - elapsed if done else 0.0
    return Progress(round(done * 100), 100, done, elapsed, left, float("nan"), "writing", _blank)


def result_of(pipe: TextPipeline, chosen: TextParameters, growing: Growing, number: int) -> TextResult:
    """A text that is whole, as a call for it alone gives it."""
    from studio.pipelines.text_result import TextResult
    from studio.recipe import Recipe, environment
    from studio.verse import checker
    from studio.verse.lexicon import Lexicon

    alone = chosen.changed(count=1, seed=chosen.seed + number)
    recipe = Recipe(pipe.name, alone.to_dict(), pipe.model, {}, environment(pipe.device.environment()))
    whole, form = growing.texts[number], chosen.verse
    return TextResult(
        texts=[whole],
        prompts=(chosen.prompt,),
        scores=(None if form is None else checker.score(whole, form, Lexicon.load()),),
        missing=(growing.missing[number],),
        copied=(pipe.copied(whole),),
        seeds=(alone.seed,),
        recipe=recipe,
        recipes=(recipe,),
    )


def _free(pipe: TextPipeline, chosen: TextParameters, growing: Growing, stopped: Callable[[float], bool]) -> None:
    count = chosen.count
    for number in range(count):
        growing.put(number, begun(chosen.prompt))
    with closing(pipe.stream_batch((chosen.prompt,) * count, parameters=chosen)) as pieces:  # type: ignore[type-var]
        for steps, piece in enumerate(pieces):
            so_far = growing.texts[piece.row]
            growing.put(piece.row, so_far + piece.text if so_far else piece.text.lstrip())
            if piece.finished:
                growing.end(piece.row, ENDINGS.get(piece.finished, ""))
            if stopped(min(0.99, steps / (count * chosen.max_tokens))):
                return


def desk(pipe: TextPipeline, chosen: TextParameters) -> tuple[VerseWriter, Sequence[int]]:
    """(what writes lines, the tokens that it reads first)."""
    writing = pipe.draft(parameters=chosen)
    return writing.writer, writing.before


def _verse(pipe: TextPipeline, chosen: TextParameters, growing: Growing, stopped: Callable[[float], bool]) -> None:
    form = chosen.verse
    assert form is not None
    writer, before = desk(pipe, chosen)
    for number in range(chosen.count):
        for poem in writer.write(form, before, seed=chosen.seed + number):
            growing.put(number, poem.text)
            if poem.finished:
                growing.end(number, missing=poem.missing)
            if stopped((number + len(poem.lines) / len(form.lines)) / chosen.count):
                return
        if not growing.over[number]:
            growing.end(number, missing=("It could not be written to its end within the tries.",))


def _blank() -> Image.Image:
    return Image.new("L", (1, 1))
