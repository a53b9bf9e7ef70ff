"""Text by a GPT: free, or in a form that is kept while it is written; word by word, many at once, a line at a time.

    pipe = TextPipeline.from_pretrained("gpt-verse")
    pipe(prompt="The sea", seed=7).texts[0]
    pipe(form="sonnet", seed=7).save("sonnet.txt")      # its recipe stands in sonnet.txt.json
    for words in pipe.stream(prompt="The sea"): print(words, end="")

A text is fixed by its prompt, its seed and the parameters, whatever else is written beside it: `studio.text.stepper`
says how. What a form asks for holds by construction: see `studio.text.constraints`.
"""

from __future__ import annotations

import functools
import itertools
import logging
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from tokenizers import Tokenizer

from studio import device as devices
from studio import hub
from studio.device import Device
from studio.errors import InputError, StoppedError
from studio.media import page, text
from studio.pipelines.models import copy_model, load_again
from studio.pipelines.text_result import TextResult
from studio.progress import Callback, Progress
from studio.recipe import Recipe, Source, environment
from studio.text.cowriting import Draft, Writing
from studio.text.decency import Refused
from studio.text.originality import Index, Run
from studio.text.parameters import TextParameters
from studio.text.prompt import begun, joined
from studio.text.sampler import Asked, Guard, Piece, write
from studio.text.stepper import Stepper
from studio.text.verse_writer import VerseWriter
from studio.text.vocabulary import Vocabulary
from studio.verse import checker
from studio.verse.forms import Form
from studio.verse.lexicon import Lexicon
from studio.zoo import causal_lm as zoo

if TYPE_CHECKING:
    from transformers import PreTrainedModel

NAME = "text"
AT_ONCE = 32  # texts that are written side by side

_log = logging.getLogger("studio")


@dataclass(frozen=True)
class _Made:
    text: str
    missing: tuple[str, ...] = ()


class TextPipeline:
    """A model that writes. A call leaves no state behind."""

    name = NAME
    title = "texts"
    parameters = TextParameters

    def __init__(
        self,
        network: PreTrainedModel,
        tokenizer: Tokenizer,
        model: Source,
        device: Device,
        *,
        index: Index | None = None,
        origin: hub.Model | None = None,
    ) -> None:
        """index: the runs of words that it learnt from, where that is known."""
        self.model, self.device, self.origin, self.index = model, device, origin, index
        self.network, self.tokenizer = network, tokenizer
        self.end = zoo.end_token(tokenizer, network)
        with device.computing():
            self.stepper = Stepper(network, device)
        self._vocabularies: dict[str, Vocabulary] = {}  # of the last list of refused words

    @classmethod
    def from_pretrained(
        cls,
        model: str | Path = "gpt-verse",
        *,
        device: str = "auto",
        precision: str = "auto",
        threads: int | None = None,
    ) -> Self:
        """Load a language model: a shipped one, "smollm2", a folder, or a hub id.

        device, precision, threads: as in `studio.device.choose`. In half precision a CPU multiplies in 8 bits, see
        `studio.text.small_matrices`; "float32" computes with the weights as they are.
        Raises ModelError, DeviceError.
        """
        found = hub.find(model)
        chosen = devices.choose(device, precision, threads)
        network = zoo.load_network(found, chosen.dtype)
        return cls(
            chosen.place_network(network) if chosen.kind != "cpu" else network,
            zoo.load_tokenizer(found),
            Source(found.name, found.sha256),
            chosen,
            index=zoo.load_index(found),
            origin=found,
        )

    def __call__(
        self,
        *,
        parameters: TextParameters | None = None,
        refused: str | Path | None = None,
        callback: Callback | None = None,
        **options: Any,
    ) -> TextResult:
        """Write texts. Text k of seed s is text 0 of seed s + k, word for word, however many are written at once.

        parameters: an object of TextParameters; options: fields of it by name, which take precedence.
        refused: a file of words that never come out, instead of the list that comes along (`studio.text.decency`).
        callback: called with a `Progress`; returning True stops, and the texts that are whole come back.
        Raises InputError for anything that cannot be kept, before any work begins, and StoppedError.
        """
        chosen = (parameters or self.parameters()).changed(**options) if options or parameters is None else parameters
        prompts, listed = chosen.all_prompts, Refused.load(refused)
        began = time.monotonic()
        made: list[_Made] = []

        def tell(done: float, shown: str) -> bool:
            if callback is None:
                return False
            fraction = (len(made) + done) / len(prompts)
            elapsed = time.monotonic() - began
            left = elapsed / fraction - elapsed if fraction else 0.0
            draw: Callable[[], Any] = functools.partial(page.draw, shown or (made[-1].text if made else ""))
            return bool(
                callback(Progress(round(fraction * 100), 100, fraction, elapsed, left, float("nan"), "writing", draw))
            )

        with self.device.computing():
            writer = self._forms if chosen.form != "free" else self._free
            for one in writer(chosen, prompts, listed, tell):
                made.append(one)
        if not made:
            raise StoppedError("stopped; no text was finished.")
        inputs = {} if refused is None else {"refused": (Source(Path(refused).name, listed.sha256),)}
        return self._result(chosen, prompts, made, inputs)

    def stream(
        self,
        prompt: str = "",
        *,
        parameters: TextParameters | None = None,
        refused: str | Path | Refused | None = None,
        number: int = 0,
        **options: Any,
    ) -> Iterator[str]:
        """One text as it comes, in whole words, and in a form line by line; a plain generator, which can be closed.

        number: which of several texts that `parameters` ask for. refused: as for a call, or a list that was read.
        The pieces together are the text that a call gives. Raises InputError when it is called.
        """
        given = {"prompt": prompt} | options if prompt else options
        chosen = (parameters or self.parameters()).changed(**given) if given or parameters is None else parameters
        count = len(chosen.all_prompts)
        if not 0 <= number < count:
            raise InputError(f"Expected the number of one of {count:,} texts, from 0 to {count - 1:,}, got {number}.")
        listed = refused if isinstance(refused, Refused) else Refused.load(refused)
        words, seed = chosen.all_prompts[number], chosen.seed + number
        if chosen.verse is not None:
            return self._stream_form(chosen.verse, words, seed, self._writer(chosen, listed))
        return self._stream_free(chosen, words, seed, self._guard(chosen, listed))

    def stream_batch(
        self,
        prompts: Sequence[str],
        *,
        parameters: TextParameters | None = None,
        refused: str | Path | None = None,
        **options: Any,
    ) -> Iterator[Piece]:
        """Several free texts as they come: each piece says whose it is (`row`), and how it ended (`finished`).

        AT_ONCE are written side by side, then the next ones: a text being written takes memory.
        Raises InputError when it is called.
        """
        chosen = (parameters or self.parameters()).changed(prompts=tuple(prompts), prompt="", count=1, **options)
        if chosen.form != "free":
            raise InputError(f"Expected free texts to stream side by side, got the form {chosen.form}.")
        guard = self._guard(chosen, Refused.load(refused))
        asked = [self._asked(chosen, words, chosen.seed + k, guard) for k, words in enumerate(prompts)]
        return self._pieces(asked)

    def draft(
        self,
        form: Form | str | None = None,
        *,
        parameters: TextParameters | None = None,
        refused: str | Path | None = None,
        **options: Any,
    ) -> Writing:
        """Writing together: lines are offered, one is taken, and taken back. See `studio.text.cowriting`.

        form: its name, as for a call, or one of your own. refused: as for a call.
        """
        if isinstance(form, str):
            form, options = None, {**options, "form": form}
        chosen = (parameters or self.parameters()).changed(**options) if options or parameters is None else parameters
        writer = self._writer(chosen, Refused.load(refused))
        draft = Draft(form=form or chosen.verse, prompt=chosen.prompt, seed=chosen.seed)
        return Writing(writer, draft, self._tokens(chosen.prompt))

    @classmethod
    def remake(
        cls,
        recipe: Recipe,
        inputs: Mapping[str, Sequence[Path]],
        *,
        model: str | Path | None = None,
        callback: Callback | None = None,
        keep_in: str | Path | None = None,
    ) -> TextResult:
        """Run a recipe again, on the device, in the precision and with the threads that it names.

        inputs: role → files, as `studio.recipe.find_inputs` gives them. Raises ModelError if the model is another one.
        """
        pipe = load_again(cls.from_pretrained, recipe, model)
        refused = next(iter(inputs.get("refused", [])), None)
        return pipe(parameters=cls.parameters(**recipe.parameters), refused=refused, callback=callback)

    def save_pretrained(self, folder: str | Path) -> Path:
        """Write the model as a folder that `from_pretrained` loads, as it was loaded. Raises OutputError."""
        if self.origin is None:
            raise InputError("This model was not loaded from a folder; `studio train text` writes one.")
        return copy_model(self.origin, folder)

    def push_to_hub(self, hub_id: str, *, private: bool = False) -> str:
        """Upload the model to the Hugging Face hub as `owner/name`; returns its address. Needs a login."""
        return hub.push(self.save_pretrained, hub_id, private=private)

    def copied(self, written: str) -> Run | None:
        """The longest run of words that also stands in what the model learnt from; None where that is not known."""
        return None if self.index is None else self.index.longest(written)

    def _free(
        self,
        chosen: TextParameters,
        prompts: Sequence[str],
        listed: Refused,
        tell: Callable[[float, str], bool],
    ) -> Iterator[_Made]:
        """The texts in their order, as far as they are finished when it is stopped."""
        guard = self._guard(chosen, listed)
        for first in range(0, len(prompts), AT_ONCE):
            some = prompts[first : first + AT_ONCE]
            asked = [self._asked(chosen, words, chosen.seed + first + k, guard) for k, words in enumerate(some)]
            written, over, words = [""] * len(some), [False] * len(some), 0
            stopped = False
            with closing(self._pieces(asked)) as pieces:
                for piece in pieces:
                    written[piece.row] += piece.text
                    over[piece.row] = piece.finished is not None
                    words += 1
                    if tell(min(0.99, words / (len(some) * chosen.max_tokens)) * len(some), written[piece.row]):
                        stopped = True
                        break
            whole = itertools.takewhile(lambda one: one[1], zip(written, over, strict=True))
            yield from (_Made(joined(prompt, new)) for prompt, (new, _) in zip(some, whole, strict=False))
            if stopped:
                return

    def _forms(
        self,
        chosen: TextParameters,
        prompts: Sequence[str],
        listed: Refused,
        tell: Callable[[float, str], bool],
    ) -> Iterator[_Made]:
        form = chosen.verse
        assert form is not None
        writer = self._writer(chosen, listed)
        for number, prompt in enumerate(prompts):
            poem = None
            for poem in writer.write(form, self._tokens(prompt), seed=chosen.seed + number):
                if tell(0.99 * len(poem.lines) / len(form.lines), poem.text) and not poem.finished:
                    return
            if poem is not None:
                yield _Made(poem.text, poem.missing)

    def _stream_free(self, chosen: TextParameters, prompt: str, seed: int, guard: Guard) -> Iterator[str]:
        written = begun(prompt)
        if written:
            yield written
        with closing(self._pieces([self._asked(chosen, prompt, seed, guard)])) as pieces:
            for piece in pieces:
                new = piece.text if written else piece.text.lstrip()
                if new:
                    written = new
                    yield new

    def _stream_form(self, form: Form, prompt: str, seed: int, writer: VerseWriter) -> Iterator[str]:
        shown = 0
        for poem in writer.write(form, self._tokens(prompt), seed=seed):
            sure = form.text(poem.lines[: poem.settled])
            yield from sure[shown:].splitlines(keepends=True)
            shown = len(sure)
            if poem.finished and poem.missing:
                _log.warning("%s", " ".join(poem.missing))

    def _asked(self, chosen: TextParameters, prompt: str, seed: int, guard: Guard) -> Asked:
        return Asked(
            self._tokens(prompt),
            seed=seed,
            max_tokens=chosen.max_tokens,
            sampling=chosen.sampling,
            stop=chosen.stop,
            end=self.end,
            guard=guard,
            begun=begun(prompt),
        )

    def _pieces(self, asked: Sequence[Asked]) -> Generator[Piece, None, None]:
        for first in range(0, len(asked), AT_ONCE):
            with closing(write(self.stepper, self.tokenizer, asked[first : first + AT_ONCE])) as pieces:
                yield from (replace(piece, row=first + piece.row) for piece in pieces)

    def _tokens(self, prompt: str) -> list[int]:
        """A prompt as tokens, after the one that begins a document."""
        counts = text.Counts()
        text.clean(prompt, counts)
        if counts.controls:
            _log.warning("%d control characters were left out of the prompt.", counts.controls)
        tokens = self.tokenizer.encode(begun(prompt), add_special_tokens=False).ids
        return [*([] if self.end is None else [self.end]), *tokens] or [0]

    def _guard(self, chosen: TextParameters, listed: Refused) -> Guard:
        """Whether a word or a line may follow a text: decency, and originality where it is asked for."""
        decent = listed.guard
        if not chosen.original:
            return decent
        if self.index is None:
            raise InputError(f"{self.model.name} does not say what it learnt from, so leave out --original.")
        fresh = self.index.guard(chosen.original)
        return lambda so_far, new: decent(so_far, new) and fresh(so_far, new)

    def _writer(self, chosen: TextParameters, listed: Refused) -> VerseWriter:
        guard = self._guard(chosen, listed)
        vocabulary = self._vocabularies.get(listed.sha256)
        if vocabulary is None:
            vocabulary = Vocabulary(
                self.tokenizer, Lexicon.load(), lambda word: not listed.allows(word), self.stepper.vocabulary
            )
            self._vocabularies = {listed.sha256: vocabulary}
        return VerseWriter(
            self.stepper,
            self.tokenizer,
            vocabulary,
            chosen.sampling,
            candidates=chosen.candidates,
            tries=chosen.tries,
            accept=guard,
        )

    def _result(
        self,
        chosen: TextParameters,
        prompts: Sequence[str],
        made: Sequence[_Made],
        inputs: Mapping[str, tuple[Source, ...]],
    ) -> TextResult:
        def recipe(parameters: TextParameters) -> Recipe:
            return Recipe(self.name, parameters.to_dict(), self.model, inputs, environment(self.device.environment()))

        seeds = tuple(chosen.seed + number for number in range(len(made)))
        alone = tuple(
            recipe(chosen.changed(prompt=prompt, prompts=(), count=1, seed=seed))
            for prompt, seed in zip(prompts, seeds, strict=False)
        )
        form = chosen.verse
        return TextResult(
            texts=[one.text for one in made],
            prompts=tuple(prompts[: len(made)]),
            scores=tuple(None if form is None else checker.score(one.text, form, Lexicon.load()) for one in made),
            missing=tuple(one.missing for one in made),
            copied=tuple(self.copied(one.text) for one in made),
            seeds=seeds,
            recipe=alone[0] if len(made) == 1 else recipe(chosen),
            recipes=alone,
            finished=len(made) == len(prompts),
        )
