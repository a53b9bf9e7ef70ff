"""MIDI: a melody comes back as it went out; what others wrote is put on a grid, or left out with a reason."""

from __future__ import annotations

import io
import logging
from collections.abc import Sequence
from pathlib import Path

import pretty_midi
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.errors import InputError, OutputError
from studio.media import midi
from studio.music.melody import Melody, Note, joined
from studio.music.parts import Part, PartNote
from studio.music.theory import METERS, MODES, Key, Meter
from studio.recipe import Recipe, Source, recipe_of

keys = st.builds(Key, st.integers(0, 11), st.sampled_from(MODES))
lengths = st.one_of(st.sampled_from([3, 4, 6, 8, 12, 18, 24, 36, 48, 96]), st.integers(1, 100))
notes = st.lists(st.builds(Note, st.none() | st.integers(0, 127), lengths), min_size=1, max_size=40)


@st.composite
def melodies(draw: st.DrawFn) -> Melody:
    """Any melody in which something sounds."""
    found = joined(draw(notes.filter(lambda notes: any(note.pitch is not None for note in notes))))
    pickup = draw(st.integers(0, min(200, sum(note.ticks for note in found))))
    tempo = draw(st.integers(20, 400) | st.floats(20, 400))
    return Melody(found, draw(keys), Meter.named(draw(st.sampled_from(METERS))), tempo, pickup)


def tune(**changes: object) -> Melody:
    pitches = [62, 64, 66, 67, 69, 71, 73, 74] * 2
    made: dict[str, object] = {"notes": tuple(Note(pitch, 12) for pitch in pitches), "key": Key.named("D")}
    return Melody(**(made | {"meter": Meter.named("4/4"), "tempo": 100.0} | changes))  # type: ignore[arg-type]


def read(music: pretty_midi.PrettyMIDI, recipe: str = "") -> pretty_midi.PrettyMIDI:
    return midi.read_midi(midi.midi_bytes(music, recipe))


def played(
    notes: Sequence[tuple[float, float, int]], *, meter: str | None = "4/4", drums: bool = False, tempo: float = 120
) -> pretty_midi.PrettyMIDI:
    """Notes (start and end in quarters, pitch) as another program may write them, read again."""
    music = pretty_midi.PrettyMIDI(resolution=480, initial_tempo=tempo)
    instrument = pretty_midi.Instrument(0, is_drum=drums)
    for start, end, pitch in notes:
        instrument.notes.append(pretty_midi.Note(80, pitch, start * 60 / tempo, end * 60 / tempo))
    music.instruments.append(instrument)
    if meter:
        music.time_signature_changes.append(pretty_midi.TimeSignature(*map(int, meter.split("/")), 0))
    music = read(music)
    if meter is None:
        music.time_signature_changes.clear()  # pretty_midi writes 4/4 where nobody said anything
    return music


@given(melodies())
@settings(max_examples=300, deadline=None)
def test_a_melody_comes_back_as_it_was(melody: Melody) -> None:
    assert midi.melody_of(read(midi.to_midi(melody), recipe='{"a": 1}'), "a.mid") == melody
    assert midi.melodies_in(read(midi.to_midi(melody)), "a.mid") == ([("a.mid", melody)], [])


def test_what_accompanies_it_starts_with_the_bars_and_leaves_the_melody_as_it_was(
    caplog: pytest.LogCaptureFixture,
) -> None:
    melody = tune(pickup=12)
    bass = Part("Bass", 32, False, (PartNote(-12, 12, 45, 70), PartNote(0, 96, 38, 80), PartNote(0, 96, 45, 60)))
    drums = Part("Drümmer", 0, True, (PartNote(0, 6, 36, 100),))
    music = read(midi.to_midi(melody, (bass, drums), program=40))
    assert [(one.program, one.is_drum, len(one.notes)) for one in music.instruments] == [
        (40, False, 16),
        (32, False, 3),
        (0, True, 1),
    ]
    assert music.instruments[2].notes[0].start == pytest.approx(music.get_downbeats()[1])
    assert music.instruments[1].notes[0].start == pytest.approx(midi.lead_in(melody))
    assert midi.melody_of(music, "a.mid") == melody and not caplog.records
    taken, left_out = midi.melodies_in(music, "a.mid")
    assert taken == [("a.mid (1: Melody)", melody)] and [label for label, _ in left_out] == [
        "a.mid (2: Bass)",
        "a.mid (3: drums)",
    ]


@given(melodies())
@settings(max_examples=50, deadline=None)
def test_the_same_melody_gives_the_same_bytes(melody: Melody) -> None:
    assert midi.midi_bytes(midi.to_midi(melody), "{}") == midi.midi_bytes(midi.to_midi(melody), "{}")


def test_tunes_of_other_bytes_differ_and_no_time_is_inside() -> None:
    contents = {
        midi.midi_bytes(midi.to_midi(tune())),
        midi.midi_bytes(midi.to_midi(tune(tempo=101.0))),
        midi.midi_bytes(midi.to_midi(tune(key=Key.named("D", "mixolydian")))),
        midi.midi_bytes(midi.to_midi(tune()), "{}"),
        midi.midi_bytes(midi.to_midi(tune(), program=0)),
    }
    assert len(contents) == 5


@pytest.mark.parametrize(
    ("key", "signature"),
    [("D dorian", "C Major"), ("A mixolydian", "D Major"), ("E minor", "E minor"), ("Bb major", 10)],
)
def test_other_programs_see_key_metre_tempo_and_bars(key: str, signature: str | int) -> None:
    melody = tune(key=Key.named(*key.split()), meter=Meter.named("6/8"), tempo=90.0, pickup=12)
    music = pretty_midi.PrettyMIDI(io.BytesIO(midi.midi_bytes(midi.to_midi(melody))))
    (found,) = music.key_signature_changes
    named = pretty_midi.key_number_to_key_name(found.key_number)
    assert signature in (named, found.key_number)
    assert [(change.numerator, change.denominator) for change in music.time_signature_changes] == [(6, 8)]
    assert music.get_tempo_changes()[1] == pytest.approx([135.0], abs=1e-3)  # 90 dotted quarters
    assert music.get_downbeats()[1] == pytest.approx(midi.lead_in(melody) + 12 / 36 * 60 / 90, abs=1e-4)
    assert [note.start for note in music.instruments[0].notes][:2] == pytest.approx(
        [midi.lead_in(melody), 4 / 3], abs=1e-4
    )
    assert music.instruments[0].name == "Melody" and music.resolution == 480


@pytest.mark.parametrize("tempo", [20, 33.3, 60, 97, 117, 120, 144.5, 399])
def test_the_tempo_is_the_nearest_that_the_format_can_say(tempo: float) -> None:
    content = midi.midi_bytes(midi.to_midi(tune(tempo=tempo)))
    at = content.index(b"\xff\x51\x03") + 3
    assert int.from_bytes(content[at : at + 3], "big") == round(6e7 / tempo)


@pytest.mark.parametrize("name", ["a.mid", "b.MIDI", "Gemälde 画.mid"])
def test_files_are_written_whole_with_their_recipe(tmp_path: Path, name: str) -> None:
    recipe = Recipe("melody", {"seed": 7}, Source("folk", "a" * 64), {}, {"device": "cpu"})
    path = midi.write_midi(midi.to_midi(tune()), tmp_path / name, recipe.to_json())
    assert recipe_of(path) == recipe and [file.name for file in tmp_path.iterdir()] == [name]
    assert midi.melody_of(midi.read_midi(path), name) == tune()
    assert midi.read_recipe_text(midi.write_midi(midi.to_midi(tune()), tmp_path / "bare.mid")) is None
    with pytest.raises(OutputError, match=r"expected a name that ends in \.mid, \.midi"):
        midi.write_midi(midi.to_midi(tune()), tmp_path / "a.wav")


def test_writing_a_recipe_leaves_the_music_as_it_was() -> None:
    music = midi.to_midi(tune())
    before = len(music.text_events)
    midi.midi_bytes(music, "{}")
    assert len(music.text_events) == before


def test_another_program_that_changed_key_or_tempo_is_believed() -> None:
    music = midi.to_midi(tune())
    for instrument in music.instruments:
        for note in instrument.notes:
            note.pitch += 1
    music.key_signature_changes[0].key_number = 3
    assert midi.melody_of(read(music), "a.mid").key == Key(3)
    slower = midi.to_midi(tune(tempo=100.0))
    slower.text_events = midi.to_midi(tune(tempo=50.0)).text_events
    assert midi.melody_of(read(slower), "a.mid").tempo == 100.0


@pytest.mark.parametrize(
    "lie", ["key: H dorian", "key: C lydian", "melody: pickup 9, length 0, tempo 0", "melody: ", ""]
)
def test_texts_that_make_no_sense_are_passed_over(lie: str) -> None:
    music = midi.to_midi(tune())
    music.text_events = [pretty_midi.Text(lie, 0), *music.text_events[1:]]
    found = midi.melody_of(read(music), "a.mid")
    assert (found.notes, found.meter, found.tempo) == (tune().notes, tune().meter, tune().tempo)


DIVISIONS = {2: [0, 0.5, 1, 1.25, 1.5, 2, 2 + 1 / 3, 2 + 2 / 3, 3], 1: [0, 0.125, 0.5, 1, 1.375, 2, 2 + 1 / 3, 3]}


@pytest.mark.parametrize("touch", [0.85, 0.95, 1.0, 1.02])
@pytest.mark.parametrize("starts", DIVISIONS.values(), ids=["12ths", "24ths"])
def test_what_is_played_detached_or_bound_comes_to_the_grid(touch: float, starts: list[float]) -> None:
    ends = [*starts[1:], 4.0]
    music = played([(a, a + (b - a) * touch, 60 + n) for n, (a, b) in enumerate(zip(starts, ends, strict=True))])
    ((_, found),), left_out = midi.melodies_in(music, "a.mid")
    assert not left_out
    expected = [round(24 * b) - round(24 * a) for a, b in zip(starts, ends, strict=True)]
    assert [note.ticks for note in found.notes] == expected


def test_small_errors_of_the_hand_are_taken_out() -> None:
    late = [0.01, -0.008, 0.012, 0.0, -0.011, 0.009, 0.004, -0.006]
    music = played([(1 + n / 2 + late[n], 1.45 + n / 2 + late[n], 60 + n) for n in range(8)])
    ((_, found),), _ = midi.melodies_in(music, "a.mid")
    assert found.notes == tuple(Note(60 + n, 12) for n in range(8))
    assert found.pickup == 72


def test_what_keeps_to_no_beat_is_left_out_and_of_a_primer_said(caplog: pytest.LogCaptureFixture) -> None:
    music = played([(n * 0.459 + (n % 7) * 0.033, n * 0.459 + 0.2 + (n % 7) * 0.033, 60 + n % 5) for n in range(40)])
    taken, ((label, reason),) = midi.melodies_in(music, "a.mid")
    assert not taken and label == "a.mid" and "keep to no beat" in reason
    with caplog.at_level(logging.WARNING, "studio"):
        assert len(midi.melody_of(music, "a.mid").pitches) == 40
    assert "a.mid keeps to no beat: its rhythm is a guess." in caplog.text


def test_rests_and_the_pickup_are_kept() -> None:
    music = played([(3.5, 4, 67), (4, 5, 72), (6, 7, 74), (7, 8, 72)])
    found = midi.melody_of(music, "a.mid")
    assert found.notes == (Note(67, 12), Note(72, 24), Note(None, 24), Note(74, 24), Note(72, 24))
    assert found.pickup == 12 and found.meter == Meter(4, 4)


def test_a_short_first_bar_is_a_pickup() -> None:
    music = played([(0, 1, 67), *((n, n + 1, 72) for n in range(1, 9))], meter="1/4")
    music.time_signature_changes.append(pretty_midi.TimeSignature(4, 4, 0.5))
    found = midi.melody_of(music, "a.mid")
    assert (found.meter, found.pickup) == (Meter(4, 4), 24)


def test_a_pickup_without_silence_before_it_is_heard() -> None:
    bars = [(0, 74), (1.5, 73), (2, 71), (3, 69), (4, 66), (5.5, 67), (6, 69), (8, 71), (9.5, 74), (10, 73), (11, 71)]
    bars += [(12, 69), (13, 66), (14, 62)]
    starts = [(0.0, 69), *((1 + again + start, pitch) for again in (0, 16, 32) for start, pitch in bars)]
    ends = [start for start, _ in starts[1:]] + [49.0]
    notes = [(start, end, pitch) for (start, pitch), end in zip(starts, ends, strict=True)]
    assert midi.melody_of(played(notes), "a.mid").pickup == 24
    assert midi.melody_of(played([(start - 1, end - 1, pitch) for start, end, pitch in notes[1:]]), "a.mid").pickup == 0


@pytest.mark.parametrize("meter", ["5/4", "7/8", "12/8", "1/4"])
def test_another_metre_is_refused_with_those_that_can_be_used(meter: str) -> None:
    music = played([(n, n + 1, 60 + n) for n in range(8)], meter=meter)
    with pytest.raises(InputError, match=rf"a\.mid: it is in {meter}; the metres that can be used are 2/4, 3/4, 4/4,"):
        midi.melody_of(music, "a.mid")
    taken, ((_, reason),) = midi.melodies_in(music, "a.mid")
    assert not taken and "the metres that can be used" in reason


def test_a_change_of_metre_is_refused() -> None:
    music = played([(n, n + 1, 60 + n) for n in range(12)])
    music.time_signature_changes.append(pretty_midi.TimeSignature(3, 4, 4.0))
    with pytest.raises(InputError, match="its metre changes from 4/4 to 3/4; expected one metre"):
        midi.melody_of(music, "a.mid")


def test_metre_and_key_are_found_where_nothing_is_said() -> None:
    jig = [62, 66, 69, 74, 69, 66, 67, 71, 74, 73, 71, 69] * 4 + [62]
    music = played([(n / 2, n / 2 + 0.5, pitch) for n, pitch in enumerate(jig)], meter=None)
    found = midi.melody_of(music, "a.mid")
    assert (found.meter.name, found.key.name) == ("6/8", "D major")


@pytest.mark.parametrize(("said", "expected"), [(None, "A minor"), (0, "A minor"), (7, "G major"), (2, "A minor")])
def test_a_signature_is_believed_where_the_notes_keep_to_it(said: int | None, expected: str) -> None:
    pitches = [69, 71, 72, 74, 76, 72, 74, 71, 69, 67, 69] if said != 7 else [67, 69, 71, 72, 74, 76, 78, 79]
    music = played([(n, n + 1, pitch) for n, pitch in enumerate(pitches * 2)])
    if said is not None:
        music.key_signature_changes.append(pretty_midi.KeySignature(said, 0))
    assert midi.melody_of(music, "a.mid").key.name == expected


def test_chords_are_left_out_and_of_a_primer_the_top_line_is_taken(caplog: pytest.LogCaptureFixture) -> None:
    music = played([(n, n + 1, top - below) for n, top in enumerate((72, 74, 76)) for below in (0, 4, 12)])
    taken, ((label, reason),) = midi.melodies_in(music, "a.mid")
    assert not taken and label == "a.mid"
    assert reason == "it is polyphonic: 6 of its 9 notes sound together with another"
    with caplog.at_level(logging.WARNING, "studio"):
        assert midi.melody_of(music, "a.mid").notes == (Note(72, 24), Note(74, 24), Note(76, 24))
    assert "polyphonic: 6 of its 9 notes sound together with another; taking the top line." in caplog.text


def test_the_first_instrument_that_is_no_drum_is_taken(caplog: pytest.LogCaptureFixture) -> None:
    music = played([(0, 1, 36)], drums=True)
    for program, pitch in ((40, 72), (32, 36)):
        instrument = pretty_midi.Instrument(program, name="Bass" if program == 32 else "")
        instrument.notes = [pretty_midi.Note(80, pitch + n, n / 2, n / 2 + 0.5) for n in range(4)]
        music.instruments.append(instrument)
    taken, left_out = midi.melodies_in(read(music), "a.mid")
    assert [label for label, _ in taken] == ["a.mid (2: Violin)", "a.mid (3: Bass)"]
    assert left_out == [("a.mid (1: drums)", "drums have no melody")]
    with caplog.at_level(logging.WARNING, "studio"):
        assert midi.melody_of(read(music), "a.mid").pitches == [72, 73, 74, 75]
    assert "a.mid has 2 instruments; taking the first, Violin." in caplog.text


def test_drums_alone_are_refused() -> None:
    music = played([(0, 1, 36), (1, 2, 38)], drums=True)
    with pytest.raises(InputError, match=r"a\.mid holds drums only; expected a melody, for one voice"):
        midi.melody_of(music, "a.mid")


def test_notes_that_never_end_are_refused() -> None:
    music = midi.read_midi(b"MThd\0\0\0\6\0\0\0\1\0\x60MTrk\0\0\0\4\0\x90\x3c\x50")
    with pytest.raises(InputError, match="no note that ends"):
        midi.melody_of(music, "a.mid")
    assert midi.melodies_in(music, "a.mid") == ([], [("a.mid", "no note in it ends")])


def test_the_tempo_is_that_in_which_the_melody_begins() -> None:
    music = played([(n, n + 1, 60 + n) for n in range(4)], meter="6/8", tempo=117)
    assert midi.melody_of(music, "a.mid").tempo == 78.0


def test_a_recipe_is_read_from_music_that_is_too_long_to_be_a_primer(tmp_path: Path) -> None:
    recipe = Recipe("melody", {"seed": 7}, Source("folk", "a" * 64), {}, {"device": "cpu"})
    long = tune(notes=tune().notes * 256, tempo=60.0)  # 512 bars, 34 minutes
    path = midi.write_midi(midi.to_midi(long), tmp_path / "long.mid", recipe.to_json())
    assert recipe_of(path) == recipe
    with pytest.raises(InputError, match=r"long\.mid lasts 34 minutes; expected at most 30 minutes"):
        midi.read_midi(path)
