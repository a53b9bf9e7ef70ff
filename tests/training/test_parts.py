"""The parts that a training is made of, each by itself."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some
from torch import nn

from studio.errors import InputError
from studio.networks.dcgan import DCGANConfig, Discriminator, Generator
from studio.networks.melody_lstm import MelodyLSTM
from studio.networks.vae import VAE, VAEConfig
from studio.training import ema, lora, schedule
from studio.training.augment import AUGMENTATIONS, augment
from studio.training.curve import MOST, STRETCH, Curve
from studio.training.draws import Draws
from studio.training.optimizers import check_patterns, make_optimizer
from studio.training.parameters import KINDS
from studio.training.pictures import vary
from studio.training.step import parts_of
from studio.zoo import causal_lm, melody
from studio.zoo.folder import adopt
from tests.training.tiny import curve, parameters, run, weights


def draws(rows: slice = slice(None), purpose: str = "test") -> Draws:
    return Draws.of(7, 3, purpose, 8, rows)


def test_rows_of_draws_do_not_depend_on_how_a_batch_is_divided() -> None:
    def numbers(rows: slice) -> list[torch.Tensor]:
        own = draws(rows)
        return [own.normal(3), own.uniform(2, 2), own.integers(10), own.normal(1)]

    whole, halves = numbers(slice(None)), [numbers(slice(0, 4)), numbers(slice(4, 8))]
    for index, tensor in enumerate(whole):
        assert torch.equal(tensor, torch.cat([half[index] for half in halves]))
    assert not torch.equal(draws().normal(3), draws(purpose="other").normal(3))


@given(some.integers(1, 4), some.integers(1, 4), some.integers(1, 5))
def test_parts_cover_the_batch_once(processes: int, accumulate: int, size: int) -> None:
    indices = torch.arange(processes * accumulate * size) + 100
    parts = [
        part
        for process in range(processes)
        for part in parts_of(indices, seed=0, number=1, process=process, processes=processes, accumulate=accumulate)
    ]
    assert torch.equal(torch.cat([part.indices for part in parts]), indices)
    assert {len(part.indices) for part in parts} == {size}


@pytest.mark.parametrize("kind", AUGMENTATIONS)
def test_augmentation_keeps_shapes_lets_gradients_through_and_repeats_itself(kind: str) -> None:
    pictures = (torch.rand(8, 3, 16, 24) * 2 - 1).requires_grad_()
    changed = augment(pictures, [kind], draws())
    assert changed.shape == pictures.shape and not torch.equal(changed, pictures)
    assert torch.equal(changed, augment(pictures, [kind], draws()))
    halves = [augment(pictures[rows], [kind], draws(rows)) for rows in (slice(0, 4), slice(4, 8))]
    torch.testing.assert_close(changed, torch.cat(halves))
    changed.square().sum().backward()
    assert pictures.grad is not None and pictures.grad.isfinite().all() and pictures.grad.abs().sum() > 0


def test_translation_moves_and_its_gradient_moves_back() -> None:
    pictures = torch.rand(8, 1, 16, 16).requires_grad_()
    moved = augment(pictures, ["translation"], draws())
    down, right = (draw.tolist() for draw in (lambda d: (d.integers(5) - 2, d.integers(5) - 2))(draws()))
    for index, (rows, columns) in enumerate(zip(down, right, strict=True)):
        wanted = torch.zeros(16, 16)
        for y in range(16):
            for x in range(16):
                if 0 <= y + rows < 16 and 0 <= x + columns < 16:
                    wanted[y, x] = pictures[index, 0, y + rows, x + columns]
        assert torch.equal(moved[index, 0], wanted)
    moved.sum().backward()
    assert pictures.grad is not None and set(pictures.grad.unique().tolist()) == {0.0, 1.0}


def test_colour_is_brightness_saturation_and_contrast_in_turn() -> None:
    pictures = torch.rand(8, 3, 16, 24) * 2 - 1
    brightness, saturation, contrast = (lambda d: [d.uniform(1, 1, 1) for _ in range(3)])(draws())
    wanted = pictures + (brightness - 0.5)
    grey = wanted.mean(1, keepdim=True)
    wanted = grey + (wanted - grey) * (saturation * 2)
    mean = wanted.mean((1, 2, 3), keepdim=True)
    wanted = mean + (wanted - mean) * (contrast + 0.5)
    torch.testing.assert_close(augment(pictures, ["color"], draws()), wanted)


@pytest.mark.parametrize("kind", ["flip", "turn", "shift", "color"])
def test_variations_change_some_pictures_and_stay_in_range(kind: str) -> None:
    pictures = torch.rand(8, 3, 32, 32) * 2 - 1
    before = pictures.clone()
    varied = vary(pictures.clone(), (kind,), draws())
    assert varied.shape == before.shape and varied.abs().max() <= 1 and not torch.equal(varied, before)
    halves = [vary(before[rows].clone(), (kind,), draws(rows)) for rows in (slice(0, 4), slice(4, 8))]
    assert torch.equal(varied, torch.cat(halves))


def test_the_average_follows_the_formula_and_takes_the_buffers() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))
    average = ema.averaged_copy(network)
    expected = {name: weight.clone() for name, weight in network.named_parameters()}
    for step in range(1, 6):
        network(torch.randn(4, 1, 8, 8))  # moves the running statistics
        with torch.no_grad():
            for weight in network.parameters():
                weight.add_(torch.randn_like(weight))
        ema.update(average, network, step, 0.9)
        decay = min(0.9, (1 + step) / (10 + step))
        expected = {name: decay * expected[name] + (1 - decay) * weight for name, weight in network.named_parameters()}
    for name, weight in average.named_parameters():
        torch.testing.assert_close(weight, expected[name])
    for own, other in zip(average.buffers(), network.buffers(), strict=True):
        assert torch.equal(own, other)
    assert not average.training and not any(weight.requires_grad for weight in average.parameters())


def test_schedules_rise_and_fall() -> None:
    def rate(kind: str, step: int, fraction: float) -> float:
        return schedule.rate(parameters("dcgan", schedule=kind, warmup=10), step, fraction)

    assert rate("constant", 1, 0.0) == 0.1 and rate("constant", 10, 0.9) == rate("constant", 50, 0.9) == 1
    assert rate("linear", 50, 0.25) == 0.75 and rate("linear", 50, 1.0) == 0
    assert rate("cosine", 50, 0.5) == pytest.approx(0.5) and rate("cosine", 50, 1.0) == 0


@settings(max_examples=20)
@given(some.integers(0, 3 * STRETCH * MOST))
def test_the_curve_stays_short_and_keeps_means(steps: int) -> None:
    found = Curve()
    for step in range(1, min(steps, 2 * STRETCH * MOST + 7) + 1):
        found.add(step, {"loss": float(step)})
    assert len(found.rows) < MOST
    assert [row["step"] for row in found.rows] == sorted(row["step"] for row in found.rows)
    if found.rows:
        width = found.rows[0]["step"]
        assert found.rows[0]["loss"] == pytest.approx((width + 1) / 2)
    again = Curve.of(found.state())
    again.add(10**9, {"loss": 1.0})
    found.add(10**9, {"loss": 1.0})
    assert again.state() == found.state()


def test_frozen_weights_do_not_move(tmp_path: Path, data: Path) -> None:
    frozen = ("discriminator.halvings.0.*", "generator.projection.*")
    for steps in (1, 3):
        run("dcgan", data, tmp_path / str(steps), steps=steps, freeze=frozen)
    one, three = weights(tmp_path / "1"), weights(tmp_path / "3")
    layer = "networks.discriminator.halvings.{}.parametrizations.weight.original"
    assert torch.equal(one[layer.format(0)], three[layer.format(0)])
    assert torch.equal(one["networks.generator.projection.weight"], three["networks.generator.projection.weight"])
    assert not torch.equal(one[layer.format(1)], three[layer.format(1)])


@pytest.mark.parametrize("kind", ["dcgan", "vae"])
def test_dropout_leaves_something_out_while_it_learns_and_only_then(tmp_path: Path, data: Path, kind: str) -> None:
    network = {"dcgan": Discriminator(DCGANConfig(width=8), 0.5), "vae": VAE(VAEConfig(width=8), 0.5).encoder}[kind]
    pictures = torch.rand(2, 3, 64, 64)
    ways = [network(pictures) if kind == "dcgan" else network(pictures)[0] for _ in range(2)]
    assert not torch.equal(*ways)
    network.eval()
    ways = [network(pictures) if kind == "dcgan" else network(pictures)[0] for _ in range(2)]
    assert torch.equal(*ways)

    for dropout in (0.0, 0.5):
        run(kind, data, tmp_path / str(dropout), steps=2, dropout=dropout)
    without, with_it = weights(tmp_path / "0.0"), weights(tmp_path / "0.5")
    assert without.keys() == with_it.keys()
    assert any(not torch.equal(without[name], with_it[name]) for name in without)


def test_patterns_that_fit_nothing_are_refused() -> None:
    networks: dict[str, nn.Module] = {"generator": nn.Linear(2, 2)}
    check_patterns(networks, ("generator.*",))
    with pytest.raises(InputError, match=r"No weight is called 'discriminator\.\*': --freeze wants names as in gen"):
        check_patterns(networks, ("discriminator.*",))
    with pytest.raises(InputError, match="Every weight of the generator is frozen"):
        make_optimizer("generator", networks["generator"], parameters("dcgan", freeze=("*",)))


NETWORKS: dict[str, dict[str, nn.Module]] = {
    "dcgan": {"discriminator": Discriminator(DCGANConfig(width=8))},
    "vae": {"vae": VAE(VAEConfig(width=8))},
    "melody": {"melody_lstm": MelodyLSTM(melody.shape(8, 2, 0.0))},
    "text": {"gpt": causal_lm.build(layers=1, width=16, heads=2, context=8, vocabulary=300, dropout=0.0)},
}


@pytest.mark.parametrize("kind", KINDS)
def test_help_texts_speak_of_their_own_medium(kind: str) -> None:
    texts = {name: field.description or "" for name, field in KINDS[kind].fields()}
    check_patterns(NETWORKS[kind], (texts["freeze"].rpartition(": ")[2],))
    others = {
        "dcgan": ("tune",),
        "vae": ("tune", "generated"),
        "melody": ("picture", "generat", "discriminat"),
        "text": ("picture", "tune", "generat", "discriminat"),
    }[kind]
    assert [text for text in texts.values() if any(word in text for word in others)] == []


def test_what_was_trained_before_learns_more_slowly() -> None:
    network = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    chosen = parameters("dcgan", learning_rate=1e-2, pretrained_rate=0.1)
    optimizer = make_optimizer("generator", network, chosen, pretrained={"0.weight", "0.bias"}, rate=2.0)
    rates = {id(weight): group["initial_lr"] for group in optimizer.param_groups for weight in group["params"]}
    assert rates[id(network[1].weight)] == pytest.approx(2e-2)
    assert rates[id(network[0].weight)] == rates[id(network[0].bias)] == pytest.approx(2e-3)


@pytest.mark.parametrize(("before", "after"), [((), ("a", "b")), (("a", "b"), ()), (("a", "b"), ("a", "b", "c"))])
def test_networks_are_adopted_with_classes_coming_and_going(before: tuple[str, ...], after: tuple[str, ...]) -> None:
    def config(classes: tuple[str, ...]) -> DCGANConfig:
        return DCGANConfig(width=8, latent=6, classes=classes)

    torch.manual_seed(0)
    old, new = Generator(config(before)).eval(), Generator(config(after)).eval()
    taken = adopt(new, old)
    assert "doublings.0.0.1.weight" in taken
    assert ("projection.weight" in taken) == (bool(before) == bool(after))
    assert torch.equal(new.projection.weight[:6], old.projection.weight[:6])  # the latent's inputs
    latents = torch.randn(2, 6)
    if not before:  # classes say nothing yet: the same pictures as before
        assert torch.equal(new(latents, torch.tensor([0, 1])), old(latents))
    judge = Discriminator(config(after))
    assert "halvings.0.parametrizations.weight.original" in adopt(judge, Discriminator(config(before)))
    whole = VAE(VAEConfig(width=8, latent=6, classes=after))
    assert "encoder.moments.weight" in adopt(whole, VAE(VAEConfig(width=8, latent=6, classes=before)))


def test_adapters_train_alone_and_fold_into_the_weights() -> None:
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(16, 2, 32, dropout=0.0, batch_first=True)
    plain = copy.deepcopy(layer)
    adapted = lora.add_adapters(layer, 2, targets=("linear1", "linear2"))
    tokens = torch.randn(2, 5, 16)
    adapted.train()
    torch.testing.assert_close(adapted(tokens), plain.train()(tokens))  # an adapter begins as nothing
    learning = [weight for weight in adapted.parameters() if weight.requires_grad]
    assert 0 < sum(weight.numel() for weight in learning) < sum(weight.numel() for weight in plain.parameters()) / 4
    optimizer = torch.optim.AdamW(learning, lr=0.05)
    for _ in range(3):
        adapted(tokens).square().mean().backward()
        optimizer.step()
        optimizer.zero_grad()
    learnt = adapted(tokens).detach()
    assert not torch.allclose(learnt, plain(tokens), atol=1e-3)
    folded = lora.fold(adapted)
    torch.testing.assert_close(folded(tokens).detach(), learnt)
    assert folded.state_dict().keys() == plain.state_dict().keys()


def test_adapters_are_refused_where_there_is_no_place_for_them(tmp_path: Path, data: Path) -> None:
    with pytest.raises(InputError, match="No linear layer to adapt"):
        lora.add_adapters(nn.Conv2d(1, 1, 3), 4)
    with pytest.raises(InputError, match="--lora-rank is for transformers and UNets; a dcgan is small enough"):
        run("dcgan", data, tmp_path / "model", lora_rank=4)


def test_a_batch_worked_through_in_parts_learns_the_same(tmp_path: Path, data: Path) -> None:
    for accumulate in (1, 4):
        run("vae", data, tmp_path / str(accumulate), steps=6, accumulate=accumulate, learning_rate=2e-4)
    one, four = curve(tmp_path / "1")["sums"], curve(tmp_path / "4")["sums"]
    assert four == pytest.approx(one, rel=1e-4)
    whole, parts = weights(tmp_path / "1"), weights(tmp_path / "4")
    assert torch.cat([(whole[name] - parts[name]).abs().flatten() for name in whole]).mean() < 2e-5
