"""Which Vulkan drivers this machine has, and what their devices can do.

Vulkan is asked in a process of its own, which this very file is the program of: it loads the drivers, and one
that crashes must not take the caller with it. So it imports nothing but the standard library at its top.

Drivers are found where the Vulkan loader looks for them, and by ``VK_DRIVER_FILES`` (older:
``VK_ICD_FILENAMES``), which names their manifests. Structures and numbers are those of ``vulkan_core.h``,
Vulkan 1.2.
"""

import ctypes
import functools
import hashlib
import json
import os
import re
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

LOADER = "libvulkan.so.1"

VARIABLES = ("VK_DRIVER_FILES", "VK_ICD_FILENAMES")

SWIFTSHADER = Path("/usr/lib/chromium/vk_swiftshader_icd.json")
"""Chromium's driver in software, as Debian installs it: outside the folders that the loader searches."""

PROBE_SECONDS = 30.0
"""A driver in software answers in 0.05 s, a busy machine in a second; what takes longer hangs."""

SOFTWARE = 4
"""VK_PHYSICAL_DEVICE_TYPE_CPU."""


@dataclass(frozen=True, kw_only=True)
class Device:
    """One device of one driver.

    Attributes:
        name: ``llvmpipe (LLVM 15.0.6, 256 bits)``.
        driver: ``llvmpipe``; empty where the driver does not tell.
        driver_info: its own version, ``Mesa 25.0.7-2~bpo12+1 (LLVM 15.0.6)``.
        driver_version: number of the driver, in its own counting.
        api: Vulkan version, ``1.4.305``.
        software: whether a CPU plays the GPU.
        half_precision: whether its shaders compute and store 16-bit floats.
    """

    name: str
    driver: str
    driver_info: str
    driver_version: int
    api: str
    software: bool
    half_precision: bool

    def __str__(self) -> str:
        """``llvmpipe (LLVM 15.0.6, 256 bits), Mesa 25.0.7-2~bpo12+1 (LLVM 15.0.6), Vulkan 1.4.305``."""
        return ", ".join(filter(None, (self.name, self.driver_info, f"Vulkan {self.api}")))


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the drivers said: their devices, or why there is no answer."""

    devices: tuple[Device, ...]
    failure: str = ""


def folders() -> tuple[Path, ...]:
    """Where the Vulkan loader searches for manifests on Linux, the user's own first."""
    home = Path.home()
    config = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config")
    data = Path(os.environ.get("XDG_DATA_HOME") or home / ".local/share")
    shared = (os.environ.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share").split(":")
    roots = (config, Path("/etc"), data, *(Path(folder) for folder in shared if folder))
    return tuple(dict.fromkeys(root / "vulkan/icd.d" for root in roots))


def manifests() -> tuple[Path, ...]:
    """Those that the environment names, else all that are found; SwiftShader's last."""
    named = next((os.environ[name] for name in VARIABLES if os.environ.get(name)), None)
    if named is not None:
        return tuple(Path(name) for name in named.split(os.pathsep) if name)
    found = (file for folder in folders() for file in sorted(folder.glob("*.json")))
    return (*found, *((SWIFTSHADER,) if SWIFTSHADER.is_file() else ()))


def environment(chosen: Sequence[Path]) -> dict[str, str]:
    """The variables that show the loader these manifests alone, under its new and its old name."""
    return dict.fromkeys(VARIABLES, os.pathsep.join(map(str, chosen)))


def ask(chosen: Sequence[Path]) -> Answer:
    """The devices of some drivers; asked once in a process."""
    return _ask(tuple(chosen))


@functools.cache
def _ask(chosen: tuple[Path, ...]) -> Answer:
    try:
        # By its path and isolated: the package around it, and numpy with it, would take ten times as long.
        done = subprocess.run(
            [sys.executable, "-I", __file__],
            env={**os.environ, **environment(chosen)},
            capture_output=True,
            text=True,
            timeout=PROBE_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Answer(devices=(), failure=f"no answer from the Vulkan drivers in {PROBE_SECONDS:g} s")
    if done.returncode < 0:
        return Answer(devices=(), failure=f"a Vulkan driver crashed (signal {-done.returncode})")
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        return Answer(devices=(), failure=lines[-1] if lines else f"exit code {done.returncode}")
    return Answer(devices=tuple(Device(**values) for values in json.loads(done.stdout)))


def identity(chosen: Sequence[Path]) -> str:
    """What the figures of a device depend on: devices, drivers with their versions, libraries by their hash.

    A driver whose library is not found by its manifest counts by what Vulkan tells of it.
    """
    devices = [f"{device} {device.driver_version}" for device in ask(chosen).devices]
    return "; ".join([*devices, *(f"{file.name} {_library_digest(file)}" for file in chosen)])


@functools.cache
def _library_digest(manifest: Path) -> str:
    """First 12 hexadecimal letters of the SHA-256 of a driver's library; "" where it is not found."""
    try:
        named = str(json.loads(manifest.read_text("utf-8"))["ICD"]["library_path"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""  # not a manifest: the loader leaves it out too
    for library in _places(named, manifest):
        if library.is_file():
            with library.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()[:12]
    return ""


def _places(named: str, manifest: Path) -> list[Path]:
    """Where a library may be: a bare name is searched for as the dynamic linker does, any other beside."""
    if "/" in named:
        return [manifest.parent / named]
    searched = [*os.environ.get("LD_LIBRARY_PATH", "").split(":")]
    machine = sysconfig.get_config_var("MULTIARCH")
    searched += [*([f"/usr/lib/{machine}"] if machine else []), "/usr/local/lib", "/usr/lib64", "/usr/lib"]
    return [Path(folder) / named for folder in searched if folder]


MESA = re.compile(r"Mesa (\d+)")


def mesa_version(device: Device) -> int | None:
    """First number of Mesa's version; None for other drivers."""
    match = MESA.search(device.driver_info)
    return int(match[1]) if match else None


# The process of its own, from here on.

_INSTANCE, _PROPERTIES, _FEATURES = 1, 1000059001, 1000059000
_DRIVER, _FLOAT16, _STORAGE16 = 1000196000, 1000082000, 1000083000
"""VkStructureType of what is passed."""

_API = (1 << 22) | (2 << 12)
"""VK_API_VERSION_1_2, the first with the driver's name in its core."""


class _Application(ctypes.Structure):
    _fields_ = (
        ("kind", ctypes.c_int), ("next", ctypes.c_void_p), ("name", ctypes.c_char_p),
        ("version", ctypes.c_uint32), ("engine", ctypes.c_char_p), ("engine_version", ctypes.c_uint32),
        ("api", ctypes.c_uint32),
    )  # fmt: skip


class _Instance(ctypes.Structure):
    _fields_ = (
        ("kind", ctypes.c_int), ("next", ctypes.c_void_p), ("flags", ctypes.c_uint32),
        ("application", ctypes.POINTER(_Application)), ("layers", ctypes.c_uint32),
        ("layer_names", ctypes.c_void_p), ("extensions", ctypes.c_uint32),
        ("extension_names", ctypes.c_void_p),
    )  # fmt: skip


class _Properties(ctypes.Structure):
    _fields_ = (
        ("kind", ctypes.c_int), ("next", ctypes.c_void_p), ("api", ctypes.c_uint32),
        ("driver_version", ctypes.c_uint32), ("vendor", ctypes.c_uint32), ("device", ctypes.c_uint32),
        ("type", ctypes.c_int), ("name", ctypes.c_char * 256), ("uuid", ctypes.c_uint8 * 16),
        # VkPhysicalDeviceLimits and what follows: 524 bytes, of no interest here.
        ("rest", ctypes.c_uint64 * 128),
    )  # fmt: skip


class _Driver(ctypes.Structure):
    _fields_ = (
        ("kind", ctypes.c_int), ("next", ctypes.c_void_p), ("id", ctypes.c_int),
        ("name", ctypes.c_char * 256), ("info", ctypes.c_char * 256), ("conformance", ctypes.c_uint8 * 4),
    )  # fmt: skip


class _Features(ctypes.Structure):
    _fields_ = (("kind", ctypes.c_int), ("next", ctypes.c_void_p), ("flags", ctypes.c_uint32 * 64))


class _Booleans(ctypes.Structure):
    _fields_ = (("kind", ctypes.c_int), ("next", ctypes.c_void_p), ("flags", ctypes.c_uint32 * 4))


def _devices() -> list[Device]:
    """Asks Vulkan."""
    vulkan = ctypes.CDLL(LOADER)
    application = _Application(kind=0, api=_API)
    create = _Instance(kind=_INSTANCE, application=ctypes.pointer(application))
    instance = ctypes.c_void_p()
    if result := vulkan.vkCreateInstance(ctypes.byref(create), None, ctypes.byref(instance)):
        raise SystemExit(f"no Vulkan driver that starts (vkCreateInstance: {result})")
    count = ctypes.c_uint32()
    vulkan.vkEnumeratePhysicalDevices(instance, ctypes.byref(count), None)
    handles = (ctypes.c_void_p * count.value)()
    if count.value:
        vulkan.vkEnumeratePhysicalDevices(instance, ctypes.byref(count), handles)
    return [_device(vulkan, ctypes.c_void_p(handle)) for handle in handles[: count.value]]


def _device(vulkan: Any, handle: ctypes.c_void_p) -> Device:
    driver = _Driver(kind=_DRIVER)
    properties = _Properties(kind=_PROPERTIES, next=ctypes.addressof(driver))
    vulkan.vkGetPhysicalDeviceProperties2(handle, ctypes.byref(properties))
    storage = _Booleans(kind=_STORAGE16)
    floats = _Booleans(kind=_FLOAT16, next=ctypes.addressof(storage))
    features = _Features(kind=_FEATURES, next=ctypes.addressof(floats))
    vulkan.vkGetPhysicalDeviceFeatures2(handle, ctypes.byref(features))
    api = properties.api
    return Device(
        name=properties.name.decode(errors="replace"),
        driver=driver.name.decode(errors="replace"),
        driver_info=driver.info.decode(errors="replace"),
        driver_version=properties.driver_version,
        api=f"{api >> 22}.{api >> 12 & 0x3FF}.{api & 0xFFF}",
        software=properties.type == SOFTWARE,
        # shaderFloat16, and storageBuffer16BitAccess with the uniform one.
        half_precision=bool(floats.flags[0] and storage.flags[0] and storage.flags[1]),
    )


if __name__ == "__main__":
    json.dump([asdict(device) for device in _devices()], sys.stdout)
