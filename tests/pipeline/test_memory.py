"""Memory of an evaluation on the whole EMNIST ByMerge test set, all processes together."""

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.conftest import pipeline

LIMIT_BYTES = 1_500_000_000
"""Leaves room beside an editor on an 8 GB machine; TensorFlow alone takes a third of it."""

TENSORFLOW_BYTES = 200_000_000
"""Less would mean that nothing was measured: importing TensorFlow alone takes more."""

SAMPLE_SECONDS = 0.05


def peak_bytes(process: "subprocess.Popen[bytes]") -> int:
    """Largest proportional set size of a process and its children until it ends.

    Pages that several processes map count once in all.
    """
    peak = 0
    while process.poll() is None:
        total = 0
        try:
            root = psutil.Process(process.pid)
            for each in (root, *root.children(recursive=True)):
                total += each.memory_full_info().pss
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
        peak = max(peak, total)
        time.sleep(SAMPLE_SECONDS)
    return peak


@pytest.mark.slow
@pytest.mark.tensorflow
@pytest.mark.skipif(sys.platform != "linux", reason="proportional set sizes are Linux's")
def test_evaluating_bymerge_takes_less_than_a_gigabyte_and_a_half(data_folder: Path, tmp_path: Path) -> None:
    """Training is kept out: it has another process."""
    options = [
        "--runs", str(tmp_path), "--data", str(data_folder), "--set", "train.epochs=1",
        "--set", "dataset.max_train=5000", "--set", "convert.schemes=['float32', 'int8']",
        "--set", "verify.runtimes=['litert', 'tflite']",
        "--set", "verify.gates.int8.max_accuracy_drop_points=100",
        "--set", "verify.gates.float32.min_top1_agreement=0.9",
    ]  # fmt: skip
    converted = pipeline("convert", "emnist", *options)
    assert converted.code == 0, converted.err
    command = [sys.executable, "-m", "pipeline", "verify", "emnist", *options]
    verify = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=os.environ)
    peak = peak_bytes(verify)
    assert verify.stdout is not None
    table = verify.stdout.read().decode()
    verify.stdout.close()
    assert verify.returncode == 0
    assert "all 116,323 emnist-bymerge test images" in table
    print(f"peak {peak / 1e6:.0f} MB")
    assert TENSORFLOW_BYTES < peak < LIMIT_BYTES, f"{peak / 1e6:.0f} MB"
