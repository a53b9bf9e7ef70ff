"""DCGAN: a generator and a discriminator against each other, with DiffAugment, in logistic loss."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn

from studio.data.pictures import PictureData
from studio.data.tensors import to_uint8
from studio.device import Device
from studio.losses.adversarial import discriminator_loss, generator_loss, turned
from studio.metrics.evaluate import compare_features
from studio.metrics.extractor import VGGFeatures
from studio.networks.dcgan import DCGANConfig, Discriminator, Generator
from studio.training import card, ema
from studio.training.augment import augment, chosen_for
from studio.training.optimizers import check_patterns, make_optimizer
from studio.training.parameters import DCGANTrainingParameters
from studio.training.pictures import real_batch, references, sheet
from studio.training.step import Step
from studio.training.task import Measure, Trouble
from studio.zoo import dcgan as zoo
from studio.zoo.folder import adopt

BETAS = (0.5, 0.999)
SHEET = 64  # pictures
MEASURED = 500  # samples
COLLAPSED = 0.25  # of the variety of real pictures
LOST = 0.02  # of a discriminator's loss that is no longer beaten
DIVERGED = 50.0  # of a loss: with spectral norm, scores hardly leave -5 to 5
_SAMPLES_SEED = 2**31


class DCGANTask:
    """What the loop trains. `networks` are "generator" and "discriminator"; the generator is averaged."""

    kind = "dcgan"

    def __init__(
        self,
        data: PictureData,
        chosen: DCGANTrainingParameters,
        device: Device,
        *,
        start: tuple[Generator, Discriminator | None] | None = None,
        extractor: VGGFeatures | None = None,
    ) -> None:
        """start: networks to begin with; their shape is kept but for the classes."""
        self.data, self.chosen, self.device, self.count = data, chosen, device, len(data.pictures)
        self.kinds = chosen_for(self.count, chosen.augment)
        self.config = _config(data, chosen, start[0] if start else None)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(chosen.seed)
            generator, discriminator = Generator(self.config), Discriminator(self.config, chosen.dropout)
        known: dict[str, set[str]] = {"generator": set(), "discriminator": set()}
        if start:
            known["generator"] = adopt(generator, start[0])
            known["discriminator"] = adopt(discriminator, start[1]) if start[1] else set()
        self.generator = device.place_for_training(generator)
        self.discriminator = device.place_for_training(discriminator)
        self.networks: dict[str, nn.Module] = {"generator": self.generator, "discriminator": self.discriminator}
        check_patterns(self.networks, chosen.freeze)
        self.averages: dict[str, nn.Module] = {"generator": ema.averaged_copy(self.generator)}
        rates = {"generator": 1.0, "discriminator": chosen.discriminator_rate}
        self.optimizers = {
            name: make_optimizer(name, network, chosen, pretrained=known[name], betas=BETAS, rate=rates[name])
            for name, network in self.networks.items()
        }
        self.extractor = extractor
        self._real_features: Tensor | None = None
        self.limits: Mapping[str, float] = {"generator": DIVERGED, "discriminator": DIVERGED}
        self.fingerprint = f"{data.fingerprint}/{self.config}"

    def step(self, step: Step) -> dict[str, float]:
        """The discriminator learns to tell real pictures from generated ones, and the generator to be believed.

        Both learn from one pass back through the discriminator as it was before the step, which takes a tenth less
        time than another pass through what it has become, and pictures come out no worse.
        """
        kinds, pulls = self.kinds, []
        losses: dict[str, list[Tensor]] = {"generator": [], "discriminator": []}
        with step.update("discriminator") as backward:
            for part in step.parts:
                real, labels = real_batch(self.data, part, self.chosen.variations, self.device)
                latents = part.draws("latents").normal(self.config.latent).to(self.device.location)
                with step.mixed():
                    fake = self._generate(latents, labels)
                    judged = fake.detach().requires_grad_()
                    seen = [augment(real, kinds, part.draws("real")), augment(judged, kinds, part.draws("fake"))]
                    both = None if labels is None else torch.cat([labels, labels])
                    scores = self.discriminator(self.device.place(torch.cat(seen)), both)
                of_real, of_fake = scores.chunk(2)
                loss = discriminator_loss(of_real, of_fake)
                backward(loss)
                assert judged.grad is not None
                pulls.append((fake, turned(judged.grad, of_fake)))
                losses["discriminator"].append(loss)
                losses["generator"].append(generator_loss(of_fake))
        with step.update("generator") as backward:
            for fake, pull in pulls:
                # Both `backward`s divide by the number of parts, which was done to the pull already.
                backward((fake * pull).sum() * len(step.parts))
        return {name: step.mean(values) for name, values in losses.items()}

    def measure(self, step: int) -> Measure:
        """KID of samples against pictures held out, and how much they vary beside real ones."""
        extractor = self.extractor = self.extractor or VGGFeatures(self.device)
        if self._real_features is None:
            self._real_features = extractor(references(self.data))
        features = extractor(to_uint8(self._samples(MEASURED, 1)))
        scores = compare_features(features, self._real_features, extractor.name)
        variety = float(features.std(0).mean() / self._real_features.std(0).mean().clamp(min=1e-9))
        figures = {"kid": scores.kid, "fid": scores.fid, "precision": scores.precision, "recall": scores.recall}
        return Measure(step, f"KID-{extractor.name}", scores.kid, figures | {"variety": variety})

    def sheet(self) -> Image.Image:
        """64 samples, of the same latents each time."""
        return sheet(self._samples(SHEET, 0))

    def trouble(self, curve: Sequence[Mapping[str, float]], measures: Sequence[Measure]) -> Trouble | None:
        """Collapse, a discriminator that always wins, pictures learnt by heart."""
        last, earlier = measures[-1].figures, [measure.figures for measure in measures[:-1]]
        if last["variety"] < COLLAPSED and any(figures["variety"] > 2 * COLLAPSED for figures in earlier):
            return Trouble(
                f"the generator collapsed: its pictures vary {last['variety']:.0%} as much as real ones", roll_back=True
            )
        recent = [row["discriminator"] for row in curve[-25:]]
        if len(recent) == 25 and max(recent) < LOST:
            return Trouble(
                "the discriminator is never wrong any more, so the generator learns nothing from it: "
                "give more pictures, more --augment, or a smaller --discriminator-rate"
            )
        if len(measures) >= 4 and min(m.value for m in measures[-3:]) > 1.3 * min(m.value for m in measures):
            return Trouble(
                "the measure has been getting worse: training longer is unlikely to help, and the best is kept; "
                "more pictures or --variations would"
            )
        return None

    def save(self, folder: Path, facts: Mapping[str, Any]) -> None:
        """Write both networks, so that the model can be trained further on other pictures."""
        generator = self.averages["generator"]
        assert isinstance(generator, Generator)
        zoo.save(folder, generator, self.discriminator, facts, card.write(self.kind, facts))

    def samples(self, count: int) -> Tensor:
        """(count, C, S, S) in [-1, 1], of other latents than those that were measured."""
        return self._samples(count, 2)

    def _generate(self, latents: Tensor, labels: Tensor | None) -> Tensor:
        made: Tensor = self.generator(latents, labels)
        return made.float()

    @torch.no_grad()
    def _samples(self, count: int, stream: int) -> Tensor:
        """(count, C, S, S) in [-1, 1] from the averaged generator; the classes in turn."""
        latents = torch.randn(count, self.config.latent, generator=self.device.generator(_SAMPLES_SEED + stream))
        labels = torch.arange(count) % len(self.config.classes) if self.config.classes else None
        generator = self.averages["generator"]
        made = []
        for start in range(0, count, SHEET):
            some = None if labels is None else labels[start : start + SHEET].to(self.device.location)
            made.append(generator(latents[start : start + SHEET].to(self.device.location), some).float().cpu())
        return torch.cat(made)


def _config(data: PictureData, chosen: DCGANTrainingParameters, start: Generator | None) -> DCGANConfig:
    if start is not None:
        return dataclasses.replace(start.config, classes=data.class_names)
    size, channels = data.pictures.shape[2], data.pictures.shape[1]
    return DCGANConfig(size=size, channels=channels, latent=chosen.latent, width=chosen.width, classes=data.class_names)  # type: ignore[arg-type]
