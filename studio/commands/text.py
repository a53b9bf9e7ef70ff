"""`studio text`: free text and verse in forms, as they are written, or into files."""

from __future__ import annotations

import json
import logging
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from studio.commands.common import Device, Json, Precision, Quiet, Threads, report
from studio.errors import InputError
from studio.media import files
from studio.media.text import Counts, read
from studio.options import with_options
from studio.terminal import Terminal
from studio.text.parameters import TextParameters

STOPPED = "stopped; what was written until then is kept"
LONGEST_FILE = 16_000_000  # characters of prompts

_log = logging.getLogger("studio")


@with_options(TextParameters, without=("stop", "prompts"))
def text(
    parameters: TextParameters,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help=".txt, or .png for a page; several texts: a folder's name. Else it is printed.",
            show_default=False,
        ),
    ] = None,
    model: Annotated[str, typer.Option(help="A shipped model, smollm2, a folder, or a hub id.")] = "gpt-verse",
    prompts: Annotated[
        Path | None, typer.Option(help="A file of prompts, a line each: a text for every one.", show_default=False)
    ] = None,
    stop: Annotated[
        list[str] | None,
        typer.Option(help="A string before which a free text ends; \\n is a new line. May be given again."),
    ] = None,
    refused: Annotated[
        Path | None, typer.Option(help="A file of words that never come out, instead of the list that comes along.")
    ] = None,
    device: Device = "auto",
    precision: Precision = "auto",
    threads: Threads = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> bool:
    """Write text: free, or in a form that is kept to the syllable.

    studio text --prompt "The sea" --max-tokens 80
    studio text --form sonnet --seed 7 -o sonnet.txt
    studio text --form acrostic --letters STUDIO --count 3 -o poems
    """
    terminal = Terminal(quiet or as_json)
    started = time.monotonic()
    changes: dict[str, Any] = {}
    if stop:
        changes["stop"] = tuple(string.replace("\\n", "\n") for string in stop)
    if prompts is not None:
        changes["prompts"] = _prompts_in(prompts)
    chosen = parameters.changed(**changes) if changes else parameters
    count = len(chosen.all_prompts)
    if output is not None:
        from studio.pipelines.text_result import targets

        written = targets(output, count)
        for given in (prompts, refused):
            for path in written if given is not None else ():
                files.check_distinct(path, given)  # type: ignore[arg-type]
    from studio.pipelines.text import TextPipeline

    pipe = TextPipeline.from_pretrained(model, device=device, precision=precision, threads=threads)
    if output is None and not as_json:
        return _print(pipe, chosen, refused, terminal)
    with terminal.work() as callback:
        result = pipe(parameters=chosen, refused=refused, callback=callback)
    for warning in result.warnings:
        terminal.say(warning)
    if output is None:
        print(json.dumps(result.facts, ensure_ascii=False))
        return bool(result.finished)
    result.save(output)
    return report(output, result, time.monotonic() - started, terminal, as_json, stopped=STOPPED)


def _print(pipe: Any, chosen: TextParameters, refused: Path | None, terminal: Terminal) -> bool:
    """One text after another on standard output, each as it is written."""
    from studio.text.decency import Refused

    listed, count = Refused.load(refused), len(chosen.all_prompts)
    for number in range(count):
        if number:
            print("\n" + "-" * 8 + "\n")
        for piece in pipe.stream(parameters=chosen, refused=listed, number=number):
            print(piece, end="", flush=True)
        print()
    return True


def _prompts_in(path: Path) -> tuple[str, ...]:
    """The lines of a file that are not empty. Raises InputError."""
    counts = Counts()
    content = read(path, counts)
    if len(content) > LONGEST_FILE:
        raise InputError(f"{path} has more than {LONGEST_FILE:,} characters; give fewer prompts at once.")
    if counts.replaced:
        _log.warning("%s: %d characters were no UTF-8 and became \N{REPLACEMENT CHARACTER}.", path, counts.replaced)
    found = tuple(line.strip() for line in content.splitlines() if line.strip())
    if not found:
        raise InputError(f"{path} holds no prompts; expected one in a line.")
    return found
