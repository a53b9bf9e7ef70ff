"""Pictures  →  the features that FID, KID, precision, recall and originality are computed in.

The name of an extractor belongs to its numbers: FID-VGG19 and FID-Inception cannot be compared with each other, and
neither can numbers of pictures of different sizes.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from studio.device import Device
from studio.errors import InputError, ModelError
from studio.networks.vgg import VGG
from studio.zoo.vgg import load_vgg

_log = logging.getLogger("studio")

# The root mean square of each layer's averages over the shipped sample pictures, 64 and 128 px wide, for the shipped
# VGG-19. Divided by them both halves have entries of about 1, the scale that KID's kernel and FID's sums expect.
LAYER_SCALES = {"relu4_1": 800.0, "relu5_1": 100.0}

SIDES = (64, 128)
_PIXELS_AT_ONCE = 64 * 64 * 64  # 64 pictures of 64 px, 16 of 128 px


class Extractor(Protocol):
    """(N, C, H, W) uint8, C = 3 or 1  →  (N, F) float32 on the CPU. `name` goes into the names of the metrics."""

    name: str

    def __call__(self, pictures: Tensor) -> Tensor: ...


class VGGFeatures(nn.Module):
    """The activations of relu4_1 and relu5_1, averaged over positions: (N, C, H, W) uint8  →  (N, 1024) float32.

    Made for pictures of 64 to 128 px: what is narrower than 128 px is seen at 64 × 64, all else at 128 × 128
    (bicubic, antialiased); pictures that have one of these sizes are seen as they are.
    """

    def __init__(self, device: Device, network: VGG | None = None) -> None:
        """network: the shipped VGG-19 if none is given; it moves to the device and takes its precision.

        Wrap calls with `device.computing()`.
        """
        super().__init__()
        self.device, self.network = device, device.place_network(network or load_vgg())
        self.name = f"VGG{self.network.config.depth}"

    @torch.no_grad()
    def forward(self, pictures: Tensor) -> Tensor:
        check_pictures(pictures)
        side = SIDES[1] if max(pictures.shape[2:]) >= SIDES[1] else SIDES[0]
        return in_batches(lambda batch: self._features(in_color(batch), side), pictures, side)

    def _features(self, pictures: Tensor, side: int) -> Tensor:
        x = pictures.float() / 255
        if x.shape[2:] != (side, side):  # before it goes to the device: every device then sees the same
            x = functional.interpolate(x, (side, side), mode="bicubic", antialias=True).clamp(0, 1)
        layers = self.network(self.device.place(x), LAYER_SCALES)
        means = [layers[name].float().mean((2, 3)) / scale for name, scale in LAYER_SCALES.items()]
        return torch.cat(means, 1).cpu()


class InceptionFeatures(nn.Module):
    """A TorchScript Inception of the user's own, as StyleGAN's metrics use it: (N, C, H, W) uint8  →  (N, F) float32.

    The file is called with (N, 3, H, W) uint8 and `return_features=True`; it resizes for itself.
    """

    name = "Inception"

    def __init__(self, file: str | Path, device: Device) -> None:
        """Raises ModelError for a file that is missing or no TorchScript. Loading it runs the code it holds."""
        super().__init__()
        path = Path(file)
        if not path.is_file():
            raise ModelError(f"There is no file {path}; give a TorchScript Inception (.pt), or measure with VGG-19.")
        _log.warning("%s is TorchScript: using it runs the code inside. Use files that you trust.", path.name)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # no other format of these weights is in use
                network = torch.jit.load(str(path), map_location=device.location)  # type: ignore[no-untyped-call]
        except (RuntimeError, ValueError, OSError):
            raise ModelError(f"{path} is no TorchScript that this torch can load; measure with VGG-19.") from None
        self.device, self.network = device, network.eval()

    @torch.no_grad()
    def forward(self, pictures: Tensor) -> Tensor:
        check_pictures(pictures)
        return in_batches(self._features, pictures, SIDES[0])

    def _features(self, pictures: Tensor) -> Tensor:
        placed = in_color(pictures).contiguous().to(self.device.location)
        try:
            features = self.network(placed, return_features=True)
        except RuntimeError as error:
            reason = str(error).strip().split("\n")[0][:120]
            raise ModelError(
                f"The TorchScript network cannot be called with uint8 pictures and return_features=True: {reason}"
            ) from None
        return features.float().flatten(1).cpu()  # type: ignore[no-any-return]


def check_pictures(pictures: Tensor, what: str = "pictures") -> None:
    """Raise InputError for anything but (N, C, H, W) uint8 with N ≥ 1 and C = 3 or 1."""
    if pictures.dtype != torch.uint8 or pictures.ndim != 4 or pictures.shape[1] not in (1, 3) or not len(pictures):
        raise InputError(
            f"Expected {what} as uint8 of shape (N, 3, H, W) or (N, 1, H, W) with at least one of them, "
            f"got {pictures.dtype} of shape {tuple(pictures.shape)}."
        )


def in_color(pictures: Tensor) -> Tensor:
    """(N, 1 or 3, H, W)  →  (N, 3, H, W): grey pictures get three like channels."""
    return pictures.expand(-1, 3, -1, -1)


def in_batches(compute: Callable[[Tensor], Tensor], pictures: Tensor, side: int) -> Tensor:
    """`compute` of batches whose number of pictures suits a side of so many pixels, one after another."""
    return torch.cat([compute(batch) for batch in torch.split(pictures, max(1, _PIXELS_AT_ONCE // side**2))])
