"""Speed as ratios against what one would do by hand, both measured in the same run: ``make bench``.

Absolute times depend on the machine and on what else it does; each pair is therefore run in turns, several
times, and the ratio of the medians is what counts. Needs PIPELINE_DATA for EMNIST; without it the digits of
scikit-learn are repeated to the same number of images, and the table says so. Photos need it too.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from pipeline import recipe, runner, runtimes, target
from pipeline.artifacts import ConvertedModels, PreparedData
from pipeline.console import Console
from pipeline.runtimes import Job

ROUNDS = 3
VERIFY_IMAGES = 116_323
"""The EMNIST ByMerge test set."""

TRAIN_IMAGES = 30_000
TRAIN_EPOCHS = 5
"""The first one includes tracing; the median of the others counts."""

PLAIN_LOOP = """
import json, os, sys, time
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np, tensorflow as tf
model, images, count = sys.argv[1], np.load(sys.argv[2]), int(sys.argv[3])
interpreter = tf.lite.Interpreter(model)
interpreter.allocate_tensors()
door, output = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
start = time.perf_counter()
answers = []
for image in images[:count]:
    interpreter.set_tensor(door["index"], np.expand_dims(image, 0).astype(door["dtype"]))
    interpreter.invoke()
    answers.append(np.argmax(interpreter.get_tensor(output["index"])[0]))
print(json.dumps(time.perf_counter() - start))
"""
"""What a user would write to check a model."""

TRAIN = """
import json, os, sys, time
from pathlib import Path
import numpy as np
from converters import stack
tf, keras = stack.load()
from pipeline import recipe, shelf
from pipeline.stages import fitting
from pipeline.stages.data import Part
how, folder, count, epochs = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
images = np.load(folder / "train_images.npy", mmap_mode="r")
labels = np.load(folder / "train_labels.npy", mmap_mode="r")
count = min(count, len(images))
plugin = shelf.load("models", "emnist_cnn")
model = plugin.build(plugin.Options(), (28, 28), int(labels.max()) + 1, keras)
options = recipe.load("emnist").train
times = []
def fit(*arrays, **more):
    start = time.perf_counter()
    model.fit(*arrays, verbose=0, **more)
    times.append(time.perf_counter() - start)
if how == "bare":
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    x, y = np.array(images[:count], dtype=np.float32) / 255, np.array(labels[:count])
    for epoch in range(epochs):
        fit(x, y, batch_size=options.batch)
else:
    tf.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(1)
    fitting.compile_model(model, options, steps=count // options.batch)
    part = Part(images, labels, np.arange(count))
    for epoch in range(epochs):
        order = np.random.default_rng([1, epoch]).permutation(count)
        batches = fitting.input_pipeline(part, order, options.batch, plugin.PIXEL_SCALING)
        fit(batches)
print(json.dumps(count / np.median(times[1:])))
"""
"""Epochs of emnist_cnn: `bare` is model.fit on float32 arrays in memory."""

PHOTO_SIZE, PHOTO_BATCH, PHOTO_EPOCHS = 224, 32, 4

PHOTOS = """
import json, os, sys, tempfile, time
from pathlib import Path
import numpy as np
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
from converters import stack
tf, keras = stack.load()
from pipeline import shelf
from pipeline.stages import fitting
from pipeline.stages.data import Part
how, data, size, batch, epochs = sys.argv[1], Path(sys.argv[2]), *map(int, sys.argv[3:])
photos, rates = data / "flower_photos", []
def through(make):
    # Each batch reaches TensorFlow as float32, as a training step would take it.
    start, count = time.perf_counter(), 0
    for images, classes in make():
        count += len(classes)
    rates.append(count / (time.perf_counter() - start))
if how == "keras":
    dataset = keras.utils.image_dataset_from_directory(
        photos, image_size=(size, size), batch_size=batch, shuffle=False, crop_to_aspect_ratio=True)
    for epoch in range(epochs):
        through(lambda: dataset)
elif how == "antialias":
    def load(path):
        image = tf.io.decode_jpeg(tf.io.read_file(path), channels=3)
        side = tf.minimum(tf.shape(image)[0], tf.shape(image)[1])
        image = tf.image.resize_with_crop_or_pad(image, side, side)
        return tf.image.resize(image, (size, size), antialias=True), 0
    dataset = tf.data.Dataset.from_tensor_slices(sorted(map(str, photos.glob("*/*.jpg"))))
    dataset = dataset.map(load, num_parallel_calls=tf.data.AUTOTUNE).batch(batch).prefetch(tf.data.AUTOTUNE)
    for epoch in range(epochs):
        through(lambda: dataset)
else:
    plugin = shelf.load("datasets", "flowers")
    found = plugin.locate(plugin.Options(size=size, split="ratio"), data)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "images"
        def decode():
            # What the data stage does: every photo into a file that is mapped afterwards.
            labels = np.concatenate([found.class_indices(split) for split in ("train", "test")])
            with path.open("wb") as file:
                for split in ("train", "test"):
                    for decoded in found.batches(split):
                        file.write(decoded.pixels.data)
            return Part(np.memmap(path, np.uint8, "r", shape=(len(labels), *found.preprocess.shape)), labels)
        parts = []
        def make():
            if not parts:
                parts.append(decode())
            return fitting.input_pipeline(parts[0], np.arange(len(parts[0])), batch, (1.0, 0.0))
        for epoch in range(epochs):
            through(make)
print(json.dumps([rates[0], float(np.median(rates[1:]))]))
"""
"""All photos of flower_photos as float32 batches, epoch by epoch: the first rate, and the others' median."""


ANALYZE = """
import os, sys
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import tensorflow as tf
tf.lite.experimental.Analyzer.analyze(model_path=sys.argv[1])
"""
"""TensorFlow's own analyser in a process of its own, as a user would call it."""

IN_PROCESS = """
import contextlib, io, json, os, sys, time
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
how, model = sys.argv[1:]
if how == "analyzer":
    import tensorflow as tf
    def once():
        tf.lite.experimental.Analyzer.analyze(model_path=model)
else:
    from pathlib import Path
    from converters.tflite.inspect import inspect
    from pipeline.cli import _inspection
    def once():
        _inspection.show(model, inspect(model))
times = []
for _ in range(6):
    start = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):
        once()
    times.append(time.perf_counter() - start)
print(json.dumps(sorted(times[1:])[2]))
"""
"""Everything imported, the file in the cache of the operating system: the median of five after a first."""


@dataclass(frozen=True)
class Row:
    """One comparison: medians of both sides, and how many times better ours is."""

    what: str
    unit: str
    by_hand: float
    ours: float
    ratio: float
    target: str


def main() -> None:
    """Measures everything and prints a table (or JSON with ``--json``)."""
    data = os.environ.get("PIPELINE_DATA")
    with TemporaryDirectory() as folder:
        runs = Path(folder)
        prepared, converted = _prepare(runs, Path(data) if data else None)
        rows = [
            _verification(runs, prepared, converted, "int8"),
            _verification(runs, prepared, converted, "float32"),
            _training(prepared),
            _help(),
            _rebuild(runs),
            *_photos(Path(data) if data else None),
            _inspect(converted),
            _inspect_in_process(converted),
        ]
    name = prepared.facts.name
    if "--json" in sys.argv:
        print(json.dumps({"images_of": name, "rows": [vars(row) for row in rows]}, indent=2))
        return
    print(f"images of {name}, {os.cpu_count()} cores, medians of {ROUNDS} rounds in turns\n")
    print("| what | by hand | here | ratio | target |\n|---|---|---|---|---|")
    for row in rows:
        by_hand, ours = _figure(row.by_hand), _figure(row.ours)
        print(f"| {row.what} | {by_hand} {row.unit} | {ours} {row.unit} | {row.ratio:.2f} | {row.target} |")


def _figure(value: float) -> str:
    """Three digits of what is small, no fractions of what is large."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _prepare(runs: Path, data: Path | None) -> tuple[PreparedData, ConvertedModels]:
    """A model trained for a moment: speed does not depend on its weights. The data is the whole set."""
    name = "emnist" if data else "digits"
    overrides = {"train.epochs": "1", "convert.schemes": '["float32", "int8"]'}
    overrides |= {"verify.gates": "{}", "model": '{name = "emnist_cnn"}'}
    chosen = recipe.load(name, overrides=overrides)
    build = runner.run(
        chosen,
        target.load("tflite"),
        runs=runs,
        data=data,
        console=Console(),
        until="convert",
    )
    prepared, converted = build.artifacts["data"], build.artifacts["convert"]
    assert isinstance(prepared, PreparedData)
    assert isinstance(converted, ConvertedModels)
    return prepared, converted


def _verification(runs: Path, prepared: PreparedData, converted: ConvertedModels, scheme: str) -> Row:
    """Images per second of the verify stage's runner against the plain loop, tf.lite on both sides."""
    images = np.load(prepared.path("test_images.npy"), mmap_mode="r")
    source = runs / "bench_images.npy"
    np.save(source, np.resize(images, (VERIFY_IMAGES, *images.shape[1:])))
    model = str(converted.path(f"{scheme}.tflite"))
    job = Job(
        name=scheme,
        model=model,
        images=str(source),
        count=VERIFY_IMAGES,
        preprocess=prepared.facts.preprocess.model_dump_json(),
        out=str(runs / "bench_outputs.npy"),
        threads=os.cpu_count() or 1,
    )

    def by_hand() -> float:
        return VERIFY_IMAGES / float(_python(PLAIN_LOOP, model, str(source), str(VERIFY_IMAGES)))

    def ours() -> float:
        (outcome,) = runtimes.run("tflite", [job], Console(quiet=True))
        assert not outcome.error, outcome.error
        return VERIFY_IMAGES / outcome.seconds

    return _compare(f"verify {scheme}", "images/s", by_hand, ours, ">= 1.7")


def _training(prepared: PreparedData) -> Row:
    """Images per second of an epoch against a bare model.fit on arrays in memory."""

    def epoch(how: str) -> float:
        return float(_python(TRAIN, how, str(prepared.folder), str(TRAIN_IMAGES), str(TRAIN_EPOCHS)))

    return _compare("train", "images/s", lambda: epoch("bare"), lambda: epoch("pipeline"), ">= 1")


def _photos(data: Path | None) -> list[Row]:
    """Photos per second into training: the first epoch, which decodes, and later ones.

    By hand is ``image_dataset_from_directory``, whose resize looks at four pixels whatever the reduction:
    less work than the preprocessing contract's. A row more compares with tf.data and an antialiased resize:
    the same work as here.
    """
    if data is None or not (data / "flower_photos").is_dir():
        print("photos: skipped, there is no flower_photos in PIPELINE_DATA", file=sys.stderr)
        return []

    def rates(how: str) -> list[float]:
        sizes = (PHOTO_SIZE, PHOTO_BATCH, PHOTO_EPOCHS)
        found: list[float] = json.loads(_python(PHOTOS, how, str(data), *map(str, sizes)))
        return found

    rounds = [{how: rates(how) for how in ("keras", "antialias", "pipeline")} for _ in range(ROUNDS)]
    rows = []
    for what, how, epoch, target_text in (
        ("first epoch", "keras", 0, ">= 1"),
        ("later epochs", "keras", 1, ">= 2"),
        ("first epoch, antialiased on both sides", "antialias", 0, ">= 1"),
    ):
        theirs = statistics.median(each[how][epoch] for each in rounds)
        mine = statistics.median(each["pipeline"][epoch] for each in rounds)
        rows.append(
            Row(f"photos into training, {what}", "photos/s", theirs, mine, mine / theirs, target_text)
        )
    return rows


def _help() -> Row:
    """Seconds of ``pipeline --help`` against starting Python with TensorFlow, as a script at hand would."""

    def seconds(*arguments: str) -> float:
        start = time.perf_counter()
        subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
        return time.perf_counter() - start

    return _compare(
        "--help",
        "s",
        lambda: seconds("-c", "import tensorflow"),
        lambda: seconds("-m", "pipeline", "--help"),
        "< 0.5 s",
        smaller=True,
    )


def _inspect(converted: ConvertedModels) -> Row:
    """Seconds of ``pipeline inspect`` against TensorFlow's Analyzer, both as fresh processes."""
    model = str(converted.path("int8.tflite"))

    def seconds(*arguments: str) -> float:
        start = time.perf_counter()
        subprocess.run([sys.executable, "-W", "ignore", *arguments], check=True, capture_output=True)
        return time.perf_counter() - start

    return _compare(
        "inspect, fresh process",
        "s",
        lambda: seconds("-c", ANALYZE, model),
        lambda: seconds("-m", "pipeline", "inspect", model),
        "< 1 s",
        smaller=True,
    )


def _inspect_in_process(converted: ConvertedModels) -> Row:
    """Seconds of the analysis alone, imports left out; ours tells more and is written in Python."""
    model = str(converted.path("int8.tflite"))
    return _compare(
        "inspect, in process",
        "s",
        lambda: float(_python(IN_PROCESS, "analyzer", model)),
        lambda: float(_python(IN_PROCESS, "pipeline", model)),
        "-",
        smaller=True,
    )


def _rebuild(runs: Path) -> Row:
    """Seconds of an unchanged rebuild against those of the first build (digits, smoke)."""
    command = [sys.executable, "-m", "pipeline", "build", "digits", "--profile", "smoke", "--runs"]

    def seconds(folder: Path) -> float:
        start = time.perf_counter()
        subprocess.run([*command, str(folder)], check=True, capture_output=True)
        return time.perf_counter() - start

    first = seconds(runs / "rebuild")
    again = statistics.median(seconds(runs / "rebuild") for _ in range(ROUNDS))
    return Row("unchanged rebuild", "s", first, again, first / again, "< 3 s")


def _compare(
    what: str,
    unit: str,
    by_hand: Callable[[], float],
    ours: Callable[[], float],
    target_text: str,
    *,
    smaller: bool = False,
) -> Row:
    """Runs both in turns, so that a busy neighbour slows both."""
    pairs = [(by_hand(), ours()) for _ in range(ROUNDS)]
    theirs, mine = (statistics.median(side) for side in zip(*pairs, strict=True))
    ratio = theirs / mine if smaller else mine / theirs
    return Row(what, unit, theirs, mine, ratio, target_text)


def _python(script: str, *arguments: str) -> str:
    finished = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script, *arguments],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "TF_USE_LEGACY_KERAS": "1"},
    )
    return finished.stdout.strip().splitlines()[-1]


if __name__ == "__main__":
    main()
