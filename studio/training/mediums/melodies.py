"""Training on melodies: an LSTM."""

from __future__ import annotations

import logging
from pathlib import Path

from studio import hub
from studio.data import melodies
from studio.data.melodies import MelodyData
from studio.device import Device
from studio.errors import InputError
from studio.media import files
from studio.melody.encoding import events_of, reference
from studio.metrics.extractor import VGGFeatures
from studio.music.melody import Melody
from studio.music.originality import Index
from studio.networks.melody_lstm import MelodyLSTMConfig
from studio.training import lora
from studio.training.medium import Source, in_shape
from studio.training.parameters import AnyTraining, MelodyTrainingParameters
from studio.training.tasks.melody import MelodyTask
from studio.zoo import melody as zoo
from studio.zoo.folder import shape_of

COMPARED = 64  # tunes sampled and looked for among those learnt from
COPIED = 0.1  # of them may share most of their notes with one tune that was learnt from
MOST = 0.5  # of a tune's notes in one run

_log = logging.getLogger("studio")


class Melodies:
    """The medium of melodies; see `studio.training.medium.Medium`."""

    def settle(self, parameters: AnyTraining, start: hub.Model | None) -> MelodyTrainingParameters:
        """See `studio.training.medium.Medium`."""
        if not isinstance(parameters, MelodyTrainingParameters):
            raise InputError(f"Expected MelodyTrainingParameters to train melodies, got {type(parameters).__name__}.")
        lora.check_absent(parameters.lora_rank, "melody")
        if start is None:
            return parameters
        shape = shape_of(start, zoo.NETWORK, MelodyLSTMConfig)
        return in_shape(parameters, shape, "width", "layers")

    def read(self, source: Source, parameters: MelodyTrainingParameters, cache: Path | None = None) -> MelodyData:
        """See `studio.training.medium.Medium`."""
        data = melodies.read_melodies(source.data, seed=parameters.seed, refuse=_unwritable)
        if cache is not None and self.read_again(source, parameters, cache, data.fingerprint) is None:
            files.write_bytes(files.make_folder(cache) / f"{data.fingerprint}.json", data.to_json().encode())
        return data

    def read_again(
        self, source: Source, parameters: MelodyTrainingParameters, cache: Path, fingerprint: str
    ) -> MelodyData | None:
        """See `studio.training.medium.Medium`."""
        found = (_kept(path) for path in cache.glob("*.json"))
        return next((data for data in found if data and data.fingerprint == fingerprint), None)

    def task(
        self,
        data: MelodyData,
        parameters: MelodyTrainingParameters,
        device: Device,
        start: hub.Model | None = None,
        extractor: VGGFeatures | None = None,
    ) -> MelodyTask:
        """See `studio.training.medium.Medium`."""
        return MelodyTask(data, parameters, device, start=None if start is None else zoo.load_melody_lstm(start))

    def compare(
        self, task: MelodyTask, data: MelodyData, device: Device, folder: Path, extractor: VGGFeatures | None
    ) -> str | None:
        """See `studio.training.medium.Medium`."""
        index = Index.build([tune.melody for tune in data.tunes], [tune.name for tune in data.tunes])
        with device.computing():
            made = task.samples(COMPARED)
        found = [index.nearest(melody) for melody in made]
        copies = [
            nearest for nearest, melody in zip(found, made, strict=True) if nearest.longest > MOST * len(melody.pitches)
        ]
        if len(copies) <= COPIED * len(made):
            return None
        warning = (
            f"{len(copies)} of {len(made)} tunes sampled share more than half of their notes with one learnt from, "
            f"such as {copies[0].name}: more tunes or a larger --dropout help"
        )
        _log.warning("%s", warning)
        return warning


def _kept(path: Path) -> MelodyData | None:
    """The tunes that a file of the cache keeps; None where it is damaged."""
    try:
        return MelodyData.from_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, InputError):
        return None


def _unwritable(melody: Melody) -> str:
    """Why a melody cannot be written as events; "" for one that can."""
    try:
        events_of(melody, reference(melody.key, melody.pitches))
    except InputError as error:
        return str(error)
    return "" if melody.pitches else "there are no notes in it"
