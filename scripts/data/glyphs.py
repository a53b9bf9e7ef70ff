"""Capital letters to train on: A–Z of the Ænigma fonts by Brian Kent, black on white, 64×64, a folder a letter.

    python scripts/data/glyphs.py OUT_FOLDER

Reads Debian fonts-aenigma. Each font is drawn at the size where its capitals are 44 of 64 pixels high.
"""

from __future__ import annotations

import io
import string
from pathlib import PurePosixPath

import numpy as np
from packages import Package, arguments, members, save, write_sources
from PIL import Image, ImageDraw, ImageFont

PACKAGE = Package(
    registry="Debian",
    name="fonts-aenigma",
    version="0.0.20080511+dfsg-4",
    sha256="c7f33a4e5932af82a92c81a5a993a1d117c4309b47532cb0d9c3ad34bc54f5a8",
    address="https://deb.debian.org/debian/pool/main/f/fonts-aenigma/fonts-aenigma_0.0.20080511+dfsg-4_all.deb",
    licence="Brian Kent, 1995–2008: free to use, change and pass on, where changes are noted and he is named",
)
SIZE, CAPITAL, WIDEST, OVERSAMPLING = 64, 44, 58, 4  # pixels, pixels, pixels, times
LARGEST_FONT = 4000  # pixels
SAME_FONT = 0.02  # of the ink of both; italics and other weights differ by more
FLAT_TOPPED = "HEITLXZ"  # their height is the height of capitals; round letters overshoot
NO_LETTER = "\uffff\u0378\uf8f0"  # never assigned: a font draws its box for missing letters

LEFT_OUT = {
    "pictures, codes or patterns instead of letters": """
        90stars bandwdth bin01st binx01s bitbttf dblayer4 entlayrb fauxsnow graze hdmaker lineding nucleus numskull
        snailets symmetry 1015sn 1015snr""",
    "letters inside frames and solids": """
        18holes 3dlet binaryt binaryx circulat dblayer1 dblayer2 dblayer3 dblbogey encapsul grudge grudge2 hearts
        jawbrko2 mima4x4o pindown pindownp qbicle1 qbicle2 qbicle3 qbicle4 spheroid tearful xeroxmal xmaslght xtrusion
        zoidal zurklezo zurklezs""",
    "hairlines and textures too fine for 64 pixels": """
        4shadowo Swirled2 acidrefl candystr claw1 claw2 darkside entangle fasciicr fidgety hackslsh ilits jasper
        joltcaff knot konecto1 konecto2 lynx pindwnx plasdrpe queasyol quillexo ravaged2 raydiat2 rotundo sclnmaze
        tetri unanimo urcompo volatil1 waver waywards weatherd weaver wyvernwi zerovelo""",
    "turned, small letters, or hard to read": """
        bloktilt lowdown powdwrk5 quillexs rotund sequence slender spacious vertigo vertigo2 whatever xhume""",
}


def main() -> None:
    options = arguments(PACKAGE, "Write the capitals of the Ænigma fonts as PNG files of 64×64 pixels.")
    fonts = members(PACKAGE, options.package, ["*.ttf"])
    by_name = {PurePosixPath(path).stem: content for path, content in fonts.items()}
    unwanted = {name: reason for reason, names in LEFT_OUT.items() for name in names.split()}
    counts = {reason: len(names.split()) for reason, names in LEFT_OUT.items()}
    counts |= {"letters missing": 0, "the same as another": 0}

    kept: dict[str, dict[str, np.ndarray]] = {}
    sketches: list[np.ndarray] = []
    for name in sorted(by_name.keys() - unwanted.keys(), key=lambda name: f"{name}.ttf".lower()):
        letters = capitals(by_name[name])
        if set(letters) != set(string.ascii_uppercase):
            counts["letters missing"] += 1
            continue
        sketch = coarse(letters)
        if any(np.abs(sketch - other).sum() < SAME_FONT * (sketch.sum() + other.sum()) for other in sketches):
            counts["the same as another"] += 1
            continue
        sketches.append(sketch)
        kept[name] = letters

    pictures = {f"{letter}/{name}.png": pixels for name, letters in kept.items() for letter, pixels in letters.items()}
    digest = save(options.folder, pictures)
    report = f"{len(pictures)} letters of {len(kept)} fonts; left out of {len(by_name)} fonts: " + ", ".join(
        f"{number} ({reason})" for reason, number in counts.items()
    )
    text = f"{report}.\n\nChanged: capitals only, drawn {SIZE}×{SIZE} in black on white.\n\nFonts: {', '.join(kept)}."
    write_sources(options.folder, PACKAGE, digest, text)
    print(f"{options.folder}: {report}")


def capitals(font_file: bytes) -> dict[str, np.ndarray]:
    """Each capital that the font draws, (SIZE, SIZE) uint8, 0 is ink, all at one size of the font."""
    trial = font_of(font_file, 200)
    inked = {letter: ink for letter in string.ascii_uppercase if (ink := ink_of(trial, letter)) is not None}
    heights = [inked[letter].height for letter in FLAT_TOPPED if letter in inked]
    if not heights:
        return {}
    size = round(200 * CAPITAL * OVERSAMPLING / float(np.median(heights)))
    if not 8 <= size <= LARGEST_FONT:
        return {}
    font = font_of(font_file, size)
    boxes = {box.tobytes() for mark in NO_LETTER if (box := ink_of(font, mark)) is not None}
    drawn = {letter: ink_of(font, letter) for letter in inked}
    return {letter: on_paper(ink) for letter, ink in drawn.items() if ink is not None and ink.tobytes() not in boxes}


def font_of(font_file: bytes, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(io.BytesIO(font_file), size, layout_engine=ImageFont.Layout.BASIC)


def ink_of(font: ImageFont.FreeTypeFont, letter: str) -> Image.Image | None:
    """A mask cropped to the ink, or None where the font draws nothing."""
    left, top, right, bottom = (int(edge) for edge in font.getbbox(letter))
    if right <= left or bottom <= top:
        return None
    mask = Image.new("L", (right - left + 8, bottom - top + 8), 0)
    ImageDraw.Draw(mask).text((4 - left, 4 - top), letter, fill=255, font=font)
    edges = mask.getbbox()
    return mask.crop(edges) if edges else None


def on_paper(ink: Image.Image) -> np.ndarray:
    """Centred; shrunk only where it would come too near the edge."""
    side, room = SIZE * OVERSAMPLING, WIDEST * OVERSAMPLING
    shrink = min(1, room / ink.width, room / ink.height)
    if shrink < 1:
        smaller = (max(1, round(ink.width * shrink)), max(1, round(ink.height * shrink)))
        ink = ink.resize(smaller, Image.Resampling.LANCZOS)
    paper = Image.new("L", (side, side), 255)
    paper.paste(0, ((side - ink.width) // 2, (side - ink.height) // 2), ink)
    return np.asarray(paper.resize((SIZE, SIZE), Image.Resampling.BOX))


def coarse(letters: dict[str, np.ndarray]) -> np.ndarray:
    """Ink in [0, 1] at half the size, the alphabet in a row: what two fonts are compared by."""
    ink = 1 - np.stack([letters[letter] for letter in sorted(letters)]).astype(np.float32) / 255
    return ink.reshape(-1, SIZE // 2, 2, SIZE // 2, 2).mean(axis=(2, 4))


if __name__ == "__main__":
    main()
