"""Tunes that a user brings, in any of the formats that notes are kept in."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

from studio.errors import InputError
from studio.media import abc, files, midi, musicxml
from studio.music.melody import Melody

SUFFIXES = (*midi.SUFFIXES, ".abc", *musicxml.SUFFIXES)


@dataclass(frozen=True)
class OpenedTune:
    """A melody, and the name and the SHA-256 of the file that it came from."""

    melody: Melody
    name: str
    sha256: str


def open_tune(path: str | Path) -> OpenedTune:
    """The melody in a MIDI, ABC or MusicXML file: its first one, its top line. Raises InputError."""
    source = Path(path)
    suffix = source.suffix.lower()
    if suffix not in SUFFIXES:
        raise InputError(f"{source} is no tune; expected a file that ends in {', '.join(SUFFIXES)}.")
    content = files.read_bytes(source)
    if suffix in midi.SUFFIXES:
        melody = midi.melody_of(midi.read_midi(content, str(source)), str(source))
    elif suffix == ".abc":
        melody = _first(abc.read_tunes(content.decode("utf-8", errors="replace"), source.stem), source)
    else:
        melody = _first([musicxml.read_musicxml(source)], source)
    return OpenedTune(melody, source.name, files.sha256(content))


def glance(path: str | Path) -> Melody:
    """The melody of a file that is opened again later: what there is to warn of is said then. Raises InputError."""
    log = logging.getLogger("studio")
    log.addFilter(_silent)
    try:
        return open_tune(path).melody
    finally:
        log.removeFilter(_silent)


def notes_sha256(melody: Melody) -> str:
    """What a recipe knows a melody by that came from no file: the SHA-256 of its MIDI."""
    return files.sha256(midi.midi_bytes(midi.to_midi(melody)))


def _silent(record: logging.LogRecord) -> bool:
    return False


def _first(tunes: list[abc.Tune], source: Path) -> Melody:
    found = next((tune.melody for tune in tunes if tune.melody), None)
    if found is None:
        reason = f": {tunes[0].reason}" if tunes else ""
        raise InputError(f"{source} holds no tune that can be read{reason}.")
    return found
