"""Reading .tflite files: facts as TensorFlow sees them; damage gives an answer or one kind of error."""

import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import flatbuffers  # type: ignore[import-untyped]
import numpy as np
import pytest

from converters import stack
from converters.errors import InvalidTfliteError
from converters.tflite.inspect import inspect, inspect_bytes
from tests.converters.conftest import TrainedCnn

SEED = 5
DAMAGED_VARIANTS = 400
CUTS = 150

LONGEST_READ = 2.0
"""Seconds for one damaged file of 7 kB: a sound one takes milliseconds, a read without end never returns."""


def flatbuffer(change: Callable[[Any], None] | None = None) -> bytes:
    """A file with one ADD of its input and a constant, changed before it is packed."""
    from ai_edge_litert import schema_py_generated as schema

    def tensor(name: str, buffer: int) -> Any:
        made = schema.TensorT()
        made.name, made.shape, made.buffer = name, [1, 2], buffer
        return made

    model, graph, code, op = schema.ModelT(), schema.SubGraphT(), schema.OperatorCodeT(), schema.OperatorT()
    empty, constant = schema.BufferT(), schema.BufferT()
    constant.data = np.array([1, 2], np.float32).view(np.uint8)
    code.builtinCode, code.version = schema.BuiltinOperator.ADD, 2
    op.inputs, op.outputs = [0, 1], [2]
    graph.tensors = [tensor("door", 0), tensor("constant", 1), tensor("sum", 0)]
    graph.inputs, graph.outputs, graph.operators = [0], [2], [op]
    model.version, model.description = 3, "one addition"
    model.operatorCodes, model.subgraphs, model.buffers = [code], [graph], [empty, constant]
    if change is not None:
        change(model)
    builder = flatbuffers.Builder(0)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def complaint(content: bytes) -> str:
    """The text of the InvalidTfliteError that a file raises."""
    with pytest.raises(InvalidTfliteError) as caught:
        inspect_bytes(content, where="model.tflite")
    return str(caught.value)


class TestFacts:
    """What is told of a sound file."""

    def test_a_small_file(self) -> None:
        """Every field, built by hand."""
        inspection = inspect_bytes(flatbuffer(), where="test")

        assert inspection.description == "one addition"
        assert inspection.claimed_min_runtime is None
        assert inspection.subgraphs == 1
        assert [tensor.name for tensor in inspection.tensors] == ["door", "constant", "sum"]
        assert [tensor.constant_bytes for tensor in inspection.tensors] == [0, 8, 0]
        assert inspection.inputs == inspection.tensors[:1]
        assert inspection.outputs == inspection.tensors[2:]
        (op,) = inspection.ops
        assert (op.name, op.version, op.custom, op.inputs, op.outputs) == ("ADD", 2, False, (0, 1), (2,))
        assert inspection.op_counts == {"ADD": 1}
        assert inspection.constant_bytes_by_dtype == {"float32": 8}

    def test_a_custom_op_is_called_by_its_name(self) -> None:
        """No builtin: a runtime needs the app to bring it."""

        def change(model: Any) -> None:
            model.operatorCodes[0].builtinCode, model.operatorCodes[0].customCode = 32, "FancyBlur"

        (op,) = inspect_bytes(flatbuffer(change), where="test").ops
        assert (op.name, op.custom) == ("FancyBlur", True)

    def test_an_op_code_of_before_2020_is_read(self) -> None:
        """It stands in a byte of its own then."""

        def change(model: Any) -> None:
            model.operatorCodes[0].builtinCode, model.operatorCodes[0].deprecatedBuiltinCode = 0, 3

        assert inspect_bytes(flatbuffer(change), where="test").op_counts == {"CONV_2D": 1}

    def test_an_op_of_tomorrow_is_shown_by_its_number(self) -> None:
        """A newer converter is no damage."""

        def change(model: Any) -> None:
            model.operatorCodes[0].builtinCode = 4_000

        assert inspect_bytes(flatbuffer(change), where="test").op_counts == {"op 4000": 1}

    def test_the_claimed_runtime_is_read_from_the_metadata(self) -> None:
        """Padded with zeros, as the converter writes it."""
        from ai_edge_litert import schema_py_generated as schema

        def change(model: Any) -> None:
            text, entry = schema.BufferT(), schema.MetadataT()
            text.data = np.frombuffer(b"1.14.0".ljust(16, b"\0"), np.uint8)
            entry.name, entry.buffer = "min_runtime_version", len(model.buffers)
            model.metadata, model.buffers = [entry], [*model.buffers, text]

        assert inspect_bytes(flatbuffer(change), where="test").claimed_min_runtime == "1.14.0"

    @pytest.mark.tensorflow
    def test_an_int8_file(self, cnn: TrainedCnn) -> None:
        """Ops, doors, per-channel convolution, and every weight as one byte."""
        content = cnn.converted("int8", io="uint8").content
        inspection = inspect_bytes(content, where="test")

        assert inspection.file_bytes == len(content)
        assert inspection.op_counts["FULLY_CONNECTED"] == 2
        assert {"QUANTIZE", "CONV_2D", "MAX_POOL_2D", "RESHAPE", "SOFTMAX"} <= set(inspection.op_counts)
        (door,), (output,) = inspection.inputs, inspection.outputs
        assert (door.dtype, door.shape, door.scales, door.zero_points) == ("uint8", (1, 8, 8), (1.0,), (0,))
        assert (output.dtype, output.shape) == ("uint8", (1, 10))
        assert (output.scales, output.zero_points) == ((1 / 256,), (0,))
        conv = next(op for op in inspection.ops if op.name == "CONV_2D")
        weights = inspection.tensors[conv.inputs[1]]
        assert (weights.shape, weights.axis, len(weights.scales)) == ((8, 3, 3, 1), 0, 8)
        kernels = sum(weight.size for weight in cnn.model.get_weights() if weight.ndim > 1)
        assert 0 <= inspection.constant_bytes_by_dtype["int8"] - kernels <= 1  # the factor of pixel_scaling
        assert inspection.claimed_min_runtime == "1.14.0"

    @pytest.mark.tensorflow
    @pytest.mark.parametrize("scheme", ["float32", "float16", "dynamic_range", "int8", "int16x8"])
    def test_tensors_are_those_that_the_interpreter_sees(
        self, cnn: TrainedCnn, tensorflow: stack.Stack, scheme: str
    ) -> None:
        """Name, shape, dtype, scales, zero points and axis of each, read by TensorFlow."""
        content = cnn.converted(scheme).content
        interpreter = tensorflow.tf.lite.Interpreter(model_content=content)
        found = {tensor.name: tensor for tensor in inspect_bytes(content, where="test").tensors}

        compared = 0
        for details in interpreter.get_tensor_details():
            tensor = found.get(details["name"])
            if tensor is None:
                continue  # the interpreter adds tensors of its own
            compared += 1
            parameters = details["quantization_parameters"]
            assert tensor.shape == tuple(details["shape"])
            assert tensor.dtype == np.dtype(details["dtype"]).name
            np.testing.assert_allclose(tensor.scales, parameters["scales"], rtol=1e-6)
            # The interpreter keeps one zero point, 0, of all channels.
            assert set(tensor.zero_points) == set(parameters["zero_points"].tolist())
            assert (tensor.axis or 0) == parameters["quantized_dimension"]
        assert compared == len(found)

    @pytest.mark.tensorflow
    def test_a_file_is_read_from_its_path(self, cnn: TrainedCnn, tmp_path: Path) -> None:
        """As text or as a Path."""
        path = tmp_path / "model.tflite"
        cnn.converted("float32").write(path)

        assert inspect(path) == inspect(str(path)) == inspect_bytes(path.read_bytes(), where="test")


class TestNotAModel:
    """Files that never were one."""

    @pytest.mark.parametrize(
        "content", [b"", b"TFL3", b"a text file, of some length\n", bytes(64), b"PK\x03\x04" + bytes(60)]
    )
    def test_the_identifier_is_missing(self, content: bytes) -> None:
        """The message shows what stands in its place."""
        assert complaint(content) == (
            f"model.tflite: not a TensorFlow Lite file (bytes 4..8 are {content[4:8]!r}, not b'TFL3')"
        )

    def test_nothing_follows_the_identifier(self) -> None:
        """The first eight bytes alone."""
        assert "damaged" in complaint(b"\x1c\x00\x00\x00TFL3")

    def test_no_such_file(self, tmp_path: Path) -> None:
        """The path is named."""
        with pytest.raises(InvalidTfliteError, match=r"none\.tflite: No such file or directory"):
            inspect(tmp_path / "none.tflite")

    def test_a_folder(self, tmp_path: Path) -> None:
        """A bundle's folder instead of the file in it."""
        with pytest.raises(InvalidTfliteError, match="Is a directory"):
            inspect(tmp_path)

    def test_no_subgraph(self) -> None:
        """Nothing to run."""

        def change(model: Any) -> None:
            model.subgraphs = []

        assert complaint(flatbuffer(change)) == "model.tflite: damaged TensorFlow Lite file (no subgraph)"


class TestDamagedReferences:
    """Numbers in the file that point past its vectors; the generated reader would read on regardless."""

    @pytest.mark.parametrize("index", [-1, 3, 2**30])
    @pytest.mark.parametrize("which", ["inputs", "outputs"])
    def test_a_door_that_is_no_tensor(self, which: str, index: int) -> None:
        """-1 is no last tensor."""

        def change(model: Any) -> None:
            setattr(model.subgraphs[0], which, [index])

        assert f"index {index} into 3 elements" in complaint(flatbuffer(change))

    @pytest.mark.parametrize("index", [2, 2**31])
    def test_a_buffer_that_is_not_there(self, index: int) -> None:
        """Of a tensor."""

        def change(model: Any) -> None:
            model.subgraphs[0].tensors[1].buffer = index

        assert f"index {index} into 2 elements" in complaint(flatbuffer(change))

    def test_an_op_code_that_is_not_there(self) -> None:
        """Of an operator."""

        def change(model: Any) -> None:
            model.subgraphs[0].operators[0].opcodeIndex = 1

        assert "index 1 into 1 elements" in complaint(flatbuffer(change))

    def test_a_buffer_that_is_longer_than_the_file(self) -> None:
        """The length of the constant, eight bytes, says more than two gigabytes."""
        content = flatbuffer()
        data = np.array([1, 2], np.float32).tobytes()
        length = content.index((8).to_bytes(4, "little") + data)

        assert "damaged" in complaint(content[:length] + b"\xff\xff\xff\x7f" + content[length + 4 :])


@pytest.mark.tensorflow
class TestDamagedFiles:
    """Each gives an answer or InvalidTfliteError, soon."""

    def test_cut_files_are_never_taken_for_whole(self, cnn: TrainedCnn) -> None:
        """At points all over the file."""
        content = cnn.converted("int8", io="uint8").content
        for length in np.linspace(0, len(content) - 1, CUTS, dtype=int):
            assert complaint(content[:length])

    @pytest.mark.parametrize("flips", [1, 4, 64])
    def test_changed_bytes(self, cnn: TrainedCnn, flips: int) -> None:
        """A fixed seed, so that a failure can be repeated."""
        content = cnn.converted("int8", io="uint8").content
        draw, refused, slowest = random.Random(SEED), 0, 0.0
        for _ in range(DAMAGED_VARIANTS):
            variant = bytearray(content)
            for _ in range(flips):
                variant[draw.randrange(len(variant))] = draw.randrange(256)
            started = time.perf_counter()
            try:
                inspect_bytes(bytes(variant), where="test")
            except InvalidTfliteError:
                refused += 1
            slowest = max(slowest, time.perf_counter() - started)

        assert slowest < LONGEST_READ
        assert 0 < refused <= DAMAGED_VARIANTS
