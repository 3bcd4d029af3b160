"""A Session on LiteRT's GPU accelerator: WebGPU on Vulkan, on a software driver where no GPU is there.

It stands in for a phone's GPU: the same graph transformations and kernels generated from the same source, in
WGSL instead of OpenCL or Metal. What it refuses, a phone refuses; a phone's driver may refuse more.
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
from converters.tflite.graph import Inspection, Tensor
from converters.tflite.inspect import inspect
from pipeline.artifacts import TensorSpec
from pipeline.errors import RuntimeFailure
from pipeline.preprocess import Pixels
from pipeline.runtimes import Progress, missing

DISTRIBUTION = "ai-edge-litert"

ACCELERATOR = "libLiteRtWebGpuAccelerator.so"
"""In the wheel of ai-edge-litert since 2.0; 1.4 has none."""

VULKAN_LOADER = "libvulkan.so.1"

SWIFTSHADER = Path("/usr/lib/chromium/vk_swiftshader_icd.json")
"""Chromium's Vulkan driver in software, as Debian installs it."""

DRIVER_FOLDERS = (Path("/usr/share/vulkan/icd.d"), Path("/etc/vulkan/icd.d"))
DRIVER_VARIABLES = ("VK_DRIVER_FILES", "VK_ICD_FILENAMES")

REMEDY = "apt-get install libvulkan1 chromium (a driver in software)"

WITHOUT_HALF_PRECISION = ("SwiftShader",)
"""Drivers that have no 16-bit floats in shaders, so that half precision is computed in float32 there.
Measured: outputs with and without ``enforce_f32`` are equal to the last bit."""

MAX_IMAGES = 500
"""Test images that verification runs. A driver in software takes 20 to 100 ms for one: over a test set of a
hundred thousand that would be hours, and a wrong kernel is wrong on the first images already."""

FLUSH_IMAGES = 16
"""Images between two reports of progress: in software an image takes tens of milliseconds."""


def unavailable() -> str | None:
    """Why it cannot run here, or None. Starts nothing: a driver that is there may still be refused."""
    if reason := missing(DISTRIBUTION):
        return reason
    spec = importlib.util.find_spec("ai_edge_litert")
    folder = Path(spec.origin).parent if spec and spec.origin else None
    if folder is None or not (folder / ACCELERATOR).is_file():
        return f"{DISTRIBUTION} has no {ACCELERATOR} on this platform"
    if not any(os.environ.get(name) for name in DRIVER_VARIABLES) and not _drivers():
        return "no Vulkan driver is installed"
    try:
        ctypes.CDLL(VULKAN_LOADER)
    except OSError:
        return f"{VULKAN_LOADER} is not installed"
    return None


def half_precision_unavailable() -> str | None:
    """Why half precision cannot be shown here although the accelerator may run, or None."""
    named = next((os.environ[name] for name in DRIVER_VARIABLES if os.environ.get(name)), None)
    files = named.split(os.pathsep) if named else list(map(str, _drivers()))
    drivers = [driver.lower() for driver in WITHOUT_HALF_PRECISION]
    if files and all(any(driver in Path(file).name.lower() for driver in drivers) for file in files):
        return f"the only Vulkan driver, {Path(files[0]).name}, computes half precision in float32"
    return None


def _drivers() -> list[Path]:
    """Manifests of the Vulkan drivers of this machine; SwiftShader's last."""
    own = [file for folder in DRIVER_FOLDERS for file in sorted(folder.glob("*.json"))]
    return [*own, *([SWIFTSHADER] if SWIFTSHADER.is_file() else [])]


def open_model(path: Path, *, half_precision: bool) -> "WebGpuSession":
    """Compiles a .tflite file for the GPU alone.

    Args:
        path: of the file.
        half_precision: 16-bit floats, which is what an app gets by default; else float32 throughout.

    Raises:
        RuntimeFailure: it refuses an op (the message names its layer), finds no driver, or the driver has
            no half precision.
    """
    if not any(os.environ.get(name) for name in DRIVER_VARIABLES):
        os.environ["VK_DRIVER_FILES"] = os.environ["VK_ICD_FILENAMES"] = os.pathsep.join(map(str, _drivers()))
    inspection = inspect(path)
    with _captured_stderr() as log:
        try:
            session = WebGpuSession(_compile(path, half_precision=half_precision), inspection)
            failure = None
        except RuntimeError as error:
            failure = error
    if failure is not None:
        reason = gpu_log.why(_text(log), inspection) or _last_line(failure)
        raise RuntimeFailure(reason) from failure
    driver = gpu_log.adapter(_text(log))
    if half_precision and any(name in driver for name in WITHOUT_HALF_PRECISION):
        raise RuntimeFailure(f"{driver} computes half precision in float32: it shows nothing")
    return session


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

    def __init__(self, model: Any, inspection: Inspection) -> None:
        self._model = model
        (door,), (output,) = inspection.inputs, inspection.outputs
        self.input, self.output = _tensor_spec(door), _tensor_spec(output)
        self._doors, self._outputs = model.create_input_buffers(0), model.create_output_buffers(0)

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
        size, dtype = int(np.prod(self.output.shape)), np.dtype(self.output.dtype)
        for first in range(start, stop, FLUSH_IMAGES):
            last = min(first + FLUSH_IMAGES, stop)
            for index in range(first, last):
                self._doors[0].write(np.ascontiguousarray(table[images[index]]))
                self._model.run_by_index(0, self._doors, self._outputs)
                out[index] = np.asarray(self._outputs[0].read(size, dtype)).reshape(out.shape[1:])
            done(last - first)


def _tensor_spec(tensor: Tensor) -> TensorSpec:
    return TensorSpec(
        name=tensor.name,
        shape=tensor.shape,
        dtype=tensor.dtype,
        scale=tensor.scales[0] if tensor.scales else None,
        zero_point=tensor.zero_points[0] if tensor.zero_points else None,
    )
