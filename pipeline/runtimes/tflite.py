"""tf.lite in TensorFlow, with XNNPACK: what the converter's own documentation runs."""

from pathlib import Path

from converters import stack
from pipeline.runtimes import Session, missing
from pipeline.runtimes._interpreter import InterpreterSession

DISTRIBUTION = "tensorflow"
MAX_SESSIONS = 64


def unavailable() -> str | None:
    """Why it cannot run here, or None."""
    return missing(DISTRIBUTION)


def open_model(path: Path) -> Session:
    """Loads a .tflite file."""
    tf = stack.load().tf
    return InterpreterSession(tf.lite.Interpreter(str(path), num_threads=1))
