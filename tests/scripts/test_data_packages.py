"""The parts of scripts/data that need no network: reading packages, refusing others, drawing, choosing."""

from __future__ import annotations

import hashlib
import importlib
import io
import string
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageFont

with pytest.MonkeyPatch.context() as path:
    path.syspath_prepend(Path(__file__).parent.parent.parent / "scripts" / "data")
    packages, glyphs, nebulae, emoji = map(importlib.import_module, ["packages", "glyphs", "nebulae", "emoji"])


def ar(files: dict[str, bytes]) -> bytes:
    """An ar archive as dpkg-deb writes it."""
    archive = packages.AR_MAGIC
    for name, content in files.items():
        archive += f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(content):<10}`\n".encode() + content
        archive += b"\n" * (len(content) % 2)
    return archive


def tar(files: dict[str, bytes], mode: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def package_at(path: Path, content: bytes) -> packages.Package:
    path.write_bytes(content)
    return replace(glyphs.PACKAGE, sha256=hashlib.sha256(content).hexdigest())


@given(st.lists(st.binary(max_size=40), max_size=6))
def test_ar_members_are_found_at_their_places(contents: list[bytes]) -> None:
    archive = ar({f"member{index}": content for index, content in enumerate(contents)})
    found = list(packages.ar_members(io.BytesIO(archive)))
    assert [name for name, _, _ in found] == [f"member{index}" for index in range(len(contents))]
    assert [archive[start : start + size] for _, start, size in found] == contents


def test_a_broken_ar_is_refused() -> None:
    with pytest.raises(SystemExit, match="byte 8 should start the header"):
        list(packages.ar_members(io.BytesIO(packages.AR_MAGIC + b"too short")))


@pytest.mark.parametrize("kind", ["deb", "tgz"])
def test_members_come_out_of_both_kinds_of_package(kind: str, tmp_path: Path) -> None:
    files = {"./b/two.ttf": b"2", "./a/one.ttf": b"1", "./a/one.txt": b"0"}
    inside = tar(files, "w:xz" if kind == "deb" else "w:gz")
    whole = (
        ar({"debian-binary": b"2.0\n", "control.tar.xz": b"odd", "data.tar.xz": inside}) if kind == "deb" else inside
    )
    package = package_at(tmp_path / "package", whole)
    found = packages.members(package, tmp_path / "package", ["*.ttf"])
    assert list(found.items()) == [("a/one.ttf", b"1"), ("b/two.ttf", b"2")]
    with pytest.raises(SystemExit, match=r"holds nothing like \*\.png"):
        packages.members(package, tmp_path / "package", ["*.png"])


def test_another_file_than_the_named_one_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other.deb").write_bytes(b"something else")
    found = hashlib.sha256(b"something else").hexdigest()
    with pytest.raises(SystemExit, match=f"expected SHA-256 {glyphs.PACKAGE.sha256}, found {found}. Fetch https://"):
        packages.check(glyphs.PACKAGE, tmp_path / "other.deb")
    with pytest.raises(SystemExit, match="There is no file"):
        packages.check(glyphs.PACKAGE, tmp_path / "none.deb")


def test_without_its_client_a_package_is_to_be_fetched_by_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SystemExit, match=r"needs npm, which is not installed\. Fetch https://.*--package FILE"):
        packages.fetch(emoji.PACKAGE, tmp_path)


def test_a_folder_in_use_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["emoji.py", str(tmp_path)])
    assert packages.arguments(emoji.PACKAGE, "").folder == tmp_path
    (tmp_path / "picture.png").touch()
    with pytest.raises(SystemExit, match=r"is in use\. Name a new or empty folder"):
        packages.arguments(emoji.PACKAGE, "")


def test_pixels_have_one_checksum(tmp_path: Path) -> None:
    pictures = {name: np.full((2, 2), shade, np.uint8) for name, shade in (("B/x.png", 9), ("A/x.png", 7))}
    digest = packages.save(tmp_path, pictures)
    assert digest == hashlib.sha256(bytes([7] * 4 + [9] * 4)).hexdigest()
    assert np.asarray(Image.open(tmp_path / "B" / "x.png")).tolist() == [[9, 9], [9, 9]]


def test_capitals_stand_at_one_size_on_white_paper() -> None:
    font = getattr(ImageFont.load_default(20), "font_bytes", None)
    if font is None:
        pytest.skip("this Pillow has no FreeType")
    letters = glyphs.capitals(font)
    assert sorted(letters) == list(string.ascii_uppercase)
    for letter, pixels in letters.items():
        rows, columns = np.nonzero(pixels < 128)
        assert pixels.shape == (64, 64) and pixels.dtype == np.uint8
        assert np.ptp(columns) < glyphs.WIDEST and (pixels[:2] == 255).all() and (pixels[:, :2] == 255).all()
        if letter in glyphs.FLAT_TOPPED:
            assert np.ptp(rows) + 1 == pytest.approx(glyphs.CAPITAL, abs=1)
    assert np.array_equal(glyphs.coarse(letters), glyphs.coarse(glyphs.capitals(font)))


def test_no_font_is_left_out_for_two_reasons() -> None:
    names = " ".join(glyphs.LEFT_OUT.values()).split()
    assert len(names) == len(set(names))


def test_every_nebula_has_one_section() -> None:
    names = [name for name, _ in nebulae.sections()]
    assert len(names) == len(set(names)) == 214
    assert set(names) > set(nebulae.PLAIN.split())


def test_licences_are_read_by_section_and_share_alike_is_not_taken() -> None:
    text = """
4. Graphics
    4.9 Images of A from B
    License: public domain
    4.10 Images of C from D
    4.11 Images of E
    License: Creative Commons Attribution 4.0 International. A derivative.
    4.12 Images of F
    License: Creative Commons Attribution-Share Alike 3.0 Unported
## Appendix"""
    licences = nebulae.licences_of(text)
    assert licences["4.10"] == ""
    assert licences["4.11"] == "Creative Commons Attribution 4.0 International"
    assert [bool(nebulae.OPEN.match(licences[f"4.{number}"])) for number in (9, 10, 11, 12)] == [1, 0, 1, 0]


def test_nearly_json_is_read() -> None:
    text = '{"subTiles": [{"imageCredits": {"Short": "B "}, "imageUrl": "a.png", "worldCoords": [-.5, .5,]},]}'
    assert nebulae.credits_of(text) == {"a.png": ("B", "")}


def test_crops_show_something_and_repeat() -> None:
    assert not nebulae.shows_something(np.zeros((128, 128)))
    assert not nebulae.shows_something(np.full((128, 128), 90.0))
    ramp = np.linspace(20, 120, 300).astype(np.uint8)
    cloud = Image.fromarray(np.stack([np.add.outer(ramp, ramp // 2)] * 3, axis=-1))
    first, second = (nebulae.crops(cloud, np.random.default_rng(1)) for _ in range(2))
    assert len(first) == nebulae.CROPS
    assert np.array_equal(first, second)
    assert nebulae.crops(cloud.resize((128, 128)), np.random.default_rng(1)) == []


def test_emoji_are_chosen_by_their_code_points() -> None:
    assert emoji.why_not((0x1F600,)) is None
    assert emoji.why_not((0x1F44B, 0x1F3FD)) == "skin tones"
    assert emoji.why_not((0x1F1E8, 0x1F1ED)) == emoji.why_not((0x1F3F4, 0xE0067)) == "flags"


def test_emoji_stand_on_white_without_a_rim() -> None:
    picture = Image.new("RGBA", (256, 264), (0, 0, 0, 0))
    picture.paste((255, 0, 0, 255), (64, 64, 192, 192))
    pixels = emoji.on_white(picture)
    assert pixels.shape == (64, 64, 3)
    assert pixels[0, 0].tolist() == [255, 255, 255] and pixels[32, 32].tolist() == [255, 0, 0]
    assert (pixels[..., 0] >= 254).all()  # a dark rim would lower red
