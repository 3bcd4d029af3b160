"""Targets: what is shipped with the program, and what is refused."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from converters.tflite.schemes import SCHEMES
from pipeline import target
from pipeline.errors import RecipeError

TOML = """
description = "A phone"
delegates = ["xnnpack"]
schemes = ["float32", "int8"]
ship = ["int8"]
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of targets with one in it, instead of the program's own."""
    monkeypatch.setattr(target, "FOLDER", tmp_path)
    (tmp_path / "phone.toml").write_text(TOML, "utf-8")
    return tmp_path


@pytest.mark.parametrize("name", target.names())
def test_every_shipped_target_loads(name: str) -> None:
    """It ships what it takes, and says in a line what it is."""
    loaded = target.load(name)
    assert loaded.name == name
    assert loaded.description
    assert set(loaded.ship) <= set(loaded.schemes) <= set(SCHEMES)
    assert loaded.max_bytes is None or loaded.max_bytes > 0


def test_a_target_is_one_toml_file(folder: Path) -> None:
    """Its name is the file's."""
    assert target.names() == ("phone",)
    assert target.load("phone") == target.Target(
        name="phone",
        description="A phone",
        delegates=("xnnpack",),
        schemes=("float32", "int8"),
        ship=("int8",),
    )


def test_a_target_cannot_be_changed(folder: Path) -> None:
    """It goes into the cache key."""
    phone = target.load("phone")
    with pytest.raises(ValidationError, match="frozen"):
        setattr(phone, "name", "other")  # noqa: B010 - mypy knows that it is refused


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("phoen", "unknown target 'phoen', choose from: phone; did you mean 'phone'?"),
        ("../phone", "unknown target '../phone', choose from: phone"),
        ("", "unknown target '', choose from: phone"),
    ],
)
def test_an_unknown_target_is_refused_with_the_nearest_name(folder: Path, name: str, says: str) -> None:
    """A name is no path."""
    with pytest.raises(RecipeError) as caught:
        target.load(name)
    assert str(caught.value).startswith(says)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("delegates", "delegate", "unknown key 'delegate', .*did you mean 'delegates'"),
        ('["xnnpack"]', "[]", "delegates: .*at least 1 item"),
        ('ship = ["int8"]', "ship = []", "ship: .*at least 1 item"),
        ('ship = ["int8"]', "", "ship: Field required"),
        ('"float32", "int8"', '"float32", "int9"', "unknown scheme 'int9', .*did you mean 'int8'"),
        ('ship = ["int8"]', 'ship = ["in8"]', "unknown scheme 'in8', .*did you mean 'int8'"),
        ('ship = ["int8"]', 'ship = ["int8"]\nmax_bytes = 0', "max_bytes: .*got 0"),
    ],
)
def test_a_wrong_target_file_is_refused_with_its_name(folder: Path, old: str, new: str, says: str) -> None:
    """Whoever adds a target sees what is wrong with it."""
    assert old in TOML
    (folder / "phone.toml").write_text(TOML.replace(old, new), "utf-8")
    with pytest.raises(RecipeError, match=f"^target 'phone': {says}"):
        target.load("phone")


@pytest.mark.parametrize(
    ("added", "says"),
    [
        ("[options.xnnpak]", "unknown key 'options.xnnpak', .*did you mean 'options.xnnpack'"),
        ("[options.xnnpack]\nthread = 2", "unknown key 'options.xnnpack.thread', .*did you mean"),
        ("[options.xnnpack]\nthreads = 0", "options.xnnpack.threads: .*got 0"),
        ("[options.gpu]", "options.gpu opens a delegate that delegates does not name"),
    ],
)
def test_wrong_options_of_a_delegate_are_refused(folder: Path, added: str, says: str) -> None:
    """As everywhere, with the nearest right spelling."""
    (folder / "phone.toml").write_text(f"{TOML}\n{added}\n", "utf-8")
    with pytest.raises(RecipeError, match=f"^target 'phone': {says}"):
        target.load("phone")


@pytest.mark.parametrize(
    ("delegates", "says"),
    [
        ('["xnpack"]', "unknown delegate 'xnpack', .*did you mean 'xnnpack'"),
        ('["xnnpack", "xnnpack"]', "delegates names one twice: xnnpack, xnnpack"),
    ],
)
def test_wrong_delegates_are_refused(folder: Path, delegates: str, says: str) -> None:
    """A misspelt one would never be tried."""
    (folder / "phone.toml").write_text(TOML.replace('["xnnpack"]', delegates), "utf-8")
    with pytest.raises(RecipeError, match=f"^target 'phone': {says}"):
        target.load("phone")


@pytest.mark.parametrize("name", target.names())
def test_the_plan_says_how_each_delegate_is_opened(name: str) -> None:
    """Apps carry no choices of their own; the last one always works."""
    loaded = target.load(name)
    assert set(loaded.plan.named) == set(loaded.delegates)
    assert loaded.delegates[-1] == "xnnpack"


def test_what_each_target_is_for() -> None:
    """Half precision for GPUs, integers in one scale for NNAPI, floats for Core ML."""
    gpu, nnapi = target.load("android-gpu"), target.load("android-nnapi")
    metal, coreml = target.load("ios-metal"), target.load("ios-coreml")
    assert gpu.ship[0] == metal.ship[0] == coreml.ship[0] == "float16"
    assert (nnapi.schemes, nnapi.per_tensor_dense) == (("int8",), True)
    assert not any(t.per_tensor_dense for t in (gpu, metal, coreml, target.load("tflite")))
    assert gpu.require_full_delegation
    assert metal.require_full_delegation
    assert not {"int8", "dynamic_range", "int16x8"} & set(coreml.schemes)
    assert coreml.delegates == ("coreml", "metal", "xnnpack")
    assert nnapi.plan.nnapi is not None
    assert nnapi.plan.nnapi.min_api_level == 30
