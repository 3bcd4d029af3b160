"""What is said of a hostile file is bounded: not only what is read, but what is printed of it."""

import json
import time
import tracemalloc
from typing import Any

import numpy as np
import pytest

from converters.errors import InvalidTfliteError
from converters.tflite.diagnose import diagnose
from converters.tflite.inspect import MOST, inspect_bytes
from converters.tflite.names import LONGEST_NAME, bounded
from pipeline.cli import _inspection, inspect_command
from pipeline.cli._options import json_text
from tests.converters import built
from tests.converters.test_inspect_hostile import aliased

LONGEST = 2.0
"""Seconds for all that is said of one such file; measured 0.05 to 1.0 on a busy machine."""

MOST_MEMORY, MOST_TEXT = 60_000_000, 20_000_000
"""Bytes; measured up to 49 MB of Python objects, and 6.8 MB of text and JSON."""


def chain(*names: str, door: str = "t0") -> bytes:
    """Custom ops behind each other."""
    tensors = [built.tensor(door if i == 0 else f"t{i}", (1,)) for i in range(len(names) + 1)]
    ops = [built.op(name, (i,), (i + 1,)) for i, name in enumerate(names)]
    return built.model(built.graph(tensors, ops, inputs=(0,), outputs=(len(names),)))


def all_give_one(count: int, name: str) -> bytes:
    """Ops that all give one tensor."""
    tensors = [built.tensor("a", (1,)), built.tensor(name, (1,))]
    ops = [built.op("RELU", (0,), (1,)) for _ in range(count)]
    return built.model(built.graph(tensors, ops, inputs=(0,), outputs=(1,)))


def without_a_scale(count: int, name: str) -> bytes:
    """Convolutions that all read one tensor, of which a diagnostic speaks."""
    tensors = [
        built.tensor(name, (1, 4, 4, 1), "INT8"),
        built.tensor("w", (1, 1, 1, 1), "INT8", scales=(1.0,)),
        built.tensor("b", (1, 4, 4, 1), "INT8", scales=(1.0,)),
    ]
    ops = [built.op("CONV_2D", (0, 1), (2,)) for _ in range(count)]
    return built.model(built.graph(tensors, ops, inputs=(0,) * count, outputs=(2,)))


LARGE = {
    "100 ops of one long code": chain(*("C" * 200_000,) * 100),
    "2,000 ops of a code of 1 MB": chain(*("C" * 1_000_000,) * 2_000),
    "100 ops that give one tensor of a long name": all_give_one(100, "net/" + "L" * 200_000 + "/Relu"),
    "60,000 references to one op": aliased(60_000, field=3),
    "1,000 ops that read one tensor of a long name": without_a_scale(1_000, "n" * 200_000),
    "100 different codes that begin alike": chain(*("C" * 20_000 + str(i) for i in range(100))),
}


def told(content: bytes) -> tuple[str, str]:
    """Text and JSON of a file; the complaint in both where it is refused."""
    try:
        inspection = inspect_bytes(content, where="large.tflite")
    except InvalidTfliteError as error:
        return str(error), str(error)
    sections = _inspection.sections(inspection, android_api=30)
    text = "\n".join(" ".join((*section.lines, *map(" ".join, section.rows))) for section in sections)
    return text, json_text(inspect_command._document(inspection, android_api=30))


@pytest.mark.parametrize("name", LARGE)
def test_time_and_output_are_bounded(name: str) -> None:
    """Files of a kilobyte to a megabyte that asked for 100 MB and more."""
    started = time.perf_counter()
    text, document = told(LARGE[name])
    assert time.perf_counter() - started < LONGEST
    assert len(text) + len(document) < MOST_TEXT


@pytest.mark.slow
@pytest.mark.parametrize("name", LARGE)
def test_memory_is_bounded(name: str) -> None:
    """On its own, as counting it takes time."""
    tracemalloc.start()
    try:
        told(LARGE[name])
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < MOST_MEMORY


@pytest.mark.parametrize("what", ["ops", "tensors", "subgraphs"])
def test_a_file_of_too_many_parts_is_refused_by_their_number(what: str) -> None:
    """One more than is inspected."""
    count = MOST[what] + 1
    if what == "subgraphs":
        content = built.model(*(built.graph([], [], inputs=(), outputs=()) for _ in range(count)))
    else:
        content = aliased(count, field=3 if what == "ops" else 0)
    with pytest.raises(InvalidTfliteError) as caught:
        inspect_bytes(content, where="large.tflite")
    assert str(caught.value) == f"large.tflite: {count:,} {what}; files of up to {MOST[what]:,} are inspected"


def test_ops_of_all_subgraphs_count_together() -> None:
    """A body of a loop is told as fully as the rest."""
    half = MOST["ops"] // 2 + 1
    graphs = []
    for _ in range(2):
        ops = [built.op("RELU", (0,), (1,))] * half
        graphs.append(
            built.graph([built.tensor("a", (1,)), built.tensor("b", (1,))], ops, inputs=(0,), outputs=(1,))
        )
    with pytest.raises(InvalidTfliteError, match=f"{2 * half:,} ops"):
        inspect_bytes(built.model(*graphs), where="large.tflite")


def test_long_codes_that_begin_alike_stay_different() -> None:
    """In the counts of ops, and so wherever they are told apart; also where they are of one length."""
    inspection = inspect_bytes(chain("C" * 150 + "a", "C" * 150 + "b", "C" * 150 + "a"), where="test")
    assert sorted(inspection.op_counts.values()) == [1, 2]
    assert all(
        name.startswith("C" * LONGEST_NAME + "... (151 letters, sha256 ") for name in inspection.op_counts
    )


def test_short_names_are_told_as_they_are() -> None:
    """Up to the limit."""
    assert bounded("x" * LONGEST_NAME) == "x" * LONGEST_NAME
    assert len(bounded("x" * 10**6)) < LONGEST_NAME + 50


def test_an_input_that_is_named_many_times_is_diagnosed_once() -> None:
    """Not once for every reference."""
    found = diagnose(inspect_bytes(without_a_scale(3, "n" * 5_000), where="test"))
    (door,) = [one for one in found if one.code == "P015" and one.message.startswith("input")]
    assert len(door.message) < 300


def nan_scale() -> bytes:
    """An int8 input without a number for a scale."""
    tensors = [built.tensor("a", (1,), "INT8", scales=(float("nan"),)), built.tensor("b", (1,))]
    return built.model(built.graph(tensors, [built.op("RELU", (0,), (1,))], inputs=(0,), outputs=(1,)))


def infinite_beta() -> bytes:
    """A SOFTMAX that nothing computes."""
    tensors = [built.tensor("a", (1, 4)), built.tensor("b", (1, 4))]
    softmax = built.op("SOFTMAX", (0,), (1,), options=("SoftmaxOptions", {"beta": float("-inf")}))
    return built.model(built.graph(tensors, [softmax], inputs=(0,), outputs=(1,)))


@pytest.mark.parametrize(
    ("content", "key", "value"),
    [(nan_scale(), "tensors", ["NaN"]), (infinite_beta(), "ops", "-Infinity")],
    ids=["NaN scale", "infinite beta"],
)
def test_what_is_no_number_is_told_in_words(content: bytes, key: str, value: Any) -> None:
    """JSON has neither; both stand in real files of faulty tools."""
    first = json.loads(told(content)[1])[key][0]
    assert (first["scales"] if key == "tensors" else first["options"]["beta"]) == value


def test_wherever_it_stands_in_a_document() -> None:
    """Lists in dicts in lists; what is a number, or a text already, stays."""
    found = json.loads(json_text({"a": [float("inf"), {"b": (float("-inf"), 1.5, True, None, "NaN")}]}))
    assert found == {"a": ["Infinity", {"b": ["-Infinity", 1.5, True, None, "NaN"]}]}
    assert json.loads(json_text({"n": float(np.float32("nan"))})) == {"n": "NaN"}
