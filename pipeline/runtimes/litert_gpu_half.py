"""LiteRT's GPU accelerator (WebGPU on Vulkan) in half precision, as an app opens it by default.

It needs a driver whose shaders have 16-bit floats. Without a GPU that is lavapipe of Mesa 25 (SwiftShader has
none). On Debian 12 it is in bookworm-backports; without root, it is unpacked into a folder of one's own:

    cd ~/.local/share
    apt-get download mesa-vulkan-drivers/bookworm-backports
    dpkg -x mesa-vulkan-drivers_*.deb mesa
    mkdir -p vulkan/icd.d
    LIBRARIES=$PWD/mesa/usr/lib/$(uname -m)-linux-gnu
    sed "s#libvulkan_lvp#$LIBRARIES/&#" mesa/usr/share/vulkan/icd.d/lvp* > vulkan/icd.d/lvp.json

``vulkan/icd.d`` is where the Vulkan loader searches; the driver itself needs libllvm15, libdrm2 and X's and
Wayland's client libraries. A manifest anywhere else is named by ``VK_DRIVER_FILES``. ``pipeline doctor``
tells whether it was found.
"""

from pathlib import Path

from pipeline.runtimes import Session, _webgpu

DISTRIBUTION = _webgpu.DISTRIBUTION
REMEDY = _webgpu.HALF_REMEDY
MAX_SESSIONS = 1
MAX_IMAGES = _webgpu.MAX_IMAGES
DELEGATES = ("gpu", "metal")
"""Targets whose delegates it stands in for: by itself it is run for those alone, since it is slow."""


def unavailable() -> str | None:
    """Why it cannot run here, or None."""
    return _webgpu.unavailable(half_precision=True)


def identity() -> str:
    """The Vulkan drivers and their versions."""
    return _webgpu.identity(half_precision=True)


def open_model(path: Path) -> Session:
    """Loads a .tflite file."""
    return _webgpu.open_model(path, half_precision=True)
