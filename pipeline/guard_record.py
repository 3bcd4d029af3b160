"""What the accuracy guard did to the int8 file, as the artifact, the manifest and the tables carry it."""

from pydantic import BaseModel, ConfigDict


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class GuardedLayer(_Frozen):
    """One op of the int8 file.

    Attributes:
        layer: of Keras.
        op: builtin op; two ops of one Keras layer differ in it.
        sqnr_db: its own error at int8, dB, the mean over its channels; None where it has none.
        restored: whether the file computes it in float32.
        bought_points: accuracy that the file would lose with this layer alone back at int8, percentage
            points; None unless restored, and where that file did not run.
        cost_bytes: what the file would save then; None unless restored.
    """

    layer: str
    op: str
    sqnr_db: float | None
    restored: bool
    bought_points: float | None
    cost_bytes: int | None


class GuardRecord(_Frozen):
    """The guard's verdict; every figure is of validation images, none of test images.

    Attributes:
        runtime: that ran the files.
        images: validation images that they were measured on.
        limit_points: accuracy drop that the gate of int8 allows, percentage points.
        held: whether the file is within it.
        why: what stopped the search short of it; empty where it holds.
        drop_before_points: accuracy of the trained Keras model (before any optimisation) less that of the
            plain int8 file.
        drop_after_points: the same of the file as it is now; equal where nothing was restored.
        bytes_before: size of the plain int8 file.
        bytes_after: size of the file as it is now.
        trials: files that were measured.
        layers: every op, in order of execution; empty where the plain file was within the limit.
    """

    runtime: str
    images: int
    limit_points: float
    held: bool
    why: str
    drop_before_points: float
    drop_after_points: float
    bytes_before: int
    bytes_after: int
    trials: int
    layers: tuple[GuardedLayer, ...]

    @property
    def restored(self) -> tuple[GuardedLayer, ...]:
        """The layers that are in float32."""
        return tuple(layer for layer in self.layers if layer.restored)
