"""A folder of pictures becomes the same data every time, and the report says what became of each file."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from studio.data import pictures
from studio.data.folder import read_folder
from studio.data.report import LeftOut, Report
from tests.data.conftest import Fill, fields


def reasons(report: Report) -> dict[str, str]:
    return dict(report.left_out)


def test_nested_folders_and_every_format(fill: Fill) -> None:
    folder = fill(8)
    inner = fill(0, "pictures/deep/er")
    suffixes = ("jpg", "webp", "gif", "bmp", "tif", "ppm", "avif", "PNG")
    for seed, suffix in enumerate(suffixes, start=100):
        fields(seed).save(inner / f"x.{suffix}")
    (folder / "notes.txt").write_text("not a picture")
    (folder / ".hidden.png").write_bytes(b"nothing")
    data = read_folder(folder, size=32, channels=3)
    total = 8 + len(suffixes)
    assert data.report.used == total and not data.report.left_out and data.report.not_pictures == 1
    assert data.pictures.shape == (total - len(data.held_out), 3, 32, 32) and data.pictures.dtype == torch.uint8
    assert len(data.names) == len(data.pictures) == len(data.labels)
    assert any(name.startswith("deep/er/") for name in data.names)
    assert data.class_names == () and not data.labels.any()


def test_left_out_with_reasons(fill: Fill) -> None:
    folder = fill(10)
    fields(50, (20, 15)).save(folder / "small.png")
    (folder / "torn.png").write_bytes((folder / "p-00.png").read_bytes()[:200])
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "phone.heic").write_bytes(b"\0\0\0\x18ftypheic" * 9)
    fields(60, (101, 101)).save(folder / "large.png")
    fields(3).resize((96, 80)).save(folder / "saved-again.jpg", quality=80)
    (folder / "z-copy.png").write_bytes((folder / "p-04.png").read_bytes())
    (folder / "z-link.png").symlink_to("nowhere.png")
    data = read_folder(folder, size=32, channels=3, max_pixels=10_000)
    assert data.report.used == 10
    found = reasons(data.report)
    assert found.pop("torn.png").startswith("unreadable: damaged or cut off (")
    assert found == {
        "small.png": "too small: 20 × 15, the least side is 16",
        "empty.jpg": "unreadable: empty; expected a picture",
        "phone.heic": "unreadable: not a picture that can be read; expected PNG, JPEG, WEBP, GIF, BMP, TIFF, PPM, AVIF",
        "large.png": "too large: 101 × 101, 0 megapixels; at most 0 are accepted",
        "saved-again.jpg": "duplicate: the same as p-03.png",
        "z-copy.png": "duplicate: the same file as p-04.png",
        "z-link.png": "unreadable: a link that leads nowhere",
    }
    words = data.report.in_words()
    assert words.splitlines()[0] == f"10 pictures used, {len(data.held_out)} of them held out for measuring."
    assert "Left out: 4 unreadable, 2 duplicates, 1 too large, 1 too small." in words
    assert "  small.png: too small: 20 × 15, the least side is 16" in words


def test_sizes_and_shapes_in_words(fill: Fill) -> None:
    folder = fill(5, size=(60, 40))
    fill(3, prefix="q", seed=20, size=(40, 41))
    fill(1, prefix="r", seed=30, size=(40, 90))
    report = read_folder(folder, size=32, channels=3).report
    assert report.sizes == ((40, 41), (60, 40), (40, 90))
    assert report.shapes == {"square": 3, "landscape": 5, "portrait": 1}
    assert "Sizes: 40 × 41 the smallest, 60 × 40 in the middle, 40 × 90 the largest." in report.in_words()
    assert "Shapes: 3 square, 5 landscape, 1 portrait." in report.in_words()
    assert Report.from_dict(json.loads(json.dumps(report.to_dict()))) == report


def test_long_lists_are_cut_in_words_only() -> None:
    left_out = tuple(LeftOut(f"{index}.png", "unreadable: empty") for index in range(25))
    report = Report(9, 1, left_out, 2, {"cat": 5, "dog": 4}, ((1, 1),) * 3, {"square": 9})
    words = report.in_words()
    assert (
        "  and 15 more." in words and "Classes: cat 5, dog 4." in words and "Besides: 2 files of other kinds." in words
    )
    assert len(report.to_dict()["left_out"]) == 25


@pytest.mark.parametrize("around", ["", "all/of/it/"])
def test_folders_are_classes(fill: Fill, around: str) -> None:
    fill(6, f"pets/{around}cat")
    fill(5, f"pets/{around}dog/small", seed=20)
    folder = fill(0, "pets")
    data = read_folder(folder, size=32, channels=3, classes=True)
    assert data.class_names == ("cat", "dog")
    assert data.report.classes == {"cat": 6, "dog": 5}
    assert [data.class_names[label] for label in data.labels] == [
        name.removeprefix(around).split("/")[0] for name in data.names
    ]
    assert len(data.held_out_labels) == len(data.held_out)
    if not around:
        fill(2, "pets", seed=50)
        found = reasons(read_folder(folder, size=32, channels=3, classes=True).report)
        assert found["p-01.png"] == "in no class: it lies beside the folders of the classes"


def test_reading_twice_gives_the_same_and_a_change_another_fingerprint(fill: Fill, tmp_path: Path) -> None:
    folder = fill(12)
    first, again = (read_folder(folder, size=32, channels=3, seed=1) for _ in range(2))
    assert first.fingerprint == again.fingerprint and first.names == again.names
    assert torch.equal(first.pictures, again.pictures) and torch.equal(first.held_out, again.held_out)
    folder = folder.rename(tmp_path / "elsewhere")
    (folder / "more.txt").write_text("of no matter")
    assert read_folder(folder, size=32, channels=3, seed=1).fingerprint == first.fingerprint
    others = [
        read_folder(folder, size=32, channels=1, seed=1),
        read_folder(folder, size=32, channels=3, seed=2),
        read_folder(folder, size=32, channels=3, seed=1, fit="pad"),
    ]
    fields(99).save(folder / "more.png")
    others.append(read_folder(folder, size=32, channels=3, seed=1))
    assert len({data.fingerprint for data in [first, *others]}) == 5


def test_what_is_held_out_stays_so_when_pictures_are_added(fill: Fill) -> None:
    folder = fill(40)
    before = read_folder(folder, size=32, channels=3, held_out=0.2)
    fill(40, prefix="a", seed=1000)
    after = read_folder(folder, size=32, channels=3, held_out=0.2)
    kept = {picture.numpy().tobytes() for picture in after.held_out}
    assert {picture.numpy().tobytes() for picture in before.held_out} <= kept
    assert 3 <= len(before.held_out) <= 16 and len(after.held_out) > len(before.held_out)


def test_one_is_held_out_at_least_and_half_at_most(fill: Fill) -> None:
    folder = fill(8)
    assert len(read_folder(folder, size=32, channels=3, held_out=0.0001).held_out) == 1
    assert len(read_folder(folder, size=32, channels=3, held_out=1.0).held_out) == 4


def test_how_a_picture_becomes_square(fill: Fill) -> None:
    folder = fill(8)
    stripes = np.zeros((32, 64, 3), np.uint8)
    stripes[:, :16] = 255  # a white band that the crop does not see
    Image.fromarray(stripes).save(folder / "a.png")

    def band(**options: str) -> torch.Tensor:
        data = read_folder(folder, size=32, channels=1, background="#ff0000", held_out=1e-9, **options)  # type: ignore[arg-type]
        return data.pictures[data.names.index("a.png"), 0]

    assert not band().any()
    assert band(fit="stretch")[16, 0] == 255 and band(fit="stretch")[16, -1] == 0
    padded = band(fit="pad")
    assert padded[0, 0] == 76 and padded[16, 0] == 255  # 76: red in grey


def test_transparent_pictures_stand_on_the_background(fill: Fill) -> None:
    folder = fill(8)
    Image.new("RGBA", (40, 40), (0, 0, 0, 0)).save(folder / "a.png")
    data = read_folder(folder, size=32, channels=3, background="#00ff00", held_out=1e-9)
    assert data.pictures[data.names.index("a.png"), :, 5, 5].tolist() == [0, 255, 0]


def test_links_are_followed_once(fill: Fill, tmp_path: Path) -> None:
    folder = fill(8)
    inner = fill(2, "pictures/inner", seed=20)
    elsewhere = fill(3, "elsewhere", seed=40)
    (folder / "again").symlink_to(folder)
    (inner / "up").symlink_to(tmp_path)
    (inner / "round").symlink_to(inner / "round")
    (folder / "a-link").symlink_to(inner)
    (folder / "far").symlink_to(elsewhere)
    (elsewhere / "back").symlink_to(folder)
    (folder / "far-too").symlink_to(elsewhere)
    data = read_folder(folder, size=32, channels=3)
    assert data.report.used == 13 and not data.report.left_out
    names = {name.rpartition("/")[0] for name in data.names}
    assert names <= {"", "inner", "far"}


def test_progress_counts_the_files(fill: Fill) -> None:
    calls: list[tuple[int, int]] = []
    read_folder(fill(9), size=32, channels=3, progress=lambda done, of: calls.append((done, of)))
    assert calls == [(index, 9) for index in range(1, 10)]


def test_remarks_on_single_pictures_become_one_line(fill: Fill, caplog: pytest.LogCaptureFixture) -> None:
    folder = fill(8)
    for index in range(3):
        frames = [fields(100 + index), fields(200 + index)]
        frames[0].save(folder / f"{index}.gif", save_all=True, append_images=frames[1:])
    with caplog.at_level(logging.INFO, "studio"):
        read_folder(folder, size=32, channels=3)
    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith("3 pictures came with a remark; the first: ")


def same(one: pictures.PictureData, other: pictures.PictureData) -> bool:
    tensors = ("pictures", "labels", "held_out", "held_out_labels")
    facts = ("class_names", "names", "report", "fingerprint")
    return all(torch.equal(getattr(one, name), getattr(other, name)) for name in tensors) and all(
        getattr(one, name) == getattr(other, name) for name in facts
    )


@pytest.mark.parametrize("in_memory", [1 << 30, 0])
def test_the_cache_gives_the_same_without_decoding(
    fill: Fill, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_memory: int
) -> None:
    monkeypatch.setattr(pictures, "IN_MEMORY", in_memory)
    folder, cache, decoded = fill(12), tmp_path / "cache", []

    def read() -> pictures.PictureData:
        return read_folder(folder, size=32, channels=3, cache=cache, progress=lambda *_: decoded.append(1))

    plain = read_folder(folder, size=32, channels=3)
    assert same(read(), plain) and len(decoded) == 12
    assert same(read(), plain) and len(decoded) == 12
    (kept,) = cache.iterdir()
    assert sorted(path.name for path in kept.iterdir()) == ["data.json", "held_out.npy", "pictures.npy"]
    content = bytearray((kept / "pictures.npy").read_bytes())
    content[-1] ^= 1
    (kept / "pictures.npy").write_bytes(content)
    assert same(read(), plain) and len(decoded) == 24, "what is damaged is made anew"
    read().pictures.zero_()
    assert same(read(), plain) and len(decoded) == 24, "the file stays as it is"
    fields(77).save(folder / "p-00.png")
    assert not same(read(), plain) and len(decoded) == 36
