"""LiteRT's GPU accelerator (WebGPU on Vulkan) in half precision, as an app opens it by default."""

from pathlib import Path

from pipeline.runtimes import Session, _webgpu

DISTRIBUTION = _webgpu.DISTRIBUTION
REMEDY = "a GPU with a Vulkan driver"
MAX_SESSIONS = 1
MAX_IMAGES = _webgpu.MAX_IMAGES
DELEGATES = ("gpu", "metal")
"""Targets whose delegates it stands in for: by itself it is run for those alone, since it is slow."""


def unavailable() -> str | None:
    """Why it cannot run here, or None."""
    return _webgpu.unavailable() or _webgpu.half_precision_unavailable()


def open_model(path: Path) -> Session:
    """Loads a .tflite file."""
    return _webgpu.open_model(path, half_precision=True)
