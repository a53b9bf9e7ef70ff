"""scripts/data/melodies.py without a network: from a wheel to a folder of tunes."""

from __future__ import annotations

import hashlib
import importlib
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

with pytest.MonkeyPatch.context() as path:
    path.syspath_prepend(Path(__file__).parent.parent.parent / "scripts" / "data")
    melodies = importlib.import_module("melodies")

TUNE = "X:1\nT:A tune\nZ:By someone\nM:4/4\nK:C\nC8|]\n"


def wheel(path: Path, files: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    found = replace(melodies.PACKAGE, sha256=hashlib.sha256(path.read_bytes()).hexdigest())
    monkeypatch.setattr(melodies, "PACKAGE", found)
    return path


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> None:
    monkeypatch.setattr(sys, "argv", ["melodies.py", *map(str, arguments)])
    melodies.main()


def test_a_wheel_becomes_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    package = wheel(
        tmp_path / "m.whl",
        {
            "music21/corpus/oneills1850/1.abc": TUNE + "\n" + TUNE,
            "music21/corpus/airdsAirs/book1.abc": TUNE,
            "music21/corpus/essenFolksong/1.abc": TUNE,
            "music21/corpus/oneills1850/1.xml": "",
            "music21/note.py": "",
        },
        monkeypatch,
    )
    run(monkeypatch, tmp_path / "out", "--package", package)
    written = sorted(path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.*"))
    assert written == ["SOURCES.md", "airdsAirs/book1.abc", "oneills1850/1.abc"]
    assert (tmp_path / "out" / "airdsAirs" / "book1.abc").read_text(encoding="utf-8") == TUNE
    assert "| oneills1850 | 2 | Francis O'Neill" in (tmp_path / "out" / "SOURCES.md").read_text(encoding="utf-8")
    assert capsys.readouterr().out.endswith("3 tunes; airdsAirs 1, miscFolk 0, oneills1850 2, ryansMammoth 0\n")


def test_what_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    empty = wheel(tmp_path / "m.whl", {"music21/note.py": ""}, monkeypatch)
    with pytest.raises(SystemExit, match="holds no ABC files"):
        run(monkeypatch, tmp_path / "out", "--package", empty)
    (tmp_path / "other.whl").write_bytes(b"other")
    with pytest.raises(SystemExit, match="is not PyPI music21"):
        run(monkeypatch, tmp_path / "out", "--package", tmp_path / "other.whl")
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "a").touch()
    with pytest.raises(SystemExit, match="is in use"):
        run(monkeypatch, tmp_path / "used", "--package", empty)


def test_pip_that_delivers_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "false")
    with pytest.raises(SystemExit, match="pip did not deliver PyPI music21"):
        melodies.fetch(melodies.PACKAGE, tmp_path)
