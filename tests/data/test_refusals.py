"""What cannot be learned from is refused in one plain line."""

from __future__ import annotations

import errno
import os
import shutil
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from studio.data import pictures, sources
from studio.data.folder import read_folder
from studio.errors import InputError, OutputError
from tests.data.conftest import Fill, fields, pack


def refusal(source: Path, **options: object) -> str:
    with pytest.raises(InputError) as caught:
        read_folder(source, size=32, channels=3, **options)  # type: ignore[arg-type]
    return str(caught.value)


@pytest.mark.parametrize("name", ["none", "n" * 5000])
def test_no_folder(tmp_path: Path, name: str) -> None:
    assert refusal(tmp_path / name) == f"There is no folder {tmp_path / name}; check the name."


def test_a_file(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("words")
    assert refusal(file) == f"{file} is a file; expected a folder of pictures, or a .zip of one."


@pytest.mark.parametrize("other", [[], ["notes.txt", ".hidden.png"]])
def test_an_empty_folder(tmp_path: Path, other: list[str]) -> None:
    for name in other:
        (tmp_path / name).write_text("words")
    expected = "holds no pictures: expected PNG, JPEG, WEBP, GIF, BMP, TIFF, PPM, AVIF in it or in folders inside it."
    assert refusal(tmp_path) == f"{tmp_path} {expected}"


def test_one_picture(fill: Fill) -> None:
    folder = fill(1)
    assert refusal(folder) == f"{folder} holds 1 picture; at least 8 are needed."


def test_three_of_a_hundred(fill: Fill) -> None:
    folder = fill(3)
    fill(90, prefix="small", seed=10, size=(20, 12))
    for index in range(7):
        (folder / f"torn-{index}.jpg").write_bytes(b"\xff\xd8" + bytes([index]))
    assert refusal(folder) == (
        f"3 of 100 pictures in {folder} can be used, at least 8 are needed: "
        f"90 too small (the least side is 16 pixels), 7 unreadable."
    )


def test_all_identical(fill: Fill) -> None:
    folder = fill(1)
    for index in range(48):
        shutil.copy(folder / "p-00.png", folder / f"copy-{index}.png")
    fields(0).save(folder / "copy.jpg", quality=90)
    assert refusal(folder) == f"All 50 pictures in {folder} are the same one; at least 8 are needed."


def test_none_readable(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"no")
    assert refusal(tmp_path) == f"0 of 1 pictures in {tmp_path} can be used, at least 8 are needed: 1 unreadable."


def test_a_colour_that_is_none(fill: Fill) -> None:
    assert refusal(fill(8), background="blanc") == (
        "Unknown colour 'blanc': expected a name such as white, or #rrggbb."
    )


@pytest.mark.parametrize("inside", ["pictures", "pictures/only"])
def test_classes_without_two_folders(fill: Fill, tmp_path: Path, inside: str) -> None:
    fill(9, inside)
    assert refusal(tmp_path / "pictures", classes=True) == (
        f"{tmp_path / 'pictures'} has no two folders with pictures to use in them; expected one for each class. "
        f"Sort the pictures into folders, or train without classes."
    )


def test_a_huge_picture_is_left_out_and_a_long_one_read(fill: Fill) -> None:
    folder = fill(8)
    Image.new("1", (20_000, 20_000)).save(folder / "huge.png")
    Image.new("L", (20_000, 20)).save(folder / "long.png")
    report = read_folder(folder, size=32, channels=3).report
    assert dict(report.left_out) == {"huge.png": "too large: 20000 × 20000, 400 megapixels; at most 64 are accepted"}
    assert report.used == 9


def test_a_pipe_with_the_name_of_a_picture_is_not_waited_for(fill: Fill) -> None:
    folder = fill(8)
    os.mkfifo(folder / "pipe.png")
    (folder / "link.png").symlink_to(folder / "pipe.png")
    report = read_folder(folder, size=32, channels=3).report
    assert report.used == 8 and report.not_pictures == 2


def test_a_picture_that_changes_while_it_is_read(fill: Fill) -> None:
    folder = fill(9)

    def meddle(done: int, of: int) -> None:
        fields(500).save(folder / "p-08.png")

    report = read_folder(folder, size=32, channels=3, progress=meddle).report
    assert dict(report.left_out) == {"p-08.png": "unreadable: it changed while it was read"}


def test_a_picture_that_goes_away_later_is_of_no_matter(fill: Fill) -> None:
    folder = fill(9)
    data = read_folder(folder, size=32, channels=3)
    before = data.pictures.clone()
    shutil.rmtree(folder)
    assert data.pictures.equal(before)


def test_a_full_disk(fill: Fill, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> str:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(pictures, "_write", full)
    cache = tmp_path / "cache"
    with pytest.raises(OutputError) as caught:
        read_folder(fill(9), size=32, channels=3, cache=cache)
    assert str(caught.value) == (
        f"Cannot keep the prepared pictures in {cache}: No space left on device; "
        f"free some space or choose another folder."
    )
    assert not list(cache.iterdir())


def test_a_zip_reads_like_its_folder(fill: Fill, tmp_path: Path) -> None:
    folder = fill(9)
    fill(3, "pictures/inner", seed=20)
    (folder / "notes.txt").write_text("words")
    (folder / "__MACOSX").mkdir()
    (folder / "__MACOSX" / "._a.png").write_text("rubbish")
    packed = read_folder(pack(folder, tmp_path / "pictures.zip"), size=32, channels=3)
    plain = read_folder(folder, size=32, channels=3)
    assert packed.fingerprint == plain.fingerprint and packed.names == plain.names
    assert packed.report.not_pictures == 1 and not packed.report.left_out


@pytest.mark.parametrize(
    "name", ["../outside.png", "/etc/outside.png", "a/../../b.png", "..\\outside.png", "C:\\a.png"]
)
def test_a_zip_that_leads_out(tmp_path: Path, name: str) -> None:
    bad = tmp_path / "bad.zip"
    with zipfile.ZipFile(bad, "w") as archive:
        archive.writestr(name, b"x")
    assert refusal(bad) == f"{bad} holds {name!r}, which leads out of its folder; it is not opened."


def test_a_zip_bomb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "BENIGN", 1 << 20)
    bomb = tmp_path / "bomb.zip"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.png", bytes(50 << 20))
    assert "bomb.zip would unpack to 1 files, 0.1 GB; at most 500,000 files and 0.0 GB are accepted" in refusal(bomb)
    monkeypatch.setattr(sources, "MAX_ENTRIES", 2)
    with zipfile.ZipFile(bomb, "w") as archive:
        for index in range(3):
            archive.writestr(f"{index}.png", b"")
    assert "bomb.zip would unpack to 3 files" in refusal(bomb)


def test_a_damaged_zip(fill: Fill, tmp_path: Path) -> None:
    whole = pack(fill(10), tmp_path / "whole.zip").read_bytes()
    torn = tmp_path / "torn.zip"
    damaged = bytearray(whole)
    damaged[100:110] = bytes(10)  # in the first picture: its checksum tells
    torn.write_bytes(damaged)
    report = read_folder(torn, size=32, channels=3).report
    assert [name for name, _ in report.left_out] == ["p-00.png"]
    assert report.left_out[0].reason.startswith("unreadable: damaged in the .zip (")
    torn.write_bytes(whole[: len(whole) // 2])
    assert refusal(torn) == f"{torn} is no .zip that can be read: it is cut off or damaged; get it again."
    torn.write_bytes(whole[len(whole) // 2 :])
    assert refusal(torn)


def test_a_locked_zip(tmp_path: Path) -> None:
    locked = tmp_path / "locked.zip"
    with zipfile.ZipFile(locked, "w") as archive:
        archive.writestr("a.png", b"x")
    content = bytearray(locked.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    locked.write_bytes(content)
    assert refusal(locked) == f"{locked} is locked with a password; unpack it yourself and give the folder."
