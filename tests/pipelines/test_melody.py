"""The melody pipeline: what a user asks for, gets, saves and makes again."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from studio.errors import InputError, ModelError, OutputError, StoppedError
from studio.media import audio, midi
from studio.media.abc import read_tunes
from studio.media.scores import open_tune
from studio.melody.judge import NATS, typical
from studio.music.melody import Melody, Note
from studio.music.originality import Index
from studio.music.theory import Key, Meter
from studio.networks.melody_lstm import MelodyLSTM
from studio.pipelines.melody import MelodyPipeline
from studio.recipe import recipe_of
from studio.remake import remake
from studio.zoo import melody as zoo
from tests.music.tunes import jig


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder of a tiny untrained network, with one tune that it "learnt from"."""
    torch.manual_seed(0)
    network = MelodyLSTM(zoo.shape(width=16, layers=1, dropout=0.0))
    index = Index.build([jig()], ["a jig"])
    facts = {"typical": typical([jig(), jig().transposed(2)], [1.5, 1.7])}
    return zoo.save(tmp_path_factory.mktemp("models") / "tiny", network, index, facts, "# Tiny\n")


@pytest.fixture(scope="session")
def pipe(folder: Path) -> MelodyPipeline:
    return MelodyPipeline.from_pretrained(folder, threads=1)


def test_a_tune_is_what_was_asked_for(pipe: MelodyPipeline) -> None:
    result = pipe(
        bars=5, key="Eb", mode="minor", meter="9/8", tempo=90, seed=3, lowest="Eb4", highest="Eb6", scale_only=True
    )
    (melody,) = result.melodies
    assert (melody.bars, melody.ticks) == (5, 5 * 108) and melody.meter == Meter(9, 8) and melody.tempo == 90
    assert melody.key == Key.named("Eb", "minor") and melody.pitches[-1] % 12 == 3
    assert min(melody.pitches) >= 63 and max(melody.pitches) <= 87
    (music,) = result.midis
    assert midi.melody_of(music, "it").notes == melody.notes
    assert result.seeds == (3,) and result.finished and result.recipe.parameters["key"] == "Eb"
    assert result.facts["bars"] == [5] and "5 bars in Eb minor, 9/8" in result.in_words


def test_many_at_once_are_those_made_alone(pipe: MelodyPipeline) -> None:
    together = pipe(bars=2, count=7, seed=10, best_of=3)
    assert together.seeds == tuple(range(10, 17))
    for number, melody in enumerate(together.melodies):
        assert pipe(bars=2, seed=10 + number, best_of=3).melodies == [melody]
        assert together.recipes[number].parameters["seed"] == 10 + number
    assert len({melody.notes for melody in together.melodies}) == 7


def test_batches_change_nothing(pipe: MelodyPipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = pipe(bars=2, count=5, best_of=2).melodies
    monkeypatch.setattr("studio.melody.compose.AT_ONCE", 4)
    assert pipe(bars=2, count=5, best_of=2).melodies == whole


def test_a_primer_comes_back_whole(pipe: MelodyPipeline, tmp_path: Path) -> None:
    primer = jig()
    midi.write_midi(midi.to_midi(primer), tmp_path / "primer.mid")
    result = pipe(primer=tmp_path / "primer.mid", bars=12, seed=1)
    (melody,) = result.melodies
    assert melody.notes[: len(primer.notes)] == primer.notes and melody.pickup == primer.pickup
    assert (melody.key, melody.meter, melody.tempo) == (primer.key, primer.meter, pytest.approx(primer.tempo))
    assert melody.ticks == primer.pickup + 12 * primer.meter.bar
    assert [source.name for source in result.recipe.inputs["primer"]] == ["primer.mid"]
    assert pipe(primer=primer, bars=12, seed=1).melodies[0].notes == melody.notes


def test_a_way_between_two_seeds_and_each_of_its_tunes_alone(pipe: MelodyPipeline) -> None:
    way = pipe(bars=3, seed=1, toward_seed=2, count=4)
    assert way.melodies[0] == pipe(bars=3, seed=1, best_of=1).melodies[0]
    assert way.melodies[-1] == pipe(bars=3, seed=2, best_of=1).melodies[0]
    parts = [recipe.parameters["part"] for recipe in way.recipes]
    assert parts == [pytest.approx(part) for part in (0, 1 / 3, 2 / 3, 1)]
    alone = pipe(bars=3, seed=1, toward_seed=2, part=parts[1])
    assert alone.melodies[0] == way.melodies[1]


def test_from_one_primer_to_another(pipe: MelodyPipeline) -> None:
    other = replace(jig().transposed(-5), notes=tuple(reversed(jig().notes)))
    way = pipe(primer=jig(), toward=other, bars=4, count=3)
    assert [melody.ticks for melody in way.melodies] == [4 * 72] * 3
    assert way.melodies[0] != way.melodies[-1]


def test_what_plays_under_it(pipe: MelodyPipeline) -> None:
    alone, accompanied = pipe(bars=4, seed=2), pipe(bars=4, seed=2, accompaniment="bass", drums=True)
    assert alone.melodies == accompanied.melodies and alone.parts == [()]
    assert any(part.is_drum for part in accompanied.parts[0])
    assert len(accompanied.midis[0].instruments) > 2


def test_an_original_tune_shares_less(pipe: MelodyPipeline, folder: Path) -> None:
    shared = [near.longest for near in pipe(bars=4, count=12, best_of=1).nearest]
    limit = sorted(shared)[3]
    result = pipe(bars=4, count=12, best_of=1, original=limit)
    assert max(near.longest for near in result.nearest) <= limit < max(shared)
    assert [pipe.nearest(melody) for melody in result.melodies] == list(result.nearest)


def test_the_most_original_is_kept_where_none_is_enough(pipe: MelodyPipeline, caplog: Any) -> None:
    result = pipe(bars=8, original=1)
    assert len(result.melodies) == 1 and "no more original one was found" in caplog.text


def test_every_form_is_made_again_from_its_recipe(pipe: MelodyPipeline, tmp_path: Path, folder: Path) -> None:
    result = pipe(bars=2, meter="3/4", accompaniment="chords", tempo=200)
    for suffix in (".mid", ".wav", ".png", ".svg", ".abc"):
        path = result.save(tmp_path / f"tune{suffix}")
        assert recipe_of(path).parameters == result.recipe.parameters
        again = remake(path, model=folder).save(tmp_path / f"again{suffix}")
        assert again.read_bytes() == path.read_bytes()
    assert open_tune(tmp_path / "tune.mid").melody.notes == result.melodies[0].notes
    assert read_tunes((tmp_path / "tune.abc").read_text(), "it")[0].melody.notes == result.melodies[0].notes  # type: ignore[union-attr]


def test_a_loop_lasts_exactly_as_long_as_its_bars(pipe: MelodyPipeline) -> None:
    result = pipe(bars=2, meter="4/4", tempo=120, loop=True)
    assert len(result.sound()) == 4 * audio.RATE
    silent = Melody((Note(60, 96),), Key(0), Meter(4, 4))
    assert np.abs(replace(result, melodies=[silent]).sound()).max() > 1000


def test_several_go_into_a_folder(pipe: MelodyPipeline, tmp_path: Path) -> None:
    pipe(bars=1, count=3, seed=5).save(tmp_path / "tunes")
    found = sorted(path.name for path in (tmp_path / "tunes").iterdir())
    assert found == ["tunes-0000.mid", "tunes-0001.mid", "tunes-0002.mid"]
    assert recipe_of(tmp_path / "tunes" / found[2]).parameters["seed"] == 7


def test_stopped_before_a_tune_is_whole(pipe: MelodyPipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(StoppedError, match="no tune was finished"):
        pipe(bars=4, callback=lambda progress: True)
    monkeypatch.setattr("studio.melody.compose.AT_ONCE", 2)
    result = pipe(bars=2, count=6, best_of=1, callback=lambda progress: progress.fraction > 0.5)
    assert 2 <= len(result.melodies) < 6 and not result.finished
    assert result.melodies == pipe(bars=2, count=len(result.melodies), best_of=1).melodies


def test_it_plays_on_from_a_primer(pipe: MelodyPipeline) -> None:
    performance = pipe.live(primer=jig(), bars=4, seed=2)
    assert (performance.key, performance.meter) == (jig().key, jig().meter)
    first = [next(performance.bars) for _ in range(6)]
    other = pipe.live(primer=jig().transposed(2), bars=4, seed=2)
    assert [bar.number for bar in first] == list(range(6)) and next(other.bars) != first[0]


def long_primer() -> Melody:
    return replace(jig(), notes=jig().notes * 4)


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        ({"key": "H"}, "no key 'H'"),
        ({"meter": "5/0"}, "meter"),
        ({"tempo": 0}, "tempo"),
        ({"tempo": 1e6}, "tempo"),
        ({"bars": 0}, "bars"),
        ({"bars": 10**6}, "bars"),
        ({"lowest": "C6", "highest": "C4"}, "below the highest"),
        ({"lowest": "A4", "highest": "C5"}, "range of at least 5"),
        ({"lowest": "E4", "highest": "B4"}, "no D to end on"),
        ({"lowest": "Q2"}, "no pitch 'Q2'"),
        ({"highest": "C99"}, "no pitch 'C99'"),
        ({"temperature": float("nan")}, "temperature"),
        ({"instrument": 128}, "instrument"),
        ({"primer": jig, "meter": "4/4"}, "The primer is in 6/8, not in 4/4"),
        ({"primer": jig, "key": "F"}, "The primer is in G major, not in F major"),
        ({"primer": jig, "highest": "C5"}, "outside the range"),
        ({"primer": jig, "bars": 8}, "The primer takes 8 bars"),
        ({"primer": long_primer, "bars": 16}, "bars, and 16 were asked for"),
        ({"primer": lambda: Melody((Note(None, 72),), Key(0), Meter(6, 8))}, "holds no notes"),
        ({"toward": jig}, "Expected a primer to begin with"),
        ({"primer": "missing.mid"}, "There is no file missing.mid"),
        ({"primer": "notes.txt"}, "no tune; expected a file that ends in .mid"),
    ],
)  # fmt: skip
def test_refusals(pipe: MelodyPipeline, ask: dict[str, Any], words: str) -> None:
    given = {name: value() if isinstance(value, Callable) else value for name, value in ask.items()}  # type: ignore[arg-type]
    with pytest.raises(InputError, match=words) as refused:
        pipe(**given)
    assert "\n" not in str(refused.value)


def test_the_precision_is_always_the_same(folder: Path) -> None:
    with pytest.raises(InputError, match="always computed in float64"):
        MelodyPipeline.from_pretrained(folder, precision="float32")


def test_models_of_another_kind(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="is no melody_lstm"):
        MelodyPipeline.from_pretrained("vae-emoji")


def test_a_model_is_saved_as_it_came(pipe: MelodyPipeline, tmp_path: Path, folder: Path) -> None:
    again = MelodyPipeline.from_pretrained(pipe.save_pretrained(tmp_path / "copy"))
    assert again(bars=2).melodies == pipe(bars=2).melodies
    assert (tmp_path / "copy" / "model.safetensors").read_bytes() == (folder / "model.safetensors").read_bytes()
    assert pipe.composer.typical[NATS].mean == pytest.approx(1.6)


@pytest.mark.parametrize("suffix", [".mid", ".wav", ".png", ".svg", ".abc"])
def test_other_names_give_the_same_bytes(tmp_path: Path, folder: Path, suffix: str) -> None:
    primer = midi.write_midi(midi.to_midi(jig()), tmp_path / "primer.mid")
    model = Path(shutil.copytree(folder, tmp_path / "model"))
    pipe = MelodyPipeline.from_pretrained(model, threads=1)
    one = pipe(primer=primer, bars=9, tempo=300).save(tmp_path / f"one{suffix}")
    several = pipe(primer=primer, bars=9, tempo=300, count=2, best_of=1)
    several.save(tmp_path / "several", forms=[suffix])
    primer.rename(tmp_path / "renamed.mid")
    moved = model.rename(tmp_path / "other")
    for path in (one, tmp_path / "several" / f"several-0001{suffix}"):
        again = remake(path, folders=[tmp_path], model=moved).save(tmp_path / f"again{suffix}")
        assert again.read_bytes() == path.read_bytes()


def test_a_primer_from_memory_is_found_again(pipe: MelodyPipeline, tmp_path: Path, folder: Path) -> None:
    path = pipe(primer=jig(), bars=9).save(tmp_path / "tune.mid")
    with pytest.raises(InputError, match="Cannot find a tune"):
        remake(path, model=folder)
    midi.write_midi(midi.to_midi(jig()), tmp_path / "primer.mid")
    assert remake(path, model=folder).save(tmp_path / "again.mid").read_bytes() == path.read_bytes()


def test_one_of_several_tunes_alone(pipe: MelodyPipeline, tmp_path: Path) -> None:
    several = pipe(bars=2, count=3, seed=4)
    several.save(tmp_path / "tunes")
    alone = several.alone(2).save(tmp_path / "third.mid")
    assert alone.read_bytes() == (tmp_path / "tunes" / "tunes-0002.mid").read_bytes()
    assert alone.read_bytes() == pipe(bars=2, seed=6).save(tmp_path / "again.mid").read_bytes()


def test_every_form_at_once(pipe: MelodyPipeline, tmp_path: Path) -> None:
    result = pipe(bars=1, count=2, tempo=200)
    result.save(tmp_path / "tunes", forms=(".wav", ".svg", ".mid"))
    found = sorted(path.name for path in (tmp_path / "tunes").iterdir())
    assert found == [f"tunes-000{number}.{form}" for number in (0, 1) for form in ("mid", "svg", "wav")]
    with pytest.raises(OutputError, match=r"Cannot write 2 tunes into .*; give the name of a folder"):
        result.save(tmp_path / "tunes.mid")
    with pytest.raises(OutputError, match=r"expected a name that ends in \.mid, .* or a folder's"):
        result.save(tmp_path / "tunes.mp3")
    (tmp_path / "third").touch()
    with pytest.raises(OutputError, match="third: it is a file; give the name of a folder"):
        result.save(tmp_path / "third")


@pytest.mark.parametrize("count", [1, 2])
def test_where_there_can_be_no_sound_nothing_is_written(pipe: MelodyPipeline, tmp_path: Path, count: int) -> None:
    result = pipe(bars=2, count=count)
    damaged = tmp_path / "own.sf2"
    damaged.write_bytes(b"RIFF\x04\0\0\0sfbk")
    path = tmp_path / ("tune.mid" if count == 1 else "tunes")
    with pytest.raises(InputError, match=r"own\.sf2 cannot be played"):
        result.save(path, forms=(".wav", ".abc"), soundfont=damaged)
    slow = replace(result, melodies=[replace(melody, tempo=0.5) for melody in result.melodies])
    with pytest.raises(InputError, match="lasts 16 minutes; sound is made of at most 10"):
        slow.save(path, forms=(".wav", ".abc"))
    assert [found.name for found in tmp_path.iterdir()] == ["own.sf2"]


@pytest.mark.parametrize(("microseconds", "tempo"), [(1, 400.0), (0xFFFFFF, 20.0), (600_000, 100.0)])
def test_a_primer_of_an_absurd_tempo_is_played_at_a_possible_one(
    pipe: MelodyPipeline, tmp_path: Path, caplog: pytest.LogCaptureFixture, microseconds: int, tempo: float
) -> None:
    music = b"\0\xff\x51\3" + microseconds.to_bytes(3, "big")
    for pitch in (62, 64, 66, 67):
        music += bytes([0, 0x90, pitch, 80, 96, 0x80, pitch, 0])
    music += b"\0\xff\x2f\0"
    path = tmp_path / "primer.mid"
    path.write_bytes(b"MThd\0\0\0\6\0\0\0\1\0\x60MTrk" + len(music).to_bytes(4, "big") + music)
    result = pipe(primer=path, bars=2)
    assert result.melodies[0].tempo == tempo and result.melodies[0].pitches[:4] == [62, 64, 66, 67]
    assert ("beats a minute; taking it at" in caplog.text) == (tempo != 100)
    result.save(tmp_path / "tune.wav")


def test_a_result_says_how_many_bars(pipe: MelodyPipeline) -> None:
    assert pipe(bars=1).in_words.startswith("1 bar in ") and pipe(bars=2).in_words.startswith("2 bars in ")
