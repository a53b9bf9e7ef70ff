"""Make the pictures of the README again: every photograph of the sheet in the manner of every painting.

    python samples/make_sheet.py            # about six minutes on 2 cores

Writes samples/results/sheet.jpg and samples/results/demo.jpg. The settings are the defaults, but for the size of the
sheet's pictures; no result is picked.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from PIL import Image, ImageOps

from studio import StyleTransferPipeline

FOLDER = Path(__file__).parent
PHOTOGRAPHS = ("neuschwanstein", "astronaut", "cat")
PAINTINGS = ("hokusai_great_wave", "van_gogh_village_street", "kandinsky_composition_viii")
SIZE, CELL, GAP, PAPER = 320, 300, 6, "white"


def main() -> None:
    results = FOLDER / "results"
    results.mkdir(exist_ok=True)
    pipe = StyleTransferPipeline.from_pretrained()
    demo = pipe(FOLDER / "content/neuschwanstein.jpg", [FOLDER / "style/hokusai_great_wave.jpg"])
    demo.save(results / "demo.jpg")
    sheet(pipe).save(results / "sheet.jpg", quality=85)


def sheet(pipe: StyleTransferPipeline) -> Image.Image:
    """Paintings along the top, photographs down the side, a result where they meet."""
    side = CELL + GAP
    canvas = Image.new("RGB", (side * (len(PAINTINGS) + 1) - GAP, side * (len(PHOTOGRAPHS) + 1) - GAP), PAPER)
    for column, painting in enumerate(PAINTINGS, 1):
        canvas.paste(cell(Image.open(FOLDER / f"style/{painting}.jpg")), (column * side, 0))
    for row, photograph in enumerate(PHOTOGRAPHS, 1):
        content = FOLDER / f"content/{photograph}.jpg"
        canvas.paste(cell(Image.open(content)), (0, row * side))
        for column, painting in enumerate(PAINTINGS, 1):
            began = time.monotonic()
            result = pipe(content, [FOLDER / f"style/{painting}.jpg"], size=SIZE)
            canvas.paste(cell(result.images[0]), (column * side, row * side))
            print(f"{photograph} after {painting}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    return canvas


def cell(image: Image.Image) -> Image.Image:
    return ImageOps.fit(image.convert("RGB"), (CELL, CELL), Image.Resampling.LANCZOS)


if __name__ == "__main__":
    main()
