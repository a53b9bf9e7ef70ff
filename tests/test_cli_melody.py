"""`studio melody` as it is typed."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from studio.cli import main
from studio.commands.melody import shared
from studio.media import midi
from studio.media.abc_writer import write_abc
from studio.media.scores import open_tune
from studio.music.originality import Nearest
from studio.music.parts import Part, PartNote
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
    assert said.out.startswith(f"{tmp_path / 'tune.mid'}  1 bar in D major, 4/4 in ")


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


@pytest.mark.parametrize("form", ["--score", "--wav", "--roll"])
@pytest.mark.parametrize("count", [1, 3])
def test_an_input_is_never_overwritten(tmp_path: Path, folder: Path, capsys: Said, form: str, count: int) -> None:  # noqa: F811
    name = {"--score": "tune.abc", "--wav": "tune.mid", "--roll": "tune.mid"}[form]
    if count > 1:
        (tmp_path / "tune").mkdir()
        name = f"tune/tune-0002{Path(name).suffix}"
    primer = tmp_path / name
    if primer.suffix == ".abc":
        write_abc(primer, jig(), "A jig")
    else:
        midi.write_midi(midi.to_midi(jig()), primer)
    before = primer.read_bytes()
    out = tmp_path / ("tune.mid" if count == 1 else "tune")
    typed = ["melody", "-o", str(out), "--model", str(folder), "--bars", "10", "--count", str(count), form]
    assert main([*typed, "--primer", str(primer)]) == 2
    assert f"{primer} is one of the inputs and would be overwritten" in capsys.readouterr().err
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [primer] and primer.read_bytes() == before


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        (["--lowest", "C4", "--highest", "C#4"], "range of at least"),
        (["--wav", "--bars", "512", "--tempo", "60"], "lasts 34.1 minutes; sound is made of at most 10"),
        (["--wav", "--soundfont", "{}/own.sf2"], "own.sf2 cannot be played"),
        (["--wav", "--bars", "400", "--primer", "{}/slow.mid"], "sound is made of at most 10"),
    ],
)
@pytest.mark.parametrize("count", ["1", "2"])
def test_what_is_refused_leaves_nothing(
    tmp_path: Path,
    folder: Path,  # noqa: F811
    typed: list[str],
    words: str,
    count: str,
    capsys: Said,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "own.sf2").write_bytes(b"RIFF\x04\0\0\0sfbk")
    midi.write_midi(midi.to_midi(replace(jig(), tempo=40.0)), tmp_path / "slow.mid")
    before = sorted(tmp_path.iterdir())
    monkeypatch.setattr("studio.melody.sampler.Sampler.step", lambda *_: pytest.fail("it was composed"))
    out = tmp_path / ("tune.mid" if count == "1" else "new")
    given = [word.format(tmp_path) for word in typed]
    assert main(["melody", "-o", str(out), "--model", str(folder), "--count", count, *given]) == 2
    said = capsys.readouterr()
    assert words in said.err and len(said.err.splitlines()) == 1 and sorted(tmp_path.iterdir()) == before


def test_a_tune_of_half_an_hour_is_made_again(tmp_path: Path, folder: Path, capsys: Said) -> None:  # noqa: F811
    out, again = tmp_path / "long.mid", tmp_path / "again.mid"
    typed = ["--model", str(folder), "--bars", "200", "--tempo", "20", "--best-of", "1", "-q"]
    assert main(["melody", "-o", str(out), *typed]) == 0
    assert main(["recipe", str(out)]) == 0 and '"bars": 200' in capsys.readouterr().out
    assert main(["remake", str(out), "-o", str(again), "--model", str(folder), "-q"]) == 0
    assert again.read_bytes() == out.read_bytes()


def test_warnings_of_a_primer_are_said_once(tmp_path: Path, folder: Path, capsys: Said) -> None:  # noqa: F811
    music = midi.to_midi(jig(), (Part("Bass", 32, False, (PartNote(0, 24, 40, 80),)),))
    music.text_events.clear()
    midi.write_midi(music, tmp_path / "primer.mid")
    typed = ["melody", "-o", str(tmp_path / "tune.mid"), "--model", str(folder), "--bars", "9", "--wav"]
    assert main([*typed, "--tempo", "400", "--primer", str(tmp_path / "primer.mid")]) == 0
    assert capsys.readouterr().err.count("has 2 instruments; taking the first") == 1


@pytest.mark.parametrize(
    ("longest", "words"), [(0, "It shares no run of notes with a tune"), (1, "a, 1 note in a row.")]
)
def test_what_is_shared_with_a_tune_learnt_from(longest: int, words: str) -> None:
    assert words in shared(Nearest("a" if longest else "", longest, 0.1))


def test_live_ends_quietly_when_nobody_reads_on(folder: Path) -> None:  # noqa: F811
    command = [sys.executable, "-m", "studio", "live", "--json", "--model", str(folder), "--bars", "4"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None and running.stderr is not None
        assert json.loads(running.stdout.readline())["bar"] == 0
        running.stdout.close()
        assert running.wait(60) == 0 and running.stderr.read() == ""


@pytest.mark.parametrize(
    "option", ["--count=2", "--loop", "--accompaniment=bass", "--drums", "--best-of=2", "--part=0"]
)
def test_live_has_no_options_of_whole_tunes(folder: Path, capsys: Said, option: str) -> None:  # noqa: F811
    assert main(["live", "--json", "--stop-after", "1", "--model", str(folder), option]) == 2
    assert f"No such option: {option.split('=')[0]}" in capsys.readouterr().err


def test_making_a_tune_again_overwrites_no_input(tmp_path: Path, folder: Path, capsys: Said) -> None:  # noqa: F811
    primer, out = write_abc(tmp_path / "primer.abc", jig(), "A jig"), tmp_path / "tune.mid"
    before = primer.read_bytes()
    assert main(["melody", "-o", str(out), "--model", str(folder), "--primer", str(primer), "--bars", "9", "-q"]) == 0
    assert main(["remake", str(out), "-o", str(primer), "--model", str(folder), "-q"]) == 2
    assert "is one of the inputs and would be overwritten" in capsys.readouterr().err
    assert primer.read_bytes() == before
