"""Inspection of models that this project did not make: no crash, no guess, plausible sums.

No file of another maker comes with the packages that the tests install. Those of one's own machine are read
from the folder that OTHER_MODELS names; here stand networks of published architecture, as TensorFlow's
converter alone writes them, and a file of the kind that TensorFlow 1 left behind.
"""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from converters import stack
from converters.delegates import verdicts
from converters.tflite.arithmetic import costs, total_macs, uncounted
from converters.tflite.diagnose import diagnose
from converters.tflite.inspect import inspect, inspect_bytes
from converters.tflite.versions import minimum_runtime
from tests.conftest import pipeline
from tests.converters.built import floats, graph, model, op, tensor

OTHERS = "OTHER_MODELS"
"""Names a folder of .tflite files of other makers."""

MOST_MACS = 1e13
"""More multiply-accumulates than any model of a phone has in one run: a sum that ran away."""

PUBLISHED = {"MobileNet": (569e6, 4.24e6), "MobileNetV2": (300e6, 3.47e6)}
"""Multiply-accumulates and parameters that the papers state (arXiv 1704.04861 and 1801.04381), 224 pixels."""

ROUNDED = 0.02
"""Relative: the papers round, and their networks end in slightly other ways than Keras' do."""


def converted(name: str, *, int8: bool) -> bytes:
    """The file of a network of Keras' applications with random weights, by TensorFlow's converter alone."""
    loaded = stack.load()
    keras, tf = loaded.keras, loaded.tf
    keras.utils.set_random_seed(1)
    net = getattr(keras.applications, name)(weights=None, input_shape=(224, 224, 3))
    shape = tf.TensorSpec((1, 224, 224, 3), tf.float32)
    function = tf.function(lambda image: net(image, training=False)).get_concrete_function(shape)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function], net)
    if int8:
        draw = np.random.default_rng(1)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: (
            [draw.random((1, 224, 224, 3), dtype=np.float32)] for _ in range(2)
        )
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.uint8
    content: bytes = converter.convert()
    return content


@pytest.mark.slow
@pytest.mark.tensorflow
@pytest.mark.parametrize("int8", [False, True], ids=["float32", "int8"])
@pytest.mark.parametrize("name", list(PUBLISHED))
def test_sums_are_those_of_the_papers(name: str, int8: bool) -> None:
    """Multiply-accumulates of every op, bytes of all weights; all ops are known, nothing is an error."""
    macs, parameters = PUBLISHED[name]
    inspection = inspect_bytes(converted(name, int8=int8), where=name)
    found = costs(inspection)
    assert uncounted(found) == ()
    assert total_macs(found) == pytest.approx(macs, rel=ROUNDED)
    kernels = {i: t for o in inspection.ops if o.name in {"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"}
               for i in o.inputs[1:2] if (t := inspection.main.tensor(i)) is not None}  # fmt: skip
    assert {one.dtype for one in kernels.values()} == {"int8" if int8 else "float32"}
    assert sum(one.elements or 0 for one in kernels.values()) == pytest.approx(parameters, rel=ROUNDED)
    assert minimum_runtime(inspection).unknown == ()
    assert [one.line for one in diagnose(inspection) if one.severity == "error"] == []


def uint8(name: str, *shape: int, data: bool = False) -> Any:
    """A tensor of TensorFlow 1's quantisation."""
    values = np.full(shape, 7, np.uint8) if data else None
    return tensor(name, shape, "UINT8", scales=(0.02,), data=values)


def detector() -> bytes:
    """As quantised SSD MobileNets of TensorFlow 1 end: uint8 convolutions, a custom op that picks boxes."""
    tensors = [
        uint8("image", 1, 8, 8, 3),
        uint8("FeatureExtractor/Conv2d_0/weights", 4, 3, 3, 3, data=True),
        tensor("bias", (4,), "INT32", data=np.zeros(4, np.int32), scales=(0.0004,)),
        uint8("boxes", 1, 8, 8, 4),
        tensor("anchors", (64, 4), "FLOAT32", data=floats(64, 4)),
        tensor("detections", (1, 10, 4), "FLOAT32"),
    ]
    stride = ("Conv2DOptions", {"strideW": 1, "strideH": 1})
    ops = [op("CONV_2D", [0, 1, 2], [3], options=stride), op("TFLite_Detection_PostProcess", [3, 4], [5])]
    return model(graph(tensors, ops, inputs=[0], outputs=[5]))


def test_a_detector_of_tensorflow_1_is_told_for_what_it_is() -> None:
    """The custom op by its name; its arithmetic, of which the file says nothing, is not guessed."""
    inspection = inspect_bytes(detector(), where="ssd")
    found = {one.code: one for one in diagnose(inspection)}
    assert "TFLite_Detection_PostProcess" in found["P011"].message
    assert "uint8" in found["P018"].message
    assert [cost.name for cost in uncounted(costs(inspection))] == ["TFLite_Detection_PostProcess"]
    assert total_macs(costs(inspection)) == 8 * 8 * 4 * 3 * 3 * 3
    for verdict in verdicts(inspection):
        assert not verdict.full


def files() -> list[Path]:
    """Those of the folder."""
    folder = os.environ.get(OTHERS)
    return sorted(Path(folder).rglob("*.tflite")) if folder else []


@pytest.mark.slow
@pytest.mark.skipif(not files(), reason=f"{OTHERS} names no folder with .tflite files")
@pytest.mark.parametrize("file", files(), ids=lambda file: str(file.name))
def test_files_of_other_makers(file: Path) -> None:
    """As text and as JSON; every op has a name, a custom one its own; sums are within reason."""
    assert pipeline("inspect", file).code == 0
    told = pipeline("inspect", file, "--json")
    assert told.code == 0, told.err
    assert isinstance(told.json, dict)
    inspection = inspect(file)
    assert sum(len(one.ops) for one in inspection.graphs) > 0
    found = costs(inspection)
    assert 0 <= total_macs(found) < MOST_MACS
    for one in inspection.ops:
        assert one.name
        if one.custom:
            assert any(
                one.name in each.message for each in diagnose(inspection) if each.code in {"P011", "P012"}
            )
