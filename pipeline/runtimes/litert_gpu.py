"""LiteRT's GPU accelerator (WebGPU on Vulkan) in float32: shows what a GPU refuses, and how far off it is."""

from pathlib import Path

from pipeline.runtimes import Session, _webgpu

DISTRIBUTION = _webgpu.DISTRIBUTION
REMEDY = _webgpu.REMEDY
MAX_SESSIONS = 1
MAX_IMAGES = _webgpu.MAX_IMAGES
DELEGATES = ("gpu", "metal")
"""Targets whose delegates it stands in for: by itself it is run for those alone, since it is slow."""


def unavailable() -> str | None:
    """Why it cannot run here, or None."""
    return _webgpu.unavailable(half_precision=False)


def identity() -> str:
    """The Vulkan drivers and their versions."""
    return _webgpu.identity(half_precision=False)


def open_model(path: Path) -> Session:
    """Loads a .tflite file."""
    return _webgpu.open_model(path, half_precision=False)
