"""A Session on LiteRT's GPU accelerator: WebGPU on Vulkan, on a software driver where no GPU is there.

It is the nearest thing to a phone's GPU that runs without a phone, and not the same: LiteRT's WebGPU backend,
where Android has OpenCL and iOS Metal. What it takes and refuses, and how far its answers are from the CPU's,
is measured here; that a phone does the same is not. A phone's driver may refuse more, or less.
"""

import ctypes
import importlib.util
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from converters.delegates import gpu_log
from converters.tflite.graph import Inspection
from converters.tflite.inspect import inspect
from pipeline.artifacts import TensorSpec
from pipeline.delegation_record import AcceleratorRun, RefusedOp
from pipeline.errors import RuntimeFailure
from pipeline.preprocess import Pixels
from pipeline.runtimes import Progress, _vulkan, missing

DISTRIBUTION = "ai-edge-litert"

ACCELERATOR = "libLiteRtWebGpuAccelerator.so"
"""In the wheel of ai-edge-litert since 2.0; 1.4 has none."""

REMEDY = "apt-get install libvulkan1 chromium (a driver in software)"

HALF_REMEDY = (
    "a GPU with a Vulkan driver, or Mesa's lavapipe of version 25 (Debian 12: apt-get install -t "
    "bookworm-backports mesa-vulkan-drivers; without root as pipeline/runtimes/litert_gpu_half.py tells)"
)

WITHOUT_HALF_PRECISION = "swiftshader"
"""In the name of a driver's manifest, and of its device: its shaders have no 16-bit floats, so that half
precision is computed in float32. Measured: with and without ``enforce_f32`` outputs are equal to the last
bit. Beside lavapipe, WebGPU chooses it first."""

LAVAPIPE_REFUSED = 22
"""Mesa's lavapipe up to this version is no adapter for WebGPU: 22.3.6 is not, 25.0.7 is, none between was
tried."""

MAX_IMAGES = 500
"""Test images that verification runs, a sample. A driver in software takes 2 ms (a small CNN of digits) to
170 ms (MobileNetV2 of flowers) for one: over a test set of a hundred thousand that would be hours."""

FLUSH_IMAGES = 16
"""Images between two reports of progress: in software an image takes tens of milliseconds."""


class GpuRefusal(RuntimeFailure):
    """The accelerator does not take the whole file.

    Attributes:
        accelerated: what it took.
    """

    def __init__(self, reason: str, accelerated: AcceleratorRun) -> None:
        """The reason of the row, and the record behind it."""
        super().__init__(reason)
        self.accelerated = accelerated


def unavailable(*, half_precision: bool) -> str | None:
    """Why it cannot run here, or None. Asks the drivers for their devices, in a process of its own."""
    if reason := missing(DISTRIBUTION):
        return reason
    spec = importlib.util.find_spec("ai_edge_litert")
    folder = Path(spec.origin).parent if spec and spec.origin else None
    if folder is None or not (folder / ACCELERATOR).is_file():
        return f"{DISTRIBUTION} has no {ACCELERATOR} on this platform"
    if not _vulkan.manifests():
        return "no Vulkan driver is installed"
    try:
        ctypes.CDLL(_vulkan.LOADER)
    except OSError:
        return f"{_vulkan.LOADER} is not installed"
    answer = _vulkan.ask(_vulkan.manifests())
    taken = [device for device in answer.devices if not _too_old(device)]
    if not taken:
        found = ", ".join(map(str, answer.devices)) or answer.failure or "they name no device"
        return f"no Vulkan driver that the accelerator takes: {found}"
    if half_precision and not any(device.half_precision for device in taken):
        return f"no 16-bit floats on {', '.join(map(str, taken))}: half precision is computed in float32"
    return None


def _too_old(device: _vulkan.Device) -> bool:
    """Whether WebGPU is known to refuse it."""
    version = _vulkan.mesa_version(device)
    return device.software and version is not None and version <= LAVAPIPE_REFUSED


def _drivers(*, half_precision: bool) -> tuple[Path, ...]:
    """Manifests that WebGPU may choose among."""
    found = _vulkan.manifests()
    if not half_precision:
        return found
    return tuple(file for file in found if WITHOUT_HALF_PRECISION not in file.name.lower())


def identity(*, half_precision: bool) -> str:
    """The drivers and their versions: figures of one driver are not another's."""
    if unavailable(half_precision=half_precision) is not None:
        return ""
    return _vulkan.identity(_drivers(half_precision=half_precision))


def open_model(path: Path, *, half_precision: bool) -> "WebGpuSession":
    """Compiles a .tflite file for the GPU alone, and runs it once.

    Args:
        path: of the file.
        half_precision: 16-bit floats, which is what an app gets by default; else float32 throughout.

    Raises:
        GpuRefusal: it refuses an op; the message names its layer.
        RuntimeFailure: it finds no driver, or fails in another way; the driver has no half precision; the
            file has several inputs or outputs.
    """
    drivers = _drivers(half_precision=half_precision)
    if not drivers:
        raise RuntimeFailure("no Vulkan driver with 16-bit floats in its shaders")
    os.environ.update(_vulkan.environment(drivers))
    inspection = inspect(path)
    if len(inspection.inputs) != 1 or len(inspection.outputs) != 1:
        doors = f"{len(inspection.inputs)} inputs and {len(inspection.outputs)} outputs"
        raise RuntimeFailure(f"the file has {doors}: pictures are run through one input and one output")
    with _captured_stderr() as log:
        try:
            session = WebGpuSession(_compile(path, half_precision=half_precision), inspection)
            session.run_nothing()
            failure = None
        except RuntimeError as error:
            failure = error
    text = _text(log)
    driver = gpu_log.adapter(text)
    if failure is not None:
        reason = gpu_log.why(text, inspection) or _last_line(failure)
        if gpu_log.left_on_cpu(text) is None or not gpu_log.refusals(text, inspection):
            raise RuntimeFailure(reason) from failure
        raise GpuRefusal(reason, taken(text, inspection)) from failure
    if broken := gpu_log.invalid(text):
        # It compiles and runs, and gives whatever was in the memory.
        raise RuntimeFailure(f"the GPU's program for it is not valid: {broken}")
    if half_precision and WITHOUT_HALF_PRECISION in driver.lower():
        raise RuntimeFailure(f"{driver} computes half precision in float32: it shows nothing")
    session.accelerated = taken(text, inspection)
    return session


def taken(log: str, inspection: Inspection) -> AcceleratorRun:
    """What it took, by its own log.

    A log that tells of no op on the CPU is of a file that goes whole: it is compiled for the GPU alone, and
    an op that it does not take fails the compilation. That is its word, not ours: what the log tells counts.
    """
    ops = len(inspection.main.ops)
    return AcceleratorRun(
        driver=gpu_log.adapter(log),
        ops=ops,
        taken=max(0, ops - (gpu_log.left_on_cpu(log) or 0)),
        refused=tuple(
            RefusedOp(op=each.op, layers=each.layers, reason=each.reason)
            for each in gpu_log.refusals(log, inspection)
        ),
    )


def _last_line(failure: BaseException) -> str:
    """Of a message of several lines the last tells most; some failures have no message."""
    lines = str(failure).strip().splitlines()
    return lines[-1].lstrip("└ ") if lines else type(failure).__name__


def _compile(path: Path, *, half_precision: bool) -> Any:
    from ai_edge_litert.compiled_model import (
        CompiledModel,
        GpuOptions,
        HardwareAccelerator,
        Options,
    )

    return CompiledModel.from_file(
        str(path),
        options=Options(
            # Nothing else: an op that would fall back to the CPU must fail.
            hardware_accelerators=HardwareAccelerator.GPU,
            gpu_options=GpuOptions(enforce_f32=not half_precision),
        ),
    )


@contextmanager
def _captured_stderr() -> Iterator[IO[bytes]]:
    """What C++ prints meanwhile, in a file that stays open after the block."""
    log = tempfile.TemporaryFile("w+b")  # noqa: SIM115 - read by the caller after the block
    sys.stderr.flush()
    kept = os.dup(2)
    os.dup2(log.fileno(), 2)
    try:
        yield log
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _text(log: IO[bytes]) -> str:
    log.seek(0)
    return log.read().decode("utf-8", errors="replace")


class WebGpuSession:
    """One compiled model, a picture at a time."""

    accelerated: AcceleratorRun

    def __init__(self, model: Any, inspection: Inspection) -> None:
        self._model = model
        (door,), (output,) = inspection.inputs, inspection.outputs
        self.input, self.output = TensorSpec.of(door), TensorSpec.of(output)
        self._doors, self._outputs = model.create_input_buffers(0), model.create_output_buffers(0)

    def run_nothing(self) -> None:
        """One run over zeros: some of what is wrong with a program shows only when it is sent to the GPU."""
        door = np.zeros(self.input.shape, self.input.dtype)
        self._answer(door)

    def _answer(self, door: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
        self._doors[0].write(door)
        self._model.run_by_index(0, self._doors, self._outputs)
        size = int(np.prod(self.output.shape))
        return np.asarray(self._outputs[0].read(size, np.dtype(self.output.dtype)))

    def run(
        self,
        images: Pixels,
        table: npt.NDArray[np.generic],
        out: npt.NDArray[np.generic],
        start: int,
        stop: int,
        done: Progress,
    ) -> None:
        """Runs images ``start`` to ``stop``; writes row i of ``out`` for image i."""
        for first in range(start, stop, FLUSH_IMAGES):
            last = min(first + FLUSH_IMAGES, stop)
            for index in range(first, last):
                answer = self._answer(np.ascontiguousarray(table[images[index]]))
                out[index] = answer.reshape(out.shape[1:])
            done(last - first)
