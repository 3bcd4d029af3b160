"""The GPU delegate of TensorFlow Lite and LiteRT: OpenCL and OpenGL on Android, Metal on iOS.

The rules are those of its model builder; see ``gpu.toml``. Drivers refuse more: only a run on the real thing
shows that (runtime ``litert_gpu``).
"""

from converters.delegates.gpu_checks import CHECKS, EVERY, NAME
from converters.delegates.node import called
from converters.delegates.rules import refusals, table
from converters.delegates.verdict import Limits, Verdict, assemble
from converters.tflite.graph import Inspection

__all__ = ["CHECKS", "EVERY", "NAME", "verdict"]


def verdict(
    inspection: Inspection,
    *,
    quantized: bool = True,
    most_partitions: int | None = None,
) -> Verdict:
    """What the GPU delegate would compute.

    Args:
        inspection: of the file.
        quantized: whether it is opened for quantised models (the default: TFLITE_GPU_EXPERIMENTAL_FLAGS_
            ENABLE_QUANT, ``GpuDelegate.Options.setQuantizedModelsAllowed``).
        most_partitions: parts it takes; the delegate's own default where None.
    """
    rules = table(NAME)
    default: int = rules.settings["most_partitions"]
    return assemble(
        NAME,
        inspection,
        refusals(inspection, rules, CHECKS, every=EVERY, quantized=quantized),
        limits=Limits(most_partitions=most_partitions or default),
        unpacks=rules.unpacks_at(0),
        warnings=_warnings(inspection),
        notes=_notes(inspection, quantized=quantized),
    )


def _warnings(inspection: Inspection) -> list[str]:
    batch = next((t for t in inspection.inputs if t.shape and t.shape[0] > 1), None)
    resized = next((t for t in inspection.inputs if t.dynamic), None)
    warnings = [f"input {called(batch)}: GPUs are tuned and tested for batch 1"] if batch else []
    if resized:
        warnings.append(
            f"input {called(resized)} has no fixed size: it is taken as it is laid out; do not resize it"
        )
    return warnings


def _notes(inspection: Inspection, *, quantized: bool) -> list[str]:
    dtypes = {tensor.dtype for tensor in inspection.tensors}
    notes = []
    if dtypes & {"int8", "uint8"} and quantized:
        notes.append(
            "quantised tensors are computed in floating point and rounded to their scale after each op"
        )
    notes.append(
        "half precision by default: differences of 1e-3 and more; precision loss can be switched off"
    )
    return notes
