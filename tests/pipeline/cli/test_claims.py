"""Files that claim to run where they would be misread do not pass."""

from pathlib import Path

import numpy as np
import pytest

from tests.conftest import SmokeBuild, pipeline
from tests.converters.test_claims import claiming

pytestmark = pytest.mark.tensorflow


@pytest.fixture
def lying(smoke_build: SmokeBuild, tmp_path: Path) -> Path:
    """A file whose Dense op claims version 1."""
    content = (smoke_build.stage("convert") / "dynamic_range.tflite").read_bytes()
    path = tmp_path / "lying.tflite"
    path.write_bytes(claiming(content, op="FULLY_CONNECTED"))
    return path


def test_verify_refuses_it_with_code_3(smoke_build: SmokeBuild, lying: Path, tmp_path: Path) -> None:
    """Before anything is run: the runtimes of this machine may all read it right."""
    np.save(tmp_path / "images.npy", np.zeros((4, 8, 8), np.uint8))
    answer = pipeline(
        "verify", lying, "--reference", smoke_build.stage("convert") / "served.h5",
        "--images", tmp_path / "images.npy",
    )  # fmt: skip
    assert answer.code == 3
    assert "FULLY_CONNECTED is hybrid with asymmetric_quantize_inputs, which is version 9" in answer.err


def test_inspect_says_that_the_claim_is_wrong(smoke_build: SmokeBuild, lying: Path) -> None:
    """And of an honest file that nothing speaks against it."""
    assert "P001" in pipeline("inspect", lying).out
    honest = pipeline("inspect", smoke_build.stage("convert") / "dynamic_range.tflite").out
    assert "P001" not in honest
    assert "nothing that is known of" in honest
