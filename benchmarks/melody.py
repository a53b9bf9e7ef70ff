"""A melody model beside n-gram models, beside the clock, and its tunes beside real ones.

    python benchmarks/melody.py                    # the shipped model; the tunes are taken from music21's package
    python benchmarks/melody.py --quick
    python benchmarks/melody.py --model my_model --data my_tunes

Every model learns from the same tunes and is measured on the same ones, held out, by the same events: a pitch counted
from the tonic and a duration, one for each note, rest, and part of a note after a bar line. n-gram models foresee both
as one token, from those before it alone. The network is told the metre, the mode, and how many bars the tune has, too,
and not its density. An n-gram model's likeliest token is the likeliest of 8 for each length of what came before.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from common import CACHE, ROOT, arguments, machine, quiet
from ngram import KneserNey, Token

from studio.data.melodies import MelodyData, Tune
from studio.melody.encoding import DURATIONS, PITCH_TOKENS, events_of, reference
from studio.music.originality import Index
from studio.pipelines.melody import MelodyPipeline
from studio.pipelines.melody_evaluation import COUNT, WANTED, Predictions, measure_beside, predict, read_tunes

ORDERS = range(1, 7)
LESS, MORE = 0.15, 8.0  # part of the best n-gram model's nats, and points of accuracy, that the network has to gain
BARS, TUNES = 16, 64
LOADED, MADE, TIMES = 2.0, 0.5, 8.0  # seconds to load, seconds for a tune, times faster in a batch
LOADING = """
import sys, time
began = time.perf_counter()
from studio.pipelines.melody import MelodyPipeline
imported = time.perf_counter()
MelodyPipeline.from_pretrained(sys.argv[1])
print(imported - began, time.perf_counter() - imported)
"""


def main() -> None:
    """Print machine, data, and a line for each figure."""
    options = _options()
    quiet()
    if options.threads:
        torch.set_num_threads(options.threads)
    print(machine(), flush=True)
    pipe = MelodyPipeline.from_pretrained(options.model, threads=options.threads)
    data, same = read_tunes(pipe, tunes_of(options.data))
    check_learnt(pipe, data, same)
    print(
        f"{pipe.model.name}; {len(data.tunes):,} tunes to learn from, {len(data.held_out):,} held out "
        f"({metres(data.held_out)})"
    )
    speed(pipe, options.model, 3 if options.quick else 15)
    prediction(pipe, data, range(1, 4) if options.quick else ORDERS)
    beside(pipe, data.held_out, 40 if options.quick else COUNT)


def prediction(pipe: MelodyPipeline, data: MelodyData, orders: Sequence[int]) -> None:
    """Nats an event and accuracy of all models."""
    with pipe.device.computing():
        own = predict(pipe, [tune.melody for tune in data.held_out])
    learnt, held_out = ([tokens(tune) for tune in tunes] for tunes in (data.tunes, data.held_out))
    assert own.events == sum(map(len, held_out)), "the same events are counted"
    found = {}
    for order in orders:
        found[order] = KneserNey(learnt, order, PITCH_TOKENS * len(DURATIONS)).score(held_out)
        print(f"{order}-grams: {found[order].nats:.3f} nats an event, {found[order].accuracy:.1%} right", flush=True)
    print(
        f"the network: {own.nats:.3f} nats an event ({own.pitch_nats:.3f} pitch, {own.duration_nats:.3f} duration), "
        f"{own.accuracy:.1%} right; {own.events:,} events"
    )
    compared(own, min(score.nats for score in found.values()), max(score.accuracy for score in found.values()))


def compared(own: Predictions, nats: float, accuracy: float) -> None:
    """What the network gains on the n-gram model of the fewest nats, and on the one that is right most often."""
    less, more = 1 - own.nats / nats, 100 * (own.accuracy - accuracy)
    print(f"nats below the best n-gram model: {less:.1%} {wanted(less >= LESS, f'at least {LESS:.0%}')}")
    print(f"accuracy above the best n-gram model: {more:.1f} points {wanted(more >= MORE, f'at least {MORE:.0f}')}")


def speed(pipe: MelodyPipeline, model: str, rounds: int) -> None:
    """Seconds for loading, for one tune, and for many at once and one after another."""
    loads = [loading(model) for _ in range(min(rounds, 5))]
    imported, loaded = (statistics.median(column) for column in zip(*loads, strict=True))
    print(
        f"loading in a fresh process: {loaded:.2f} s {wanted(loaded < LOADED, f'under {LOADED:.0f} s')}, "
        f"after {imported:.2f} s for importing torch and the rest"
    )
    one = [seconds(lambda seed=seed: pipe(bars=BARS, seed=seed)) for seed in range(rounds + 1)][1:]
    middle = statistics.median(one)
    print(
        f"a tune of {BARS} bars at default settings: {middle:.2f} s, {min(one):.2f} to {max(one):.2f} "
        f"{wanted(middle < MADE, f'under {MADE} s')}"
    )
    pairs = []
    for _ in range(1 if rounds < 5 else 3):
        together = seconds(lambda: pipe(bars=BARS, seed=0, count=TUNES, best_of=1))
        alone = seconds(lambda: [pipe(bars=BARS, seed=seed, best_of=1) for seed in range(TUNES)])
        pairs.append((alone / together, together, alone))
    times, together, alone = sorted(pairs)[len(pairs) // 2]
    print(
        f"{TUNES} tunes of {BARS} bars, one of one: {together:.2f} s in a batch, {alone:.2f} s one after another, "
        f"{times:.1f} times faster {wanted(times >= TIMES, f'at least {TIMES:.0f}')}"
    )


def beside(pipe: MelodyPipeline, held_out: Sequence[Tune], count: int) -> None:
    """The measures of tunes at default settings, of those the judge did not choose, and of real ones."""
    for settings in ({}, {"best_of": 1}):
        found = measure_beside(pipe, held_out, True, count=count, settings=settings)
        _, *lines = found.in_words().splitlines()
        print("Without the judge:" if settings else "At default settings:", *lines, sep="\n", flush=True)
        far = {name: abs(value) for name, value in found.distances.items()}
        most = max(far, key=far.__getitem__)
        verdict = "" if settings else f" {wanted(far[most] <= WANTED, f'each within {WANTED}')}"
        print(f"farthest from real tunes: {most.replace('_', ' ')}, {far[most]:.2f} sd{verdict}")


def tunes_of(given: Path | None) -> Path:
    """The folder of tunes: the one given, or those of four old collections, which are taken once."""
    if given is not None:
        return given
    folder = CACHE / "tunes"
    if not folder.is_dir():
        CACHE.mkdir(exist_ok=True)
        subprocess.run([sys.executable, ROOT / "scripts" / "data" / "melodies.py", folder], check=True)
    return folder


def check_learnt(pipe: MelodyPipeline, data: MelodyData, same: bool) -> None:
    """End where the model did not learn from these tunes, all of them and no others."""
    steps = Index.build([tune.melody for tune in data.tunes], [tune.name for tune in data.tunes]).steps
    if not same and not np.array_equal(steps, pipe.index.steps):
        raise SystemExit(f"{pipe.model.name} learnt from other tunes: what is held out here may be known to it.")


def tokens(tune: Tune) -> list[Token]:
    """The events of a tune, a pitch and a duration as one token each."""
    events = events_of(tune.melody, reference(tune.melody.key, tune.melody.pitches))
    return list(zip(events.pitches.tolist(), events.durations.tolist(), strict=True))


def metres(tunes: Sequence[Tune]) -> str:
    """How many tunes there are in each: "6/8 112, 2/2 98"."""
    counts = Counter(tune.melody.meter.name for tune in tunes).most_common()
    return ", ".join(f"{name} {count}" for name, count in counts)


def loading(model: str) -> tuple[float, float]:
    """Seconds for importing and for loading."""
    told = subprocess.run([sys.executable, "-c", LOADING, model], check=True, capture_output=True, text=True, cwd=ROOT)
    imported, loaded = map(float, told.stdout.split())
    return imported, loaded


def seconds(work: Callable[[], object]) -> float:
    """That some work takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def wanted(kept: bool, goal: str) -> str:
    """Of a figure: "(wanted: under 2 s)", and whether that is so."""
    return f"(wanted {goal}: {'yes' if kept else 'NO'})"


def _options() -> argparse.Namespace:
    parser = arguments(__doc__.split("\n")[0], data=False)
    parser.add_argument("--model", default="melody-folk", help="a shipped model or a folder")
    parser.add_argument("--data", type=Path, help="the folder of tunes that it was trained on")
    parser.add_argument("--threads", type=int, help="CPU threads (by default all cores)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
