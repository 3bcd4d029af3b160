"""The manifest: everything an app must know to feed the model and read its answer.

Its JSON Schema is published beside this file as ``manifest.schema.json``.
"""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from converters.tflite.description import labels_fault
from pipeline.artifacts import (
    Cell,
    Claim,
    DatasetFacts,
    FileRecord,
    GateResult,
    TensorSpec,
    Variant,
)
from pipeline.decoder_record import DecoderCell
from pipeline.delegate_plan import DelegatePlan
from pipeline.delegation_record import DelegationRecord
from pipeline.diagnostic_record import DiagnosticRecord
from pipeline.drawing import DrawingSpec
from pipeline.errors import StepError
from pipeline.guard_record import GuardRecord
from pipeline.interval import Interval
from pipeline.postprocess import PostprocessSpec
from pipeline.preprocess import MAX_DIMENSION, PreprocessSpec
from pipeline.release import distinct_keys
from pipeline.shelf import explain

FILE = "manifest.json"
SCHEMA_VERSION: Final = 1
MAX_LABELS = 100_000
"""More classes than any image classifier has; a larger list is a damaged manifest."""

LARGEST = 16 << 20
"""Bytes of a manifest, as for the apps' readers; the largest real ones have 0.1 million."""

MODEL = "model.tflite"

DOORS: Mapping[str, tuple[int, int] | None] = MappingProxyType(
    {"float32": None, "uint8": (0, 255), "int8": (-128, 127)}
)
"""Types of the tensors that an app fills and reads, with the range of those that are quantised."""

CASE_ID = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"
"""A case's id names its folder, in bundles, in apps and where languages are compared."""

PLACE = r"^[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*$"
"""A file of the bundle, in the words that the apps' readers take: no way leads out of it."""

SHA256 = r"^[0-9a-f]{64}$"

MAX_PIXELS_BYTES = 300_000_000
"""Of ``pixels.u8``, as for the apps' readers: above the largest photo that is decoded, 89 million
pixels of RGB."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class ShippedModel(_Frozen):
    """``model.tflite``.

    Attributes:
        file: its name in the bundle, always the same.
        scheme: how it is quantised.
        sha256: of the file.
        bytes: of the file.
        input: tensor that the app fills with ``quantise(value)`` of the preprocessed picture.
        output: tensor that the app reads, ``(q - zero_point) * scale`` where it is quantised.
        runtime_floor: oldest TensorFlow Lite runtime it was made for.
        min_runtime: oldest one that reads all its ops right, computed from their options and tensors; None
            where one is not known.
        claimed_min_runtime: what the file says of itself; None where it says nothing.
        delegates: in the order in which an app should try them.
        delegate_plan: how each of them is opened; null for those that are not tried.
    """

    file: Literal["model.tflite"]
    scheme: str
    sha256: str = Field(pattern=SHA256)
    bytes: int
    input: TensorSpec
    output: TensorSpec
    runtime_floor: str
    min_runtime: str | None
    claimed_min_runtime: str | None
    delegates: tuple[str, ...]
    delegate_plan: DelegatePlan


class Verification(_Frozen):
    """What was measured, on which images.

    Attributes:
        on: test and train set as every figure must be quoted.
        reference_accuracy: of the Keras model that the files were converted from.
        trained_accuracy: of the trained Keras model, before any optimisation.
        cells: each scheme on each runtime.
        decoders: each decoder before the shipped file; empty where the dataset has no encoded files.
        diagnostics: what is known to go wrong with each file; none of them an error in a bundle.
        delegation: what each delegate of the target would do with ``model.tflite``, told by its rules.
        gates: each gate with its limit and what was measured.
        passed: whether every gate held.
    """

    on: str
    reference_accuracy: Interval
    trained_accuracy: Interval
    cells: tuple[Cell, ...]
    decoders: tuple[DecoderCell, ...] = ()
    diagnostics: tuple[DiagnosticRecord, ...]
    delegation: tuple[DelegationRecord, ...]
    gates: tuple[GateResult, ...]
    passed: bool


class GoldenCase(_Frozen):
    """A case with every intermediate result; files are raw, row-major, little-endian.

    Attributes:
        id: name of its folder in ``golden/``; no two cases share one.
        kind: ``image`` starts with a picture of the input's size, ``picture`` with any picture that goes
            through the whole PreprocessSpec, ``strokes`` with ``strokes.json``, ``[[[x, y], ...], ...]``,
            drawn by the manifest's DrawingSpec.
        pixels_shape: of ``pixels.u8``, what the platform decoded or drew: (H, W), (H, W, 1) or (H, W, 3).
        label: right class index; None where nobody can say, as of random strokes.
        top1: class index that the model answers.
        file: of the dataset that it was decoded from; empty where the dataset has no file per image.
        credit: who made that file; empty where it is not known.
    """

    id: str = Field(pattern=CASE_ID)
    kind: Literal["image", "picture", "strokes"]
    pixels_shape: tuple[Annotated[int, Field(ge=1, le=MAX_DIMENSION)], ...] = Field(
        min_length=2, max_length=3
    )
    label: int | None = Field(ge=0)
    top1: int = Field(ge=0)
    file: str = ""
    credit: str = ""


class Golden(_Frozen):
    """Golden vectors in ``golden/ID/``: ``pixels.u8 -> image.u8 -> tensor.bin -> output.bin``.

    Attributes:
        runtime: that computed the outputs.
        image_tolerance: grey levels by which ``image.u8`` may differ.
        output_tolerance: by which a dequantised output may differ.
        encoded: the picture case that is there as an encoded file too, and the file: a PNG, or a photo of the
            dataset without its metadata. Of a JPEG another decoder gives other pixels than ``pixels.u8``,
            which pillow decoded: ``verification.decoders`` says how far apart they may be.
        cases: all of them.
    """

    runtime: str
    image_tolerance: int = Field(ge=0, le=255)
    output_tolerance: float = Field(ge=0.0)
    encoded: tuple[str, Annotated[str, Field(pattern=PLACE)]]
    cases: tuple[GoldenCase, ...] = Field(min_length=1)


class Manifest(_Frozen):
    """The contract of a bundle.

    Attributes:
        schema_version: of this format.
        name: of the recipe.
        profile: ``smoke`` marks a build for tests: never ship it.
        recipe: all of it, defaults written out.
        target: name of the target.
        seed: that everything random was drawn from.
        git_revision: of the working tree it was built in; None outside one.
        tools: tool to version.
        lineage: stage to the hash of what it made.
        dataset: what it was really trained and tested on.
        parameters: of the Keras model.
        model: what ships.
        variants: every converted file, in ``variants/``.
        claims: what optimisations promised, measured on the weights of the file that ships.
        guard: which layers of int8 are in float32, what each bought and cost; None where none was asked for.
        preprocess: from decoded pixels to the input tensor.
        drawing: from strokes to such pixels; None where the images are not written by hand.
        postprocess: from the output tensor to probabilities.
        labels: class index to label.
        verification: the measured verdict.
        golden: the golden vectors.
        files: every other file of the bundle.
    """

    schema_version: Literal[1] = SCHEMA_VERSION
    name: str
    profile: Literal["full", "smoke"]
    recipe: Mapping[str, Any]
    target: str
    seed: int
    git_revision: str | None
    tools: Mapping[str, str]
    lineage: Mapping[str, str]
    dataset: DatasetFacts
    parameters: int
    model: ShippedModel
    variants: tuple[Variant, ...]
    guard: GuardRecord | None = None
    claims: tuple[Claim, ...] = ()
    preprocess: PreprocessSpec
    drawing: DrawingSpec | None = None
    postprocess: PostprocessSpec = PostprocessSpec()
    labels: tuple[str, ...] = Field(min_length=2, max_length=MAX_LABELS)
    verification: Verification
    golden: Golden
    files: Mapping[str, FileRecord]

    @model_validator(mode="after")
    def _check(self) -> "Manifest":
        if self.model.input.shape[1:] != self.preprocess.shape:
            raise ValueError(
                f"the input takes {self.model.input.shape[1:]}, preprocessing gives {self.preprocess.shape}"
            )
        if self.model.output.shape != (1, len(self.labels)):
            raise ValueError(f"the output is {self.model.output.shape}, there are {len(self.labels)} labels")
        if set(self.model.delegates) != set(self.model.delegate_plan.named):
            raise ValueError(
                f"delegates are {', '.join(self.model.delegates)}, delegate_plan opens "
                f"{', '.join(self.model.delegate_plan.named) or 'none'}"
            )
        if fault := labels_fault(self.labels):
            raise ValueError(f"labels: {fault}")
        for what in (*self._wrong_doors(), *(f"golden.cases: {each}" for each in self._wrong_cases())):
            raise ValueError(what)
        return self

    def _wrong_doors(self) -> Iterator[str]:
        """What no app can fill or read."""
        for name, door in (("input", self.model.input), ("output", self.model.output)):
            if door.dtype not in DOORS:
                yield f"model.{name}.dtype: '{door.dtype}', choose from: {', '.join(DOORS)}"
                continue
            if door.shape[0] != 1:
                yield f"model.{name}.shape: {list(door.shape)}, not a batch of 1 in front"
            limits, given = DOORS[door.dtype], (door.scale, door.zero_point)
            if limits is None and given != (None, None):
                yield f"model.{name}: {door.dtype} has neither scale nor zero_point"
            elif limits is not None and None in given:
                yield f"model.{name}: {door.dtype} needs scale and zero_point"
            elif limits is not None and not limits[0] <= (door.zero_point or 0) <= limits[1]:
                yield f"model.{name}.zero_point: {door.zero_point} is no {door.dtype}"

    def _wrong_cases(self) -> Iterator[str]:
        """What is wrong with the golden cases."""
        known: set[str] = set()
        for case in self.golden.cases:
            if ".." in case.id:
                yield f"'{case.id}' names a folder elsewhere"
            if case.id in known:
                yield f"'{case.id}' is there twice"
            known.add(case.id)
            if max(case.top1, case.label or 0) >= len(self.labels):
                yield f"'{case.id}' names a class that is not among the {len(self.labels)} labels"
            if case.pixels_shape[2:] not in ((), (1,), (3,)):
                yield f"'{case.id}' has {case.pixels_shape[2]} channels: 1 or 3"
            if math.prod(case.pixels_shape) > MAX_PIXELS_BYTES:
                yield (
                    f"'{case.id}' has {math.prod(case.pixels_shape):,} bytes of pixels, "
                    f"at most {MAX_PIXELS_BYTES:,}"
                )
            if case.kind == "strokes" and self.drawing is None:
                yield f"'{case.id}' has strokes, but 'drawing' is not there"
            if case.kind == "image" and case.pixels_shape != self.preprocess.shape:
                yield f"'{case.id}' is an image of {case.pixels_shape}, not of {self.preprocess.shape}"
        if self.golden.encoded[0] not in known:
            yield f"'{self.golden.encoded[0]}' of golden.encoded is none of them"


def read(bundle: Path) -> Manifest:
    """Reads and checks the manifest of a bundle.

    Raises:
        StepError: no manifest, larger than LARGEST, not JSON, of another schema version, a field out of
            range, or a key that stands twice in one object.
    """
    path = bundle / FILE
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
        if len(content) > LARGEST:
            raise StepError(f"{path}: larger than {LARGEST:,} bytes, so no manifest of a bundle")
        manifest = Manifest.model_validate_json(content)
        distinct_keys.check(content)
        return manifest
    except distinct_keys.TwiceError as error:
        raise StepError(f"{path}: the key '{error}' stands twice in one object; remove one") from error
    except OSError as error:
        raise StepError(f"{path}: {error.strerror}; a bundle is a folder with a {FILE}") from error
    except ValidationError as error:
        raise StepError(f"{path}: {explain(error, Manifest)}") from error


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of the manifest."""
    return Manifest.model_json_schema()
