"""Which runtime a file needs: the floor, and what it forbids."""

from collections.abc import Iterable
from types import MappingProxyType

from converters.errors import RuntimeFloorError
from converters.spec import parse_version

PER_CHANNEL_DENSE_SINCE = (2, 17, 0)
"""First TensorFlow Lite release that reads per-channel FULLY_CONNECTED weights in every scheme.

Older ones refuse the op of dynamic range (version 12). In full int8, whose op version stays 4, nothing can
be told from the file: TensorFlow Lite 2.14 reads the weights right, 2.9 takes the first channel's scale for
all of them and answers nonsense without an error."""

OP_VERSION_SINCE = MappingProxyType({("FULLY_CONNECTED", 12): PER_CHANNEL_DENSE_SINCE})
"""(op, version) -> first release that has it, for versions newer than any floor in use."""


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
