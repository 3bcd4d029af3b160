"""Files made to harm a reader: each gives an answer or one kind of error, soon, with bounded memory."""

import random
import struct
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from converters.errors import InvalidTfliteError
from converters.tflite import arithmetic
from converters.tflite.inspect import Inspection, inspect, inspect_bytes
from pipeline.cli import _inspection, inspect_command
from pipeline.cli._options import json_text
from tests.converters import built
from tests.converters.conftest import TrainedCnn
from tests.converters.described import described
from tests.mutation import mutated

SEED = 11
QUICK, THOROUGH = 400, 5_000
"""Mutated files of `make test` and of `make test-all`."""

LONGEST_READ = 2.0
"""Seconds for one mutated file of 4 kB, whose sound original takes 2 ms; a read without end is longer."""

LONGEST_LARGE_READ = 20.0
"""Seconds for a hostile file of 4 MB; measured 1.5 and 2.4 of processor time, 6 on a busy machine."""

MEMORY_PER_BYTE = 100
"""Bytes of Python objects for a byte of a hostile file of 1 MB; measured 24."""

DAMAGED = "damaged TensorFlow Lite file"


def everything(inspection: Inspection) -> None:
    """All that ``pipeline inspect`` says of a file, as text and as JSON."""
    costs = arithmetic.costs(inspection)
    assert arithmetic.total_macs(costs) >= 0 or any(cost.dynamic for cost in costs)
    for _ in _inspection.sections(inspection, android_api=30):
        pass
    json_text(inspect_command._document(inspection, android_api=30))


def offsets(changed: bytearray, draw: random.Random) -> None:
    """Sets one or four of a file's 32-bit numbers, most of which are offsets, to an extreme."""
    size = len(changed)
    values = (0, 1, 4, 0x7F, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFC, 0xFFFFFFFF, size, size - 4)
    for _ in range(draw.choice([1, 1, 1, 4])):
        place = draw.randrange(0, size - 4, 4) if size > 8 else 0
        struct.pack_into("<I", changed, place, draw.choice(values))


def fuzz(originals: list[bytes], count: int) -> Iterator[tuple[float, bool]]:
    """Reads mutated files; gives seconds, and whether it was refused. A failure names the file's number."""
    draw = random.Random(SEED)
    for number in range(count):
        content, other = draw.choice(originals), draw.choice(originals)
        variant = mutated(content, draw, other=other, fields=offsets)
        started, refused = time.perf_counter(), False
        try:
            everything(inspect_bytes(variant, where="variant"))
        except InvalidTfliteError:
            refused = True
        except Exception as error:
            raise AssertionError(f"file {number} of seed {SEED}: {error!r}") from error
        yield time.perf_counter() - started, refused


def originals() -> list[bytes]:
    """Small sound files: a CNN, one with metadata and a zip, one with subgraphs, texts and sparse weights."""
    loop = built.op("WHILE", (0,), (1,), options=("WhileOptions", {"bodySubgraphIndex": 1}))
    ends = [built.tensor("a", (1, 4), signature=(-1, 4)), built.tensor("b", (1, 4), variable=True)]
    weights = built.tensor("w", (4, 4), data=built.floats(7), sparse=True)
    body = built.graph([ends[0], weights, ends[1]], [built.op("FULLY_CONNECTED", (0, 1), (2,))],
                       inputs=(0,), outputs=(2,), name="body")  # fmt: skip
    main = built.graph(ends, [loop], inputs=(0,), outputs=(1,))
    return [built.cnn(), described(), built.model(main, body)]


class TestFuzz:
    """Thousands of files."""

    def test_a_few_hundred(self) -> None:
        """The seed is fixed: a failure can be repeated."""
        seconds, refused = zip(*fuzz(originals(), QUICK), strict=True)
        assert max(seconds) < LONGEST_READ
        assert 0.2 < sum(refused) / QUICK < 0.95  # or the mutations are too weak, or too strong

    @pytest.mark.slow
    @pytest.mark.tensorflow
    def test_thousands(self, cnn: TrainedCnn) -> None:
        """Also of files that TensorFlow's converter wrote."""
        files = [*originals(), *(cnn.converted(scheme).content for scheme in ("float16", "int8"))]
        seconds, refused = zip(*fuzz(files, THOROUGH), strict=True)
        assert max(seconds) < LONGEST_READ
        assert 0 < sum(refused) < THOROUGH


def complaint(content: bytes) -> str:
    """The text of the InvalidTfliteError."""
    with pytest.raises(InvalidTfliteError) as caught:
        inspect_bytes(content, where="model.tflite")
    return str(caught.value)


def aliased(count: int, *, field: int, target: bytes = b"") -> bytes:
    """A file whose subgraph's vector ``field`` has ``count`` references to one and the same table."""
    content = bytearray(b"\0\0\0\0TFL3")

    def place(data: bytes) -> int:
        content.extend(b"\0" * (-len(content) % 4))
        content.extend(data)
        return len(content) - len(data)

    def table(slots: dict[int, int]) -> int:
        """A table whose fields are references to earlier places: distances wrap, as no reader may believe."""
        size = 2 * (max(slots) + 1) if slots else 0
        offsets = [4 + 4 * sorted(slots).index(i) if i in slots else 0 for i in range(size // 2)]
        vtable = place(struct.pack(f"<{2 + len(offsets)}H", 4 + size, 4 + 4 * len(slots), *offsets))
        content.extend(b"\0" * (-len(content) % 4))
        start = len(content)
        content.extend(struct.pack("<i", start - vtable))
        for slot in sorted(slots):
            forward.append((len(content), slots[slot]))
            content.extend(b"\0\0\0\0")
        return start

    forward: list[tuple[int, int]] = []
    marks: dict[int, int] = {}
    root = table({1: 1, 2: 2, 4: 3})
    marks[2] = place(struct.pack("<I", 1) + b"\0\0\0\0")
    subgraph = table({field: 4})
    struct.pack_into("<I", content, marks[2] + 4, subgraph - marks[2] - 4)
    marks[1] = place(struct.pack("<I", 1) + b"\0\0\0\0")
    code = table({})
    struct.pack_into("<I", content, marks[1] + 4, code - marks[1] - 4)
    marks[3] = place(struct.pack("<I", 1) + b"\0\0\0\0")
    struct.pack_into("<I", content, marks[3] + 4, table({}) - marks[3] - 4)
    marks[4] = place(struct.pack("<I", count) + b"\0\0\0\0" * count)
    one = table({0: 5} if target else {})
    if target:
        marks[5] = place(target)
    for i in range(count):
        struct.pack_into("<I", content, marks[4] + 4 + 4 * i, one - marks[4] - 4 - 4 * i)
    for position, mark in forward:
        struct.pack_into("<I", content, position, marks[mark] - position)
    struct.pack_into("<I", content, 0, root)
    return bytes(content)


class TestCrafted:
    """What a mutation seldom hits."""

    def test_the_crafted_file_is_sound_in_itself(self) -> None:
        """With three references it is read."""
        inspection = inspect_bytes(aliased(3, field=0), where="test")
        assert len(inspection.tensors) == 3

    @pytest.mark.slow
    @pytest.mark.parametrize("field", [0, 3])
    def test_a_million_references_to_one_table(self, field: int) -> None:
        """4 MB that would become a million tensors or ops: refused by their number."""
        content = aliased(1_000_000, field=field)
        started = time.perf_counter()
        assert f"1,000,000 {'ops' if field else 'tensors'}; files of up to" in complaint(content)
        assert time.perf_counter() - started < LONGEST_LARGE_READ

    def test_references_to_one_long_vector(self) -> None:
        """1,000 tensors with a shape of 60 numbers are read; with one of a million numbers, nothing is."""
        shape = struct.pack("<I", 60) + struct.pack("<60i", *[2**31 - 1] * 60)
        inspection = inspect_bytes(aliased(1_000, field=0, target=shape), where="test")
        assert inspection.tensors[999].elements == (2**31 - 1) ** 60
        everything(inspection)
        long = struct.pack("<I", 1_000_000) + b"\1\0\0\0" * 1_000_000
        assert DAMAGED in complaint(aliased(1_000, field=0, target=long))

    @pytest.mark.slow
    def test_memory_is_bounded_by_the_file(self) -> None:
        """As many tensors as the reader allows for a file of 1 MB."""
        content = aliased(250_000, field=0)
        tracemalloc.start()
        try:
            complaint(content)
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert most < MEMORY_PER_BYTE * len(content)

    def test_a_vector_that_is_longer_than_the_file(self) -> None:
        """Said to hold four thousand million elements."""
        content = bytearray(aliased(3, field=0))
        content[content.index(struct.pack("<I", 3)) :][:4] = b"\xff\xff\xff\xff"
        at = content.rindex(struct.pack("<I", 3))
        content[at : at + 4] = b"\xff\xff\xff\xff"
        assert DAMAGED in complaint(bytes(content))

    def test_a_table_that_is_its_own_child(self) -> None:
        """A subgraph vector whose element is the root itself."""
        content = bytearray(aliased(1, field=0))
        (root,) = struct.unpack_from("<I", content)
        (vector,) = struct.unpack_from("<I", content, root + 8)
        place = root + 8 + vector + 4
        struct.pack_into("<I", content, place, (root - place) % 2**32)
        assert DAMAGED in complaint(bytes(content))

    def test_an_op_that_refers_to_no_tensor(self) -> None:
        """Beyond the last one, or before the first; -1 alone is an input that is left out."""
        for index in (7, -2, 2**31 - 1):
            tensors = [built.tensor("a", (1,)), built.tensor("b", (1,))]
            graph = built.graph(tensors, [built.op("RELU", (index,), (1,))], inputs=(0,), outputs=(1,))
            assert f"index {index} into 2 elements" in complaint(built.model(graph))

    def test_constants_that_overlap_are_not_scanned_for_ever(self) -> None:
        """2,000 tensors, each on a buffer of its own that covers the same 256 kB, of different dtypes."""
        data = np.zeros(262_144, np.uint8)
        dtypes = ("INT8", "UINT8", "FLOAT32", "FLOAT16", "INT16")
        tensors = [built.tensor("w", (512, 512), "INT8", data=data)]
        for i in range(2_000):
            more = built.tensor(f"t{i}", (512, 512), dtypes[i % 5], scales=(1.0,))
            more.buffer, more.quantization.zeroPoint = 1, [i]
            tensors.append(more)
        content = built.model(built.graph(tensors, [], inputs=(), outputs=()))
        assert "overlap" in complaint(content)


def with_large_buffer(offset: int, size: int, tail: bytes) -> bytes:
    """A file whose one constant stands behind the flatbuffer, as in files of more than 2 GB."""
    import flatbuffers  # type: ignore[import-untyped]

    schema = built.schema()
    model = schema.ModelT.InitFromPackedBuf(
        built.model(built.graph(
            [built.tensor("w", (2, 2), data=built.floats(2, 2))], [], inputs=(), outputs=()))
    )  # fmt: skip
    model.buffers[1].data, model.buffers[1].offset, model.buffers[1].size = None, offset, size
    builder = flatbuffers.Builder(0)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output()) + tail


class TestLargeBuffers:
    """Constants behind the flatbuffer."""

    def test_they_are_read(self) -> None:
        """Offsets count from the first byte of the file."""
        start = len(with_large_buffer(1_000, 16, b""))
        weights = np.array([1, 0, 0, 4], np.float32).tobytes()
        (tensor,) = inspect_bytes(with_large_buffer(start, 16, weights), where="test").tensors
        assert (tensor.constant_bytes, tensor.constant, tensor.zeros) == (16, True, 2)

    @pytest.mark.parametrize(("offset", "size"), [(10**6, 16), (100, 2**63), (2**64 - 1, 1)])
    def test_behind_the_end(self, offset: int, size: int) -> None:
        """Refused."""
        assert DAMAGED in complaint(with_large_buffer(offset, size, bytes(64)))

    @pytest.mark.slow
    def test_a_file_of_more_than_two_gigabytes(self, tmp_path: Path) -> None:
        """A hole in the file system, mapped rather than read: 2.2 GB with the constant at the end."""
        start = 2_200_000_000
        weights = np.array([1, 0, 0, 4], np.float32).tobytes()
        path = tmp_path / "large.tflite"
        with path.open("wb") as file:
            file.write(with_large_buffer(start, 16, b""))
            file.seek(start)
            file.write(weights)
        inspection = inspect(path)
        assert inspection.file_bytes == start + 16
        assert inspection.tensors[0].zeros == 2
