"""Runs one small model in every scheme on old and new runtimes, each in an environment of its own.

    python -m tests.converters.tried FOLDER > converters/tflite/tried.toml

FOLDER keeps the environments; they take 0.1 GB each. Older runtimes have wheels for Python 3.9 only.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt

from converters import ConversionSpec, convert, representative, stack
from converters.tflite.inspect import inspect_bytes
from converters.tflite.keras import from_keras
from converters.tflite.op_versions import tables
from converters.tflite.versions import minimum_runtime
from tests.converters.test_claims import claiming

Floats = npt.NDArray[np.float32]

SEED, TRAINED_ON, COMPARED = 1, 1_400, 100
"""Of the 1,797 digits of scikit-learn."""

PER_TENSOR, PER_CHANNEL = "2.14.0", "2.17.0"
"""Runtime floors on either side of per-channel Dense weights."""


@dataclass(frozen=True, kw_only=True)
class Runtime:
    """A published runtime: package, version, the Python that its wheel is for."""

    package: str
    version: str
    python: str

    @property
    def name(self) -> str:
        """``tflite-runtime 2.9.1``."""
        return f"{self.package} {self.version}"


RUNTIMES = (
    *(
        Runtime(package="tflite-runtime", version=version, python="3.9")
        for version in ("2.7.0", "2.8.0", "2.9.1", "2.10.0", "2.11.0", "2.12.0", "2.13.0", "2.14.0")
    ),
    *(
        Runtime(package="ai-edge-litert", version=version, python="3.11")
        for version in ("1.0.1", "1.4.0", "2.0.3", "2.1.6", "2.3.0")
    ),
)

WORKER = """
import json, sys
import numpy as np
try:
    from tflite_runtime.interpreter import Interpreter
except ImportError:
    from ai_edge_litert.interpreter import Interpreter
folder, *files = sys.argv[1:]
inputs, answers = np.load(folder + "/inputs.npy"), {}
for file in files:
    try:
        interpreter = Interpreter(file)
        interpreter.allocate_tensors()
        (door,), (output,) = interpreter.get_input_details(), interpreter.get_output_details()
        rows = []
        for row in inputs:
            interpreter.set_tensor(door["index"], row[np.newaxis])
            interpreter.invoke()
            rows.append(interpreter.get_tensor(output["index"])[0].tolist())
        answers[file] = rows
    except (RuntimeError, ValueError) as error:
        answers[file] = str(error).splitlines()[0].split(". An older")[0]
print(json.dumps(answers))
"""


@dataclass(frozen=True, kw_only=True)
class Case:
    """A file, the runtime it needs by our table, and what it is."""

    name: str
    content: bytes
    needs: str


@dataclass(frozen=True, kw_only=True)
class Result:
    """What one runtime made of one file.

    Attributes:
        top1: share of images with Keras' class; None where the file was refused.
        difference: largest absolute difference from Keras' probabilities, 0..1; None where refused.
        refused: the runtime's words; "" where it ran.
    """

    runtime: str
    case: str
    top1: float | None
    difference: float | None
    refused: str


def main() -> None:
    """Writes the table to stdout as TOML."""
    cases, images, expected = make_cases()
    results = [
        one
        for runtime in RUNTIMES
        for one in run(environment(runtime, Path(sys.argv[1])), runtime.name, cases, images, expected)
    ]
    sys.stdout.write("\n".join(_toml(cases, results)) + "\n")


def _toml(cases: list[Case], results: list[Result]) -> Iterator[str]:
    today = datetime.now(UTC).date()
    yield "# What published runtimes really made of one small model, a CNN of the 8x8 digits of scikit-learn."
    yield f"# Made by python -m tests.converters.tried on {today}, Linux x86-64. Do not edit."
    yield "# top1: share of images with Keras' class; difference: largest from Keras' probabilities, 0..1."
    yield f"\n[about]\ndate = {today}\nimages = {COMPARED}"
    for case in cases:
        yield f"\n[[tried]]\ncase = {json.dumps(case.name)}\nneeds = {json.dumps(case.needs)}\nresults = ["
        for one in results:
            if one.case == case.name:
                cells = {name: value for name, value in vars(one).items() if name != "case"}
                told = (f"{k} = {json.dumps(v)}" for k, v in cells.items() if v not in (None, ""))
                yield f"    {{ {', '.join(told)} }},"
        yield "]"


def environment(runtime: Runtime, folder: Path) -> Path:
    """The Python of a runtime's environment, made if it is not there.

    Raises:
        FileNotFoundError: no such Python on this machine.
        CalledProcessError: pip could not install it.
    """
    home = folder / f"{runtime.package}-{runtime.version}"
    python = home / "bin" / "python"
    if not (home / "done").is_file():
        subprocess.run([find_python(runtime.python), "-m", "venv", home], check=True)
        packages = [f"{runtime.package}=={runtime.version}", "numpy<2"]
        quiet = ["-q", "--disable-pip-version-check", "--only-binary", ":all:"]
        subprocess.run([python, "-m", "pip", "install", *quiet, *packages], check=True)
        (home / "done").touch()
    return python


def find_python(version: str) -> Path:
    """A Python of this version: our own, on the path, or of pyenv.

    Raises:
        FileNotFoundError: none.
    """
    places = [Path(sys.executable), *sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))]
    places += [Path("/usr/bin") / f"python{version}", Path("/usr/local/bin") / f"python{version}"]
    for place in places:
        if place.is_file():
            code = "import sys; print('%d.%d' % sys.version_info[:2])"
            told = subprocess.run([place, "-c", code], capture_output=True, text=True, check=False).stdout
            if told.strip() == version:
                return place
    raise FileNotFoundError(f"no Python {version} on this machine")


def run(python: Path, name: str, cases: list[Case], images: Floats, expected: Floats) -> Iterator[Result]:
    """Runs all cases in one process of the runtime's environment."""
    folder = python.parent.parent / "work"
    folder.mkdir(exist_ok=True)
    np.save(folder / "inputs.npy", images)
    files = [folder / f"{number}.tflite" for number in range(len(cases))]
    for file, case in zip(files, cases, strict=True):
        file.write_bytes(case.content)
    finished = subprocess.run(
        [python, "-c", WORKER, folder, *files], capture_output=True, text=True, check=True
    )
    answers = json.loads(finished.stdout.splitlines()[-1])
    for file, case in zip(files, cases, strict=True):
        answer = answers[str(file)]
        top1 = difference = None
        if not isinstance(answer, str):
            outputs = np.array(answer)
            top1 = round(float((outputs.argmax(axis=1) == expected.argmax(axis=1)).mean()), 4)
            difference = round(float(abs(outputs - expected).max()), 4)
        yield Result(
            runtime=name,
            case=case.name,
            top1=top1,
            difference=difference,
            refused=answer if isinstance(answer, str) else "",
        )


PROBE = """
import json, sys
from pathlib import Path
try:
    from tflite_runtime.interpreter import Interpreter
except ImportError:
    from ai_edge_litert.interpreter import Interpreter
answers = {}
for file in Path(sys.argv[1]).glob("*.tflite"):
    try:
        Interpreter(str(file))
        answers[file.stem] = True
    except (RuntimeError, ValueError):
        answers[file.stem] = False
print(json.dumps(answers))
"""


def op_versions(python: Path, folder: Path) -> dict[str, bool]:
    """``CAST 7`` to whether a runtime has it, for every version of the table and the one after the last.

    A file that names an op version, and has no op, is refused if the runtime does not have it.
    """
    import flatbuffers  # type: ignore[import-untyped]
    from ai_edge_litert import schema_py_generated as schema

    for name, table in tables().items():
        for version in range(1, len(table.since) + 2):
            model, code, graph = schema.ModelT(), schema.OperatorCodeT(), schema.SubGraphT()
            code.builtinCode = getattr(schema.BuiltinOperator, name)
            code.deprecatedBuiltinCode = min(code.builtinCode, 127)  # all that a byte holds
            code.version = version
            graph.tensors, graph.inputs, graph.outputs, graph.operators = [], [], [], []
            model.version, model.description = 3, ""
            model.operatorCodes, model.subgraphs, model.buffers = [code], [graph], [schema.BufferT()]
            builder = flatbuffers.Builder(64)
            builder.Finish(model.Pack(builder), b"TFL3")
            (folder / f"{name} {version}.tflite").write_bytes(bytes(builder.Output()))
    finished = subprocess.run([python, "-c", PROBE, folder], capture_output=True, text=True, check=True)
    answers: dict[str, bool] = json.loads(finished.stdout.splitlines()[-1])
    return answers


def make_cases() -> tuple[list[Case], Floats, Floats]:
    """Trains and converts: the files, images (n, 8, 8) of 0..255, and Keras' probabilities (n, 10)."""
    from sklearn.datasets import load_digits

    keras = stack.load().keras
    layers = keras.layers
    digits = load_digits()
    images = np.round(digits.images * (255 / 16)).astype(np.float32)
    keras.utils.set_random_seed(SEED)
    model = keras.Sequential(
        [
            keras.Input((8, 8), name="image"),
            layers.Rescaling(1 / 255, name="pixel_scaling"),
            layers.Reshape((8, 8, 1), name="reshape"),
            layers.Conv2D(8, 3, activation="relu", name="conv_1"),
            # Dynamic range leaves kernels below 1,024 elements alone; this one has 1,152.
            layers.Conv2D(16, 3, activation="relu", name="conv_2"),
            layers.MaxPooling2D(2, name="pool"),
            layers.Flatten(name="flatten"),
            layers.Dense(32, activation="relu", name="hidden"),
            layers.Dense(10, activation="softmax", name="predictions"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    model.fit(images[:TRAINED_ON], digits.target[:TRAINED_ON], epochs=8, batch_size=64, verbose=0)
    source, samples = from_keras(model), representative(images[:200], shape=(8, 8), value_range=(0, 255))

    def converted(scheme: str, floor: str) -> bytes:
        return convert(source, ConversionSpec(scheme=scheme, runtime_floor=floor), samples).content

    files = {
        scheme: converted(scheme, PER_TENSOR)
        for scheme in ("float32", "float16", "dynamic_range", "int8", "int16x8")
    }
    for scheme in ("dynamic_range", "int8", "int16x8"):
        files[f"{scheme}, per-channel Dense"] = converted(scheme, PER_CHANNEL)
    dense = files["dynamic_range, per-channel Dense"]
    files["dynamic_range, per-channel Dense, claiming FULLY_CONNECTED 1"] = claiming(
        dense, op="FULLY_CONNECTED"
    )
    files["dynamic_range, claiming CONV_2D 1"] = claiming(files["dynamic_range"], op="CONV_2D")
    cases = [
        Case(name=name, content=content, needs=minimum_runtime(inspect_bytes(content, where=name)).text)
        for name, content in files.items()
    ]
    held_out = images[TRAINED_ON : TRAINED_ON + COMPARED]
    return cases, held_out, model.predict_on_batch(held_out)


if __name__ == "__main__":
    main()
