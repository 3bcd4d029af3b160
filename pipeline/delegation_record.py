"""What a delegate would do with the file that ships, as artifact, manifest and tables carry it."""

from pydantic import BaseModel, ConfigDict, Field


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class StayingOp(_Frozen):
    """An op that a delegate leaves to the CPU.

    Attributes:
        index: position in the first subgraph.
        op: builtin name, or custom code.
        layer: of Keras; empty where the file does not tell.
        reason: why it stays.
    """

    index: int
    op: str
    layer: str
    reason: str


class DelegationRecord(_Frozen):
    """One delegate of the target, opened as the target says, by rules and not by a run.

    Attributes:
        delegate: as the target calls it.
        ops: of the first subgraph.
        delegated: of them, those that it computes.
        partitions: parts of the graph that it computes, each entered and left at every run.
        macs_share: share of the multiply-accumulates in them, 0..1; None where an op's cannot be counted.
        full: whether it takes every op, in one part.
        staying: the ops that it leaves to the CPU, in order of execution.
        warnings: what an app must know although the ops go.
        notes: which of the delegate's paths the file takes.
    """

    delegate: str
    ops: int = Field(ge=0)
    delegated: int = Field(ge=0)
    partitions: int = Field(ge=0)
    macs_share: float | None = Field(default=None, ge=0.0, le=1.0)
    full: bool
    staying: tuple[StayingOp, ...] = ()
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
