"""Models: found, whole, and of the right kind; everything else is refused in one line and nothing in a file is run."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from studio import hub
from studio.errors import ModelError, StudioError
from studio.networks.vgg import BLOCKS, CHANNELS
from studio.pipelines.style_transfer import StyleTransferPipeline

Folder = Callable[..., Path]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A maker of small model folders; `config` changes what config.json says."""

    def make(name: str = "small", **config: Any) -> Path:
        made = tmp_path / name
        made.mkdir()
        save_file({"weight": torch.arange(4.0)}, made / "model.safetensors")
        content = {"network": "vgg", "files": hub.describe_files(made)} | config
        (made / "config.json").write_text(json.dumps(content))
        return made

    return make


@pytest.fixture
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and the client of the hub told to stay offline."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def refusal(name: str | Path, load: bool = False) -> str:
    with pytest.raises(ModelError) as refused:
        found = hub.find(name)
        if load:
            hub.load_weights(found)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_the_shipped_model_is_found_and_whole() -> None:
    assert hub.shipped() == [
        "dcgan-nebulae",
        "dcgan-nebulae-128",
        "gpt-verse",
        "melody-folk",
        "vae-emoji",
        "vae-glyphs",
        "vgg19",
    ]
    for name in hub.shipped():
        model = hub.find(name)
        listed = model.config.get("files") or json.loads((model.folder / hub.FILES).read_text())
        assert {"model.safetensors"} <= listed.keys() == {path.name for path in model.folder.glob("*.safetensors")}
        assert model.weights.name == "model.safetensors"
        assert sum(path.stat().st_size for path in model.folder.iterdir()) < 25_000_000
    model = hub.find("vgg19")
    assert model.folder == hub.shipped_folder() / "vgg19" and model.weights.is_file()
    assert model.sha256 == model.config["files"]["model.safetensors"]["sha256"]
    assert {"README.md", "LICENSE", "config.json"} <= {path.name for path in model.folder.iterdir()}


def test_a_folder_and_a_file_are_found(folder: Folder) -> None:
    model = hub.find(folder())
    assert (model.name, model.config["network"]) == ("small", "vgg")
    assert torch.equal(hub.load_weights(model)["weight"], torch.arange(4.0))
    alone = hub.find(str(model.weights))
    assert (alone.name, alone.sha256, alone.config) == ("model.safetensors", model.sha256, {})


def test_a_wrong_hash(folder: Folder) -> None:
    path = folder() / "model.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    message = refusal(path.parent)
    assert f"{path} is damaged: its SHA-256 begins" in message and "; get " in message


def test_a_wrong_size(folder: Folder) -> None:
    path = folder() / "model.safetensors"
    size = path.stat().st_size
    path.write_bytes(path.read_bytes()[:-3])
    assert f"{path} is damaged: {size - 3} bytes where {size} were expected" in refusal(path.parent)


def test_a_missing_file(folder: Folder) -> None:
    made = folder()
    (made / "model.safetensors").unlink()
    assert "lacks its file model.safetensors" in refusal(made)


def test_a_folder_without_config_or_weights(tmp_path: Path, folder: Folder) -> None:
    assert "is no model folder: it has no config.json" in refusal(tmp_path)
    made = folder(files={})
    (made / "model.safetensors").unlink()
    assert "holds no .safetensors weights" in refusal(made)


@pytest.mark.parametrize(
    "text",
    ["no JSON", "[]", "7", "[" * 100_000, '{"files": ["model.safetensors"]}', '{"files": {"model.safetensors": 7}}',
     '{"files": {"model.safetensors": {"sha256": 7}}}', '{"files": "model.safetensors"}', "\udcff"],
)  # fmt: skip
def test_a_config_that_cannot_be_read(folder: Folder, text: str) -> None:
    made = folder()
    (made / "config.json").write_bytes(text.encode(errors="surrogateescape"))
    assert str(made) in refusal(made)


json_values: st.SearchStrategy[Any] = st.deferred(
    lambda: (
        st.none()
        | st.booleans()
        | st.integers()
        | st.text(max_size=5)
        | st.lists(json_values, max_size=2)
        | st.dictionaries(
            st.sampled_from(["model.safetensors", "a.safetensors", "bytes", "sha256"]), json_values, max_size=3
        )
    )
)


@given(files=json_values)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_list_of_files_is_taken_or_refused_in_one_line(folder: Folder, tmp_path: Path, files: Any) -> None:
    made = tmp_path / "small" if (tmp_path / "small").is_dir() else folder()
    (made / "config.json").write_text(json.dumps({"files": files}))
    try:
        hub.find(made)
    except ModelError as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize(
    "config", [{"depth": 11}, {"depth": "19"}, {"depth": [19]}, {"preprocessing": "none"}, {"preprocessing": []}]
)
def test_a_config_of_another_network(folder: Folder, config: dict[str, Any]) -> None:
    with pytest.raises(ModelError, match=r"VGG of depth|Preprocessing"):
        StyleTransferPipeline.from_pretrained(folder(**config), device="cpu")


def test_weights_of_another_network(folder: Folder) -> None:
    with pytest.raises(
        ModelError, match=r"small is not a VGG-19: conv1_1\.weight should be \(64, 3, 3, 3\), it is missing"
    ):
        StyleTransferPipeline.from_pretrained(folder(), device="cpu")


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda content: (10**15).to_bytes(8, "little") + content[8:], "is no safetensors file"),
        (lambda content: (len(content) - 1).to_bytes(8, "little") + content[8:], "are damaged"),
        (lambda content: content[:-4], "are damaged"),
        (lambda content: content[:40], "is no safetensors file"),
        (lambda content: content[:8] + b"{" + b"\xff" * (len(content) - 9), "are damaged"),
        (lambda content: b"", "is no safetensors file"),
    ],
    ids=[
        "header too long",
        "header over the tensors",
        "cut in the tensors",
        "cut in the header",
        "header of noise",
        "empty",
    ],
)
def test_damaged_safetensors(folder: Folder, damage: Callable[[bytes], bytes], words: str) -> None:
    path = folder() / "model.safetensors"
    path.write_bytes(damage(path.read_bytes()))
    assert words in refusal(path, load=True)


class Hostile:
    """What an unpickler would run."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("legacy", [False, True])
def test_a_pickle_that_would_run_something_is_refused_and_not_run(tmp_path: Path, legacy: bool) -> None:
    torch.save(
        {"weight": torch.zeros(1), "more": Hostile(tmp_path / "ran")},
        tmp_path / "a.pth",
        _use_new_zipfile_serialization=not legacy,
    )
    message = refusal(tmp_path / "a.pth", load=True)
    assert "Refusing" in message and "it holds more than tensors" in message
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("content", [[torch.zeros(1)], {"state_dict": {"weight": torch.zeros(1)}}, {"epoch": 7}])
def test_a_pickle_of_other_things_is_refused(tmp_path: Path, content: Any) -> None:
    torch.save(content, tmp_path / "a.pth")
    assert "torchvision .pth of VGG-16 or VGG-19" in refusal(tmp_path / "a.pth", load=True)


def test_a_pth_cut_off_and_one_of_text(tmp_path: Path) -> None:
    torch.save({"weight": torch.rand(1000)}, tmp_path / "a.pth")
    (tmp_path / "a.pth").write_bytes((tmp_path / "a.pth").read_bytes()[:1500])
    assert "a.pth" in refusal(tmp_path / "a.pth", load=True)
    (tmp_path / "b.pth").write_text("Dear diary")
    assert "b.pth" in refusal(tmp_path / "b.pth", load=True)


def torchvision(depth: int, norm: bool = False) -> dict[str, torch.Tensor]:
    """Tensors with torchvision's names and shapes; in layer i every weight is i / 16, kept as one number."""
    state, index, width, layer = {"classifier.0.weight": torch.zeros(2, 2)}, 0, 3, 0
    for count, channels in zip(BLOCKS[depth], CHANNELS, strict=True):
        for _ in range(count):
            value = torch.tensor(layer / 16, dtype=torch.float16)
            state[f"features.{index}.weight"] = value.expand(channels, width, 3, 3)
            state[f"features.{index}.bias"] = value.expand(channels)
            if norm:
                state[f"features.{index + 1}.weight"] = state[f"features.{index + 1}.bias"] = value.expand(channels)
            index, width, layer = index + (3 if norm else 2), channels, layer + 1
        index += 1
    return state


def load(path: Path) -> StyleTransferPipeline:
    return StyleTransferPipeline.from_pretrained(path, device="cpu", precision="float32")


@pytest.mark.parametrize(("depth", "suffix"), [(19, ".pth"), (16, ".pth"), (19, ".safetensors"), (16, ".safetensors")])
def test_torchvision_files_are_loaded(tmp_path: Path, depth: int, suffix: str) -> None:
    path, state = tmp_path / f"vgg{depth}{suffix}", torchvision(depth)
    if suffix == ".pth":
        torch.save(state, path)
    else:
        save_file({name: tensor.contiguous() for name, tensor in state.items()}, path)
    pipe = load(path)
    assert pipe.network.config.depth == depth and pipe.network.config.preprocessing == "torchvision"
    assert pipe.model.name == path.name
    values = [parameter.unique().tolist() for name, parameter in pipe.network.named_parameters() if "weight" in name]
    assert values == [[layer / 16] for layer in range(sum(BLOCKS[depth]))]


@pytest.mark.parametrize("depth", [16, 19])
def test_variants_with_batch_normalisation_are_refused(tmp_path: Path, depth: int) -> None:
    torch.save(torchvision(depth, norm=True), tmp_path / "bn.pth")
    with pytest.raises(ModelError, match="variants with batch normalisation do not fit"):
        load(tmp_path / "bn.pth")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda state: state.pop("features.0.bias"), "found 13 weights and 12 biases"),
        (
            lambda state: state.update({"features.2.weight": torch.zeros(64, 3, 3, 3)}),
            r"conv1_2\.weight should be \(64, 64, 3, 3\)",
        ),
        (lambda state: state.pop("features.28.weight"), "found 12 weights and 12 biases"),
    ],
)
def test_torchvision_files_that_lack_something(
    tmp_path: Path, change: Callable[[dict[str, Any]], Any], words: str
) -> None:
    state = torchvision(16)
    change(state)
    torch.save(state, tmp_path / "a.pth")
    with pytest.raises(ModelError, match=words):
        load(tmp_path / "a.pth")


@pytest.mark.parametrize("damage", ["no table", "short table"])
def test_codes_without_their_table_are_refused(tmp_path: Path, damage: str) -> None:
    tensors = hub.load_weights(hub.find("vgg19"))
    tensors["conv1_1.table"] = tensors["conv1_1.table"][:3].contiguous()
    if damage == "no table":
        del tensors["conv1_1.table"]
    save_file(tensors, tmp_path / "a.safetensors")
    with pytest.raises(ModelError, match="conv1_1"):
        load(tmp_path / "a.safetensors")


def test_what_is_saved_is_loaded_again_with_equal_weights(
    tmp_path: Path, shipped_pipeline: StyleTransferPipeline
) -> None:
    saved = shipped_pipeline.save_pretrained(tmp_path / "deep" / "mine")
    assert {path.name for path in saved.iterdir()} == {"config.json", "model.safetensors", "README.md", "LICENSE"}
    again = load(saved)
    assert again.model.name == "mine" and again.network.config == shipped_pipeline.network.config
    for name, tensor in shipped_pipeline.network.state_dict().items():
        assert torch.equal(tensor, again.network.state_dict()[name]), name
    shutil.rmtree(saved)  # 80 MB


@pytest.mark.parametrize(
    "name", ["vgg20", "", "a/b/c", "nowhere/at/all.pth", "with space/x", "x" * 300, "~nobody-here/vgg"]
)
def test_unknown_names(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    message = refusal(name)
    assert "vgg19" in message if name else "is no model folder" in message


@pytest.mark.parametrize("name", ["../vgg", "./vgg", "a--b/vgg", "owner/vgg-"])
def test_names_that_look_like_a_hub_id_and_are_none(
    offline: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert repr(name) in refusal(name)


def test_a_hub_id_offline(offline: Path) -> None:
    message = refusal("owner/name")
    for words in (
        "'owner/name'",
        "vgg19",
        str(offline),
        "HF_HUB_OFFLINE",
        "`studio models pull owner/name`",
        "local folder",
    ):
        assert words in message


def test_a_hub_that_cannot_be_reached(offline: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")  # nobody listens there
    assert "the hub cannot be reached. Run `studio models pull owner/name` when online" in refusal("owner/name")
    with pytest.raises(StudioError, match="Cannot upload to 'owner/name'"):
        hub.push(lambda folder: folder, "owner/name")


def test_a_cached_hub_model_is_found_offline(offline: Path, folder: Folder) -> None:
    """Laid out as the client of the hub lays out its cache."""
    cached = offline / "models--owner--name"
    (cached / "snapshots").mkdir(parents=True)
    (cached / "refs").mkdir()
    (cached / "refs" / "main").write_text("0" * 40)
    folder().rename(cached / "snapshots" / ("0" * 40))
    model = hub.find("owner/name")
    assert model.name == "owner/name"
    assert torch.equal(hub.load_weights(model)["weight"], torch.arange(4.0))


def test_pushing_offline(offline: Path) -> None:
    with pytest.raises(ModelError, match="Cannot upload to 'owner/name'"):
        hub.push(lambda folder: folder, "owner/name")
