"""tflite_runtime 2.14, the last of its name: stands for apps that have not moved to LiteRT."""

from pathlib import Path

from pipeline.runtimes import Session, missing
from pipeline.runtimes._interpreter import InterpreterSession

DISTRIBUTION = "tflite-runtime"
MAX_SESSIONS = 64


def unavailable() -> str | None:
    """Why it cannot run here, or None."""
    return missing(DISTRIBUTION)


def open_model(path: Path) -> Session:
    """Loads a .tflite file."""
    from tflite_runtime.interpreter import Interpreter

    return InterpreterSession(Interpreter(str(path), num_threads=1))
