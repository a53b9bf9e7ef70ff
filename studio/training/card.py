"""The card of a trained model, README.md: what it is, what it was trained on, how good it is, how to make it again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from studio import __version__
from studio.device import Device
from studio.training.medium import Data
from studio.training.outcome import Outcome
from studio.training.parameters import AnyTraining

TITLES = {"dcgan": "A DCGAN", "vae": "A variational autoencoder", "melody": "A melody LSTM", "text": "A GPT"}


def facts(
    source: Mapping[str, Any],
    data: Data,
    parameters: AnyTraining,
    device: Device,
    outcome: Outcome,
    command: str,
    copied: str | None,
) -> dict[str, Any]:
    """What goes into the config and the card. No time is in it: the same training gives the same bytes.

    source: what was asked for: "data" and "start" by name, "title", "summary", "license".
    """
    figures: dict[str, float] = {}
    if outcome.best is not None:
        name = f"{outcome.best.name} (at step {outcome.best.step})"
        figures = {name: outcome.best.value, **outcome.best.figures}
    return {
        "title": source["title"],
        "summary": source["summary"],
        "license": source["license"],
        "data": {
            "source": source["data"],
            "used": data.report.used,
            "classes": dict(getattr(data.report, "classes", {})),
            "report": data.report.in_words().splitlines(),
            "background": source["background"],
            "fingerprint": data.fingerprint,
        },
        "training": {
            "parameters": parameters.to_dict(),
            "from": source["start"],
            "steps": outcome.step,
            "seen": outcome.step * parameters.batch_size,
            "device": device.name_and_precision,
            "ended": outcome.why,
            "studio": __version__,
            "command": command,
            "notes": [*outcome.notes, *([copied] if copied else [])],
        },
        "metrics": figures,
    }


def write(kind: str, facts: Mapping[str, Any]) -> str:
    """The card, as Markdown. facts: the entries of config.json."""
    data, training = facts.get("data", {}), facts.get("training", {})
    lines = [
        f"# {facts.get('title') or TITLES.get(kind, kind)}",
        "",
        facts.get("summary", ""),
        "",
        "| | |",
        "|---|---|",
        f"| licence | {facts.get('license') or 'not stated: say here under which one the data may be used'} |",
        *(f"| {name} | {value} |" for name, value in _told(data, training)),
        "",
        "## Made by",
        "",
        *(f"    {line}" for line in (training.get("command") or "(no command was recorded)").splitlines()),
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
        ("examples", data.get("used")),
        ("classes", ", ".join(data.get("classes", {})) or None),
        ("began with", training.get("from")),
        ("steps", training.get("steps")),
        ("examples seen", training.get("seen")),
        ("on", training.get("device")),
        ("Studio", training.get("studio")),
    ]
    return [(name, value) for name, value in rows if value]


def _figure(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
