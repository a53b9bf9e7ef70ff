"""What a medium brings to training besides its task: how its data are read, and what its results are compared with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from studio import hub
from studio.device import Device
from studio.errors import InputError
from studio.metrics.extractor import VGGFeatures
from studio.training.parameters import AnyTraining, TrainingParameters
from studio.training.task import Task


@dataclass(frozen=True)
class Source:
    """What to train on and what to begin with, as the command line and the page ask for it.

    data: a folder or .zip; start: a model to begin with; background: the colour under transparent pixels.
    title, summary, license: for the card.
    """

    data: str
    start: str | None = None
    background: str = "white"
    title: str = ""
    summary: str = ""
    license: str = ""


_Kind = TypeVar("_Kind", bound=TrainingParameters)


def in_shape(parameters: _Kind, shape: Any, *names: str) -> _Kind:
    """Parameters with these values of a shape, that of the model to begin with. Raises InputError for other ones."""
    usual, own = type(parameters)(), {name: getattr(shape, name) for name in names}
    for name, value in own.items():
        if getattr(parameters, name) not in (value, getattr(usual, name)):
            raise InputError(
                f"--{name} {getattr(parameters, name)} is not what the model of --from has, {value}; leave it out."
            )
    return parameters.changed(**own)


class Report(Protocol):
    """What became of the data: which are used, which were left out and why."""

    @property
    def used(self) -> int:
        """Examples, those held out included."""

    def in_words(self) -> str:
        """A few plain lines, without a newline at the end."""

    def to_dict(self) -> dict[str, Any]:
        """Every field by its name, for JSON."""


class Data(Protocol):
    """Examples, those to learn from and those held out."""

    @property
    def report(self) -> Report:
        """What became of the files."""

    @property
    def fingerprint(self) -> str:
        """The same for the same examples."""


class Medium(Protocol):
    """Everything that differs between training on pictures and training on melodies."""

    def settle(self, parameters: AnyTraining, start: hub.Model | None) -> AnyTraining:
        """The parameters to train with: in the shape of the model to begin with.

        Raises InputError for parameters of another kind, or what the networks have no place for, and ModelError for a
        model of another kind.
        """

    def read(self, source: Source, parameters: AnyTraining, cache: Path | None = None) -> Data:
        """The examples that a training would use. cache: a folder that may keep them. Raises InputError."""

    def read_again(self, source: Source, parameters: AnyTraining, cache: Path, fingerprint: str) -> Data | None:
        """The examples as `read` kept them in `cache`, whatever has become of their files; None where they are gone."""

    def task(
        self,
        data: Any,
        parameters: AnyTraining,
        device: Device,
        start: hub.Model | None = None,
        extractor: VGGFeatures | None = None,
    ) -> Task:
        """The task of these parameters. extractor: what pictures are looked at through, if not the shipped VGG-19."""

    def compare(self, task: Any, data: Any, device: Device, folder: Path, extractor: VGGFeatures | None) -> str | None:
        """Look for copies of the examples among what the task makes; leaves what it found in `folder`.

        Returns a warning where there are some.
        """
