"""The card of a trained model, README.md: what it is, what it was trained on, how good it is, how to make it again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

TITLES = {"dcgan": "A DCGAN", "vae": "A variational autoencoder"}


def write(kind: str, facts: Mapping[str, Any]) -> str:
    """The card, as Markdown. facts: the entries of config.json, see `studio.training.run`."""
    data, training = facts.get("data", {}), facts.get("training", {})
    lines = [
        f"# {facts.get('title') or TITLES.get(kind, kind)}",
        "",
        facts.get("summary", ""),
        "",
        "| | |",
        "|---|---|",
        f"| licence | {facts.get('license') or 'not stated: say here under which one the pictures may be used'} |",
        *(f"| {name} | {value} |" for name, value in _told(data, training)),
        "",
        "## Made by",
        "",
        f"    {training['command']}" if training.get("command") else "    (no command was recorded)",
        "",
    ]
    if data.get("report"):
        lines += ["## Data", "", *data["report"], ""]
    if facts.get("metrics"):
        lines += ["## Measured", "", *(f"- {name}: {_figure(value)}" for name, value in facts["metrics"].items()), ""]
    if training.get("notes"):
        lines += ["## Noted while training", "", *(f"- {note}" for note in training["notes"]), ""]
    return "\n".join(lines)


def _told(data: Mapping[str, Any], training: Mapping[str, Any]) -> list[tuple[str, Any]]:
    rows = [
        ("data", data.get("source")),
        ("pictures", data.get("used")),
        ("classes", ", ".join(data.get("classes", {})) or None),
        ("began with", training.get("from")),
        ("steps", training.get("steps")),
        ("examples seen", training.get("seen")),
        ("time", training.get("time")),
        ("on", training.get("device")),
        ("Studio", training.get("studio")),
    ]
    return [(name, value) for name, value in rows if value]


def _figure(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
