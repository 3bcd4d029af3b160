"""What is known to go wrong with a converted file, as the artifact, the manifest and the tables carry it."""

from typing import Literal

from pydantic import BaseModel, ConfigDict


class DiagnosticRecord(BaseModel):
    """One finding in one file.

    Attributes:
        scheme: of the file.
        code: that ``pipeline explain`` takes, ``P012``.
        severity: an error fails the build; the others are told.
        message: one sentence with values.
        op: position of the op in the first subgraph; None where it is about the whole file.
        layer: the Keras layer the op comes from; empty where that cannot be told.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    scheme: str
    code: str
    severity: Literal["error", "warning", "info"]
    message: str
    op: int | None = None
    layer: str = ""
