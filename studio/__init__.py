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
    from studio.errors import DeviceError, InputError, ModelError, OutputError, StoppedError, StudioError
    from studio.generation.parameters import (
        BlendParameters,
        DCGANParameters,
        DirectionsParameters,
        ProjectionParameters,
        VAEParameters,
        WalkParameters,
    )
    from studio.melody.parameters import MelodyParameters
    from studio.pipelines.dcgan import DCGANPipeline
    from studio.pipelines.directions import DirectionsPipeline
    from studio.pipelines.generator import ImageResult
    from studio.pipelines.melody import MelodyPipeline
    from studio.pipelines.melody_result import MelodyResult
    from studio.pipelines.projection import ProjectionPipeline
    from studio.pipelines.style_transfer import StyleTransferPipeline, StyleTransferResult
    from studio.pipelines.text import TextPipeline
    from studio.pipelines.text_result import TextResult
    from studio.pipelines.vae import VAEPipeline
    from studio.pipelines.walk import WalkPipeline, WalkResult
    from studio.progress import Progress
    from studio.recipe import Recipe, recipe_of
    from studio.style.parameters import StyleTransferParameters
    from studio.text.parameters import TextParameters

__version__ = "0.1.0"

_HOMES = {
    "DeviceError": "studio.errors",
    "InputError": "studio.errors",
    "ModelError": "studio.errors",
    "OutputError": "studio.errors",
    "StoppedError": "studio.errors",
    "StudioError": "studio.errors",
    "BlendParameters": "studio.generation.parameters",
    "DCGANParameters": "studio.generation.parameters",
    "DirectionsParameters": "studio.generation.parameters",
    "ProjectionParameters": "studio.generation.parameters",
    "VAEParameters": "studio.generation.parameters",
    "WalkParameters": "studio.generation.parameters",
    "MelodyParameters": "studio.melody.parameters",
    "DCGANPipeline": "studio.pipelines.dcgan",
    "DirectionsPipeline": "studio.pipelines.directions",
    "ImageResult": "studio.pipelines.generator",
    "MelodyPipeline": "studio.pipelines.melody",
    "MelodyResult": "studio.pipelines.melody_result",
    "ProjectionPipeline": "studio.pipelines.projection",
    "StyleTransferPipeline": "studio.pipelines.style_transfer",
    "StyleTransferResult": "studio.pipelines.style_transfer",
    "TextPipeline": "studio.pipelines.text",
    "TextResult": "studio.pipelines.text_result",
    "VAEPipeline": "studio.pipelines.vae",
    "WalkPipeline": "studio.pipelines.walk",
    "WalkResult": "studio.pipelines.walk",
    "Progress": "studio.progress",
    "Recipe": "studio.recipe",
    "recipe_of": "studio.recipe",
    "StyleTransferParameters": "studio.style.parameters",
    "TextParameters": "studio.text.parameters",
}

__all__ = [
    "BlendParameters",
    "DCGANParameters",
    "DCGANPipeline",
    "DeviceError",
    "DirectionsParameters",
    "DirectionsPipeline",
    "ImageResult",
    "InputError",
    "MelodyParameters",
    "MelodyPipeline",
    "MelodyResult",
    "ModelError",
    "OutputError",
    "Progress",
    "ProjectionParameters",
    "ProjectionPipeline",
    "Recipe",
    "StoppedError",
    "StudioError",
    "StyleTransferParameters",
    "StyleTransferPipeline",
    "StyleTransferResult",
    "TextParameters",
    "TextPipeline",
    "TextResult",
    "VAEParameters",
    "VAEPipeline",
    "WalkParameters",
    "WalkPipeline",
    "WalkResult",
    "__version__",
    "recipe_of",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'studio' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
