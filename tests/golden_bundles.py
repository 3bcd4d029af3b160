"""Makes the golden bundles that the tests of every language read: ``python -m tests.golden_bundles``.

digits   the recipe ``digits``: gray, ink cropped, uint8 door, strokes
shapes   a recipe of its own on drawn pictures: colour, middle square, int8 door with a scale that is no one

Both are built by the pipeline like any bundle. Then what such tests do not read is left out (variants,
pictures, some of the golden cases: a bundle is to stay small enough for a repository) and picture cases of
awkward sizes are added; the manifest lists what is there, so that ``pipeline verify`` takes them as bundles.
"""

import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from pipeline.console import Console
from pipeline.preprocess import Pixels, picture
from pipeline.release import bundle, golden
from pipeline.release.manifest import FILE, Manifest, read
from tests import shapes
from tests.conftest import pipeline

FOLDER = Path(__file__).parent / "fixtures" / "golden_bundles"

KEPT = {"image": 10, "picture": 2, "strokes": 3}
"""Golden cases of each kind that stay; ``golden.encoded`` is one of the pictures."""

AWKWARD: Mapping[str, tuple[int, ...]] = {
    "tall": (97, 7, 3),
    "wide": (5, 131, 3),
    "small": (9, 11, 3),
    "one-pixel": (1, 1, 3),
    "one-channel": (45, 38),
    "one-channel-3d": (31, 52, 1),
    "large": (211, 190, 3),
}
"""Sizes where a resize goes wrong first: one pixel, enlarged, reduced, long; and of one channel."""

RUNTIME = "tflite_reference"


def build(name: str, work: Path) -> Path:
    """Builds one of the bundles in a scratch folder and gives the finished folder in it."""
    if name == "digits":
        subject, data = "digits", []
    else:
        shapes.write(work / "data" / "shapes")
        subject, data = str(FOLDER / "shapes.toml"), ["--data", str(work / "data")]
    answer = pipeline("build", subject, "--runs", str(work / "runs"), *data)
    if answer.code:
        raise SystemExit(f"{name}: the build failed with exit code {answer.code}\n{answer.err}")
    finished = work / name
    shutil.copytree(work / "runs" / name / "bundle-tflite", finished)
    trim(finished)
    return finished


def trim(folder: Path) -> None:
    """Leaves out what tests do not read, adds the awkward cases, and makes the manifest say so."""
    manifest = read(folder)
    for name in ("variants", bundle.PICTURES):
        shutil.rmtree(folder / name)
    kept = []
    for kind, most in KEPT.items():
        of_kind = [case for case in manifest.golden.cases if case.kind == kind]
        # The encoded one first: it must stay.
        of_kind.sort(key=lambda case: case.id != manifest.golden.encoded[0])
        kept += sorted(of_kind[:most], key=lambda case: case.id)
        for case in of_kind[most:]:
            shutil.rmtree(folder / golden.FOLDER / case.id)
    added = golden.store(
        folder,
        [
            golden.Case(
                id=f"size-{name}", kind="picture", pixels=pixels, image=picture(pixels, manifest.preprocess)
            )
            for name, pixels in awkward(manifest).items()
        ],
        manifest.preprocess,
        manifest.model.input,
        runtime=RUNTIME,
        console=Console(quiet=True),
    )
    (folder / FILE).unlink()
    changed = manifest.model_copy(
        update={
            "golden": manifest.golden.model_copy(update={"cases": (*kept, *added)}),
            # Of the machine that made it, and another one with every commit.
            "git_revision": None,
            "files": bundle._records(folder),
        }
    )
    (folder / FILE).write_text(changed.model_dump_json(indent=2) + "\n", "utf-8")


def awkward(manifest: Manifest) -> dict[str, Pixels]:
    """A picture of each awkward size: ramps in every direction, with noise, and for ink dark on light."""
    rng = np.random.default_rng(manifest.seed)
    return {name: _ramps(size, rng) for name, size in AWKWARD.items()}


def _ramps(size: tuple[int, ...], rng: np.random.Generator) -> Pixels:
    rows, columns = np.indices(size[:2]) / max(size[:2])
    channels = size[2] if len(size) == 3 else 1
    planes = [
        110 + 90 * np.sin(rng.uniform(2, 9) * rows + rng.uniform(2, 9) * columns) for _ in range(channels)
    ]
    values = np.stack(planes, axis=-1) + rng.normal(0, 12, (*size[:2], channels))
    return np.asarray(np.clip(np.floor(values + 0.5), 0, 255), dtype=np.uint8).reshape(size)


def main() -> None:
    """Rewrites the fixtures named on the command line, or all of them."""
    for name in sys.argv[1:] or ["digits", "shapes"]:
        with TemporaryDirectory() as work:
            made = build(name, Path(work))
            shutil.rmtree(FOLDER / name, ignore_errors=True)
            shutil.copytree(made, FOLDER / name)
        total = sum(path.stat().st_size for path in (FOLDER / name).rglob("*") if path.is_file())
        print(f"{FOLDER / name}: {total:,} bytes")


if __name__ == "__main__":
    main()
