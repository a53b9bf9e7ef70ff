"""`studio melody` as it is typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from studio.cli import main
from studio.media import midi
from studio.media.scores import open_tune
from studio.recipe import recipe_of
from tests.music.tunes import jig
from tests.pipelines.test_melody import folder  # noqa: F401 (a fixture)

Said = pytest.CaptureFixture[str]


def test_a_tune_with_everything_beside_it(tmp_path: Path, folder: Path, capsys: Said) -> None:  # noqa: F811
    out = tmp_path / "tune.mid"
    typed = ["melody", "-o", str(out), "--model", str(folder), "--bars", "2", "--key", "f#", "--mode", "minor"]
    assert main([*typed, "--meter", "6/8", "--wav", "--roll", "--score", "--tempo", "200", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["bars"] == [2] and facts["output"] == str(out) and facts["finished"]
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".abc", ".mid", ".png", ".wav"]
    melody = open_tune(out).melody
    assert melody.key.name == "F# minor" and melody.bars == 2
    assert len({recipe_of(path).fingerprint for path in tmp_path.iterdir()}) == 1


def test_words_for_people(tmp_path: Path, folder: Path, capsys: Said) -> None:  # noqa: F811
    assert main(["melody", "-o", str(tmp_path / "tune.mid"), "--model", str(folder), "--bars", "1"]) == 0
    said = capsys.readouterr()
    assert said.out.startswith(f"{tmp_path / 'tune.mid'}  1 bars in D major, 4/4 in ")


def test_several_tunes_into_a_folder(tmp_path: Path, folder: Path) -> None:  # noqa: F811
    typed = ["melody", "-o", str(tmp_path / "tunes"), "--model", str(folder), "--bars", "1", "--count", "3", "-q"]
    assert main([*typed, "--roll"]) == 0
    assert len(list((tmp_path / "tunes").glob("*.mid"))) == len(list((tmp_path / "tunes").glob("*.png"))) == 3


def test_a_tune_is_made_again(tmp_path: Path, folder: Path) -> None:  # noqa: F811
    midi.write_midi(midi.to_midi(jig()), tmp_path / "primer.mid")
    out, again = tmp_path / "tune.mid", tmp_path / "again.mid"
    typed = ["melody", "-o", str(out), "--model", str(folder), "--primer", str(tmp_path / "primer.mid"), "--bars", "10"]
    assert main([*typed, "-q"]) == 0
    assert main(["remake", str(out), "-o", str(again), "--model", str(folder), "-q"]) == 0
    assert again.read_bytes() == out.read_bytes()


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        (["-o", "{}/tune.mp3"], "expected a name that ends in .mid"),
        (["-o", "{}/none/tune.mid"], "there is no folder"),
        (["-o", "{}/tune.mid", "--key", "H"], "There is no key 'H'"),
        (["-o", "{}/tune.mid", "--meter", "5/0"], "5/0"),
        (["-o", "{}/tune.mid", "--tempo", "0"], "tempo"),
        (["-o", "{}/tune.mid", "--bars", "1000000"], "bars"),
        (["-o", "{}/tune.mid", "--count", "2"], "give the name of a folder"),
        (["-o", "{}/tune.mid", "--primer", "{}/none.mid"], "There is no file"),
        (["-o", "{}/tune.mid", "--toward", __file__], "Expected --primer besides --toward"),
        (["-o", "{}/tune.mid", "--wav", "--soundfont", __file__], "is not a soundfont"),
        (["-o", "{}/tune.mid", "--model", "vae-emoji"], "is no melody_lstm"),
    ],
)
def test_refusals(tmp_path: Path, folder: Path, typed: list[str], words: str, capsys: Said) -> None:  # noqa: F811
    model = [] if "--model" in typed else ["--model", str(folder)]
    assert main(["melody", *(word.format(tmp_path) if "{}" in word else word for word in typed), *model]) == 2
    said = capsys.readouterr()
    assert words in said.err and said.out == "" and len(said.err.splitlines()) == 1
    assert not list(tmp_path.iterdir())
