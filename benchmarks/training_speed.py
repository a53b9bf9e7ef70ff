"""Training images a second, beside the loop of the PyTorch DCGAN tutorial and beside `pythae` 0.1.2.

    python benchmarks/training_speed.py                   # about 2 minutes on 2 cores
    python benchmarks/training_speed.py --data FOLDER     # other pictures than emoji
    python benchmarks/training_speed.py --quick           # a few steps

Both of a pair train the same layers on the same pictures in batches of 64, each side in a process of its own, in which
one step is taken in turn:

- our DCGAN, by the tutorial's loop with its losses and optimisers, and as `studio train dcgan` does it;
- the tutorial's DCGAN, by the tutorial's loop and by ours, both with its losses and its order of updates;
- our VAE by pythae's trainer and by ours, both with squared error and divergence alone.

How fast `studio train vae` is as it is, with VGG-19 in its loss, follows for information.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as functional
from common import Over, Tick, Turns, arguments, folder_of, machine, pictures, quiet, take_turns
from peers import BETAS, LATENT, Discriminator, Generator, train_dcgan, train_vae
from PIL import Image
from torch import Tensor, nn

from studio.data.pictures import PictureData
from studio.data.tensors import to_network
from studio.device import Device, choose
from studio.networks.dcgan import DCGANConfig
from studio.networks.vae import VAEConfig
from studio.training import ema
from studio.training.loop import Loop
from studio.training.optimizers import make_optimizer
from studio.training.parameters import DCGANTrainingParameters, TrainingParameters, VAETrainingParameters
from studio.training.pictures import real_batch
from studio.training.step import Step
from studio.training.task import Measure, Task, Trouble
from studio.training.tasks.dcgan import DCGANTask
from studio.training.tasks.vae import VAETask

BATCH = 64
ENDLESS = 10_000_000  # steps
AS_IT_IS: dict[str, Any] = {"batch_size": BATCH, "steps": ENDLESS, "check_every": ENDLESS, "patience": 0}


def main() -> None:
    parser = arguments(__doc__.split("\n")[0])
    parser.add_argument("--precision", default="auto", help="of our side: auto, float32 or bfloat16")
    options = parser.parse_args()
    rounds, folder = (3 if options.quick else 20), folder_of(options.data)
    print(f"{machine()}; {choose('cpu', options.precision).name_and_precision}; batches of {BATCH}, {rounds} rounds")
    for what, peer, theirs, ours in (
        ("our DCGAN", "the tutorial's loop", (their_dcgan, folder, our_shape()), "own dcgan"),
        ("the tutorial's DCGAN", "its loop", (their_dcgan, folder, None), "tutorial"),
        ("our VAE", "pythae", (their_vae, folder), "vae"),
    ):
        compare(what, peer, Turns(*theirs), Turns(our_loop, ours, folder, options), rounds)
    side = Turns(our_loop, "own vae", folder, options)
    taken = take_turns({"own vae": side}, rounds)
    print(f"our VAE with VGG-19 in its loss: {BATCH / taken.median('own vae'):.0f} images a second")
    side.end()


def compare(what: str, peer: str, theirs: Turns, ours: Turns, rounds: int) -> None:
    taken = take_turns({"theirs": theirs, "ours": ours}, rounds)
    peaks = [side.end() / 2**20 for side in (theirs, ours)]
    print(
        f"{what}: {peer} {BATCH / taken.median('theirs'):.1f} images a second, "
        f"studio {BATCH / taken.median('ours'):.1f}, {taken.times_faster('ours', 'theirs')}; "
        f"peak memory {peaks[0]:.0f} and {peaks[1]:.0f} MiB"
    )


def our_shape() -> DCGANConfig:
    chosen = DCGANTrainingParameters()
    return DCGANConfig(latent=chosen.latent, width=chosen.width)


def their_dcgan(tick: Tick, folder: Path, config: DCGANConfig | None) -> None:
    train_dcgan(tick, whole_batches(folder), BATCH, ENDLESS, config)


def their_vae(tick: Tick, folder: Path) -> None:
    chosen = VAETrainingParameters()
    train_vae(tick, whole_batches(folder), BATCH, ENDLESS, VAEConfig(latent=chosen.latent, width=chosen.width))


def whole_batches(folder: Path) -> Tensor:
    """The pictures in [-1, 1], as many as fill batches, for a smaller last batch would be a shorter step."""
    found = pictures(folder).pictures
    return to_network(found[: len(found) // BATCH * BATCH])


def our_loop(tick: Tick, what: str, folder: Path, options: Any) -> None:
    quiet()
    data, device = pictures(folder), choose("cpu", options.precision)
    with tempfile.TemporaryDirectory() as kept:
        task, parameters = task_of(what, data, device)

        def turn(_: object) -> bool:
            tick()
            return False

        Loop(task, parameters, device, Path(kept)).run(turn)


def task_of(what: str, data: PictureData, device: Device) -> tuple[Task, TrainingParameters]:
    match what:
        case "tutorial":
            return TutorialTask(data, TrainingParameters(**AS_IT_IS), device), TrainingParameters(**AS_IT_IS)
        case "own dcgan":
            chosen = DCGANTrainingParameters(**AS_IT_IS)
            return DCGANTask(data, chosen, device), chosen
        case "own vae":
            of_vae = VAETrainingParameters(**AS_IT_IS)
            return VAETask(data, of_vae, device), of_vae
        case _:
            of_vae = VAETrainingParameters(**AS_IT_IS, perceptual=0, schedule="constant", warmup=0, beta_warmup=0)
            return VAETask(data, of_vae, device), of_vae


class TutorialTask:
    """The tutorial's networks and losses, for our loop."""

    kind = "tutorial"

    def __init__(self, data: PictureData, parameters: TrainingParameters, device: Device) -> None:
        self.data, self.device, self.count = data, device, len(data.pictures)
        torch.manual_seed(0)
        self.generator = device.place_for_training(Generator())
        self.discriminator = device.place_for_training(Discriminator())
        self.networks: dict[str, nn.Module] = {"generator": self.generator, "discriminator": self.discriminator}
        self.averages: dict[str, nn.Module] = {"generator": ema.averaged_copy(self.generator)}
        self.optimizers = {
            name: make_optimizer(name, network, parameters, betas=BETAS) for name, network in self.networks.items()
        }
        self.fingerprint = data.fingerprint
        self.limits: Mapping[str, float] = {}

    def step(self, step: Step) -> dict[str, float]:
        judge, fakes = functional.binary_cross_entropy_with_logits, []
        losses: dict[str, list[Tensor]] = {"generator": [], "discriminator": []}
        with step.update("discriminator") as backward:
            for part in step.parts:
                real, _ = real_batch(self.data, part, (), self.device)
                latents = part.draws("latents").normal(LATENT, 1, 1).to(self.device.location)
                with step.mixed():
                    fake = self.generator(latents)
                    scores = self.discriminator(real).float(), self.discriminator(fake.detach()).float()
                loss = judge(scores[0], torch.ones_like(scores[0])) + judge(scores[1], torch.zeros_like(scores[1]))
                backward(loss)
                fakes.append(fake)
                losses["discriminator"].append(loss)
        self.discriminator.requires_grad_(False)
        with step.update("generator") as backward:
            for fake in fakes:
                with step.mixed():
                    believed = self.discriminator(fake).float()
                loss = judge(believed, torch.ones_like(believed))
                backward(loss)
                losses["generator"].append(loss)
        self.discriminator.requires_grad_(True)
        return {name: step.mean(values) for name, values in losses.items()}

    def measure(self, step: int) -> Measure:
        return Measure(step, "nothing", 0.0)

    def sheet(self) -> Image.Image:
        return Image.new("RGB", (1, 1))

    def trouble(self, curve: Sequence[Mapping[str, float]], measures: Sequence[Measure]) -> Trouble | None:
        return None

    def save(self, folder: Path, facts: Mapping[str, Any]) -> None:
        raise Over


if __name__ == "__main__":
    main()
