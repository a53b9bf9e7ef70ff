"""ABC notation: what is read, what is refused in which words, and that what is written is read back."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.errors import InputError, OutputError
from studio.media.abc import read_tunes
from studio.media.abc_writer import read_recipe_text, write_abc, write_tune
from studio.music.melody import Melody, Note, joined
from studio.music.theory import METERS, MODES, Key, Meter


def tune(body: str, key: str = "C", meter: str = "4/4", unit: str = "1/4", more: str = "") -> Melody:
    read = read_tunes(f"X:1\nT:Test\nM:{meter}\nL:{unit}\n{more}K:{key}\n{body}\n", "test.abc")
    assert len(read) == 1
    assert read[0].reason == ""
    assert read[0].melody is not None
    return read[0].melody


def reason(body: str, key: str = "C", meter: str = "4/4", unit: str = "1/4") -> str:
    (read,) = read_tunes(f"X:1\nT:Test\nM:{meter}\nL:{unit}\nK:{key}\n{body}\n", "test.abc")
    assert read.melody is None
    return read.reason


def pairs(melody: Melody) -> list[tuple[int | None, int]]:
    return [(note.pitch, note.ticks) for note in melody.notes]


def test_pitches_octaves_and_lengths() -> None:
    assert pairs(tune("C,c'A/2A3/2 | z2x2 | g//g//g/g A2 |]")) == [
        *((48, 24), (84, 24), (69, 12), (69, 36), (None, 96)),
        *((79, 6), (79, 6), (79, 12), (79, 24), (69, 48)),
    ]
    assert tune("^f=f_e2 |]").pitches == [78, 77, 75]


def test_key_signature_and_accidentals_hold_to_the_end_of_the_bar_in_every_octave() -> None:
    assert tune("F f c B | ^G g G =g | g4 |]", key="D").pitches == [66, 78, 73, 71, 68, 80, 68, 79, 79]


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("Em", "E minor"),
        ("A Minor", "A minor"),
        ("Amin", "A minor"),
        ("B aeolian", "B minor"),
        ("G ionian", "G major"),
        ("DMix", "D mixolydian"),
        ("E Dorian", "E dorian"),
        ("Bb", "Bb major"),
        ("F#m", "F# minor"),
        ("D =c", "D mixolydian"),
        ("D exp ^f ^c", "D major"),
        ("D exp _B", "D minor"),
        ("G clef=treble", "G major"),
        ("G treble", "G major"),
    ],
)
def test_keys(written: str, name: str) -> None:
    assert tune("C4 |]", key=written).key.name == name


@pytest.mark.parametrize(
    ("written", "what"),
    [
        ("Glyd", "its mode is lydian; expected one of major, minor, dorian, mixolydian"),
        ("Hp", "its key is Hp"),
        ("D exp ^g", "which is none of major"),
        ("Gquark", "its key is Gquark"),
    ],
)
def test_other_keys_are_left_out(written: str, what: str) -> None:
    assert what in reason("C4 |]", key=written)


def test_metres() -> None:
    assert tune("C4 |]", meter="C").meter == Meter(4, 4)
    assert tune("C4 |]", meter="C| % cut").meter == Meter(2, 2)
    assert reason("C4 |]", meter="5/4") == "its metre is 5/4; expected one of 2/4, 3/4, 4/4, 2/2, 6/8, 9/8"


def test_without_a_unit_the_metre_says_it() -> None:
    text = "X:1\nM:{}\nK:C\nC8 |]\n"
    (four,) = read_tunes(text.format("4/4"), "a")
    (two,) = read_tunes(text.format("2/4"), "a")
    assert four.melody is not None
    assert two.melody is not None
    assert four.melody.notes == (Note(60, 96),)
    assert two.melody.notes == (Note(60, 48),)
    assert four.name == "a, tune 1"


def lengths(melody: Melody) -> list[int]:
    return [note.ticks for note in melody.notes]


def test_broken_rhythm() -> None:
    assert lengths(tune("A>B c<d | A>>B c d |]")) == [36, 12, 12, 36, 42, 6, 24, 24]


def test_tuplets() -> None:
    assert lengths(tune("(3ABc (3:2:2A2B | (3(A>Bc) d2 |]")) == [16, 16, 16, 32, 16, 24, 8, 16, 48]
    assert lengths(tune("(2AB (4ABcd |]", meter="6/8", unit="1/8")) == [18, 18, 9, 9, 9, 9]


def test_ties_join_equal_pitches_and_are_slurs_otherwise() -> None:
    assert pairs(tune("A4- | A2 A-B |]")) == [(69, 144), (69, 24), (71, 24)]
    assert pairs(tune("^f4- | f2 f2 |]")) == [(78, 144), (77, 48)]  # the tied note keeps its sharp, the next has none


def test_ornaments_words_and_comments_are_left_out() -> None:
    body = 'u"4"A{gf}v.B !trill!~c "Am7"(d | T[CEg]4) |] % the end\nw: la la la la\n%%MIDI program 1'
    assert tune(body).pitches == [69, 71, 72, 74, 79]


def test_of_a_chord_the_top_note_as_long_as_the_first() -> None:
    assert pairs(tune("[C2E2G2] [ce]2 |]")) == [(67, 48), (76, 48)]


def test_repeats_are_not_unfolded_and_of_endings_the_last_is_kept() -> None:
    melody = tune("|: C4 | D4 |1 E4 :|2 F4 :: G4 |[1 A4 :|[2 B4 |]")
    assert melody.pitches == [60, 62, 65, 67, 71]
    assert tune("|: C4 | D2 [1 E2 :|[2 F2 || G4 |]").pitches == [60, 62, 65, 67]


def test_pickups() -> None:
    melody = tune("G | C4 | C3 :| G | C4 | C3 :| G | C4 | C3 |]")
    assert melody.pickup == 24
    assert melody.bars == 6
    assert melody.ticks == 24 + 5 * 96 + 72


def test_bars_that_are_not_full() -> None:
    assert reason("C4 | C3 | C4 | C4 |]") == "bar 2 holds 3/4 where 4/4 is expected"
    assert tune("C4 | D4 E4 | C4 |]").bars == 4  # a bar line that was forgotten
    assert reason("C4 | D2 E4 F2 | C4 |]") == "bar 2 holds 8/4 where 4/4 is expected"
    assert reason("C4 | C9/2 | C4 |]") == "bar 2 holds 9/8 where 4/4 is expected"
    assert reason("G | C4 | C2 |]") == "bar 2 holds 2/4 where 4/4 is expected"
    assert reason("z4 | z4 |]") == "it has no notes"


def test_lengths_that_are_no_whole_ticks() -> None:
    assert "no whole number of ticks" in reason("(5:4:5ABcde |]")


@pytest.mark.parametrize(
    ("body", "what"),
    [
        ("C4 |\nK:D\nD4 |]", "its key changes from C major to D"),
        ("C4 | [M:3/4] C3 |]", "its metre changes from 4/4 to 3/4"),
        ("V:1\nC4 |]\nV:2\nC4 |]", "it has more than one voice"),
        ("C4 & E4 |]", "'& E4 |]' cannot be read"),
        ("C/0 |]", "a note is divided by 0"),
        ("C,,,,,,,, |]", "too high or too low"),
        ("(1C4 |]", "is no tuplet"),
        ("C99999 |]", "cannot be read"),
    ],
)
def test_what_cannot_be_used(body: str, what: str) -> None:
    assert what in reason(body)


def test_a_change_that_changes_nothing() -> None:
    assert tune("C4 |\nK:C\nM:C\nL:1/8\nC8 | [K:C] [L:1/4] C4 |]").bars == 3


def test_rests_of_whole_bars() -> None:
    assert pairs(tune("C4 | Z2 | X | D4 |]")) == [(60, 96), (None, 288), (62, 96)]


def test_too_many_tunes() -> None:
    with pytest.raises(InputError, match="more than 20,000 tunes"):
        read_tunes("X:1\n" * 20_001, "a.abc")


def test_texts_made_to_be_slow() -> None:
    assert "too short" in reason("C" + "> " * 100_000)
    assert "no whole number" in reason("".join(f"C/{number}" for number in range(1, 9_999)))
    assert "more than 20,000 notes" in reason("C" * 30_000)


def test_tempo() -> None:
    assert tune("C4 |]").tempo == 120
    assert tune("C4 |]", more='Q:1/4=90 "Andantino"\n').tempo == 90
    assert tune("C4 |]", more="Q:1/2=60\n").tempo == 120
    assert tune("C4 |]", more="Q:100\n").tempo == 100
    assert tune("C3 |]", meter="6/8", more="Q:3/8=110\n").tempo == 110
    assert tune("C4 |]", more='Q:"Slowly"\n').tempo == 120


def test_several_tunes_and_what_stands_between() -> None:
    text = "% a book\nM:4/4\nL:1/4\n\nX:1\nT:First\nT:Another name\nK:C\nC4|]\n\nsome words\n\nX:2\nT:Second\nK:D\nD4|]"
    assert [(tune.name, tune.reason) for tune in read_tunes(text, "a.abc")] == [("First", ""), ("Second", "")]
    assert read_tunes("no tune here", "a.abc") == []
    assert [tune.reason for tune in read_tunes("X:1\nX:2\nK:C\nC|\nX:3\nM:4/4\nK:C\n", "a")] == [
        "it says no key",
        "it says no metre",
        "it has no notes",
    ]


@given(st.text(max_size=300))
def test_any_text_is_read_or_refused(text: str) -> None:
    read_tunes(text, "a")
    read_tunes(f"X:1\nM:4/4\nK:C\n{text}", "a")


@given(st.text(alphabet="ABCdefg^_=,'/|:[]()<>-{}\"!+123456789zZ \n\\%", max_size=200))
def test_any_music_code_is_read_or_refused(text: str) -> None:
    for found in read_tunes(f"X:1\nM:4/4\nK:C\n{text}", "a"):
        assert (found.melody is None) == bool(found.reason)


@st.composite
def melodies(draw: st.DrawFn) -> Melody:
    """Whole bars, or a pickup and a last bar that is short by it; notes of any length, also over bar lines."""
    meter = Meter.named(draw(st.sampled_from(METERS)))
    key = Key(draw(st.integers(0, 11)), draw(st.sampled_from(MODES)))
    pickup = draw(st.sampled_from([0, 0, 3, 6, 8, 12, 24]))
    total = meter.bar * draw(st.integers(1, 6)) + pickup - draw(st.sampled_from([0, pickup]))
    cuts = draw(
        st.sets(st.one_of(st.integers(1, total - 1), st.integers(1, total // 6).map(lambda n: 6 * n)), max_size=40)
    )
    if pickup and total <= meter.bar:
        total += meter.bar
    ends = sorted({cut for cut in cuts if cut < total} | {0, total})
    pitch = st.one_of(st.none(), st.integers(48, 90), st.integers(48, 90))
    notes = joined(Note(draw(pitch), end - begin) for begin, end in pairwise(ends))
    if all(note.pitch is None for note in notes):
        notes = (Note(60, total),)
    tempo = draw(st.one_of(st.integers(30, 300).map(float), st.just(112.5)))
    return Melody(notes, key, meter, tempo, pickup)


@settings(deadline=None)
@given(melodies(), st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1))
def test_what_is_written_is_read_back(melody: Melody, title: str) -> None:
    (read,) = read_tunes(write_tune(melody, title), "a")
    assert (read.reason, read.melody) == ("", melody)


def test_written_by_hand() -> None:
    notes = [
        (62, 12),
        (67, 36),
        (69, 12),
        (71, 24),
        (72, 24),
        (74, 8),
        (73, 8),
        (72, 8),
        (71, 72 + 24),
        (69, 24),
        (67, 36),
    ]
    melody = Melody(tuple(Note(*note) for note in notes), Key(7), Meter(4, 4), 100, 12)
    assert write_tune(melody, "By hand").splitlines() == [
        "X:1",
        "T:By hand",
        "M:4/4",
        "L:1/8",
        "Q:1/4=100",
        "K:G",
        "D | G3 A B2 c2 | (3d^c=c B6- | B2 A2 G3 |]",
    ]


def test_a_file_with_its_recipe(tmp_path: Path) -> None:
    melody = tune("C4 | D4 |]")
    path = write_abc(tmp_path / "a.abc", melody, "A tune", '{"seed": 1}')
    assert read_recipe_text(path) == '{"seed": 1}'
    (read,) = read_tunes(path.read_text(encoding="utf-8"), "a")
    assert read.melody == melody
    assert read_recipe_text(write_abc(tmp_path / "b.abc", melody, "A tune")) is None
    with pytest.raises(OutputError, match=r"\.abc"):
        write_abc(tmp_path / "a.mid", melody, "A tune")
    with pytest.raises(InputError, match="There is no file"):
        read_recipe_text(tmp_path / "none.abc")


def test_a_last_bar_short_by_the_pickup_of_its_own_part() -> None:
    melody = tune("C4 | C3 || G | C4 | C3 |]")
    assert pairs(melody)[-2:] == [(60, 72), (None, 24)]
    assert melody.pickup == 0
