"""What a call for texts gives back, and how it is written: as text with its recipe beside it, or as a page."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from studio.errors import OutputError
from studio.media import files, images, page, text
from studio.recipe import Recipe
from studio.text.originality import Run
from studio.verse.checker import Score

PICTURES = (".png",)
SUFFIXES = (*text.SUFFIXES, *PICTURES)
SHORTEST_NUMBER = 4

_log = logging.getLogger("studio")


@dataclass(frozen=True)
class TextResult:
    """Texts, in the order of their prompts or seeds.

    texts: each from its beginning, a prompt it goes on from included; prompts: what each began with;
    scores: how each keeps its form, None for free text; missing: what of the form could not be kept; copied: the
    longest run of words that was learnt so, None where that is not known; seeds: of each; recipes: what makes each
    alone; recipe: what made all; finished: False if it was stopped before its end.
    """

    texts: list[str]
    prompts: tuple[str, ...]
    scores: tuple[Score | None, ...]
    missing: tuple[tuple[str, ...], ...]
    copied: tuple[Run | None, ...]
    seeds: tuple[int, ...]
    recipe: Recipe
    recipes: tuple[Recipe, ...]
    finished: bool = True

    def save(self, path: str | Path) -> Path:
        """Write one text into a file, or any number into a folder as NAME-0000.txt and so on.

        The suffix says as what: .txt, with its recipe in NAME.txt.json, or .png, a page with its recipe inside, which
        has the beginning of a very long text (`studio.media.page`).
        Raises OutputError.
        """
        for number, place in enumerate(targets(path, len(self.texts))):
            recipe, written = self.recipes[number].to_json(), f"{self.texts[number]}\n"
            if place != Path(path):
                files.make_folder(place.parent)
            if place.suffix.lower() in PICTURES:
                if more := page.left_out(self.texts[number]):
                    _log.warning("%s has no room for %s lines; as .txt the text is whole.", place, f"{more:,}")
                files.write_bytes(place, images.encode_picture(page.draw(self.texts[number]), ".png", recipe))
            else:
                text.write_text(place, written, recipe)
        return Path(path)

    def alone(self, number: int) -> TextResult:
        """One of several texts, as the result of a call for it alone."""
        recipe = self.recipes[number]
        return replace(
            self,
            texts=[self.texts[number]],
            prompts=(self.prompts[number],),
            scores=(self.scores[number],),
            missing=(self.missing[number],),
            copied=(self.copied[number],),
            seeds=(self.seeds[number],),
            recipe=recipe,
            recipes=(recipe,),
            finished=True,
        )

    @property
    def warnings(self) -> list[str]:
        """What of their forms could not be kept, a line each."""
        return [
            f"Seed {seed}: {' '.join(lacks)} The best attempt is kept."
            for seed, lacks in zip(self.seeds, self.missing, strict=True)
            if lacks
        ]

    @property
    def facts(self) -> dict[str, Any]:
        """What there is to say of it: for `--json`."""
        return {
            "count": len(self.texts),
            "texts": self.texts,
            "seeds": list(self.seeds),
            "form": [
                None
                if score is None
                else {"kept": score.passed, "share": score.share, "problems": list(score.problems)}
                for score in self.scores
            ],
            "copied": [None if run is None else {"words": run.words, "text": run.text} for run in self.copied],
            "finished": self.finished,
        }

    @property
    def in_words(self) -> str:
        """The same for people: "84 words"."""
        words = sum(len(one.split()) for one in self.texts)
        counted = f"{words:,} word{'s' if words != 1 else ''}"
        return counted if len(self.texts) == 1 else f"{len(self.texts):,} texts of {counted}"


def targets(path: str | Path, count: int) -> Sequence[Path]:
    """The files of each of `count` texts: `path` itself, or path/path-0000.txt and so on. Nothing is made.

    Raises OutputError where a file cannot be written, or where several texts would go to one file.
    """
    target = Path(path)
    if target.suffix.lower() in SUFFIXES and not target.is_dir():
        if count > 1:
            raise OutputError(f"Cannot write {count:,} texts into {target}; give the name of a folder.")
        return [files.check_writable(target, SUFFIXES)]
    if target.suffix and not target.is_dir():
        raise OutputError(f"Cannot write {target}: expected a name that ends in {', '.join(SUFFIXES)}, or a folder's.")
    name, width = target.resolve().name or "text", max(SHORTEST_NUMBER, len(str(count - 1)))
    found = [target / f"{name}-{number:0{width}d}.txt" for number in range(count)]
    if target.is_dir():
        files.check_writable(found[0], SUFFIXES)
    else:
        files.check_writable(target, [target.suffix.lower()])
        if target.exists():
            raise OutputError(f"Cannot write into {target}: it is a file; give the name of a folder.")
    return found
