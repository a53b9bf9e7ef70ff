"""A model by its name, whichever kind of generator it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from studio import hub
from studio.errors import InputError, ModelError
from studio.parameters import Parameters
from studio.pipelines.dcgan import DCGANPipeline
from studio.pipelines.generator import GeneratorPipeline
from studio.pipelines.vae import VAEPipeline
from studio.zoo.folder import network_of

GENERATORS: dict[str, type[GeneratorPipeline]] = {kind.name: kind for kind in (DCGANPipeline, VAEPipeline)}


def load_generator(
    model: str | Path, *, device: str = "auto", precision: str = "auto", threads: int | None = None
) -> GeneratorPipeline:
    """The pipeline of a model that makes pictures out of latents.

    Raises ModelError for a model of another kind, and as `from_pretrained` does.
    """
    found = hub.find(model)
    kind = network_of(found)
    if kind not in GENERATORS:
        raise ModelError(
            f"{found.name} is {f'a {kind}' if kind else 'a bare file of weights'} and makes no pictures by itself; "
            f"expected a model of kind {' or '.join(GENERATORS)}. `studio models` lists what there is."
        )
    return GENERATORS[kind].from_pretrained(model, device=device, precision=precision, threads=threads)


def fitting(pipe: GeneratorPipeline, chosen: Parameters) -> dict[str, Any]:
    """Of parameters for every kind of generator, those that this one has.

    Raises InputError where one that it does not have is not left at its default.
    """
    own = {name for name, _ in pipe.parameters.fields()}
    foreign = {name for kind in GENERATORS.values() for name, _ in kind.parameters.fields()} - own
    defaults, given = type(chosen)().to_dict(), chosen.to_dict()
    for name in given:
        if name in foreign and given[name] != defaults[name]:
            raise InputError(
                f"{pipe.model.name} is a {pipe.title}, which has no {name} (--{name.replace('_', '-')}); leave it out."
            )
    return {name: value for name, value in given.items() if name in own}
