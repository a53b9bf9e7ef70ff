"""Every option of style transfer with its range and its help text, for the command line, the page and the recipe."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from studio.parameters import Parameters, parameter, parameters

Weight = Annotated[float, Field(ge=0, le=1e12)]
Steps = Annotated[int, Field(ge=0, le=100_000)]


@parameters
class StyleTransferParameters(Parameters):
    """How a photograph is painted in the manner of one or more paintings."""

    size: int = parameter(512, "Long side of the result, in pixels.", ge=16, le=8192)
    steps: int = parameter(60, "Optimisation steps at each scale.", ge=1, le=10_000)
    minutes: float | None = parameter(None, "Time to spend instead of steps: the best that fits.", gt=0, le=10_000)
    seed: int = parameter(0, "Seed of everything random.", ge=0, lt=2**63)
    style_weights: tuple[Weight, ...] = parameter((), "How much each style counts; all alike if left out.")
    content_weight: float = parameter(0.04, "How firmly the content holds against the style.", ge=0, le=1e12)
    keep_colors: Literal["none", "luminance", "histogram", "covariance"] = parameter(
        "none",
        "Keep the photograph's colours: paint its luminance only, or match the paintings' colours to it beforehand.",
    )
    style_scale: float = parameter(
        1.0, "Size of the paintings beside the result: larger means larger strokes.", gt=0, le=4
    )

    background: str = parameter("white", "Colour under transparent pixels, by name or as #rrggbb.", advanced=True)
    max_megapixels: float = parameter(
        64, "Largest picture to open, in millions of pixels.", gt=0, le=1000, advanced=True
    )
    init: Literal["content", "style", "noise", "picture"] = parameter(
        "content", "What to start from; `style` is noise with the paintings' colours.", advanced=True
    )
    coarse_to_fine: bool = parameter(True, "Begin small and double the area at each scale.", advanced=True)
    smallest: int = parameter(128, "Long side of the first scale, in pixels.", ge=16, le=8192, advanced=True)
    steps_at_scales: tuple[Steps, ...] = parameter(
        (),
        "Steps at each scale one by one, coarse to fine, instead of `steps`; scales left out are skipped.",
        advanced=True,
    )
    tile: int | None = parameter(
        None,
        "Side of the tiles of a large picture, a multiple of 16; 0 for none. Chosen by memory if left out.",
        ge=0,
        le=8192,
        multiple_of=16,
        advanced=True,
    )
    optimizer: Literal["adam", "lbfgs"] = parameter("adam", "How the picture is improved.", advanced=True)
    learning_rate: float | None = parameter(
        None, "Step size; by default 0.05 for Adam, 1 for L-BFGS.", gt=0, le=100, advanced=True
    )
    averaging: float = parameter(0.9, "Decay of the average over steps that is the result.", ge=0, lt=1, advanced=True)
    tv_weight: float = parameter(1.0, "Smoothness: the weight of the total variation.", ge=0, le=1e12, advanced=True)
    content_layers: dict[str, Weight] = parameter(
        {"relu4_2": 1.0}, "Layers that hold the content, with weights.", min_length=1, advanced=True
    )
    style_layers: dict[str, Weight] = parameter(
        {"relu1_1": 0.4, "relu2_1": 0.3, "relu3_1": 0.15, "relu4_1": 0.1, "relu5_1": 0.05},
        "Layers that hold the style, with weights.",
        min_length=1,
        advanced=True,
    )
    relative_losses: bool = parameter(
        True, "Measure each loss relative to its target, so that weights fit every picture.", advanced=True
    )
    pooling: Literal["max", "average"] = parameter("max", "Pooling of the network; average is smoother.", advanced=True)
    border: Literal["replicate", "zeros"] = parameter(
        "replicate", "What the network sees beyond the edge; zeros leave a frame.", advanced=True
    )
