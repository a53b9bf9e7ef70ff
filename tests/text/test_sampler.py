"""Texts word by word: the same alone and in a batch, stopped exactly, with no word that a guard refuses."""

from __future__ import annotations

import itertools
import random
import re

import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

from studio.device import Device
from studio.errors import InputError
from studio.text.sampler import Asked, Piece, write
from studio.text.sampling import Past, Sampling, draw
from studio.text.stepper import Stepper

WORDS = re.findall(r"\w+", "the rose is a red sea and the sun on an old grey stone by the long shore of a lost land")


def _tokenizer() -> Tokenizer:
    numbers = random.Random(0)
    lines = [" ".join(numbers.choices(WORDS, k=6)) + ",\n" for _ in range(200)]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(lines, trainers.BpeTrainer(vocab_size=80, special_tokens=["<|endoftext|>"]))
    return tokenizer


TOKENIZER = _tokenizer()
V = TOKENIZER.get_vocab_size()


@pytest.fixture(scope="module", params=["gpt2", "llama", "plain"])
def stepper(request: pytest.FixtureRequest) -> Stepper:
    torch.manual_seed(0)
    if request.param == "llama":
        network = LlamaForCausalLM(
            LlamaConfig(
                vocab_size=V, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
                num_key_value_heads=2, max_position_embeddings=48, bos_token_id=0, eos_token_id=0,
            )
        )  # fmt: skip
    else:
        network = GPT2LMHeadModel(
            GPT2Config(
                vocab_size=V, n_positions=48, n_embd=32, n_layer=2, n_head=4, resid_pdrop=0.0, embd_pdrop=0.0,
                attn_pdrop=0.0, bos_token_id=0, eos_token_id=0,
            )
        )  # fmt: skip
    for weight in network.parameters():
        weight.data.mul_(3)
    made = Stepper(network.eval(), Device())
    made.program = None if request.param == "plain" else made.program
    return made


def texts(stepper: Stepper, asked: list[Asked]) -> list[tuple[str, str]]:
    """The text of each, and why it ended."""
    found, reasons = [""] * len(asked), [""] * len(asked)
    for piece in write(stepper, TOKENIZER, asked):
        assert not reasons[piece.row] and (piece.text or piece.finished)
        found[piece.row] += piece.text
        reasons[piece.row] = piece.finished or ""
    return list(zip(found, reasons, strict=True))


def no_e(so_far: str, word: str) -> bool:
    assert not set(word) & set(" \n,")
    return "e" not in word


def various() -> list[Asked]:
    numbers = random.Random(2)
    some = []
    for seed in range(6):
        prompt = [numbers.randrange(V) for _ in range(numbers.randint(1, 60))]
        some.append(
            Asked(
                prompt,
                seed,
                max_tokens=20 + 11 * seed,
                sampling=Sampling(0.0 if seed == 4 else 1.0, top_p=0.9, repetition_penalty=1.2, no_repeat_ngram=3),
                stop=("on", "e\n") if seed % 2 else (),
                end=0,
                guard=no_e if seed in (2, 5) else None,
            )
        )
    return some


def test_each_text_is_the_same_alone_and_in_a_batch(stepper: Stepper) -> None:
    asked = various()
    together = texts(stepper, asked)
    assert together == [texts(stepper, [one])[0] for one in asked]
    assert together[::-1] == texts(stepper, asked[::-1])
    assert len({reason for _, reason in together}) > 1


def test_no_word_comes_out_that_is_refused(stepper: Stepper) -> None:
    plain = [Asked([5], seed, max_tokens=60, end=0) for seed in range(4)]
    guarded = [Asked([5], seed, max_tokens=60, end=0, guard=no_e) for seed in range(4)]
    assert any("e" in text for text, _ in texts(stepper, plain))
    for text, reason in texts(stepper, guarded):
        assert "e" not in text and reason in ("length", "end") and len(text) > 10


def test_a_guard_that_refuses_nothing_changes_nothing(stepper: Stepper) -> None:
    shown: list[tuple[str, str]] = []
    plain = Asked([5], 3, max_tokens=50)
    watched = Asked([5], 3, max_tokens=50, guard=lambda so_far, word: not shown.append((so_far, word)))
    text = texts(stepper, [plain])[0][0]
    assert texts(stepper, [watched])[0][0] == text
    assert [word for _, word in shown] == re.findall(r"[^\W_](?:[\w'’-]*[^\W_])?", text)
    assert all(text.startswith(so_far + word) for so_far, word in shown)


def test_a_word_that_the_prompt_begins_is_judged_as_a_whole(stepper: Stepper) -> None:
    begun, prompt = "the sh", TOKENIZER.encode("the sh").ids
    plain = [text for text, _ in texts(stepper, [Asked(prompt, seed, max_tokens=20) for seed in range(8)])]
    rests = [re.match(r"[\w'’-]*", text)[0] for text in plain]  # type: ignore[index]
    assert sum(map(bool, rests)) > 3
    for seed, rest in enumerate(rests):
        refused = f"sh{rest}"
        shown: list[str] = []

        def guard(so_far: str, word: str, refused: str = refused, shown: list[str] = shown) -> bool:
            shown.append(so_far)
            return (so_far + word).split()[-1].strip(",") != refused

        found = texts(stepper, [Asked(prompt, seed, max_tokens=20, guard=guard, begun=begun)])[0][0]
        assert all(so_far.startswith(begun) for so_far in shown)
        assert (found == plain[seed]) is not bool(rest)
        assert not rest or re.match(r"[\w'’-]*", begun.split()[-1] + found)[0] != refused  # type: ignore[index]


def test_a_guard_that_refuses_everything_ends_the_text(stepper: Stepper) -> None:
    text, reason = texts(stepper, [Asked([5], max_tokens=6, guard=lambda so_far, word: False)])[0]
    assert not re.search(r"\w", text) and reason in ("refused", "length")


def test_rules_against_repetition_see_the_whole_text(stepper: Stepper, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[tuple[list[int], int]] = []

    def spied(logits: object, pasts: list[Past], *others: object) -> list[int]:
        tokens = draw(logits, pasts, *others)  # type: ignore[arg-type]
        steps.extend((past.tokens.tolist(), token) for past, token in zip(pasts, tokens, strict=True))
        return tokens

    monkeypatch.setattr("studio.text.sampler.draw", spied)
    once = Sampling(top_p=0.99, repetition_penalty=1.3, no_repeat_ngram=1)
    texts(stepper, [Asked([7], max_tokens=stepper.context + 20, sampling=once)])
    past, last = steps[-1]
    assert len({*past, last}) == stepper.context + 21
    steps.clear()
    text, _ = texts(stepper, [Asked([7], 3, max_tokens=3 * stepper.context, guard=no_e)])[0]
    past, last = steps[-1]
    assert len(steps) > 3 * stepper.context == len(past)  # more were drawn than stayed
    assert TOKENIZER.decode([*past[1:], last]).startswith(text)


def test_a_text_ends_right_before_a_stop_string(stepper: Stepper) -> None:
    whole = texts(stepper, [Asked([7], 1, max_tokens=80)])[0][0]
    for start, size in itertools.product((5, 20, 33), (1, 3, 7)):
        stop = whole[start : start + size]
        found = texts(stepper, [Asked([7], 1, max_tokens=80, stop=(stop,))])[0]
        assert found == (whole[: whole.index(stop)], "stop")


def test_pieces_are_whole_words(stepper: Stepper) -> None:
    pieces = [piece.text for piece in write(stepper, TOKENIZER, [Asked([7], 1, max_tokens=80)])]
    for one, other in itertools.pairwise(pieces):
        assert not (re.search(r"\w\Z", one) and re.match(r"\w", other))
    assert len(pieces) > 5


def test_an_end_token_ends_a_text_and_is_not_printed(stepper: Stepper) -> None:
    found = [texts(stepper, [Asked([7], seed, max_tokens=500, end=0)])[0] for seed in range(3)]
    assert any(reason == "end" for _, reason in found)
    assert not any("<|endoftext|>" in text for text, _ in found)


def test_endless_texts_go_on_until_closed(stepper: Stepper) -> None:
    writing = write(stepper, TOKENIZER, [Asked([7], max_tokens=None), Asked([8], max_tokens=None)])
    pieces = list(itertools.islice(writing, 120))
    assert {piece.row for piece in pieces} == {0, 1} and not any(piece.finished for piece in pieces)
    writing.close()
    assert next(writing, None) is None


def test_what_cannot_be_asked() -> None:
    with pytest.raises(InputError, match="at least one token"):
        Asked([])
    with pytest.raises(InputError, match="max_tokens"):
        Asked([1], max_tokens=0)
    assert Piece(0, "a").finished is None
