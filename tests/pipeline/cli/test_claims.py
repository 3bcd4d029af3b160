"""Files that claim to run where they would be misread do not pass."""

from pathlib import Path

import numpy as np
import pytest

from tests.conftest import Answer, SmokeBuild, pipeline
from tests.converters.test_claims import claiming

pytestmark = pytest.mark.tensorflow


@pytest.fixture
def lying(smoke_build: SmokeBuild, tmp_path: Path) -> Path:
    """A file whose Dense weights have many scales, and whose Dense op claims version 1."""
    served = smoke_build.stage("convert") / "served.h5"
    answer = pipeline(
        "convert", served, "--scheme", "dynamic_range", "--runtime-floor", "2.17.0", "--out", tmp_path,
    )  # fmt: skip
    assert answer.code == 0, answer.err
    path = tmp_path / "lying.tflite"
    content = (tmp_path / "served_dynamic_range.tflite").read_bytes()
    path.write_bytes(claiming(content, op="FULLY_CONNECTED"))
    return path


@pytest.fixture
def read_right(smoke_build: SmokeBuild, tmp_path: Path) -> Path:
    """Weights of one scale, which every runtime that was tried reads right under version 1."""
    path = tmp_path / "tried.tflite"
    content = (smoke_build.stage("convert") / "dynamic_range.tflite").read_bytes()
    path.write_bytes(claiming(content, op="FULLY_CONNECTED"))
    return path


def verified(smoke_build: SmokeBuild, file: Path, folder: Path) -> Answer:
    """What ``verify FILE`` says, on four black images."""
    np.save(folder / "images.npy", np.zeros((4, 28, 28), np.uint8))
    return pipeline(
        "verify", file, "--reference", smoke_build.stage("convert") / "served.h5",
        "--images", folder / "images.npy",
    )  # fmt: skip


def test_verify_refuses_it_with_code_3(smoke_build: SmokeBuild, lying: Path, tmp_path: Path) -> None:
    """Before anything is run, although it states 2.17: the runtimes of this machine may all read it right."""
    answer = verified(smoke_build, lying, tmp_path)
    assert answer.code == 3
    assert "FULLY_CONNECTED is hybrid per channel, which is version 12" in answer.err


def test_verify_refuses_also_what_runtimes_that_were_tried_read_right(
    smoke_build: SmokeBuild, read_right: Path, tmp_path: Path
) -> None:
    """They were tried on one platform: a gate does not rest on that."""
    answer = verified(smoke_build, read_right, tmp_path)
    assert answer.code == 3
    assert "is hybrid" in answer.err
    assert "but claims version 1" in answer.err


def test_inspect_says_that_the_claim_is_wrong(smoke_build: SmokeBuild, lying: Path, read_right: Path) -> None:
    """And of an honest file that nothing speaks against it."""
    assert "error P001" in pipeline("inspect", lying).out
    assert "warning P001" in (told := pipeline("inspect", read_right).out)
    assert "on Linux x86-64; a phone's kernels were not" in told
    honest = pipeline("inspect", smoke_build.stage("convert") / "dynamic_range.tflite").out
    assert "P001" not in honest
    assert "nothing that is known of" in honest
