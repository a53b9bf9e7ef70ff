"""What works on this machine and what does not, with the command that would add it."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import platform
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from studio import __version__, device, hub
from studio.errors import StudioError


@dataclass(frozen=True)
class Finding:
    """One part: whether it works, what was found, and the command or step that would add what is missing."""

    part: str
    works: bool
    what: str
    remedy: str = ""

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def examine() -> list[Finding]:
    """Look at everything that Studio uses: compute a little on each device, open each shipped model, fetch nothing."""
    return [
        Finding("studio", True, f"{__version__}, Python {platform.python_version()}, torch {torch.__version__}"),
        *_devices(),
        *_models(),
        _page(),
        _films(),
        _sound(),
        _midi_ports(),
        _language_models(),
        _hub(),
        _disk(),
    ]


def _devices() -> list[Finding]:
    findings = []
    for name, what in device.describe():
        try:
            device.try_out(device.choose(name))
            findings.append(Finding(name, True, what))
        except (StudioError, RuntimeError) as error:
            findings.append(Finding(name, False, f"{what}, but it does not compute: {str(error).splitlines()[0]}"))
    for name, remedy in device.missing():
        findings.append(Finding(name, False, "not available to torch", remedy))
    return findings


def _models() -> list[Finding]:
    findings = []
    for name in hub.shipped():
        try:
            model = hub.find(name)
            findings.append(Finding(f"model {name}", True, f"whole, SHA-256 {model.sha256[:12]}…"))
        except StudioError as error:
            findings.append(
                Finding(
                    f"model {name}",
                    False,
                    str(error),
                    "install Studio again from its source: pip install --force-reinstall --no-deps .",
                )
            )
    if not findings:
        findings.append(
            Finding(
                "models",
                False,
                f"none in {hub.shipped_folder()}",
                "install Studio again from its source: pip install --force-reinstall --no-deps .",
            )
        )
    return findings


def _page() -> Finding:
    if importlib.util.find_spec("gradio") is None:
        return Finding("pages", False, "gradio is not installed", "pip install gradio")
    return Finding("pages", True, f"gradio {importlib.metadata.version('gradio')}: `studio app`")


def _films() -> Finding:
    try:
        import av

        av.codec.Codec("libx264", "w")
    except (ImportError, ValueError):
        return Finding("films", False, "PyAV with the encoder libx264 is not here", "pip install --force-reinstall av")
    return Finding("films", True, f"H.264 through PyAV {av.__version__}: `studio walk`")


def _sound() -> Finding:
    try:
        from studio.media import audio

        return Finding("sound", True, f"{audio.renderer()}: `studio melody --wav`")
    except (ImportError, StudioError):
        return Finding("sound", False, "nothing that plays MIDI into WAV is here", "pip install midirenderer")


def _midi_ports() -> Finding:
    if importlib.util.find_spec("rtmidi") is None:
        return Finding(
            "MIDI ports", False, "python-rtmidi, which is optional, is not here", "pip install 'creative-studio[live]'"
        )
    from studio.media import ports

    try:
        found = ports.names()
    except StudioError as error:
        return Finding("MIDI ports", False, str(error), "plug in a device, or load the system's sequencer (snd-seq)")
    return Finding("MIDI ports", True, f"{', '.join(found) or 'none but our own'}: `studio live`")


def _language_models() -> Finding:
    versions = [f"{name} {importlib.metadata.version(name)}" for name in ("transformers", "peft")]
    more = "smollm2 is here" if "smollm2" in hub.fetched() else "`studio models pull smollm2` gets a bigger voice"
    return Finding("language", True, f"{versions[0]}, LoRA through {versions[1]}; {more}")


def _hub() -> Finding:
    from huggingface_hub import constants

    cached = len(list(Path(constants.HF_HUB_CACHE).glob("models--*"))) if Path(constants.HF_HUB_CACHE).is_dir() else 0
    state = "offline mode is on" if constants.is_offline_mode() else "used only by `studio models pull` and hub ids"
    return Finding("hub cache", True, f"{cached} models in {constants.HF_HUB_CACHE}; {state}")


def _disk() -> Finding:
    free = shutil.disk_usage(Path.cwd()).free
    remedy = "" if free > 2**30 else "free some space before long work"
    return Finding("disk", free > 2**30, f"{free / 2**30:.1f} GiB free here", remedy)
