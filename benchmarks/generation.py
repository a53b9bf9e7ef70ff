"""Pictures of 64 × 64 a second, in batches and one by one, beside the PyTorch DCGAN tutorial's generator.

    python benchmarks/generation.py            # half a minute on 2 cores
    python benchmarks/generation.py --quick

From a latent to 8-bit pixels, in float32, with networks as large as `studio train` makes them; what the weights are
makes no difference to the speed. Each side has a process of its own, and they take turns.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from common import Tick, Turns, arguments, machine, take_turns
from peers import LATENT
from peers import Generator as Tutorial
from torch import Tensor

from studio.data.tensors import to_uint8
from studio.device import choose
from studio.networks.dcgan import DCGANConfig, Generator
from studio.networks.vae import VAE, VAEConfig
from studio.training.parameters import DCGANTrainingParameters, VAETrainingParameters

BATCH, FRAMES = 64, 16  # pictures in a batch; frames in a turn of one by one
GOALS = {BATCH: 100, 1: 30}  # pictures a second


def main() -> None:
    options = arguments(__doc__.split("\n")[0], data=False).parse_args()
    rounds = 3 if options.quick else 20
    print(f"{machine()}; float32, {rounds} rounds")
    for batch, goal in GOALS.items():
        turn = max(batch, FRAMES)
        sides = {name: Turns(generate, name, batch) for name in ("dcgan", "vae", "tutorial")}
        taken = take_turns(sides, rounds)
        for name in ("dcgan", "vae"):
            print(
                f"{name}, {f'batches of {batch}' if batch > 1 else 'one by one'}: "
                f"{turn / taken.median(name):.0f} pictures a second (goal {goal})"
            )
        print(f"tutorial's generator: {turn / taken.median('tutorial'):.0f} pictures a second")
        for side in sides.values():
            side.end()


def generate(tick: Tick, name: str, batch: int) -> None:
    make, latent = network(name)
    with torch.inference_mode():
        if name == "tutorial":
            repeat(tick, make, latent, batch)
        else:
            with choose("cpu", "float32").computing():
                repeat(tick, make, latent, batch)


def repeat(tick: Tick, make: Callable[[Tensor], Tensor], latent: int, batch: int) -> None:
    while True:
        for _ in range(max(1, FRAMES // batch)):
            to_uint8(make(torch.randn(batch, latent))).permute(0, 2, 3, 1).contiguous()
        tick()


def network(name: str) -> tuple[Callable[[Tensor], Tensor], int]:
    device = choose("cpu", "float32")
    if name == "dcgan":
        gan = DCGANTrainingParameters()
        return device.place_network(Generator(DCGANConfig(latent=gan.latent, width=gan.width)).eval()), gan.latent
    if name == "vae":
        vae = VAETrainingParameters()
        return device.place_network(VAE(VAEConfig(latent=vae.latent, width=vae.width)).eval()).decoder, vae.latent
    theirs = Tutorial().eval()
    return lambda latents: theirs(latents[..., None, None]), LATENT


if __name__ == "__main__":
    main()
