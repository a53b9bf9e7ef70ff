"""Training on text: a GPT."""

from __future__ import annotations

import logging
import tempfile
from contextlib import nullcontext
from pathlib import Path

from studio import hub
from studio.data import texts
from studio.data.texts import TextData
from studio.device import Device
from studio.errors import InputError
from studio.metrics.extractor import VGGFeatures
from studio.text.originality import Index
from studio.training.medium import Source
from studio.training.parameters import AnyTraining, TextTrainingParameters
from studio.training.tasks.gpt import GPTTask
from studio.zoo import causal_lm as zoo

COMPARED = 16  # texts sampled and looked for in what was learnt from
WORDS = 100  # of each
COPIED = 0.5  # of the words of a text in one run

_log = logging.getLogger("studio")


class Texts:
    """The medium of text; see `studio.training.medium.Medium`."""

    def settle(self, parameters: AnyTraining, start: hub.Model | None) -> TextTrainingParameters:
        """See `studio.training.medium.Medium`."""
        if not isinstance(parameters, TextTrainingParameters):
            raise InputError(f"Expected TextTrainingParameters to train on text, got {type(parameters).__name__}.")
        own = [name for name in ("layers", "width", "heads", "vocabulary") if getattr(parameters, name) is not None]
        own += ["size"] if parameters.size != "auto" else []
        if start is None and parameters.lora_rank:
            raise InputError("--lora-rank trains adapters beside a model that can write already: give it with --from.")
        if start is not None and own:
            raise InputError(f"--{own[0]} is that of the model that --from names; leave it out.")
        return parameters

    def read(self, source: Source, parameters: TextTrainingParameters, cache: Path | None = None) -> TextData:
        """See `studio.training.medium.Medium`."""
        tokenizer = None if source.start is None else zoo.load_tokenizer(hub.find(source.start))
        with nullcontext(cache) if cache else tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place:
            # What is mapped can be read although its folder is gone.
            return texts.read_texts(
                source.data,
                Path(place),
                held_out=parameters.held_out,
                tokenizer=tokenizer,
                vocabulary=parameters.vocabulary,
            )

    def read_again(
        self, source: Source, parameters: TextTrainingParameters, cache: Path, fingerprint: str
    ) -> TextData | None:
        """See `studio.training.medium.Medium`."""
        found = (texts.kept_texts(path.parent, fingerprint) for path in cache.glob("*/texts.json"))
        return next((data for data in found if data), None)

    def task(
        self,
        data: TextData,
        parameters: TextTrainingParameters,
        device: Device,
        start: hub.Model | None = None,
        extractor: VGGFeatures | None = None,
    ) -> GPTTask:
        """See `studio.training.medium.Medium`."""
        return GPTTask(data, parameters, device, start=None if start is None else zoo.load_network(start))

    def compare(
        self, task: GPTTask, data: TextData, device: Device, folder: Path, extractor: VGGFeatures | None
    ) -> str | None:
        """See `studio.training.medium.Medium`."""
        index: Index = task.index()
        with device.computing():
            made = task.samples(COMPARED, WORDS)
        runs = [index.longest(text) for text in made]
        copies = [run for run, text in zip(runs, made, strict=True) if run.words > COPIED * len(text.split())]
        if len(copies) <= COPIED * COMPARED:
            return None
        longest = max(copies, key=lambda run: run.words)
        warning = (
            f"{len(copies)} of {len(made)} texts sampled stand for the most part in what was learnt from, such as "
            f"{longest.words} words in a row: more text, fewer --steps or a larger --dropout help"
        )
        _log.warning("%s", warning)
        return warning
