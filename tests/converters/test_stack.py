"""TensorFlow and Keras: loaded in one place, bound to each other, quiet."""

import subprocess
import sys

import pytest

from converters import stack

ALREADY_IMPORTED = """
import os, sys, types
os.environ.pop("TF_USE_LEGACY_KERAS", None)
sys.modules["tensorflow"] = types.ModuleType("tensorflow")
from converters import stack
stack.load()
"""

LOAD = """
from converters import stack
stack.load()
"""


def run(code: str) -> "subprocess.CompletedProcess[str]":
    """Runs code in a fresh process."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_tensorflow_imported_by_somebody_else_is_refused() -> None:
    """Its ``tf.keras`` is bound to Keras 3 then, which quantisation-aware training refuses pages later."""
    answer = run(ALREADY_IMPORTED)

    assert answer.returncode == 1
    assert "RuntimeError: TensorFlow was imported before converters.stack.load()" in answer.stderr


@pytest.mark.tensorflow
def test_loading_prints_nothing() -> None:
    """No greeting, no missing CUDA, no deprecation."""
    answer = run(LOAD)

    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "", "")


@pytest.mark.tensorflow
def test_keras_is_the_one_that_tensorflow_is_bound_to() -> None:
    """A model of the one is a model of the other."""
    tf, keras = stack.load()

    assert keras.__version__.startswith("2.")
    assert tf.keras.Model is keras.Model


@pytest.mark.tensorflow
def test_loading_again_gives_the_same_modules() -> None:
    """Every caller shares one TensorFlow."""
    first, second = stack.load(), stack.load()

    assert first.tf is second.tf
    assert first.keras is second.keras
