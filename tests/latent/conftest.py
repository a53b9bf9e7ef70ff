"""Latent spaces for the tests of the tools."""

from __future__ import annotations

import pytest

from tests.latent.spaces import ConvSpace, LinearSpace


@pytest.fixture
def space() -> ConvSpace:
    return ConvSpace()


@pytest.fixture
def linear() -> LinearSpace:
    return LinearSpace([9.0, 6.0, 4.0, 2.0, 1.0, 0.5])
