"""The loss and the gradients worked out by hand are those of the plain network and autograd."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

from studio.device import choose
from studio.training import gpt2, lora
from studio.zoo import causal_lm as zoo

ACTIVATIONS = ("relu2", "gelu_pytorch_tanh", "gelu_new")
VOCABULARY, CONTEXT = 40, 12


def network(seed: int = 0, **changes: Any) -> GPT2LMHeadModel:
    """A small one whose biases and norms are not those of a beginning."""
    torch.manual_seed(seed)
    shape: dict[str, Any] = {"layers": 2, "width": 24, "heads": 3, "dropout": 0.0, "activation": "relu2"}
    made = zoo.build(context=CONTEXT, vocabulary=VOCABULARY, **shape | changes)
    with torch.no_grad():
        for weight in made.parameters():
            weight.add_(torch.randn_like(weight) * 0.1)
    return made


def plain(network: nn.Module, tokens: Tensor) -> Tensor:
    logits = network(input_ids=tokens[:, :-1], use_cache=False).logits
    return cross_entropy(logits.flatten(0, 1).float(), tokens[:, 1:].flatten())


def gradients(network: nn.Module, *losses: Tensor) -> dict[str, Tensor]:
    """Of the weights by their names, of all losses together; the network has none afterwards."""
    for loss in losses:
        loss.backward()
    found = {name: weight.grad for name, weight in network.named_parameters() if weight.grad is not None}
    network.zero_grad()
    return found


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 1000),
    layers=st.integers(1, 3),
    heads=st.sampled_from([1, 2, 4]),
    batch=st.integers(1, 4),
    length=st.integers(1, CONTEXT),
    activation=st.sampled_from(ACTIVATIONS),
)
def test_loss_and_gradients_are_those_of_autograd(
    seed: int, layers: int, heads: int, batch: int, length: int, activation: str
) -> None:
    made = network(seed, layers=layers, heads=heads, activation=activation)
    tokens = torch.randint(VOCABULARY, (batch, length + 1))
    loss, expected = gpt2.Nats(made, torch.float32).of(tokens), plain(made, tokens)
    torch.testing.assert_close(loss, expected)
    found, wanted = gradients(made, loss), gradients(made, expected)
    assert found.keys() == wanted.keys()
    for name, gradient in wanted.items():
        torch.testing.assert_close(found[name], gradient, rtol=1e-3, atol=1e-5, msg=name)


def test_half_precision_errs_no_more_than_autocast() -> None:
    made, tokens = network(), torch.randint(VOCABULARY, (8, CONTEXT + 1))
    exact = gradients(made, plain(made, tokens))
    loss = gpt2.Nats(made, torch.bfloat16).of(tokens)
    assert loss.dtype == torch.float32
    by_hand = gradients(made, loss)
    with choose("cpu", "bfloat16").mixed():
        cast = gradients(made, plain(made, tokens))

    def error(found: dict[str, Tensor]) -> float:
        return float(sum((found[name] - exact[name]).square().sum() for name in exact)) ** 0.5

    assert all(gradient.dtype == torch.float32 for gradient in by_hand.values())
    assert error(by_hand) < 1.2 * error(cast)


def test_a_trace_gives_the_same_bit_for_bit_as_weights_and_sizes_change() -> None:
    made = network()
    work = gpt2.Nats(made, torch.bfloat16)
    for shape in ((3, CONTEXT + 1), (2, CONTEXT), (3, CONTEXT + 1)):
        tokens = torch.randint(VOCABULARY, shape)
        with torch.no_grad():
            expected = work(tokens)
            found = work.quickly(tokens)
            made.transformer.h[0].mlp.c_fc.weight.mul_(1.5)
        assert all(map(torch.equal, found, expected))
    assert work.forward not in work.known.values()  # they were traced


def test_a_part_counts_as_its_loss_does_and_frozen_weights_get_nothing() -> None:
    made, tokens = network(), torch.randint(VOCABULARY, (2, CONTEXT + 1))
    made.transformer.h[0].requires_grad_(False)
    whole = gradients(made, gpt2.Nats(made, torch.float32).of(tokens))
    parts = gradients(made, *(gpt2.Nats(made, torch.float32).of(row) / 2 for row in tokens.split(1)))
    assert whole.keys() == parts.keys() and not any(name.startswith("transformer.h.0.") for name in whole)
    for name, gradient in whole.items():
        torch.testing.assert_close(parts[name], gradient, rtol=1e-3, atol=1e-5, msg=name)


@pytest.mark.parametrize(
    "changes",
    [
        {"resid_pdrop": 0.1},
        {"embd_pdrop": 0.1},
        {"attn_pdrop": 0.1},
        {"activation_function": "silu"},
        {"tie_word_embeddings": False},
        {"scale_attn_by_inverse_layer_idx": True},
        {"scale_attn_weights": False},
        {"reorder_and_upcast_attn": True},
        {"add_cross_attention": True},
    ],
    ids=str,
)
def test_what_it_does_not_know_is_left_to_autograd(changes: dict[str, Any]) -> None:
    usual = {"vocab_size": 40, "n_positions": 8, "n_embd": 8, "n_layer": 1, "n_head": 2}
    usual |= {"resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0}
    assert gpt2.suits(GPT2LMHeadModel(GPT2Config(**usual)), choose("cpu"))
    assert not gpt2.suits(GPT2LMHeadModel(GPT2Config(**usual | changes)), choose("cpu"))


def test_so_are_adapters_and_other_networks() -> None:
    assert not gpt2.suits(lora.add_adapters(network(), 2), choose("cpu"))
    config = LlamaConfig(vocab_size=40, hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=2)
    assert not gpt2.suits(LlamaForCausalLM(config), choose("cpu"))
