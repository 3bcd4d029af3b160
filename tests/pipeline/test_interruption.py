"""Killed at any moment, the next run completes with the same result; built twice, it is the same bytes."""

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import SmokeBuild, pipeline

MOMENTS = (
    "decode train",
    "epoch 1/2",
    "epoch 2/2",
    "optimize",
    "convert",
    "keras served.h5",
    "litert int8",
    "tflite_reference float32",
    "bundle",
)
"""Starts of lines on stderr at which the build is killed, one after another in the same run folder."""

RANDOM_KILLS = 6
RANDOM_SECONDS = 9.0
"""A smoke build takes a few seconds longer than this on two cores: kills fall anywhere in it."""


def start(runs: Path) -> "subprocess.Popen[str]":
    """Starts a smoke build of digits."""
    return subprocess.Popen(
        [sys.executable, "-m", "pipeline", "build", "digits", "--profile", "smoke", "--runs", str(runs)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def kill_at(runs: Path, moment: str) -> str:
    """Kills a build with SIGKILL when a line on stderr starts so; gives what it said until then."""
    build = start(runs)
    assert build.stderr is not None
    try:
        said = ""
        for line in build.stderr:
            said += line
            if line.strip().startswith(moment):
                build.send_signal(signal.SIGKILL)
                return said
        raise AssertionError(f"'{moment}' was never reached: {said}")
    finally:
        build.kill()
        build.wait()
        build.stderr.close()


def contents(bundle: Path) -> dict[str, bytes]:
    """Every file of a bundle."""
    return {p.relative_to(bundle).as_posix(): p.read_bytes() for p in bundle.rglob("*") if p.is_file()}


@pytest.mark.slow
@pytest.mark.tensorflow
def test_killed_at_every_stage_the_build_ends_the_same(smoke_build: SmokeBuild, tmp_path: Path) -> None:
    """Weights after dropout included: the recipe has it."""
    said = [kill_at(tmp_path, moment) for moment in MOMENTS]
    assert "going on after epoch 1" in said[2] + said[3]
    answer = pipeline("build", "digits", "--profile", "smoke", "--runs", tmp_path, "--json")
    assert answer.code == 0, answer.err
    cached = {stage["stage"] for stage in answer.json["stages"] if stage["cached"]}
    assert cached == {"data", "train", "optimize", "convert", "verify"}
    assert contents(tmp_path / "digits-smoke" / "bundle-tflite") == contents(smoke_build.bundle)
    assert not list(tmp_path.rglob("*.partial")), "nothing half-made is left"


@pytest.mark.slow
@pytest.mark.tensorflow
def test_killed_at_random_the_build_ends_the_same(smoke_build: SmokeBuild, tmp_path: Path) -> None:
    """Seeded moments, wherever they fall."""
    rng = random.Random(7)
    for _ in range(RANDOM_KILLS):
        build = start(tmp_path)
        assert build.stderr is not None
        try:
            build.wait(timeout=rng.uniform(0.2, RANDOM_SECONDS))
        except subprocess.TimeoutExpired:
            build.send_signal(signal.SIGKILL)
        build.wait()
        build.stderr.close()
    answer = pipeline("build", "digits", "--profile", "smoke", "--runs", tmp_path)
    assert answer.code == 0, answer.err
    assert contents(tmp_path / "digits-smoke" / "bundle-tflite") == contents(smoke_build.bundle)


@pytest.mark.slow
@pytest.mark.tensorflow
def test_built_twice_the_bundle_is_the_same_bytes(smoke_build: SmokeBuild, tmp_path: Path) -> None:
    """Same recipe, data and seed on one machine: every .tflite and all the rest."""
    answer = pipeline("build", "digits", "--profile", "smoke", "--runs", tmp_path)
    assert answer.code == 0, answer.err
    first, second = contents(smoke_build.bundle), contents(tmp_path / "digits-smoke" / "bundle-tflite")
    assert {name for name in first if name.endswith(".tflite")} >= {"model.tflite", "variants/int8.tflite"}
    assert first == second
    other = pipeline("build", "digits", "--profile", "smoke", "--runs", tmp_path / "other", "--set", "seed=2")
    assert other.code == 0, other.err
    third = contents(tmp_path / "other" / "digits-smoke" / "bundle-tflite")
    assert third["model.tflite"] != first["model.tflite"], "and the seed does matter"


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A file system of its own that fills up; skips where mounting is not allowed."""
    folder = Path(tempfile.mkdtemp(prefix="small-disk-"))
    try:
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], capture_output=True, check=False
        )
        if mounted.returncode:
            pytest.skip("a file system can be mounted by root on Linux alone")
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], capture_output=True, check=False)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.slow
@pytest.mark.tensorflow
@pytest.mark.skipif(os.name != "posix", reason="mounts a file system")
def test_a_disk_that_fills_up_loses_nothing(smoke_build: SmokeBuild, small_disk: Path) -> None:
    """Grown step by step, the disk is full in stage after stage; in the end the bundle is the same."""
    for megabytes in (1, 2, 3, 4, 5, 6, 8, 12):
        resized = ["mount", "-o", f"remount,size={megabytes}m", str(small_disk)]
        subprocess.run(resized, check=True)
        answer = pipeline("build", "digits", "--profile", "smoke", "--runs", small_disk)
        if answer.code == 0:
            break
        assert answer.code == 1, answer.err
        assert "Traceback" not in answer.err
        assert "no space left" in answer.err.lower(), answer.err
    assert answer.code == 0, answer.err
    assert contents(small_disk / "digits-smoke" / "bundle-tflite") == contents(smoke_build.bundle)
