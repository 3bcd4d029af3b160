"""tf.lite with its reference kernels: plain loops that define what an op means; slow."""

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
    lite = stack.load().tf.lite
    resolver = lite.experimental.OpResolverType.BUILTIN_REF
    return InterpreterSession(
        lite.Interpreter(str(path), num_threads=1, experimental_op_resolver_type=resolver)
    )
