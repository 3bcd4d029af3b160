"""LiteRT's GPU accelerator: what it answers, what it refuses, and why it may be absent."""

from pathlib import Path

import numpy as np
import pytest

from pipeline import recipe, runtimes, shelf, target
from pipeline.console import Console
from pipeline.preprocess import PreprocessSpec
from pipeline.runtimes import Job, _webgpu
from tests.converters import built

QUIET = Console(quiet=True)

GPU_TOLERANCE = 1e-4
"""Of a probability: what LiteRT's own GPU tests allow in float32."""


def model(dtype: str) -> bytes:
    """A Dense layer and a sigmoid on a 4x4 picture."""
    scales = () if dtype == "FLOAT32" else (1 / 32768,)  # the only one that LOGISTIC of int16 takes
    tensors = [
        built.tensor("image", (1, 4, 4), dtype, scales=scales),
        built.tensor("shape", (2,), "INT32", data=np.array([1, 16], np.int32)),
        built.tensor("net/flatten/Reshape", (1, 16), dtype, scales=scales),
        built.tensor("net/sigmoid/Sigmoid", (1, 16), dtype, scales=scales),
    ]
    ops = [built.op("RESHAPE", (0, 1), (2,)), built.op("LOGISTIC", (2,), (3,))]
    return built.model(built.graph(tensors, ops, inputs=(0,), outputs=(3,)), signature="serving_default")


def job(tmp_path: Path, content: bytes) -> Job:
    """A job over a few random pictures."""
    (tmp_path / "model.tflite").write_bytes(content)
    pictures = np.random.default_rng(5).integers(0, 256, (20, 4, 4), dtype=np.uint8)
    np.save(tmp_path / "images.npy", pictures)
    return Job(
        name="model",
        model=str(tmp_path / "model.tflite"),
        images=str(tmp_path / "images.npy"),
        count=len(pictures),
        preprocess=PreprocessSpec(height=4, width=4).model_dump_json(),
        out=str(tmp_path / "out.npy"),
        threads=2,
    )


@pytest.fixture
def present() -> None:
    """Skips where there is no Vulkan driver."""
    if reason := runtimes.unavailable("litert_gpu"):
        pytest.skip(reason)


@pytest.mark.usefixtures("present")
def test_it_answers_as_the_cpu_does(tmp_path: Path) -> None:
    """In float32, on whatever driver is there."""
    found = {}
    for runtime in ("litert", "litert_gpu"):
        (outcome,) = runtimes.run(runtime, [job(tmp_path, model("FLOAT32"))], QUIET)
        assert not outcome.error, outcome.error
        found[runtime] = np.array(np.load(tmp_path / "out.npy"))
    assert np.abs(found["litert"] - found["litert_gpu"]).max() <= GPU_TOLERANCE
    assert found["litert"].std() > 0


@pytest.mark.usefixtures("present")
def test_a_refusal_names_the_op_and_its_layer(tmp_path: Path) -> None:
    """The exception itself says nothing."""
    (outcome,) = runtimes.run("litert_gpu", [job(tmp_path, model("INT16"))], QUIET)
    assert "the GPU refuses" in outcome.error
    assert "LOGISTIC (layer 'sigmoid'): Tensor type(INT16) is not supported" in outcome.error


def test_without_a_driver_it_is_absent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row that says why, and a remedy for ``pipeline doctor``."""
    for name in _webgpu.DRIVER_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(_webgpu, "SWIFTSHADER", tmp_path / "none.json")
    monkeypatch.setattr(_webgpu, "DRIVER_FOLDERS", (tmp_path,))
    assert runtimes.unavailable("litert_gpu") == "no Vulkan driver is installed"
    assert "apt-get install" in shelf.load("runtimes", "litert_gpu").REMEDY


def test_without_the_loader_it_is_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    """A driver alone is not enough."""
    monkeypatch.setenv("VK_ICD_FILENAMES", "driver.json")
    monkeypatch.setattr(_webgpu, "VULKAN_LOADER", "libno-such-vulkan.so.1")
    assert runtimes.unavailable("litert_gpu") == "libno-such-vulkan.so.1 is not installed"


@pytest.mark.parametrize(
    ("driver", "absent"), [("/usr/vk_swiftshader_icd.json", True), ("/usr/radeon_icd.json", False)]
)
def test_half_precision_is_absent_where_it_would_show_nothing(
    driver: str, absent: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SwiftShader computes it in float32."""
    monkeypatch.delenv("VK_DRIVER_FILES", raising=False)
    monkeypatch.setenv("VK_ICD_FILENAMES", driver)
    assert (_webgpu.half_precision_unavailable() is not None) is absent


@pytest.mark.parametrize(("name", "runs"), [("tflite", False), ("android-gpu", True), ("ios-metal", True)])
def test_it_runs_by_itself_only_for_targets_with_a_gpu(name: str, runs: bool) -> None:
    """It is slow in software: other builds are spared; a recipe may name it."""
    chosen = recipe.load("digits")
    assert not {"litert_gpu", "litert_gpu_half"} & set(chosen.runtimes)
    on = set(chosen.runtimes_on(target.load(name)))
    assert ({"litert_gpu", "litert_gpu_half"} <= on) is runs
    named = recipe.load("digits", overrides={"verify.runtimes": '["litert", "litert_gpu"]'})
    assert named.runtimes == named.runtimes_on(target.load(name)) == ("litert", "litert_gpu")
