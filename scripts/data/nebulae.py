"""Nebulae and galaxies to train on: square crops of Stellarium's deep-sky pictures, 128×128.

    python scripts/data/nebulae.py OUT_FOLDER

Reads Debian stellarium-data. Only pictures that its CREDITS.md puts in the public domain, under CC0 or under CC BY.
"""

from __future__ import annotations

import gzip
import io
import json
import re

import numpy as np
from packages import Package, arguments, members, save, write_sources
from PIL import Image

PACKAGE = Package(
    registry="Debian",
    name="stellarium-data",
    version="0.22.2-1",
    sha256="45aaebf39a814acbd6dcccea058c2f5651bcb5635599da03a215feeb51f4d5a5",
    address="https://deb.debian.org/debian/pool/main/s/stellarium/stellarium-data_0.22.2-1_all.deb",
    licence="public domain, CC0 1.0, CC BY 3.0 or CC BY 4.0, picture by picture as listed below",
)
TEXTURES = "usr/share/stellarium/nebulae/default/"
CREDITS = "usr/share/doc/stellarium-data/CREDITS.md.gz"
OPEN = re.compile(r"public domain|Creative Commons (CC0|Attribution \d)", re.IGNORECASE)  # no share-alike

# Section of CREDITS.md: its pictures. Those of DSS, SDSS, 2MASS and some amateurs have no licence there; many others
# are share-alike. Barnard 72 stands in section 4.55 as "NGC 6188": the author and the terms are those of the picture.
PICTURES = """
    4.8: m31
    4.9: n4526 n6544 n6553 sh2-261
    4.16: n2903oleg n3190oleg n3718oleg n5982oleg
    4.21: n3293
    4.26: ic3568
    4.29: calabash ic4406 ic883h n2261 n2818 n2936 n3314 n3690h n3918 n4038-9 n5257h n5307 n6027 n6050h n6369
        n6826 n7742 p2248 red_rectangle u1810 u8335h u9618h
    4.31: barnard_loop-1 barnard_loop-2 barnard_loop-3 barnard_loop-4 ic342 n1579 n2467 n6590 sh2-297
    4.32: ldn1622 m77 n3109 n3180 n4449 n5474 n6231 n6397 sh2-264 sh2-308
    4.33: p29653 p6830 u5373
    4.34: fornax_cluster ic2177 ic2220 ic2631 m59 m60 m89 m90 n1433 n2442 n3572 p10074 rcw32 rcw38 rcw49
        virgo_cluster
    4.35: n3603
    4.37: hercules_cluster n2808 n7023
    4.38: ic1396 m44
    4.42: ic1295 n1232 n1313 n1316 n134 n1792 n1978 n2207 n2736 n300 n3199 n3532 n3699 n3766 n4945 n5128 n5189
        n55 n6362 n6537 n6752 n6769 n6822 n7793 n908 n92 n936
    4.43: lbn782 m33 m42 n253 n5566 pleiades
    4.44: ic2944 ic434 ic4628 m104 m17 m8 n2264 n6334 n6357 n6726 n7293 smc-ha
    4.51: m95 n1300 n4490 n520 n660 n6888 n7129 n7497 n925
    4.53: n6818  4.54: n6188  4.55: barnard72  4.56: n1023  4.57: n1269 n3195
    4.58: ic2118-1 ic2118-2 n1097 n1499
    4.61: n3115  4.62: n3621  4.63: n2547 velasnr  4.64: m83  4.67: n2867 n6884  4.71: n6388
    4.72: n7380 sh2-106 sh2-80  4.73: n6744  4.77: n2623
    4.78: ic4634 n3808 n5882 n6210 n6572 n6741
    4.79: n6240 p33423  4.80: u5470  4.81: u6253 u9749  4.82: u10214  4.83: hydra_cluster n6503 n7714
    4.84: n2477  4.85: n4755  4.86: n7538  4.88: n362
    4.90: barnard150 coma_cluster ldn673 leo_cluster m74 n1788 n5053 sh2-132
    4.93: n6960
    4.95: lmc_01 lmc_02 lmc_03 lmc_04 lmc_05 lmc_06 lmc_07 lmc_08 lmc_09 lmc_10 lmc_11 lmc_12 lmc_13 lmc_14
        lmc_15 lmc_16
    4.96: rho-a00 rho-a01 rho-a10 rho-a11  4.97: cas  4.99: ic418 ic4593 n5315 n6751  4.100: n7009  4.101: n7027
    4.103: n2022  4.106: p3589  4.107: n1672  4.108: n4298  4.112: n2613
"""
# Looked at and left out: star clusters and fields without form, and dim dust.
PLAIN = """
    barnard150 barnard_loop-3 coma_cluster fornax_cluster hercules_cluster hydra_cluster lbn782 ldn1622 ldn673
    leo_cluster lmc_01 lmc_02 lmc_03 lmc_04 lmc_05 lmc_08 lmc_09 lmc_13 lmc_15 lmc_16 m44 n1978 n2477 n2547 n2808
    n3195 n3532 n362 n3766 n4755 n5053 n6231 n6362 n6388 n6397 n6544 n6553 n6726 n6752 n6822 n7023 p10074
    p29653 p3589 p6830 smc-ha u5373 u5470 u6253 u9749 virgo_cluster
"""

SIZE, SMALLEST, LARGEST = 128, 256, 1024  # pixels: a crop as written; a picture worth cropping; a crop in the picture
CROPS, CROPS_OF_SMALL = 64, 40  # at most, of a picture wider than SMALLEST and of one as wide
ATTEMPTS, SEED = 7, 8  # attempts: times the crops wanted
BRIGHT, LARGEST_GAIN = 215, 1.7  # dim crops are brightened until 1 % of their pixels are BRIGHT, by this at most
LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def main() -> None:
    options = arguments(PACKAGE, "Write crops of nebulae and galaxies as PNG files of 128×128 pixels.")
    content = members(PACKAGE, options.package, [f"*/{TEXTURES}*.png", f"*/{TEXTURES}textures.json", f"*/{CREDITS}"])
    licences = licences_of(gzip.decompress(content[CREDITS]).decode("utf-8"))
    authors = credits_of(content[TEXTURES + "textures.json"].decode("utf-8"))
    pictures: dict[str, np.ndarray] = {}
    rows, empty, plain = [], 0, set(PLAIN.split())
    for number, (name, section) in enumerate(sections()):
        if not OPEN.match(licences[section]):
            raise SystemExit(f"{name}: {licences[section]!r} in section {section} is not among the licences taken.")
        if name in plain:
            continue
        found = crops(Image.open(io.BytesIO(content[f"{TEXTURES}{name}.png"])), np.random.default_rng([SEED, number]))
        pictures |= {f"{name}-{index:02}.png": pixels for index, pixels in enumerate(found)}
        empty += not found
        if found:
            author, page = authors[f"{name}.png"]
            rows.append(f"| {name} | {len(found)} | {author} | {licences[section]} ({section}) | {page} |")
    digest = save(options.folder, pictures)
    report = (
        f"{len(pictures)} crops of {len(rows)} pictures; left out: {len(plain)} pictures without form, "
        f"{empty} small or mostly black, {len(authors) - len(sections())} without a licence or not under an open one"
    )
    changes = f"Changed: cropped, scaled to {SIZE}×{SIZE}, turned or mirrored, brightened up to {LARGEST_GAIN} times."
    table = "| picture | crops | credit | licence (section of CREDITS.md) | page |\n|---|---|---|---|---|\n"
    write_sources(options.folder, PACKAGE, digest, f"{report}.\n\n{changes}\n\n{table}" + "\n".join(rows))
    print(f"{options.folder}: {report}")


def sections() -> list[tuple[str, str]]:
    """(picture, section of CREDITS.md), by file name; the place in this list seeds the crops."""
    found = []
    for section, names in re.findall(r"(4\.\d+):([^:]*?)(?=\s+4\.\d+:|\s*\Z)", PICTURES):
        found += [(name, section) for name in names.split()]
    return sorted(found, key=lambda pair: f"{pair[0]}.png")


def licences_of(text: str) -> dict[str, str]:
    """Licence by section of "4. Graphics", "" where none is named."""
    graphics = text[text.index("4. Graphics") : text.index("## Appendix")]
    parts = re.split(r"\n\s*(4\.\d+\w?) ", graphics)
    found = {}
    for section, words in zip(parts[1::2], parts[2::2], strict=True):
        named = re.search(r"License:\s*([^;.`]+(?:\.\d[^;.`]*)?)", " ".join(words.split()))
        found[section] = named[1].strip() if named else ""
    return found


def credits_of(text: str) -> dict[str, tuple[str, str]]:
    """(author, page) by file name. The file is nearly JSON: numbers may start with a dot, lists end with a comma."""
    strict = re.sub(r"([:,\[]\s*-?)\.(\d)", r"\g<1>0.\2", text)
    strict = re.sub(r",(\s*[\]}])", r"\1", strict)
    found = {}
    for tile in json.loads(strict)["subTiles"]:
        named = {key.lower(): value for key, value in tile.get("imageCredits", {}).items()}
        found[tile["imageUrl"]] = (named.get("short", "").strip(), named.get("infourl", ""))
    return found


def crops(source: Image.Image, random: np.random.Generator) -> list[np.ndarray]:
    """Crops at places, scales (of equal ratio equally often) and orientations by chance, those that show something."""
    colour = source.convert("RGBA")
    picture = Image.alpha_composite(Image.new("RGBA", colour.size, (0, 0, 0, 255)), colour).convert("RGB")
    side = picture.width
    wanted = 0 if side < SMALLEST else CROPS_OF_SMALL if side == SMALLEST else CROPS
    found: list[np.ndarray] = []
    for _ in range(wanted * ATTEMPTS):
        if len(found) == wanted:
            break
        width = round(np.exp(random.uniform(np.log(SIZE), np.log(min(side, LARGEST)))))
        left, top = (int(place) for place in random.integers(0, side - width + 1, 2))
        mirrored, turns = divmod(int(random.integers(8)), 4)
        box = (left, top, left + width, top + width)
        crop = np.asarray(picture.resize((SIZE, SIZE), Image.Resampling.LANCZOS, box=box))
        if shows_something(crop.astype(np.float32) @ LUMA):
            found.append(brightened(np.rot90(crop[:, ::-1] if mirrored else crop, turns)))
    return found


def shows_something(luma: np.ndarray) -> bool:
    """Not mostly black or flat, not burnt out, and no edge or corner where the source fades into its black frame."""
    edges = (luma[:6], luma[-6:], luma[:, :6], luma[:, -6:])
    corners = (luma[:16, :16], luma[:16, -16:], luma[-16:, :16], luma[-16:, -16:])
    if any(np.quantile(edge, 0.9) < 6 for edge in edges):
        return False
    if luma.mean() > 45 and any(corner.mean() < 5 for corner in corners):
        return False
    coarse = luma.reshape(16, 8, 16, 8).mean(axis=(1, 3))
    lit = luma.mean() >= 24 and (luma < 18).mean() <= 0.55 and (coarse > 14).mean() >= 0.55
    return bool(lit and coarse.std() >= 9 and (luma > 250).mean() < 0.15)


def brightened(crop: np.ndarray) -> np.ndarray:
    peak = max(float(np.quantile(crop.astype(np.float32) @ LUMA, 0.99)), 1)
    gain = np.float32(min(max(1, BRIGHT / peak), LARGEST_GAIN))
    return np.clip(crop.astype(np.float32) * gain + 0.5, 0, 255).astype(np.uint8)


if __name__ == "__main__":
    main()
