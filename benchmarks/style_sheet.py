"""A sheet: `pastiche` 1.6.0 at its defaults beside Studio at its own, from the same photographs and paintings.

    python benchmarks/style_sheet.py     # half an hour on 2 cores, nearly all of it pastiche's thousand steps

Both make pictures whose longer side is 224 px, for pastiche's sake. Writes samples/results/beside_pastiche.jpg: in a
row the photograph, the painting, pastiche, Studio. Pictures that pastiche made before are taken from benchmarks/.cache.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from common import CACHE, ROOT
from PIL import Image, ImageOps

from studio import StyleTransferPipeline

SAMPLES = ROOT / "samples"
PAIRS = (("neuschwanstein", "hokusai_great_wave"), ("cat", "van_gogh_village_street"))
SIZE, CELL, GAP, PAPER = 224, (300, 200), 6, "white"


def main() -> None:
    """Make the sheet."""
    pipe = StyleTransferPipeline.from_pretrained()
    rows = []
    for photograph, painting in PAIRS:
        content, style = SAMPLES / f"content/{photograph}.jpg", SAMPLES / f"style/{painting}.jpg"
        ours = pipe(content, [style], size=SIZE, seed=0).images[0]
        rows.append([Image.open(content), Image.open(style), theirs(content, style), ours])
    sheet(rows).save(SAMPLES / "results/beside_pastiche.jpg", quality=88)


def theirs(content: Path, style: Path) -> Image.Image:
    """What pastiche's own program makes, by its defaults but for the size."""
    made = CACHE / "pastiche" / f"{content.stem}-{style.stem}.png"
    if not made.is_file():
        made.parent.mkdir(parents=True, exist_ok=True)
        program = [Path(sys.executable).with_name("pastiche"), "--size", str(SIZE), "--seed", "0"]
        subprocess.run([*program, "--content", content, "--styles", style, "--output", made], check=True)
    return Image.open(made)


def sheet(rows: list[list[Image.Image]]) -> Image.Image:
    """Pictures in rows, each cut to a cell."""
    wide, high = CELL[0] + GAP, CELL[1] + GAP
    canvas = Image.new("RGB", (wide * len(rows[0]) - GAP, high * len(rows) - GAP), PAPER)
    for row, pictures in enumerate(rows):
        for column, picture in enumerate(pictures):
            cell = ImageOps.fit(picture.convert("RGB"), CELL, Image.Resampling.LANCZOS)
            canvas.paste(cell, (column * wide, row * high))
    return canvas


if __name__ == "__main__":
    main()
