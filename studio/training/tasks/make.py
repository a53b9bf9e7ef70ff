"""The task that trains a kind of model on pictures, from nothing or from a model that was trained before."""

from __future__ import annotations

from studio import hub
from studio.data.pictures import PictureData
from studio.device import Device
from studio.errors import InputError
from studio.metrics.extractor import VGGFeatures
from studio.networks.dcgan import DCGANConfig
from studio.networks.vae import VAEConfig
from studio.training import lora
from studio.training.parameters import KINDS, DCGANTrainingParameters, PictureTraining
from studio.training.tasks.dcgan import DCGANTask
from studio.training.tasks.vae import VAETask
from studio.zoo import dcgan, vae
from studio.zoo.folder import shape_of

PictureTask = DCGANTask | VAETask


def check_kind(kind: str, parameters: PictureTraining) -> None:
    """Raise InputError for a kind that Studio does not train, or for what its networks have no place for."""
    if kind not in KINDS:
        raise InputError(f"Studio does not train a {kind!r}; it trains {', '.join(KINDS)}.")
    if not isinstance(parameters, KINDS[kind]):
        raise InputError(f"Expected {KINDS[kind].__name__} to train a {kind}, got {type(parameters).__name__}.")
    lora.check_absent(parameters.lora_rank, kind)


def open_start(kind: str, name: str) -> hub.Model:
    """The model to begin with. Raises ModelError where it is missing or of another kind."""
    model = hub.find(name)
    _shape(kind, model)
    return model


def in_the_shape_of(parameters: PictureTraining, kind: str, start: hub.Model) -> PictureTraining:
    """The parameters of a training that begins with a model: it keeps its size, its colours and its widths."""
    shape = _shape(kind, start)
    return parameters.changed(size=shape.size, channels=shape.channels, width=shape.width, latent=shape.latent)


def make_task(
    data: PictureData,
    parameters: PictureTraining,
    device: Device,
    start: hub.Model | None = None,
    extractor: VGGFeatures | None = None,
) -> PictureTask:
    """The task of these parameters. extractor: what pictures are looked at through, the shipped VGG-19 if not given."""
    if isinstance(parameters, DCGANTrainingParameters):
        known = None if start is None else (dcgan.load_generator(start), dcgan.load_discriminator(start))
        return DCGANTask(data, parameters, device, start=known, extractor=extractor)
    return VAETask(data, parameters, device, start=None if start is None else vae.load_vae(start), extractor=extractor)


def _shape(kind: str, model: hub.Model) -> DCGANConfig | VAEConfig:
    if kind == "dcgan":
        return shape_of(model, dcgan.NETWORK, DCGANConfig)
    return shape_of(model, vae.NETWORK, VAEConfig)
