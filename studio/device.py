"""The device manager: the only place that knows devices, precisions, memory formats, threads and seeds.

    device = choose("auto")            # or "cpu", "cuda", "cuda:1", "mps", "xpu"; STUDIO_DEVICE sets what "auto" means
    network = device.place_network(network)    # in the device's precision and memory format
    with device.computing():           # threads and arithmetic as the device wants them, put back afterwards
        ...

Precision "auto" is bfloat16 where the processor multiplies it natively (AMX or AVX512-BF16, or a GPU that has it), else
float32. Losses, Gram matrices and optimisers stay in float32 everywhere.
"""

from __future__ import annotations

import ctypes
import os
import platform
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from studio.errors import DeviceError

KINDS = ("cpu", "cuda", "mps", "xpu")
PRECISIONS = ("auto", "float32", "bfloat16")
_PATIENCE = timedelta(hours=12)  # of a process for the others

_Result = TypeVar("_Result")
_Size = TypeVar("_Size")
_Network = TypeVar("_Network", bound=nn.Module)
_compute_lock = threading.RLock()


@dataclass(frozen=True)
class Device:
    """A place to compute: `kind` and `index`, the `precision` of networks, and the number of CPU `threads`."""

    kind: str = "cpu"
    index: int | None = None
    precision: str = "float32"
    threads: int = 1

    @property
    def name(self) -> str:
        """The device as one writes it: "cpu", "cuda:0"."""
        return self.kind if self.index is None else f"{self.kind}:{self.index}"

    @property
    def name_and_precision(self) -> str:
        """For people: "cpu in bfloat16"."""
        return f"{self.name} in {self.precision}"

    @property
    def location(self) -> torch.device:
        """The device as torch knows it."""
        return torch.device(self.name)

    @property
    def dtype(self) -> torch.dtype:
        """The precision of network weights and activations."""
        return torch.bfloat16 if self.precision == "bfloat16" else torch.float32

    @property
    def attention(self) -> str:
        """How transformers computes attention while a network is trained: on a CPU the gradient of the fused kind is
        slow in half precision.
        """
        return "eager" if self.kind == "cpu" else "sdpa"

    def place(self, tensor: Tensor) -> Tensor:
        """A tensor moved here in its own precision, channels last if it is 4-D."""
        layout = torch.channels_last if tensor.ndim == 4 else torch.preserve_format
        return tensor.to(self.location, memory_format=layout)

    def place_network(self, network: _Network) -> _Network:
        """A network moved here, in the device's precision and memory format."""
        return network.to(self.location, self.dtype, memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]

    def place_for_training(self, network: _Network) -> _Network:
        """A network moved here in float32, in the device's memory format; it computes in `mixed` precision."""
        return network.to(self.location, memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]

    def generator(self, seed: int) -> torch.Generator:
        """A seeded stream of random numbers. It lives on the CPU, so that a seed means the same on every device."""
        return torch.Generator().manual_seed(seed)

    def seed(self, seed: int) -> None:
        """Seed what networks draw from by themselves, as for dropout."""
        if self.kind == "cpu":
            torch.default_generator.manual_seed(seed)  # to ask for other devices takes longer than a small step may
        else:
            torch.manual_seed(seed)

    @contextmanager
    def computing(self) -> Iterator[None]:
        """Compute with this device's threads and arithmetic; what the process had before comes back at the end.

        Freed memory is kept for the next step instead of being handed back to the system (on Linux with glibc, whose
        thresholds stay at their usual values afterwards and no longer adapt): large activations then cost no page
        faults, which otherwise take longer than the arithmetic on them.
        """
        with _compute_lock:
            threads = torch.get_num_threads()
            deterministic, benchmark = torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark
            _keep_freed_memory(True)
            try:
                torch.set_num_threads(self.threads)
                torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = True, False
                yield
            finally:
                torch.set_num_threads(threads)
                torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = deterministic, benchmark
                _keep_freed_memory(False)

    def mixed(self) -> AbstractContextManager[Any]:
        """Training: networks with float32 weights compute in the device's precision in here."""
        return torch.autocast(self.kind, self.dtype, enabled=self.dtype != torch.float32)

    def accelerator(self) -> Any:
        """Hugging Face's Accelerator for this device: the processes of a launch, their gradients, their logs."""
        # Imported here: it takes longer to load than `studio --help` may.
        from accelerate import Accelerator
        from accelerate.state import AcceleratorState
        from accelerate.utils import InitProcessGroupKwargs

        AcceleratorState._reset_state()  # one process may train on one device after another
        # The others wait for the first one while it prepares the pictures and looks for copies among them.
        waiting = [InitProcessGroupKwargs(timeout=_PATIENCE)] if int(os.environ.get("WORLD_SIZE", "1")) > 1 else None
        return Accelerator(cpu=self.kind == "cpu", mixed_precision="no", kwargs_handlers=waiting)

    def free_memory(self) -> int | None:
        """Bytes that could be allocated now, or None where the device cannot say."""
        if self.kind == "cuda":
            return int(torch.cuda.mem_get_info(self.location)[0])
        if self.kind == "xpu":
            return int(torch.xpu.mem_get_info(self.location)[0])
        if self.kind == "mps":
            return int(torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory())
        return _free_system_memory()

    def peak_memory(self) -> int:
        """The most bytes held so far: of this process on the CPU, of the device's allocator on a GPU."""
        if self.kind == "cuda":
            return int(torch.cuda.max_memory_allocated(self.location))
        if self.kind == "xpu":
            return int(torch.xpu.max_memory_allocated(self.location))
        if self.kind == "mps":
            return int(torch.mps.driver_allocated_memory())
        return _peak_of_process()

    def environment(self) -> dict[str, str | int]:
        """What the bytes of a result depend on here: for recipes."""
        return {
            "device": self.name,
            "precision": self.precision,
            "threads": self.threads,
            "torch": torch.__version__,
            "processor": _processor(self.kind, self.index),
        }

    def synchronize(self) -> None:
        """Wait until everything asked of the device is done, so that a clock can be read."""
        if self.kind != "cpu":
            getattr(torch, self.kind).synchronize()

    def release(self) -> None:
        """Give cached memory back after something ran out of it."""
        if self.kind != "cpu":
            getattr(torch, self.kind).empty_cache()


def choose(name: str = "auto", precision: str = "auto", threads: int | None = None) -> Device:
    """The device called `name`, checked that it is there. "auto": STUDIO_DEVICE if set, else the fastest found.

    Raises DeviceError for a name that is unknown or not available here.
    """
    if threads is not None and (not isinstance(threads, int) or threads < 1):
        raise DeviceError(f"Expected a number of threads of at least 1, got {threads!r}.")
    name = str(name)
    if name == "auto":
        name = os.environ.get("STUDIO_DEVICE", "auto") or "auto"
    if name == "auto":
        name = available()[0]
    kind, _, index = name.partition(":")
    if kind not in KINDS or (index and not (index.isdigit() and kind in ("cuda", "xpu"))):
        raise DeviceError(f"Unknown device {name!r}: expected auto, cpu, cuda, cuda:N, mps or xpu.")
    if name not in available() and kind not in available():
        raise DeviceError(f"No {kind} device here; available: {', '.join(available())}. `studio doctor` says more.")
    if index and int(index) >= getattr(torch, kind).device_count():
        raise DeviceError(f"There is no {name}: the last one is {kind}:{getattr(torch, kind).device_count() - 1}.")
    if precision not in PRECISIONS:
        raise DeviceError(f"Unknown precision {precision!r}: expected {', '.join(PRECISIONS)}.")
    if precision == "auto":
        precision = "bfloat16" if _multiplies_bfloat16(kind, int(index or 0)) else "float32"
    return Device(kind, int(index) if index else None, precision, threads or torch.get_num_threads())


def is_here(name: str) -> bool:
    """Whether the device that `name` asks for works here; True for names that no machine knows."""
    kind, _, index = str(name).partition(":")
    if kind not in KINDS:
        return True
    return kind in available() and not (index.isdigit() and int(index) >= getattr(torch, kind).device_count())


def available() -> list[str]:
    """The kinds of device that work here, the fastest first; "cpu" is always the last."""
    found = [
        kind for kind in ("cuda", "xpu", "mps") if getattr(torch, kind, None) and getattr(torch, kind).is_available()
    ]
    return [*found, "cpu"]


def describe() -> list[tuple[str, str]]:
    """(device, what it is and how it will compute) for every device here: what `studio doctor` prints."""
    rows = []
    for kind in available():
        device = choose(kind)
        free = device.free_memory()
        memory = f", {free / 2**30:.1f} GiB free" if free else ""
        if kind == "cpu":
            capable = torch.cpu.get_capabilities()
            units = [unit for unit in ("amx_bf16", "avx512_bf16", "avx512_f", "avx2") if capable.get(unit)]
            rows.append(
                (
                    kind,
                    f"{device.threads} threads, {device.precision} ({', '.join(units) or 'no vector units'}){memory}",
                )
            )
        else:
            title = getattr(torch, kind).get_device_name() if kind in ("cuda", "xpu") else "Apple GPU"
            rows.append((kind, f"{title}, {device.precision}{memory}"))
    return rows


def try_out(device: Device) -> None:
    """Convolve something small, forward and backward; raises whatever the device raises."""
    network = device.place_network(nn.Conv2d(3, 8, 3))
    picture = device.place(torch.rand(1, 3, 16, 16)).to(device.dtype).requires_grad_()
    network(picture).float().sum().backward()
    device.synchronize()


def missing() -> list[tuple[str, str]]:
    """(kind, what to do) for hardware that is in this machine but that the installed torch cannot use."""
    if Path("/proc/driver/nvidia/version").exists() and "cuda" not in available():
        return [("cuda", "install a CUDA build: pip install --force-reinstall torch (without constraints.txt)")]
    if sys.platform == "darwin" and platform.machine() == "arm64" and "mps" not in available():
        return [("mps", "update torch and macOS: pip install --upgrade torch")]
    return []


def retry_with_less(attempt: Callable[[_Size], _Result], sizes: Sequence[_Size], device: Device, what: str) -> _Result:
    """`attempt(size)` with the first of `sizes`, and with the next smaller one each time memory runs out.

    Raises DeviceError when the smallest does not fit either.
    """
    for size in sizes:
        try:
            return attempt(size)
        except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
        device.release()
    raise DeviceError(
        f"Out of memory on {device.name}: {what} does not fit even in the smallest pieces; make it smaller."
    )


def is_out_of_memory(error: Exception) -> bool:
    """Whether memory ran out, of the machine or of the device."""
    # The allocators of CPUs and of Apple's GPUs raise plain RuntimeErrors, told by their words.
    words = ("can't allocate memory", "not enough memory", "out of memory")
    return isinstance(error, (torch.OutOfMemoryError, MemoryError)) or any(found in str(error) for found in words)


def _processor(kind: str, index: int | None) -> str:
    if kind in ("cuda", "xpu"):
        return str(getattr(torch, kind).get_device_name(index or 0))
    return (
        f"{torch.cpu.get_capabilities().get('cpu_name', platform.machine())} {torch.backends.cpu.get_cpu_capability()}"
    )


def _multiplies_bfloat16(kind: str, index: int) -> bool:
    if kind == "cpu":
        capable = torch.cpu.get_capabilities()
        return bool(capable.get("amx_bf16") or capable.get("avx512_bf16"))
    if kind == "cuda":
        return torch.cuda.get_device_capability(index) >= (8, 0)
    return kind == "xpu"


def _free_system_memory() -> int | None:
    try:
        with Path("/proc/meminfo").open(encoding="ascii") as lines:
            for line in lines:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return None


def _peak_of_process() -> int:
    if sys.platform == "win32":
        return 0
    import resource  # there is none on Windows

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _keep_freed_memory(keep: bool) -> None:
    """Tell glibc to reuse freed blocks of any size (`keep`), or to return them to the system now (`not keep`)."""
    if not sys.platform.startswith("linux"):
        return
    libc = ctypes.CDLL(None)
    if not hasattr(libc, "mallopt"):  # musl has none
        return
    trim_threshold, mmap_threshold, arena_max = -1, -3, -8
    if keep:
        libc.mallopt(arena_max, 1)
        libc.mallopt(mmap_threshold, 1 << 30)
        libc.mallopt(trim_threshold, 2**31 - 1)
    else:
        libc.mallopt(mmap_threshold, 128 * 1024)
        libc.mallopt(trim_threshold, 128 * 1024)
        libc.malloc_trim(0)
