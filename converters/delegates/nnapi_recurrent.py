"""Rules of the NNAPI delegate for ops that CNNs seldom have: recurrent ones, look-ups, FILL."""

from converters.delegates.nnapi_quantised import NNAPI_1_2, NNAPI_1_3
from converters.delegates.node import Node, called

FULL_LSTM_INPUTS = (20, 24)
"""Optional ones included: without and with layer normalisation."""

BASIC_LSTM_INPUTS = 5

BASIC_LSTM_SCALE = (1 / 128, 128)
"""Scale and zero point of input and output of the basic LSTM kernel."""

SPARSE = 1
"""LSHProjectionType.SPARSE of the schema."""

INT32_LIMIT = 2**31
"""From which on, and below the negative of which, a number is no int32."""


def _hybrid(node: Node, position: int) -> bool:
    door, weights = node.input(0), node.input(position)
    return (
        door is not None
        and weights is not None
        and door.dtype == "float32"
        and weights.dtype in ("int8", "uint8")
    )


def not_hybrid(node: Node) -> str:
    """No integer weights under float activations; an RNN's are input 1, an LSTM's 2 (1 is optional)."""
    position = 1 if node.op.name.endswith("RNN") else 2
    weights = node.input(position)
    if weights is None or not _hybrid(node, position):
        return ""
    return f"weights {called(weights)} under a float input"


def sequence_inputs(node: Node) -> str:
    """All inputs of an LSTM over a sequence."""
    count = len(node.op.inputs)
    return "" if count in FULL_LSTM_INPUTS else f"{count} inputs: the delegate takes 20 or 24"


def lstm(node: Node) -> str:
    """One step of an LSTM, by its kernel."""
    if len(node.op.inputs) == BASIC_LSTM_INPUTS:
        return _basic_lstm(node)
    if node.level < NNAPI_1_2 and (
        len(node.op.inputs) == FULL_LSTM_INPUTS[1]
        or (len(node.op.inputs) in FULL_LSTM_INPUTS and _hybrid(node, 2))
    ):
        return f"layer normalisation, or integer weights under a float input: since API level {NNAPI_1_2}"
    weights = node.input(4)
    taken = ("float32", "uint8") if node.level < NNAPI_1_3 else ("float32", "uint8", "int8")
    if weights is not None and weights.dtype in taken:
        return ""
    return f"weights {called(weights) if weights else 'are missing'}: the delegate takes {', '.join(taken)}"


def _basic_lstm(node: Node) -> str:
    door, weights, bias, output = node.input(0), node.input(2), node.input(3), node.output()
    if weights is None or weights.dtype != "uint8":
        return f"weights {called(weights) if weights else 'are missing'}: the basic kernel takes uint8"
    for tensor in (door, output):
        if tensor is None or (tensor.scales[:1] + tensor.zero_points[:1]) != BASIC_LSTM_SCALE:
            return "input and output of the basic kernel must have the scale 1/128 and the zero point 128"
    if not node.constant(weights) or not node.constant(bias):
        return "weights or bias are computed at run time: the delegate needs constants"
    return ""


def five_inputs(node: Node) -> str:
    """RNN, SVDF: data, two kernels, bias, state."""
    count = len(node.op.inputs)
    return "" if count == 5 else f"{count} inputs: the delegate takes 5"


def float_second(node: Node) -> str:
    """Weights of an RNN or SVDF."""
    weights = node.input(1)
    if weights is not None and weights.dtype == "float32":
        return ""
    return f"weights {called(weights) if weights else 'are missing'}: the delegate takes float32"


def lsh(node: Node) -> str:
    """Locality-sensitive hashes, the sparse ones without weights."""
    if node.number("type", 0) != SPARSE:
        return ""
    if node.level < NNAPI_1_2:
        return f"a sparse projection: since Android API level {NNAPI_1_2}"
    return "" if len(node.op.inputs) == 2 else "weights of a sparse projection: the delegate takes none"


def fill(node: Node) -> str:
    """A constant shape of one dimension and more; numbers that int32 holds."""
    dims, value = node.input(0), node.input(1)
    if dims is None or value is None:
        return "an input is missing"
    if not node.constant(dims):
        return f"shape {called(dims)} is computed at run time: the delegate needs a constant"
    if not dims.shape or dims.shape[0] == 0:
        return "a scalar: the delegate fills one dimension and more"
    if value.dtype not in ("float32", "int32", "int64"):
        return f"value {called(value)}: the delegate takes float32, int32, int64"
    for tensor in (dims, value):
        if tensor.dtype == "int64" and any(not _fits(number) for number in tensor.values or ()):
            return f"{called(tensor)} holds a number that int32 does not"
    return ""


def _fits(number: int) -> bool:
    return -INT32_LIMIT <= number < INT32_LIMIT
