"""Op versions and minimum runtimes that a file claims, against what its tensors need."""

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import pytest

from converters.errors import WrongClaimError
from converters.tflite.claims import check_claims
from converters.tflite.diagnose import diagnose
from converters.tflite.inspect import Inspection, Op, Tensor, inspect_bytes
from converters.tflite.schemes import SCHEMES
from tests.converters.conftest import OldRuntime, TrainedCnn

pytestmark = pytest.mark.tensorflow


def changed(content: bytes, change: Callable[[Any], None]) -> bytes:
    """The file after a change to it as a ``ModelT`` of the schema."""
    import flatbuffers  # type: ignore[import-untyped]
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(content, 0)
    change(model)
    builder = flatbuffers.Builder(len(content))
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def claiming(content: bytes, *, op: str | None = None, runtime: str | None = None) -> bytes:
    """The file with version 1 for an op, or for all of them, or with another minimum runtime."""
    from ai_edge_litert import schema_py_generated as schema

    def change(model: Any) -> None:
        for code in model.operatorCodes:
            if op is not None and code.builtinCode == getattr(schema.BuiltinOperator, op):
                code.version = 1
        for entry in model.metadata:
            if runtime is not None and entry.name == b"min_runtime_version":
                model.buffers[entry.buffer].data = list(runtime.encode().ljust(16, b"\0"))

    return changed(content, change)


def inspected(content: bytes) -> Inspection:
    """The file, read."""
    return inspect_bytes(content, where="test")


@pytest.mark.parametrize("floor", ["2.14.0", "2.17.0"])
@pytest.mark.parametrize("scheme", list(SCHEMES))
def test_what_the_converter_writes_is_true(cnn: TrainedCnn, scheme: str, floor: str) -> None:
    """Every scheme, with Dense weights per tensor and per channel."""
    check_claims(inspected(cnn.converted(scheme, floor=floor).content), where="model.tflite")


def test_a_copy_without_a_change_is_still_true(cnn: TrainedCnn) -> None:
    """The tests below change what they mean to."""
    content = cnn.converted("dynamic_range", floor="2.17.0").content
    copy = inspected(changed(content, lambda _: None))
    assert copy.ops == inspected(content).ops
    check_claims(copy, where="model.tflite")


def test_per_channel_dense_weights_under_version_1_are_refused(cnn: TrainedCnn) -> None:
    """The message names the op, what it needs, what it claims."""
    content = cnn.converted("dynamic_range", floor="2.17.0").content
    with pytest.raises(WrongClaimError) as caught:
        check_claims(inspected(claiming(content, op="FULLY_CONNECTED")), where="model.tflite")
    assert str(caught.value).startswith(
        "model.tflite: FULLY_CONNECTED is hybrid per channel, which is version 12 (TensorFlow Lite 2.17.0), "
        "but claims version 1: runtimes without that version may load it and answer nonsense"
    )


def test_such_a_file_is_what_an_older_phone_misreads(cnn: TrainedCnn, old_runtime: OldRuntime) -> None:
    """Why it must not pass: tflite_runtime 2.14 refuses the true claim, and takes the wrong one."""
    content = cnn.converted("dynamic_range", floor="2.17.0").content
    refused = old_runtime(content, cnn.images)
    assert not hasattr(refused, "argmax")
    answers = old_runtime(claiming(content, op="FULLY_CONNECTED"), cnn.images)
    assert hasattr(answers, "argmax")
    assert (answers.argmax(axis=1) == cnn.expected.argmax(axis=1)).mean() < 0.5


@pytest.mark.parametrize(
    ("scheme", "op", "needs"),
    [
        (
            "dynamic_range",
            "FULLY_CONNECTED",
            "FULLY_CONNECTED is hybrid with asymmetric_quantize_inputs, which is version 9",
        ),
        ("int8", "CONV_2D", "CONV_2D is int8, which is version 3"),
        ("int8", "FULLY_CONNECTED", "FULLY_CONNECTED is int8, which is version 4"),
    ],
)
def test_other_ops_under_too_low_a_version_are_refused(
    cnn: TrainedCnn, scheme: str, op: str, needs: str
) -> None:
    """Also where the kernel of version 1 happens to answer right."""
    content = claiming(cnn.converted(scheme).content, op=op)
    with pytest.raises(WrongClaimError) as caught:
        check_claims(inspected(content), where="model.tflite")
    assert needs in str(caught.value)


def test_a_minimum_runtime_below_that_of_its_ops_is_refused(cnn: TrainedCnn) -> None:
    """Op versions may be right and the file's own figure wrong."""
    content = cnn.converted("dynamic_range", floor="2.17.0").content
    assert inspected(content).claimed_min_runtime == "2.17.0"
    with pytest.raises(WrongClaimError) as caught:
        check_claims(inspected(claiming(content, runtime="1.5.0")), where="model.tflite")
    assert "needs TensorFlow Lite 2.17.0, but the file claims to run on 1.5.0" in str(caught.value)


def test_a_file_that_claims_nothing_is_judged_by_its_ops(cnn: TrainedCnn) -> None:
    """A minimum runtime is metadata: it may be missing."""
    content = cnn.converted("int8").content
    check_claims(inspected(changed(content, lambda model: model.metadata.clear())), where="model.tflite")


@pytest.mark.parametrize(
    ("scheme", "built_for", "op", "floor", "severity"),
    [
        # 2.14 answers nonsense; 2.17 has the arithmetic.
        ("dynamic_range", "2.17.0", "FULLY_CONNECTED", "2.14.0", "error"),
        ("dynamic_range", "2.17.0", "FULLY_CONNECTED", "2.17.0", "warning"),
        # Right on every runtime that was tried: of a small model, on one platform.
        ("int8", "2.14.0", "CONV_2D", "2.14.0", "warning"),
        ("int8", "2.14.0", "CONV_2D", "1.13.0", "error"),
    ],
)
def test_a_claim_that_may_be_misread_is_refused_whatever_the_floor(
    cnn: TrainedCnn, scheme: str, built_for: str, op: str, floor: str, severity: str
) -> None:
    """Diagnostics tell how grave it is, and never call it harmless."""
    file = inspected(claiming(cnn.converted(scheme, floor=built_for).content, op=op))
    assert {one.severity for one in diagnose(file, runtime_floor=floor) if one.code == "P001"} == {severity}
    with pytest.raises(WrongClaimError, match=f"{op} is .* but claims version 1"):
        check_claims(file, where="model.tflite", runtime_floor=floor)


@pytest.mark.parametrize(("floor", "passes"), [("2.14.0", False), ("2.17.0", True)])
def test_a_stated_minimum_is_asked_for_the_floor(cnn: TrainedCnn, floor: str, passes: bool) -> None:
    """No runtime reads it: op versions are what it looks at."""
    content = claiming(cnn.converted("dynamic_range", floor="2.17.0").content, runtime="1.5.0")
    with nullcontext() if passes else pytest.raises(WrongClaimError):
        check_claims(inspected(content), where="model.tflite", runtime_floor=floor)


def one_op(name: str, version: int, dtypes: tuple[str, str, str], scales: int) -> Inspection:
    """A file of one op: dtypes of its input, weights and output, and how many scales its weights have."""
    tensors = tuple(
        Tensor(
            index=index,
            name=f"tensor {index}",
            shape=(1,),
            dtype=dtype,
            scales=(0.1,) * scales if index == 1 else (),
            zero_points=(0,) * scales if index == 1 else (),
            axis=0 if index == 1 and scales > 1 else None,
            constant_bytes=0,
        )
        for index, dtype in enumerate((*dtypes[:2], "int32", dtypes[2]))
    )
    op = Op(name=name, version=version, custom=False, inputs=(0, 1, 2), outputs=(3,))
    return Inspection(
        file_bytes=0,
        description="",
        claimed_min_runtime=None,
        subgraphs=1,
        inputs=tensors[:1],
        outputs=tensors[3:],
        tensors=tensors,
        ops=(op,),
    )


KINDS = {
    "int8": (("int8", "int8", "int8"), 4),
    "hybrid": (("float32", "int8", "float32"), 1),
    "hybrid per channel": (("float32", "int8", "float32"), 4),
}


@pytest.mark.parametrize(
    ("op", "kind", "version"),
    [
        ("CONV_2D", "int8", 3),
        ("CONV_2D", "hybrid", 2),
        ("CONV_2D", "hybrid per channel", 5),
        ("DEPTHWISE_CONV_2D", "int8", 3),
        ("DEPTHWISE_CONV_2D", "hybrid", 4),
        ("DEPTHWISE_CONV_2D", "hybrid per channel", 6),
        ("FULLY_CONNECTED", "int8", 4),
        ("FULLY_CONNECTED", "hybrid", 3),
        ("FULLY_CONNECTED", "hybrid per channel", 12),
    ],
)
def test_each_op_passes_from_its_version_on(op: str, kind: str, version: int) -> None:
    """One version below, it is refused."""
    dtypes, scales = KINDS[kind]
    check_claims(one_op(op, version, dtypes, scales), where="model.tflite")
    for floor in (None, "2.14.0", "2.17.0"):
        with pytest.raises(WrongClaimError, match=f"{op} is {kind}, which is version {version}"):
            check_claims(one_op(op, version - 1, dtypes, scales), where="model.tflite", runtime_floor=floor)


@pytest.mark.parametrize(
    ("op", "dtypes"),
    [
        ("CONV_2D", ("float32", "float32", "float32")),
        ("FULLY_CONNECTED", ("int16", "int8", "int16")),
        ("FULLY_CONNECTED", ("int8", "int8", "int32")),
        ("GATHER", ("float32", "int8", "float32")),
        ("OF_TOMORROW", ("int8", "int8", "int8")),
    ],
)
def test_what_version_1_can_do_is_no_wrong_claim(op: str, dtypes: tuple[str, str, str]) -> None:
    """The weights' own dtype alone raises no version."""
    check_claims(one_op(op, 1, dtypes, 4), where="model.tflite")
