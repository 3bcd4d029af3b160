"""The words that go with an embed: comments in the language of the file, and no more than is known."""

import re
from pathlib import Path

import pytest

from converters.tflite import releases
from converters.tflite.inspect import inspect
from pipeline.embedding import dependencies, embed, guide, twins
from tests.pipeline.embedding.apps import android_demo, apple_app, gradle_app, ios_demo
from tests.pipeline.embedding.bundles import changed, photos

CATALOGUE = "gradle/libs.versions.toml"
CHECKOUT = Path(__file__).parents[3]


def need(floor: str, *delegates: str, ops: tuple[int, int, int] | None = None) -> dependencies.Need:
    """Of a plain model with another floor, or whose ops need another release."""
    from dataclasses import replace

    file = photos() / "model.tflite"
    found = dependencies.need(inspect(file), where=str(file), runtime_floor=floor, delegates=delegates)
    if ops is None:
        return found
    text = ".".join(map(str, ops))
    return replace(found, ops_needs=ops, ops_release=text, release=max(ops, found.floor))


class TestPages:
    """Phones with memory pages of 16 KB."""

    @pytest.mark.parametrize(
        ("floor", "delegates", "found"),
        [
            ("2.14.0", ("xnnpack",), (f"{dependencies.LITERT}:1.4.0",)),
            ("2.17.0", ("xnnpack",), (f"{dependencies.LITERT}:1.4.0",)),
            (
                "2.14.0",
                ("gpu", "xnnpack"),
                tuple(f"{dependencies.LITERT}{part}:1.4.0" for part in ("", "-gpu", "-gpu-api")),
            ),
        ],
    )
    def test_which_release_is_said_to_be_for_them(
        self, floor: str, delegates: tuple[str, ...], found: tuple[str, ...]
    ) -> None:
        """Of all parts that the app needs."""
        needed = need(floor, *delegates)
        assert dependencies.aligned(dependencies.android(needed), needed) == found

    def test_where_nothing_need_be_said(self) -> None:
        """Of a release that is for them already; and none is made up where none is known."""
        needed = need("2.14.0")
        assert dependencies.aligned((f"{dependencies.LITERT}:1.4.0",), needed) is None
        assert dependencies.aligned((f"{dependencies.LITERT}:2.1.4",), needed) is None
        future = need("2.18.0")
        assert dependencies.aligned((f"{dependencies.TENSORFLOW}:2.16.1",), future) == ()

    def test_it_is_told_below_the_line(self, tmp_path: Path) -> None:
        """As a comment: what is depended on is what was verified."""
        floor = changed(photos(), tmp_path / "floor", model__runtime_floor="2.14.0")
        told = embed(floor, gradle_app(tmp_path)).plan.dependencies.splitlines()
        at = told.index('    implementation("org.tensorflow:tensorflow-lite:2.14.0")')
        assert "Linked for memory pages of 4 KB" in told[at + 1]
        assert "Google Play" in told[at + 2]
        assert "not tried here" in told[at + 3]
        assert told[at + 4] == f"    //   {dependencies.LITERT}:1.4.0"

    def test_every_package_for_android_says_it(self) -> None:
        """A new one must, with its source, or the comment would be left out."""
        said = {one.name for one in releases.carriers() if one.pages_16k is not None}
        assert said == {dependencies.TENSORFLOW, dependencies.LITERT}


class TestTooOld:
    """The runtime of a demo app against what the model asks."""

    def test_its_ops_are_not_read(self, tmp_path: Path) -> None:
        """That is sure."""
        (note,) = guide.demo_runtime(android_demo(tmp_path), need("2.9.0", ops=(2, 17, 0)))
        assert "model's ops need 2.17.0: the app will refuse it or answer nonsense" in note

    def test_it_was_made_for_a_newer_one(self, tmp_path: Path) -> None:
        """That is not: its ops are read."""
        (note,) = guide.demo_runtime(android_demo(tmp_path), need("2.17.0"))
        assert "reads the model's ops, but is older than TensorFlow Lite 2.17.0" in note
        assert "it was not tried on this one" in note
        assert "nonsense" not in note
        assert guide.demo_pod(ios_demo(tmp_path), need("2.17.0")) == ()

    @pytest.mark.parametrize(
        ("text", "found"),
        [
            ("[versions\n", "is not TOML"),
            ("\xff", "is not TOML"),
            ("versions = 3\nlibraries = 4\n", "names no TensorFlow Lite"),
            ("", "names no TensorFlow Lite"),
            (
                'versions = 3\n[libraries]\nt = { module = "org.tensorflow:tensorflow-lite", '
                'version = { ref = ["x"] } }\n',
                "tensorflow-lite None reads is not known",
            ),
            (
                '[libraries]\nt = "org.tensorflow:tensorflow-lite:2.4.0"\n',
                "is older than TensorFlow Lite 2.17.0",
            ),
        ],
    )
    def test_a_catalogue_of_any_kind(self, tmp_path: Path, text: str, found: str) -> None:
        """Is a note, whatever it says; the model is embedded all the same."""
        root = android_demo(tmp_path)
        (root / CATALOGUE).write_bytes(text.encode("latin-1"))
        floor = changed(photos(), tmp_path / "floor", model__runtime_floor="2.17.0")
        (note,) = embed(floor, root).plan.notes
        assert found in note

    def test_a_podfile_that_is_no_text(self, tmp_path: Path) -> None:
        """The same."""
        root = ios_demo(tmp_path)
        (root / "Podfile").write_bytes(b"\xff\xfe")
        (note,) = embed(photos(), root).plan.notes
        assert "names no TensorFlowLiteSwift" in note


class TestComments:
    """Each file's own."""

    def test_of_a_swift_package(self, tmp_path: Path) -> None:
        """What is for Package.swift can be copied as it is."""
        root = tmp_path / "package"
        root.mkdir()
        (root / "Package.swift").write_text("// swift-tools-version: 6.0\n")
        podfile, package = embed(photos(), root).plan.dependencies.split("\n\n")
        assert "pod 'TensorFlowLiteSwift'" in podfile
        assert package.startswith("// Package.swift, among the targets")
        assert not [line for line in package.splitlines() if line.lstrip().startswith("#")]
        assert not [line for line in podfile.splitlines() if "//" in line]

    def test_of_a_podfile(self, tmp_path: Path) -> None:
        """Ruby's."""
        told = embed(photos(), apple_app(tmp_path)).plan.dependencies
        assert all(line.startswith(("#", "  pod ")) for line in told.splitlines())


class TestGson:
    """What the contract's reader in Kotlin reads JSON with."""

    def test_the_version_that_the_demo_has(self, tmp_path: Path) -> None:
        """Maven's build, which runs the reader's tests, and Gradle's, which makes the app, name one."""
        (version,) = re.findall(
            r'^gson = "([\d.]+)"$', (CHECKOUT / "android_demo" / CATALOGUE).read_text(), re.M
        )
        told = embed(photos(), gradle_app(tmp_path)).plan.dependencies
        assert f'    implementation("{twins.GSON}:{version}")  // reads the manifest\n' in told

    def test_without_the_reader(self, tmp_path: Path) -> None:
        """Which version the app's own copy of it has is not known."""
        told = embed(photos(), gradle_app(tmp_path), core=False).plan.dependencies
        assert f'implementation("{twins.GSON}' not in told
        assert f"The generated test reads with {twins.GSON}" in told
