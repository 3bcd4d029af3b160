"""Options of ops by name, layers by name, and what else of a graph is read off a file."""

import pytest

from converters.tflite.graph import Op
from converters.tflite.inspect import inspect_bytes
from converters.tflite.names import layer_of_names, layer_of_path
from tests.converters import built


def ops(content: bytes) -> tuple[Op, ...]:
    """The ops of a file."""
    return inspect_bytes(content, where="test").ops


class TestOptions:
    """By the names of the schema."""

    def test_a_convolution(self) -> None:
        """Enums by name, numbers as they are, what the file leaves out by the schema's default."""
        options = ops(built.cnn())[0].options
        assert options["padding"] == "VALID"
        assert options["fused_activation_function"] == "RELU"
        assert (options["stride_w"], options["stride_h"]) == (1, 1)
        assert (options["dilation_w_factor"], options["dilation_h_factor"]) == (1, 1)

    def test_a_list_a_float_and_a_truth_value(self) -> None:
        """Of RESHAPE, SOFTMAX, FULLY_CONNECTED."""
        _, _, reshape, dense, softmax = ops(built.cnn())
        assert reshape.options["new_shape"] == (1, 144)
        assert softmax.options["beta"] == 1.0
        assert dense.options["keep_num_dims"] is False
        assert dense.options["weights_format"] == "DEFAULT"

    def test_dtypes_are_called_as_those_of_tensors(self) -> None:
        """CAST tells what it makes of what."""
        tensors = [built.tensor("a", (1,)), built.tensor("b", (1,), "INT32")]
        cast = built.op("CAST", (0,), (1,), options=("CastOptions", {"inDataType": 0, "outDataType": 2}))
        (found,) = ops(built.model(built.graph(tensors, [cast], inputs=(0,), outputs=(1,))))
        assert found.options == {"in_data_type": "float32", "out_data_type": "int32"}

    def test_a_text(self) -> None:
        """Of a variable."""
        tensors = [built.tensor("v", (), "RESOURCE")]
        handle = built.op("VAR_HANDLE", (), (0,), options=("VarHandleOptions", {"sharedName": "state"}))
        (found,) = ops(built.model(built.graph(tensors, [handle], inputs=(), outputs=(0,))))
        assert found.options["shared_name"] == "state"

    def test_every_class_of_options_can_be_read(self) -> None:
        """As it stands in the schema of today, with nothing but defaults."""
        schema = built.schema()
        kinds = [kind for kind in vars(schema.BuiltinOptions) if hasattr(schema, f"{kind}T")]
        assert len(kinds) > 100
        for kind in kinds:
            one = built.op("ADD", (0,), (0,), options=(kind, {}))
            (found,) = ops(built.model(built.graph([built.tensor("a", (1,))], [one], inputs=(), outputs=())))
            fields = vars(getattr(schema, f"{kind}T")())
            numbers = [f for f, value in fields.items() if isinstance(value, int | float)]
            assert len(found.options) >= len(numbers), kind

    def test_none(self) -> None:
        """An op without options has none; nothing is made up."""
        tensors = [built.tensor("a", (1,)), built.tensor("b", (1,))]
        content = built.model(built.graph(tensors, [built.op("RELU", (0,), (1,))], inputs=(0,), outputs=(1,)))
        assert ops(content)[0].options == {}


class TestGraph:
    """Who gives and holds what."""

    def test_producers_constants_and_small_values(self) -> None:
        """Of the built CNN."""
        tensors = inspect_bytes(built.cnn(), where="test").tensors
        assert [t.producer for t in tensors] == [None, None, None, 0, None, 1, None, 2, None, 3, 4]
        assert [t.index for t in tensors if t.constant] == [1, 2, 4, 6, 8]
        assert tensors[6].values == (1, 144)
        assert tensors[1].values is None

    def test_the_signature(self) -> None:
        """Names that an app uses."""
        (signature,) = inspect_bytes(built.cnn(), where="test").signatures
        assert (signature.key, signature.subgraph) == ("serving_default", 0)
        assert (signature.inputs, signature.outputs) == ({"image": 0}, {"StatefulPartitionedCall:0": 10})

    def test_a_dimension_that_is_only_known_at_run_time(self) -> None:
        """The signature of the shape tells."""
        batch = built.tensor("a", (1, 4), signature=(-1, 4))
        found = inspect_bytes(
            built.model(built.graph([batch], [], inputs=(0,), outputs=(0,))), where="test"
        ).tensors[0]
        assert (found.shape, found.shape_signature, found.dynamic) == ((1, 4), (-1, 4), True)
        assert not inspect_bytes(built.cnn(), where="test").tensors[0].dynamic

    def test_every_subgraph_is_read(self) -> None:
        """Constants of all of them count, and are told apart from the first's ops."""
        body = built.graph([built.tensor("w", (2, 2), data=built.floats(2, 2))], [], inputs=(), outputs=(0,),
                           name="body")  # fmt: skip
        first = built.graph([built.tensor("a", (1,))], [], inputs=(0,), outputs=(0,))
        inspection = inspect_bytes(built.model(first, body), where="test")
        assert [graph.name for graph in inspection.graphs] == ["main", "body"]
        assert len(inspection.tensors) == 1
        assert inspection.constant_bytes_by_dtype == {"float32": 16}

    def test_an_unknown_op_and_a_custom_one_are_told_apart(self) -> None:
        """Neither is taken for a builtin."""
        tensors = [built.tensor("a", (1,)), built.tensor("b", (1,))]
        one = built.op("TFLite_Detection_PostProcess", (0,), (1,))
        (custom,) = ops(built.model(built.graph(tensors, [one], inputs=(0,), outputs=(1,))))
        assert (custom.name, custom.custom, custom.known) == ("TFLite_Detection_PostProcess", True, True)


@pytest.mark.parametrize(
    ("path", "layer"),
    [
        ("functional/conv2d_1/Relu", "conv2d_1"),
        ("served/emnist_cnn/conv_1_1/Relu", "conv_1_1"),
        ("conv2d/BiasAdd/ReadVariableOp", "conv2d"),
        ("model/dense/Tensordot/MatMul", "dense"),
        ("model/batch_normalization/batchnorm/mul_1", "batch_normalization"),
        ("model/quant_conv/LastValueQuant/FakeQuantWithMinMaxVars", "conv"),
        ("model/separable_conv2d/separable_conv2d/depthwise", "separable_conv2d"),
        ("model/flatten/Reshape/shape", "flatten"),
        ("MobilenetV1/MobilenetV1/Conv2d_0/Relu6", "Conv2d_0"),
        ("StatefulPartitionedCall:0", ""),
        ("StatefulPartitionedCall/Softmax", ""),
        ("tfl.quantize", ""),
        ("", ""),
        ("///", ""),
    ],
)
def test_the_layer_of_a_path(path: str, layer: str) -> None:
    """The step before the node, without what is within the node."""
    assert layer_of_path(path) == layer


@pytest.mark.parametrize(
    ("names", "layer"),
    [
        (["m/relu/Relu;m/bn/FusedBatchNormV3;m/conv/Conv2D"], "conv"),
        (["m/act/Relu;m/add/add"], "act"),
        (["StatefulPartitionedCall:0", "m/predictions/MatMul"], "predictions"),
        (["Identity"], ""),
        ([], ""),
    ],
)
def test_the_layer_of_an_op(names: list[str], layer: str) -> None:
    """The one with the kernel, of those that were fused; constants tell where the output does not."""
    assert layer_of_names(names) == layer


def test_source_layers_of_a_model() -> None:
    """By output, by kernel, or not at all."""
    inspection = inspect_bytes(built.cnn(), where="test")
    layers = [inspection.source_layer(op) for op in inspection.ops]
    assert layers == ["conv", "depth", "flatten", "dense", ""]
