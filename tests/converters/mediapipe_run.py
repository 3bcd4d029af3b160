"""MediaPipe in an environment of its own, for it wants another numpy, and what it makes of a file."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

Floats = npt.NDArray[np.float32]

Answers = dict[str, list[dict[str, float]] | str]
"""Name of a file to label and score of each picture; or to the words with which the file was refused."""

MEDIAPIPE = "mediapipe==1.2.2"
"""The release that was tried."""

ENVIRONMENT = "MEDIAPIPE_ENVIRONMENT"
"""Names a folder where the environment is kept from run to run."""

CLIENT = Path(__file__).with_name("mediapipe_client.py")

NATIVE = "apt-get install -y libegl1 libgles2"
"""MediaPipe's library is linked against both, also where no GPU is used."""

INSTALL_SECONDS = 300
"""60 MB of wheels; 11 s where pip has them."""

RUN_SECONDS = 120
"""A few seconds, on a busy machine more."""

SAME_ARITHMETIC = 1e-5
"""Of scores 0..1 in float32: two builds of the same kernels, which may add in another order."""

ONE_STEP = 1 / 256 + 1e-6
"""Of scores 0..1 in uint8: rounding of the last bit differs between builds of the kernels."""

LOADS = """
from mediapipe.tasks.python import vision; vision.ImageClassifierOptions
import ctypes; ctypes.CDLL('libEGL.so.1'); ctypes.CDLL('libGLESv2.so.2')
"""


def environment(folder: Path) -> Path:
    """The Python of an environment with MediaPipe, made if need be; skips, saying why, where that fails."""
    kept = os.environ.get(ENVIRONMENT)
    home = Path(kept) if kept else folder
    python = home / "bin" / "python"
    install = (python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--only-binary", ":all:")
    steps: list[tuple[str | Path, ...]] = [(sys.executable, "-m", "venv", home), (*install, MEDIAPIPE)]
    for step in () if (home / "done").is_file() else steps:
        try:
            done = subprocess.run(step, capture_output=True, text=True, check=False, timeout=INSTALL_SECONDS)
        except subprocess.TimeoutExpired:
            pytest.skip(f"{MEDIAPIPE} was not installed within {INSTALL_SECONDS} s: is PyPI within reach?")
        if done.returncode:
            pytest.skip(f"{MEDIAPIPE} cannot be installed here: {done.stderr.strip()[-300:]}")
    (home / "done").touch()
    loaded = subprocess.run([python, "-c", LOADS], capture_output=True, text=True, check=False)
    if loaded.returncode:
        pytest.skip(f"{MEDIAPIPE} does not load, try {NATIVE}: {loaded.stderr.strip()[-300:]}")
    return python


def classified(
    python: Path, pictures: npt.NDArray[np.uint8], files: Mapping[str, Path], folder: Path
) -> Answers:
    """What MediaPipe's ImageClassifier answers to pictures (n, height, width, 3), by file."""
    path = folder / "pictures.npy"
    np.save(path, pictures)
    finished = subprocess.run(
        [python, CLIENT, path, *files.values()],
        capture_output=True,
        text=True,
        check=False,
        timeout=RUN_SECONDS,
    )
    assert finished.returncode == 0, finished.stderr[-3000:]
    told = json.loads(finished.stdout.splitlines()[-1])
    return {name: told[str(file)] for name, file in files.items()}


def scores(answers: list[dict[str, float]], labels: tuple[str, ...]) -> Floats:
    """(n, classes), in the order of the labels."""
    return np.array([[found[label] for label in labels] for found in answers], np.float32)


def litert(file: Path, inputs: npt.NDArray[Any]) -> Floats:
    """Scores of LiteRT, as real numbers."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(file))
    interpreter.allocate_tensors()
    (door,), (output,) = interpreter.get_input_details(), interpreter.get_output_details()
    rows = []
    for row in inputs:
        interpreter.set_tensor(door["index"], row[np.newaxis])
        interpreter.invoke()
        rows.append(interpreter.get_tensor(output["index"])[0].astype(np.float32))
    scale, zero_point = output["quantization"]
    found = np.stack(rows)
    return found if scale == 0.0 else np.asarray((found - zero_point) * np.float32(scale))
