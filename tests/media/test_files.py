"""Writing files whole: full disks, kills in the middle, folders that refuse."""

from __future__ import annotations

import errno
import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.errors import InputError, OutputError
from studio.media import files

KILLS = 20
REWRITE = """
import sys
from studio.media import files
while True:
    for letter in b"abcdefgh":
        files.write_bytes(sys.argv[1], bytes([letter]) * 1_000_000)
"""


def listing(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_written_and_written_again(tmp_path: Path) -> None:
    target = tmp_path / "a.bin"
    assert files.write_bytes(target, b"first") == target
    files.write_bytes(str(target), b"second")
    assert target.read_bytes() == b"second"
    assert listing(tmp_path) == ["a.bin"]


def test_a_new_file_has_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    files.write_bytes(tmp_path / "a.bin", b"x")
    assert (tmp_path / "a.bin").stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.parametrize("call", ["fsync", "replace", "chmod"])
@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "the disk is full; free some space"),
        (errno.EDQUOT, "the disk is full; free some space"),
        (errno.EACCES, "no permission to write in"),
        (errno.EROFS, "no permission to write in"),
        (errno.EIO, "Input/output error"),
    ],
)
def test_a_failure_in_the_middle_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int, words: str
) -> None:
    target = files.write_bytes(tmp_path / "a.bin", b"old")

    def fail(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, call, fail)
    with pytest.raises(OutputError) as refused:
        files.write_bytes(target, b"new")
    monkeypatch.undo()
    assert f"Cannot write {target}: " in str(refused.value) and words in str(refused.value)
    assert target.read_bytes() == b"old"
    assert listing(tmp_path) == ["a.bin"]


def test_ctrl_c_in_the_middle_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = files.write_bytes(tmp_path / "a.bin", b"old")

    def interrupt(handle: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        files.write_bytes(target, b"new")
    monkeypatch.undo()
    assert target.read_bytes() == b"old"
    assert listing(tmp_path) == ["a.bin"]


@pytest.fixture
def mounted(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A folder with a file system of its own of 256 KiB; `request.param` are more options of it."""
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
    if not sys.platform.startswith("linux") or os.geteuid() or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("mounting a small file system needs root on Linux")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_disk_that_is_really_full(mounted: Path) -> None:
    target = files.write_bytes(mounted / "a.bin", b"old")
    with pytest.raises(OutputError, match="the disk is full; free some space and run it again"):
        files.write_bytes(target, b"x" * 1_000_000)
    assert target.read_bytes() == b"old"
    assert listing(mounted) == ["a.bin"]


def test_a_disk_that_is_really_read_only(mounted: Path) -> None:
    target = files.write_bytes(mounted / "a.bin", b"old")
    subprocess.run(["mount", "-o", "remount,ro", str(mounted)], check=True)
    for refuse in (lambda: files.write_bytes(target, b"new"), lambda: files.check_writable(target, (".bin",))):
        with pytest.raises(OutputError, match=f"no permission to write in {mounted}; choose another folder"):
            refuse()
    assert target.read_bytes() == b"old"


def test_a_folder_without_permission(tmp_path: Path) -> None:
    """As root by taking on the rights of somebody else for a moment, else by chmod alone."""
    tmp_path.chmod(0o555)
    was_root = hasattr(os, "geteuid") and os.geteuid() == 0
    parents = [parent for parent in tmp_path.parents if was_root and parent.stat().st_uid == 0]
    modes = [parent.stat().st_mode for parent in parents]
    try:
        for parent, mode in zip(parents, modes, strict=True):
            parent.chmod(mode | 0o011)
        if was_root:
            os.seteuid(65534)
        for refuse in (
            lambda: files.write_bytes(tmp_path / "a.bin", b"x"),
            lambda: files.check_writable(tmp_path / "a.bin", (".bin",)),
            lambda: files.make_folder(tmp_path / "new"),
        ):
            with pytest.raises(OutputError, match=r"Cannot write .*: no permission to write in .*; choose another"):
                refuse()
    finally:
        if was_root:
            os.seteuid(0)
        for parent, mode in zip(parents, modes, strict=True):
            parent.chmod(mode)
        tmp_path.chmod(0o755)
    assert listing(tmp_path) == []


def test_a_file_killed_while_it_is_rewritten_is_never_torn(tmp_path: Path) -> None:
    target = tmp_path / "a.bin"
    seen = set()
    for attempt in range(KILLS):
        with subprocess.Popen([sys.executable, "-c", REWRITE, str(target)], stderr=subprocess.PIPE) as process:
            before, deadline = target.stat().st_mtime_ns if target.exists() else 0, time.monotonic() + 20
            while not target.exists() or target.stat().st_mtime_ns == before:
                assert process.poll() is None and time.monotonic() < deadline, process.stderr and process.stderr.read()
                time.sleep(0.001)
            time.sleep(0.0007 * attempt)
            process.kill()
        content = target.read_bytes()
        assert len(content) == 1_000_000 and content == content[:1] * 1_000_000
        seen.add(content[:1])
    assert len(seen) > 1  # the kills came at different moments


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    target = tmp_path / "no" / "a.png"
    for refuse in (lambda: files.write_bytes(target, b"x"), lambda: files.check_writable(target, (".png",))):
        with pytest.raises(OutputError, match=f"there is no folder {target.parent}; make it first"):
            refuse()
    assert listing(tmp_path) == []


def test_check_writable(tmp_path: Path) -> None:
    assert files.check_writable(tmp_path / "a.PNG", (".png", ".jpg")) == tmp_path / "a.PNG"
    with pytest.raises(OutputError, match=r"expected a name that ends in \.png, \.jpg"):
        files.check_writable(tmp_path / "a.gif", (".png", ".jpg"))
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(OutputError, match="it is a folder; give the name of a file"):
        files.check_writable(tmp_path / "folder.png", (".png",))
    assert listing(tmp_path) == ["folder.png"]


@pytest.mark.parametrize("name", ["x" * 251 + ".png", "画" * 83 + ".png"], ids=["latin", "chinese"])
def test_the_longest_names_that_pass_the_check_can_be_written(tmp_path: Path, name: str) -> None:
    assert 253 <= len(name.encode()) <= 255
    target = files.check_writable(tmp_path / name, (".png",))
    files.write_bytes(target, b"x")
    assert listing(tmp_path) == [name]


def test_a_name_that_is_too_long_is_refused_in_one_line(tmp_path: Path) -> None:
    name = "x" * 300 + ".png"
    with pytest.raises(OutputError, match=r"Cannot write .*[Nn]ame too long"):
        files.check_writable(tmp_path / name, (".png",))
    with pytest.raises(InputError, match=r"Cannot read .*[Nn]ame too long"):
        files.read_bytes(tmp_path / name)


def test_reading(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"content")
    assert files.read_bytes(tmp_path / "a.bin") == b"content"
    files.check_readable(tmp_path / "a.bin")
    for read in (files.read_bytes, files.check_readable):
        with pytest.raises(InputError, match=f"There is no file {tmp_path / 'b.bin'}; check the name"):
            read(tmp_path / "b.bin")
        with pytest.raises(InputError, match="is a folder; expected a file"):
            read(tmp_path)
        with pytest.raises(InputError, match=f"Cannot read {tmp_path / 'a.bin' / 'c'}: Not a directory"):
            read(tmp_path / "a.bin" / "c")


def test_make_folder(tmp_path: Path) -> None:
    assert files.make_folder(tmp_path / "a" / "b").is_dir()
    assert files.make_folder(tmp_path / "a" / "b").is_dir()
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=f"Cannot write {tmp_path / 'file'}: File exists"):
        files.make_folder(tmp_path / "file")


def test_sha256() -> None:
    assert files.sha256(b"abc") == hashlib.sha256(b"abc").hexdigest()
