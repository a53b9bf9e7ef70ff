"""A variational autoencoder: squared error, a perceptual term and the divergence of the latents, which warms up."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn

from studio.data.pictures import PictureData
from studio.data.tensors import to_network, to_uint8
from studio.device import Device
from studio.losses.perceptual import LAYERS, layer_scales, perceptual_distance
from studio.losses.variational import divergence, squared_error
from studio.metrics.evaluate import compare_features, reconstruction
from studio.metrics.extractor import VGGFeatures
from studio.networks.mixture import Mixture
from studio.networks.vae import VAE, VAEConfig
from studio.training import card, ema
from studio.training.optimizers import check_patterns, make_optimizer
from studio.training.parameters import VAETrainingParameters
from studio.training.pictures import real_batch, references, sheet, spread
from studio.training.step import Part, Step
from studio.training.task import Measure, Trouble
from studio.zoo import vae as zoo
from studio.zoo.folder import adopt

SEEN_IN = (*LAYERS, "relu4_1")  # which sees shapes; without it samples are blurrier
AT_ONCE = 64  # pictures
MEASURED = 200  # pictures held out
SHOWN = 16  # of them, on a sheet
SAMPLED = 500
SCALED_BY = 64  # pictures whose features say how large a layer's are
FITTED = 20_000  # pictures whose latents the prior is fitted to, at most
DIVERGED = 1.5  # times the squared error of plain grey, or of the network to begin with
_SAMPLES_SEED = 2**31


class VAETask:
    """What the loop trains: one network, "vae", which is averaged."""

    kind = "vae"

    def __init__(
        self,
        data: PictureData,
        chosen: VAETrainingParameters,
        device: Device,
        *,
        start: VAE | None = None,
        extractor: VGGFeatures | None = None,
    ) -> None:
        """start: a network to begin with; its shape is kept but for the classes."""
        self.data, self.chosen, self.device, self.count = data, chosen, device, len(data.pictures)
        self.config = _config(data, chosen, start)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(chosen.seed)
            network = VAE(self.config, chosen.dropout)
        known = adopt(network, start) if start else set()
        self.network = device.place_for_training(network)
        self.networks: dict[str, nn.Module] = {"vae": self.network}
        check_patterns(self.networks, chosen.freeze)
        self.average = ema.averaged_copy(self.network)
        self.averages: dict[str, nn.Module] = {"vae": self.average}
        self.optimizers = {"vae": make_optimizer("vae", self.network, chosen, pretrained=known)}
        self._extractor = extractor
        self._real_features: Tensor | None = None
        self._scales: dict[str, Tensor] | None = None
        with device.computing():
            self.limits: Mapping[str, float] = {"error": DIVERGED * max(self._grey(), self._begun())}
        self.fingerprint = f"{data.fingerprint}/{self.config}"

    @property
    def extractor(self) -> VGGFeatures:
        """The VGG-19 that the perceptual term and the measures look through."""
        self._extractor = self._extractor or VGGFeatures(self.device)
        return self._extractor

    def step(self, step: Step) -> dict[str, float]:
        """One update; the losses are those of a picture: their sum, squared error, perceptual distance, divergence."""
        chosen = self.chosen
        beta = chosen.beta * (min(1.0, step.number / chosen.beta_warmup) if chosen.beta_warmup else 1.0)
        losses: dict[str, list[Tensor]] = {"loss": [], "error": [], "perceptual": [], "divergence": []}
        with step.update("vae") as backward:
            for part in step.parts:
                pictures, labels = real_batch(self.data, part, chosen.variations, self.device)
                noise = part.draws("latents").normal(self.config.latent).to(self.device.location)
                with step.mixed():
                    made, mean, log_variance = self.network(pictures, noise, labels)
                error, far = squared_error(made, pictures), divergence(mean, log_variance, chosen.free_bits)
                seen = self._seen_difference(made, pictures, part)
                loss = error + chosen.perceptual * seen + beta * far
                backward(loss)
                for name, value in zip(losses, (loss, error, seen, far), strict=True):
                    losses[name].append(value)
        return {name: step.mean(values) for name, values in losses.items()}

    def measure(self, step: int) -> Measure:
        """Reconstructions of pictures held out, which decide, and samples from a prior fitted to the latents."""
        originals, labels = spread(self.data.held_out, MEASURED), spread(self.data.held_out_labels, MEASURED)
        found = reconstruction(originals, to_uint8(self._reconstructed(originals, labels)), self.extractor)
        if self._real_features is None:
            self._real_features = self.extractor(references(self.data))
        samples = self.extractor(to_uint8(self._samples(SAMPLED, self._prior(4000))))
        scores = compare_features(samples, self._real_features, self.extractor.name)
        figures = {"psnr": found.psnr, "ssim": found.ssim, "vgg_distance": found.vgg_distance, "kid": scores.kid}
        learnt, labels = spread(self.data.pictures, MEASURED), spread(self.data.labels, MEASURED)
        known = reconstruction(learnt, to_uint8(self._reconstructed(learnt, labels)), self.extractor)
        return Measure(
            step, "VGG distance", found.vgg_distance, figures | {"vgg_distance_of_learnt": known.vgg_distance}
        )

    def sheet(self) -> Image.Image:
        """Above pictures held out and their reconstructions in turn, below samples."""
        originals, labels = spread(self.data.held_out, SHOWN), spread(self.data.held_out_labels, SHOWN)
        made = self._reconstructed(originals, labels)
        pairs = torch.stack([to_network(originals), made], 1).flatten(0, 1)
        return sheet(torch.cat([pairs, self._samples(32, self._prior(2000))]))

    def trouble(self, curve: Sequence[Mapping[str, float]], measures: Sequence[Measure]) -> Trouble | None:
        """Latents that carry nothing, pictures learnt by heart, too little learnt."""
        last = measures[-1].figures
        if curve and curve[-1]["divergence"] < 1:
            return Trouble(
                "the latents carry nothing any more (posterior collapse): give a smaller --beta, or --free-bits 0.1"
            )
        worse = len(measures) >= 4 and measures[-1].value > 1.05 * min(measure.value for measure in measures)
        if worse and last["vgg_distance_of_learnt"] < 0.7 * last["vgg_distance"]:
            return Trouble(
                "it is learning pictures by heart (those held out get worse): more pictures, --variations or a larger "
                "--beta help; the best so far is kept"
            )
        return None

    def save(self, folder: Path, facts: Mapping[str, Any]) -> None:
        """Write the averaged network with a prior fitted to its latents."""
        network = self.average
        assert isinstance(network, VAE)
        zoo.save(folder, network, self._prior(FITTED), facts, card.write(self.kind, facts))

    def samples(self, count: int) -> Tensor:
        """(count, C, S, S) in [-1, 1], from the prior."""
        return self._samples(count, self._prior(4000))

    def _seen_difference(self, made: Tensor, pictures: Tensor, part: Part) -> Tensor:
        """The perceptual distance of a share of the batch's pictures: those of them that are in this part.

        So weighted that the mean over parts is that of the whole batch, however it is divided.
        """
        share = max(self.chosen.perceptual_share, 1 / part.batch)
        counted = torch.floor(torch.arange(part.batch + 1) * share + 1e-6)
        looked_at = counted.diff() > 0  # evenly spread
        own = looked_at[part.rows].nonzero().flatten().to(made.device)
        if not self.chosen.perceptual or not len(own):
            return made.new_zeros(())
        if self._scales is None:
            some = spread(self.data.pictures, SCALED_BY)
            self._scales = layer_scales(self.extractor.network, self.device.place(to_network(some)), SEEN_IN)
        weight = len(own) * part.batch / (len(made) * int(looked_at.sum()))
        return weight * perceptual_distance(
            self.extractor.network, made[own], pictures[own], SEEN_IN, scales=self._scales
        )

    def _grey(self) -> float:
        """The squared error of plain grey instead of the picture that it is furthest from: learning soon costs less."""
        some = torch.split(spread(self.data.pictures, FITTED), AT_ONCE)
        furthest = max(float(to_network(part).square().flatten(1).sum(1).max()) for part in some)
        return max(furthest, 0.2 * self.data.pictures[0].numel())

    def _begun(self) -> float:
        """The squared error of the network that it begins with, which may have learnt something else altogether."""
        some, labels = spread(self.data.pictures, AT_ONCE), spread(self.data.labels, AT_ONCE)
        return float(squared_error(self._reconstructed(some, labels), to_network(some)))

    @torch.no_grad()
    def _encoded(self, pictures: Tensor, labels: Tensor) -> Tensor:
        """(N, C, S, S) uint8  →  means (N, L) on the CPU."""
        found = []
        for start in range(0, len(pictures), AT_ONCE):
            batch = self.device.place(to_network(pictures[start : start + AT_ONCE]))
            found.append(self.average.encoder(batch, self._labels(labels[start : start + AT_ONCE]))[0].cpu())  # type: ignore[operator]
        return torch.cat(found)

    @torch.no_grad()
    def _decoded(self, latents: Tensor, labels: Tensor) -> Tensor:
        made = []
        for start in range(0, len(latents), AT_ONCE):
            batch = latents[start : start + AT_ONCE].to(self.device.location)
            made.append(self.average.decoder(batch, self._labels(labels[start : start + AT_ONCE])).float().cpu())  # type: ignore[operator]
        return torch.cat(made)

    def _reconstructed(self, pictures: Tensor, labels: Tensor) -> Tensor:
        return self._decoded(self._encoded(pictures, labels), labels)

    def _prior(self, most: int) -> Mixture:
        latents = self._encoded(spread(self.data.pictures, most), spread(self.data.labels, most))
        return Mixture.fit(latents, self.chosen.seed)

    def _samples(self, count: int, prior: Mixture) -> Tensor:
        generator = self.device.generator(_SAMPLES_SEED)
        choice = torch.rand(count, generator=generator)
        latents = prior.sample(choice, torch.randn(count, self.config.latent, generator=generator))
        return self._decoded(latents, torch.arange(count) % max(1, len(self.config.classes)))

    def _labels(self, labels: Tensor) -> Tensor | None:
        return labels.to(self.device.location) if self.config.classes else None


def _config(data: PictureData, chosen: VAETrainingParameters, start: VAE | None) -> VAEConfig:
    if start is not None:
        return dataclasses.replace(start.config, classes=data.class_names)
    size, channels = data.pictures.shape[2], data.pictures.shape[1]
    return VAEConfig(size=size, channels=channels, latent=chosen.latent, width=chosen.width, classes=data.class_names)  # type: ignore[arg-type]
