"""LoRA on language models: only the adapters learn, and they fold into weights that transformers loads."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from transformers import AutoModelForCausalLM, GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

from studio.errors import InputError
from studio.training import lora
from studio.training.optimizers import make_optimizer
from studio.training.parameters import TextTrainingParameters
from studio.zoo import causal_lm

TOKENS = torch.arange(24).reshape(2, 12) % 40


def gpt2() -> Any:
    config = GPT2Config(
        vocab_size=40, n_positions=16, n_embd=16, n_layer=2, n_head=2, resid_pdrop=0, embd_pdrop=0, attn_pdrop=0
    )
    return GPT2LMHeadModel(config)


def llama() -> Any:
    config = LlamaConfig(
        vocab_size=40,
        hidden_size=16,
        intermediate_size=24,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=16,
        tie_word_embeddings=True,
    )
    return LlamaForCausalLM(config)


def logits(network: Any) -> Tensor:
    with torch.no_grad():
        return network(TOKENS).logits  # type: ignore[no-any-return]


def learn(network: nn.Module, steps: int = 4) -> None:
    optimizer = torch.optim.AdamW([weight for weight in network.parameters() if weight.requires_grad], lr=0.02)
    for _ in range(steps):
        network(TOKENS, labels=TOKENS).loss.backward()
        optimizer.step()
        optimizer.zero_grad()


@pytest.fixture(params=[gpt2, llama])
def network(request: pytest.FixtureRequest) -> Any:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return request.param().eval()


def test_only_adapters_learn_and_they_begin_as_nothing(network: Any) -> None:
    before, weights = logits(network), copy.deepcopy(network.state_dict())
    adapted = lora.add_adapters(network, 2)
    assert adapted is network
    torch.testing.assert_close(logits(adapted), before)
    learning = {name for name, weight in adapted.named_parameters() if weight.requires_grad}
    assert learning and all("lora_" in name for name in learning)
    learn(adapted)
    kept = {name.replace(".base_layer", ""): tensor for name, tensor in adapted.state_dict().items()}
    assert all(torch.equal(kept[name], tensor) for name, tensor in weights.items())
    assert not torch.allclose(logits(adapted), before, atol=1e-2)


def test_every_layer_but_the_output_gets_one(network: Any) -> None:
    plain = {name for name, module in network.named_modules() if lora._is_linear(module)} - {"lm_head"}
    adapted = lora.add_adapters(network, 2)
    assert {name.split(".lora_A")[0] for name, _ in adapted.named_parameters() if "lora_A" in name} == plain
    assert len(plain) == 2 * (4 if isinstance(network, GPT2LMHeadModel) else 7)


def test_layers_are_chosen_by_the_ends_of_their_names() -> None:
    adapted = lora.add_adapters(gpt2(), 2, targets=("c_attn",))
    found = {name.split(".lora_")[0] for name, weight in adapted.named_parameters() if weight.requires_grad}
    assert found == {"transformer.h.0.attn.c_attn", "transformer.h.1.attn.c_attn"}


def test_folded_adapters_leave_the_network_as_it_was_made(network: Any, tmp_path: Path) -> None:
    names, tied = network.state_dict().keys(), network.config.tie_word_embeddings
    adapted = lora.add_adapters(network, 3, alpha=6)
    learn(adapted)
    learnt = logits(adapted)
    folded = lora.fold(adapted)
    torch.testing.assert_close(logits(folded), learnt, atol=1e-5, rtol=1e-5)
    assert folded.state_dict().keys() == names
    assert all(weight.requires_grad for weight in folded.parameters())
    assert (network.lm_head.weight is network.get_input_embeddings().weight) == tied
    network.save_pretrained(tmp_path)
    loaded = AutoModelForCausalLM.from_pretrained(tmp_path)
    torch.testing.assert_close(logits(loaded), learnt, atol=1e-5, rtol=1e-5)


def test_adapters_of_a_network_in_half_precision_are_kept_in_full(network: Any) -> None:
    adapted = lora.add_adapters(network.half(), 2)
    kinds = {weight.dtype for weight in adapted.parameters() if weight.requires_grad}
    assert kinds == {torch.float32}


def test_dropout_is_that_of_adapters_and_between_layers_where_there_is_some(network: Any) -> None:
    if isinstance(network, GPT2LMHeadModel):
        causal_lm.set_dropout(network, 0.4)
        places = {name: module.p for name, module in network.named_modules() if isinstance(module, nn.Dropout)}
        assert {rate for name, rate in places.items() if "attn_dropout" not in name} == {0.4}
        assert network.config.resid_pdrop == network.config.embd_pdrop == 0.4
    else:
        with pytest.raises(InputError, match="no layers of dropout that could be set"):
            causal_lm.set_dropout(network, 0.4)
        causal_lm.set_dropout(network, 0.0)
    adapted = lora.add_adapters(network, 2, dropout=0.3)
    rates = {module.p for name, module in adapted.named_modules() if "lora_dropout" in name and hasattr(module, "p")}
    assert rates == {0.3}


def test_freezing_all_that_adapts_is_refused(network: Any) -> None:
    adapted = lora.add_adapters(network, 2)
    with pytest.raises(InputError, match="Every weight of the gpt is frozen"):
        make_optimizer("gpt", adapted, TextTrainingParameters(freeze=("*lora_*",)))
