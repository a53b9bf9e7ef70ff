"""Tokens as they come give the text that all of them give at once."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from studio.text.detokenizer import Detokenizer

TEXT = ["The rose is red, naïve – “Œuvre” 🌹 日本語.\n\nA line, and another line.", "the sea, the sea!"] * 3


def of_bytes() -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(
        TEXT, trainers.BpeTrainer(vocab_size=300, special_tokens=["<|endoftext|>"], initial_alphabet=alphabet)
    )
    tokenizer.add_tokens([AddedToken("naïve ☂")])
    return tokenizer


def with_fallback() -> Tokenizer:
    """Llama's kind: spaces as ▁, bytes for what the vocabulary has not."""
    pieces = [("<unk>", 0.0), ("<s>", 0.0), *((f"<0x{byte:02X}>", -9.0) for byte in range(256))]
    pieces += [(letter, -5.0) for letter in "▁Therosidamnl,."] + [("▁the", -2.0), ("▁sea", -2.0), ("rose", -2.0)]
    tokenizer = Tokenizer(models.Unigram(pieces, 0, byte_fallback=True))
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    tokenizer.add_special_tokens(["<s>"])
    return tokenizer


TOKENIZERS = [of_bytes(), with_fallback()]


@settings(deadline=None)
@given(st.sampled_from(TOKENIZERS), st.text(st.sampled_from("The sea rose🌹日ïé\n."), max_size=40))
def test_texts_come_back_whole(tokenizer: Tokenizer, text: str) -> None:
    tokens = tokenizer.encode(text, add_special_tokens=False).ids
    stream = Detokenizer(tokenizer)
    pieces = [stream.push(token) for token in tokens]
    assert not any("\N{REPLACEMENT CHARACTER}" in piece for piece in pieces)
    assert "".join(pieces) + stream.finish() == tokenizer.decode(tokens)


@settings(deadline=None)
@given(st.lists(st.integers(0, TOKENIZERS[0].get_vocab_size() - 1), max_size=30))
def test_any_bytes_give_what_the_tokenizer_gives(tokens: list[int]) -> None:
    stream = Detokenizer(TOKENIZERS[0])
    assert "".join(map(stream.push, tokens)) + stream.finish() == TOKENIZERS[0].decode(tokens)


def test_special_tokens_are_not_printed() -> None:
    for tokenizer, special in zip(TOKENIZERS, ["<|endoftext|>", "<s>"], strict=True):
        token = tokenizer.token_to_id(special)
        ids = [token, *tokenizer.encode("the sea", add_special_tokens=False).ids, token]
        stream = Detokenizer(tokenizer)
        assert "".join(map(stream.push, ids)) + stream.finish() == "the sea"


@pytest.mark.parametrize("tokenizer", TOKENIZERS)
def test_half_a_character_at_the_end_and_copies(tokenizer: Tokenizer) -> None:
    tokens = tokenizer.encode("🌹", add_special_tokens=False).ids
    stream = Detokenizer(tokenizer)
    assert len(tokens) > 1 and "".join(map(stream.push, tokens[:-1])) == ""
    other = stream.copy()
    assert stream.push(tokens[-1]) == "🌹"
    assert set(other.finish()) == {"\N{REPLACEMENT CHARACTER}"}
