"""Every promise holds in every tune, checked by eyes that know nothing of how it was made."""

from __future__ import annotations

from itertools import groupby

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from studio.device import Device
from studio.errors import InputError
from studio.melody.draws import Draw
from studio.melody.rules import Rules
from studio.melody.sampler import Sampler, Taste, origin_for
from studio.melody.stepper import Stepper
from studio.music.melody import Melody, Note
from studio.music.theory import METERS, MODES, SCALES, Key, Meter

MANY = settings(max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
tastes = st.builds(
    Taste,
    temperature=st.sampled_from([0.0, 0.5, 1.0, 5.0]),
    top_k=st.integers(0, 5),
    top_p=st.floats(0.05, 1.0),
    density=st.integers(0, 8),
)


@st.composite
def rules(draw: st.DrawFn) -> Rules:
    key = Key(draw(st.integers(0, 11)), draw(st.sampled_from(MODES)))
    low = draw(st.integers(20, 100))
    high = draw(st.integers(low + 5, min(127, low + 40)))
    try:
        return Rules(
            key,
            Meter.named(draw(st.sampled_from(METERS))),
            draw(st.integers(1, 5)),
            origin_for(key, low, high),
            low,
            high,
            scale_only=draw(st.booleans()),
            end_on_tonic=draw(st.booleans()),
            loop=draw(st.booleans()),
            most_repeats=draw(st.integers(1, 6)),
        )
    except InputError as refused:
        assert "to end on between" in str(refused)
        assume(False)
        raise


def broken(tune: Melody, rules: Rules, *, whole: bool = True) -> list[str]:
    """What of the promises a tune does not keep; empty for a good one."""
    bar, pitches = tune.meter.bar, tune.pitches
    faults = []
    if whole and tune.ticks != rules.bars * bar:
        faults.append(f"{tune.ticks / bar} bars, not {rules.bars}")
    if any(pitch < rules.low or pitch > rules.high for pitch in pitches):
        faults.append("out of range")
    steps = {(pitch - rules.key.tonic) % 12 for pitch in pitches}
    if rules.scale_only and not steps <= set(SCALES[rules.key.mode]):
        faults.append("out of the scale")
    if max((len(list(row)) for _, row in groupby(pitches)), default=0) > rules.most_repeats:
        faults.append("too many notes of one pitch")
    if any(note.pitch is not None and note.ticks > 1.5 * bar for note in tune.notes):
        faults.append("a note is stuck")
    if any(note.pitch is None and note.ticks > bar // 2 for note in tune.notes):
        faults.append("a long silence")
    last = tune.notes[-1].pitch
    if whole and rules.end_on_tonic and (last is None or last % 12 != rules.key.tonic):
        faults.append("another last note than the tonic")
    if whole and rules.end_on_tonic and tune.notes[-1].ticks < (36 if tune.meter.is_compound else 24):
        faults.append("a hasty end")
    if whole and rules.end_on_tonic and rules.loop and last is not None:
        tonics = [pitch for pitch in range(rules.low, rules.high + 1) if pitch % 12 == rules.key.tonic]
        if abs(last - pitches[0]) > max(7, min(abs(tonic - pitches[0]) for tonic in tonics)):
            faults.append("the end is far from the beginning")
    return faults


@MANY
@given(rules(), tastes, st.integers(0, 2**63 - 1))
def test_every_promise_holds(network: Stepper, device: Device, rules: Rules, taste: Taste, seed: int) -> None:
    sampler = Sampler(network, rules, [Draw(seed), Draw(seed + 1)], device, taste=taste)
    assert sampler.run()
    for tune in sampler.tunes():
        assert not broken(tune, rules)


def test_the_checker_sees_what_it_should() -> None:
    rules = Rules(Key.named("D"), Meter.named("4/4"), 2, 62, 55, 79, scale_only=True, loop=True)
    good = Melody((Note(62, 96), Note(64, 48), Note(62, 48)), rules.key, rules.meter)
    assert not broken(good, rules)
    for notes, fault in {
        ((62, 96), (62, 48)): "bars",
        ((50, 96), (62, 96)): "range",
        ((62, 180), (62, 12)): "hasty",
        ((63, 96), (62, 96)): "scale",
        ((62, 96), (64, 96)): "tonic",
        ((62, 12),) * 16: "one pitch",
        ((62, 192),): "stuck",
        ((None, 96), (62, 96)): "silence",
        ((78, 96), (62, 96)): "beginning",
    }.items():
        bad = Melody(tuple(Note(pitch, ticks) for pitch, ticks in notes), rules.key, rules.meter)
        assert any(fault in found for found in broken(bad, rules)), fault
