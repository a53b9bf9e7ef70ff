"""MIDI files: read with care, written whole, with the recipe inside; the same music always gives the same bytes.

    midi = read_midi("tune.mid")                     # checked before any library sees it: studio.media.midi_check
    melody = melody_of(midi, "tune.mid")             # one voice, on a grid, with its key and metre
    write_midi(to_midi(melody), "again.mid")

A key signature of MIDI knows major and minor alone, and neither a pickup nor a rest at the end has a sign. Files of
Studio say these in two texts at the start ("key: D dorian" and "melody: …"), so that a melody comes back as it was.
"""

from __future__ import annotations

import copy
import io
import math
from collections.abc import Sequence
from pathlib import Path

import mido
import pretty_midi

from studio.errors import InputError
from studio.media import files, midi_check
from studio.media.midi_check import Scanned
from studio.media.midi_melody import Told, key_number, melodies_in, melody_of
from studio.music.melody import Melody, quarters_a_minute
from studio.music.parts import Part
from studio.music.theory import TICKS

__all__ = ["SUFFIXES", "lead_in", "melodies_in", "melody_of", "midi_bytes", "read_midi", "read_recipe_text"]
__all__ += ["to_midi", "write_midi"]

SUFFIXES = (".mid", ".midi")
RESOLUTION = 480
"""Ticks a quarter in a file: 20 of MIDI's for each of ours."""

_RECIPE = "studio-recipe: "
_DOWNBEAT, _BEAT, _BETWEEN = 100, 90, 82  # velocities: a dance wants its first beat heard
_SLOWEST = 0xFFFFFF  # microseconds a quarter that the format can say: 3.6 quarters a minute
_MAJOR = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
_MINOR = ("Cm", "C#m", "Dm", "Ebm", "Em", "Fm", "F#m", "Gm", "G#m", "Am", "Bbm", "Bm")


def read_midi(source: str | Path | bytes, name: str = "") -> pretty_midi.PrettyMIDI:
    """A MIDI file from its path or its bytes.

    name: what errors call it; the path, if nothing else is said.
    Tempos, metres and keys count in whichever track they are; system-exclusive events are left out.
    Raises InputError for what is no MIDI file, is damaged, holds no notes, is larger than 1 MB, longer than 30 minutes,
    or has more than 64 tracks or 200,000 events.
    """
    if isinstance(source, bytes):
        content, called = source, name or "the MIDI file"
    else:
        content, called = midi_check.read_bytes(source), name or str(source)
    scanned = midi_check.scan(content, called)
    if not scanned.notes:
        raise InputError(f"{called} holds no notes; expected a tune.")
    return pretty_midi.PrettyMIDI(mido_object=_to_mido(scanned))


def read_recipe_text(path: str | Path) -> str | None:
    """The recipe inside a MIDI file, however long it plays, or None. Raises InputError if it is no MIDI file."""
    for track in midi_check.scan(midi_check.read_bytes(path), str(path), however_long=True).tracks:
        for _, kind, text in track.texts:
            if kind == midi_check.TEXT and text.startswith(_RECIPE):
                return text.removeprefix(_RECIPE)
    return None


def to_midi(
    melody: Melody, parts: Sequence[Part] = (), *, program: int = 73, name: str = "Melody"
) -> pretty_midi.PrettyMIDI:
    """A melody, and what accompanies it, as MIDI: bars where they belong, key, metre and tempo said at the start.

    A pickup stands at the end of a first bar whose beginning is silent. program: of General MIDI, 0 to 127; 73 is the
    flute. The key signature of a mode is that of its sharps: C major for D dorian.
    The tempo is that of the file, whole microseconds a quarter.
    """
    midi = pretty_midi.PrettyMIDI(resolution=RESOLUTION, initial_tempo=_tempo(melody))
    first_bar = melody.pickup + _offset(melody)

    def seconds(tick: int) -> float:
        return float(midi.tick_to_time(max(0, first_bar + tick) * RESOLUTION // TICKS))

    midi.time_signature_changes = [pretty_midi.TimeSignature(melody.meter.beats, melody.meter.unit, 0)]
    midi.key_signature_changes = [pretty_midi.KeySignature(key_number(melody.key), 0)]
    told = Told(melody.key, melody.pickup, melody.ticks, melody.tempo)
    midi.text_events = [pretty_midi.Text(text, 0) for text in told.texts()]
    voice = pretty_midi.Instrument(program, name=_ascii(name))
    for start, note in melody.timed():
        if note.pitch is not None:
            velocity = _DOWNBEAT if not start % melody.meter.bar else _BETWEEN if start % melody.meter.beat else _BEAT
            voice.notes.append(pretty_midi.Note(velocity, note.pitch, seconds(start), seconds(start + note.ticks)))
    midi.instruments.append(voice)
    for part in parts:
        instrument = pretty_midi.Instrument(part.program, is_drum=part.is_drum, name=_ascii(part.name))
        for played in part.notes:
            span = seconds(played.start), seconds(played.start + played.ticks)
            instrument.notes.append(pretty_midi.Note(played.velocity, played.pitch, *span))
        midi.instruments.append(instrument)
    return midi


def lead_in(melody: Melody) -> float:
    """Seconds of silence with which `to_midi` begins, so that the pickup of a melody stands at the end of a bar."""
    return _offset(melody) / TICKS * 60 / quarters_a_minute(melody.meter, melody.tempo)


def midi_bytes(midi: pretty_midi.PrettyMIDI, recipe: str = "") -> bytes:
    """The bytes of a MIDI file (type 1), the same for the same music and recipe. recipe: ASCII, as `Recipe.to_json`."""
    if recipe:
        midi = copy.copy(midi)
        midi.text_events = [pretty_midi.Text(_RECIPE + recipe, 0), *midi.text_events]
    buffer = io.BytesIO()
    midi.write(buffer)
    return buffer.getvalue()


def write_midi(midi: pretty_midi.PrettyMIDI, path: str | Path, recipe: str = "") -> Path:
    """Write a MIDI file atomically, with a recipe inside. Raises OutputError."""
    target = files.check_writable(path, SUFFIXES)
    return files.write_bytes(target, midi_bytes(midi, recipe))


def _offset(melody: Melody) -> int:
    """Ticks of silence before the pickup."""
    return -melody.pickup % melody.meter.bar


def _tempo(melody: Melody) -> float:
    """Quarters a minute that pretty_midi writes as the nearest whole number of microseconds: it cuts, and we round."""
    wanted = min(_SLOWEST, max(1, round(6e7 / quarters_a_minute(melody.meter, melody.tempo))))
    tempo = 6e7 / wanted
    while int(6e7 / (60.0 / (60.0 / (tempo * RESOLUTION) * RESOLUTION))) < wanted:
        tempo = math.nextafter(tempo, 0)
    return tempo


def _ascii(name: str) -> str:
    return name.encode("ascii", "replace").decode("ascii")


def _to_mido(scanned: Scanned) -> mido.MidiFile:
    """What was scanned as mido has it: a first track of tempos, metres and keys, as type 1 wants it, then the notes."""
    first = [mido.MetaMessage("set_tempo", tempo=value, time=tick) for tick, value in scanned.tempos.items()]
    for tick, (beats, unit) in scanned.meters.items():
        first.append(mido.MetaMessage("time_signature", numerator=beats, denominator=unit, time=tick))
    for tick, (sharps, minor) in scanned.keys.items():
        key = _MINOR[(7 * sharps + 9) % 12] if minor else _MAJOR[7 * sharps % 12]
        first.append(mido.MetaMessage("key_signature", key=key, time=tick))
    tracks = [_in_steps(first)]
    for track in scanned.tracks:
        found = [_TEXTS[kind](text, tick) for tick, kind, text in track.texts]
        found += [_message(*event) for event in track.events]
        tracks.append(_in_steps(found))
    return mido.MidiFile(type=1, ticks_per_beat=scanned.division, tracks=tracks)


_TEXTS = {
    midi_check.TEXT: lambda text, tick: mido.MetaMessage("text", text=text, time=tick),
    midi_check.TRACK_NAME: lambda text, tick: mido.MetaMessage("track_name", name=text, time=tick),
}


def _message(tick: int, status: int, first: int, second: int) -> mido.Message:
    channel = status & 15
    match status >> 4:
        case 8:
            kind, values = "note_off", {"note": first, "velocity": second}
        case 9:
            kind, values = "note_on", {"note": first, "velocity": second}
        case 10:
            kind, values = "polytouch", {"note": first, "value": second}
        case 11:
            kind, values = "control_change", {"control": first, "value": second}
        case 12:
            kind, values = "program_change", {"program": first}
        case 13:
            kind, values = "aftertouch", {"value": first}
        case _:
            kind, values = "pitchwheel", {"pitch": (second << 7 | first) - 8192}
    return mido.Message(kind, skip_checks=True, channel=channel, time=tick, **values)


def _in_steps(messages: list[mido.Message]) -> mido.MidiTrack:
    """Messages with the ticks from the start, sorted and with the ticks since the one before."""
    messages.sort(key=lambda message: message.time)
    last = 0
    for message in messages:
        message.time, last = message.time - last, message.time
    return mido.MidiTrack([*messages, mido.MetaMessage("end_of_track", time=0)])
