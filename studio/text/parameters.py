"""Every option of a text, with its range and its help text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from studio.errors import InputError
from studio.parameters import Parameters, parameter, parameters
from studio.verse import forms
from studio.verse.forms import Form

if TYPE_CHECKING:
    from studio.text.sampling import Sampling

FormName = Literal["free", "haiku", "limerick", "sonnet", "acrostic", "rhyme"]
Prompt = Annotated[str, Field(max_length=50_000)]


@parameters
class TextParameters(Parameters):
    """What texts are asked for, and what they promise."""

    prompt: Prompt = parameter("", "What to go on from; a form takes it as what was said before it.")
    prompts: tuple[Prompt, ...] = parameter((), "Several of them: text k goes on from the k-th.", max_length=10_000)
    form: FormName = parameter("free", "free, haiku, limerick, sonnet, acrostic, or rhyme with a --scheme.")
    max_tokens: int = parameter(200, "The longest free text, in tokens (about ¾ of a word each).", ge=1, le=1_000_000)
    seed: int = parameter(0, "Seed; text k of several has the seed + k.", ge=0, lt=2**63)
    count: int = parameter(1, "How many texts.", ge=1, le=10_000)
    temperature: float = parameter(0.8, "Less is plainer, more is wilder; 0 takes the likeliest token.", ge=0, le=5)
    scheme: str | None = parameter(
        None,
        "Rhymes by letters, as in ABAB CDCD; of a sonnet also shakespearean, petrarchan or spenserian.",
        max_length=400,
    )
    letters: str | None = parameter(None, "What the lines of an acrostic spell.", max_length=400)
    syllables: str | None = parameter(
        None, "Syllables of the lines of a rhyme or an acrostic: 8, or 8-6-8-6.", max_length=400
    )
    original: int = parameter(
        0, "At most so many words in a row that also stand in what was learnt from; 0 for any number.", ge=0, le=1000
    )

    iambic: bool = parameter(True, "A sonnet's lines alternate weak and strong syllables.", advanced=True)
    top_k: int = parameter(0, "Choose among so many likeliest tokens; 0 for all.", ge=0, le=1_000_000, advanced=True)
    top_p: float = parameter(
        0.95, "Choose among the likeliest that make up this part of the probability.", gt=0, le=1, advanced=True
    )
    min_p: float = parameter(
        0.02, "Never choose what is less likely than this part of the likeliest.", ge=0, le=1, advanced=True
    )
    repetition_penalty: float = parameter(
        1.1,
        "The last 256 tokens are less likely to come again by this factor; 1 for not.",
        ge=1,
        le=10,
        advanced=True,
    )
    no_repeat_ngram: int = parameter(
        0, "So many tokens in a row never come twice; 0 for no such rule.", ge=0, le=1000, advanced=True
    )
    stop: tuple[Annotated[str, Field(min_length=1, max_length=1000)], ...] = parameter(
        (), "Strings before which a free text ends.", max_length=32, advanced=True
    )
    candidates: int = parameter(
        16, "Lines of a form that are drawn for each one kept: the most natural.", ge=1, le=256, advanced=True
    )
    tries: int = parameter(8, "How often a form is begun again before it is given up.", ge=1, le=1000, advanced=True)

    def __post_init__(self) -> None:
        """Raise InputError for what a form cannot be, and for what belongs to another form."""
        for name, given, owners in (
            ("scheme", self.scheme, ("sonnet", "rhyme")),
            ("letters", self.letters, ("acrostic",)),
            ("syllables", self.syllables, ("rhyme", "acrostic")),
        ):
            if given is not None and self.form not in owners:
                raise InputError(
                    f"--{name} is for {' or '.join(f'--form {owner}' for owner in owners)}, not {self.form}."
                )
        if self.form == "acrostic" and self.letters is None:
            raise InputError("Expected --letters with --form acrostic: the word that its lines spell.")
        if self.form == "rhyme" and self.scheme is None:
            raise InputError("Expected --scheme with --form rhyme, such as ABAB CDCD.")
        if self.prompts and (self.prompt or self.count not in (1, len(self.prompts))):
            raise InputError("Expected prompts, or one prompt and a count, not both.")
        count = len(self.all_prompts)
        if self.seed + count > 2**63:
            raise InputError(f"There are not {count} seeds from {self.seed} on; give a smaller one.")
        _ = self.verse

    @property
    def verse(self) -> Form | None:
        """The form asked for; None for free text."""
        match self.form:
            case "haiku":
                return forms.haiku()
            case "limerick":
                return forms.limerick()
            case "sonnet":
                return forms.sonnet(self.scheme or "shakespearean", iambic=self.iambic)
            case "acrostic":
                return forms.acrostic(self.letters or "", self.syllables)
            case "rhyme":
                return forms.rhymed(self.scheme or "", self.syllables)
        return None

    @property
    def sampling(self) -> Sampling:
        """How a token is chosen."""
        # Imported here: it needs NumPy, which takes longer to load than `studio --help` may.
        from studio.text.sampling import Sampling

        return Sampling(
            temperature=self.temperature,
            top_k=self.top_k,
            top_p=self.top_p,
            min_p=self.min_p,
            repetition_penalty=self.repetition_penalty,
            no_repeat_ngram=self.no_repeat_ngram,
        )

    @property
    def all_prompts(self) -> tuple[str, ...]:
        """The prompt of each text."""
        return self.prompts or (self.prompt,) * self.count
