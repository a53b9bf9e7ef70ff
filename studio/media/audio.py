"""Sound: MIDI played by sampled instruments, as WAV with the recipe inside; the same music gives the same bytes.

    samples = render(midi_bytes(to_midi(melody)))    # (N, 2) int16 at RATE
    write_wav("tune.wav", samples, recipe)

It is played by midirenderer, a wheel that needs nothing from the system, with the soundfont that lies in the package
pretty_midi; with a soundfont of one's own by FluidSynth where it and pyfluidsynth are installed, else by midirenderer.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import io
import struct
import wave
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from studio.errors import InputError, OutputError
from studio.media import files

if TYPE_CHECKING:
    import pretty_midi

SUFFIXES = (".wav",)
RATE = 48_000
"""Samples a second: what midirenderer plays at."""
MAX_SECONDS = 600
"""Of the music; what it takes to die away comes on top."""

Samples = NDArray[np.int16]

_PEAK = 10 ** (-1 / 20)  # -1 dBFS: room for what players and codecs add between the samples
_ROUNDED = 1.0  # seconds by which ten minutes may be missed: MIDI counts a beat in whole microseconds
_TAIL = 4.0  # seconds that the last note is given to die away
_SILENT = 1e-3  # of the peak, -60 dB: what is quieter at the end is cut off
_FADE = RATE // 50
_LONGEST_RECIPE = 1_000_000
_BUNDLED = "TimGM6mb.sf2"
_DRUMS, _DRUM_BANK = 9, 128


def render(
    midi: bytes, *, soundfont: str | Path | None = None, start: float = 0.0, loop: float | None = None
) -> Samples:
    """Play a MIDI file. Returns (N, 2) int16 at RATE, left and right, with its peak at -1 dBFS.

    soundfont: an .sf2 file; the one that comes with pretty_midi where none is given.
    start: seconds that are left out at the beginning, such as `studio.media.midi.lead_in` of a melody.
    loop: for sound that repeats without a seam, the seconds from `start` after which it does: exactly as many samples
    come back, and what still sounds after them is laid over the beginning. Without it, the last note dies away.
    Raises InputError for what is no MIDI file or no soundfont or lasts more than ten minutes, OutputError where nothing
    is installed that could play.
    """
    from studio.media.midi import midi_bytes, read_midi  # here, so that WAV files are read and written without it

    music = read_midi(midi)
    seconds = music.get_end_time()
    check_seconds(seconds - start - _ROUNDED)
    source = _bundled() if soundfont is None else check_soundfont(soundfont)
    if renderer(soundfont).startswith("FluidSynth"):
        sound = _by_fluidsynth(music, source, seconds + _TAIL)
    else:
        _sound_until(music, seconds + _TAIL)
        sound = _by_midirenderer(midi_bytes(music), source)
    sound = sound[round(start * RATE) :]
    return _loud(_died_away(sound) if loop is None else _folded(sound, round(loop * RATE)))


def check_seconds(seconds: float) -> None:
    """Raise InputError for music that lasts longer than sound is made of."""
    if seconds > MAX_SECONDS:
        raise InputError(
            f"The music lasts {seconds / 60:.3g} minutes; sound is made of at most {MAX_SECONDS // 60}, "
            "make it shorter or faster."
        )


def renderer(soundfont: str | Path | None = None) -> str:
    """What `render` plays with, and its version. Raises OutputError where nothing is installed that could play."""
    ours, fluid = _module("midirenderer"), _module("fluidsynth")
    if fluid and (soundfont is not None or not ours):
        return f"FluidSynth through pyfluidsynth {_version('pyfluidsynth')}"
    if ours:
        return f"midirenderer {_version('midirenderer')}"
    raise OutputError(
        "No sound can be made here, as midirenderer is not installed: pip install midirenderer; where that is not "
        "made for the machine, install FluidSynth and pip install 'creative-studio[audio]'."
    )


def check_soundfont(path: str | Path) -> Path:
    """The path of a soundfont. Raises InputError unless it is one and whole, by how its parts follow one another."""
    files.check_readable(path)
    with Path(path).open("rb") as file:
        head = file.read(12)
        if head[:4] != b"RIFF" or head[8:] != b"sfbk":
            raise InputError(f"{path} is not a soundfont; expected an .sf2 file.")
        parts, end = set(), Path(path).stat().st_size
        while file.tell() + 12 <= end:
            kind, length = file.read(4), int.from_bytes(file.read(4), "little")
            following = file.tell() + length
            if kind == b"LIST" and following <= end:
                parts.add(file.read(4))
            file.seek(following + length % 2)
    if not {b"sdta", b"pdta"} <= parts:  # its samples, and which of them is what
        raise InputError(f"{path} cannot be played: a part of it is missing; expected a whole .sf2 file.")
    return Path(path)


def wav_bytes(samples: Samples, recipe: str = "") -> bytes:
    """The bytes of a WAV file: 16-bit stereo at RATE, with the recipe as the comment (ICMT) of its INFO list.

    samples: (N, 2) int16; recipe: ASCII, as `Recipe.to_json` writes it.
    """
    if samples.ndim != 2 or samples.shape[1] != 2 or samples.dtype != np.int16:
        raise InputError(f"Expected samples of shape (N, 2), int16; got {samples.shape}, {samples.dtype}.")
    before = _chunk(b"fmt ", struct.pack("<HHIIHH", 1, 2, RATE, RATE * 4, 4, 16))
    before += b"data" + samples.nbytes.to_bytes(4, "little")
    after = _chunk(b"LIST", b"INFO" + _chunk(b"ICMT", recipe.encode("ascii") + b"\0")) if recipe else b""
    size = 4 + len(before) + samples.nbytes + len(after)
    # joined at once: of minutes of sound there is one copy, and not one of each step
    data = np.ascontiguousarray(samples, "<i2").data
    return b"".join([b"RIFF", size.to_bytes(4, "little"), b"WAVE", before, data, after])


def write_wav(path: str | Path, samples: Samples, recipe: str = "") -> Path:
    """Write a WAV file atomically, with a recipe inside. Raises OutputError."""
    target = files.check_writable(path, SUFFIXES)
    return files.write_bytes(target, wav_bytes(samples, recipe))


def read_recipe_text(path: str | Path) -> str | None:
    """The recipe inside a WAV file, or None if it carries none. Raises InputError if it is no WAV file.

    Only the comment is read, whatever the size of the file.
    """
    files.check_readable(path)
    with Path(path).open("rb") as file:
        head = file.read(12)
        if head[:4] != b"RIFF" or head[8:] != b"WAVE":
            raise InputError(f"{path} is not a WAV file.")
        end = Path(path).stat().st_size
        while file.tell() + 8 <= end:
            kind, length = file.read(4), int.from_bytes(file.read(4), "little")
            if kind == b"LIST" and file.read(4) == b"INFO":
                end = min(end, file.tell() + length - 4)
            elif kind == b"ICMT":
                return file.read(min(length, _LONGEST_RECIPE)).rstrip(b"\0").decode("ascii", "replace") or None
            else:
                file.seek(length + length % 2 - 4 * (kind == b"LIST"), io.SEEK_CUR)
    return None


def _chunk(kind: bytes, body: bytes) -> bytes:
    return kind + len(body).to_bytes(4, "little") + body + b"\0" * (len(body) % 2)


def _module(name: str) -> ModuleType | None:
    """A package that may be missing, or that may not find its library."""
    try:
        return importlib.import_module(name)
    except (ImportError, OSError, AttributeError):
        return None


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "of unknown version"


def _bundled() -> Path:
    """The soundfont inside the installed pretty_midi."""
    found = importlib.util.find_spec("pretty_midi")
    path = Path(found.origin).with_name(_BUNDLED) if found and found.origin else Path(_BUNDLED)
    if not path.is_file():
        raise OutputError(f"The installed pretty_midi comes without {_BUNDLED}; give a soundfont (.sf2) of your own.")
    return path


def _sound_until(music: pretty_midi.PrettyMIDI, seconds: float) -> None:
    """Let a file last longer than its notes: midirenderer stops at the last event."""
    import pretty_midi

    music.text_events.append(pretty_midi.Text("", seconds))


def _by_midirenderer(midi: bytes, soundfont: Path) -> Samples:
    midirenderer = importlib.import_module("midirenderer")
    try:
        played = midirenderer.render_wave_from(files.read_bytes(soundfont), midi)
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt | SystemExit | MemoryError):
            raise
        # a panic of Rust is no Exception
        if soundfont == _bundled():
            raise InputError(f"The music cannot be played ({error}).") from None
        raise InputError(f"{soundfont.name} cannot be played ({error}); expected an uncompressed .sf2 file.") from None
    with wave.open(io.BytesIO(played)) as opened:
        assert (opened.getframerate(), opened.getnchannels(), opened.getsampwidth()) == (RATE, 2, 2)
        count = opened.getnframes()
    begin = played.index(b"data") + 8
    sound: Samples = np.frombuffer(played, "<i2", 2 * count, begin).astype(np.int16).reshape(-1, 2)
    return sound  # ours to write in, and what was played is free


def _by_fluidsynth(music: pretty_midi.PrettyMIDI, soundfont: Path, seconds: float) -> Samples:
    fluidsynth = importlib.import_module("fluidsynth")
    synth = fluidsynth.Synth(samplerate=float(RATE))
    try:
        loaded = synth.sfload(str(soundfont))
        if loaded < 0:
            raise InputError(f"{soundfont.name} cannot be played by FluidSynth; expected an .sf2 file.")
        events: list[tuple[int, int, Callable[..., object], tuple[int, ...]]] = []  # when, off before on, what to call
        melodic = [channel for channel in range(16) if channel != _DRUMS]
        for number, instrument in enumerate(music.instruments):
            channel = _DRUMS if instrument.is_drum else melodic[number % len(melodic)]
            bank = _DRUM_BANK if instrument.is_drum else 0
            if synth.program_select(channel, loaded, bank, instrument.program) < 0:
                synth.program_select(channel, loaded, bank, 0)
            for note in instrument.notes:
                events.append((round(note.start * RATE), 1, synth.noteon, (channel, note.pitch, note.velocity)))
                events.append((round(note.end * RATE), 0, synth.noteoff, (channel, note.pitch)))
        played, at = [], 0
        for sample, _, call, values in sorted(events, key=lambda event: event[:2]):
            if sample > at:
                played.append(synth.get_samples(sample - at))
                at = sample
            call(*values)
        played.append(synth.get_samples(max(1, round(seconds * RATE) - at)))
        sound: Samples = np.concatenate(played).astype(np.int16, copy=False).reshape(-1, 2)
        return sound
    finally:
        synth.delete()


def _died_away(sound: Samples) -> Samples:
    """Without the silence at the end, and faded out over the last 20 ms, in place."""
    quiet = _SILENT * _peak(sound)
    last = 0
    for end in range(len(sound), 0, -RATE):
        heard = np.abs(sound[max(0, end - RATE) : end].astype(np.int32)).max(axis=1) > quiet
        if heard.any():
            last = max(0, end - RATE) + int(np.flatnonzero(heard)[-1])
            break
    kept = sound[: last + _FADE]
    fade = min(_FADE, len(kept))
    if fade:
        kept[-fade:] = np.rint(kept[-fade:] * np.linspace(1, 0, fade)[:, None]).astype(np.int16)
    return kept


def _folded(sound: Samples, count: int) -> NDArray[np.int32]:
    """(count, 2): the sound, what lasts longer laid over the beginning."""
    if count < 1:
        raise InputError("Sound that repeats has to last longer than nothing.")
    folded = np.zeros((count, 2), np.int32)
    for at in range(0, len(sound), count):
        piece = sound[at : at + count]
        folded[: len(piece)] += piece
    return folded


def _peak(sound: NDArray[np.int16] | NDArray[np.int32]) -> int:
    return max(int(sound.max(initial=0)), -int(sound.min(initial=0)))


def _loud(sound: NDArray[np.int16] | NDArray[np.int32]) -> Samples:
    """With the peak at -1 dBFS, in place where it can be; silence stays silence."""
    factor = _PEAK * 32_767 / max(1, _peak(sound))
    louder: Samples = sound if sound.dtype == np.int16 else np.empty(sound.shape, np.int16)  # type: ignore[assignment]
    for at in range(0, len(sound), RATE):  # a second at a time: minutes of it as floats take much memory
        louder[at : at + RATE] = np.rint(sound[at : at + RATE] * factor).astype(np.int16)
    return louder
