"""The page of style transfer over its real API: what it refuses, and what it hands back."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

from studio.recipe import recipe_of

SMALL = {"size": 32, "steps": 2, "smallest": 32}
NOTHING = dict.fromkeys(["style_2", "style_3", "style_4", "mask_1", "mask_2", "mask_3", "mask_4", "init_picture"])


def asked(client: Client, picture: Callable[..., Path], **values: Any) -> Any:
    files = {"content": handle_file(picture("photo.png")), "style_1": handle_file(picture("wave.png", seed=1))}
    return client.predict(**{**NOTHING, **files, **SMALL, **values}, api_name="/style_transfer")


def test_a_picture_comes_back_with_its_recipe_inside(client: Client, picture: Callable[..., Path]) -> None:
    second = {"style_2": handle_file(picture("snow.png", seed=2)), "weight_2": 0.5}
    answer = asked(client, picture, seed="9007199254740993", **second)
    file = next(Path(part) for part in _strings(answer) if Path(part).name.startswith("style-"))
    recipe = recipe_of(file)
    assert recipe.parameters["seed"] == 2**53 + 1 and recipe.parameters["size"] == 32
    assert recipe.parameters["style_weights"] == [1, 0.5]
    assert [source.name for source in recipe.inputs["styles"]] == ["wave.png", "snow.png"]
    assert recipe.inputs["content"][0].sha256 == hashlib.sha256(picture("photo.png").read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"size": 8}, "size: should be greater than or equal to 16, got 8"),
        ({"size": 10**6}, "size: should be less than or equal to 8192, got 1000000"),
        ({"steps": -1}, "steps: should be greater than or equal to 1, got -1"),
        ({"seed": "x" * 200_000}, "seed: should be a valid integer"),
        ({"style_scale": 99}, "style_scale: should be less than or equal to 4, got 99"),
        ({"weight_1": -1, "weight_2": 1, "style_2": None}, None),
        ({"keep_colors": "sepia"}, "keep_colors: should be"),
        ({"style_layers": "relu9_9=1"}, "relu9_9"),
        ({"init": "picture"}, "init"),
        ({"content": None}, "There is no photograph yet"),
        ({"style_1": None}, "There is no painting yet"),
    ],
)
def test_bad_values_get_the_pipelines_plain_line(
    client: Client, picture: Callable[..., Path], values: dict[str, Any], words: str | None
) -> None:
    if words is None:  # a hidden weight of a single style counts for nothing
        asked(client, picture, **values)
        return
    with pytest.raises(AppError) as refused:
        asked(client, picture, **values)
    message = str(refused.value.message)
    assert words in message and "\n" not in message and "Traceback" not in message


def test_a_file_that_is_no_picture_is_named_without_its_folder(
    client: Client, picture: Callable[..., Path], tmp_path: Path
) -> None:
    broken = tmp_path / "notes <b>.png"
    broken.write_text("no picture at all")
    with pytest.raises(AppError) as refused:
        asked(client, picture, content=handle_file(broken))
    message = str(refused.value.message)
    assert "is not a picture that can be read" in message
    assert message.startswith("notes") and "<b>" not in message and "/" not in message.split(" is ")[0]


def test_an_address_or_a_path_of_the_server_is_no_picture(client: Client, picture: Callable[..., Path]) -> None:
    for path in ("http://127.0.0.1:9/x.png", "https://example.org/x.png", "/etc/passwd"):
        with pytest.raises(AppError) as refused:
            asked(client, picture, content={"path": path, "meta": {"_type": "gradio.FileData"}})
        assert "root:" not in str(refused.value)
    with pytest.raises(AppError, match="uploaded file"):
        asked(client, picture, content={"path": "/etc/passwd"})


def test_masks_are_for_every_style_or_none(client: Client, picture: Callable[..., Path]) -> None:
    with pytest.raises(AppError, match="1 of 2 styles have a mask"):
        asked(client, picture, style_2=handle_file(picture("b.png")), mask_2=handle_file(picture("m.png")))
    asked(client, picture, mask_1=handle_file(picture("m.png")))


def test_stop_reaches_this_session_and_no_other(address: str, client: Client, picture: Callable[..., Path]) -> None:
    other = Client(address, verbose=False, analytics_enabled=False)
    files = {"content": handle_file(picture("photo.png")), "style_1": handle_file(picture("wave.png"))}
    job = client.submit(**NOTHING, **files, size=32, smallest=32, steps=5000, api_name="/style_transfer")
    deadline = time.monotonic() + 20
    while "Step" not in json.dumps(job.outputs()[-1:], default=str) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert "nothing to stop" in str(other.predict(api_name="/stop"))
    time.sleep(0.5)
    assert not job.done()
    assert "Stopping" in str(client.predict(api_name="/stop"))
    last = job.result(timeout=20)
    assert "this is the best so far" in json.dumps(last, default=str)


def test_a_result_restores_its_settings_over_the_api(client: Client, picture: Callable[..., Path]) -> None:
    answer = asked(client, picture, seed="77", tv_weight=3.5)
    file = next(part for part in _strings(answer) if Path(part).name.startswith("style-77-"))
    restored = json.dumps(client.predict(file=handle_file(file), api_name="/restore"), default=str)
    assert "Settings restored. Give again the photograph photo.png, the painting wave.png." in restored
    assert "3.5" in restored and "77" in restored
    with pytest.raises(AppError, match=r"^photo\.png carries no recipe"):
        client.predict(file=handle_file(picture("photo.png")), api_name="/restore")


def test_nothing_is_left_open_to_the_net(address: str) -> None:
    assert httpx.get(f"{address}monitoring/summary").status_code >= 400
    assert address.startswith("http://127.0.0.1:")


def _strings(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for item in value.values() for text in _strings(item)]
    if isinstance(value, (list, tuple)):
        return [text for item in value for text in _strings(item)]
    return [value] if isinstance(value, str) and len(value) < 4000 else []
