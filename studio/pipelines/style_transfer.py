"""Neural style transfer: a photograph painted in the manner of one or more paintings.

    pipe = StyleTransferPipeline.from_pretrained("vgg19")
    result = pipe(content="photo.jpg", styles=["wave.jpg"], size=512, seed=7)
    result.save("out.png")

After Gatys, Ecker & Bethge, "Image Style Transfer Using Convolutional Neural Networks" (CVPR 2016): the picture itself
is optimised until VGG sees the photograph's content and the paintings' Gram matrices in it. This goes from coarse to
fine, with an averaged iterate, in the device's precision; losses and Gram matrices are float32.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from safetensors.torch import save

from studio import device as devices
from studio import hub
from studio.device import Device
from studio.errors import InputError
from studio.media import files, images
from studio.media.images import Picture
from studio.networks.vgg import VGG
from studio.pipelines.models import copy_model, load_again
from studio.progress import Callback
from studio.recipe import Recipe, Source, environment, source_of
from studio.style.parameters import StyleTransferParameters
from studio.style.run import Pictures, Run
from studio.style.scales import LEAST_SIDE
from studio.zoo.vgg import vgg_of

NAME = "style_transfer"

PictureLike = str | Path | Image.Image


@dataclasses.dataclass(frozen=True)
class StyleTransferResult:
    """What a call made.

    images: one RGB picture; recipe: what made it; losses: one a step; finished: False if it was stopped before its end.
    """

    images: list[Image.Image]
    recipe: Recipe
    losses: list[float]
    finished: bool

    def save(self, path: str | Path) -> Path:
        """Write the picture with its recipe inside; .png, .jpg or .webp. Raises OutputError."""
        return images.write_picture(self.images[0], path, self.recipe.to_json())

    @property
    def facts(self) -> dict[str, Any]:
        """What there is to say of it: for `--json`."""
        width, height = self.images[0].size
        loss = self.losses[-1]
        return {"width": width, "height": height, "steps": len(self.losses), "loss": loss, "finished": self.finished}

    @property
    def in_words(self) -> str:
        """The same for people."""
        return f"{self.images[0].width} × {self.images[0].height}, {len(self.losses)} steps"


class StyleTransferPipeline:
    """Style transfer by optimisation over one VGG network. A call leaves no state behind."""

    parameters = StyleTransferParameters

    def __init__(self, network: VGG, model: Source, device: Device, origin: hub.Model | None = None) -> None:
        """origin: where the network was loaded from, so that it can be saved as it was, in its full precision."""
        self.network, self.model, self.device, self.origin = network, model, device, origin

    @classmethod
    def from_pretrained(
        cls, model: str | Path = "vgg19", *, device: str = "auto", precision: str = "auto", threads: int | None = None
    ) -> StyleTransferPipeline:
        """Load a VGG-16 or VGG-19: a shipped model, a folder, a torchvision `.pth` or `.safetensors`, or a hub id.

        device, precision, threads: as in `studio.device.choose`. Raises ModelError and DeviceError.
        """
        chosen = devices.choose(device, precision, threads)
        found = hub.find(model)
        network = vgg_of(found)
        return cls(chosen.place_network(network), Source(found.name, found.sha256), chosen, found)

    def __call__(
        self,
        content: PictureLike,
        styles: Sequence[PictureLike] | PictureLike,
        *,
        masks: Sequence[PictureLike] = (),
        init_picture: PictureLike | None = None,
        parameters: StyleTransferParameters | None = None,
        callback: Callback | None = None,
        keep_in: str | Path | None = None,
        **options: Any,
    ) -> StyleTransferResult:
        """Paint `content` in the manner of `styles`.

        masks: none; one for all styles; or one for each: white where the style goes, black where the photograph stays.
        init_picture: what to start from; sets `init` to "picture".
        parameters: a `StyleTransferParameters`; options: fields of it by name, which take precedence.
        callback: called after each step with a `Progress`; returning True stops, and the best so far comes back.
        keep_in: a file that keeps the work every 20 s, so that a killed run goes on from there when it is called again.
        Raises InputError for anything that cannot be used, before any work begins.
        """
        chosen = _resolved(parameters or StyleTransferParameters(), options, init_picture)
        self.network.check([*chosen.content_layers, *chosen.style_layers])
        pictures = _open(content, styles, masks, init_picture, chosen)
        weights = _normalized(chosen.style_weights, len(pictures["styles"]))
        recipe = Recipe(
            pipeline=NAME,
            parameters=chosen.to_dict(),
            model=self.model,
            inputs={role: tuple(map(source_of, opened)) for role, opened in pictures.items() if opened},
            environment=environment(self.device.environment()),
        )
        run = Run(
            self.network,
            self.device,
            chosen,
            Pictures(
                content=pictures["content"][0].image,
                styles=[style.image for style in pictures["styles"]],
                masks=[mask.image for mask in pictures["masks"]],
                init=pictures["init_picture"][0].image if pictures["init_picture"] else None,
            ),
            weights,
        )
        with self.device.computing():
            outcome = run.paint(callback, Path(keep_in) if keep_in else None, recipe.fingerprint)
        realized: dict[str, Any] = {"tile": outcome.tile}
        if chosen.minutes or not outcome.finished:
            realized |= {"minutes": None, "steps_at_scales": outcome.steps_at_scales}
        return StyleTransferResult(
            images=[outcome.image],
            recipe=dataclasses.replace(recipe, parameters=chosen.changed(**realized).to_dict()),
            losses=outcome.losses,
            finished=outcome.finished,
        )

    @classmethod
    def remake(
        cls,
        recipe: Recipe,
        inputs: Mapping[str, Sequence[Path]],
        *,
        model: str | Path | None = None,
        callback: Callback | None = None,
        keep_in: str | Path | None = None,
    ) -> StyleTransferResult:
        """Run a recipe again, on the device, in the precision and with the threads that it names.

        inputs: role → files, as `studio.recipe.find_inputs` gives them. Raises ModelError if the model is another one.
        """
        if not inputs.get("content") or not inputs.get("styles"):
            raise InputError("The recipe names no content or no styles; it was changed or cut off.")
        pipe = load_again(cls.from_pretrained, recipe, model)
        return pipe(
            inputs["content"][0],
            list(inputs["styles"]),
            masks=inputs.get("masks", ()),
            init_picture=next(iter(inputs.get("init_picture", ())), None),
            parameters=StyleTransferParameters(**recipe.parameters),
            callback=callback,
            keep_in=keep_in,
        )

    def save_pretrained(self, folder: str | Path) -> Path:
        """Write the network as a folder that `from_pretrained` loads, as it was loaded: its files, card and licence.

        One that came as a bare file of weights, or from nowhere, is written as float32 with a config of its own.
        Raises OutputError.
        """
        if self.origin is not None and self.origin.config:
            return copy_model(self.origin, folder)
        target = files.make_folder(folder)
        network = self.network if self.origin is None else vgg_of(self.origin)
        tensors = {name: tensor.to("cpu", torch.float32).contiguous() for name, tensor in network.state_dict().items()}
        files.write_bytes(target / "model.safetensors", save(tensors))
        config = {"network": "vgg", **dataclasses.asdict(network.config), "files": hub.describe_files(target)}
        files.write_bytes(target / hub.CONFIG, (json.dumps(config, indent=2) + "\n").encode())
        return target

    def push_to_hub(self, hub_id: str, *, private: bool = False) -> str:
        """Upload the network to the Hugging Face hub as `owner/name`; returns its address. Needs a login."""
        return hub.push(self.save_pretrained, hub_id, private=private)


def _resolved(
    parameters: StyleTransferParameters, options: dict[str, Any], init_picture: PictureLike | None
) -> StyleTransferParameters:
    if init_picture is not None:
        options = {"init": "picture", **options}
    chosen = parameters.changed(**options) if options else parameters
    if (chosen.init == "picture") != (init_picture is not None):
        raise InputError("To start from a picture, give both init='picture' and the picture (--init-picture FILE).")
    if not any(chosen.style_layers.values()) and not any(chosen.content_layers.values()):
        raise InputError("Every layer has weight 0: give at least one content or style layer a weight above 0.")
    return chosen


def _open(
    content: PictureLike,
    styles: Sequence[PictureLike] | PictureLike,
    masks: Sequence[PictureLike],
    init_picture: PictureLike | None,
    chosen: StyleTransferParameters,
) -> dict[str, list[Picture]]:
    """Every input by its role."""
    listed = [styles] if isinstance(styles, (str, Path, Image.Image)) else list(styles)
    if not listed:
        raise InputError("Expected at least one style; give one or more paintings.")
    if len(masks) not in (0, 1, len(listed)):
        raise InputError(f"{len(masks)} masks for {len(listed)} styles: give none, one for all, or one for each.")
    limit = round(chosen.max_megapixels * 1e6)

    def opened(source: PictureLike) -> Picture:
        picture = images.open_picture(source, background=chosen.background, max_pixels=limit)
        if min(picture.image.size) < LEAST_SIDE:
            raise InputError(
                f"{picture.name or 'A picture'} is {picture.image.width} × {picture.image.height}: "
                f"expected at least {LEAST_SIDE} pixels on each side."
            )
        return picture

    photograph = opened(content)
    return {
        "content": [photograph],
        "styles": [opened(style) for style in listed],
        "masks": [images.open_mask(mask, photograph.image.size, max_pixels=limit) for mask in masks],
        "init_picture": [] if init_picture is None else [opened(init_picture)],
    }


def _normalized(weights: Sequence[float], count: int) -> list[float]:
    """Style weights that sum to 1; all alike where none are given."""
    if not weights:
        return [1 / count] * count
    if len(weights) != count:
        raise InputError(f"{len(weights)} style weights for {count} styles: give one for each, e.g. 0.7,0.3.")
    total = math.fsum(weights)
    if total <= 0:
        raise InputError("The style weights sum to 0: give at least one of them a value above 0.")
    return [weight / total for weight in weights]
