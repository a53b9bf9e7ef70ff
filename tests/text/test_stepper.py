"""A language model one token at a time: what transformers gives, and each row the same whatever is beside it."""

from __future__ import annotations

import functools
import random

import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM, PreTrainedModel

from studio.device import Device, choose
from studio.errors import InputError, ModelError
from studio.text import small_matrices
from studio.text.flat import step
from studio.text.program import NotFlatError, flatten
from studio.text.stepper import Stepper
from studio.text.texts import Plain
from studio.text.traced import Traced

CPU = Device()
V = 120


def gpt2(context: int = 96) -> PreTrainedModel:
    torch.manual_seed(0)
    config = GPT2Config(
        vocab_size=V, n_positions=context, n_embd=32, n_layer=2, n_head=4, resid_pdrop=0.0, embd_pdrop=0.0,
        attn_pdrop=0.0, bos_token_id=0, eos_token_id=0, activation_function="gelu_pytorch_tanh",
    )  # fmt: skip
    return strong(GPT2LMHeadModel(config))


def llama(context: int = 96) -> PreTrainedModel:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=V, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=context, bos_token_id=0, eos_token_id=0,
    )  # fmt: skip
    return strong(LlamaForCausalLM(config))


def strong(network: PreTrainedModel) -> PreTrainedModel:
    """Weights that are large enough for attention to matter."""
    for weight in network.parameters():
        weight.data.mul_(4)
    return network.eval()


def some(count: int, longest: int, seed: int = 0) -> list[list[int]]:
    numbers = random.Random(seed)
    return [[numbers.randrange(V) for _ in range(numbers.randint(1, longest))] for _ in range(count)]


both = pytest.mark.parametrize("make", [gpt2, llama])


@both
def test_logits_are_those_of_transformers(make) -> None:
    network = make()
    stepper = Stepper(network, CPU)
    assert stepper.program is not None
    prompts = some(5, 40)
    texts = stepper.begin(prompts)
    for token in (3, 7, 1):
        for row, prompt in enumerate(texts.history):
            with torch.no_grad():
                right = network(torch.tensor([prompt])).logits[0, -1]
            torch.testing.assert_close(texts.logits[row], right, rtol=1e-4, atol=1e-4)
        texts.push([token] * 5)


@both
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_row_is_the_same_alone_and_in_a_batch_past_the_context_too(make, precision: str) -> None:
    device = choose("cpu", precision, 1)
    stepper = Stepper(make().to(device.dtype), device)
    prompts, numbers = some(6, 96), random.Random(1)
    texts, alone = stepper.begin(prompts), [stepper.begin([prompt]) for prompt in prompts]
    for _ in range(130):
        for row, one in enumerate(alone):
            assert torch.equal(texts.logits[row], one.logits[0])
        tokens = [numbers.randrange(V) for _ in prompts]
        texts.push(tokens)
        for one, token in zip(alone, tokens, strict=True):
            one.push([token])


def test_a_traced_step_gives_the_same_bit_for_bit() -> None:
    traced, plain = Stepper(gpt2(), CPU), Stepper(gpt2(), CPU)
    assert isinstance(traced.step, Traced) and plain.program is not None
    plain.step = functools.partial(step, plain.program)
    texts, others = traced.begin(some(11, 20)), plain.begin(some(11, 20))
    for token in range(100):  # past the room of a cache, and past the context
        assert torch.equal(texts.logits, others.logits)
        rows = range(len(texts)) if token % 12 else range(len(texts) - 1)
        texts, others = texts.pick(rows), others.pick(rows)
        texts.push([token] * len(texts))
        others.push([token] * len(texts))


def test_like_prompts_are_read_once_and_go_on_by_themselves() -> None:
    stepper = Stepper(gpt2(), CPU)
    texts, alone = stepper.begin([[5, 6], [7], [5, 6]]), stepper.begin([[5, 6]])
    assert torch.equal(texts.logits[2], alone.logits[0])
    texts.push([1, 2, 3])
    alone.push([3])
    assert torch.equal(texts.logits[2], alone.logits[0]) and not torch.equal(texts.logits[0], texts.logits[2])


@both
def test_rows_one_by_one_give_the_same(make) -> None:
    """What happens on a processor whose kernels do sum differently in a batch."""
    stepper, single = Stepper(make(), CPU), Stepper(make(), CPU)
    single.alone = True
    texts, others = stepper.begin(some(4, 90)), single.begin(some(4, 90))
    for token in range(20):
        torch.testing.assert_close(texts.logits, others.logits, rtol=1e-4, atol=1e-4)
        texts.push([token] * 4)
        others.push([token] * 4)


@both
def test_the_plain_way_gives_the_same(make) -> None:
    stepper, plain = Stepper(make(), CPU), Stepper(make(), CPU)
    plain.program = None
    texts, others = stepper.begin(some(4, 90)), plain.begin(some(4, 90))
    assert isinstance(others, Plain)
    for token in range(40):
        torch.testing.assert_close(texts.logits, others.logits, rtol=1e-4, atol=1e-4)
        rows = [2, 0, 0, 3] if token == 5 else range(4)
        texts, others = texts.pick(rows), others.pick(rows)
        texts.push([token] * 4)
        others.push([token] * 4)


@pytest.mark.parametrize("plain", [False, True])
def test_picked_rows_go_on_by_themselves(plain: bool) -> None:
    stepper = Stepper(gpt2(), CPU)
    stepper.program = None if plain else stepper.program
    texts = stepper.begin(some(3, 20))
    before, histories = texts.logits.clone(), [list(row) for row in texts.history]
    branches = texts.pick([1, 1, 0])
    assert torch.equal(branches.logits, before[[1, 1, 0]])
    branches.push([5, 6, 7])
    assert not torch.equal(branches.logits[0], branches.logits[1])
    assert torch.equal(texts.logits, before) and texts.history == histories
    texts.push([8, 5, 9])
    assert torch.equal(texts.logits[1], branches.logits[0])


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("steps", [3, 100])
def test_a_row_put_back_goes_on_as_from_there(plain: bool, steps: int) -> None:
    stepper = Stepper(gpt2(), CPU)
    stepper.program = None if plain else stepper.program
    texts, straight = stepper.begin(some(3, 20)), stepper.begin(some(3, 20))
    history, logits = list(texts.history[1]), texts.logits[1]
    for number in range(steps):
        texts.push([number] * 3)
    beside = texts.logits[0].clone()
    texts.rewind(1, history, logits)
    assert torch.equal(texts.logits[1], straight.logits[1]) and torch.equal(texts.logits[0], beside)
    texts.push([4] * 3)
    straight.push([4] * 3)
    torch.testing.assert_close(texts.logits[1], straight.logits[1], rtol=1e-4, atol=1e-4)


def test_beyond_the_context_a_window_begins_again_and_memory_stays() -> None:
    stepper = Stepper(gpt2(32), CPU)
    texts = stepper.begin([[1, 2, 3]])
    for token in range(100):
        texts.push([token])
        assert len(texts.history[0]) <= 32
    assert texts.history[0] == list(range(100 - len(texts.history[0]), 100))
    assert texts.mask.shape[-1] == 64  # type: ignore[attr-defined]
    assert len(stepper.begin([list(range(V))]).history[0]) == 16


def test_a_network_that_writes_into_its_tensors_runs_as_it_is() -> None:
    network = gpt2()
    forward = network.transformer.h[0].mlp.forward
    network.transformer.h[0].mlp.forward = lambda hidden: forward(hidden).mul_(2)
    with pytest.raises(NotFlatError, match="writes into"):
        flatten(network)
    stepper = Stepper(network, CPU)
    assert stepper.program is None
    assert stepper.begin([[1, 2]]).logits.shape == (1, V)
    assert network.config._attn_implementation != "studio_past"


def test_damaged_weights_are_told() -> None:
    network = gpt2()
    network.transformer.h[1].mlp.c_fc.weight.data[0, 0] = torch.nan
    with pytest.raises(ModelError, match="NaN"):
        Stepper(network, CPU).begin([[1]])


def test_tokens_that_are_none_are_refused() -> None:
    stepper = Stepper(gpt2(), CPU)
    with pytest.raises(InputError, match="at least one token"):
        stepper.begin([[1], []])
    with pytest.raises(InputError, match=f"not one of the {V}"):
        stepper.begin([[V]])
    with pytest.raises(InputError, match="for each of 2 rows"):
        stepper.begin([[1], [2]]).push([1])


@pytest.mark.skipif(not small_matrices.quick(torch.device("cpu")), reason="8 bits are not used here")
def test_a_network_that_8_bits_do_not_hold_keeps_half_precision() -> None:
    network = gpt2()
    for layer in network.transformer.h:
        layer.mlp.c_fc.bias.data[0] = 3000  # next to it, the others are nothing in 8 bits
        layer.mlp.c_proj.weight.data[0] = 0
    device = choose("cpu", "bfloat16", 1)
    small = flatten(network, small_matrices)
    stepper = Stepper(network.to(device.dtype), device)
    assert stepper.program is not None
    exact = Stepper(network.float(), CPU)
    rows = some(5, 40)
    right = exact.begin(rows).logits
    assert off(stepper.begin(rows).logits, right) < 0.02
    stepper.program = small
    assert off(stepper.begin(rows).logits, right) > 0.1


def off(found: torch.Tensor, right: torch.Tensor) -> float:
    return float((found - right).square().mean().sqrt() / right.std())
