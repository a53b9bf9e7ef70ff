"""Every option of pictures and films made by a DCGAN or a VAE, for the command line, the pages and the recipes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from studio.parameters import Parameters, parameter, parameters

Weight = Annotated[float, Field(ge=0, le=1e12)]
Move = Annotated[float, Field(ge=-10, le=10)]
SEEDS = 2**63  # seeds are 0 … SEEDS - 1; after the last comes the first again

# How the directions are found that moves go along, and that a sheet of directions shows unless asked otherwise. A
# recipe that moves pictures means these: with others it would make other pictures.
DIRECTIONS = 8
DIRECTIONS_SAMPLES = 2048
DIRECTIONS_SEED = 0


@parameters
class DrawParameters(Parameters):
    """What every picture out of latents has."""

    seed: int = parameter(0, "Seed of the first picture; the next has the next seed.", ge=0, lt=SEEDS)
    classes: tuple[str, ...] = parameter((), "Names of classes, taken in turn; all of the model's if left out.")
    scale: int = parameter(1, "Enlarge so many times, for print (Lanczos).", ge=1, le=32)


@parameters
class ManyParameters(DrawParameters):
    """What every call has that makes pictures by seeds."""

    count: int = parameter(1, "How many pictures.", ge=1, le=10_000)
    grid: bool = parameter(False, "One picture with all of them in rows.")
    columns: int | None = parameter(None, "Columns of the grid; about square if left out.", ge=1, le=10_000)
    same_latent: bool = parameter(
        False, "One latent for all pictures, so that only the class changes: an alphabet in one hand."
    )

    moves: tuple[Move, ...] = parameter(
        (),
        "How far to move along the model's directions 1, 2, …, in standard deviations: 2,0,-1.5 (each within ± 10).",
        advanced=True,
    )


@parameters
class DCGANDraw(Parameters):
    """How the latents of a DCGAN are drawn."""

    truncation: float | None = parameter(
        None, "Keep the numbers of latents within ± this: safer pictures, more alike (DCGAN).", gt=0, le=10
    )
    wide: int = parameter(
        1, "Latents side by side, for wider pictures: (wide + 3) / 4 of the size; suits textures (DCGAN).", ge=1, le=128
    )
    high: int = parameter(
        1, "Latents one above the other, for higher pictures: (high + 3) / 4 of the size (DCGAN).", ge=1, le=128
    )


@parameters
class VAEDraw(Parameters):
    """How the latents of a VAE are drawn."""

    temperature: float = parameter(
        1.0, "How far latents stray from the middle of their kind: below 1 is safer and more alike (VAE).", ge=0, le=4
    )


@parameters
class DCGANParameters(DCGANDraw, ManyParameters):
    """Pictures by a DCGAN."""


@parameters
class VAEParameters(VAEDraw, ManyParameters):
    """Pictures by a VAE."""


@parameters
class ImageParameters(VAEDraw, DCGANDraw, ManyParameters):
    """Pictures by either; what a model does not have has to stay as it is."""


@parameters
class BlendParameters(Parameters):
    """Pictures that went through a VAE: taken as they are, mixed, or with the way between them."""

    weights: tuple[Weight, ...] = parameter((), "How much each picture counts; all alike if left out.")
    steps: int = parameter(1, "Pictures in a row from the first to the last; 1 for one blend.", ge=1, le=1000)
    classes: tuple[str, ...] = parameter((), "The class of each picture, in turn; the model's first if left out.")
    into: tuple[str, ...] = parameter(
        (), "Classes to show the blend in, in a row: a whole alphabet out of one letter. Those given if left out."
    )
    scale: int = parameter(1, "Enlarge so many times, for print (Lanczos).", ge=1, le=32)
    background: str = parameter("white", "Colour under transparent pixels, by name or as #rrggbb.", advanced=True)


@parameters
class WalkParameters(VAEDraw, DCGANDraw, DrawParameters):
    """A film that leads through the latent space of a DCGAN or a VAE from keyframe to keyframe."""

    seconds: float = parameter(10.0, "Length of the film.", gt=0, le=3600)
    fps: int = parameter(30, "Pictures a second.", ge=1, le=120)
    keyframes: int | None = parameter(
        None, "Keyframes by seed, after those that are given as pictures; 6 if there are none.", ge=0, le=10_000
    )
    kind: Literal["spline", "slerp"] = parameter("spline", "Flow through the keyframes, or go straight to each.")
    loop: bool = parameter(True, "Back to the first keyframe, so that the film repeats without a jump.")
    ease: bool = parameter(False, "Slow down to rest at every keyframe.")

    search_steps: int = parameter(
        200,
        "Steps of the search for each picture's latent, where the model has no encoder.",
        ge=0,
        le=10_000,
        advanced=True,
    )
    background: str = parameter("white", "Colour under transparent pixels, by name or as #rrggbb.", advanced=True)


@parameters
class ProjectionParameters(Parameters):
    """The search for the latent that comes closest to a picture."""

    steps: int = parameter(300, "Steps of the search.", ge=0, le=100_000)
    seed: int = parameter(0, "Seed of everything random.", ge=0, lt=SEEDS)
    class_name: str = parameter("", "The class to search in; the model's first if left out.")
    beside: bool = parameter(False, "Put the picture itself on the left, to compare.")
    scale: int = parameter(1, "Enlarge so many times, for print (Lanczos).", ge=1, le=32)

    starts: int = parameter(
        8, "Latents of which the closest is the start, where the model has no encoder.", ge=1, le=1000, advanced=True
    )
    learning_rate: float = parameter(0.05, "Step size.", gt=0, le=10, advanced=True)
    features: bool = parameter(True, "Compare what VGG-19 sees as well as pixels.", advanced=True)
    stop_after: int | None = parameter(
        None, "End after so many of the steps, as a search does that is stopped.", ge=1, le=100_000, advanced=True
    )
    background: str = parameter("white", "Colour under transparent pixels, by name or as #rrggbb.", advanced=True)


@parameters
class DirectionsParameters(Parameters):
    """The directions in which a model varies most, and a sheet that shows them."""

    count: int = parameter(DIRECTIONS, "How many directions.", ge=1, le=256)
    rows: int = parameter(2, "Pictures that each direction is shown on.", ge=1, le=100)
    columns: int = parameter(7, "Steps along each direction.", ge=2, le=100)
    reach: float = parameter(3.0, "How far the sheet goes, in standard deviations.", gt=0, le=10)
    seed: int = parameter(DIRECTIONS_SEED, "Seed of everything random.", ge=0, lt=SEEDS)
    class_name: str = parameter("", "The class to look at; the model's first if left out.")
    scale: int = parameter(1, "Enlarge so many times, for print (Lanczos).", ge=1, le=32)
    samples: int = parameter(
        DIRECTIONS_SAMPLES, "Latents from which the directions are found.", ge=2, le=100_000, advanced=True
    )
