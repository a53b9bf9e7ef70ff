"""Language models out of and into model folders, in transformers' own format: any causal language model of the hub can
be opened, and `AutoModelForCausalLM.from_pretrained` opens what is written here.

    config.json  model.safetensors  tokenizer.json  tokenizer_config.json  README.md
    runs.safetensors      which runs of words it learnt from (`studio.text.originality`); not of foreign models
"""

from __future__ import annotations

import copy
import json
import logging
from collections.abc import Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from tokenizers import Tokenizer
from torch import Tensor, nn

from studio import hub
from studio.data.tokens import END
from studio.errors import InputError, ModelError
from studio.media import files
from studio.text.originality import Index
from studio.zoo.folder import WEIGHTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from transformers import GPT2LMHeadModel, PreTrainedModel

NETWORK = "gpt"
_WITHIN_ATTENTION = ("attn_dropout", "attention_dropout")
_DROPOUTS = ("resid_pdrop", "embd_pdrop", "hidden_dropout", "resid_dropout", "embed_dropout")  # in configs
TOKENIZER, RUNS = "tokenizer.json", "runs.safetensors"
ACTIVATION = "gelu_pytorch_tanh"  # GPT-2's own, computed at once
BOUNDLESS = 8192  # tokens that are looked at of a network that looks back without end
GPT2_SPREAD, GPT2_WIDTH = 0.02, 768  # of its first weights; a narrower layer that is to give as much begins with more


def build(
    *,
    layers: int,
    width: int,
    heads: int,
    context: int,
    vocabulary: int,
    dropout: float,
    activation: str = ACTIVATION,
) -> GPT2LMHeadModel:
    """A GPT-2 (Radford et al. 2019) with random weights, as transformers builds it, ready to be trained.

    context: tokens it sees at once; vocabulary: tokens there are; activation: as transformers calls them.
    """
    from transformers import GPT2Config, GPT2LMHeadModel

    return GPT2LMHeadModel(
        GPT2Config(
            vocab_size=vocabulary,
            n_positions=context,
            n_embd=width,
            n_layer=layers,
            n_head=heads,
            activation_function=activation,
            initializer_range=GPT2_SPREAD * (GPT2_WIDTH / width) ** 0.5,
            resid_pdrop=dropout,
            embd_pdrop=dropout,
            attn_pdrop=0.0,  # attention is computed in one piece without it
            bos_token_id=0,
            eos_token_id=0,
            use_cache=True,
        )
    )


def context_of(network: PreTrainedModel) -> int:
    """How many tokens a network sees at once: `BOUNDLESS` where its config names no limit."""
    return int(getattr(network.config, "max_position_embeddings", None) or BOUNDLESS)


def shape_of(network: PreTrainedModel) -> str:
    """What kind of network it is and how large, in one line: another one has other weights, or uses them otherwise."""
    names = ("num_hidden_layers", "num_attention_heads", "hidden_size", "vocab_size")
    return " ".join([network.config.model_type, *(str(getattr(network.config, name, "")) for name in names)])


def set_dropout(network: PreTrainedModel, dropout: float, *, needed: bool = True) -> None:
    """Leave out another part of the numbers between layers while learning, those within attention aside.

    Raises InputError where it is `needed` and the network keeps its dropout in another way than as layers of torch.
    """
    places = {name: module for name, module in network.named_modules() if isinstance(module, nn.Dropout)}
    between = [module for name, module in places.items() if name.rpartition(".")[2] not in _WITHIN_ATTENTION]
    if dropout and needed and not between:
        raise InputError("The model to begin with has no layers of dropout that could be set; leave out --dropout.")
    for module in between:
        module.p = dropout
    for name in _DROPOUTS if between else ():
        if hasattr(network.config, name):
            setattr(network.config, name, dropout)


def copy_of(network: nn.Module) -> PreTrainedModel:
    """A copy that can be changed."""
    return copy.deepcopy(network)  # type: ignore[return-value]


def is_language_model(model: hub.Model) -> bool:
    """Whether a folder holds a language model: one of ours, or one that transformers says is causal."""
    architectures = model.config.get("architectures") or [""]
    return model.config.get("network") == NETWORK or str(architectures[0]).endswith(("ForCausalLM", "LMHeadModel"))


def load_network(model: hub.Model, dtype: torch.dtype | str = torch.float32) -> PreTrainedModel:
    """The network of a model, ready to use on the CPU. dtype: or "auto", as it is kept. Raises ModelError."""
    from transformers import AutoModelForCausalLM

    if not is_language_model(model):
        kind = model.config.get("network") or "bare file of weights"
        raise ModelError(f"{model.name} is no language model but a {kind}; `studio models` lists what there is.")
    try:
        with _silent():
            network = AutoModelForCausalLM.from_pretrained(
                model.folder, dtype=dtype, local_files_only=True, use_safetensors=True, trust_remote_code=False
            )
    except Exception as error:  # transformers raises many kinds
        line = str(error).split("\n")[0][:160].rstrip(".")
        raise ModelError(f"{model.name} cannot be opened as a language model ({line}).") from None
    network.eval()  # type: ignore[no-untyped-call]
    return network


def load_tokenizer(model: hub.Model) -> Tokenizer:
    """The tokenizer of a model. Raises ModelError where its folder has none in the form of the tokenizers library."""
    path = model.folder / TOKENIZER
    if not path.is_file():
        raise ModelError(f"{model.name} has no {TOKENIZER}; save it again with transformers, from a fast tokenizer.")
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises Exception itself
        raise ModelError(f"{path} is damaged ({str(error)[:120]}); get the model again.") from None
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def load_index(model: hub.Model) -> Index | None:
    """Which runs of words a model learnt from; None for models that do not say. Raises ModelError."""
    path = model.folder / RUNS
    if not path.is_file():
        return None
    try:
        return Index.from_arrays({name: tensor.numpy() for name, tensor in load_file(path).items()})
    except (SafetensorError, OSError, KeyError, ValueError):
        raise ModelError(f"{path} is damaged; get the model again.") from None


def end_token(tokenizer: Tokenizer, network: PreTrainedModel) -> int | None:
    """The token between documents, which ends a text; None where a model has none."""
    ours = tokenizer.token_to_id(END)
    if ours is not None:
        return int(ours)
    found: int | list[int] | None = network.config.eos_token_id
    return found[0] if isinstance(found, list) else found


def save_model(
    folder: Path,
    network: PreTrainedModel,
    tokenizer: Tokenizer,
    index: Index | None,
    facts: Mapping[str, Any],
    card: str,
) -> Path:
    """Write a model folder, its weights in half precision. facts: more entries of its config. Raises OutputError."""
    files.make_folder(folder)
    files.write_bytes(folder / WEIGHTS, save(_weights(network), {"format": "pt"}))
    if index is not None:
        files.write_bytes(folder / RUNS, save({name: torch.from_numpy(a) for name, a in index.to_arrays().items()}))
    files.write_bytes(folder / TOKENIZER, tokenizer.to_str().encode())
    end = tokenizer.id_to_token(end_token(tokenizer, network) or 0)
    about: dict[str, Any] = {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": end, "eos_token": end}
    about["model_max_length"] = context_of(network)
    files.write_bytes(folder / "tokenizer_config.json", _json(about))
    files.write_bytes(folder / "README.md", card.encode())
    config = json.loads(network.config.to_json_string(use_diff=True))
    config |= {"architectures": [type(network).__name__], "dtype": "float16", "network": NETWORK}
    files.write_bytes(folder / hub.FILES, _json(hub.describe_files(folder)))
    files.write_bytes(folder / hub.CONFIG, _json({**config, **facts}))
    return folder


def _weights(network: PreTrainedModel) -> dict[str, Tensor]:
    """The weights once each: what the output shares with the embedding is not written twice."""
    tied = set(getattr(network, "all_tied_weights_keys", None) or ()) if network.config.tie_word_embeddings else set()
    return {
        name: tensor.detach().to("cpu", torch.half).contiguous()
        for name, tensor in network.state_dict().items()
        if name not in tied
    }


def _json(values: Mapping[str, Any]) -> bytes:
    return (json.dumps(values, indent=2, ensure_ascii=False) + "\n").encode()


@contextmanager
def _silent() -> Iterator[None]:
    """Without the bars and the advice that transformers prints while it loads."""
    from transformers.utils import logging as chatter

    before, bars = chatter.get_verbosity(), chatter.is_progress_bar_enabled()
    chatter.set_verbosity(logging.ERROR)
    chatter.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        chatter.set_verbosity(before)
        if bars:
            chatter.enable_progress_bar()  # type: ignore[no-untyped-call]
