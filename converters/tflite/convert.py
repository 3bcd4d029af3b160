"""Runs TensorFlow's converter and checks what comes out."""

import os
import re
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from converters import stack
from converters.errors import ConverterError, RepresentativeError, UnsupportedOpsError
from converters.representative import Representative
from converters.spec import ConversionSpec
from converters.tflite.claims import check_claims
from converters.tflite.inspect import inspect_bytes
from converters.tflite.keras import SourceModel
from converters.tflite.schemes import SCHEMES
from converters.tflite.versions import check_floor, per_channel_dense

STDERR_FD = 2
"""C++ code writes to the descriptor, past ``sys.stderr``."""


def convert(source: SourceModel, spec: ConversionSpec, representative: Representative | None) -> bytes:
    """Converts to a TensorFlow Lite flatbuffer with builtin ops alone.

    Raises:
        RepresentativeError: the scheme is calibrated and samples are not given or of another shape.
        UnsupportedOpsError: an op has no TFLite builtin; the message names the layer.
        RuntimeFloorError: the file would need a newer runtime than the floor.
        WrongClaimError: it claims to run on an older runtime than it does.
        ConverterError: TensorFlow's converter failed for another reason.
    """
    converter = prepare(source, spec, representative)
    try:
        with warnings.catch_warnings(), native_stderr_held():
            warnings.simplefilter("ignore")  # "Statistics for quantized inputs were expected"
            content: bytes = converter.convert()
    # The converter raises its own error from a private module, RuntimeError from C++ and ValueError.
    except Exception as error:
        raise explain(error, source) from error
    check(content, spec)
    return content


def prepare(source: SourceModel, spec: ConversionSpec, representative: Representative | None) -> Any:
    """A ``tf.lite.TFLiteConverter`` with every option of the spec set.

    Raises:
        RepresentativeError: as :func:`convert`.
        ConverterError: a quantisation-aware model and a scheme that would quantise it again.
    """
    tf = stack.load().tf
    scheme = SCHEMES[spec.scheme]
    converter = tf.lite.TFLiteConverter.from_concrete_functions([source.function], source.trackable)
    if source.fake_quantised:
        if not scheme.takes_fake_quantised:
            doors = ", ".join(name for name, each in SCHEMES.items() if each.takes_fake_quantised)
            raise ConverterError(
                f"the model was trained quantisation-aware and holds ranges for {doors}; scheme "
                f"'{spec.scheme}' would quantise it again: convert to {doors}"
            )
    elif scheme.calibrated:
        if representative is None:
            raise RepresentativeError(
                f"scheme '{spec.scheme}' measures activation ranges: give representative samples"
            )
        # The converter would resize the model to them and measure another network.
        if representative.samples.shape[1:] != source.input_shape:
            raise RepresentativeError(
                f"representative samples have shape {representative.samples.shape[1:]}, the model's input "
                f"takes {source.input_shape}: bring them to that shape"
            )
        converter.representative_dataset = partial(
            representative, source.function.inputs[0].dtype.as_numpy_dtype
        )
    scheme.configure(converter, tf, spec.io_dtype)
    if source.fake_quantised:
        # Integers alone would make the converter ask for samples; the ranges are in the model.
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    converter._experimental_disable_per_channel_quantization_for_dense_layers = (
        spec.per_tensor_dense or not per_channel_dense(spec.runtime_floor)
    )
    return converter


def check(content: bytes, spec: ConversionSpec) -> None:
    """Refuses a file that the runtime floor would not run right.

    Raises:
        RuntimeFloorError: it needs a newer runtime.
        WrongClaimError: it claims to run on an older one than it does.
    """
    inspection = inspect_bytes(content, where=spec.scheme)
    where = f"scheme '{spec.scheme}'"
    check_claims(inspection, where=where)
    ops = [(op.name, op.version) for op in inspection.ops]
    check_floor(ops, runtime_floor=spec.runtime_floor, where=where)


@contextmanager
def native_stderr_held() -> Iterator[None]:
    """Keeps MLIR's pages of source locations off the terminal; the exception carries the facts."""
    sys.stderr.flush()
    with tempfile.TemporaryFile() as sink:
        saved = os.dup(STDERR_FD)
        os.dup2(sink.fileno(), STDERR_FD)
        try:
            yield
        finally:
            os.dup2(saved, STDERR_FD)
            os.close(saved)


def explain(error: Exception, source: SourceModel) -> ConverterError:
    """The error of this package for one of TensorFlow's converter."""
    message = str(error)
    refused = re.findall(r"(?:TF Select|Custom) ops: (.+)", message)
    if not refused:
        lines = [line for line in message.splitlines() if line.strip()]
        return ConverterError(f"TensorFlow's converter failed: {lines[0] if lines else repr(error)}")
    ops = [op.strip() for line in refused for op in line.split(",")]
    named = [f"{op} ({_layers_of(op, source) or 'layer unknown'})" for op in ops]
    return UnsupportedOpsError(
        f"no TensorFlow Lite builtin for {', '.join(named)}: replace the layer; select-TF ops would "
        "add some 90 MB of TensorFlow to the app and are refused"
    )


def _layers_of(op: str, source: SourceModel) -> str:
    """Names the layers whose part of the graph holds an op of this type."""
    found: list[str] = []
    for node_type, node_name in _nodes(source.function.graph.as_graph_def()):
        if node_type == op:
            owner = layer_of(node_name, source)
            name = f"layer '{owner}'" if owner else f"node '{node_name}'"
            if name not in found:
                found.append(name)
    return ", ".join(found)


def layer_of(node: str, source: SourceModel) -> str | None:
    """The Keras layer in whose scope a node of the graph stands: the innermost; None where there is none."""
    scopes = node.split("/")
    if source.numbered_scopes:
        scopes = [re.sub(r"_\d+$", "", scope) for scope in scopes]
    owners = [scope for scope in scopes if scope in source.layers]
    return owners[-1] if owners else None


def _nodes(graph_def: Any) -> Iterator[tuple[str, str]]:
    for node in graph_def.node:
        yield node.op, node.name
    for function in graph_def.library.function:
        for node in function.node_def:
            yield node.op, node.name
