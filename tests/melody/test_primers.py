"""The promises after a primer, whatever the primer is: odd times, pickups, rests, long notes, many equal ones."""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from studio.device import Device
from studio.errors import InputError
from studio.melody.compose import Asked, Composer
from studio.melody.parameters import MelodyParameters
from studio.melody.stepper import Stepper
from studio.music.melody import Melody, Note
from studio.music.originality import Index
from studio.music.theory import Key, Meter
from tests.melody.test_promises import broken
from tests.music.tunes import melodies

ODD = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@st.composite
def primers(draw: st.DrawFn) -> Melody:
    """Melodies as a player leaves them: their end may lie anywhere."""
    found = draw(melodies(bars=2, lowest=60, highest=79))
    extra = draw(st.sampled_from([0, 0, 1, 7, 30]))
    last = Note(draw(st.none() | st.integers(60, 79)), extra)
    repeated = [found.notes[-1]] * draw(st.integers(0, 5))
    return replace(found, notes=(*found.notes, *repeated, *([last] if extra else [])))


def row(melody: Melody) -> int:
    """The most notes of one pitch in a row."""
    return max(len(list(group)) for _, group in groupby(melody.pitches))


@ODD
@given(primers(), st.integers(0, 3), st.integers(1, 5), st.booleans(), st.booleans(), st.sampled_from([0.0, 1.0, 5.0]))
def test_every_promise_holds_after_a_primer(
    network: Stepper, device: Device, primer: Melody, more: int, repeats: int, scale_only: bool, loop: bool, heat: float
) -> None:
    wishes = MelodyParameters(
        bars=primer.bars + more, most_repeats=repeats, scale_only=scale_only, loop=loop, temperature=heat,
        best_of=1, top_p=1.0,
    )  # fmt: skip
    try:
        asked = Asked.of(wishes, [primer])
    except InputError as refused:
        assert any(words in str(refused) for words in ("holds no notes", "The primer takes", "spans more"))
        assume(False)
        raise
    rules = asked.rules()
    (made,) = Composer(network, Index.build([], []), {}, device).compose(asked, lambda done, tunes: False)
    tune, count = made.melody, len(primer.notes)
    assert tune.notes[:count] == primer.notes and tune.pickup == primer.pickup, "the primer is not whole"
    assert tune.ticks == primer.pickup + rules.bars * rules.meter.bar - rules.missing
    continued = replace(tune, notes=tune.notes[count:], pickup=0)
    assert not set(broken(continued, rules, whole=False)) - {"too many notes of one pitch"}
    assert row(tune) <= max(repeats, row(primer))
    assert tune.notes[-1].pitch is not None and tune.notes[-1].pitch % 12 == tune.key.tonic
    assert primer.notes[-1].pitch is not None or tune.notes[count].pitch is not None, "a rest was made longer"


def test_a_loop_with_a_pickup_comes_round_in_time(network: Stepper, device: Device) -> None:
    primer = Melody((Note(69, 24), Note(62, 96)), Key.named("D"), Meter.named("4/4"), 120.0, 24)
    asked = Asked.of(MelodyParameters(bars=4, loop=True, best_of=1), [primer])
    (made,) = Composer(network, Index.build([], []), {}, device).compose(asked, lambda done, tunes: False)
    assert made.melody.ticks == 4 * 96
