"""A page served for real, with a small network behind it."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from gradio_client import Client

from studio.pipelines.style_transfer import StyleTransferPipeline
from studio.ui import style_transfer
from studio.ui.studio import launch


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Gradio leaves event loops open when Blocks are built; that is no fault of the tests here."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.filterwarnings("ignore::ResourceWarning"))


@pytest.fixture(scope="session", autouse=True)
def what_gradio_left_open() -> Iterator[None]:
    """Collect Gradio's open loops here, so that no test elsewhere is blamed for them."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture(scope="session")
def address(random_pipeline: StyleTransferPipeline, what_gradio_left_open: None) -> Iterator[str]:
    """Where the page of style transfer is served."""
    blocks = style_transfer.build(random_pipeline)
    yield launch(blocks, block=False)
    blocks.close(verbose=False)


@pytest.fixture(scope="session")
def client(address: str) -> Client:
    """A visitor of its own session."""
    return Client(address, verbose=False, analytics_enabled=False)
