"""Melodies by an LSTM: from nothing, from a primer, or between two; with what plays under them.

    pipe = MelodyPipeline.from_pretrained("melody-folk")
    result = pipe(bars=16, key="D", mode="dorian", meter="6/8", seed=7)
    result.midis[0]              # pretty_midi.PrettyMIDI
    result.save("tune.mid")      # or .wav, .png, .svg, .abc: each with its recipe inside

What is promised (bars, range, scale, the last note, nothing stuck) holds by construction: see `studio.melody.rules`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self, TypeAlias

import pretty_midi

from studio import device as devices
from studio import hub
from studio.device import Device
from studio.errors import InputError, StoppedError
from studio.media import midi, roll
from studio.media.scores import OpenedTune, notes_sha256, open_tune
from studio.melody.compose import Asked, Composer, Made
from studio.melody.judge import read_typical
from studio.melody.live import Performance, stream
from studio.melody.parameters import MelodyParameters
from studio.melody.stepper import Stepper, exact
from studio.music.accompaniment import Part, accompany
from studio.music.melody import Melody, check
from studio.music.originality import Index, Nearest
from studio.networks.melody_lstm import MelodyLSTM
from studio.pipelines.melody_result import MelodyResult
from studio.pipelines.models import copy_model, load_again
from studio.progress import Callback, Progress
from studio.recipe import Recipe, Source, environment
from studio.zoo import melody as zoo

NAME = "melody"
PRECISION = "float64"
"""What melodies are always computed in, see `studio.melody.sampler`."""
TuneLike: TypeAlias = str | Path | Melody | pretty_midi.PrettyMIDI

_log = logging.getLogger("studio")


class MelodyPipeline:
    """A model that makes melodies. A call leaves no state behind."""

    name = NAME
    title = "melodies"
    parameters = MelodyParameters

    def __init__(
        self,
        network: MelodyLSTM,
        model: Source,
        device: Device,
        *,
        index: Index,
        typical: Mapping[str, Any],
        origin: hub.Model | None = None,
    ) -> None:
        """index: the tunes that it learnt from; typical: what real tunes measure, see `studio.melody.judge`."""
        self.model, self.device, self.origin, self.index = model, device, origin, index
        self.network = exact(network).to(device.location)
        self.composer = Composer(Stepper(self.network), index, read_typical(typical), device)

    @classmethod
    def from_pretrained(
        cls,
        model: str | Path = "melody-folk",
        *,
        device: str = "auto",
        precision: str = "auto",
        threads: int | None = None,
    ) -> Self:
        """Load a model of this kind: a shipped one, a folder, or a hub id.

        device, threads: as in `studio.device.choose`, but that "auto" is the CPU and one thread: notes come one after
        another, and for that neither a GPU nor more threads are faster. precision: "auto" alone; it is always float64,
        see `studio.melody.sampler`.
        Raises ModelError, DeviceError, InputError.
        """
        if precision not in ("auto", PRECISION):
            raise InputError(f"Melodies are always computed in {PRECISION}, not {precision}; leave the precision out.")
        chosen = devices.choose("cpu" if device == "auto" else device, "float32", threads or 1)
        found = hub.find(model)
        return cls(
            zoo.load_melody_lstm(found),
            Source(found.name, found.sha256),
            chosen,
            index=zoo.load_index(found),
            typical=found.config.get("typical", {}),
            origin=found,
        )

    def __call__(
        self,
        *,
        primer: TuneLike | None = None,
        toward: TuneLike | None = None,
        parameters: MelodyParameters | None = None,
        callback: Callback | None = None,
        **options: Any,
    ) -> MelodyResult:
        """Make melodies. Tune k of seed s is tune 0 of seed s + k, note for note, however many are made at once.

        primer: a tune to go on with; it comes back whole at the beginning, in its own key, metre and tempo.
        toward: a second one; then `count` tunes lead from how the first goes on to how the second does, without either.
        parameters: an object of MelodyParameters; options: fields of it by name, which take precedence.
        callback: called with a `Progress`; returning True stops, and the tunes that are whole come back.
        Raises InputError for anything that cannot be kept, before any work begins, and StoppedError.
        """
        chosen = (parameters or self.parameters()).changed(**options) if options or parameters is None else parameters
        heard = [open_primer(one) for one in (primer, toward) if one is not None]
        if toward is not None and primer is None:
            raise InputError("Expected a primer to begin with besides the one to go towards.")
        asked = Asked.of(chosen, [one.melody for one in heard])
        began = time.monotonic()

        def tell(done: float, tunes: Sequence[Melody]) -> bool:
            if callback is None:
                return False
            elapsed = time.monotonic() - began
            left = elapsed / done - elapsed if done else 0.0
            shown = tunes[-1] if tunes else None
            return bool(
                callback(
                    Progress(
                        round(done * 100), 100, done, elapsed, left, float("nan"), "composing",
                        lambda: roll.draw(shown) if shown else roll.blank(),
                    )
                )
            )  # fmt: skip

        with self.device.computing():
            made = self.composer.compose(asked, tell)
        if not made:
            raise StoppedError("stopped; no tune was finished.")
        return self._result(chosen, asked, heard, made)

    def live(
        self, *, primer: TuneLike | None = None, parameters: MelodyParameters | None = None, **options: Any
    ) -> Performance:
        """Bars without end, each as it is sampled; no eight in a row ever come twice. See `studio.melody.live`."""
        chosen = (parameters or self.parameters()).changed(**options)
        heard = [open_primer(primer).melody] if primer is not None else []
        return stream(self.composer.network, self.device, Asked.of(chosen, heard, endless=True))

    @classmethod
    def remake(
        cls,
        recipe: Recipe,
        inputs: Mapping[str, Sequence[Path]],
        *,
        model: str | Path | None = None,
        callback: Callback | None = None,
        keep_in: str | Path | None = None,
    ) -> MelodyResult:
        """Run a recipe again, on the device and with the threads that it names.

        inputs: role → files, as `studio.recipe.find_inputs` gives them. Raises ModelError if the model is another one.
        """
        tunes = {role: paths[0] for role, paths in inputs.items()}
        pipe = load_again(cls.from_pretrained, recipe, model)
        return pipe(parameters=cls.parameters(**recipe.parameters), callback=callback, **tunes)

    def save_pretrained(self, folder: str | Path) -> Path:
        """Write the model as a folder that `from_pretrained` loads, as it was loaded. Raises OutputError."""
        if self.origin is None:
            raise InputError("This model was not loaded from a folder; `studio train melody` writes one.")
        return copy_model(self.origin, folder)

    def push_to_hub(self, hub_id: str, *, private: bool = False) -> str:
        """Upload the model to the Hugging Face hub as `owner/name`; returns its address. Needs a login."""
        return hub.push(self.save_pretrained, hub_id, private=private)

    def _environment(self) -> dict[str, Any]:
        return {**self.device.environment(), "precision": PRECISION}

    def nearest(self, melody: Melody) -> Nearest:
        """The tune that the model learnt from with the longest run of a melody's intervals."""
        return self.index.nearest(melody)

    def _result(
        self, chosen: MelodyParameters, asked: Asked, heard: Sequence[OpenedTune], made: Sequence[Made]
    ) -> MelodyResult:
        inputs = {
            role: (Source(tune.name, tune.sha256),) for role, tune in zip(("primer", "toward"), heard, strict=False)
        }

        def recipe(parameters: MelodyParameters) -> Recipe:
            return Recipe(self.name, parameters.to_dict(), self.model, inputs, environment(self._environment()))

        alone = tuple(recipe(chosen.changed(count=1, **asked.alone(number))) for number in range(len(made)))
        parts: list[tuple[Part, ...]] = [_accompanied(one.melody, chosen, one.seed) for one in made]
        return MelodyResult(
            melodies=[one.melody for one in made],
            parts=parts,
            instrument=chosen.instrument,
            loop=chosen.loop,
            seeds=tuple(one.seed for one in made),
            nearest=tuple(one.nearest for one in made),
            recipe=alone[0] if len(made) == 1 else recipe(chosen),
            recipes=alone,
            finished=len(made) == chosen.count,
        )


def open_primer(tune: TuneLike) -> OpenedTune:
    """A tune that a user brings, as a melody with a name and a hash. Raises InputError."""
    if isinstance(tune, (str, Path)):
        return open_tune(tune)
    melody = tune if isinstance(tune, Melody) else midi.melody_of(tune, "the primer")
    check(melody)
    return OpenedTune(melody, "", notes_sha256(melody))


def _accompanied(melody: Melody, chosen: MelodyParameters, seed: int) -> tuple[Part, ...]:
    texture = None if chosen.accompaniment == "none" else chosen.accompaniment
    return accompany(melody, texture=texture, drums=chosen.drums, seed=seed) if texture or chosen.drums else ()
