"""The text pipeline: what a seed promises, forms, streams, files with recipes, and refusals in one line."""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from studio.data.tokens import train_tokenizer
from studio.device import choose
from studio.errors import InputError, ModelError, StoppedError
from studio.media import images
from studio.pipelines.text import TextPipeline
from studio.progress import Callback, Progress
from studio.recipe import recipe_of
from studio.remake import remake
from studio.text.originality import Index
from studio.text.parameters import TextParameters
from studio.text.stepper import Texts
from studio.verse import checker, forms
from studio.verse.lexicon import Lexicon
from studio.zoo import causal_lm as zoo
from tests.training.test_text import VERSE

CONTEXT = 64


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A GPT with random weights, in a folder."""
    torch.manual_seed(0)
    tokenizer = train_tokenizer([VERSE], len(VERSE), 330)
    shape = {"layers": 2, "width": 32, "heads": 2, "context": CONTEXT}
    network = zoo.build(**shape, vocabulary=tokenizer.get_vocab_size(), dropout=0.0)
    folder = tmp_path_factory.mktemp("text") / "tiny"
    return zoo.save_model(folder, network, tokenizer, Index.build([VERSE]), {}, "# tiny")


@pytest.fixture(scope="session")
def pipe(model: Path) -> TextPipeline:
    return TextPipeline.from_pretrained(model, device="cpu", threads=1)


def test_a_network_may_have_more_tokens_than_its_tokenizer(pipe: TextPipeline, tmp_path: Path) -> None:
    torch.manual_seed(1)
    size = pipe.tokenizer.get_vocab_size() + 30
    network = zoo.build(layers=1, width=32, heads=2, context=CONTEXT, vocabulary=size, dropout=0.0)
    other = TextPipeline.from_pretrained(zoo.save_model(tmp_path / "more", network, pipe.tokenizer, None, {}, ""))
    assert other(form="haiku", candidates=4).scores[0].passed  # type: ignore[union-attr]
    assert other(max_tokens=100, count=3).texts


def test_a_text_is_the_same_alone_and_in_a_batch(pipe: TextPipeline) -> None:
    prompts = ["The owl", "", "The sea of glass sang to the moon,\nAnd", "Why?", "The rose of Rome"]
    together = pipe(prompts=prompts, max_tokens=100, seed=5)
    for number, prompt in enumerate(prompts):
        alone = pipe(prompt=prompt, max_tokens=100, seed=5 + number)
        assert alone.texts[0] == together.texts[number]
        assert alone.recipe == together.recipes[number]
        assert alone.texts[0].startswith(prompt)
    assert len(set(pipe(count=6, max_tokens=30).texts)) == 6


def test_greedy_texts_are_the_same_in_company_too(pipe: TextPipeline) -> None:
    prompts = ["The owl", "The bell of winter", "And"]
    together = pipe(prompts=prompts, max_tokens=40, temperature=0).texts
    assert together == [pipe(prompt=prompt, max_tokens=40, temperature=0, seed=9).texts[0] for prompt in prompts]


def test_a_stream_is_the_text_in_whole_words(pipe: TextPipeline) -> None:
    pieces = list(pipe.stream("The owl", max_tokens=60, seed=3))
    assert "".join(pieces).rstrip() == pipe(prompt="The owl", max_tokens=60, seed=3).texts[0]
    assert len(pieces) > 10
    streamed = [""] * 3
    endings = {}
    for piece in pipe.stream_batch(["The owl", "A", "And"], max_tokens=20, seed=3):
        streamed[piece.row] += piece.text
        if piece.finished:
            endings[piece.row] = piece.finished
    assert endings.keys() == {0, 1, 2}
    assert "The owl" + streamed[0] == pipe(prompt="The owl", max_tokens=20, seed=3).texts[0] or streamed[0].endswith(
        " "
    )


def test_many_streams_are_written_in_groups(pipe: TextPipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    begin, rows, written = pipe.stepper.begin, [], [""] * 70

    def counted(prompts: Sequence[Sequence[int]]) -> Texts:
        rows.append(len(prompts))
        return begin(prompts)

    monkeypatch.setattr(pipe.stepper, "begin", counted)
    endings = 0
    for piece in pipe.stream_batch(["The owl"] * 70, max_tokens=6, seed=3):
        written[piece.row] += piece.text
        endings += piece.finished is not None
    assert rows == [32, 32, 6] and endings == 70
    assert [f"The owl{text}".rstrip() for text in written] == pipe(
        prompt="The owl", max_tokens=6, seed=3, count=70
    ).texts


@pytest.mark.parametrize("number", [-1, 2, 9])
def test_a_stream_of_no_text_is_refused(pipe: TextPipeline, number: int) -> None:
    with pytest.raises(InputError, match=rf"number of one of 2 texts, from 0 to 1, got {number}\."):
        pipe.stream(parameters=TextParameters(count=2), number=number)


def test_a_stream_can_be_closed(pipe: TextPipeline) -> None:
    stream = pipe.stream("The owl", max_tokens=10_000)
    assert next(stream) == "The owl"
    stream.close()  # type: ignore[attr-defined]


def test_it_goes_on_past_its_context(pipe: TextPipeline) -> None:
    longer = pipe(prompt="The owl", max_tokens=4 * CONTEXT, count=8).texts
    shorter = pipe(prompt="The owl", max_tokens=CONTEXT // 2, count=8).texts
    assert all(text.startswith(begun[:-20]) for text, begun in zip(longer, shorter, strict=True))
    assert max(len(pipe.tokenizer.encode(text).ids) for text in longer) > 2 * CONTEXT
    assert pipe(prompt=VERSE[:3000], max_tokens=5).texts[0].startswith(VERSE[:3000])


def test_stop_strings_stop_exactly(pipe: TextPipeline) -> None:
    free = pipe(prompt="The owl", max_tokens=150, seed=2).texts[0]
    inside = free[40:43]
    stopped = pipe(prompt="The owl", max_tokens=150, seed=2, stop=(inside,)).texts[0]
    assert stopped == free[: free.index(inside, 7)].rstrip()


@pytest.mark.parametrize(
    ("options", "form"),
    [
        ({"form": "haiku"}, forms.haiku()),
        ({"form": "acrostic", "letters": "sea"}, forms.acrostic("sea")),
        ({"form": "rhyme", "scheme": "AA", "syllables": "8"}, forms.rhymed("AA", "8")),
    ],
)
def test_forms_are_kept(pipe: TextPipeline, options: dict[str, str], form: forms.Form) -> None:
    result = pipe(count=2, seed=4, candidates=4, **options)
    for text, score in zip(result.texts, result.scores, strict=True):
        assert score is not None and score.passed, (text, score)
        assert checker.score(text, form, Lexicon.load()).passed
    assert pipe(seed=5, candidates=4, **options).texts == [result.texts[1]]
    assert "".join(pipe.stream(seed=5, candidates=4, **options)) == result.texts[1]
    assert result.warnings == []


def test_stanzas_stream_as_soon_as_they_are_whole(pipe: TextPipeline) -> None:
    stream = pipe.stream(seed=1, candidates=4, form="rhyme", scheme="AA BB CC", syllables="6")
    first = [next(stream), next(stream)]
    rest = list(stream)
    assert "".join(first + rest) == pipe(seed=1, candidates=4, form="rhyme", scheme="AA BB CC", syllables="6").texts[0]
    assert len("".join(first).splitlines()) == 2 and not first[1].endswith("\n")


def test_a_form_that_cannot_be_met_says_so_and_keeps_the_best(pipe: TextPipeline) -> None:
    result = pipe(form="rhyme", scheme="A" * 40, syllables="1", tries=1, candidates=1)
    assert result.texts[0] and not result.scores[0].passed  # type: ignore[union-attr]
    assert "The best attempt is kept." in result.warnings[0]


def test_files_carry_their_recipes_and_are_made_again(pipe: TextPipeline, model: Path, tmp_path: Path) -> None:
    result = pipe(prompt="The owl", max_tokens=30, seed=8)
    for name in ("poem.txt", "poem.png"):
        result.save(tmp_path / name)
        again = remake(tmp_path / name, model=str(model))
        again.save(tmp_path / f"again{name[-4:]}")
        assert (tmp_path / name).read_bytes() == (tmp_path / f"again{name[-4:]}").read_bytes()
    assert (tmp_path / "poem.txt").read_bytes() == f"{result.texts[0]}\n".encode()
    assert (tmp_path / "poem.txt.json").read_bytes() == (tmp_path / "again.txt.json").read_bytes()
    assert recipe_of(tmp_path / "poem.txt").parameters["prompt"] == "The owl"
    assert images.open_picture(tmp_path / "poem.png").image.width >= 480


def test_a_page_that_is_too_short_says_so(
    pipe: TextPipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("studio.media.page.LONGEST", 2)
    with caplog.at_level(logging.WARNING, "studio"):
        pipe(prompt="one\ntwo\nthree\nfour", max_tokens=1, stop=("\n",)).save(tmp_path / "poem.png")
    assert "poem.png has no room for 2 lines; as .txt the text is whole." in caplog.text


def test_several_texts_go_into_a_folder(pipe: TextPipeline, model: Path, tmp_path: Path) -> None:
    result = pipe(prompts=("The owl", "The cat"), max_tokens=10)
    result.save(tmp_path / "poems")
    names = sorted(path.name for path in (tmp_path / "poems").iterdir())
    assert names == ["poems-0000.txt", "poems-0000.txt.json", "poems-0001.txt", "poems-0001.txt.json"]
    again = remake(tmp_path / "poems" / "poems-0001.txt", model=str(model))
    assert again.texts == result.texts[1:] and result.alone(1).recipe == again.recipe


def test_words_of_a_list_never_come_out(pipe: TextPipeline, model: Path, tmp_path: Path) -> None:
    plain = pipe(max_tokens=100, seed=6).texts[0]
    word = max((word for word in plain.split() if word.isalpha()), key=len)
    (tmp_path / "mine.txt").write_text(f"# not this\n{word}\n")
    result = pipe(max_tokens=100, seed=6, refused=tmp_path / "mine.txt")
    assert word.lower() not in result.texts[0].lower().split()
    result.save(tmp_path / "poem.txt")
    assert remake(tmp_path / "poem.txt", model=str(model)).texts == result.texts


def test_a_draft_has_its_prompt_and_its_list(pipe: TextPipeline, tmp_path: Path) -> None:
    asked: dict[str, Any] = {"prompt": "The owl", "form": "haiku", "candidates": 4, "seed": 3}
    draft = pipe.draft(**asked)
    assert (draft.draft.prompt, draft.draft.form, draft.draft.seed) == ("The owl", forms.haiku(), 3)
    word = re.findall(r"[a-z]+", draft.offer(1)[0].lower())[-1]
    (tmp_path / "mine.txt").write_text(f"{word}\n")
    others = pipe.draft(**asked, refused=tmp_path / "mine.txt").offer(4)
    assert others and not any(word in re.findall(r"[a-z]+", line.lower()) for line in others)


@pytest.mark.parametrize("options", [{"max_tokens": 60}, {"form": "haiku", "candidates": 4}])
def test_a_list_is_read_as_it_is_now(pipe: TextPipeline, tmp_path: Path, options: dict[str, Any]) -> None:
    mine = tmp_path / "mine.txt"
    mine.write_text("# nothing\n")
    before = pipe(seed=6, refused=mine, **options)
    word = max(re.findall(r"(?<![\w'])[a-z]+(?![\w'])", before.texts[0]), key=len)
    mine.write_text(f"{word}\n")
    after = pipe(seed=6, refused=mine, **options)
    assert word not in re.findall(r"[a-z]+", after.texts[0].lower())
    (source,) = after.recipe.inputs["refused"]
    assert source.sha256 == hashlib.sha256(mine.read_bytes()).hexdigest()
    assert source != before.recipe.inputs["refused"][0]


def test_a_recipe_names_the_list_that_was_used(pipe: TextPipeline, tmp_path: Path) -> None:
    mine = tmp_path / "mine.txt"
    mine.write_text("# nothing\n")
    wanted = hashlib.sha256(mine.read_bytes()).hexdigest()

    def edited(progress: Progress) -> bool:
        mine.write_text("# another\n")
        return False

    assert pipe(max_tokens=5, refused=mine, callback=edited).recipe.inputs["refused"][0].sha256 == wanted


def test_a_refused_word_does_not_come_out_because_the_prompt_begins_it(pipe: TextPipeline, tmp_path: Path) -> None:
    texts = pipe(prompt="The be", max_tokens=20, count=40).texts
    found = [re.match(r"The ([a-z]{3,})(?![\w'’-])", text) for text in texts]
    seed, word = next((seed, match[1]) for seed, match in enumerate(found) if match)
    (tmp_path / "mine.txt").write_text(f"{word}\nthe\n")
    other = pipe(prompt="The be", max_tokens=20, seed=seed, refused=tmp_path / "mine.txt").texts[0]
    assert other.startswith("The be") and not re.match(rf"The {word}\b", other)
    assert "".join(pipe.stream("The be", max_tokens=20, seed=seed, refused=tmp_path / "mine.txt")).rstrip() == other


def test_originality_is_shown_and_kept(model: Path) -> None:
    pipe = TextPipeline.from_pretrained(model, device="cpu", threads=1)
    assert pipe.copied("Then the owl of night sang to the moon, he said").words >= 8  # type: ignore[union-attr]
    result = pipe(max_tokens=60, original=6)
    assert result.copied[0] is not None and result.copied[0].words <= 6
    with pytest.raises(InputError, match="Expected 5 or more words that may be copied in a row, got 3"):
        pipe(original=3)
    pipe.index = None
    with pytest.raises(InputError, match="does not say what it learnt from, so leave out --original"):
        pipe(original=6)


def test_it_can_be_stopped(pipe: TextPipeline) -> None:
    def beyond(part: float) -> Callback:
        def soon(progress: Progress) -> bool:
            assert 0 <= progress.fraction <= 1 and progress.preview().width
            return progress.fraction > part

        return soon

    with pytest.raises(StoppedError, match="stopped; no text was finished"):
        pipe(prompt="The owl", max_tokens=500, callback=beyond(0.0))
    result = pipe(count=40, max_tokens=3, callback=beyond(0.9))
    assert not result.finished and 32 <= len(result.texts) < 40
    assert pipe(count=2, form="haiku", candidates=2, callback=beyond(0.6)).finished is False


def test_control_characters_are_left_out_of_a_prompt(pipe: TextPipeline, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "studio"):
        text = pipe(prompt="The\x07 owl\x1b", max_tokens=5).texts[0]
    assert text.startswith("The owl") and "2 control characters were left out of the prompt" in caplog.text


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"temperature": -1}, "temperature: should be greater than or equal to 0, got -1"),
        ({"temperature": float("nan")}, "temperature"),
        ({"stop": ("",)}, r"stop\.0: .*at least 1 character"),
        ({"prompt": "x" * 1_000_000}, "prompt: .*at most 50000 characters, got 'xxx"),
        ({"form": "haiku", "scheme": "AB"}, "--scheme is for --form sonnet or --form rhyme, not haiku"),
        ({"form": "acrostic"}, "Expected --letters with --form acrostic"),
        ({"form": "rhyme"}, "Expected --scheme with --form rhyme"),
        ({"form": "ode"}, "form: should be 'free', 'haiku'"),
        ({"prompt": "a", "prompts": ("b",)}, "Expected prompts, or one prompt and a count"),
        ({"top_p": 0}, "top_p: should be greater than 0"),
        ({"seed": 2**63 - 1, "count": 2}, "There are not 2 seeds from 9223372036854775807 on; give a smaller one"),
        ({"seed": 2**63 - 2, "prompts": ("a", "b", "c")}, "There are not 3 seeds from"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(options: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        TextParameters(**options)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


def test_the_last_seed_can_be_used(pipe: TextPipeline) -> None:
    assert pipe(seed=2**63 - 2, count=2, max_tokens=3).seeds == (2**63 - 2, 2**63 - 1)


def test_models_that_are_none_are_refused(tmp_path: Path, model: Path) -> None:
    with pytest.raises(ModelError, match="melody-folk is no language model but a melody_lstm"):
        TextPipeline.from_pretrained("melody-folk")
    (tmp_path / "pickle").mkdir()
    torch.save({}, tmp_path / "pickle" / "pytorch_model.bin")
    (tmp_path / "pickle" / "config.json").write_text(json.dumps({"architectures": ["GPT2LMHeadModel"]}))
    with pytest.raises(ModelError, match=r"holds no \.safetensors weights"):
        TextPipeline.from_pretrained(tmp_path / "pickle")
    copied = TextPipeline.from_pretrained(model, device="cpu").save_pretrained(tmp_path / "copy")
    assert TextPipeline.from_pretrained(copied).model.sha256 == TextPipeline.from_pretrained(model).model.sha256
    (copied / "tokenizer.json").write_text("{}")
    with pytest.raises(ModelError, match=r"tokenizer\.json is damaged"):
        TextPipeline.from_pretrained(copied)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_threads_do_not_change_a_text(model: Path, precision: str) -> None:
    one = TextPipeline.from_pretrained(model, device="cpu", precision=precision, threads=1)
    two = TextPipeline.from_pretrained(model, device="cpu", precision=precision, threads=2)
    assert one.device == choose("cpu", precision, 1)
    texts = one(count=10, max_tokens=40).texts
    assert two(count=10, max_tokens=40).texts == texts
    assert [one(seed=seed, max_tokens=40).texts[0] for seed in range(10)] == texts
