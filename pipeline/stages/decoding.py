"""Every decoder before the file that ships, on every runtime: kept in the run folder as cells are."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydantic import ValidationError

from pipeline import runtimes
from pipeline.artifacts import ConvertedModels, PreparedData, Variant, digest
from pipeline.decoder_record import DecoderCell
from pipeline.errors import InternalError
from pipeline.parity import decoders
from pipeline.parity.agreement import accuracy_drop, top1, wilson
from pipeline.parity.decoders import Decoded
from pipeline.runtimes import Job, model_file
from pipeline.stages import Work
from pipeline.stages.data import Part, source

VERSION = 1
"""Raised when the same files, decoder and runtime would give other figures."""

Outputs = npt.NDArray[np.generic]


def measure(work: Work, part: Part, store: Path, answers: Mapping[str, Outputs]) -> tuple[DecoderCell, ...]:
    """Measures every cell that is not there yet.

    Args:
        work: of the verify stage.
        part: the test set.
        store: folder of cells.
        answers: runtime to what the file that ships answers on the part's images, (n, classes).

    Returns:
        One cell per decoder and runtime, the reference decoder first; none where the dataset has no file per
        image.

    Raises:
        DataError: a file was changed since the data stage decoded it.
    """
    if part.files is None:
        return ()
    measuring = _Measuring(work, part, part.files, store)
    return tuple(cell for decoder in decoders.DECODERS for cell in measuring.cells(decoder, answers))


class _Measuring:
    """Looks cells up, and runs what is missing."""

    def __init__(self, work: Work, part: Part, files: tuple[str, ...], store: Path) -> None:
        self._work, self._part, self._files, self._store = work, part, files, store
        self._data = work.input(PreparedData)
        self._labels = part.labels
        self._ship: Variant = work.input(ConvertedModels).variant(work.recipe.ship(work.target))

    def cells(self, decoder: str, answers: Mapping[str, Outputs]) -> list[DecoderCell]:
        paths = {runtime: self._path(decoder, runtime) for runtime in answers}
        found = {runtime: _read(path) for runtime, path in paths.items()}
        missing = [runtime for runtime, cell in found.items() if cell is None]
        if missing:
            images = self._work.scratch / f"decoded-{decoder}.npy"
            decoded = self._decode(decoder, images)
            for runtime in missing:
                cell = self._cell(decoder, runtime, decoded, images, answers[runtime])
                if not cell.reason:
                    _write(paths[runtime], cell)
                found[runtime] = cell
            images.unlink()
        return [cell for cell in found.values() if cell is not None]

    def _decode(self, decoder: str, images: Path) -> Decoded:
        root = source(self._work.recipe, self._work.data).root
        if root is None:
            raise InternalError(f"dataset '{self._data.facts.name}' names files, but not where they lie")
        return decoders.decode(
            decoder, self._files, root, self._data.facts.preprocess, self._part.images, images,
            threads=runtimes.cores(), console=self._work.console,
        )  # fmt: skip

    def _cell(
        self, decoder: str, runtime: str, decoded: Decoded, images: Path, answers: Outputs
    ) -> DecoderCell:
        known = DecoderCell(
            decoder=decoder,
            version=decoders.version(decoder),
            runtime=runtime,
            runtime_version=runtimes.version(runtime),
            undecodable=len(decoded.undecodable),
            undecodable_files=decoded.undecodable[: decoders.NAMED_FILES],
            max_difference_levels=decoded.max_levels,
            mean_difference_levels=decoded.mean_levels,
        )
        rows, expected = decoded.rows, top1(answers[decoded.rows])
        if not len(rows):
            return known
        chosen = expected
        # The reference's images are the arrays' own, value for value: their answers are known.
        if decoder != decoders.REFERENCE:
            job = Job(
                name=f"{self._ship.scheme}, photos of {decoder}",
                model=model_file(self._work.input(ConvertedModels).path(self._ship.file)),
                images=model_file(images),
                count=len(rows),
                preprocess=self._data.facts.preprocess.model_dump_json(),
                out=model_file(images.with_name("answers.npy")),
                threads=runtimes.cores(),
            )
            (outcome,) = runtimes.run(runtime, [job], self._work.console)
            if outcome.error:
                return known.model_copy(update={"reason": outcome.error})
            chosen = top1(np.load(job.out))
        labels = self._labels[rows]
        return known.model_copy(
            update={
                "images": len(rows),
                "agreement": float((chosen == expected).mean()),
                "accuracy": wilson(int((chosen == labels).sum()), len(rows)),
                "drop_points": accuracy_drop(expected, chosen, labels).points,
            }
        )

    def _path(self, decoder: str, runtime: str) -> Path:
        """Where a cell is kept: named by the hash of everything that its figures depend on."""
        everything = {
            "version": VERSION,
            "decoder": [decoder, decoders.version(decoder)],
            "runtime": [runtime, runtimes.version(runtime)],
            "file": self._ship.sha256,
            "images": self._data.files["test_images.npy"].sha256,
            "labels": self._data.files["test_labels.npy"].sha256,
            "names": list(self._files),
            "sources": [each.model_dump(mode="json") for each in self._data.facts.sources],
            "preprocess": self._data.facts.preprocess.model_dump(mode="json"),
        }
        return self._store / f"{digest(everything)[:16]}.json"


def _read(path: Path) -> DecoderCell | None:
    try:
        return DecoderCell.model_validate_json(path.read_text("utf-8"))
    except (OSError, ValidationError):
        return None


def _write(path: Path, cell: DecoderCell) -> None:
    partial = path.with_suffix(".partial")
    partial.write_text(cell.model_dump_json(), "utf-8")
    partial.replace(path)
