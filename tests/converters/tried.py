"""Runs small models in every scheme on old and new runtimes, each in an environment of its own.

    python -m tests.converters.tried FOLDER > converters/tflite/tried.toml

FOLDER keeps the environments; they take 0.1 GB each. Older runtimes have wheels for Python 3.9 only.
"""

import json
import platform
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from converters.tflite.op_versions import tables
from tests.converters.tried_cases import COMPARED, Case, Floats, make_cases


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
    cases, images = make_cases()
    results = [
        one
        for runtime in RUNTIMES
        for one in run(environment(runtime, Path(sys.argv[1])), runtime.name, cases, images)
    ]
    sys.stdout.write("\n".join(_toml(cases, results)) + "\n")


def _toml(cases: list[Case], results: list[Result]) -> Iterator[str]:
    today = datetime.now(UTC).date()
    yield "# What published runtimes really made of two small CNNs of the 8x8 digits of scikit-learn."
    here = f"{platform.system()} {platform.machine().replace('_', '-')}"
    yield f"# Made by python -m tests.converters.tried on {today}, {here}. Do not edit."
    yield "# top1: share of images with Keras' class; difference: largest from Keras' probabilities, 0..1."
    yield f"\n[about]\ndate = {today}\nimages = {COMPARED}\nplatform = {json.dumps(here)}"
    for case in cases:
        yield f"\n[[tried]]\ncase = {json.dumps(case.name)}\nneeds = {json.dumps(case.needs)}\nresults = ["
        for one in results:
            if one.case == case.name:
                cells = {name: value for name, value in vars(one).items() if name != "case"}
                told = (
                    f"{name} = {_value(value)}" for name, value in cells.items() if value not in (None, "")
                )
                yield f"    {{ {', '.join(told)} }},"
        yield "]"


def _value(value: float | str) -> str:
    """As TOML writes it, which has infinities and nan in small letters."""
    if isinstance(value, float) and not np.isfinite(value):
        return repr(value)
    return json.dumps(value)


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


def run(python: Path, name: str, cases: list[Case], images: Floats) -> Iterator[Result]:
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
            top1 = round(float((outputs.argmax(axis=1) == case.expected.argmax(axis=1)).mean()), 4)
            difference = round(float(abs(outputs - case.expected).max()), 4)
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


if __name__ == "__main__":
    main()
