"""LiteRT's GPU accelerator: what it answers, what it refuses, and why it may be absent."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from converters.tflite.inspect import inspect_bytes
from pipeline import recipe, runtimes, shelf, target
from pipeline.console import Console
from pipeline.preprocess import PreprocessSpec
from pipeline.runtimes import Job, _vulkan, _webgpu
from tests.converters import built

QUIET = Console(quiet=True)

GPU_TOLERANCE = 1e-4
"""Of a probability: what LiteRT's own GPU tests allow in float32."""

HALF_TOLERANCE = 2**-10
"""Of a probability in 16 bits: two roundings of numbers below 1, each by half of 2**-11."""


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


@pytest.mark.parametrize(
    ("log", "taken"),
    [
        ("", 2),
        ("2 operations will run on the GPU, and the remaining 0 operations will run on the CPU.", 2),
        ("1 operations will run on the GPU, and the remaining 1 operations will run on the CPU.", 1),
    ],
)
def test_what_it_takes_is_told_by_its_log(log: str, taken: int) -> None:
    """Also where it compiles and runs: that it would not is its promise, which is not taken for granted."""
    whole = inspect_bytes(model("FLOAT32"), where="model")
    log = f"Selected adapter: SwiftShader, arch=x\n{log}"
    run = _webgpu.taken(log, whole)
    assert (run.driver, run.ops, run.taken) == ("SwiftShader", 2, taken)


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


@pytest.mark.usefixtures("present")
def test_what_it_took_is_told_beside_the_answer(tmp_path: Path) -> None:
    """Of a file that runs all ops and the driver; of one that is refused the others and why."""
    (ran,) = runtimes.run("litert_gpu", [job(tmp_path, model("FLOAT32"))], QUIET)
    assert ran.accelerated is not None
    assert (ran.accelerated.ops, ran.accelerated.taken, ran.accelerated.refused) == (2, 2, ())
    assert ran.accelerated.driver
    (refused,) = runtimes.run("litert_gpu", [job(tmp_path, model("INT16"))], QUIET)
    assert refused.error
    assert refused.accelerated is not None
    assert (refused.accelerated.ops, refused.accelerated.taken) == (2, 1), "RESHAPE goes in any dtype"
    told = [(each.op, each.layers, each.reason) for each in refused.accelerated.refused]
    assert ("LOGISTIC", ("sigmoid",), "Tensor type(INT16) is not supported") in told


@pytest.mark.usefixtures("present")
def test_the_images_that_are_asked_for_are_run(tmp_path: Path) -> None:
    """In their order."""
    whole = job(tmp_path, model("FLOAT32"))
    (outcome,) = runtimes.run("litert_gpu", [whole], QUIET)
    assert not outcome.error
    answers = np.array(np.load(whole.out))
    some = dataclasses.replace(whole, count=3, rows=(19, 0, 7))
    (outcome,) = runtimes.run("litert_gpu", [some], QUIET)
    assert not outcome.error
    assert np.array_equal(np.load(whole.out), answers[[19, 0, 7]])
    assert not np.array_equal(answers[19], answers[0])


@pytest.mark.usefixtures("present")
def test_several_inputs_are_refused_in_words(tmp_path: Path) -> None:
    """Pictures go through one door."""
    names = ("net/a/x", "net/b/y", "net/c/out")
    tensors = [built.tensor(name, (1, 4, 4)) for name in names]
    ops = [built.op("SUB", (0, 1), (2,), options=("SubOptions", {}))]
    two = built.model(built.graph(tensors, ops, inputs=(0, 1), outputs=(2,)), signature="serving_default")
    (outcome,) = runtimes.run("litert_gpu", [job(tmp_path, two)], QUIET)
    assert "the file has 2 inputs and 1 outputs" in outcome.error


@pytest.mark.usefixtures("present")
def test_a_program_that_is_not_valid_is_a_failure(tmp_path: Path) -> None:
    """Nothing raises for it, and the answer is what was in the memory: indices of float are no TOPK_V2."""
    tensors = [
        built.tensor("image", (1, 4, 4)),
        built.tensor("k", (1,), "INT32", data=np.array([3], np.int32)),
        built.tensor("net/top/values", (1, 4, 3)),
        built.tensor("net/top/indices", (1, 4, 3)),
    ]
    ops = [built.op("TOPK_V2", (0, 1), (2, 3))]
    wrong = built.model(built.graph(tensors, ops, inputs=(0,), outputs=(2,)), signature="serving_default")
    (outcome,) = runtimes.run("litert_gpu", [job(tmp_path, wrong)], QUIET)
    assert "the GPU's program for it is not valid: " in outcome.error


def device(**changed: Any) -> _vulkan.Device:
    """One that computes in 16 bits, in software."""
    values: dict[str, Any] = {
        "name": "llvmpipe",
        "driver": "llvmpipe",
        "driver_info": "Mesa 25.0.7 (LLVM 15.0.6)",
        "driver_version": 1,
        "api": "1.4.305",
        "software": True,
        "half_precision": True,
    }
    return _vulkan.Device(**values | changed)


@pytest.fixture
def with_devices(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Puts devices in the place of this machine's; skips where the package has no accelerator."""

    def put(*devices: _vulkan.Device, failure: str = "") -> None:
        answer = _vulkan.Answer(devices=devices, failure=failure)
        monkeypatch.setattr(_vulkan, "manifests", lambda: (Path("driver.json"),))
        monkeypatch.setattr(_vulkan, "ask", lambda _chosen: answer)
        monkeypatch.setattr(_vulkan, "LOADER", None)  # this process itself: always loadable

    return put


def test_without_a_driver_it_is_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    """A row that says why, and a remedy for ``pipeline doctor``."""
    monkeypatch.setattr(_vulkan, "manifests", lambda: ())
    assert runtimes.unavailable("litert_gpu") == "no Vulkan driver is installed"
    assert "apt-get install" in shelf.load("runtimes", "litert_gpu").REMEDY
    assert "mesa-vulkan-drivers" in shelf.load("runtimes", "litert_gpu_half").REMEDY


def test_without_the_loader_it_is_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    """A driver alone is not enough."""
    monkeypatch.setattr(_vulkan, "manifests", lambda: (Path("driver.json"),))
    monkeypatch.setattr(_vulkan, "LOADER", "libno-such-vulkan.so.1")
    assert runtimes.unavailable("litert_gpu") == "libno-such-vulkan.so.1 is not installed"


def test_a_driver_that_does_not_start_is_told(with_devices: Callable[..., None]) -> None:
    """Its manifest is there, and no more."""
    with_devices(failure="no Vulkan driver that starts (vkCreateInstance: -9)")
    reason = runtimes.unavailable("litert_gpu")
    assert reason is not None
    assert reason.endswith("no Vulkan driver that starts (vkCreateInstance: -9)")


def test_an_old_lavapipe_is_no_adapter(with_devices: Callable[..., None]) -> None:
    """Vulkan lists it, WebGPU does not take it: the row is absent, not failed."""
    with_devices(device(driver_info="Mesa 22.3.6 (LLVM 15.0.6)"))
    reason = runtimes.unavailable("litert_gpu")
    assert reason is not None
    assert "no Vulkan driver that the accelerator takes: llvmpipe, Mesa 22.3.6" in reason
    with_devices(device())
    assert runtimes.unavailable("litert_gpu") is None


@pytest.mark.parametrize("computes", [True, False])
def test_half_precision_is_absent_where_it_would_show_nothing(
    computes: bool, with_devices: Callable[..., None]
) -> None:
    """The drivers are asked, not guessed by their names."""
    with_devices(device(half_precision=computes))
    assert runtimes.unavailable("litert_gpu") is None
    reason = runtimes.unavailable("litert_gpu_half")
    assert (reason is None) is computes
    assert computes or "no 16-bit floats on llvmpipe" in str(reason)


def test_half_precision_leaves_swiftshader_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside lavapipe, WebGPU chooses SwiftShader, which computes it in float32."""
    both = (Path("a/lvp.json"), Path("b/vk_swiftshader_icd.json"))
    monkeypatch.setattr(_vulkan, "manifests", lambda: both)
    assert _webgpu._drivers(half_precision=False) == both
    assert _webgpu._drivers(half_precision=True) == both[:1]


def test_half_precision_differs(tmp_path: Path) -> None:
    """More than float32 does, and by no more than 11 bits of mantissa allow."""
    if reason := runtimes.unavailable("litert_gpu_half"):
        pytest.skip(reason)
    found = {}
    for runtime in ("litert", "litert_gpu_half"):
        (outcome,) = runtimes.run(runtime, [job(tmp_path, model("FLOAT32"))], QUIET)
        assert not outcome.error, outcome.error
        found[runtime] = np.array(np.load(tmp_path / "out.npy"))
    assert 1e-6 < np.abs(found["litert"] - found["litert_gpu_half"]).max() <= HALF_TOLERANCE


@pytest.mark.parametrize(("name", "runs"), [("tflite", False), ("android-gpu", True), ("ios-metal", True)])
def test_it_runs_by_itself_only_for_targets_with_a_gpu(name: str, runs: bool) -> None:
    """It is slow in software: other builds are spared; a recipe may name it."""
    chosen = recipe.load("digits")
    assert not {"litert_gpu", "litert_gpu_half"} & set(chosen.runtimes)
    on = set(chosen.runtimes_on(target.load(name)))
    assert ({"litert_gpu", "litert_gpu_half"} <= on) is runs
    named = recipe.load("digits", overrides={"verify.runtimes": '["litert", "litert_gpu"]'})
    assert named.runtimes == named.runtimes_on(target.load(name)) == ("litert", "litert_gpu")
