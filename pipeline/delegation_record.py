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


class RefusedOp(_Frozen):
    """An op that an accelerator refused in a run.

    Attributes:
        op: builtin name.
        layers: of Keras, those that it may be about; empty where the file does not tell.
        reason: the accelerator's own words.
    """

    op: str
    layers: tuple[str, ...] = ()
    reason: str


class AcceleratorRun(_Frozen):
    """What a real accelerator did with a file: not by rules.

    Attributes:
        driver: the GPU, or its stand-in in software, that it ran on; empty where it does not tell.
        ops: of the first subgraph.
        taken: of them, those that it computes.
        refused: the others, as far as it names them: one for each kind and reason.
    """

    driver: str
    ops: int = Field(ge=0)
    taken: int = Field(ge=0)
    refused: tuple[RefusedOp, ...] = ()


class MeasuredDelegation(_Frozen):
    """The rules' verdict beside what an accelerator did with the same file.

    Attributes:
        runtime: that ran it.
        status: ``ran``, ``failed`` (it refused the file, or broke) or ``absent``.
        reason: why there is no ``run``, or why it failed.
        run: what it did; None where it told nothing of single ops.
        images: on which its answers were compared with the reference's; 0 where there are none.
        agreement: share of them on which top-1 is the reference's.
        max_abs_error: of its dequantised output against the reference's; None also where it is not finite.
        disagreements: where rules and accelerator differ, a sentence each that names op and layer.
    """

    runtime: str
    status: str
    reason: str = ""
    run: AcceleratorRun | None = None
    images: int = Field(default=0, ge=0)
    agreement: float | None = Field(default=None, ge=0.0, le=1.0)
    max_abs_error: float | None = Field(default=None, ge=0.0)
    disagreements: tuple[str, ...] = ()


class DelegationRecord(_Frozen):
    """One delegate of the target, opened as the target says, by rules; and by runs where one can be made.

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
        measured: what runtimes that stand in for the delegate did with the file.
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
    measured: tuple[MeasuredDelegation, ...] = ()
