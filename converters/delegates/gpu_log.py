"""Reads why LiteRT's GPU accelerator refused a file off what it prints; the exception itself names no cause.

    ERROR: Following operations are not supported by GPU delegate:
    CONV_2D: Tensor type(INT16) is not supported. served/cnn/reshape/Reshape
    DEQUANTIZE: Unsupported dequantization type.
    1 operations will run on the GPU, and the remaining 10 operations will run on the CPU.

Each line is an op, a reason and, with some reasons, the tensor that it is about.
"""

import re
from dataclasses import dataclass

from converters.delegates.node import printable
from converters.tflite.graph import Inspection

_BEGIN = "not supported by GPU delegate:"
_END = re.compile(r"operations? will run on the (?:GPU|CPU)")
_REFUSED = re.compile(r"(?P<op>[A-Z][A-Z0-9_]+|[\w.]+): (?P<reason>.+)")

_SPLIT = re.compile(r"operations will run on the GPU, and (?:all|the remaining) (?P<left>\d+) operations")
"""``No`` or a number before it: how many ops the CPU would have to take."""

_INVALID = re.compile(r"Validation error: (?P<text>[^\n]+)")
"""Of WebGPU: a program that it does not accept. Nothing fails; what it should have computed is missing."""

_ADAPTER = re.compile(r"Selected adapter: (?P<name>[^\n]+?)(?:, arch=|$)", re.MULTILINE)

_CAUSES = (
    (re.compile(r"Couldn't load Vulkan"), "the Vulkan loader is not installed (libvulkan.so.1)"),
    (re.compile(r"No adapters found"), "no Vulkan driver that it takes"),
    (re.compile(r"Node number \d+ \((?P<text>\w+)\) failed to prepare"), "{} is refused by its own kernel"),
    (re.compile(r"(?:INVALID_ARGUMENT|UNIMPLEMENTED|INTERNAL|UNAVAILABLE): (?P<text>[^\n]+)"), ""),
)
"""What it prints when it fails for another reason, and in which words that is told: its own where empty. The
pair of braces stands for the text."""

LONGEST = 300
"""Letters of a reason: the log may be of any length."""


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """One op of the log.

    Attributes:
        op: builtin name.
        reason: the accelerator's own words.
        layers: Keras layers of the ops that it may be about, in order; empty where the file does not tell.
    """

    op: str
    reason: str
    layers: tuple[str, ...]

    def __str__(self) -> str:
        """``CONV_2D (layer 'conv_1'): Tensor type(INT16) is not supported``."""
        many = "s" if len(self.layers) > 1 else ""
        where = f" (layer{many} {', '.join(repr(name) for name in self.layers)})" if self.layers else ""
        return f"{self.op}{where}: {self.reason}"


def refusals(log: str, inspection: Inspection) -> tuple[Refusal, ...]:
    """The ops that the accelerator refused, each with the layers that it came from."""
    found = []
    within = False
    for line in log.splitlines():
        if _BEGIN in line:
            within = True
        elif within and _END.search(line):
            break
        elif within and (match := _REFUSED.fullmatch(line.strip())):
            found.append(_refusal(match["op"], match["reason"], inspection))
    return tuple(found)


def _refusal(op: str, reason: str, inspection: Inspection) -> Refusal:
    """Splits the tensor's name off the reason, and looks up whose it is."""
    of_kind = [each for each in inspection.ops if each.name == op]
    for tensor in inspection.tensors:
        if tensor.name and reason.endswith(f" {tensor.name}"):
            touching = [each for each in of_kind if tensor.index in (*each.inputs, *each.outputs)]
            reason = reason.removesuffix(f" {tensor.name}")
            of_kind = touching or of_kind
            break
    layers = dict.fromkeys(filter(None, (inspection.source_layer(each) for each in of_kind)))
    return Refusal(op=op, reason=printable(reason.rstrip(". "))[:LONGEST], layers=tuple(layers))


def why(log: str, inspection: Inspection) -> str:
    """One sentence for a compilation that failed; "" where the log tells nothing."""
    refused = refusals(log, inspection)
    if refused:
        return "the GPU refuses " + "; ".join(map(str, refused))
    for pattern, words in _CAUSES:
        match = pattern.search(log)
        if match:
            text = match.groupdict().get("text", "")
            return (words or "{}").format(printable(text.strip())[:LONGEST])
    return ""


def left_on_cpu(log: str) -> int | None:
    """How many ops it would leave to the CPU; None where the log does not tell."""
    match = _SPLIT.search(log)
    return int(match["left"]) if match else None


def invalid(log: str) -> str:
    """What WebGPU says of a program that it does not accept; "" where all are valid."""
    match = _INVALID.search(log)
    return printable(match["text"].strip())[:LONGEST] if match else ""


def adapter(log: str) -> str:
    """The GPU, or its software stand-in, that was chosen; "" where the log does not tell."""
    match = _ADAPTER.search(log)
    return printable(match["name"].strip()) if match else ""
