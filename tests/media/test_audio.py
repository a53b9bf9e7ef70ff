"""Sound: the notes are where they should be, loops have no seam, and the same music gives the same bytes."""

from __future__ import annotations

import io
import sys
import tracemalloc
import wave
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.errors import InputError, OutputError
from studio.media import audio, midi
from studio.music.melody import Melody, Note
from studio.music.theory import Key, Meter
from studio.recipe import Recipe, Source, recipe_of

PITCHES = (62, 69, 66, 74, 71, 67, 64, 62)
TUNE = Melody(tuple(Note(pitch, 12) for pitch in PITCHES), Key.named("D"), Meter(4, 4), 90.0)
NOTE = 60 / 90 / 2  # seconds of an eighth
SOUNDFONT = audio._bundled()


def content(melody: Melody = TUNE, program: int = 73) -> bytes:
    return midi.midi_bytes(midi.to_midi(melody, program=program))


def loudest(samples: audio.Samples) -> int:
    return int(np.abs(samples.astype(np.int32)).max())


@pytest.fixture(scope="module")
def sound() -> audio.Samples:
    pytest.importorskip("midirenderer")
    return audio.render(content())


@pytest.mark.parametrize("number", range(len(PITCHES)))
def test_each_note_sounds_at_its_time_and_pitch(sound: audio.Samples, number: int) -> None:
    began = round((number * NOTE + 0.06) * audio.RATE)
    heard = sound[began : began + round(0.24 * audio.RATE)].sum(axis=1).astype(float)
    spectrum = np.abs(np.fft.rfft(heard * np.hanning(len(heard)), 1 << 17))
    frequencies = np.fft.rfftfreq(1 << 17, 1 / audio.RATE)
    scores = {}
    for pitch in range(55, 85):
        tone = 440 * 2 ** ((pitch - 69) / 12)
        near = [np.abs(frequencies / tone / harmonic - 1) < 0.015 for harmonic in (1, 2, 3)]
        scores[pitch] = sum(float(spectrum[place].max()) for place in near)
    assert max(scores, key=lambda pitch: scores[pitch]) == PITCHES[number]


def test_loudness_length_and_end(sound: audio.Samples) -> None:
    assert sound.dtype == np.int16 and sound.shape[1] == 2
    assert 20 * np.log10(loudest(sound) / 32_767) == pytest.approx(-1, abs=0.01)
    assert TUNE.seconds < len(sound) / audio.RATE < TUNE.seconds + 2.5
    assert loudest(sound[: audio.RATE // 20]) > 1000  # it begins at once
    assert loudest(sound[-10:]) < 30 and loudest(sound[-audio.RATE // 5 :]) > 20  # it ends in silence, and at once
    assert (sound[:, 0] != sound[:, 1]).any()


def test_the_same_music_gives_the_same_bytes(sound: audio.Samples) -> None:
    assert audio.wav_bytes(audio.render(content()), "{}") == audio.wav_bytes(sound, "{}")
    assert not np.array_equal(audio.render(content(program=0))[:1000], sound[:1000])


def test_what_leads_in_is_left_out() -> None:
    pytest.importorskip("midirenderer")
    melody = Melody(TUNE.notes, TUNE.key, TUNE.meter, TUNE.tempo, pickup=12)
    whole = audio.render(content(melody))
    assert loudest(whole[: round(midi.lead_in(melody) * audio.RATE) - 200]) < 30
    assert loudest(audio.render(content(melody), start=midi.lead_in(melody))[: audio.RATE // 20]) > 1000


@pytest.mark.parametrize("program", [0, 24, 48, 73])
def test_a_loop_has_its_length_and_no_seam(program: int) -> None:
    pytest.importorskip("midirenderer")
    loop = audio.render(content(program=program), loop=TUNE.seconds)
    assert len(loop) == round(TUNE.seconds * audio.RATE)
    plain = audio.render(content(program=program))[: len(loop)]
    seam = np.abs(loop[0].astype(int) - loop[-1]).max()
    steps = np.abs(np.diff(loop.astype(int), axis=0))
    assert seam <= steps.max() and seam < 4000
    assert np.abs(loop[: audio.RATE // 10].astype(int) - plain[: audio.RATE // 10]).max() > 100  # the tail is there
    with pytest.raises(InputError, match="has to last longer than nothing"):
        audio.render(content(), loop=0)


def test_folding_keeps_every_sample() -> None:
    sound = np.arange(1, 23, dtype=np.int16).reshape(-1, 2)
    assert audio._folded(sound, 4).tolist() == [
        [1 + 9 + 17, 2 + 10 + 18],
        [3 + 11 + 19, 4 + 12 + 20],
        [5 + 13 + 21, 42],
        [7 + 15, 24],
    ]
    assert audio._folded(sound, 13)[11:].tolist() == [[0, 0], [0, 0]]


def test_silence_stays_silence() -> None:
    assert not audio._loud(np.zeros((10, 2), np.int16)).any() and audio._loud(np.zeros((0, 2), np.int16)).shape == (
        0,
        2,
    )
    assert len(audio._died_away(np.zeros((0, 2), np.int16))) == 0


def test_other_programs_read_the_file(tmp_path: Path, sound: audio.Samples) -> None:
    path = audio.write_wav(tmp_path / "Gemälde 画.wav", sound, '{"a": 1}')
    with wave.open(str(path)) as opened:
        assert opened.getparams()[:4] == (2, 2, audio.RATE, len(sound))
        assert opened.readframes(len(sound)) == sound.tobytes()
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=300), st.integers(0, 5))
@settings(max_examples=60)
def test_a_recipe_survives_in_sound(recipe: str, count: int) -> None:
    written = audio.wav_bytes(np.zeros((count, 2), np.int16), recipe)
    assert len(written) % 2 == 0 and int.from_bytes(written[4:8], "little") == len(written) - 8
    with wave.open(io.BytesIO(written)) as opened:
        assert opened.getnframes() == count


def test_recipes_are_read_and_what_is_none_is_told(tmp_path: Path) -> None:
    recipe = Recipe("melody", {"seed": 7}, Source("folk", "a" * 64), {}, {"device": "cpu"})
    silence = np.zeros((5, 2), np.int16)
    assert recipe_of(audio.write_wav(tmp_path / "a.wav", silence, recipe.to_json())) == recipe
    assert audio.read_recipe_text(audio.write_wav(tmp_path / "b.wav", silence)) is None
    whole = audio.wav_bytes(silence, "{}")
    other = b"LIST" + (8).to_bytes(4, "little") + b"adtlabcd" + b"odd " + (3).to_bytes(4, "little") + b"abc\0"
    (tmp_path / "c.wav").write_bytes(whole[:12] + other + whole[12:])
    assert audio.read_recipe_text(tmp_path / "c.wav") == "{}"
    for damaged in (b"", b"RIFF", b"garbage" * 9, bytes(50)):
        (tmp_path / "d.wav").write_bytes(damaged)
        with pytest.raises(InputError, match=r"d\.wav is not a WAV file"):
            audio.read_recipe_text(tmp_path / "d.wav")
    for length in range(12, len(whole)):
        (tmp_path / "d.wav").write_bytes(whole[:length])
        assert audio.read_recipe_text(tmp_path / "d.wav") in (None, "{}", "{")
    with pytest.raises(InputError, match="There is no file"):
        audio.read_recipe_text(tmp_path / "none.wav")


@given(st.binary(max_size=100))
@settings(max_examples=100)
def test_any_bytes_are_a_soundfont_or_refused(tmp_path_factory: pytest.TempPathFactory, body: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "own.sf2"
    path.write_bytes(body)
    with pytest.raises(InputError, match=r"own\.sf2 is not a soundfont; expected an \.sf2 file"):
        audio.check_soundfont(path)


def test_a_soundfont_that_is_cut_off_is_refused_in_one_line(tmp_path: Path) -> None:
    pytest.importorskip("midirenderer")
    path = tmp_path / "own.sf2"
    for length in (12, 200, 5000, 1_000_000):
        path.write_bytes(SOUNDFONT.read_bytes()[:length])
        with pytest.raises(InputError, match=r"own\.sf2 cannot be played") as refused:
            audio.render(content(), soundfont=path)
        assert "\n" not in str(refused.value)
    with pytest.raises(InputError, match="There is no file"):
        audio.render(content(), soundfont=tmp_path / "none.sf2")


def test_a_soundfont_of_ones_own_is_played(sound: audio.Samples, tmp_path: Path) -> None:
    path = tmp_path / "Gemälde.sf2"
    path.write_bytes(SOUNDFONT.read_bytes())
    own = audio.render(content(), soundfont=path)
    assert abs(len(own) - len(sound)) < audio.RATE
    if audio.renderer(path).startswith("midirenderer"):
        assert np.array_equal(own, sound)


def test_fluidsynth_plays_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    if audio._module("fluidsynth") is None:
        pytest.skip("FluidSynth is not installed")
    monkeypatch.setitem(sys.modules, "midirenderer", None)
    first, again = audio.render(content()), audio.render(content(), soundfont=SOUNDFONT)
    assert np.array_equal(first, again) and loudest(first[: audio.RATE // 20]) > 1000


def test_no_renderer_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("midirenderer", "fluidsynth"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(OutputError, match="No sound can be made here, as midirenderer is not installed: pip install"):
        audio.render(content())
    audio.write_wav(tmp_path / "a.wav", np.zeros((5, 2), np.int16))  # everything else works


def test_music_that_is_too_long_is_refused_before_it_is_played() -> None:
    melody = Melody((Note(60, 24 * 4 * 61),), Key(0), Meter(4, 4), 20.0)
    with pytest.raises(InputError, match=r"lasts 12\.2 minutes; sound is made of at most 10"):
        audio.render(content(melody))
    with pytest.raises(InputError, match="is not a MIDI file"):
        audio.render(b"garbage")


@pytest.mark.parametrize("samples", [np.zeros((5, 1), np.int16), np.zeros(5, np.int16), np.zeros((5, 2), np.float32)])
def test_samples_of_another_shape_are_refused(samples: audio.Samples) -> None:
    with pytest.raises(InputError, match=r"Expected samples of shape \(N, 2\), int16; got"):
        audio.wav_bytes(samples)


def test_minutes_of_sound_are_copied_once() -> None:
    samples = np.ones((500_000, 2), np.int16)
    tracemalloc.start()
    try:
        content = audio.wav_bytes(samples, "{}")
        assert tracemalloc.get_traced_memory()[1] < 1.1 * samples.nbytes
    finally:
        tracemalloc.stop()
    with wave.open(io.BytesIO(content)) as opened:
        assert opened.readframes(500_000) == samples.tobytes()
    other = audio.wav_bytes(samples[::2], "{}")  # what does not lie together
    assert other == audio.wav_bytes(samples[::2].copy(), "{}")


def test_a_soundfont_with_its_parts_is_taken_and_one_without_is_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "own.sf2"
    assert audio.check_soundfont(SOUNDFONT) == SOUNDFONT
    for length in (12, 200, 5000, 1_000_000, SOUNDFONT.stat().st_size - 1000):
        path.write_bytes(SOUNDFONT.read_bytes()[:length])
        with pytest.raises(InputError, match=r"own\.sf2 cannot be played: a part of it is missing; expected a whole"):
            audio.check_soundfont(path)


def test_ten_minutes_may_be_missed_by_what_a_tempo_is_rounded_by(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audio, "MAX_SECONDS", 1)
    pytest.importorskip("midirenderer")
    melody = Melody((Note(60, 97),), Key(0), Meter(4, 4), 240.0)
    assert melody.seconds > 1 and len(audio.render(content(melody)))
    with pytest.raises(InputError, match="sound is made of at most"):
        audio.check_seconds(melody.seconds)


def test_what_the_soundfont_that_comes_along_cannot_play_is_not_its_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    midirenderer = pytest.importorskip("midirenderer")

    def broken(*_: bytes) -> bytes:
        raise ValueError("no tempo")

    monkeypatch.setattr(midirenderer, "render_wave_from", broken)
    with pytest.raises(InputError, match=r"^The music cannot be played \(no tempo\)\.$"):
        audio.render(content())
