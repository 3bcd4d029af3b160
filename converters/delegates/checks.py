"""Rules that several delegates share. Each gives the reason of a refusal, or "" where it is kept."""

from converters.delegates.node import Node, called
from converters.tflite.graph import Tensor

RANK_OF_AN_IMAGE = 4
"""Batch, height, width, channels: what delegates lay tensors out as."""


def activation_among(*taken: str) -> "ActivationCheck":
    """A rule that the activation fused into the op is one of some."""
    return ActivationCheck(taken)


class ActivationCheck:
    """See :func:`activation_among`."""

    def __init__(self, taken: tuple[str, ...]) -> None:
        self._taken = taken

    def __call__(self, node: Node) -> str:
        """The refusal."""
        fused = node.option("fused_activation_function", "NONE")
        if fused in self._taken:
            return ""
        return f"fused activation {fused}: the delegate takes {', '.join(self._taken)}"


def constant_input(position: int, what: str, *, optional: bool = False) -> "ConstantCheck":
    """A rule that an input stands in the file; an optional one may also be left out."""
    return ConstantCheck(position, what, optional)


class ConstantCheck:
    """See :func:`constant_input`."""

    def __init__(self, position: int, what: str, optional: bool) -> None:
        self._position, self._what, self._optional = position, what, optional

    def __call__(self, node: Node) -> str:
        """The refusal."""
        tensor = node.input(self._position)
        if tensor is None:
            return "" if self._optional else f"no {self._what}: the delegate needs one"
        if node.constant(tensor):
            return ""
        return f"{self._what} {called(tensor)} is computed at run time: the delegate needs a constant"


def one_computed_input(node: Node) -> str:
    """One input is computed, one output given."""
    return computed_inputs(node, 1) or outputs(node, 1)


def computed_inputs(node: Node, most: int) -> str:
    """Between one and so many inputs are computed at run time."""
    count = len(node.computed)
    if 1 <= count <= most:
        return ""
    return (
        f"{count} inputs are computed at run time: the delegate takes {most if most == 1 else f'1 to {most}'}"
    )


def outputs(node: Node, count: int) -> str:
    """So many outputs."""
    given = len(node.outputs)
    return "" if given == count else f"{given} outputs: the delegate gives {count}"


def in_and_out(computed: int, given: int) -> "DoorsCheck":
    """A rule that so many inputs are computed at run time, and so many outputs given."""
    return DoorsCheck(computed, given)


class DoorsCheck:
    """See :func:`in_and_out`."""

    def __init__(self, computed: int, given: int) -> None:
        self._computed, self._given = computed, given

    def __call__(self, node: Node) -> str:
        """The refusal."""
        count = len(node.computed)
        if count != self._computed:
            return f"{count} inputs are computed at run time: the delegate takes {self._computed}"
        return outputs(node, self._given)


def constant_data(node: Node) -> str:
    """What is unpacked stands in the file."""
    tensor = node.inputs[0]
    return "" if node.constant(tensor) else f"input {called(tensor)} is computed at run time, not a constant"


def two_inputs(node: Node) -> str:
    """Two inputs."""
    return "" if len(node.inputs) == 2 else f"{len(node.inputs)} inputs: the delegate takes 2"


def beta_one(node: Node) -> str:
    """SOFTMAX without a scale of its own."""
    beta = node.option("beta", 0.0)
    return "" if beta == 1.0 else f"beta is {beta}: the delegate takes 1"


def block_above_one(node: Node) -> str:
    """DEPTH_TO_SPACE, SPACE_TO_DEPTH that do something."""
    size = node.number("block_size", 0)
    return "" if size > 1 else f"block_size is {size}: the delegate takes 2 and more"


def default_weights_format(node: Node) -> str:
    """FULLY_CONNECTED weights as they are, not shuffled."""
    layout = node.option("weights_format", "DEFAULT")
    return "" if layout == "DEFAULT" else f"weights_format is {layout}: the delegate takes DEFAULT"


def reflecting(node: Node) -> str:
    """MIRROR_PAD by reflection."""
    mode = node.option("mode", "REFLECT")
    return "" if mode == "REFLECT" else f"mode is {mode}: the delegate takes REFLECT"


def rank(tensor: Tensor | None) -> int:
    """Dimensions of a tensor; 0 for one that is left out."""
    return 0 if tensor is None else len(tensor.shape)


def image_rank(node: Node) -> str:
    """The data has four dimensions."""
    tensor = node.input(0)
    if tensor is not None and rank(tensor) != RANK_OF_AN_IMAGE:
        return f"input {called(tensor)} has {rank(tensor)} dimensions: the delegate takes 4"
    return ""


def dynamic(node: Node) -> Tensor | None:
    """A tensor of the op whose size is only known at run time."""
    return next((tensor for tensor in (*node.inputs, *node.outputs) if tensor.dynamic), None)
