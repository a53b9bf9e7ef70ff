"""`studio train dcgan|vae|melody|text`: pictures, tunes or text  →  a model of one's own."""

from __future__ import annotations

import json
import os
import shlex
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from studio import hub
from studio.commands.common import Device, Json, Precision, Quiet, Threads
from studio.errors import InputError
from studio.media import files
from studio.options import with_options
from studio.parameters import Parameters
from studio.progress import in_words
from studio.terminal import Terminal
from studio.training.parameters import KINDS

# What computes is imported inside the bodies, so that `studio --help` answers at once.

train_app = typer.Typer(no_args_is_help=True, help="Train a model of your own on pictures, tunes or text.")

_HELP = """Train {title}.

studio train {kind} --data {data} -o my-model --minutes 30

The model is written into the folder given by -o, with its card. What belongs to the training lies in its folder
"training": sheets of samples as it goes, checkpoints, the settings, and logs of the losses
(tensorboard --logdir my-model/training/tensorboard). Ctrl-C stops; `studio train {kind} --resume -o my-model` goes on.
"""
_TITLES = {
    "dcgan": "a DCGAN on a folder of pictures",
    "vae": "a variational autoencoder on a folder of pictures",
    "melody": "a melody LSTM on a folder of MIDI, ABC or MusicXML files",
    "text": "a GPT on a text file, or on a folder of them",
}
_DATA = {"dcgan": "pictures", "vae": "pictures", "melody": "tunes", "text": "poems.txt"}
_USES = {
    "dcgan": "studio image {} -o out.png",
    "vae": "studio image {} -o out.png",
    "melody": "studio melody --model {} -o tune.mid",
    "text": "studio text --model {}",
}


def _add(kind: str) -> None:
    @train_app.command(kind, help=_HELP.format(kind=kind, title=_TITLES[kind], data=_DATA[kind]))
    @with_options(KINDS[kind])
    def command(
        typed: typer.Context,
        output: Annotated[Path, typer.Option("--output", "-o", help="The folder of the model.", show_default=False)],
        parameters: Parameters,
        data: Annotated[
            Path | None,
            typer.Option(
                help="A folder of what to learn from (of pictures or tunes also a .zip; of text also one file).",
                show_default=False,
            ),
        ] = None,
        start: Annotated[
            str | None, typer.Option("--from", help="A model to begin with: shipped, a folder, or a hub id.")
        ] = None,
        resume: Annotated[bool, typer.Option("--resume", help="Go on with the training in the folder.")] = False,
        config: Annotated[
            Path | None, typer.Option(help="Options as JSON or TOML; those given here as well win.")
        ] = None,
        dry_run: Annotated[
            bool, typer.Option("--dry-run", help="Only say what would be used, and how long it would take.")
        ] = False,
        background: Annotated[str, typer.Option(help="Colour under transparent pixels, of pictures.")] = "white",
        title: Annotated[str, typer.Option(help="Title of the model's card.")] = "",
        license: Annotated[str, typer.Option(help="Licence of the data, for the card.")] = "",
        summary: Annotated[str, typer.Option(help="A sentence about the model, for the card.")] = "",
        device: Device = "auto",
        precision: Precision = "auto",
        threads: Threads = None,
        quiet: Quiet = False,
        as_json: Json = False,
    ) -> bool:
        terminal = Terminal(quiet or as_json or not _is_first_process())
        chosen = _given(typed, parameters.to_dict())
        asked = _given(typed, {"background": background, "title": title, "license": license, "summary": summary})
        asked |= {} if data is None else {"data": str(data.absolute())}
        asked |= {} if start is None else {"start": _absolute(start)}
        from_file = {} if config is None else _read_config(config)
        source, whole = _settled(kind, output, resume, asked, from_file | chosen)
        from studio.device import choose
        from studio.training import estimate, run

        before = run.place_of(output) if resume else run.PLACE
        where = {**before, **_given(typed, {"device": device, "precision": precision, "threads": threads})}
        told = {"data": data, "output": output, "from": start, "resume": resume, "config": config, **chosen}
        told |= {name: asked[name] for name in ("background",) if name in asked}
        command = _command(kind, told | {name: value for name, value in where.items() if value != run.PLACE[name]})
        place = choose(where["device"], where["precision"], where["threads"])
        if dry_run:
            found = estimate.estimate(kind, source, whole, place)
            print(json.dumps(found.to_dict()) if as_json else found.in_words())
            return True
        with terminal.work() as callback:
            trained = run.train(
                kind, source, output, whole, place, resume=resume, command=command, callback=callback, place=where
            )
        if _is_first_process():
            _report(kind, output, trained, terminal, as_json)
        return bool(trained.outcome.finished)


for _kind in KINDS:
    _add(_kind)


def _settled(
    kind: str, output: Path, resume: bool, asked: Mapping[str, Any], chosen: Mapping[str, Any]
) -> tuple[Any, Any]:
    """(source, parameters): with `resume` those that the training was begun with, changed by what is given again."""
    from studio.training import run

    if not resume:
        if "data" not in asked:
            raise InputError("Expected --data: what to train on (or --resume to go on with a training).")
        return run.Source(**asked), KINDS[kind](**chosen)
    begun_kind, begun, before, _ = run.settings_of(output)
    if begun_kind != kind:
        raise InputError(
            f"{output} holds the training of a {begun_kind}: `studio train {begun_kind} --resume` goes on."
        )
    again = dict(chosen)
    if "steps" in again and "minutes" not in again:
        again["minutes"] = None  # steps take the place of minutes
    source = {name: getattr(begun, name) for name in begun.__dataclass_fields__} | dict(asked)
    return run.Source(**source), before.changed(**again)


def _read_config(path: Path) -> dict[str, Any]:
    text = files.read_bytes(path)
    try:
        found = tomllib.loads(text.decode()) if path.suffix.lower() == ".toml" else json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is neither JSON nor TOML that can be read ({error}).") from None
    if not isinstance(found, dict):
        raise InputError(f'{path} should hold options by name, as in {{"steps": 5000}}.')
    return found


def _given(context: typer.Context, values: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the values that were typed, not left at their defaults."""
    return {
        name: value
        for name, value in values.items()
        if (origin := context.get_parameter_source(name)) is not None and origin.name == "COMMANDLINE"
    }


def _command(kind: str, given: Mapping[str, Any]) -> str:
    """What was typed, in a settled order."""
    words = ["studio", "train", kind]
    for name, value in given.items():
        flag = f"--{name.replace('_', '-')}"
        if value is True:
            words.append(flag)
        elif value is False and name != "resume":
            words.append(f"--no-{flag[2:]}")
        elif value is not None and value is not False:
            words += [flag, ",".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)]
    return shlex.join(words)


def _absolute(start: str) -> str:
    """A folder by its whole name, so that --resume finds it from anywhere; any other name as it is."""
    is_place = start not in hub.shipped() and os.path.exists(start)  # noqa: PTH110 (Path.exists raises for long names)
    return str(Path(start).absolute()) if is_place else start


def _is_first_process() -> bool:
    """Whether this is the one that speaks, of those that `accelerate launch` started."""
    return os.environ.get("RANK", "0") == "0"


def _report(kind: str, output: Path, trained: Any, terminal: Terminal, as_json: bool) -> None:
    from studio.training import run

    outcome, training = trained.outcome, output / run.TRAINING
    best = outcome.best
    if as_json:
        facts = {
            "output": str(output),
            "steps": outcome.step,
            "seconds": round(outcome.seconds, 2),
            "finished": outcome.finished,
            "ended": outcome.why,
            "best": None if best is None else {"step": best.step, "name": best.name, "value": best.value},
            "sheets": str(training / run.SHEETS),
            "notes": list(outcome.notes),
            "copies": trained.copied,
        }
        print(json.dumps(facts))
    elif not terminal.quiet:
        quality = "" if best is None else f"; best {best.name} {best.value:.4g}, at step {best.step:,}"
        print(f"{output}  {outcome.step:,} steps in {in_words(outcome.seconds)}: {outcome.why}{quality}")
        nearest = training / run.NEAREST
        compared = f"; beside what was learnt: {nearest}" if nearest.is_file() else ""
        terminal.say(f"Sheets of samples: {training / run.SHEETS}{compared}")
        terminal.say(f"Use it: {_USES[kind].format(shlex.quote(str(output)))}")
        if not outcome.finished:
            terminal.say(f"Go on with it: studio train {kind} --resume -o {shlex.quote(str(output))}")
