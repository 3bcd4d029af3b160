"""Model files that cannot be read: each is one clear sentence that names the file."""

import random
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from converters import stack
from converters.errors import ModelLoadError
from converters.tflite.keras import load, load_keras
from tests.converters.saved_models import SEED, Models, plain_saved_model, rewritten, sentence

pytestmark = pytest.mark.tensorflow

DAMAGED_VARIANTS = 200
"""Of each file."""


def damaged(content: bytes, draw: random.Random) -> bytes:
    """A copy with a few bytes changed, or cut."""
    if draw.random() < 0.25:
        return content[: draw.randrange(len(content))]
    changed = bytearray(content)
    for _ in range(draw.choice([1, 2, 8, 64])):
        changed[draw.randrange(len(changed))] = draw.randrange(256)
    return bytes(changed)


class TestUnreadableFiles:
    """Each is one ModelLoadError that names the file."""

    def test_no_such_file(self, tmp_path: Path) -> None:
        """Missing."""
        assert sentence(lambda: load(tmp_path / "none.keras")) == f"{tmp_path / 'none.keras'}: no such file"

    def test_a_file_of_another_kind(self, tmp_path: Path) -> None:
        """Its name says that it is no Keras model."""
        path = tmp_path / "model.onnx"
        path.write_bytes(b"\x08\x07")

        assert "not a model; give .keras, .h5" in sentence(lambda: load(path))

    def test_a_folder_without_a_saved_model(self, tmp_path: Path) -> None:
        """Perhaps the folder above was meant, or the one below."""
        assert "not a model" in sentence(lambda: load(tmp_path))

    @pytest.mark.parametrize("suffix", [".keras", ".h5", ".hdf5"])
    @pytest.mark.parametrize("content", [b"", b"<!DOCTYPE html><title>404 Not Found</title>"])
    def test_not_what_its_name_says(self, tmp_path: Path, suffix: str, content: bytes) -> None:
        """Empty, or a web page that was downloaded instead."""
        path = tmp_path / f"model{suffix}"
        path.write_bytes(content)

        assert sentence(lambda: load(path)).startswith(f"{path}: not a readable Keras file: ")

    @pytest.mark.parametrize("name", ["keras2.keras", "keras2.h5", "keras3.keras", "keras3.h5"])
    @pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
    def test_a_download_that_broke_off(self, saved: Models, tmp_path: Path, name: str, share: float) -> None:
        """Cut anywhere."""
        content = saved[name][1].read_bytes()
        path = tmp_path / name
        path.write_bytes(content[: int(share * len(content))])

        assert sentence(lambda: load(path)).startswith(f"{path}: ")

    @pytest.mark.parametrize("name", ["keras2.keras", "keras3.keras"])
    @pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
    def test_damaged_archives_load_or_are_refused(
        self, saved: Models, tmp_path: Path, name: str, compression: int
    ) -> None:
        """Whatever Keras, zip and zlib raise, the caller sees a ModelLoadError."""
        content = rewritten(
            saved[name][1], tmp_path / "whole.keras", {}, compression=compression
        ).read_bytes()
        path, draw, refused = tmp_path / "damaged.keras", random.Random(SEED), 0
        for _ in range(DAMAGED_VARIANTS):
            path.write_bytes(damaged(content, draw))
            try:
                load_keras(path)
            except ModelLoadError:
                refused += 1

        assert refused > DAMAGED_VARIANTS // 2

    def test_weights_without_a_model(self, saved: Models, tmp_path: Path) -> None:
        """What save_weights writes."""
        path = tmp_path / "weights.h5"
        saved["keras2.h5"][0].save_weights(path)

        assert sentence(lambda: load(path)) == f"{path}: holds weights only; save the whole model instead"

    @pytest.mark.parametrize("member", ["config.json", "metadata.json", "model.weights.h5"])
    def test_an_archive_without_one_of_its_members(self, saved: Models, tmp_path: Path, member: str) -> None:
        """The message names it."""
        path = rewritten(saved["keras2.keras"][1], tmp_path / "part.keras", {member: None})

        assert member in sentence(lambda: load(path))

    @pytest.mark.parametrize("content", [b"[1]", b"{", b"\xff\xfe", b"[" * 100_000])
    @pytest.mark.parametrize("member", ["config.json", "metadata.json"])
    def test_members_that_are_no_configuration(
        self, saved: Models, tmp_path: Path, member: str, content: bytes
    ) -> None:
        """A list, half a document, no UTF-8, nesting without end."""
        path = rewritten(saved["keras2.keras"][1], tmp_path / "odd.keras", {member: content})

        assert sentence(lambda: load(path)).startswith(f"{path}: ")

    def test_the_version_that_wrote_it_is_named(self, saved: Models, tmp_path: Path) -> None:
        """A model of a newer Keras may be sound."""

        def change(config: dict[str, Any]) -> dict[str, Any]:
            config["config"]["layers"][1]["class_name"] = "DenseOfTomorrow"
            return config

        path = rewritten(saved["keras3.keras"][1], tmp_path / "new.keras", {"config.json": change})

        text = sentence(lambda: load(path))
        assert "Keras 3." in text
        assert "DenseOfTomorrow" in text

    def test_a_configuration_as_bytes_is_read_like_text(self, saved: Models, tmp_path: Path) -> None:
        """Early versions of Keras wrote bytes."""
        path = tmp_path / "early.h5"
        path.write_bytes(saved["keras2.h5"][1].read_bytes())
        with h5py.File(path, "r+") as file:
            file.attrs["model_config"] = np.bytes_(file.attrs["model_config"].encode())

        assert load(path).output_shape == (3,)


class TestUnreadableSavedModels:
    """The same for folders."""

    def test_no_serving_signature(self, tensorflow: stack.Stack, tmp_path: Path) -> None:
        """The ones that it has are named."""
        module, _ = plain_saved_model(tensorflow, tmp_path / "first", [None, 4])
        serve = tensorflow.tf.function(lambda x: {"y": tensorflow.tf.matmul(x, module.w)})
        signature = serve.get_concrete_function(tensorflow.tf.TensorSpec([None, 4], name="x"))
        tensorflow.tf.saved_model.save(module, str(tmp_path / "other"), signatures={"score": signature})

        assert "no signature 'serving_default' (it has: score)" in sentence(lambda: load(tmp_path / "other"))

    def test_no_signature_at_all(self, tensorflow: stack.Stack, tmp_path: Path) -> None:
        """A module saved without."""
        _, folder = plain_saved_model(tensorflow, tmp_path / "none", [None, 4], signatures=None)

        assert "it has: none" in sentence(lambda: load(folder))

    @pytest.mark.parametrize(
        ("shape", "complaint"),
        [
            (None, "takes or gives a tensor of unknown rank"),
            ([], "a number without a batch dimension"),
            ([None, None, 4], "open shape (None, 4): fix every dimension but the batch"),
        ],
    )
    def test_input_without_a_shape(
        self, tensorflow: stack.Stack, tmp_path: Path, shape: list[int | None] | None, complaint: str
    ) -> None:
        """TensorFlow Lite allocates every tensor before it sees an image."""
        tf = tensorflow.tf
        signature = tf.function(lambda x: {"y": 2 * x}).get_concrete_function(tf.TensorSpec(shape, name="x"))
        tf.saved_model.save(tf.Module(), str(tmp_path / "open"), signatures=signature)

        assert complaint in sentence(lambda: load(tmp_path / "open"))

    def test_a_batch_that_is_not_one(self, tensorflow: stack.Stack, tmp_path: Path) -> None:
        """A graph that was exported for eight images cannot be called with one."""
        _, folder = plain_saved_model(tensorflow, tmp_path / "eight", [8, 4])

        assert sentence(lambda: load(folder)) == f"{folder} takes batches of 8: export it with an open batch"

    @pytest.mark.parametrize("content", [b"", b"text\n", b"\x08\x01\x12\xff"])
    def test_a_damaged_graph(self, tmp_path: Path, content: bytes) -> None:
        """The folder is named."""
        (tmp_path / "saved_model.pb").write_bytes(content)

        assert sentence(lambda: load(tmp_path)).startswith(f"{tmp_path}: not a readable SavedModel: ")

    def test_missing_variables(self, saved: Models, tmp_path: Path) -> None:
        """Half of the folder was copied."""
        (tmp_path / "saved_model.pb").write_bytes((saved["plain"][1] / "saved_model.pb").read_bytes())

        assert "variables" in sentence(lambda: load(tmp_path))
