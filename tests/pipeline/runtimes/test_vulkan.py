"""Vulkan drivers: where they are searched for, what they answer, and what identifies them."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.runtimes import _vulkan


@pytest.fixture(autouse=True)
def asked_anew() -> Iterator[None]:
    """Answers are kept for a process: each test asks its own."""
    for cached in (_vulkan._ask, _vulkan._library_digest):
        cached.cache_clear()
    yield
    for cached in (_vulkan._ask, _vulkan._library_digest):
        cached.cache_clear()


def manifest(folder: Path, library: str) -> Path:
    """A driver's."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "some_icd.json"
    file.write_text(json.dumps({"ICD": {"library_path": library, "api_version": "1.3.0"}}))
    return file


def test_drivers_are_found_where_the_loader_searches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user's own folder first; SwiftShader, which is in none of them, last."""
    for name in _vulkan.VARIABLES:
        monkeypatch.delenv(name, raising=False)
    for name, folder in (("XDG_CONFIG_HOME", "config"), ("XDG_DATA_HOME", "data"), ("XDG_DATA_DIRS", "all")):
        monkeypatch.setenv(name, str(tmp_path / folder))
    own = manifest(tmp_path / "data/vulkan/icd.d", "libown.so")
    shared = manifest(tmp_path / "all/vulkan/icd.d", "libshared.so")
    chromium = manifest(tmp_path / "chromium", "./libswift.so")
    monkeypatch.setattr(_vulkan, "SWIFTSHADER", chromium)
    found = [file for file in _vulkan.manifests() if tmp_path in file.parents]
    assert found == [own, shared, chromium]
    assert _vulkan.manifests()[-1] == chromium


def test_what_the_environment_names_is_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """The new variable before the old."""
    monkeypatch.setenv("VK_ICD_FILENAMES", "old.json")
    monkeypatch.delenv("VK_DRIVER_FILES", raising=False)
    assert _vulkan.manifests() == (Path("old.json"),)
    monkeypatch.setenv("VK_DRIVER_FILES", "a.json:b.json")
    assert _vulkan.manifests() == (Path("a.json"), Path("b.json"))
    assert set(_vulkan.environment(_vulkan.manifests()).values()) == {"a.json:b.json"}


def test_no_driver_is_an_answer(tmp_path: Path) -> None:
    """Not an exception."""
    answer = _vulkan.ask([tmp_path / "none.json"])
    assert not answer.devices
    assert answer.failure


def test_a_driver_that_hangs_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It runs in a process of its own."""
    monkeypatch.setattr(_vulkan, "PROBE_SECONDS", 0.001)
    assert "no answer" in _vulkan.ask([tmp_path / "none.json"]).failure


def test_the_drivers_of_this_machine_answer() -> None:
    """Name, version and what they can do."""
    answer = _vulkan.ask(_vulkan.manifests())
    if not answer.devices:
        pytest.skip(f"no Vulkan driver: {answer.failure}")
    for device in answer.devices:
        assert device.name
        assert device.api.startswith("1.")
        assert str(device) in _vulkan.identity(_vulkan.manifests())
        if "SwiftShader" in device.name:
            assert (device.software, device.half_precision) == (True, False)
        if (_vulkan.mesa_version(device) or 0) >= 25 and device.driver == "llvmpipe":
            assert (device.software, device.half_precision) == (True, True)


@pytest.mark.parametrize("library", ["./libdriver.so", "libdriver.so", ""])
def test_another_library_is_another_identity(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, library: str
) -> None:
    """SwiftShader tells no version: its file does. Beside the manifest, on the linker's path, by its path."""
    monkeypatch.setenv("LD_LIBRARY_PATH", str(tmp_path))
    content = tmp_path / "libdriver.so"
    file = manifest(tmp_path, library or str(content))
    content.write_bytes(b"one")
    before = _vulkan.identity([file])
    assert _vulkan._library_digest(file)
    content.write_bytes(b"two")
    _vulkan._library_digest.cache_clear()
    assert _vulkan.identity([file]) != before


def test_a_damaged_manifest_has_no_library(tmp_path: Path) -> None:
    """The loader leaves it out too."""
    (tmp_path / "x.json").write_text("[]")
    assert _vulkan._library_digest(tmp_path / "x.json") == ""
    assert _vulkan._library_digest(tmp_path / "none.json") == ""
