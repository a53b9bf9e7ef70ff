"""A GPT trained on a text: it learns, goes on after a kill, comes out in transformers' form, and is trained further."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM, AutoTokenizer, BloomConfig, BloomForCausalLM

from studio import hub
from studio.device import choose
from studio.errors import InputError, ModelError
from studio.progress import Progress
from studio.training.estimate import estimate
from studio.training.parameters import TextTrainingParameters
from studio.training.run import Source, Trained, settings_of, train
from studio.zoo import causal_lm as zoo
from tests.training.tiny import contents, curve, weights

TINY = {
    "layers": 2, "width": 32, "heads": 2, "context": 32, "batch_size": 8, "steps": 20, "check_every": 10,
    "keep_every": 3, "warmup": 2, "vocabulary": 300,
}  # fmt: skip
VERSE = "".join(
    f"The {thing} of {place} sang to the {sky},\nAnd {number} times it asked me why.\n\n"
    for number, (thing, place, sky) in enumerate(
        (thing, place, sky)
        for thing in ("owl", "cat", "bell", "wind", "sea", "rose")
        for place in ("night", "Rome", "winter", "glass")
        for sky in ("moon", "dawn", "star")
    )
)


@pytest.fixture(scope="session")
def verse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("verse") / "verse.txt"
    path.write_text(VERSE)
    return path


def run(data: Path, folder: Path, **changes: object) -> Trained:
    source = Source(str(data), start=changes.pop("start", None))  # type: ignore[arg-type]
    resume, callback = bool(changes.pop("resume", False)), changes.pop("callback", None)
    parameters = TextTrainingParameters(**({} if source.start else TINY) | changes)  # type: ignore[arg-type]
    device = choose("cpu", "float32", 1)
    return train("text", source, folder, parameters, device, resume=resume, callback=callback)  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def model(verse: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("gpt") / "model"
    trained = run(verse, folder, steps=150, check_every=50, learning_rate=1e-2, ema=0.9)
    assert trained.outcome.best is not None and trained.outcome.best.value < 2, "8 bits know nothing"
    return folder


def kept(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model.safetensors")


def test_it_comes_out_in_transformers_own_form(model: Path) -> None:
    network = AutoModelForCausalLM.from_pretrained(model)
    tokenizer = AutoTokenizer.from_pretrained(model)
    assert type(network).__name__ == "GPT2LMHeadModel"
    text = "The owl of Rome sang"
    assert tokenizer(text)["input_ids"] == Tokenizer.from_file(str(model / "tokenizer.json")).encode(text).ids
    ours = zoo.load_network(hub.find(model))
    ids = torch.tensor([tokenizer(text)["input_ids"]])
    assert torch.equal(ours(ids).logits, network.float()(ids).logits)
    made = network.generate(ids, max_new_tokens=20, do_sample=False, pad_token_id=0)
    assert tokenizer.decode(made[0]).startswith("The owl of Rome sang to the")


def test_the_card_says_what_it_is(model: Path) -> None:
    card = (model / "README.md").read_text()
    for words in ("# A GPT", "bits a byte", "soon know it by heart", "| examples | 1 |"):
        assert words in card
    assert list((model / "training" / "sheets").glob("*.png"))


def test_it_knows_what_it_learnt_from(model: Path) -> None:
    index = zoo.load_index(hub.find(model))
    assert index is not None
    assert index.longest("And so the owl of night sang to the moon forever").words >= 8
    assert index.longest("A wholly different thing that nobody has ever written down here").words == 0


def test_a_killed_run_goes_on_to_the_same_weights(verse: Path, tmp_path: Path) -> None:
    run(verse, tmp_path / "whole")

    def stop(progress: Progress) -> bool:
        return progress.step == 7

    assert not run(verse, tmp_path / "cut", callback=stop).outcome.finished
    moved = tmp_path / "moved.txt"
    shutil.copy(verse, moved)
    done = run(moved, tmp_path / "cut", resume=True)
    assert done.outcome.finished
    for name, tensor in weights(tmp_path / "whole").items():
        assert torch.equal(tensor, weights(tmp_path / "cut")[name]), name
    assert np.array_equal(curve(tmp_path / "whole"), curve(tmp_path / "cut"))
    assert settings_of(tmp_path / "cut")[0] == "text"


def test_other_texts_are_refused_and_spoil_nothing(verse: Path, tmp_path: Path) -> None:
    folder, other = tmp_path / "model", tmp_path / "other.txt"
    assert not run(verse, folder, callback=lambda progress: progress.step == 7).outcome.finished
    before = contents(folder)
    for content, words in (("Too short.", "holds 9 characters"), (VERSE.upper(), "was trained on other data")):
        other.write_text(content)
        with pytest.raises(InputError, match=words):
            run(other, folder, resume=True)
        assert contents(folder) == before
    with pytest.raises(InputError, match="was trained on other data"):
        run(verse, folder, resume=True, held_out=0.2)
    assert contents(folder) == before
    assert run(verse, folder, resume=True).outcome.finished


def test_a_short_text_is_learnt_in_windows_as_long_as_its_network_looks(tmp_path: Path) -> None:
    (tmp_path / "short.txt").write_text(VERSE[:4000])
    run(tmp_path / "short.txt", tmp_path / "model", steps=2, context=128, held_out=0.02)
    facts = json.loads((tmp_path / "model" / "config.json").read_text())
    assert facts["n_positions"] == 128
    trained = load_file(tmp_path / "model" / "model.safetensors")["transformer.wpe.weight"]
    fresh = zoo.build(layers=2, width=32, heads=2, context=128, vocabulary=300, dropout=0.0)
    assert trained.shape == fresh.transformer.wpe.weight.shape


def test_a_model_is_trained_further_whole_or_by_adapters(verse: Path, model: Path, tmp_path: Path) -> None:
    before = kept(model)
    for name, rank in (("whole", 0), ("lora", 4)):
        run(verse, tmp_path / name, start=str(model), steps=5, check_every=5, lora_rank=rank, learning_rate=1e-3)
        after = kept(tmp_path / name)
        assert after.keys() == before.keys(), "adapters are folded in"
        assert any(not torch.equal(after[key], before[key]) for key in before)
        AutoModelForCausalLM.from_pretrained(tmp_path / name)
    changed = {key for key in before if not torch.equal(kept(tmp_path / "lora")[key], before[key])}
    assert all(key.endswith((".c_attn.weight", ".c_proj.weight", ".c_fc.weight")) for key in changed)


def test_any_transformers_folder_can_be_begun_with(verse: Path, model: Path, tmp_path: Path) -> None:
    foreign = tmp_path / "foreign"
    network = AutoModelForCausalLM.from_pretrained(model)
    network.transformer.wte.weight.data *= 1.5
    network.save_pretrained(foreign)
    shutil.copy(model / "tokenizer.json", foreign)
    run(verse, tmp_path / "further", start=str(foreign), steps=3, check_every=3)
    assert (tmp_path / "further" / "model.safetensors").is_file()


def test_a_run_is_estimated(verse: Path) -> None:
    found = estimate("text", Source(str(verse)), TextTrainingParameters(**TINY), choose("cpu", "float32", 1))  # type: ignore[arg-type]
    assert found.steps == 20 and "over" not in found.in_words()[:5]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"lora_rank": 4}, "--lora-rank trains adapters beside a model that can write already"),
        ({"width": 30, "heads": 4}, "--width 30 is no multiple of the 4 heads"),
    ],
)
def test_settings_that_cannot_be_are_refused(
    verse: Path, tmp_path: Path, changes: dict[str, object], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        run(verse, tmp_path / "model", **changes)
    assert not (tmp_path / "model").exists()


def test_models_that_cannot_write_are_refused(verse: Path, model: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"has no tokenizer\.json|is no language model but a melody_lstm"):
        run(verse, tmp_path / "model", start="melody-folk")
    with pytest.raises(InputError, match="--layers is that of the model that --from names"):
        run(verse, tmp_path / "model", start=str(model), layers=3)
    with pytest.raises(InputError, match="--context 64 is more than the 32 tokens"):
        run(verse, tmp_path / "model", start=str(model), context=64)
    pickled = tmp_path / "pickled"
    shutil.copytree(model, pickled, ignore=shutil.ignore_patterns("training", "*.safetensors"))
    (pickled / "files.json").unlink()
    torch.save({"weight": torch.zeros(1)}, pickled / "pytorch_model.bin")
    with pytest.raises(ModelError, match=r"holds no .safetensors weights"):
        run(verse, tmp_path / "model", start=str(pickled))


def test_dropout_of_a_model_to_begin_with(verse: Path, model: Path, tmp_path: Path) -> None:
    run(verse, tmp_path / "further", start=str(model), steps=2, dropout=0.2)
    facts = json.loads((tmp_path / "further" / "config.json").read_text())
    assert facts["resid_pdrop"] == facts["embd_pdrop"] == 0.2
    with pytest.raises(InputError, match="--size is that of the model that --from names; leave it out"):
        run(verse, tmp_path / "other", start=str(model), size="micro")


def test_a_model_that_names_no_context(verse: Path, model: Path, tmp_path: Path) -> None:
    network = BloomForCausalLM(BloomConfig(vocab_size=300, hidden_size=16, n_layer=1, n_head=2))
    network.save_pretrained(tmp_path / "bloom")
    shutil.copy(model / "tokenizer.json", tmp_path / "bloom")
    assert zoo.context_of(network) == zoo.BOUNDLESS
    assert run(verse, tmp_path / "further", start=str(tmp_path / "bloom"), steps=2, context=32).outcome.finished
