"""One scheme on one runtime: all metrics in one cell."""

import numpy as np
import numpy.typing as npt

from pipeline.artifacts import Cell, TensorSpec
from pipeline.parity.agreement import accuracy_drop, near_ties, top1, wilson
from pipeline.parity.error import output_error
from pipeline.parity.tolerance import FLOAT32_OUTPUT, OUTPUT_TOLERANCE


def compare(
    outputs: npt.NDArray[np.generic],
    tensor: TensorSpec | None,
    reference: npt.NDArray[np.generic],
    baseline: npt.NDArray[np.generic],
    labels: npt.NDArray[np.int64],
    *,
    scheme: str,
    runtime: str,
    version: str,
    of: int | None = None,
) -> Cell:
    """Compares outputs with the reference's and with the labels.

    Args:
        outputs: (n, classes) as the runtime gave them, quantised or not.
        tensor: the output tensor, for scale and zero point; None for floats.
        reference: (n, classes) floats of the Keras model that the file was converted from.
        baseline: (n, classes) floats of the trained model before any optimisation: what accuracy may be lost
            against.
        labels: (n,) right classes.
        scheme: for the cell, and for what is a near-tie; the strictest tolerance where it is no known one.
        runtime: for the cell.
        version: for the cell.
        of: images of the test set, where these are only a sample of them.
    """
    scale, zero_point = (tensor.scale, tensor.zero_point) if tensor else (None, None)
    error = output_error(reference, outputs, scale=scale, zero_point=zero_point)
    chosen, expected = top1(outputs), top1(reference)
    drop = accuracy_drop(top1(baseline), chosen, labels)
    return Cell(
        scheme=scheme,
        runtime=runtime,
        status="ran",
        version=version,
        images=len(labels),
        test_images=of,
        accuracy=wilson(int((chosen == labels).sum()), len(labels)),
        agreement=float((chosen == expected).mean()),
        near_ties=near_ties(reference, expected, chosen, OUTPUT_TOLERANCE.get(scheme, FLOAT32_OUTPUT)),
        max_abs_error=error.max_abs,
        mean_abs_error=error.mean_abs,
        sqnr_db=error.sqnr_db,
        max_steps=error.max_steps,
        accuracy_drop_points=drop.points,
        mcnemar_p=drop.mcnemar_p,
    )
