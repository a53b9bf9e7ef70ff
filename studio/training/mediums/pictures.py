"""Training on pictures: a DCGAN or a VAE."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from pathlib import Path

import torch

from studio import hub
from studio.data import pictures
from studio.data.folder import read_folder
from studio.data.pictures import PictureData
from studio.data.tensors import to_uint8
from studio.device import Device
from studio.errors import InputError, OutputError
from studio.media import images
from studio.metrics import originality
from studio.metrics.extractor import VGGFeatures
from studio.networks.dcgan import DCGANConfig
from studio.networks.vae import VAEConfig
from studio.training import lora
from studio.training.medium import Source, in_shape
from studio.training.parameters import AnyTraining, DCGANTrainingParameters, PictureTraining, VAETrainingParameters
from studio.training.pictures import spread
from studio.training.tasks.dcgan import DCGANTask
from studio.training.tasks.vae import VAETask
from studio.zoo import dcgan, vae
from studio.zoo.folder import shape_of

NEAREST = "nearest.png"
COMPARED = 128  # samples looked for among the training pictures
COMPARED_WITH = 5000  # training pictures at most
_TELL_EVERY = 10.0  # seconds

PictureTask = DCGANTask | VAETask

_log = logging.getLogger("studio")


@dataclass(frozen=True)
class Pictures:
    """The medium of one kind of model: "dcgan" or "vae"."""

    kind: str

    def settle(self, parameters: AnyTraining, start: hub.Model | None) -> PictureTraining:
        """See `studio.training.medium.Medium`."""
        expected = DCGANTrainingParameters if self.kind == "dcgan" else VAETrainingParameters
        if not isinstance(parameters, expected):
            raise InputError(f"Expected {expected.__name__} to train a {self.kind}, got {type(parameters).__name__}.")
        lora.check_absent(parameters.lora_rank, self.kind)
        if start is None:
            return parameters
        shape: DCGANConfig | VAEConfig
        if self.kind == "dcgan":
            shape = shape_of(start, dcgan.NETWORK, DCGANConfig)
        else:
            shape = shape_of(start, vae.NETWORK, VAEConfig)
        return in_shape(parameters, shape, "size", "channels", "width", "latent")

    def read(self, source: Source, parameters: PictureTraining, cache: Path | None = None) -> PictureData:
        """See `studio.training.medium.Medium`."""
        told = time.monotonic()

        def tell(done: int, count: int) -> None:
            nonlocal told
            if time.monotonic() - told > _TELL_EVERY:
                told = time.monotonic()
                _log.info("%s of %s pictures prepared.", f"{done:,}", f"{count:,}")

        return read_folder(
            source.data,
            size=parameters.size,
            channels=parameters.channels,
            background=source.background,
            classes=parameters.classes,
            seed=parameters.seed,
            cache=cache,
            progress=tell,
        )

    def read_again(
        self, source: Source, parameters: PictureTraining, cache: Path, fingerprint: str
    ) -> PictureData | None:
        """See `studio.training.medium.Medium`."""
        found = (pictures.kept(cache, path.parent.name) for path in cache.glob("*/*.json"))
        return next((data for data in found if data and data.fingerprint == fingerprint), None)

    def task(
        self,
        data: PictureData,
        parameters: PictureTraining,
        device: Device,
        start: hub.Model | None = None,
        extractor: VGGFeatures | None = None,
    ) -> PictureTask:
        """See `studio.training.medium.Medium`."""
        if isinstance(parameters, DCGANTrainingParameters):
            known = None if start is None else (dcgan.load_generator(start), dcgan.load_discriminator(start))
            return DCGANTask(data, parameters, device, start=known, extractor=extractor)
        begun = None if start is None else vae.load_vae(start)
        return VAETask(data, parameters, device, start=begun, extractor=extractor)

    def compare(
        self, task: PictureTask, data: PictureData, device: Device, folder: Path, extractor: VGGFeatures | None
    ) -> str | None:
        """See `studio.training.medium.Medium`: leaves a sheet of samples beside their nearest training pictures."""
        training, count = spread(data.pictures, COMPARED_WITH), len(data.pictures)
        if len(training) < count:
            _log.info("Samples are looked for among %s of %s training pictures.", f"{len(training):,}", f"{count:,}")
        with device.computing(), torch.no_grad():
            samples = to_uint8(task.samples(COMPARED))
            found = originality.copies(samples, training, extractor or VGGFeatures(device))
        try:
            images.write_picture(originality.sheet(samples, training, found.nearest), folder / NEAREST)
        except OutputError as error:
            _log.warning("the sheet of nearest pictures could not be kept: %s", error)
        if found.warning:
            _log.warning("%s", found.warning)
        return found.warning
