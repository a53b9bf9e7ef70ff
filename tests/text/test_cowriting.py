"""Lines are offered, taken, undone and brought back; a draft is a value and goes through JSON."""

from __future__ import annotations

import copy
import json
from dataclasses import replace

import numpy as np
import pytest
from tokenizers import Tokenizer

from studio.errors import InputError
from studio.text.cowriting import Draft, Writing
from studio.text.sampling import Sampling
from studio.text.stepper import Stepper
from studio.text.verse_writer import VerseWriter
from studio.text.vocabulary import Vocabulary
from studio.verse.checker import score
from studio.verse.forms import Form, haiku
from studio.verse.lexicon import Lexicon


@pytest.fixture(scope="module")
def writer(stepper: Stepper, tokenizer: Tokenizer, vocabulary: Vocabulary) -> VerseWriter:
    return VerseWriter(stepper, tokenizer, vocabulary, Sampling(), candidates=3)


def test_every_offered_line_fits_and_a_poem_grows(writer: VerseWriter) -> None:
    draft = Draft(haiku(), seed=3)
    for number in range(3):
        draft = draft.offer(writer, [0], 3)
        assert len(set(draft.offered)) == 3
        for line in draft.offered:
            begun = Form("haiku", haiku().lines[: number + 1])
            assert score("\n".join((*draft.lines, line)), begun, Lexicon.load()).passed
        draft = draft.take(number)
    assert draft.finished and score(draft.text, haiku(), Lexicon.load()).passed
    with pytest.raises(InputError, match="form is full"):
        draft.offer(writer, [0])


def test_offers_are_fixed_by_the_seed_and_others_every_time(writer: VerseWriter) -> None:
    draft = Draft(haiku(), seed=1)
    first = draft.offer(writer, [0], 2)
    assert first == draft.offer(writer, [0], 2)
    assert first.offer(writer, [0], 2).offered != first.offered


def test_several_lines_are_offered_at_temperature_0_too(writer: VerseWriter) -> None:
    likeliest = replace(writer, sampling=Sampling(temperature=0.0))
    draft = Draft(haiku()).offer(likeliest, [0], 4)
    assert len(set(draft.offered)) == 4 and next(likeliest.write(haiku(), [0], seed=0)).lines[0] in draft.offered
    assert set(draft.offer(likeliest, [0], 4).offered) != set(draft.offered)


def test_undo_and_redo() -> None:
    draft = Draft().add("one line").add(" and  another ")
    assert draft.text == "one line\nand another"
    back = draft.undo().undo()
    assert back.lines == () and back.redo().redo().lines == draft.lines
    assert back.redo().add("a third").undone == ()
    for step, words in ((back.undo, "no line to undo"), (draft.redo, "no line to bring back")):
        with pytest.raises(InputError, match=words):
            step()


def test_a_line_without_a_form_is_one_line(writer: VerseWriter, tokenizer: Tokenizer, vocabulary: Vocabulary) -> None:
    plain = copy.copy(vocabulary)  # a network that knows nothing writes bytes that are no text
    letters = [number for piece, number in tokenizer.get_vocab().items() if piece.strip("Ġ").isascii()]
    plain.within_line = np.isin(np.arange(plain.size), letters) & vocabulary.within_line
    shown: set[str] = set()
    writer = replace(writer, vocabulary=plain, accept=lambda before, line: not shown.add(before))
    draft = Draft(seed=2).add("The sea was still").offer(writer, [0], 2)
    assert draft.offered and all(line and "\n" not in line and "<|" not in line for line in draft.offered)
    assert not draft.finished and shown == {"The sea was still\n"}


def test_a_draft_goes_through_json(writer: VerseWriter) -> None:
    draft = Draft(haiku(), "the sea", 4).offer(writer, [0], 2).take(0).undo()
    assert Draft.from_json(json.loads(json.dumps(draft.as_json()))) == draft
    for broken in ({}, {**draft.as_json(), "form": {"name": "x"}}, {**draft.as_json(), "seed": "many"}):
        with pytest.raises(InputError, match="draft as it was saved"):
            Draft.from_json(broken)


def test_a_draft_at_work(writer: VerseWriter) -> None:
    writing = Writing(writer, Draft(haiku()), [0], seed=7)
    lines = writing.offer(2)
    assert len(lines) == 2 and writing.take(1) == lines[1] and writing.lines == (lines[1],)
    assert writing.undo() == "" and writing.redo() == lines[1] and not writing.finished
    with pytest.raises(InputError):
        writing.take(0)
    assert writing.add("my own") == lines[1] + "\nmy own"


def test_what_is_not_there_cannot_be_taken(writer: VerseWriter) -> None:
    with pytest.raises(InputError, match="0 lines offered, got number 1"):
        Draft().take(0)
    with pytest.raises(InputError, match="empty one"):
        Draft().add("  ")
    with pytest.raises(InputError, match="from 1 to 16"):
        Draft().offer(writer, [0], 0)
    with pytest.raises(InputError, match="does not fit the haiku"):
        Draft(haiku()).add("much too long to be a line of a haiku").offer(writer, [0])
