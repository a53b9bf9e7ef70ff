"""Checkpoints come back as they were, or not at all."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save

from studio.errors import OutputError
from studio.style import checkpoint

tensors = st.builds(
    lambda dtype, shape, value: torch.full(shape, value, dtype=dtype),
    st.sampled_from([torch.float32, torch.bfloat16, torch.float64, torch.int64]),
    st.lists(st.integers(0, 3), max_size=4).map(tuple),
    st.integers(-5, 5),
)
states = st.dictionaries(
    st.text(max_size=5),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5) | tensors,
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.integers() | st.text(max_size=3), inner, max_size=3)
        ),
        max_leaves=8,
    ),
    max_size=4,
)


def equal(one: Any, other: Any) -> bool:
    if isinstance(one, torch.Tensor):
        return (
            isinstance(other, torch.Tensor)
            and one.dtype == other.dtype
            and one.shape == other.shape
            and bool((one == other).all())
        )
    if isinstance(one, dict):
        return isinstance(other, dict) and list(one) == list(other) and all(equal(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return isinstance(other, list) and len(one) == len(other) and all(map(equal, one, other))
    return type(one) is type(other) and one == other


@given(state=states)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_state_comes_back(tmp_path: Path, state: dict[str, Any]) -> None:
    checkpoint.write(tmp_path / "kept", "print", state)
    found = checkpoint.read(tmp_path / "kept", "print")
    assert found is not None and equal(state, found)


def test_the_state_of_an_optimiser_comes_back(tmp_path: Path) -> None:
    weight = torch.nn.Parameter(torch.ones(3))
    optimizer = torch.optim.Adam([weight])
    weight.grad = torch.tensor([1.0, 2.0, 3.0])
    optimizer.step()
    state = {"optimizer": optimizer.state_dict()["state"], "view": torch.arange(6.0).view(2, 3).T, "loss": [math.inf]}
    checkpoint.write(tmp_path / "kept", "print", state)
    found = checkpoint.read(tmp_path / "kept", "print")
    assert found is not None and equal(state, found)


def test_none_for_another_fingerprint_and_for_no_file(tmp_path: Path) -> None:
    checkpoint.write(tmp_path / "kept", "print", {"a": 1})
    assert checkpoint.read(tmp_path / "kept", "other") is None
    assert checkpoint.read(tmp_path / "nothing", "print") is None
    assert checkpoint.read(tmp_path, "print") is None


def test_none_for_a_file_cut_off_anywhere(tmp_path: Path) -> None:
    path = tmp_path / "kept"
    checkpoint.write(path, "print", {"picture": torch.rand(4, 4), "step": 3})
    content = path.read_bytes()
    for length in range(0, len(content), 7):
        path.write_bytes(content[:length])
        assert checkpoint.read(path, "print") is None, length


@pytest.mark.parametrize(
    "header",
    [
        "no JSON",
        "[]",
        "7",
        json.dumps({"fingerprint": "print"}),
        json.dumps({"fingerprint": "print", "state": 7}),
        json.dumps({"fingerprint": "print", "state": {"tensor": "99"}}),
        json.dumps({"fingerprint": "print", "state": {"dict": [[1]]}}),
        json.dumps({"fingerprint": "print", "state": {"value": 7}}),
    ],
)
def test_none_for_a_file_that_something_else_wrote(tmp_path: Path, header: str) -> None:
    (tmp_path / "kept").write_bytes(save({"0": torch.zeros(1)}, {"studio-checkpoint": header}))
    assert checkpoint.read(tmp_path / "kept", "print") is None


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="there is no folder"):
        checkpoint.write(tmp_path / "no" / "kept", "print", {})
