"""What stages hand to each other: frozen records, each in its own folder with the files it describes.

    PreparedData -> TrainedModel -> OptimizedModel -> ConvertedModels -> VerifiedModel -> Bundle

Every artifact knows the hash of its files, the tools that made it, and the hashes of its parents, so that
a bundle can be traced back to the pixels. A folder is complete if and only if ``artifact.json`` stands
in it: folders are filled under another name and renamed as a whole.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError

from converters.tflite.graph import Tensor
from pipeline.decoder_record import DecoderCell
from pipeline.delegation_record import AcceleratorRun, DelegationRecord
from pipeline.diagnostic_record import DiagnosticRecord
from pipeline.errors import StorageError
from pipeline.guard_record import GuardRecord
from pipeline.interval import Interval
from pipeline.preprocess import PreprocessSpec

RECORD = "artifact.json"

NO_FLOAT32_STEP = 2.0**-150
"""Rounds to 0 in float32, in which apps compute with a tensor's scale; anything above it does not."""

NO_FLOAT32 = 2.0**128 - 2.0**103
"""Rounds to infinity in float32; anything below it does not."""


class _Frozen(BaseModel):
    # An infinite error stays one when it is read back; as null it would read "no error".
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")


class FileRecord(_Frozen):
    """One file of an artifact: its hash and its size in bytes."""

    sha256: str
    bytes: int


class Artifact(_Frozen):
    """Base of what stages make.

    Attributes:
        stage: name of the stage that made it.
        key: hash of everything that went in; the same key means the same work.
        made_by: tool to version.
        parents: stage to the hash of the artifact it was made from.
        files: name inside the folder to its record.
    """

    stage: str
    key: str
    made_by: Mapping[str, str]
    parents: Mapping[str, str]
    files: Mapping[str, FileRecord]
    _folder: Path = PrivateAttr()

    @property
    def ends_build(self) -> bool:
        """Whether a gate failed, so that nothing may be made from it."""
        return False

    @property
    def sha256(self) -> str:
        """Hash of the contents: every field but the key, the tools and the parents."""
        facts = self.model_dump(mode="json", exclude={"key", "made_by", "parents"})
        return digest(facts)

    def path(self, name: str) -> Path:
        """Where one of its files lies."""
        if name not in self.files:
            raise KeyError(f"artifact '{self.stage}' has no file '{name}'")
        return self._folder / name

    @property
    def folder(self) -> Path:
        """The folder that holds its files."""
        return self._folder

    def placed(self, folder: Path) -> Self:
        """The same artifact, its files in ``folder``."""
        copy = self.model_copy()
        copy._folder = folder
        return copy

    def write(self, folder: Path) -> None:
        """Writes the record; the last thing to happen in a stage's folder."""
        (folder / RECORD).write_text(self.model_dump_json(indent=2) + "\n", "utf-8")

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Reads a complete artifact and checks its files against their hashes.

        Raises:
            StorageError: damaged: the record does not parse or a file is not what it was.
        """
        try:
            artifact = cls.model_validate_json((folder / RECORD).read_text("utf-8"))
        except (FileNotFoundError, ValidationError, UnicodeDecodeError) as error:
            raise StorageError(f"{folder / RECORD}: not a readable record: {error}") from error
        for name, record in artifact.files.items():
            path = folder / name
            if not path.is_file() or path.stat().st_size != record.bytes or sha256(path) != record.sha256:
                raise StorageError(f"{path}: missing or changed since it was made")
        return artifact.placed(folder)


class SourceFile(_Frozen):
    """A file that a dataset was read from.

    Attributes:
        name: file name without its folder; ``class/`` for all photos of a class.
        sha256: of the file as it lies on disk; for a class, of the lines ``sha256  class/photo.jpg``.
        bytes: its size.
        published: whether it equals the publisher's file; None where no reference hash is known.
    """

    name: str
    sha256: str
    bytes: int
    published: bool | None = None


class DatasetFacts(_Frozen):
    """What a dataset really was.

    Attributes:
        name: with its variant, ``emnist-bymerge``.
        labels: class index to the characters it stands for.
        preprocess: how a picture becomes one of its images.
        train: images that trained.
        validation: images held out of train by seed.
        test: images that verification uses.
        train_on_disk: train images in the files (before any limit).
        test_on_disk: test images in the files.
        train_published: train images in the publisher's set; None where there is none.
        test_published: the same for test.
        sources: the files it was read from.
        left_out: files that could not be decoded and that the recipe allows to leave out.
        duplicates: (train file, test file) of the same pixels, as the model sees them; the first ones.
        duplicate_count: how many test images stand in train too.
        two_classes: (file, file of another class) of the same pixels, in whichever split; the first ones.
        two_classes_count: how many such pairs there are.
    """

    name: str
    labels: tuple[str, ...]
    preprocess: PreprocessSpec
    train: int
    validation: int
    test: int
    train_on_disk: int
    test_on_disk: int
    train_published: int | None = None
    test_published: int | None = None
    sources: tuple[SourceFile, ...]
    left_out: tuple[str, ...] = ()
    duplicates: tuple[tuple[str, str], ...] = ()
    duplicate_count: int = 0
    two_classes: tuple[tuple[str, str], ...] = ()
    two_classes_count: int = 0

    @property
    def clause(self) -> str:
        """What every figure must be quoted with: how much of which set was used."""
        clause = f"{self._part('test')}, trained on {self._part('train')}"
        same_count = self.train_on_disk == self.train_published and self.test_on_disk == self.test_published
        if same_count and any(source.published is False for source in self.sources):
            return f"{clause} (files that differ from the published ones)"
        return clause

    def _part(self, which: str) -> str:
        used = self.test if which == "test" else self.train + self.validation
        on_disk = self.test_on_disk if which == "test" else self.train_on_disk
        published = self.test_published if which == "test" else self.train_published
        of = f" of {on_disk:,}" if used != on_disk else ""
        if published is None:
            return f"{used:,}{of} {self.name} {which} images"
        if on_disk < published:
            return f"a {used:,}{of}-image subset of the {published:,} {self.name} {which} images"
        if on_disk > published:
            return f"{used:,}{of} {self.name} {which} images (the published set has {published:,})"
        if used != published:
            return f"{used:,} of the {published:,} {self.name} {which} images"
        return f"all {published:,} {self.name} {which} images"


class PreparedData(Artifact):
    """Images and labels as memory-mapped arrays, and how the train set is split.

    Files: ``{train,test}_{images,labels}.npy`` and ``{train,validation}_indices.npy``.
    """

    facts: DatasetFacts


class EpochRecord(_Frozen):
    """Figures of one epoch: mean losses, and accuracies as shares 0..1."""

    epoch: int
    loss: float
    accuracy: float
    validation_loss: float
    validation_accuracy: float


class TrainedModel(Artifact):
    """``model.h5``: the trained Keras model, its input scaled as in training.

    Attributes:
        model: name of the plug-in that built it.
        parameters: how many it has.
        pixel_scaling: (scale, offset): what 0..255 became before it.
        best_epoch: whose weights these are; 0 for those of the head's training, where no epoch after it was
            better on validation.
        start_accuracy: on validation, 0..1, after the head's training; None where there was none.
        history: figures of every epoch.
        head_history: of the epochs before these, when the head of a pretrained base was trained alone; empty
            where it was not.
        pretrained: the files whose weights it began with.
    """

    model: str
    parameters: int
    pixel_scaling: tuple[float, float]
    best_epoch: int
    start_accuracy: float | None = None
    history: tuple[EpochRecord, ...]
    head_history: tuple[EpochRecord, ...] = ()
    pretrained: tuple[SourceFile, ...] = ()

    @property
    def validation_accuracy(self) -> float:
        """Of these weights, 0..1."""
        if self.best_epoch == 0 and self.start_accuracy is not None:
            return self.start_accuracy
        return self.history[self.best_epoch - 1].validation_accuracy


class Claim(_Frozen):
    """What an optimisation promised of a layer's kernel, and what was measured.

    Attributes:
        optimization: that promised it.
        layer: of Keras.
        kind: ``zero_share``: share of zeros, 0..1, at least; ``zeros_in_four``: zeros in the poorest group of
            four neighbours along the input channels, at least; ``distinct_weights``: different values per
            tensor (in a file per output channel, after ``quantize_aware`` per channel of a convolution), at
            most.
        wanted: the promise.
        measured: on the weights; None before it was.
    """

    optimization: str
    layer: str
    kind: Literal["zero_share", "zeros_in_four", "distinct_weights"]
    wanted: float
    measured: float | None = None

    @property
    def holds(self) -> bool:
        """Whether it was measured and kept."""
        if self.measured is None:
            return False
        if self.kind == "distinct_weights":
            return self.measured <= self.wanted
        return self.measured >= self.wanted


class OptimizedModel(Artifact):
    """``model.h5`` after distillation, pruning, clustering or quantisation-aware training.

    Attributes:
        applied: names of the optimisations, in order; empty where the trained model is passed on.
        pixel_scaling: (scale, offset): what 0..255 becomes before it.
        history: of each optimisation, figures of every epoch.
        claims: what the optimisations promised, measured on the last model's weights.
    """

    applied: tuple[str, ...]
    pixel_scaling: tuple[float, float]
    history: Mapping[str, tuple[EpochRecord, ...]] = {}
    claims: tuple[Claim, ...] = ()


class TensorSpec(_Frozen):
    """An input or output tensor of a .tflite file.

    Attributes:
        name: in the file.
        shape: with the batch dimension.
        dtype: ``float32``, ``uint8`` ...
        scale: ``real = (q - zero_point) * scale``, a positive float32; None for float tensors.
        zero_point: None for float tensors.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    scale: float | None = Field(default=None, gt=NO_FLOAT32_STEP, lt=NO_FLOAT32, allow_inf_nan=False)
    zero_point: int | None = None

    @classmethod
    def of(cls, tensor: Tensor) -> Self:
        """What a file says of one of its tensors; of several scales the first."""
        return cls(
            name=tensor.name,
            shape=tensor.shape,
            dtype=tensor.dtype,
            scale=tensor.scales[0] if tensor.scales else None,
            zero_point=tensor.zero_points[0] if tensor.zero_points else None,
        )


class Variant(_Frozen):
    """One converted file.

    Attributes:
        scheme: how it is quantised.
        file: name inside the folder.
        bytes: size.
        zip_bytes: size in a deflated zip, as an app store ships it.
        sha256: hash of the file.
        input: what the app fills.
        output: what the app reads.
        ops: builtin op to how often it stands in the file.
        claimed_min_runtime: what the file says of itself.
    """

    scheme: str
    file: str
    bytes: int
    zip_bytes: int
    sha256: str
    input: TensorSpec
    output: TensorSpec
    ops: Mapping[str, int]
    claimed_min_runtime: str | None


class ConvertedModels(Artifact):
    """``<scheme>.tflite`` for every scheme, and the Keras models behind them.

    ``served.h5`` is what the files were made from; where that was optimised, ``trained.h5`` is what it was
    before.

    Attributes:
        variants: in the order of the scheme table.
        runtime_floor: oldest runtime that must run them.
        claims: scheme to what the optimisations promised, measured on the weights of its file.
        guard: what the accuracy guard did to int8; None where the recipe asks for none.
    """

    variants: tuple[Variant, ...]
    runtime_floor: str
    claims: Mapping[str, tuple[Claim, ...]] = {}
    guard: GuardRecord | None = None

    @property
    def ends_build(self) -> bool:
        """Whether the guard could not reach its gate: the best that it found is here, to be looked at."""
        return self.guard is not None and not self.guard.held

    def variant(self, scheme: str) -> Variant:
        """The variant of one scheme."""
        return next(variant for variant in self.variants if variant.scheme == scheme)


class Cell(_Frozen):
    """One scheme on one runtime, over the whole test set or, where the runtime is slow, a sample of it.

    Attributes:
        scheme: of the file.
        runtime: that ran it.
        status: ``ran``, ``failed`` (the runtime broke) or ``absent`` (it is not on this machine).
        reason: why it did not run.
        version: of the runtime.
        images: how many were run.
        test_images: how many the test set has, where only a sample of them was run; None where all were.
        accuracy: top-1 against the labels.
        agreement: share of images on which top-1 equals the reference's.
        near_ties: of the other images, those where the reference itself prefers its class by no more than the
            scheme's outputs may differ.
        max_abs_error: of the dequantised output against the reference.
        mean_abs_error: the same, mean.
        sqnr_db: power of the reference over power of the error, dB; None where there is no error.
        max_steps: largest error in output quantisation steps; None for float outputs.
        accuracy_drop_points: accuracy of the trained Keras model (before any optimisation) less its own,
            percentage points.
        mcnemar_p: exact two-sided p of the drop being chance.
        accelerated: what an accelerator took of the file; None on a CPU, and where it told nothing.
    """

    scheme: str
    runtime: str
    status: str
    reason: str = ""
    version: str = ""
    images: int = 0
    test_images: int | None = None
    accuracy: Interval | None = None
    agreement: float | None = None
    near_ties: int = 0
    max_abs_error: float | None = None
    mean_abs_error: float | None = None
    sqnr_db: float | None = None
    max_steps: float | None = None
    accuracy_drop_points: float | None = None
    mcnemar_p: float | None = None
    accelerated: AcceleratorRun | None = None


class GateResult(_Frozen):
    """One gate on one scheme: what was asked, what was measured, whether it holds.

    Attributes:
        scheme: of the file.
        runtime: that ran it; ``file`` where the file itself is gated, a delegate where its part in it is.
        gate: its name, or the code of the diagnostic of which there may be none.
        limit: what is allowed, or must be reached.
        measured: None where there was nothing to measure.
        passed: whether it holds.
        why: what to say where it does not and the figures do not tell; empty elsewhere.
        forgiven: near-ties without which it would not have been reached, 0 or 1.
    """

    scheme: str
    runtime: str
    gate: str
    limit: float
    measured: float | None
    passed: bool
    why: str = ""
    forgiven: int = 0


class VerifiedModel(Artifact):
    """The verdict on every scheme and runtime; made in ``stages/verify.py`` alone.

    Files: ``outputs.npy``, what the file that ships answers on the test set, and ``pictures/``; neither where
    no runtime ran it.

    Attributes:
        ship: scheme of the file that ships.
        ship_sha256: its hash.
        reference_accuracy: of the Keras model that the files were converted from.
        trained_accuracy: of the trained Keras model; the same where nothing was optimised.
        cells: every scheme on every runtime.
        decoders: every decoder before the file that ships; empty where the dataset has no encoded files.
        outputs_of: the runtime that gave ``outputs.npy``; None where none ran the file that ships.
        diagnostics: what is known to go wrong with each file.
        delegation: what each delegate of the target would do with the file that ships.
        gates: every gate that was checked.
        passed: whether all hold and what ships was run over the whole test set.
    """

    ship: str
    ship_sha256: str
    reference_accuracy: Interval
    trained_accuracy: Interval
    cells: tuple[Cell, ...]
    decoders: tuple[DecoderCell, ...] = ()
    outputs_of: str | None = None
    diagnostics: tuple[DiagnosticRecord, ...] = ()
    delegation: tuple[DelegationRecord, ...] = ()
    gates: tuple[GateResult, ...]
    passed: bool

    @property
    def ends_build(self) -> bool:
        """Whether a gate failed."""
        return not self.passed


class Bundle(Artifact):
    """What an app embeds; see :mod:`pipeline.release`."""

    recipe: str
    target: str


def digest(value: Any) -> str:
    """SHA-256 of a value's canonical JSON, lower-case hexadecimal."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def sha256(path: Path) -> str:
    """SHA-256 of a file's contents, lower-case hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
