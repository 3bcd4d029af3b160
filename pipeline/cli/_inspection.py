"""What ``pipeline inspect`` says of a file to people, section by section."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import click

from pipeline.cli._options import print_table

if TYPE_CHECKING:
    from converters.tflite.arithmetic import OpCost
    from converters.tflite.graph import Inspection, Subgraph, Tensor
    from converters.tflite.metadata import ModelMetadata, TensorMetadata
    from converters.tflite.section import Section

TOP = 5
"""Layers and ops that are named as those where the time will go."""

LONGEST_CELL = 100
"""Characters of a name that are shown; the converter joins the names of all layers that it fused."""

SHOWN_SIZES = 8
"""Dimensions of a shape; TensorFlow Lite's kernels take 6 at most."""

MOST_ROWS = 200
"""Lines and rows of a section that are shown, and kinds of op that are counted; JSON has all of them."""

SHOWN_OUTPUTS = 8
"""Of an op; a SPLIT has a few, a damaged file may name thousands for every op."""

SHOWN_LABELS = 5
"""Of a labels file; how many there are is told."""


def show(file: str, inspection: "Inspection", *, android_api: int) -> None:
    """Prints everything that is known of the file."""
    description = f", {plain(inspection.description)}" if inspection.description else ""
    click.echo(f"{file}: {inspection.file_bytes:,} bytes{description}")
    for section in sections(inspection, android_api=android_api):
        click.echo(f"\n{section.title}")
        for line in section.lines[:MOST_ROWS]:
            click.echo(f"  {visible(line)}")
        _more(len(section.lines) - MOST_ROWS)
        if section.rows:
            print_table(section.columns, _aligned(section))
            _more(section.left_out + max(0, len(section.rows) - MOST_ROWS))


def _more(count: int) -> None:
    if count > 0:
        click.echo(f"  and {count:,} more; --json tells all")


def sections(inspection: "Inspection", *, android_api: int) -> Iterator["Section"]:
    """What stands in the file, what it costs, where it runs; NNAPI at one Android API level in full."""
    from converters.tflite import arithmetic

    costs = arithmetic.costs(inspection)
    yield _doors(inspection)
    yield _time(inspection, costs)
    yield _weights(inspection)
    yield _memory(inspection)
    yield from _metadata(inspection)
    for graph in inspection.graphs:
        yield _ops(graph, costs)
    yield from _where_it_runs(inspection, android_api=android_api)


def _where_it_runs(inspection: "Inspection", *, android_api: int) -> Iterator["Section"]:
    """The minimum runtime and the delegates."""
    from converters.delegates import delegate_sections
    from converters.tflite.runtime_section import runtime_sections

    yield from runtime_sections(inspection)
    yield from delegate_sections(inspection, android_api=android_api)


def _doors(inspection: "Inspection") -> "Section":
    from converters.tflite.section import Section

    lines = []
    for title, tensors in (("input", inspection.inputs), ("output", inspection.outputs)):
        # A damaged file may name one tensor many times.
        for tensor in {tensor.index: tensor for tensor in tensors}.values():
            lines.append(f"{title}: {plain(tensor.name)}  {describe(tensor)}")
    for signature in inspection.signatures:
        lines.append(
            f"signature {plain(signature.key)}: {_names(signature.inputs)} -> {_names(signature.outputs)}"
        )
    if not inspection.signatures:
        lines.append("no signature: an app addresses inputs and outputs by their position")
    if inspection.external_files:
        lines.append(f"weights in other files: {', '.join(map(plain, inspection.external_files))}")
    return Section(title="inputs and outputs", lines=tuple(lines))


def _time(inspection: "Inspection", costs: Sequence["OpCost"]) -> "Section":
    from converters.tflite import arithmetic
    from converters.tflite.section import Section

    lines = [f"{arithmetic.total_macs(costs):,} multiply-accumulates in one run"]
    for name in sorted({cost.name for cost in arithmetic.uncounted(costs)}):
        which = "control flow: what it runs counts as often as the values say" if (
            name in arithmetic.CONTROL_FLOW
        ) else "not counted: its arithmetic is not known"  # fmt: skip
        lines.append(f"{plain(name)}: {which}")
    for graph in inspection.graphs[1:]:
        macs = arithmetic.total_macs(costs, subgraph=graph.index)
        lines.append(f"subgraph {graph.index} '{plain(graph.name)}': {macs:,} each time it runs")
    if any(cost.dynamic for cost in costs):
        lines.append("sizes that are only known at run time: taken as they stand in the file")
    layers = arithmetic.by_layer(costs, most=TOP)
    rows = [(plain(s.what), f"{s.macs:,}", f"{100 * s.share:.1f} %") for s in layers]
    return Section(
        title="where the time will go",
        lines=tuple(lines),
        columns=("layer", "MACs", "share"),
        rows=tuple(rows),
        figures=frozenset({"MACs", "share"}),
    )


def _weights(inspection: "Inspection") -> "Section":
    from converters.tflite.section import Section
    from converters.tflite.sparsity import weights

    sizes = ", ".join(f"{n:,} bytes {d}" for d, n in inspection.constant_bytes_by_dtype.items())
    rows = []
    for group in weights(inspection):
        zeros = "not counted" if group.share is None else f"{100 * group.share:.1f} %"
        stored = f"{group.sparse_tensors} of {group.tensors}" if group.sparse_tensors else "no"
        rows.append((group.dtype, str(group.tensors), f"{group.bytes:,}", zeros, stored))
    return Section(
        title="weights",
        lines=(f"all constants: {sizes or 'none'}",),
        columns=("kernels of", "tensors", "bytes", "zeros", "stored sparsely"),
        rows=tuple(rows),
        figures=frozenset({"tensors", "bytes", "zeros"}),
    )


def _memory(inspection: "Inspection") -> "Section":
    from converters.tflite.memory import peak
    from converters.tflite.section import Section

    lines = []
    for graph in inspection.graphs:
        found = peak(graph)
        of = f"subgraph {graph.index}: " if graph.index else ""
        at = f", at op {found.op} {plain(graph.ops[found.op].name)}" if found.op is not None else ""
        lines.append(f"{of}at least {found.bytes:,} bytes{at}")
        if found.unpacked_bytes:
            lines.append(f"{of}and {found.unpacked_bytes:,} bytes of constants, unpacked when it is loaded")
        if found.unsized:
            lines.append(f"{of}without {len(found.unsized)} tensors whose size is not told")
        if found.dynamic:
            lines.append(f"{of}sizes that are only known at run time: taken as they stand in the file")
    lines.append("a lower bound: a runtime's arena may be larger, and kernels ask for scratch memory")
    return Section(title="activation memory", lines=tuple(lines))


def _metadata(inspection: "Inspection") -> Iterator["Section"]:
    from converters.tflite import metadata
    from converters.tflite.flatbuffer import DamagedFlatbufferError
    from converters.tflite.section import Section

    lines = [f"{plain(name)}: {len(content):,} bytes" for name, content in inspection.metadata.items()]
    if metadata.ENTRY in inspection.metadata:
        try:
            lines += _said(metadata.read(inspection.metadata[metadata.ENTRY]))
        except DamagedFlatbufferError as error:
            lines.append(f"{metadata.ENTRY} cannot be read: {error}")
    for file in inspection.packed.files:
        text = ""
        if file.lines is not None:
            first = ", ".join(plain(line) for line in file.lines[:SHOWN_LABELS])
            text = f", {len(file.lines):,} lines: {first}{' ...' if len(file.lines) > SHOWN_LABELS else ''}"
        lines.append(f"file {plain(file.name)}: {file.bytes:,} bytes{text}")
    if inspection.packed.trouble:
        lines.append(f"behind the model: {plain(inspection.packed.trouble)}")
    if lines:
        yield Section(title="metadata and files", lines=tuple(lines))


def _said(model: "ModelMetadata") -> Iterator[str]:
    for field in ("name", "description", "version", "author", "license", "min_parser_version"):
        value = getattr(model, field)
        if value:
            yield f"{field.replace('_', ' ')}: {plain(value)}"
    for title, tensors in (("input", model.inputs), ("output", model.outputs)):
        for tensor in tensors:
            yield f"{title} {plain(tensor.name)}: {'; '.join(_said_of_tensor(tensor)) or 'nothing more'}"


def _said_of_tensor(tensor: "TensorMetadata") -> Iterator[str]:
    if tensor.description:
        yield plain(tensor.description)
    if tensor.content:
        yield tensor.content
    if tensor.mean or tensor.std:
        yield f"normalised by mean {_figures(tensor.mean)} and std {_figures(tensor.std)}"
    if tensor.minimum or tensor.maximum:
        yield f"values from {_figures(tensor.minimum)} to {_figures(tensor.maximum)}"
    if tensor.threshold is not None:
        yield f"scores below {tensor.threshold:g} are dropped"
    for file in tensor.files:
        yield f"{file.kind} in {plain(file.name)}"


def _ops(graph: "Subgraph", costs: Sequence["OpCost"]) -> "Section":
    from converters.tflite.section import Section

    own = [cost for cost in costs if cost.subgraph == graph.index]
    rows = []
    for op, cost in zip(graph.ops[:MOST_ROWS], own, strict=False):
        name = f"{op.name} (custom)" if op.custom else op.name if op.known else f"{op.name} (unknown)"
        outputs = [tensor for i in op.outputs[:SHOWN_OUTPUTS] if (tensor := graph.tensor(i)) is not None]
        rows.append(
            (
                str(op.index), plain(name), str(op.version), plain(cost.layer), _figure(cost.macs),
                _figure(cost.read_bytes), _figure(cost.written_bytes), "; ".join(map(describe, outputs)),
            )
        )  # fmt: skip
    counted = _op_counts(graph)
    counts = ", ".join(f"{plain(name)} {count}" for name, count in list(counted.items())[:MOST_ROWS])
    if len(counted) > MOST_ROWS:
        counts += f" and {len(counted) - MOST_ROWS:,} more"
    more = f" of subgraph {graph.index} '{plain(graph.name)}'" if graph.index else ""
    return Section(
        title=f"ops{more}",
        lines=(f"{len(graph.ops):,}: {counts}",) if graph.ops else ("none",),
        columns=("#", "op", "version", "layer", "MACs", "reads", "writes", "gives"),
        rows=tuple(rows),
        left_out=len(graph.ops) - len(rows),
        figures=frozenset({"#", "version", "MACs", "reads", "writes"}),
    )


def _op_counts(graph: "Subgraph") -> dict[str, int]:
    counts: dict[str, int] = {}
    for op in graph.ops:
        counts[op.name] = counts.get(op.name, 0) + 1
    return dict(sorted(counts.items(), key=lambda item: -item[1]))


def describe(tensor: "Tensor") -> str:
    """``int8 1x28x28, scale 0.5, zero point -3``."""
    text = f"{tensor.dtype} {_sizes(tensor.shape) or 'scalar'}"
    if any(size < 0 for size in tensor.shape_signature):
        text += f" ({_sizes(tensor.shape_signature)} at run time)"
    if tensor.axis is not None:
        return f"{text}, {len(tensor.scales)} scales along axis {tensor.axis}"
    if tensor.scales:
        zero = tensor.zero_points[0] if tensor.zero_points else 0
        return f"{text}, scale {tensor.scales[0]:.6g}, zero point {zero}"
    return text


def _sizes(shape: Sequence[int]) -> str:
    """``1x28x28``, ``?x28`` where a size is not known; cut where it is longer than any tensor's."""
    told = ["?" if size < 0 else str(size) for size in shape[:SHOWN_SIZES]]
    return "x".join((*told, "...") if len(shape) > SHOWN_SIZES else told)


def plain(text: str, *, longest: int = LONGEST_CELL) -> str:
    """A text of the file for a terminal: control characters made visible, and cut where it is long."""
    return visible(text if len(text) <= longest else f"{text[:longest]}...")


def visible(text: str) -> str:
    """Control characters as escapes, so that no name in a file moves the cursor or renames the window."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def _names(names: Iterable[str]) -> str:
    return ", ".join(plain(name) for name in names) or "nothing"


def _figure(value: int | None) -> str:
    return "?" if value is None else f"{value:,}"


def _figures(values: Sequence[float]) -> str:
    return ", ".join(f"{value:g}" for value in values[:SHOWN_LABELS]) or "?"


def _aligned(section: "Section") -> list[tuple[str, ...]]:
    rows = section.rows[:MOST_ROWS]
    widths = [max(len(row[i]) for row in rows) for i in range(len(section.columns))]
    widths = [max(width, len(name)) for width, name in zip(widths, section.columns, strict=True)]
    return [
        tuple(
            cell.rjust(width) if name in section.figures else visible(cell)
            for cell, width, name in zip(row, widths, section.columns, strict=True)
        )
        for row in rows
    ]
