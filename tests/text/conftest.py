"""A small tokenizer, a network of random weights, and the words that it can write."""

from __future__ import annotations

import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import GPT2Config, GPT2LMHeadModel

from studio.device import choose
from studio.text.stepper import Stepper
from studio.text.vocabulary import Vocabulary
from studio.verse.lexicon import Lexicon


@pytest.fixture(scope="session")
def tokenizer() -> Tokenizer:
    """600 tokens, learnt from the lexicon's common words; 0 begins a text."""
    lexicon = Lexicon.load()
    words = [word for word in lexicon.words if lexicon.common(word) >= 5]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=600, special_tokens=["<|endoftext|>"], initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(["\n".join(("The " + " ".join(words), ", ".join(words)))], trainer)
    return tokenizer


@pytest.fixture(scope="session")
def stepper(tokenizer: Tokenizer) -> Stepper:
    """A GPT-2 of 2 layers that has learnt nothing."""
    torch.manual_seed(0)
    config = GPT2Config(
        vocab_size=600, n_positions=96, n_embd=32, n_layer=2, n_head=2, bos_token_id=0, eos_token_id=0,
        activation_function="gelu_pytorch_tanh",
    )  # fmt: skip
    return Stepper(GPT2LMHeadModel(config), choose("cpu", "float32"))


@pytest.fixture(scope="session")
def vocabulary(tokenizer: Tokenizer) -> Vocabulary:
    """The common words as this tokenizer writes them."""
    return Vocabulary(tokenizer, Lexicon.load())
