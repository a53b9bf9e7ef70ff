"""Rules of the house that a reader could check by eye, checked by a machine."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
HIDDEN = {"__pycache__", "out", "dist", "build", "node_modules"}
MODULES = sorted((ROOT / "studio").rglob("*.py"))

# How far up a part of the package stands: it imports from its own height downwards, never upwards.
HEIGHTS = {
    "errors": 0, "parameters": 0, "progress": 0, "device": 0, "tracing": 0, "music": 0, "verse": 0,
    "options": 1, "hub": 1, "terminal": 1, "media": 1, "networks": 1, "losses": 1,
    "zoo": 2, "data": 2, "style": 2, "melody": 2, "text": 2, "recipe": 2,
    "metrics": 3, "latent": 3,
    "training": 4, "generation": 4,
    "pipelines": 5,
    "remake": 6, "doctor": 6,
    "batch": 7, "ui": 7,
    "commands": 8, "cli": 9, "__main__": 10,
}  # fmt: skip

ONLY_IN_DEVICE = re.compile(r"(?<![a-z])(cuda|mps|xpu|autocast|bfloat16|memory_format)(?![a-z])", re.IGNORECASE)


def texts() -> list[Path]:
    """Every text file of the repository that is not hidden or made by a tool."""
    found = []
    for path in ROOT.rglob("*"):
        parts = path.relative_to(ROOT).parts
        if path.is_file() and not any(
            part.startswith(".") or part in HIDDEN or part.endswith(".egg-info") for part in parts
        ):
            found.append(path)
    return sorted(path for path in found if b"\0" not in path.read_bytes()[:4096])


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def python_files() -> list[Path]:
    return [path for path in texts() if path.suffix == ".py"]


def device_words(source: str) -> Iterator[tuple[int, str]]:
    """(line, word) for identifiers and texts in code that name a device; docstrings and `help=` speak to people."""
    tree = ast.parse(source)
    spoken = set()
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            and ast.get_docstring(node) is not None
        ):
            spoken.add(id(node.body[0].value))  # type: ignore[attr-defined]
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            spoken.add(id(node.value))
        if isinstance(node, ast.keyword) and node.arg in ("help", "info"):
            spoken.update(id(part) for part in ast.walk(node.value))
    for node in ast.walk(tree):
        words = {
            ast.Name: lambda n: n.id, ast.Attribute: lambda n: n.attr,
            ast.arg: lambda n: n.arg, ast.alias: lambda n: n.name,
            ast.keyword: lambda n: n.arg or "", ast.FunctionDef: lambda n: n.name, ast.ClassDef: lambda n: n.name,
            ast.Constant: lambda n: n.value if isinstance(n.value, str) and id(n) not in spoken else "",
        }.get(type(node))  # fmt: skip
        if words and (found := ONLY_IN_DEVICE.search(words(node))):
            yield getattr(node, "lineno", 0), found[0]


def imported(source: str) -> Iterator[str]:
    """The modules of this package that a source imports, at its top or inside functions, without "studio."."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name.removeprefix("studio.") for alias in node.names if alias.name.startswith("studio."))
        if isinstance(node, ast.ImportFrom):
            assert not node.level, "imports name the package from its root"
            if node.module == "studio":
                yield from (alias.name for alias in node.names if not alias.name.startswith("__"))
            elif node.module and node.module.startswith("studio."):
                yield node.module.removeprefix("studio.")


def height(module: str) -> int:
    part = next((part for part in (module, module.split(".")[0]) if part in HEIGHTS), None)
    assert part is not None, f"studio/{module.replace('.', '/')} has no height yet: say in HEIGHTS where it stands"
    return HEIGHTS[part]


@pytest.mark.parametrize("path", [path for path in MODULES if named(path) != "studio/device.py"], ids=named)
def test_only_the_device_manager_knows_devices(path: Path) -> None:
    assert not list(device_words(path.read_text(encoding="utf-8")))


def test_that_rule_sees_what_it_should() -> None:
    source = '''"""About cuda."""
from torch import autocast
def f(x=typer.Option(help="cuda or mps"), info="xpu"):
    """Not on mps."""
    if x == "cuda:0": x.to(memory_format=1); torch.bfloat16
    clamps = f"{x} on MPS"
'''
    found = {word for _, word in device_words(source)}
    assert found == {"autocast", "xpu", "cuda", "memory_format", "bfloat16", "MPS"}
    assert len(list(device_words((ROOT / "studio" / "device.py").read_text()))) > 20


@pytest.mark.parametrize(
    "path", [path for path in MODULES if path.parent != ROOT / "studio" or path.stem != "__init__"], ids=named
)
def test_imports_point_one_way(path: Path) -> None:
    module = ".".join(path.relative_to(ROOT / "studio").with_suffix("").parts).removesuffix(".__init__")
    upwards = [name for name in imported(path.read_text(encoding="utf-8")) if height(name) > height(module)]
    assert not upwards, f"studio.{module} imports upwards: {', '.join(upwards)}"


def test_that_rule_sees_imports_in_functions_too() -> None:
    source = "import studio.hub\ndef f():\n    from studio.ui import shell\n    from studio import cli, __version__\n"
    assert sorted(imported(source)) == ["cli", "hub", "ui"]


@pytest.mark.parametrize("path", python_files(), ids=named)
def test_no_file_is_long(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


@pytest.mark.parametrize(
    "path", [path for path in MODULES if path.stem != "__init__" or path.stat().st_size], ids=named
)
def test_every_module_says_what_it_is(path: Path) -> None:
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    assert docstring and docstring.split("\n")[0].strip()


def test_models_hold_no_code() -> None:
    kinds = {path.suffix for path in (ROOT / "models").rglob("*") if path.is_file()}
    assert ".safetensors" in kinds
    assert kinds <= {".safetensors", ".json", ".md", ""}
    assert not [path for path in (ROOT / "models").rglob("*") if path.is_file() and path.stat().st_mode & 0o111]


def test_no_address_of_a_model_hub_or_a_code_host() -> None:
    hosts = "|".join(
        re.escape(name + "." + end)
        for name, end in [("huggingface", "co"), ("hf", "co"), ("github", "com"), ("gitlab", "com")]
    )
    address = re.compile(rf"(?<![\w-])({hosts})(?!\w)", re.IGNORECASE)
    assert address.search("https://hf" + ".co/x") and not address.search("self.config")
    found = [
        f"{named(path)}: {match[0]}"
        for path in texts()
        if (match := address.search(path.read_text("utf-8", errors="replace")))
    ]
    assert not found
