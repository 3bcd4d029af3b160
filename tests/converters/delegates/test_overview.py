"""What ``pipeline inspect`` says of delegates: ops with one reason stand in one line."""

from converters.delegates import delegate_sections, verdicts
from converters.delegates.node import without_tensors
from converters.tflite.inspect import inspect_bytes
from tests.converters import built
from tests.converters.delegates.single import chain


def rows(names: tuple[str, ...], *, android_api: int) -> list[tuple[str, ...]]:
    """The rows of what NNAPI leaves of a chain of int8 ops."""
    sections = delegate_sections(chain(*names, dtype="INT8"), android_api=android_api)
    return [row for section in sections if section.title.startswith("nnapi") for row in section.rows]


def test_ops_that_differ_in_their_tensor_alone_are_one_row() -> None:
    """A file of 50 layers at a level that takes none of them."""
    (row,) = rows(("TANH",) * 20, android_api=28)
    assert row[:2] == ("TANH", "20")
    assert row[3] == "input ...: the delegate takes float32 here"
    reasons = {op.reason for op in verdicts(chain(*("TANH",) * 20, dtype="INT8"), android_api=28)[1].ops}
    assert len(reasons) == 20


def test_the_tensor_of_a_single_op_is_named() -> None:
    """Whoever has one op to change looks for it."""
    (row,) = rows(("TANH",), android_api=28)
    assert row[3] == "input 't0' (int8, 1x4): the delegate takes float32 here"


def test_other_reasons_keep_their_rows() -> None:
    """Another op, or the same for another reason."""
    found = rows(("TANH", "EXP", "TANH"), android_api=28)
    assert [row[:2] for row in found] == [("TANH", "2"), ("EXP", "1")]


def test_tensors_are_left_out_of_a_reason() -> None:
    """Scalars, unknown sizes, shapes that are cut; not a name alone."""
    for text in ("'a' (int8, 1x-1x3)", "'a;b:0' (float32, scalar)", "'a' (int8, 1x1x1x1x1x1x1x1x...)"):
        assert without_tensors(f"input {text}: the rest") == "input ...: the rest"
    assert without_tensors("custom op 'MyOp': unknown (yes)") == "custom op 'MyOp': unknown (yes)"


def test_every_op_stands_in_a_row_or_goes() -> None:
    """Of a graph in which some go."""
    tensors = [built.tensor(f"t{i}", (1, 4)) for i in range(4)]
    ops = [built.op(name, (i,), (i + 1,)) for i, name in enumerate(("RELU", "GELU", "RELU"))]
    inspection = inspect_bytes(
        built.model(built.graph(tensors, ops, inputs=(0,), outputs=(3,))), where="test"
    )
    for section in delegate_sections(inspection):
        if section.rows and section.columns[0] == "op":
            (verdict,) = [v for v in verdicts(inspection) if section.title.startswith(f"{v.delegate}:")]
            assert sum(int(row[1]) for row in section.rows) == len(verdict.stays)
