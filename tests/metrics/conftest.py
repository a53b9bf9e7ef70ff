"""What the tests of metrics share."""

from __future__ import annotations

import pytest

from studio.device import choose
from studio.metrics.extractor import VGGFeatures
from tests.conftest import random_vgg


@pytest.fixture(scope="session")
def extractor() -> VGGFeatures:
    """Features of a random VGG-19 in float32."""
    return VGGFeatures(choose("cpu", "float32"), random_vgg())
