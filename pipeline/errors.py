"""What can go wrong, and the exit code that each kind gives.

    PipelineError               1  a step failed
    ├── StepError               1  a stage could not do its work
    │   ├── StorageError        1  the run folder cannot be written, is full, or of another version
    │   ├── BusyError           1  another build holds the run folder
    │   └── RuntimeFailure      1  a runtime's worker process died or refused the model
    ├── DataError               1  a dataset's files are damaged, contradict each other, or end early
    │   └── DataMissingError    1  ... or are not there
    ├── UsageError              2  wrong use of the command line
    │   └── RecipeError         2  a recipe or target that is unknown, misspelt or contradicts itself
    └── GateError               3  a gate failed: parity, accuracy, size
    InternalError               1  a fault of this program; the only kind that asks for a bug report

:class:`converters.ConverterError` counts as a failed step.
"""

import difflib
from collections.abc import Iterable, Sequence
from typing import ClassVar


class PipelineError(Exception):
    """Base of every error meant for the user; its text is one clear sentence."""

    exit_code: ClassVar[int] = 1


class StepError(PipelineError):
    """A stage could not do its work."""


class StorageError(StepError):
    """The run folder cannot be written, is full, or was made by another version."""


class BusyError(StepError):
    """Another build holds the run folder."""


class RuntimeFailure(StepError):  # noqa: N818 - "RuntimeError" is taken by Python
    """A runtime's worker process died or refused the model."""


class DataError(PipelineError):
    """A dataset's files are damaged or contradict each other."""


class DataMissingError(DataError):
    """A dataset's files are not on this machine."""


class UsageError(PipelineError):
    """Wrong use of the command line."""

    exit_code = 2


class RecipeError(UsageError):
    """A recipe or target that is unknown, misspelt, or contradicts itself."""


class GateError(PipelineError):
    """A gate failed: parity, accuracy or size."""

    exit_code = 3


class InternalError(Exception):
    """A fault of this program, not of its user."""


def unknown(what: str, value: str, choices: Iterable[str], *, within: str = "") -> str:
    """The sentence for a name that does not exist: the choices and the nearest spelling.

    Args:
        what: kind of the name.
        value: that does not exist.
        choices: that do.
        within: stands before all of them, ``train.``, and says nothing about which is near.
    """
    names = sorted(choices)
    near = difflib.get_close_matches(value, names, n=1)
    hint = f"; did you mean '{within}{near[0]}'?" if near else ""
    return f"unknown {what} '{within}{value}', choose from: {', '.join(names) or 'none'}{hint}"


def several(names: Sequence[str], *, limit: int = 20) -> str:
    """The first names of a list, and how many more there are: a message stays readable."""
    more = len(names) - limit
    return ", ".join(names[:limit]) + (f" and {more:,} more" if more > 0 else "")
