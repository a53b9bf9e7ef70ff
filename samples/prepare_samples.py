"""Rebuild samples/content and samples/style from two public packages; CREDITS.md names the licences.

    pip download --no-deps scikit-image==0.26.0 && unzip scikit_image-0.26.0-*.whl -d skimage_wheel
    apt-get download gcompris-qt-data && dpkg -x gcompris-qt-data_3.1-2_all.deb gcompris
    python samples/prepare_samples.py skimage_wheel gcompris

Needs Pillow, with WebP, and the standard library.
"""

import argparse
import io
import json
import re
import struct
import zlib
from pathlib import Path

from PIL import Image, ImageChops

LONGEST_SIDE = 960
JPEG_QUALITY = 90

WHEEL_PHOTOGRAPHS = {
    "astronaut": "astronaut.png",
    "cat": "chelsea.png",
    "coffee": "coffee.png",
    "rocket": "rocket.jpg",
}
MONUMENT_PHOTOGRAPHS = {
    "machu_picchu": "wonders/machuPicchu.webp",
    "neuschwanstein": "germany/neuschwansteinCastle.webp",
}
# Our name: what the board's instruction starts with.
PAINTINGS = {
    "arcimboldo_spring": "Giuseppe Arcimboldo, Spring",
    "cassatt_summertime": "Mary Cassatt, Summertime",
    "hiroshige_shrine_in_snow": "Utagawa Hiroshige, The Benzaiten Shrine",
    "hokusai_great_wave": "Katsushika Hokusai, The Great Wave",
    "hokusai_poppies": "Katsushika Hokusa, Poppies",
    "hokusai_woman_with_fan": "Katsushika Hokusai, Woman holding a fan",
    "kandinsky_composition_viii": "Wassily Kandinsky, Composition VIII",
    "van_gogh_village_street": "Vincent Van Gogh, Village Street",
}
# Pixels to cut at the left, top, right and bottom: a print's paper margin, else the ragged rim of the pieces.
RAGGED_RIM = (1, 1, 1, 1)
PAPER_MARGINS = {
    "hiroshige_shrine_in_snow": (4, 5, 4, 4),
    "hokusai_woman_with_fan": (12, 14, 17, 27),
    "van_gogh_village_street": (1, 1, 2, 1),
}


def main():
    parser = argparse.ArgumentParser(description="Rebuild samples/content and samples/style from public packages.")
    parser.add_argument("wheel", type=Path, help="folder with the unpacked scikit-image wheel")
    parser.add_argument("gcompris", type=Path, help="folder with the unpacked gcompris-qt-data package")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent, help="default: this script's folder")
    arguments = parser.parse_args()

    resources = arguments.gcompris / "usr" / "share" / "gcompris-qt" / "rcc"
    for name, file in WHEEL_PHOTOGRAPHS.items():
        save_jpeg(Image.open(arguments.wheel / "skimage" / "data" / file), arguments.output / "content" / f"{name}.jpg")
    monuments = read_qt_resources(resources / "explore_monuments.rcc")
    for name, file in MONUMENT_PHOTOGRAPHS.items():
        photograph = Image.open(io.BytesIO(monuments[f"gcompris/src/activities/explore_monuments/resource/{file}"]))
        save_jpeg(photograph, arguments.output / "content" / f"{name}.jpg")
    jigsaws = read_qt_resources(resources / "paintings.rcc")
    for name, instruction in PAINTINGS.items():
        painting = trim(assemble_painting(jigsaws, instruction), *PAPER_MARGINS.get(name, RAGGED_RIM))
        save_jpeg(painting, arguments.output / "style" / f"{name}.jpg")


def save_jpeg(image, path):
    """Save as RGB without metadata, never enlarged."""
    image = image.convert("RGB")
    image.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
    image.info.clear()
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, quality=JPEG_QUALITY, optimize=True)
    print(f"{path}  {image.width} x {image.height}  {path.stat().st_size:,} bytes")


def read_qt_resources(path):
    """The files of a compiled Qt resource collection (.rcc): {path inside: bytes}.

    All numbers are big-endian. The header names three tables: a tree of fixed-size nodes, node 0 the root;
    the names in UTF-16; the contents, each after its length, some of them zlib-compressed.
    """
    collection = path.read_bytes()
    magic, version, tree, contents, names = struct.unpack_from(">4sIIII", collection)
    if magic != b"qres":
        raise ValueError(f"Expected a Qt resource file, which starts with b'qres'; {path} starts with {magic}.")
    node_size = 14 if version == 1 else 22  # from version 2 on a node ends with a time stamp

    files = {}
    folders = [("", 0)]
    while folders:
        prefix, folder = folders.pop()
        child_count, first_child = struct.unpack_from(">II", collection, tree + folder * node_size + 6)
        for child in range(first_child, first_child + child_count):
            node = tree + child * node_size
            name_offset, flags = struct.unpack_from(">IH", collection, node)
            (name_length,) = struct.unpack_from(">H", collection, names + name_offset)
            name_start = names + name_offset + 6  # after the length and a hash
            name = prefix + collection[name_start : name_start + 2 * name_length].decode("utf-16-be")
            if flags & 2:
                folders.append((f"{name}/", child))
                continue
            (content_offset,) = struct.unpack_from(">I", collection, node + 10)
            (content_length,) = struct.unpack_from(">I", collection, contents + content_offset)
            content_start = contents + content_offset + 4
            content = collection[content_start : content_start + content_length]
            files[name] = zlib.decompress(content[4:]) if flags & 1 else content
    return files


def assemble_painting(files, instruction):
    """Lay the jigsaw pieces of the board whose instruction starts like this.

    Positions are rounded, so neighbours may miss each other by a pixel: what shows through is filled from beside it.
    """
    resource = "gcompris/src/activities/paintings/resource/"
    boards = [content.decode() for name, content in files.items() if name.startswith(f"{resource}board/")]
    board = next((text for text in boards if f'qsTr("{instruction}' in text), None)
    if board is None:
        raise ValueError(f"Expected a board whose instruction starts with {instruction!r}; none of {len(boards)} does.")

    background, *pieces = [json.loads(item) for item in re.findall(r"\{[^{}]*\}", board.partition("levels")[2])]
    canvas = Image.new("RGBA", (background["width"], background["height"]))
    for piece in pieces:
        picture = Image.open(io.BytesIO(files[resource + piece["pixmapfile"]])).convert("RGBA")
        # x and y place the middle of a piece, as fractions of the canvas.
        left = float(piece["x"]) * canvas.width - picture.width / 2
        top = float(piece["y"]) * canvas.height - picture.height / 2
        canvas.alpha_composite(picture, (max(0, round(left)), max(0, round(top))))
    filled = ImageChops.offset(canvas, 1, 0)
    filled.alpha_composite(canvas)
    return filled.crop(canvas.getbbox()).convert("RGB")


def trim(image, left, top, right, bottom):
    """Cut this many pixels off each side."""
    return image.crop((left, top, image.width - right, image.height - bottom))


if __name__ == "__main__":
    main()
