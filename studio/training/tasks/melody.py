"""A melody LSTM learns the next event of a tune: cross-entropy of its pitch and of its duration."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, pad

from studio.data.melodies import MelodyData
from studio.device import Device
from studio.media import roll
from studio.melody.encoding import COLUMNS, Events, columns_of, density_class, density_of, events_of, reference
from studio.melody.judge import typical
from studio.melody.sampler import sample
from studio.music.melody import Melody
from studio.music.originality import Index
from studio.networks.melody_lstm import MelodyLSTM
from studio.training import card, ema
from studio.training.optimizers import check_patterns, make_optimizer
from studio.training.parameters import MelodyTrainingParameters
from studio.training.step import Part, Step
from studio.training.task import Measure, Trouble
from studio.zoo import melody as zoo

AT_ONCE = 64  # tunes
DROPOUT = 0.4  # of a network that begins with nothing, unless another is asked for
SHEET_BARS = 16
DENSITY_TOLD = 0.5  # of the tunes: the others learn without, and so can be asked for as it likes
DIVERGED = 12.0  # nats an event: choosing blindly costs less than 8
_DENSITY = [name for name, _ in COLUMNS].index("density")


@dataclass(frozen=True)
class Example:
    """A tune as the network sees it: inputs (N, C), pitches and durations (N,)."""

    columns: Tensor
    pitches: Tensor
    durations: Tensor

    @classmethod
    def of(cls, melody: Melody) -> Example:
        """Raises InputError for a melody that has no events."""
        events: Events = events_of(melody, reference(melody.key, melody.pitches))
        columns = columns_of(events, melody, density_class(density_of(melody)))
        return cls(torch.from_numpy(columns), torch.from_numpy(events.pitches), torch.from_numpy(events.durations))

    def cut(self, start: int, length: int) -> Example:
        rows = slice(start, start + length)
        return Example(self.columns[rows], self.pitches[rows], self.durations[rows])


@dataclass(frozen=True)
class Batch:
    """Examples of equal length: (B, T, C), (B, T), (B, T); `counted` (B, T) is 1 where an event is, 0 after the end."""

    columns: Tensor
    pitches: Tensor
    durations: Tensor
    counted: Tensor


class MelodyTask:
    """What the loop trains: one network, "melody_lstm", which is averaged."""

    kind = "melody"

    def __init__(
        self,
        data: MelodyData,
        chosen: MelodyTrainingParameters,
        device: Device,
        *,
        start: MelodyLSTM | None = None,
    ) -> None:
        """start: a network to begin with; its shape is kept."""
        self.data, self.chosen, self.device, self.count = data, chosen, device, len(data.tunes)
        self.examples = [Example.of(tune.melody) for tune in data.tunes]
        self.held_out = [Example.of(tune.melody) for tune in data.held_out]
        self._mean = sum(min(len(e.pitches), chosen.window) for e in self.examples) / self.count  # events
        config = start.config if start else zoo.shape(chosen.width, chosen.layers, DROPOUT)
        if chosen.dropout is not None:
            config = dataclasses.replace(config, dropout=chosen.dropout)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(chosen.seed)
            network = MelodyLSTM(config)
        known = set(network.state_dict()) if start else set()
        if start:
            network.load_state_dict(start.state_dict())
        self.network = device.place_for_training(network)
        self.networks: dict[str, nn.Module] = {"melody_lstm": self.network}
        check_patterns(self.networks, chosen.freeze)
        self.average = ema.averaged_copy(self.network)
        self.averages: dict[str, nn.Module] = {"melody_lstm": self.average}
        self.optimizers = {"melody_lstm": make_optimizer("melody_lstm", self.network, chosen, pretrained=known)}
        self.limits: Mapping[str, float] = {"nats": DIVERGED}
        self.fingerprint = f"{data.fingerprint}/{config}"

    def step(self, step: Step) -> dict[str, float]:
        """One update; the losses are nats an event: of both tokens, of the pitch, of the duration."""
        totals: dict[str, list[Tensor]] = {"pitch": [], "duration": [], "events": []}  # of each part
        with step.update("melody_lstm") as backward:
            for part in step.parts:
                batch = self._batch(part)
                with step.mixed():
                    pitch, duration = _logits(self.network, batch)
                costs = [
                    _cost(pitch, batch.pitches, batch.counted).sum(),
                    _cost(duration, batch.durations, batch.counted).sum(),
                ]
                # Over what a batch holds on average: a mean over its own events would weigh long tunes less.
                backward(sum(costs) / (len(part.indices) * self._mean))  # type: ignore[arg-type]
                for name, total in zip(totals, (*costs, batch.counted.sum()), strict=True):
                    totals[name].append(total)
        pitch_cost, duration_cost, events = (step.mean(values) for values in totals.values())
        return {
            "nats": (pitch_cost + duration_cost) / events,
            "pitch": pitch_cost / events,
            "duration": duration_cost / events,
        }

    def measure(self, step: int) -> Measure:
        """Nats an event of tunes held out, which decide, and how often both tokens are right.

        They are called nats a note, though a rest is an event too, and a note that crosses a bar line is two.
        """
        figures = self._figures(self.held_out)
        every = max(1, self.count // max(1, len(self.held_out)))
        learnt = self._figures(self.examples[::every])
        return Measure(step, "nats a note", figures["nats"], figures | {"nats_of_learnt": learnt["nats"]})

    def sheet(self) -> Image.Image:
        """The piano roll of a tune by the average."""
        return roll.draw(self.samples(1)[0])

    def trouble(self, curve: Sequence[Mapping[str, float]], measures: Sequence[Measure]) -> Trouble | None:
        """Tunes learnt by heart."""
        last = measures[-1]
        worse = len(measures) >= 4 and last.value > 1.02 * min(measure.value for measure in measures)
        if worse and last.figures["nats_of_learnt"] < 0.8 * last.value:
            return Trouble(
                "it is learning tunes by heart (those held out get worse): more tunes or a larger --dropout help; the "
                "best so far is kept"
            )
        return None

    def save(self, folder: Path, facts: Mapping[str, Any]) -> None:
        """Write the averaged network, with the tunes learnt from as intervals, and what those held out measure."""
        assert isinstance(self.average, MelodyLSTM)
        index = Index.build([tune.melody for tune in self.data.tunes], [tune.name for tune in self.data.tunes])
        nats = [self._figures([example])["nats"] for example in self.held_out]
        whole = {**facts, "typical": typical([tune.melody for tune in self.data.held_out], nats)}
        zoo.save(folder, self.average, index, whole, card.write(self.kind, facts))

    def samples(self, count: int) -> list[Melody]:
        """Tunes of 16 bars like those held out in key and metre."""
        made = []
        for seed in range(count):
            like = self.data.held_out[seed % len(self.data.held_out)].melody
            made += sample(self.average, self.device, key=like.key, meter=like.meter, bars=SHEET_BARS, seeds=[seed])
        return made

    def _batch(self, part: Part) -> Batch:
        """The tunes of a part, each cut where a draw says if it is longer than the window."""
        where = part.draws("windows").uniform()
        told = part.draws("density").uniform() < DENSITY_TOLD
        cut = []
        for number, index in enumerate(part.indices.tolist()):
            example = self.examples[index]
            room = max(0, len(example.pitches) - self.chosen.window)
            cut.append(example.cut(int(where[number] * (room + 1)), self.chosen.window))
        batch = stacked(cut, self.device)
        batch.columns[:, :, _DENSITY] *= told[:, None].to(batch.columns)
        return batch

    @torch.no_grad()
    def _figures(self, examples: Sequence[Example]) -> dict[str, float]:
        """Nats an event and accuracy of the average, nothing said of the density."""
        total, right, events = np.zeros(2), 0.0, 0.0
        ordered = sorted(examples, key=lambda example: len(example.pitches))
        for first in range(0, len(ordered), AT_ONCE):
            batch = stacked(ordered[first : first + AT_ONCE], self.device)
            batch.columns[:, :, _DENSITY] = 0
            pitch, duration = _logits(self.average, batch)
            total += [
                float(_cost(pitch, batch.pitches, batch.counted).sum()),
                float(_cost(duration, batch.durations, batch.counted).sum()),
            ]
            right += float(_right(self.average, batch, pitch))
            events += float(batch.counted.sum())
        pitch_nats, duration_nats = total / events
        return {
            "nats": float(pitch_nats + duration_nats),
            "nats_of_pitches": float(pitch_nats),
            "nats_of_durations": float(duration_nats),
            "accuracy": right / events,
        }


def stacked(examples: Sequence[Example], device: Device) -> Batch:
    """Examples one above the other, the shorter ones filled up with what is not counted."""
    longest = max(len(example.pitches) for example in examples)

    def filled(name: str) -> Tensor:
        rows = [getattr(example, name) for example in examples]
        wide = [pad(row, (0, 0) * (row.ndim - 1) + (0, longest - len(row))) for row in rows]
        return torch.stack(wide).to(device.location)

    lengths = torch.tensor([len(example.pitches) for example in examples])
    counted = (torch.arange(longest) < lengths[:, None]).float().to(device.location)
    return Batch(filled("columns"), filled("pitches"), filled("durations"), counted)


def _logits(network: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
    hidden, _ = network(batch.columns)
    pitch: Tensor = network.pitch_logits(hidden)  # type: ignore[operator]
    duration: Tensor = network.duration_logits(hidden, batch.pitches)  # type: ignore[operator]
    return pitch.float(), duration.float()


def _cost(logits: Tensor, tokens: Tensor, counted: Tensor) -> Tensor:
    """(B, T), in nats; 0 where nothing is counted."""
    return cross_entropy(logits.flatten(0, 1), tokens.flatten(), reduction="none").view_as(counted) * counted


def _right(network: nn.Module, batch: Batch, pitch: Tensor) -> Tensor:
    """How many events have the likeliest pitch and the duration that is likeliest with it."""
    likeliest = pitch.argmax(-1)
    hidden, _ = network(batch.columns)
    durations = network.duration_logits(hidden, likeliest).argmax(-1)  # type: ignore[operator]
    right: Tensor = (likeliest == batch.pitches) & (durations == batch.durations)
    return (right * batch.counted).sum()
