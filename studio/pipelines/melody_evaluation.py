"""How good a melody model is: what tunes that it never saw cost it, and how its own tunes measure beside real ones.

found = evaluate_melodies(MelodyPipeline.from_pretrained("melody-folk"), "tunes")
print(found.in_words())

Tunes are made at default settings, like the real ones in key, mode, metre and number of bars, 8 to 32; of the real
ones every tune is measured whole. The measures are those of `studio.music.measures`, which the judge goes by too where
several candidates are sampled for a tune: `settings={"best_of": 1}` says how they are without it.
"""

from __future__ import annotations

import dataclasses
import logging
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from studio.data.melodies import MelodyData, Tune
from studio.errors import InputError, StoppedError
from studio.media import roll
from studio.melody.encoding import COLUMNS
from studio.music.measures import Spread, distance, overlaps, summary
from studio.music.melody import Melody
from studio.music.originality import Nearest
from studio.pipelines.melody import MelodyPipeline
from studio.progress import Callback, Progress
from studio.training.medium import Source
from studio.training.mediums.melodies import MOST, Melodies
from studio.training.parameters import MelodyTrainingParameters
from studio.training.tasks.melody import Example, stacked

COUNT = 500  # tunes made
FEWEST, MOST_TUNES = 8, 50_000
FEWEST_BARS, MOST_BARS = 8, 32  # of the tunes made
WANTED = 0.5  # standard deviations of real tunes, within which a measure's mean is taken as like theirs
AT_ONCE = 32  # real tunes, in a batch
_DENSITY = [name for name, _ in COLUMNS].index("density")

_log = logging.getLogger("studio")
Tell = Callable[[str, int, int, Melody | None], None]
"""Called with what is being done, how many are done and of how many, and a tune to show."""


@dataclasses.dataclass(frozen=True)
class Predictions:
    """How well the network foresees real tunes: nats an event, of its pitch and of its duration; accuracy of both."""

    pitch_nats: float
    duration_nats: float
    accuracy: float
    events: int

    @property
    def nats(self) -> float:
        """Of both together."""
        return self.pitch_nats + self.duration_nats


@dataclasses.dataclass(frozen=True)
class Originality:
    """Notes of the longest run that each tune shares with one learnt from: the median and the 95th percentile.

    copied: the share of tunes of which that run is over half.
    """

    median: float
    high: float
    copied: float

    @classmethod
    def of(cls, nearest: Sequence[Nearest]) -> Self:
        """Of at least one tune."""
        longest = [near.longest for near in nearest]
        median, high = np.percentile(longest, [50, 95])
        return cls(float(median), float(high), float(np.mean([near.share > MOST for near in nearest])))

    def in_words(self) -> str:
        """ "12 notes, 95 % up to 17; more than half of the tune in 0.4%"."""
        return f"{self.median:.0f} notes, 95 % up to {self.high:.0f}; more than half of the tune in {self.copied:.1%}"


@dataclasses.dataclass(frozen=True)
class MelodyEvaluation:
    """What was measured.

    unseen: whether the real tunes are those held out when the model was trained; real, made: how many tunes;
    measures_of_real, measures_of_made, overlap: by the names of `studio.music.measures.MEASURES`; metres: of the
    tunes made; seed: of the first.
    """

    predictions: Predictions
    unseen: bool
    real: int
    made: int
    measures_of_real: Mapping[str, Spread]
    measures_of_made: Mapping[str, Spread]
    overlap: Mapping[str, float]
    originality_of_real: Originality
    originality_of_made: Originality
    metres: Mapping[str, int]
    seed: int

    @property
    def distances(self) -> dict[str, float]:
        """Of each measure's mean from the real one, in standard deviations of real tunes."""
        return distance(self.measures_of_made, self.measures_of_real)

    def in_words(self) -> str:
        """Some lines, without a newline at the end."""
        found = self.predictions
        whose = "held out from training" if self.unseen else "in the folder, none of them learnt from"
        metres = ", ".join(f"{name} {count}" for name, count in self.metres.items())
        return "\n".join(
            [
                f"{found.nats:.3f} nats a note ({found.pitch_nats:.3f} its pitch, {found.duration_nats:.3f} its "
                f"duration), {found.accuracy:.1%} right: {found.events:,} events of {self.real:,} tunes {whose}.",
                f"{self.made:,} tunes made ({metres}; seeds from {self.seed}) beside those {self.real:,} real ones:",
                *self.table(),
                f"Longest run shared with a tune learnt from: {self.originality_of_made.in_words()}.",
                f"Of the real tunes: {self.originality_of_real.in_words()}.",
            ]
        )

    def table(self) -> list[str]:
        """A head and a line for each measure: mean ± standard deviation of both, distance, overlap."""
        lines = [f"  {'':<20}{'made':>15}{'real':>17}{'distance':>12}{'overlap':>9}"]
        for name, far in self.distances.items():
            made, real = (f"{spread.mean:7.3f} ± {spread.deviation:5.3f}" for spread in self._both(name))
            lines.append(f"  {name.replace('_', ' '):<20}{made:>15}{real:>17}{far:>+9.2f} sd{self.overlap[name]:>9.2f}")
        return lines

    def _both(self, name: str) -> tuple[Spread, Spread]:
        return self.measures_of_made[name], self.measures_of_real[name]

    def to_dict(self) -> dict[str, Any]:
        """Every figure by its name, for JSON."""
        measures = {
            name: {
                "made": self.measures_of_made[name]._asdict(),
                "real": self.measures_of_real[name]._asdict(),
                "distance": far,
                "overlap": self.overlap[name],
            }
            for name, far in self.distances.items()
        }
        return {
            "predictions": dataclasses.asdict(self.predictions) | {"nats": self.predictions.nats},
            "held_out": self.unseen,
            "real": self.real,
            "made": self.made,
            "seed": self.seed,
            "metres": dict(self.metres),
            "measures": measures,
            "originality": {
                "made": dataclasses.asdict(self.originality_of_made),
                "real": dataclasses.asdict(self.originality_of_real),
            },
        }


def evaluate_melodies(
    pipe: MelodyPipeline, folder: str | Path, *, count: int = COUNT, seed: int = 0, callback: Callback | None = None
) -> MelodyEvaluation:
    """Measure a model by the real tunes of a folder, and `count` tunes of its own, of the seeds from `seed` on.

    Where the folder is the one that the model was trained on, the real tunes are those held out then; otherwise all of
    its tunes but those that the model learnt from. Raises InputError, and StoppedError when the callback returns True.
    """
    check_count(count)
    data, trained_on = read_tunes(pipe, folder)
    for line in data.report.in_words().splitlines():
        _log.info("%s", line)
    if trained_on:
        return measure_beside(pipe, data.held_out, True, count=count, seed=seed, callback=callback)
    everything = [*data.tunes, *data.held_out]
    foreign = [tune for tune in everything if pipe.nearest(tune.melody).share < 1]
    learnt = len(everything) - len(foreign)
    also = f", less {learnt:,} that it learnt from note for note" if learnt else ""
    _log.warning(
        "%s is not the folder that %s was trained on, as it was: it is measured by all tunes in it%s.",
        folder, pipe.model.name, also,
    )  # fmt: skip
    if not foreign:
        raise InputError(f"{pipe.model.name} learnt from every tune in {folder}; there is nothing to measure it by.")
    return measure_beside(pipe, foreign, False, count=count, seed=seed, callback=callback)


def measure_beside(
    pipe: MelodyPipeline,
    tunes: Sequence[Tune],
    unseen: bool,
    *,
    count: int = COUNT,
    seed: int = 0,
    settings: Mapping[str, Any] | None = None,
    callback: Callback | None = None,
) -> MelodyEvaluation:
    """The same of at least one real tune, whatever it comes from. unseen: what is said of that.

    settings: parameters of the tunes made that are not to be the default ones.
    """
    began = time.monotonic()

    def tell(stage: str, done: int, steps: int, shown: Melody | None) -> None:
        if callback is None:
            return
        elapsed = time.monotonic() - began
        left = elapsed * (steps - done) / done if done else 0.0
        told = Progress(
            done, steps, done / steps, elapsed, left, float("nan"), stage,
            lambda: roll.draw(shown) if shown else roll.blank(),
        )  # fmt: skip
        if callback(told):
            raise StoppedError("stopped; nothing was measured.")

    real = [tune.melody for tune in tunes]
    with pipe.device.computing():
        predictions = predict(pipe, real, tell)
    made, nearest = _made(pipe, real, count, seed, settings or {}, tell)
    return MelodyEvaluation(
        predictions=predictions,
        unseen=unseen,
        real=len(real),
        made=len(made),
        measures_of_real=summary(real),
        measures_of_made=summary(made),
        overlap=overlaps(made, real),
        originality_of_real=Originality.of([pipe.nearest(melody) for melody in real]),
        originality_of_made=Originality.of(nearest),
        metres=dict(Counter(melody.meter.name for melody in made).most_common()),
        seed=seed,
    )


def check_count(count: int) -> None:
    """Raise InputError for too few or too many tunes."""
    if not FEWEST <= count <= MOST_TUNES:
        raise InputError(f"Expected {FEWEST} to {MOST_TUNES:,} tunes to make and measure, got {count}.")


def read_tunes(pipe: MelodyPipeline, folder: str | Path) -> tuple[MelodyData, bool]:
    """The tunes as they were prepared for the model, and whether they are those that it was trained on."""
    facts = pipe.origin.config if pipe.origin else {}
    kept = facts.get("training", {}).get("parameters", {})
    parameters = MelodyTrainingParameters(seed=kept.get("seed", 0))
    data = Melodies().read(Source(str(folder)), parameters)
    return data, data.fingerprint == facts.get("data", {}).get("fingerprint")


@torch.no_grad()
def predict(pipe: MelodyPipeline, melodies: Sequence[Melody], tell: Tell | None = None) -> Predictions:
    """What real tunes cost the network, which is told their metre, mode and number of bars, and not their density."""
    costs, right, events = np.zeros(2), 0, 0
    ordered = sorted((Example.of(melody) for melody in melodies), key=lambda example: len(example.pitches))
    for first in range(0, len(ordered), AT_ONCE):
        batch = stacked(ordered[first : first + AT_ONCE], pipe.device)
        batch.columns[:, :, _DENSITY] = 0
        counted = batch.counted.bool()
        hidden, _ = pipe.network(batch.columns)
        hidden, pitches, durations = hidden[counted], batch.pitches[counted], batch.durations[counted]
        pitch = pipe.network.pitch_logits(hidden)
        costs[0] += float(cross_entropy(pitch, pitches, reduction="sum"))
        costs[1] += float(cross_entropy(pipe.network.duration_logits(hidden, pitches), durations, reduction="sum"))
        likeliest = pitch.argmax(-1)
        with_it = pipe.network.duration_logits(hidden, likeliest).argmax(-1)
        right += int(((likeliest == pitches) & (with_it == durations)).sum())
        events += len(pitches)
        if tell:
            tell("reading tunes", min(first + AT_ONCE, len(ordered)), len(ordered), None)
    pitch_nats, duration_nats = costs / events
    return Predictions(float(pitch_nats), float(duration_nats), right / events, events)


def _made(
    pipe: MelodyPipeline, real: Sequence[Melody], count: int, seed: int, settings: Mapping[str, Any], tell: Tell
) -> tuple[list[Melody], list[Nearest]]:
    """Tunes like real ones in key, metre and number of bars: each real one has as many, but for one more or less."""
    order = np.random.default_rng(seed).permutation(len(real))
    alike: dict[tuple[Any, ...], int] = defaultdict(int)
    for number in range(count):
        like = real[order[number % len(real)]]
        bars = min(max(like.bars, FEWEST_BARS), MOST_BARS)
        alike[like.key.tonic_name, like.key.mode, like.meter.name, bars] += 1
    melodies: list[Melody] = []
    nearest: list[Nearest] = []
    for (key, mode, meter, bars), wanted in sorted(alike.items()):
        like_it = {"key": key, "mode": mode, "meter": meter, "bars": bars}
        result = pipe(**settings, **like_it, count=wanted, seed=seed + len(melodies))
        melodies += result.melodies
        nearest += result.nearest
        tell("making tunes", len(melodies), count, melodies[-1])
    return melodies, nearest
