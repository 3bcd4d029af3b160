"""Dense weights in one scale, as NNAPI reads them, whatever the runtime floor allows."""

import pytest

from converters import ConversionSpec, convert
from converters.delegates import nnapi
from converters.tflite.inspect import inspect_bytes
from tests.converters.conftest import TrainedCnn

pytestmark = pytest.mark.tensorflow


@pytest.mark.parametrize("per_tensor", [True, False])
def test_a_floor_that_allows_scales_for_each_channel_is_overruled(cnn: TrainedCnn, per_tensor: bool) -> None:
    """And only then does NNAPI take the Dense layers."""
    spec = ConversionSpec(
        scheme="int8", io_dtype="uint8", runtime_floor="2.17.0", per_tensor_dense=per_tensor
    )
    inspection = inspect_bytes(convert(cnn.source, spec, cnn.samples).content, where="test")
    dense = [op for op in inspection.ops if op.name == "FULLY_CONNECTED"]
    assert [inspection.tensors[op.inputs[1]].axis is None for op in dense] == [per_tensor] * len(dense)
    staying = [op.op for op in nnapi.verdict(inspection).stays]
    assert staying.count("FULLY_CONNECTED") == (0 if per_tensor else len(dense))
