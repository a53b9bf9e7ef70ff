"""Pictures that go into a network: opened as every picture is, and made square as those it was trained on."""

from __future__ import annotations

import torch
from PIL import Image
from torch import Tensor

from studio.data.prepare import Form
from studio.data.tensors import to_network
from studio.media import images
from studio.media.images import Picture
from studio.pipelines.generator import PictureLike


def opened(source: PictureLike, background: str = "white") -> Picture:
    """A picture from a file or from memory. Raises InputError."""
    return images.open_picture(source, background=background)


def to_square(image: Image.Image, size: int, channels: int) -> Tensor:
    """RGB of any size  →  (C, S, S) in [-1, 1]: its middle, as a training crops it."""
    form = Form(size, channels, "white", "crop", 1, images.MAX_PIXELS)
    return to_network(torch.from_numpy(form.apply(image).copy()))
