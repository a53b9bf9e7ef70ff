"""From what is asked for to finished tunes: batches of candidates, the judge, and the search for what is original."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from studio.device import Device
from studio.errors import InputError
from studio.melody import judge
from studio.melody.draws import Draw
from studio.melody.encoding import HIGHEST, LOWEST, density_class, reference
from studio.melody.parameters import MelodyParameters
from studio.melody.rules import Rules
from studio.melody.sampler import Floats, Sampler, Taste, origin_for
from studio.melody.stepper import Stepper
from studio.music.measures import Spread
from studio.music.melody import Melody
from studio.music.originality import Index, Nearest
from studio.music.theory import TEMPO, Key, Meter, pitch_name

AT_ONCE = 256  # tunes in a batch
MOST_TRIES = 32  # rounds of candidates for a tune that shares too much with those learnt from

Tell = Callable[[float, Sequence[Melody]], bool]
"""Called with the part that is done and the tunes that are whole; returning True stops."""

_log = logging.getLogger("studio")


@dataclass(frozen=True)
class Made:
    """A finished tune: its seed, its score by the judge (0 is best), and the tune learnt from that is nearest."""

    melody: Melody
    seed: int
    score: float
    nearest: Nearest


@dataclass(frozen=True)
class Asked:
    """What is wanted, settled: what a primer says goes before what is usual, and nothing contradicts anything.

    pasts: the primers as they are heard.
    """

    chosen: MelodyParameters
    key: Key
    meter: Meter
    tempo: float
    pasts: tuple[Melody, ...] = ()

    @classmethod
    def of(cls, chosen: MelodyParameters, heard: Sequence[Melody], *, endless: bool = False) -> Self:
        """heard: no, one or two primers; endless: `bars` are those of a phrase. Raises InputError."""
        _check_way(chosen, len(heard))
        if not heard:
            return cls(chosen, chosen.whole_key, chosen.whole_meter, chosen.tempo or TEMPO)
        first = heard[0]
        key, meter = first.key, first.meter
        wanted = Key.named(chosen.key or key.tonic_name, chosen.mode or key.mode)
        if wanted != key:
            raise InputError(f"The primer is in {key.name}, not in {wanted.name}; leave key and mode to it.")
        if chosen.meter not in (None, meter.name):
            raise InputError(f"The primer is in {meter.name}, not in {chosen.meter}; leave the metre to it.")
        for melody in heard:
            _check_primer(melody, chosen)
        pasts = [first]
        if len(heard) == 2:
            if heard[1].meter != meter:
                raise InputError(f"The primers are in {meter.name} and {heard[1].meter.name}; expected the same metre.")
            pasts = _ended_together(first, heard[1])
        elif not endless and (taken := _bars_taken(first)) >= chosen.bars:
            raise InputError(
                f"The primer takes {taken} bars, and {chosen.bars} were asked for; ask for more than it has."
            )
        return cls(chosen, key, meter, chosen.tempo or first.tempo, tuple(pasts))

    def rules(self, *, endless: bool = False) -> Rules:
        """The promises of every tune. Raises InputError where they cannot be kept."""
        chosen = self.chosen
        low, high = chosen.span
        origin = origin_for(self.key, low, high)
        if self.pasts:
            origin = reference(self.key, self.pasts[0].pitches)
        bars = self.pasts[0].bars + chosen.bars if len(self.pasts) == 2 else chosen.bars
        return Rules(
            self.key,
            self.meter,
            bars,
            origin,
            low,
            high,
            scale_only=chosen.scale_only,
            end_on_tonic=chosen.end_on_tonic and not endless,
            loop=chosen.loop,
            most_repeats=chosen.most_repeats,
            missing=self.pasts[0].pickup % self.meter.bar if chosen.loop and len(self.pasts) == 1 else 0,
        )

    def taste(self) -> Taste:
        """How tokens are chosen."""
        chosen = self.chosen
        return Taste(chosen.temperature, chosen.top_k, chosen.top_p, density_class(chosen.density))

    @property
    def is_way(self) -> bool:
        """Whether the tunes lie on a way between two seeds or two primers."""
        return self.chosen.toward_seed is not None or len(self.pasts) == 2

    def part(self, number: int) -> float:
        """Where on the way tune `number` is, 0 to 1."""
        chosen = self.chosen
        if chosen.part is not None:
            return chosen.part
        return number / (chosen.count - 1) if chosen.count > 1 and self.is_way else 0.0

    def seed(self, number: int) -> int:
        """Of tune `number`."""
        return self.chosen.seed if self.is_way else self.chosen.seed + number

    def alone(self, number: int) -> Mapping[str, Any]:
        """The parameters that differ for tune `number` made alone."""
        return {"part": self.part(number)} if self.is_way else {"seed": self.seed(number)}


@dataclass(frozen=True)
class Composer:
    """A network, the tunes that it learnt from, and what real tunes measure."""

    network: Stepper
    index: Index
    typical: Mapping[str, Spread]
    device: Device

    def compose(self, asked: Asked, tell: Tell) -> list[Made]:
        """The tunes asked for, or those that were whole when `tell` said stop. Raises InputError before any work."""
        asked.rules()
        chosen = asked.chosen
        candidates = 1 if asked.is_way or not chosen.temperature else chosen.best_of
        together = max(1, AT_ONCE // candidates)
        made: list[Made] = []
        while len(made) < chosen.count:
            numbers = range(len(made), min(chosen.count, len(made) + together))
            found = self._batch(asked, numbers, candidates, tell, made)
            made += found
            if len(found) < len(numbers):
                break
        return made

    def _batch(
        self, asked: Asked, numbers: Sequence[int], candidates: int, tell: Tell, before: Sequence[Made]
    ) -> list[Made]:
        """Tunes `numbers`, fewer where it was stopped."""
        best: dict[int, Made] = {}
        waiting = list(numbers)
        whole = [made.melody for made in before]

        def heard(done: float) -> bool:
            part = (len(before) + done * len(numbers)) / asked.chosen.count
            return tell(min(part, 1.0), whole)

        for attempt in range(MOST_TRIES):
            draws = [
                Draw(asked.seed(number), asked.chosen.toward_seed, asked.part(number), attempt * candidates + version)
                for number in waiting
                for version in range(candidates)
            ]
            found = self._sampled(asked, draws, heard)
            if not found:
                break
            for place, number in enumerate(waiting):
                tries = found[place * candidates : (place + 1) * candidates]
                best[number] = _better(best.get(number), tries, asked.chosen.original)
            if not asked.chosen.original or asked.is_way or not asked.chosen.temperature:
                break
            waiting = [number for number in waiting if best[number].nearest.longest > asked.chosen.original]
            if not waiting:
                break
        for number in waiting if asked.chosen.original else ():
            if number in best and best[number].nearest.longest > asked.chosen.original:
                nearest = best[number].nearest
                _log.warning(
                    "the tune of seed %d shares %d notes in a row with %s: no more original one was found.",
                    best[number].seed, nearest.longest, nearest.name,
                )  # fmt: skip
        return [best[number] for number in numbers if number in best]

    def _sampled(self, asked: Asked, draws: Sequence[Draw], heard: Callable[[float], bool]) -> list[Made]:
        weights = None
        if len(asked.pasts) == 2:
            weights = np.array([[1 - draw.part, draw.part] for draw in draws])
            draws = [replace(draw, part=0.0) for draw in draws]
        sampler = Sampler(
            self.network, asked.rules(), draws, self.device, taste=asked.taste(), pasts=asked.pasts, weights=weights
        )
        if not sampler.run(heard):
            return []
        costs: Floats = sampler.nats()
        made = []
        for draw, melody, nats in zip(draws, sampler.tunes(asked.tempo), costs, strict=True):
            whole = _with_past(melody, asked.pasts[0]) if len(asked.pasts) == 1 else melody
            score = judge.score(whole, float(nats), self.typical)
            made.append(Made(whole, draw.seed, score, self.index.nearest(melody)))
        return made


def _better(before: Made | None, tries: Sequence[Made], original: int) -> Made:
    """The best by the judge of those original enough; the most original one where none is."""
    candidates = [*([before] if before else []), *tries]
    enough = [made for made in candidates if not original or made.nearest.longest <= original]
    if enough:
        return min(enough, key=lambda made: made.score)
    return min(candidates, key=lambda made: (made.nearest.longest, made.score))


def _with_past(melody: Melody, past: Melody) -> Melody:
    """A primer and what follows it, as one tune."""
    return replace(melody, notes=past.notes + melody.notes, pickup=past.pickup)


def _check_way(chosen: MelodyParameters, primers: int) -> None:
    """Raise InputError for what does not go together."""
    way = chosen.toward_seed is not None or primers == 2
    if chosen.toward_seed is not None and primers == 2:
        raise InputError("Expected another seed or a second primer to go towards, got both.")
    if chosen.part is not None and not way:
        raise InputError("Expected another seed or a second primer to be a part of the way to (toward_seed, toward).")
    if chosen.part is not None and chosen.count > 1:
        raise InputError(f"The part {chosen.part:g} of the way is one tune, and {chosen.count} were asked for.")
    if way and chosen.original:
        raise InputError("A tune between two others cannot be sampled again: leave out original.")
    if not way and chosen.seed + chosen.count > 2**63:
        raise InputError(f"There are not {chosen.count} seeds from {chosen.seed} on; give a smaller one.")


def _check_primer(melody: Melody, chosen: MelodyParameters) -> None:
    pitches = melody.pitches
    if not pitches:
        raise InputError("The primer holds no notes.")
    low, high = chosen.span
    if min(pitches) < low or max(pitches) > high:
        raise InputError(
            f"The primer goes from {pitch_name(min(pitches))} to {pitch_name(max(pitches))}, outside the range from "
            f"{pitch_name(low)} to {pitch_name(high)}; give a wider one."
        )
    origin = reference(melody.key, pitches)
    if min(pitches) - origin < LOWEST or max(pitches) - origin > HIGHEST:
        raise InputError("The primer spans more than a melody of this model can; give one voice of a smaller range.")


def _bars_taken(melody: Melody) -> int:
    """Bars that a primer fills or begins."""
    return -(-(melody.ticks - melody.pickup) // melody.meter.bar)


def _ended_together(first: Melody, second: Melody) -> list[Melody]:
    """Two primers with as many full bars, the second in the key of the first: of the longer one its last bars.

    Raises InputError where one has no full bar.
    """
    bars = min((melody.ticks - melody.pickup) // melody.meter.bar for melody in (first, second))
    if not bars:
        raise InputError("Expected primers of at least one full bar each to go from one to the other.")
    return [_last_bars(first, bars), _last_bars(_in_the_key_of(first, second), bars)]


def _in_the_key_of(first: Melody, second: Melody) -> Melody:
    """A melody moved to the tonic of another, as near to it as can be written beside it. Raises InputError."""
    origin = reference(first.key, first.pitches)
    middle = sum(first.pitches) / len(first.pitches)
    moved = [second.transposed((first.key.tonic - second.key.tonic) % 12 + 12 * octave) for octave in range(-6, 6)]
    fitting = [
        melody
        for melody in moved
        if min(melody.pitches) >= max(0, origin + LOWEST) and max(melody.pitches) <= min(127, origin + HIGHEST)
    ]
    if not fitting:
        raise InputError("The second primer spans too much to be heard beside the first one; give a part of it.")
    return min(fitting, key=lambda melody: abs(sum(melody.pitches) / len(melody.pitches) - middle))


def _last_bars(melody: Melody, bars: int) -> Melody:
    """The last full bars of a melody, as a melody without a pickup."""
    full = (melody.ticks - melody.pickup) // melody.meter.bar
    begin, end = (full - bars) * melody.meter.bar, full * melody.meter.bar
    notes = []
    for start, note in melody.timed():
        ticks = min(end, start + note.ticks) - max(begin, start)
        if ticks > 0:
            notes.append(replace(note, ticks=ticks))
    return replace(melody, notes=tuple(notes), pickup=0)
