"""Which runtime a file needs: the floor, what it forbids, and whether the file tells the truth about it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from converters.errors import RuntimeFloorError, SpecError, WrongClaimError
from converters.spec import parse_version
from converters.tflite.inspect import Inspection, Op

PER_CHANNEL_DENSE_SINCE = (2, 17, 0)
"""First TensorFlow Lite release that reads per-channel FULLY_CONNECTED weights in every scheme.

Older ones refuse the op of dynamic range (version 12). In full int8, whose op version stays 4, nothing can
be told from the file: TensorFlow Lite 2.14 reads the weights right, 2.9 takes the first channel's scale for
all of them and answers nonsense without an error."""

OP_VERSION_SINCE = MappingProxyType({("FULLY_CONNECTED", 12): PER_CHANNEL_DENSE_SINCE})
"""(op, version) -> first release that has it, for versions newer than any floor in use."""

Arithmetic = Literal["int8", "hybrid", "hybrid per channel"]
"""How an op with int8 weights computes: on int8 activations, or on float ones with weights of one scale or
of one for each channel."""


@dataclass(frozen=True, kw_only=True)
class Need:
    """The least op version whose kernel computes so, and the first release that has it."""

    version: int
    since: tuple[int, int, int]


NEEDS = MappingProxyType(
    {
        ("CONV_2D", "int8"): Need(version=3, since=(1, 14, 0)),
        ("CONV_2D", "hybrid"): Need(version=2, since=(1, 14, 0)),
        ("CONV_2D", "hybrid per channel"): Need(version=5, since=(2, 4, 0)),
        ("DEPTHWISE_CONV_2D", "int8"): Need(version=3, since=(1, 14, 0)),
        ("DEPTHWISE_CONV_2D", "hybrid"): Need(version=4, since=(2, 2, 0)),
        ("DEPTHWISE_CONV_2D", "hybrid per channel"): Need(version=6, since=(2, 3, 0)),
        ("FULLY_CONNECTED", "int8"): Need(version=4, since=(1, 14, 0)),
        ("FULLY_CONNECTED", "hybrid"): Need(version=3, since=(1, 14, 0)),
        ("FULLY_CONNECTED", "hybrid per channel"): Need(version=12, since=PER_CHANNEL_DENSE_SINCE),
    }
)
"""What tensor types alone say of the ops that hold a CNN's weights. Source: TensorFlow's
``tools/versioning/op_version.cc`` and ``runtime_version.cc``. A runtime checks the version that the file
claims, not the tensors: under too low a one an older kernel takes the first channel's scale for all."""


def per_channel_dense(runtime_floor: str) -> bool:
    """Whether Dense weights may be quantised per channel for this floor."""
    return parse_version(runtime_floor) >= PER_CHANNEL_DENSE_SINCE


def check_floor(ops: Iterable[tuple[str, int]], *, runtime_floor: str, where: str) -> None:
    """Refuses a file that holds an op version newer than the floor.

    Args:
        ops: (op name, op version) of every op in the file.
        runtime_floor: oldest runtime that must run it.
        where: how to call the file in the message.

    Raises:
        RuntimeFloorError: naming the op, its version and the first release that has it.
    """
    floor = parse_version(runtime_floor)
    for op, version in ops:
        since = OP_VERSION_SINCE.get((op, version))
        if since is not None and since > floor:
            release = ".".join(map(str, since))
            raise RuntimeFloorError(
                f"{where}: {op} version {version} needs TensorFlow Lite {release}, the runtime floor "
                f"is {runtime_floor}: raise runtime_floor, or convert without per-channel Dense weights"
            )


def check_claims(inspection: Inspection, *, where: str) -> None:
    """Refuses a file that claims to run where it would be misread.

    Op versions and the minimum runtime are computed anew from tensor types; other ops than those of
    :data:`NEEDS` are believed.

    Args:
        inspection: of the file.
        where: how to call the file in the message.

    Raises:
        WrongClaimError: an op version, or the minimum runtime that the file states, is lower than its
            tensors allow; the message names the op, both versions and the runtime that is needed.
    """
    wrong = list(dict.fromkeys(_wrong_claims(inspection)))
    if wrong:
        raise WrongClaimError(
            f"{where}: {'; '.join(wrong)}: older runtimes would load it and answer nonsense; convert it "
            "again, with a tool that writes op versions"
        )


def _wrong_claims(inspection: Inspection) -> Iterator[str]:
    stated = _stated(inspection)
    for op in inspection.ops:
        arithmetic = _arithmetic(inspection, op)
        need = NEEDS.get((op.name, arithmetic)) if arithmetic else None
        if need is None:
            continue
        release = ".".join(map(str, need.since))
        if op.version < need.version:
            yield (
                f"{op.name} is {arithmetic}, which is version {need.version} (TensorFlow Lite {release}), "
                f"but claims version {op.version}"
            )
        elif stated is not None and stated < need.since:
            yield (
                f"{op.name} is {arithmetic}, which needs TensorFlow Lite {release}, but the file claims "
                f"to run on {inspection.claimed_min_runtime}"
            )


def _stated(inspection: Inspection) -> tuple[int, int, int] | None:
    """The minimum runtime that the file states; None where it states none that can be read."""
    try:
        return parse_version(inspection.claimed_min_runtime or "")
    except SpecError:
        return None


def _arithmetic(inspection: Inspection, op: Op) -> Arithmetic | None:
    """How an op with weights computes; None for the kinds that tensor types alone do not tell."""
    if op.custom or len(op.inputs) < 2 or not op.outputs:
        return None
    indices = (op.inputs[0], op.inputs[1], op.outputs[0])
    if not all(0 <= index < len(inspection.tensors) for index in indices):
        return None
    door, weights, output = (inspection.tensors[index] for index in indices)
    if weights.dtype != "int8" or door.dtype != output.dtype:
        return None
    if door.dtype == "int8":
        return "int8"
    if door.dtype != "float32":
        return None
    return "hybrid per channel" if weights.axis is not None else "hybrid"
