"""What does not go together, and melodies that no file would give."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from studio.errors import InputError, ModelError
from studio.music.melody import Note
from studio.music.theory import Key, Meter
from studio.pipelines.melody import MelodyPipeline
from tests.music.tunes import jig
from tests.pipelines.test_melody import folder, pipe  # noqa: F401 (fixtures)


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        ({"primer": jig(), "toward": jig(), "toward_seed": 3}, "another seed or a second primer"),
        ({"part": 0.5}, "to be a part of the way to"),
        ({"part": 0.5, "toward_seed": 3, "count": 2}, "is one tune, and 2 were asked for"),
        ({"toward_seed": 3, "original": 5}, "cannot be sampled again"),
        ({"seed": 2**63 - 1, "count": 2}, "There are not 2 seeds from"),
    ],
)
def test_what_does_not_go_together(pipe: MelodyPipeline, ask: dict[str, Any], words: str) -> None:  # noqa: F811
    with pytest.raises(InputError, match=words):
        pipe(**{"bars": 12, **ask})


@pytest.mark.parametrize(
    "changes",
    [
        {"meter": Meter(5, 4)},
        {"meter": Meter(4, 0)},
        {"key": Key(0, "lydian")},  # type: ignore[arg-type]
        {"tempo": 0.0},
        {"pickup": -12},
        {"pickup": 10**6},
        {"notes": (Note(300, 24),)},
        {"notes": (Note(60, 0),)},
    ],
)
def test_melodies_that_cannot_be(pipe: MelodyPipeline, changes: dict[str, Any]) -> None:  # noqa: F811
    with pytest.raises(InputError, match="Expected"):
        pipe(primer=replace(jig(), **changes), bars=12)


def test_a_way_to_where_it_began_stays_there(pipe: MelodyPipeline) -> None:  # noqa: F811
    way = pipe(bars=2, seed=5, toward_seed=5, count=3)
    assert way.melodies == [way.melodies[0]] * 3


def test_a_second_primer_far_away_is_brought_near(pipe: MelodyPipeline) -> None:  # noqa: F811
    far = replace(jig().transposed(-18), key=Key.named("C#"))
    assert len(pipe(primer=jig(), toward=far, bars=2, count=2, lowest="0", highest="127").melodies) == 2


@pytest.mark.parametrize("typical", [{"x": [1]}, [1], {"nats": None}, {"unknown": [1, 2]}])
def test_measures_that_are_damaged(folder: Path, tmp_path: Path, typical: Any) -> None:  # noqa: F811
    shutil.copytree(folder, tmp_path / "model")
    config = json.loads((tmp_path / "model" / "config.json").read_text())
    (tmp_path / "model" / "config.json").write_text(json.dumps(config | {"typical": typical}))
    with pytest.raises(ModelError, match="does not say what real tunes measure"):
        MelodyPipeline.from_pretrained(tmp_path / "model")


def test_a_performance_may_end_nowhere(pipe: MelodyPipeline) -> None:  # noqa: F811
    """A range without the tonic is refused for a tune, and is none of a concern for music without end."""
    with pytest.raises(InputError, match="no D to end on"):
        pipe(lowest="E4", highest="B4")
    assert next(pipe.live(lowest="E4", highest="B4").bars).notes
