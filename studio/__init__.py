"""Studio: a creative-AI toolkit for art and music.

    from studio import StyleTransferPipeline

    pipe = StyleTransferPipeline.from_pretrained("vgg19")
    pipe("photo.jpg", ["wave.jpg"], size=512).save("out.png")

Importing starts nothing: what is named here is loaded when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from studio.errors import DeviceError, InputError, ModelError, OutputError, StudioError
    from studio.generation.parameters import BlendParameters, DCGANParameters, VAEParameters
    from studio.pipelines.dcgan import DCGANPipeline
    from studio.pipelines.generator import ImageResult
    from studio.pipelines.style_transfer import StyleTransferPipeline, StyleTransferResult
    from studio.pipelines.vae import VAEPipeline
    from studio.progress import Progress
    from studio.recipe import Recipe, recipe_of
    from studio.style.parameters import StyleTransferParameters

__version__ = "0.1.0"

_HOMES = {
    "DeviceError": "studio.errors",
    "InputError": "studio.errors",
    "ModelError": "studio.errors",
    "OutputError": "studio.errors",
    "StudioError": "studio.errors",
    "BlendParameters": "studio.generation.parameters",
    "DCGANParameters": "studio.generation.parameters",
    "DCGANPipeline": "studio.pipelines.dcgan",
    "ImageResult": "studio.pipelines.generator",
    "Progress": "studio.progress",
    "Recipe": "studio.recipe",
    "StyleTransferParameters": "studio.style.parameters",
    "StyleTransferPipeline": "studio.pipelines.style_transfer",
    "StyleTransferResult": "studio.pipelines.style_transfer",
    "VAEParameters": "studio.generation.parameters",
    "VAEPipeline": "studio.pipelines.vae",
    "recipe_of": "studio.recipe",
}

__all__ = [
    "BlendParameters",
    "DCGANParameters",
    "DCGANPipeline",
    "DeviceError",
    "ImageResult",
    "InputError",
    "ModelError",
    "OutputError",
    "Progress",
    "Recipe",
    "StudioError",
    "StyleTransferParameters",
    "StyleTransferPipeline",
    "StyleTransferResult",
    "VAEParameters",
    "VAEPipeline",
    "__version__",
    "recipe_of",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'studio' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
