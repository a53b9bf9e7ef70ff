"""What a training comes to after the same number of pictures, beside the PyTorch DCGAN tutorial and `pythae` 0.1.2.

The peers take them in batches of 64, we in batches as small as `studio train` has them.

    python benchmarks/training_quality.py                 # about 25 minutes on 2 cores
    python benchmarks/training_quality.py --data FOLDER   # other pictures than emoji
    python benchmarks/training_quality.py --images 8000   # learn from fewer pictures: a shorter run
    python benchmarks/training_quality.py --quick         # a few steps

DCGAN: our recipe as `studio train dcgan` has it, against the tutorial's (BCE, batch norm in the discriminator, no
DiffAugment, no average of weights); KID-VGG19 of 1,000 samples of each. VAE: our recipe as `studio train vae` has it,
against pythae's VAE of the same layers with as many numbers in a latent; the VGG distance of reconstructions of
pictures held out, and KID-VGG19 of 1,000 samples from the prior. pythae's learning rate is ours rather than its
smaller own, and its pictures are in [-1, 1], where its squared error weighs four times what it does in [0, 1].
Sheets of all samples are left in benchmarks/.cache/quality.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import torch
from common import CACHE, arguments, folder_of, machine, pictures, quiet
from peers import LATENT, train_dcgan, train_vae
from torch import Tensor

from studio.data.pictures import PictureData
from studio.data.tensors import to_network, to_uint8
from studio.device import Device, choose
from studio.metrics.distances import kernel_distance
from studio.metrics.evaluate import reconstruction
from studio.metrics.extractor import VGGFeatures
from studio.networks.mixture import Mixture
from studio.networks.vae import VAE
from studio.training.loop import Loop
from studio.training.parameters import DCGANTrainingParameters, VAETrainingParameters
from studio.training.pictures import references, sheet
from studio.training.tasks.dcgan import DCGANTask
from studio.training.tasks.vae import VAETask

BATCH = 64  # of the peers, and where nothing is learnt
SAMPLES = 1000


class Judge:
    """One judge for all, in float32."""

    def __init__(self, data: PictureData, quick: bool) -> None:
        self.data, self.device, self.count = data, choose("cpu", "float32"), 100 if quick else SAMPLES
        self.extractor = VGGFeatures(self.device)
        self.sheets = CACHE / "quality"
        self.sheets.mkdir(exist_ok=True)
        with self.device.computing():
            self.real = self.extractor(references(data))

    def kid(self, samples: Tensor, name: str) -> float:
        """KID-VGG19 of (N, 3, 64, 64) in [-1, 1] against pictures held out and others, 1,000 in all at most."""
        sheet(samples[:64]).save(self.sheets / f"{name}.png")
        with self.device.computing():
            return kernel_distance(self.extractor(to_uint8(samples)), self.real).value

    def far(self, network: VAE, name: str) -> float:
        """The VGG distance of pictures held out from their reconstructions."""
        held_out = self.data.held_out
        with torch.no_grad():
            made = [
                network(batch, torch.zeros(len(batch), network.config.latent))[0]
                for batch in to_network(held_out).split(BATCH)
            ]
        sheet(torch.cat(made)[:64]).save(self.sheets / f"{name}.png")
        with self.device.computing():
            return reconstruction(held_out, to_uint8(torch.cat(made)), self.extractor).vgg_distance


def main() -> None:
    parser = arguments(__doc__.split("\n")[0])
    parser.add_argument("--images", type=int, default=32_000, help="pictures to learn from, each time it is seen")
    parser.add_argument("--only", choices=("dcgan", "vae"), help="one of the two pairs")
    options = parser.parse_args()
    quiet()
    images = 640 if options.quick else options.images
    data, device = pictures(folder_of(options.data)), choose("cpu")
    print(
        f"{machine()}; {device.name_and_precision}; {images} pictures seen, "
        f"{len(data.pictures)} to learn from and {len(data.held_out)} held out",
        flush=True,
    )
    judge = Judge(data, options.quick)
    if options.only != "vae":
        compare_dcgans(data, device, images, judge)
    if options.only != "dcgan":
        compare_vaes(data, device, images, judge)


def compare_dcgans(data: PictureData, device: Device, images: int, judge: Judge) -> None:
    began = time.perf_counter()
    generator = train_dcgan(lambda: None, to_network(data.pictures), BATCH, images // BATCH)
    torch.manual_seed(1)
    with torch.no_grad():  # in training mode, as the tutorial samples
        made = [generator(torch.randn(BATCH, LATENT, 1, 1)) for _ in range(-(-judge.count // BATCH))]
    theirs = judge.kid(torch.cat(made)[: judge.count], "dcgan-tutorial")
    print(f"DCGAN of the tutorial: KID-VGG19 {theirs:.4f} after {time.perf_counter() - began:.0f} s", flush=True)

    began = time.perf_counter()
    steps = images // DCGANTrainingParameters().batch_size
    chosen = DCGANTrainingParameters(steps=steps, check_every=steps + 1)
    task = DCGANTask(data, chosen, device)
    with tempfile.TemporaryDirectory() as folder:
        Loop(task, chosen, device, Path(folder)).run()
    ours = judge.kid(task.samples(judge.count), "dcgan-studio")
    print(
        f"DCGAN of studio: KID-VGG19 {ours:.4f}, {ours / theirs:.2f} of the tutorial's, "
        f"after {steps} steps of {chosen.batch_size} and {time.perf_counter() - began:.0f} s",
        flush=True,
    )


def compare_vaes(data: PictureData, device: Device, images: int, judge: Judge) -> None:
    seen = to_network(data.pictures)
    whole = seen[: len(seen) // BATCH * BATCH]
    epochs = max(1, round(images / len(whole)))  # pythae counts in these
    steps = epochs * len(whole) // VAETrainingParameters().batch_size
    chosen = VAETrainingParameters(steps=steps, check_every=steps + 1)
    task = VAETask(data, chosen, device)

    began = time.perf_counter()
    network = train_vae(lambda: None, whole, BATCH, epochs, task.config).eval()
    torch.manual_seed(1)
    with torch.no_grad():
        latents = torch.cat([network.encoder(batch)[0] for batch in whole.split(BATCH)])
        fitted = Mixture.fit(latents).sample(torch.rand(judge.count), torch.randn(judge.count, chosen.latent))
        made = {
            prior: torch.cat([network.decoder(batch) for batch in points.split(BATCH)])
            for prior, points in (("normal", torch.randn(judge.count, chosen.latent)), ("fitted", fitted))
        }
    far = judge.far(network, "vae-pythae-reconstructions")
    kid = {prior: judge.kid(samples, f"vae-pythae-{prior}") for prior, samples in made.items()}
    print(
        f"VAE of pythae: VGG distance {far:.4f}, KID-VGG19 of samples {kid['normal']:.4f} "
        f"({kid['fitted']:.4f} from a prior fitted as ours is), "
        f"after {epochs * len(whole) // BATCH} steps of {BATCH} and {time.perf_counter() - began:.0f} s",
        flush=True,
    )

    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        Loop(task, chosen, device, Path(folder)).run()
    assert isinstance(task.average, VAE)
    ours = judge.far(task.average, "vae-studio-reconstructions")
    our_kid = judge.kid(task.samples(judge.count), "vae-studio")
    print(
        f"VAE of studio: VGG distance {ours:.4f}, {1 - ours / far:.0%} lower, KID-VGG19 of samples {our_kid:.4f}, "
        f"{our_kid / kid['normal']:.2f} of pythae's, "
        f"after {steps} steps of {chosen.batch_size} and {time.perf_counter() - began:.0f} s",
        flush=True,
    )


if __name__ == "__main__":
    main()
