"""The minimum runtime and the known dangers of a file, as ``pipeline inspect`` shows them."""

from collections.abc import Iterator, Mapping

from converters.tflite import releases
from converters.tflite.diagnose import diagnose
from converters.tflite.graph import Inspection
from converters.tflite.section import Section
from converters.tflite.tried import tried_section
from converters.tflite.versions import minimum_runtime

HOW_KNOWN: Mapping[releases.Known, str] = {
    "tried": "run and asked",
    "listed": "the registry's list",
    "told": "hearsay, not checked",
}


def runtime_sections(inspection: Inspection) -> Iterator[Section]:
    """The oldest runtime and the packages that carry it, what was tried, what is known to go wrong."""
    found = minimum_runtime(inspection)
    claim = inspection.claimed_min_runtime or "nothing"
    decided = f", for {', '.join(found.decided_by)}" if found.decided_by else ""
    needs = f"needs TensorFlow Lite {found.text}{decided}"
    if found.never:
        needs = f"no release of TensorFlow Lite computes it right, for {', '.join(found.never)}"
    lines = [needs, f"the file claims {claim}"]
    if found.unknown:
        lines.append(f"not known, and so believed: {', '.join(found.unknown)}")
    yield Section(
        title="minimum runtime",
        lines=tuple(lines),
        columns=("package", "from", "lowest known version", "how that is known"),
        rows=tuple(
            (name, where, lowest or "unknown", HOW_KNOWN[carrier.known])
            for (name, where, lowest), carrier in zip(found.carriers, releases.carriers(), strict=True)
        ),
    )
    yield tried_section(inspection)
    lines = [one.line for one in diagnose(inspection)]
    yield Section(
        title="what can go wrong",
        lines=(*lines, "`pipeline explain CODE` tells more") if lines else ("nothing that is known of",),
    )
