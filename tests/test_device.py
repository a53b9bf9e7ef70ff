"""The device manager: names, precisions, threads, seeds, and what happens when memory runs out."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from studio.device import Device, available, choose, describe, is_here, missing, retry_with_less, try_out
from studio.errors import DeviceError

ABSURD = 2**58  # float32 values: an exbibyte, which no machine has


@pytest.fixture(autouse=True)
def no_wish_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STUDIO_DEVICE", raising=False)


def test_auto_is_the_first_that_is_available() -> None:
    assert choose().kind == choose("auto").kind == available()[0]
    assert available()[-1] == "cpu"


def test_the_environment_says_what_auto_means(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STUDIO_DEVICE", "cpu")
    assert choose().name == "cpu"
    monkeypatch.setenv("STUDIO_DEVICE", "toaster")
    with pytest.raises(DeviceError, match="Unknown device 'toaster'"):
        choose()
    assert choose("cpu").name == "cpu"  # what is asked for by name does not look there
    monkeypatch.setenv("STUDIO_DEVICE", "")
    assert choose().kind == available()[0]


@pytest.mark.parametrize(
    "name", ["", "gpu", "CPU", "cpu:0", "mps:0", "cuda:", "cuda:x", "cuda:-1", "cuda:1:2", ":0", "cuda 0", "cuda:²"]
)
def test_unknown_names(name: str) -> None:
    with pytest.raises(DeviceError) as refused:
        choose(name)
    assert "Unknown device" in str(refused.value) or "No cuda device here" in str(refused.value)


@pytest.mark.parametrize("kind", ["cuda", "mps", "xpu"])
def test_devices_that_are_not_here_are_refused_with_those_that_are(kind: str) -> None:
    if kind in available():
        assert choose(kind).name == kind
        return
    with pytest.raises(DeviceError, match=rf"No {kind} device here; available: .*cpu\. `studio doctor` says more"):
        choose(kind)


def test_an_index_beyond_the_last_device() -> None:
    kinds = [kind for kind in available() if kind in ("cuda", "xpu")]
    with pytest.raises(DeviceError, match=f"There is no {kinds[0]}:99" if kinds else "No cuda device here"):
        choose(f"{kinds[0] if kinds else 'cuda'}:99")


def test_precision() -> None:
    assert choose("cpu", "float32").dtype == torch.float32
    assert choose("cpu", "bfloat16").dtype == torch.bfloat16
    native = torch.cpu.get_capabilities()
    expected = "bfloat16" if native.get("amx_bf16") or native.get("avx512_bf16") else "float32"
    assert choose("cpu").precision == expected
    with pytest.raises(DeviceError, match="Unknown precision 'float16': expected auto, float32, bfloat16"):
        choose("cpu", "float16")


def test_threads() -> None:
    assert choose("cpu").threads == torch.get_num_threads()
    assert choose("cpu", threads=1).threads == 1
    with pytest.raises(DeviceError, match="threads"):
        choose("cpu", threads=-1)


def test_names_for_people() -> None:
    assert is_here("cpu") and is_here("what") and not is_here("cuda:99") and not is_here("xpu:99")
    assert (Device("cuda", 1).name, Device("cpu").name) == ("cuda:1", "cpu")
    assert choose("cpu", "bfloat16").name_and_precision == "cpu in bfloat16"
    assert choose("cpu").environment().keys() == {"device", "precision", "threads", "torch", "processor"}


def test_place_puts_networks_in_the_precision_and_tensors_as_they_are() -> None:
    device = choose("cpu", "bfloat16")
    network = device.place_network(nn.Conv2d(3, 4, 3))
    assert network.weight.dtype == torch.bfloat16
    assert network.weight.is_contiguous(memory_format=torch.channels_last)
    picture = device.place(torch.rand(1, 3, 4, 5))
    assert picture.dtype == torch.float32 and picture.is_contiguous(memory_format=torch.channels_last)
    assert device.place(torch.rand(3, 4)).is_contiguous()


def state() -> tuple[object, ...]:
    cudnn = torch.backends.cudnn
    return torch.get_num_threads(), cudnn.deterministic, cudnn.benchmark


def test_computing_sets_threads_and_puts_everything_back() -> None:
    before = state()
    with choose("cpu", threads=1).computing():
        assert torch.get_num_threads() == 1
        with choose("cpu", threads=2).computing():
            assert torch.get_num_threads() == 2
        assert torch.get_num_threads() == 1
    assert state() == before


def test_computing_puts_everything_back_after_an_exception() -> None:
    before = state()
    with pytest.raises(ZeroDivisionError), choose("cpu", threads=1).computing():
        torch.backends.cudnn.benchmark = True
        raise ZeroDivisionError
    assert state() == before


def test_two_threads_compute_one_after_the_other() -> None:
    events: list[str] = []

    def work(name: str, threads: int) -> None:
        with choose("cpu", threads=threads).computing():
            events.append(name)
            time.sleep(0.02)
            events.append(name)

    workers = [threading.Thread(target=work, args=(name, count)) for name, count in (("a", 1), ("b", 2))]
    before = state()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert events in (["a", "a", "b", "b"], ["b", "b", "a", "a"])
    assert state() == before


def test_a_seed_means_the_same_again_and_leaves_the_global_stream_alone() -> None:
    before = torch.get_rng_state()
    first, again, other = (torch.rand(5, generator=choose("cpu").generator(seed)) for seed in (7, 7, 8))
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), before)
    choose("cpu").generator(2**63 - 1)


def test_memory() -> None:
    device = choose("cpu")
    free = device.free_memory()
    assert free is None or 2**20 < free < 2**50
    before = device.peak_memory()
    assert before > 2**20
    held = torch.ones(2**25)  # 128 MiB
    assert device.peak_memory() >= before and held.sum() == 2**25


def test_describe_try_out_and_missing() -> None:
    rows = dict(describe())
    assert list(rows) == available()
    assert f"{choose('cpu').threads} threads, {choose('cpu').precision}" in rows["cpu"]
    for name in available():
        try_out(choose(name))
        choose(name).synchronize()
        choose(name).release()
    assert all(kind not in available() and "pip install" in remedy for kind, remedy in missing())


def allocate(size: int) -> str:
    return f"{torch.empty(size).numel()} fit"


def test_less_is_tried_when_memory_really_runs_out() -> None:
    tried: list[int] = []

    def attempt(size: int) -> str:
        tried.append(size)
        return allocate(size)

    assert retry_with_less(attempt, [ABSURD, ABSURD // 2, 16, 8], choose("cpu"), "a picture") == "16 fit"
    assert tried == [ABSURD, ABSURD // 2, 16]


def test_an_error_in_words_when_nothing_fits() -> None:
    with pytest.raises(DeviceError, match="Out of memory on cpu: a picture of 9 × 9 does not fit even in the smallest"):
        retry_with_less(allocate, [ABSURD, ABSURD // 2], choose("cpu"), "a picture of 9 × 9")


def out_of_memory() -> None:
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")


def memory_error() -> None:
    bytearray(2**62)


@pytest.mark.parametrize("fail", [out_of_memory, memory_error])
def test_other_ways_to_run_out_of_memory(fail: Callable[[], None]) -> None:
    def attempt(size: int) -> int:
        if size > 10:
            fail()
        return size

    assert retry_with_less(attempt, [20, 15, 10, 5], choose("cpu"), "a picture") == 10


@pytest.mark.parametrize("error", [RuntimeError("shapes do not match"), ValueError("no"), KeyboardInterrupt()])
def test_other_errors_pass_through_at_once(error: BaseException) -> None:
    tried: list[int] = []

    def attempt(size: int) -> None:
        tried.append(size)
        raise error

    with pytest.raises(type(error)) as raised:
        retry_with_less(attempt, [3, 2, 1], choose("cpu"), "a picture")
    assert raised.value is error and tried == [3]


def test_freed_memory_comes_back_to_the_system_after_computing() -> None:
    """Resident memory once the work is over is near what it was before it."""
    if not Path("/proc/self/statm").is_file():
        pytest.skip("this system does not say how much memory a process holds")

    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    before = resident()
    with choose("cpu").computing():
        for _ in range(3):
            torch.ones(2**25).sum()
    assert resident() - before < 2**26


def test_only_a_cpu_trains_with_attention_step_by_step() -> None:
    assert Device("cpu").attention == "eager" and Device("cuda", 0).attention == "sdpa"
