"""ai_edge_litert, the successor of tflite_runtime: what a new app ships."""

from pathlib import Path

from pipeline.runtimes import Session, missing
from pipeline.runtimes._interpreter import InterpreterSession

DISTRIBUTION = "ai-edge-litert"
MAX_SESSIONS = 64


def unavailable() -> str | None:
    """Why it cannot run here, or None."""
    return missing(DISTRIBUTION)


def open_model(path: Path) -> Session:
    """Loads a .tflite file."""
    from ai_edge_litert.interpreter import Interpreter

    return InterpreterSession(Interpreter(str(path), num_threads=1))
