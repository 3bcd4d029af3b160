"""Op versions by the table: each kind of rule, and TensorFlow's own converter as the judge."""

from collections import defaultdict
from typing import Any

import pytest

from converters import ConversionSpec, convert, representative, stack
from converters.representative import MIN_SAMPLES
from converters.spec import parse_version
from converters.tflite import op_versions
from converters.tflite.inspect import Inspection, Tensor, inspect_bytes
from converters.tflite.keras import from_keras
from converters.tflite.releases import carriers
from converters.tflite.versions import minimum_runtime
from tests.converters.conftest import TrainedCnn
from tests.converters.flat import layer, one_op, tensor

INTEGER_16 = "int16x8"
"""TensorFlow 2.20 writes int8's op versions into files of this scheme: what it claims is no yardstick."""

F32, I8, I16 = tensor("float32"), tensor("int8", scales=[0.1]), tensor("int16", scales=[0.1])


def needed(inspection: Inspection) -> int | None:
    """The version of the one op."""
    need = op_versions.need(inspection.main, inspection.ops[0])
    return None if need is None else need.version


def five(dtype: str, first: int = 2) -> Tensor:
    """A tensor of five dimensions."""
    return tensor(dtype, (first, 1, 1, 1, 2))


@pytest.mark.parametrize(
    ("name", "inputs", "outputs", "options", "version"),
    [
        ("ADD", [F32, F32], [F32], {}, 1),
        ("ADD", [I8, I8], [I8], {}, 2),
        ("ADD", [I16, I16], [I16], {"pot_scale_int16": False}, 3),
        ("ADD", [I16, I16], [I16], {"pot_scale_int16": True}, 1),
        ("ADD", [tensor("int16")] * 2, [tensor("int16")], {}, 5),
        ("SUB", [five("float32"), five("float32", 1)], [five("float32")], {}, 3),
        ("SUB", [five("float32"), five("float32")], [five("float32")], {}, 1),
        ("MUL", [I8, I8], [tensor("int8", scales=[0.01])], {}, 3),
        ("MUL", [I8, I8], [tensor("int8", scales=[0.1])], {}, 2),
        ("MUL", [F32, F32], [F32], {}, 1),
        ("DIV", [five("float32"), five("float32", 1)], [five("float32")], {}, 2),
        ("MAX_POOL_2D", [I16], [I16], {}, 3),
        ("TRANSPOSE", [five("float32"), tensor("int32")], [five("float32")], {}, 4),
        ("RESIZE_BILINEAR", [F32, tensor("int32")], [F32], {"half_pixel_centers": True}, 3),
        ("RESIZE_BILINEAR", [I8, tensor("int32")], [I8], {"half_pixel_centers": False}, 2),
        ("STRIDED_SLICE", [F32], [F32], {"ellipsis_mask": 1}, 6),
        ("SPLIT", [tensor("int32"), I8], [I8, I8], {}, 2),
        ("BROADCAST_TO", [F32, tensor("int32")], [F32], {}, 2),
        ("QUANTIZE", [F32], [tensor("int8", scales=[0.1, 0.2])], {}, 3),
        ("DEQUANTIZE", [tensor("float16")], [F32], {}, 3),
        ("DEQUANTIZE", [tensor("int8", scales=[0.1, 0.2])], [F32], {}, 5),
        ("TRANSPOSE_CONV", [tensor("int32"), F32, F32], [F32], {"fused_activation_function": "RELU"}, 4),
        ("TRANSPOSE_CONV", [tensor("int32"), F32, F32], [F32], {"fused_activation_function": "NONE"}, 1),
        ("TRANSPOSE_CONV", [tensor("int32"), F32, F32, F32], [F32], {}, 3),
        ("GATHER", [F32, tensor("int32")], [F32], {"batch_dims": 1}, 5),
        ("DEPTHWISE_CONV_2D", [F32, F32, F32], [F32], {"dilation_w_factor": 2}, 2),
        ("FULLY_CONNECTED", [F32, F32], [F32], {}, 6),
        ("FULLY_CONNECTED", [F32, F32, F32], [F32], {"keep_num_dims": True}, 5),
        ("FULLY_CONNECTED", [F32, tensor("float32", sparse=True), F32], [F32], {}, 8),
        ("FULLY_CONNECTED", [F32, F32, F32], [F32], {"weights_format": "SHUFFLED4x16INT8"}, 2),
        ("RESHAPE", [I8, tensor("int32")], [I8], {}, 1),
        ("OF_TOMORROW", [I8], [I8], {}, None),
    ],
)
def test_each_kind_of_rule(
    name: str, inputs: list[Tensor], outputs: list[Tensor], options: dict[str, Any], version: int | None
) -> None:
    """Dtypes, options, dimensions, scales, number of inputs; an op that is not known is not guessed at."""
    assert needed(one_op(name, 1, inputs, outputs, options=options)) == version


@pytest.mark.parametrize(
    ("name", "dtypes", "scales", "version"),
    [
        ("CONV_2D", ("float32", "int8", "float32"), 16, 5),
        ("CONV_2D", ("int8", "int4", "int8"), 16, 7),
        ("CONV_2D", ("int16", "int8", "int16"), 16, 4),
        ("DEPTHWISE_CONV_2D", ("int16", "int8", "int16"), 16, 5),
        ("FULLY_CONNECTED", ("float32", "int8", "float32"), 16, 12),
        ("FULLY_CONNECTED", ("float32", "int8", "float32"), 1, 3),
        ("FULLY_CONNECTED", ("int16", "int8", "int16"), 1, 7),
    ],
)
def test_ops_with_weights(name: str, dtypes: tuple[str, str, str], scales: int, version: int) -> None:
    """By arithmetic and by how many scales the weights have."""
    assert needed(layer(name, 1, dtypes, scales=scales)) == version


def test_a_grouped_convolution_needs_version_6() -> None:
    """Its kernel takes fewer channels than its input has."""
    door, kernel = tensor("float32", (1, 4, 4, 8)), tensor("float32", (16, 3, 3, 4))
    assert needed(one_op("CONV_2D", 1, [door, kernel, F32], [door])) == 6


def test_a_custom_op_needs_nothing_that_is_known() -> None:
    """Even one that is called like a builtin."""
    assert needed(one_op("ADD", 1, [F32, F32], [F32], custom=True)) is None


@pytest.mark.parametrize(
    ("op", "version", "release"),
    [
        ("FULLY_CONNECTED", 12, (2, 17, 0)),
        ("CONV_2D", 1, (1, 5, 0)),
        ("CONV_2D", 7, (2, 12, 0)),  # the source says 2.11.0, which does not have it
        ("BROADCAST_TO", 1, None),
        ("CONV_2D", 99, None),
        ("CONV_2D", 0, None),
        ("OF_TOMORROW", 1, None),
    ],
)
def test_releases(op: str, version: int, release: op_versions.Release | None) -> None:
    """What no row tells is not known; what was measured counts more than the source."""
    assert op_versions.since(op, version) == release


def test_the_table_is_whole() -> None:
    """Every version that a rule asks for has a release, except two that TensorFlow's own table lacks."""
    missing = {
        (name, rule.version)
        for name, table in op_versions.tables().items()
        for rule in table.rules
        if op_versions.since(name, rule.version) is None
    }
    assert missing == {("LSTM", 5), ("UNIDIRECTIONAL_SEQUENCE_LSTM", 5)}


def test_the_minimum_is_that_of_the_newest_op_and_names_what_carries_it() -> None:
    """A carrier that ends before has none."""
    minimum = minimum_runtime(layer("FULLY_CONNECTED", 12, ("float32", "int8", "float32"), scales=16))
    assert (minimum.text, minimum.decided_by, minimum.unknown) == ("2.17.0", ("FULLY_CONNECTED 12",), ())
    lowest = {name: version for name, _, version in minimum.carriers}
    assert lowest["tflite-runtime"] == "none"
    assert lowest["ai-edge-litert"] == "1.0.1"
    assert lowest["org.tensorflow:tensorflow-lite"] == "2.17.0"
    assert lowest["TensorFlowLiteSwift, TensorFlowLiteC"] == "2.17.0"


def test_what_no_op_version_tells_is_named_as_what_decides() -> None:
    """FULLY_CONNECTED 4 is of 1.14: its many scales are what older runtimes misread."""
    minimum = minimum_runtime(layer("FULLY_CONNECTED", 4, ("int8",) * 3, scales=16))
    assert minimum.text == "2.10.0"
    assert minimum.decided_by == ("FULLY_CONNECTED 4 with a scale for each channel",)


def test_how_the_versions_of_a_package_are_known_is_told() -> None:
    """Maven Central lists all of them; of CocoaPods nobody asked, so that lower ones may exist."""
    known = {carrier.name: carrier.known for carrier in carriers()}
    assert known["tflite-runtime"] == "tried"
    assert known["org.tensorflow:tensorflow-lite"] == "listed"
    assert known["TensorFlowLiteSwift, TensorFlowLiteC"] == "told"
    lowest = {
        name: version
        for name, _, version in minimum_runtime(layer("CONV_2D", 2, ("float32", "int8", "float32"))).carriers
    }
    assert lowest["org.tensorflow:tensorflow-lite"] == "1.14.0"
    assert lowest["TensorFlowLiteSwift, TensorFlowLiteC"] == "2.1.0"


def test_every_list_of_versions_is_in_order() -> None:
    """The first that reads a file is the lowest."""
    for carrier in carriers():
        versions = [parse_version(one.version) for one in carrier.versions]
        assert versions == sorted(set(versions)), carrier.name
        assert [one.reads for one in carrier.versions] == sorted(one.reads for one in carrier.versions)


def test_a_package_that_lacks_one_op_version_of_its_release_is_passed_over() -> None:
    """ai-edge-litert 1.0.1 has all of 2.18 that a CNN needs, except version 7 of CAST."""
    cast = one_op("CAST", 7, [tensor("bfloat16")], [F32])
    lowest = {name: version for name, _, version in minimum_runtime(cast).carriers}
    assert lowest["ai-edge-litert"] == "1.4.0"


def test_what_a_living_package_will_read_is_not_known() -> None:
    """LiteRT's Maven versions past 1.4.0 exist, but nobody has tried which op versions they have."""
    square_root = one_op("SQRT", 2, [I8], [I8])
    lowest = {name: version for name, _, version in minimum_runtime(square_root).carriers}
    assert lowest["com.google.ai.edge.litert:litert"] is None
    assert lowest["org.tensorflow:tensorflow-lite"] == "none"


def test_a_file_of_unknown_ops_has_no_minimum() -> None:
    """It is not taken for one that runs anywhere."""
    minimum = minimum_runtime(one_op("OF_TOMORROW", 3, [F32], [F32]))
    assert (minimum.text, minimum.unknown) == ("unknown", ("OF_TOMORROW 3",))
    assert {version for _, _, version in minimum.carriers} == {None}


def by_op(inspection: Inspection) -> dict[str, tuple[int, int]]:
    """Op to (claimed version, largest needed by an op of the kind), which share one claim."""
    found: dict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))
    for graph in inspection.graphs:
        for op in graph.ops:
            need = op_versions.need(graph, op)
            assert need is not None, op
            found[op.name] = op.version, max(found[op.name][1], need.version)
    return dict(found)


@pytest.mark.tensorflow
@pytest.mark.parametrize("floor", ["2.14.0", "2.17.0"])
@pytest.mark.parametrize("scheme", ["float32", "float16", "dynamic_range", "int8"])
def test_tensorflows_converter_writes_the_same_versions(cnn: TrainedCnn, scheme: str, floor: str) -> None:
    """And so the same minimum runtime, except where no version tells: per-channel Dense on integers."""
    inspection = inspect_bytes(cnn.converted(scheme, floor=floor).content, where=scheme)
    assert all(claimed == needed for claimed, needed in by_op(inspection).values()), by_op(inspection)
    silent = scheme == "int8" and floor == "2.17.0"
    assert minimum_runtime(inspection).text == ("2.10.0" if silent else inspection.claimed_min_runtime)


@pytest.mark.tensorflow
def test_tensorflow_claims_too_little_of_int16x8(cnn: TrainedCnn) -> None:
    """The day that it no longer does, the exception goes."""
    inspection = inspect_bytes(cnn.converted(INTEGER_16).content, where=INTEGER_16)
    lower = {name for name, (claimed, needed) in by_op(inspection).items() if claimed < needed}
    assert {"CONV_2D", "FULLY_CONNECTED", "MUL", "SOFTMAX"} <= lower
    assert inspection.claimed_min_runtime == "1.5.0"
    assert minimum_runtime(inspection).text == "2.3.0"


def varied(keras: Any) -> Any:
    """A network of many kinds of layers."""
    layers = keras.layers
    door = keras.Input((16, 16, 3), name="image")
    x = layers.ZeroPadding2D(1)(door)
    x = layers.Conv2D(16, 3, strides=2)(x)
    x = layers.ReLU(6.0)(x)
    y = layers.DepthwiseConv2D(3, padding="same")(x)
    y = layers.LeakyReLU(0.1)(y)
    x = layers.Add()([x, y])
    x = layers.Concatenate()([x, layers.Conv2D(16, 1, activation="sigmoid")(x)])
    x = layers.PReLU(shared_axes=[1, 2])(x)
    x = layers.UpSampling2D(2, interpolation="bilinear")(x)
    x = layers.Conv2DTranspose(8, 3, strides=2, padding="same")(x)
    x = layers.Conv2D(16, 3, dilation_rate=2, activation="tanh")(x)
    x = layers.Conv2D(16, 3, groups=4, activation="elu")(x)
    x = layers.AveragePooling2D(2)(x)
    x = layers.UpSampling2D(2)(x)
    x = layers.Multiply()([x, layers.Maximum()([x, layers.Subtract()([x, x])])])
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dense(32, activation="swish")(x)
    return keras.Model(door, layers.Dense(10, activation="softmax")(x))


@pytest.mark.slow
@pytest.mark.tensorflow
@pytest.mark.parametrize("scheme", ["float32", "float16", "dynamic_range", "int8"])
@pytest.mark.parametrize("name", ["varied", "mobilenet"])
def test_larger_networks_too(tensorflow: stack.Stack, name: str, scheme: str) -> None:
    """Random weights will do: versions depend on types, not on values."""
    import numpy as np

    keras = tensorflow.keras
    keras.utils.set_random_seed(1)
    if name == "varied":
        model, shape = varied(keras), (16, 16, 3)
    else:
        shape = (32, 32, 3)
        model = keras.applications.MobileNetV2(shape, alpha=0.35, weights=None, classes=5)
    images = np.random.default_rng(1).random((MIN_SAMPLES, *shape), dtype=np.float32)
    samples = representative(images, shape=shape, value_range=(0, 1))
    content = convert(from_keras(model), ConversionSpec(scheme=scheme), samples).content
    found = by_op(inspect_bytes(content, where=name))
    assert {op: pair for op, pair in found.items() if pair[0] != pair[1]} == {}
