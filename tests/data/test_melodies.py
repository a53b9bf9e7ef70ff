"""A folder of tunes: what is taken, what is left out in which words, and how it is divided."""

from __future__ import annotations

import io
import os
import random
import zipfile
from pathlib import Path

import pytest

from studio.data.melodies import MelodyData, Tune, divide, read_melodies
from studio.errors import InputError
from studio.media import midi
from studio.media.abc_writer import write_tune
from studio.music.melody import Melody, Note
from studio.music.theory import Key, Meter


def melody(seed: int, bars: int = 8) -> Melody:
    draw = random.Random(seed)
    notes = tuple(Note(draw.choice([62, 64, 66, 67, 69, 71, 73, 74]), 12) for _ in range(8 * bars))
    return Melody(notes, Key(2), Meter(4, 4))


def book(seeds: range) -> str:
    return "\n".join(write_tune(melody(seed), f"Tune {seed}") for seed in seeds)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Ten tunes of ABC in two folders, one of them twice and higher, one of MIDI, one whose bars are not full."""
    tunes = tmp_path / "tunes"
    (tunes / "reels").mkdir(parents=True)
    (tunes / "jigs" / "old").mkdir(parents=True)
    (tunes / "reels" / "book.abc").write_text(
        book(range(8)) + "\nX:9\nT:Short\nM:4/4\nK:C\nC8|C7|C8|\n", encoding="utf-8"
    )
    higher = write_tune(melody(3).transposed(5), "The same, higher")
    (tunes / "jigs" / "old" / "one.abc").write_text(write_tune(melody(20), "One") + "\n" + higher, encoding="utf-8")
    midi.write_midi(midi.to_midi(melody(21)), tunes / "jigs" / "two.mid", "")
    (tunes / "notes.txt").write_text("by hand", encoding="utf-8")
    return tunes


def test_a_folder(folder: Path) -> None:
    data = read_melodies(folder)
    names = [tune.name for tune in data.tunes + data.held_out]
    assert sorted(names) == sorted(
        [f"reels/book.abc: Tune {seed}" for seed in range(8) if seed != 3]
        + ["jigs/old/one.abc: One", "jigs/old/one.abc: The same, higher", "jigs/two.mid"]
    )
    assert data.report.left_out == (
        ("reels/book.abc: Short", "bars not full: bar 2 holds 7/8 where 4/4 is expected"),
        ("reels/book.abc: Tune 3", "duplicate: the same as jigs/old/one.abc: The same, higher"),
    )
    assert data.report.collections == {"jigs": 3, "reels": 7}
    assert data.report.metres == {"4/4": 10}
    assert data.report.keys == {"D major": 9, "G major": 1}
    assert (data.report.used, data.report.held_out, data.report.other_files) == (10, 1, 1)
    assert data.report.in_words().splitlines() == [
        "10 tunes used, 1 of them held out for measuring.",
        "Collections: jigs 3, reels 7.",
        "Metres: 4/4 10.",
        "Keys: D major 9, G major 1.",
        "Left out: 1 bars not full, 1 duplicate.",
        "  reels/book.abc: Short: bars not full: bar 2 holds 7/8 where 4/4 is expected",
        "  reels/book.abc: Tune 3: duplicate: the same as jigs/old/one.abc: The same, higher",
        "Besides: 1 file of other kinds.",
    ]


def test_the_same_again_as_a_zip_and_as_json(folder: Path, tmp_path: Path) -> None:
    data = read_melodies(folder, seed=3)
    assert read_melodies(folder, seed=3) == data
    with zipfile.ZipFile(tmp_path / "tunes.zip", "w") as archive:
        for path in folder.rglob("*.*"):
            archive.write(path, path.relative_to(folder).as_posix())
    assert read_melodies(tmp_path / "tunes.zip", seed=3) == data
    assert MelodyData.from_json(data.to_json()) == data


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"tunes": 1}', '{"tunes": [["a", [1]]]}'])
def test_json_of_something_else(text: str) -> None:
    with pytest.raises(InputError, match="are damaged"):
        MelodyData.from_json(text)


def test_one_file(tmp_path: Path) -> None:
    path = tmp_path / "book.abc"
    path.write_bytes(b"\xef\xbb\xbf" + book(range(9)).encode())
    seen: list[str] = []
    data = read_melodies(path, progress=seen.append)
    assert data.report.used == 9
    assert data.report.collections == {}
    assert seen == ["book.abc"]


def test_a_seed_draws_other_tunes(tmp_path: Path) -> None:
    path = tmp_path / "book.abc"
    path.write_text(book(range(40)), encoding="utf-8")
    first, second = read_melodies(path, seed=0), read_melodies(path, seed=1)
    assert len(first.held_out) == len(second.held_out) == 4
    assert first.held_out != second.held_out
    assert first.fingerprint != second.fingerprint


def variant(seed: int, number: int) -> Tune:
    """The same tune, its last note another one."""
    found = melody(seed)
    return Tune(f"{seed}.{number}", Melody((*found.notes[:-1], Note(80 + number, 12)), found.key, found.meter))


def test_near_variants_are_held_out_together() -> None:
    tunes = [variant(seed, number) for seed in range(10) for number in range(3)]
    chosen = divide(tunes, 0.1, 0)
    assert len(chosen) == 3
    assert len({tunes[place].name.split(".")[0] for place in chosen}) == 1


def test_where_all_are_variants_of_one() -> None:
    tunes = [variant(0, number) for number in range(10)]
    assert len(divide(tunes, 0.1, 0)) == 1


@pytest.mark.parametrize(
    ("write", "what"),
    [
        (lambda tunes: None, "holds no tunes: expected .mid, .midi, .abc"),
        (lambda tunes: (tunes / "a.txt").write_text("a"), "holds no tunes"),
        (
            lambda tunes: (tunes / "a.abc").write_text(book(range(3))),
            "3 usable of 3 tunes in .*; at least 8 are needed",
        ),
        (
            lambda tunes: (tunes / "a.mid").write_bytes(b""),
            "0 usable of 1 tune .*Left out: 1 unreadable; the first, a.mid",
        ),
        (lambda tunes: (tunes / "a.abc").write_text("words"), "there is no tune in it"),
    ],
)
def test_too_few(tmp_path: Path, write: object, what: str) -> None:
    write(tmp_path)  # type: ignore[operator]
    with pytest.raises(InputError, match=what):
        read_melodies(tmp_path)


def test_what_is_no_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="There is no folder"):
        read_melodies(tmp_path / "none")
    (tmp_path / "a.txt").write_text("words", encoding="utf-8")
    with pytest.raises(InputError, match="is no file of tunes"):
        read_melodies(tmp_path / "a.txt")
    (tmp_path / "a.zip").write_bytes(b"PK\x05\x06" + b"\xff" * 18)
    with pytest.raises(InputError, match=r"is damaged|is no file of tunes"):
        read_melodies(tmp_path / "a.zip")


def test_files_that_cannot_be_read(folder: Path) -> None:
    (folder / "gone.abc").symlink_to(folder / "nowhere.abc")
    (folder / "damaged.mid").write_bytes(b"MThd")
    (folder / "damaged.mxl").write_bytes(b"PK damaged")
    (folder / "page.xml").write_text("<html/>", encoding="utf-8")
    (folder / "large.abc").write_bytes(b"%" * ((16 << 20) + 1))
    (folder / "around").symlink_to(folder, target_is_directory=True)
    (folder / "reels" / "up").symlink_to("..", target_is_directory=True)
    os.mkfifo(folder / "pipe.abc")
    data = read_melodies(folder)
    reasons = dict(data.report.left_out)
    assert reasons["gone.abc"] == "unreadable: No such file or directory"
    assert reasons["damaged.mid"].startswith("unreadable: ")
    assert reasons["damaged.mxl"].startswith("unreadable: damaged.mxl is damaged")
    assert reasons["page.xml"] == "unreadable: page.xml is no MusicXML: expected a score-partwise in it, found html."
    assert reasons["large.abc"] == "too large: more than 16 MB"
    assert data.report.used == 10


def test_a_zip_with_something_damaged_in_it(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("book.abc", book(range(9)))
        archive.writestr("other.abc", "XXXX" * 30)
        archive.writestr("__MACOSX/._book.abc", "shadow")
        archive.writestr("read.me", "words")
    content = buffer.getvalue().replace(b"XXXX" * 30, b"XXYX" * 30, 1)
    (tmp_path / "tunes.zip").write_bytes(content)
    data = read_melodies(tmp_path / "tunes.zip")
    assert [name for name, _ in data.report.left_out] == ["other.abc"]
    assert data.report.left_out[0].reason.startswith("unreadable: damaged in the .zip")
    assert data.report.other_files == 1
