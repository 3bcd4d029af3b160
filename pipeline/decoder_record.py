"""What another image decoder does to the answers, as the artifact, the manifest and the tables carry it."""

from pydantic import BaseModel, ConfigDict

from pipeline.interval import Interval


class DecoderCell(BaseModel):
    """One decoder in front of the shipped file on one runtime, from the test set's encoded files on.

    Attributes:
        decoder: ``pillow`` is the one that training used, whose pixels stand in the arrays.
        version: of the decoder.
        runtime: that ran the shipped file.
        runtime_version: of it.
        reason: why it did not run; empty if it did.
        images: files that it decoded.
        undecodable: files that it could not decode; they are in no other figure.
        undecodable_files: the first of their names, in the arrays' order.
        max_difference_levels: largest difference of a value of an image (after PreprocessSpec, up to
            rounding) from the reference's, grey levels 0..255; None where nothing was decoded.
        mean_difference_levels: the same, the mean over all values of all images.
        agreement: share of images with the answer that the arrays' pixels give on this runtime, 0..1.
        accuracy: top-1 against the labels.
        drop_points: accuracy from the arrays' pixels less this, same images, same runtime, percentage points.
        drop_limit_points: what the scheme's gate allows against Keras; None where it gates no drop. Here it
            fails nothing: more than it makes a note.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    decoder: str
    version: str
    runtime: str
    runtime_version: str
    reason: str = ""
    images: int = 0
    undecodable: int = 0
    undecodable_files: tuple[str, ...] = ()
    max_difference_levels: int | None = None
    mean_difference_levels: float | None = None
    agreement: float | None = None
    accuracy: Interval | None = None
    drop_points: float | None = None
    drop_limit_points: float | None = None
