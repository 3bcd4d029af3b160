"""The reference runtime: files of Keras 2 and 3, gray models with and without an axis of channels."""

from pathlib import Path

import numpy as np
import pytest

from converters import stack
from pipeline.artifacts import TensorSpec
from pipeline.runtimes.keras import open_model
from tests.converters.saved_models import libraries, save

pytestmark = pytest.mark.tensorflow

IMAGES = 300
"""More than one batch."""


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.parametrize("shape", [(4, 3), (4, 3, 1), (4, 3, 3)])
@pytest.mark.parametrize("which", ["keras2", "keras3"])
def test_files_of_both_keras_run(tmp_path: Path, which: str, shape: tuple[int, ...], suffix: str) -> None:
    """The images of a gray model are (height, width), whichever of the two shapes it takes."""
    keras = libraries(stack.load().keras)[which]
    model = keras.Sequential([keras.Input(shape), keras.layers.Flatten(), keras.layers.Dense(2)])
    session = open_model(save(model, tmp_path / f"model{suffix}"))
    taken = shape if shape[-1] == 3 and len(shape) == 3 else shape[:2]
    assert session.input == TensorSpec(name=session.input.name, shape=(1, *taken), dtype="float32")
    assert session.output == TensorSpec(name=session.output.name, shape=(1, 2), dtype="float32")

    images = np.random.default_rng(1).integers(0, 256, (IMAGES, *taken), np.uint8)
    table = np.arange(256, dtype=np.float32) / 255
    out, done = np.zeros((IMAGES, 2), np.float32), list[int]()
    session.run(images, table, out, 0, IMAGES, done.append)

    expected = model.predict_on_batch(table[images].reshape(-1, *shape))
    np.testing.assert_allclose(out, expected, atol=1e-5)
    assert sum(done) == IMAGES
