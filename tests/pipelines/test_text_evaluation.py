"""The figures of a language model: what text that was held out costs it, and its own texts beside real ones."""

from __future__ import annotations

import json
import logging
import math
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from studio.cli import main
from studio.device import choose
from studio.errors import InputError, StoppedError
from studio.pipelines import text_evaluation
from studio.pipelines.text import TextPipeline
from studio.pipelines.text_evaluation import Originality, TextEvaluation, evaluate_text, predict
from studio.text.measures import MEASURES
from studio.text.originality import Index
from studio.training.parameters import TextTrainingParameters
from studio.training.run import Source, train

WORDS = ("the", "a", "sea", "moon", "rose", "bell", "sang", "slept", "went", "over", "under", "green", "old", "and")


def write_verse(path: Path, seed: int, lines: int = 2000) -> Path:
    """Lines of words by chance, in stanzas of four."""
    chance = random.Random(seed)
    made = [" ".join(chance.choices(WORDS, k=6)).capitalize() + ",\n" * (1 + (n % 4 == 3)) for n in range(lines)]
    path.write_text("".join(made).replace(",\n,", ",\n"))
    return path


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A text, another one, and a network that saw the first for some steps."""
    folder = tmp_path_factory.mktemp("evaluated")
    write_verse(folder / "verse.txt", 0)
    write_verse(folder / "other.txt", 1)
    chosen = TextTrainingParameters(
        layers=1, width=16, heads=2, context=32, vocabulary=300, steps=20, batch_size=8, check_every=1000, warmup=2
    )
    train("text", Source(str(folder / "verse.txt")), folder / "model", chosen, choose("cpu", "float32", 1))
    return folder


@pytest.fixture(scope="module")
def pipe(room: Path) -> TextPipeline:
    return TextPipeline.from_pretrained(room / "model", threads=1)


@pytest.fixture(scope="module", autouse=True)
def _short() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_evaluation, "TOKENS", 40)
        yield


@pytest.fixture(scope="module")
def found(room: Path, pipe: TextPipeline) -> TextEvaluation:
    return evaluate_text(pipe, room / "verse.txt", count=8, in_form=0)


def test_it_is_measured_by_what_was_held_out(found: TextEvaluation) -> None:
    assert found.unseen and found.predictions.bytes == pytest.approx(0.05 * 2000 * 28, rel=0.15)
    assert "held out from training" in found.in_words().splitlines()[0]
    assert 1 < found.predictions.bits_per_byte < 8
    assert found.predictions.bits_per_byte == pytest.approx(
        found.predictions.nats_per_token * found.predictions.tokens / math.log(2) / found.predictions.bytes
    )


def test_others_are_measured_by_the_same_bytes(found: TextEvaluation) -> None:
    beside = found.baselines
    assert beside.ngrams < found.predictions.bits_per_byte, "20 steps are few"
    assert beside.ngrams < beside.xz_after < beside.xz < 8
    assert beside.counted == beside.before > 10 * found.predictions.bytes


def test_every_token_is_counted_once_and_with_half_a_context(pipe: TextPipeline) -> None:
    """By a plain loop: each token after as many before it as the last window that has it in its second half."""
    tokens = pipe.tokenizer.encode("The moon sang over the old sea, and the wind slept.\n" * 20).ids
    for length in (1, 2, 31, 32, 33, 40, 48, 49, 100):
        read = [0, *tokens[:length]]
        window = min(32, length)
        own = predict(pipe.network, pipe.tokenizer, tokens[:length], 10, pipe.device)
        total, done, start = 0.0, 0, 0
        while done < length:
            with torch.no_grad():
                logits = pipe.network(input_ids=torch.tensor([read[start : start + window]])).logits[0].double()
            for place in range(window):
                if start + place >= done:
                    assert start == 0 or place >= window // 2 - 1
                    total -= float(logits[place].log_softmax(0)[read[start + place + 1]])
            done = start + window
            start = min(start + max(1, window // 2), length - window)
        assert own.tokens == length and own.nats_per_token == pytest.approx(total / length, rel=1e-4)


def test_its_own_texts_stand_beside_as_many_real_ones(found: TextEvaluation) -> None:
    assert found.made == 8 and found.known is not None and 0 <= found.known < 0.5
    assert list(found.measures_of_made) == list(found.measures_of_real) == [measure.name for measure in MEASURES]
    assert found.originality_of_made is not None and found.originality_of_real is not None
    assert found.measures_of_real["words a line"] == pytest.approx(6, abs=1.5)
    table = found.table()
    assert len(table) == 1 + len(MEASURES) and len({len(line) for line in table}) == 1


def test_as_json(found: TextEvaluation) -> None:
    read = json.loads(json.dumps(found.to_dict()))
    assert read["predictions"]["bits_per_byte"] == found.predictions.bits_per_byte
    assert set(read) == {
        "predictions", "baselines", "held_out", "known", "made", "seed", "measures", "forms", "originality",
    }  # fmt: skip


def test_other_data(room: Path, pipe: TextPipeline, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "studio"):
        other = evaluate_text(pipe, room / "other.txt", count=8, in_form=0, most=1000)
    assert not other.unseen and "which is not what it learnt from" in other.in_words()
    assert "other.txt is not what" in caplog.text and other.predictions.bytes == pytest.approx(1000, abs=20)


def test_what_is_copied() -> None:
    index = Index.build(["one two three four five six seven eight nine ten"])
    own = Originality.of(["one two three four five six", "nothing of it", "zero one two three"], index)
    assert own.median == 0 and own.high == pytest.approx(5.4)
    assert own.in_words() == "fewer than 5 words, 95 % up to 5"
    assert Originality.of(["nothing of it"], index).in_words() == "fewer than 5 words"
    assert Originality(6.0, 9.0).in_words() == "6 words, 95 % up to 9"


def test_bad_numbers(room: Path, pipe: TextPipeline) -> None:
    with pytest.raises(InputError, match="Expected 8 to 50,000 texts to make and measure, got 7"):
        evaluate_text(pipe, room / "verse.txt", count=7)
    with pytest.raises(InputError, match="There is no file or folder"):
        evaluate_text(pipe, room / "none.txt")
    with pytest.raises(InputError, match="no text to measure"):
        predict(pipe.network, pipe.tokenizer, np.empty(0, np.int64), 1, pipe.device)


def test_it_can_be_stopped(room: Path, pipe: TextPipeline) -> None:
    seen = []
    with pytest.raises(StoppedError, match="nothing was measured"):
        evaluate_text(
            pipe, room / "verse.txt", count=8, callback=lambda told: seen.append(told) or told.stage == "writing texts"
        )
    assert seen[0].stage == "reading" and seen[-1].preview().size[0] > 0


def test_by_the_command(room: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    given = ["evaluate", str(room / "model"), "--data", str(room / "verse.txt"), "--count", "8", "--threads", "1"]
    monkeypatch.setattr(text_evaluation, "IN_FORM", 0)
    assert main([*given, "--sheet", str(room / "sheet.png")]) == 2
    assert "makes texts, of which there is no --sheet" in capsys.readouterr().err
