"""What `import studio` gives: every promised name, and nothing started."""

from __future__ import annotations

import importlib
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

import studio
from studio.remake import PIPELINES

ROOT = Path(__file__).parent.parent

QUIET_IMPORT = """
import sys, threading
import studio
heavy = {"torch", "numpy", "gradio", "huggingface_hub", "PIL", "pydantic"} & set(sys.modules)
assert not heavy, heavy
assert threading.active_count() == 1
import studio.cli
heavy = {"torch", "numpy", "gradio", "huggingface_hub"} & set(sys.modules)
assert not heavy, heavy
"""


@pytest.mark.parametrize("name", studio.__all__)
def test_every_promised_name_is_there(name: str) -> None:
    found = getattr(studio, name)
    assert name == "__version__" or found.__name__ == name
    assert name in dir(studio)


def test_a_name_that_is_not_there() -> None:
    with pytest.raises(AttributeError, match="module 'studio' has no attribute 'Painting'"):
        _ = studio.Painting


def test_importing_loads_nothing_heavy_and_starts_nothing() -> None:
    done = subprocess.run([sys.executable, "-c", QUIET_IMPORT], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("name", PIPELINES)
def test_every_pipeline_can_be_remade(name: str) -> None:
    module, _, cls = PIPELINES[name].partition(":")
    pipeline = getattr(importlib.import_module(module), cls)
    assert callable(pipeline.remake) and callable(pipeline.from_pretrained)
    assert name == importlib.import_module(module).NAME


def test_the_version_is_that_of_the_package() -> None:
    try:
        assert version("creative-studio") == studio.__version__
    except PackageNotFoundError:
        pytest.skip("run from a checkout that is not installed")
