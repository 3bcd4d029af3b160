"""Apps that are none of the demos: which module, which files, which lines for the build file."""

import re
from pathlib import Path

import pytest

from converters.tflite.inspect import inspect
from pipeline.embedding import dependencies, embed, twins
from pipeline.embedding.contract_test import class_name
from pipeline.embedding.destination import find
from pipeline.errors import StepError, UsageError
from tests.converters.test_hybrid_depthwise import content as depthwise
from tests.pipeline.embedding.apps import android_demo, apple_app, gradle_app, state
from tests.pipeline.embedding.bundles import changed, photos, with_model


class TestGradle:
    """An Android app."""

    def test_everything_in_its_place(self, tmp_path: Path) -> None:
        """Model, reader, golden vectors and test; the build scripts stay as they are."""
        root = gradle_app(tmp_path)
        before = state(root)
        done = embed(photos(), root)
        assert (done.destination.kind, done.destination.module) == ("gradle", "app")
        files = state(root)
        assert {name: files[name] for name in before} == before
        assert "app/src/main/assets/mobile_pipeline/shapes/model.tflite" in files
        assert "app/src/test/resources/mobile_pipeline/shapes/golden/image-000/tensor.bin" in files
        core = {name.rsplit("/", 1)[-1]: content for name, (content, _) in files.items() if "/core/" in name}
        assert core == {name: path.read_bytes() for name, path in twins.sources("kotlin").items()}
        test = files["app/src/test/java/mobilepipeline/contract/ShapesContractTest.kt"][0].decode()
        assert "class ShapesContractTest {" in test
        assert "@" not in re.sub(r"@(Test|param|BUNDLE\b)", "", test).replace("@Test", "")

    def test_a_reader_in_another_module(self, tmp_path: Path) -> None:
        """Is not written a second time; that is said."""
        root = gradle_app(tmp_path)
        other = root / "classifier/src/main/kotlin/mobilepipeline/core"
        other.mkdir(parents=True)
        (other / "Manifest.kt").write_text("package mobilepipeline.core\n")
        done = embed(photos(), root)
        assert done.plan.core == {}
        assert done.plan.notes == (
            "the contract's reader is in classifier already and was not written again",
        )

    @pytest.mark.parametrize(
        ("kotlin", "lines"),
        [
            (
                True,
                (
                    'implementation("org.tensorflow:tensorflow-lite:2.14.0")',
                    'noCompress += "tflite"',
                    "app/build.gradle.kts",
                ),
            ),
            (
                False,
                (
                    "implementation 'org.tensorflow:tensorflow-lite:2.14.0'",
                    "noCompress 'tflite'",
                    "app/build.gradle;",
                ),
            ),
        ],
    )
    def test_lines_in_the_scripts_own_language(
        self, tmp_path: Path, kotlin: bool, lines: tuple[str, ...]
    ) -> None:
        """The lowest known release that the model was made for."""
        floor = changed(photos(), tmp_path / "floor", model__runtime_floor="2.14.0")
        told = embed(floor, gradle_app(tmp_path, kotlin=kotlin)).plan.dependencies
        for line in (*lines, f"{twins.GSON}:{twins.gson()}", "junit:junit:4.13.2"):
            assert line in told
        assert "gpu" not in told

    def test_several_apps(self, tmp_path: Path) -> None:
        """One must be named; a module's path may be written as Gradle does."""
        root = gradle_app(tmp_path, "app", "wear")
        with pytest.raises(UsageError, match="several modules are apps, choose one by --module: app, wear"):
            find(root, None)
        assert find(root, ":wear").module == "wear"
        with pytest.raises(UsageError, match=r"unknown module 'waer'.*did you mean 'wear'"):
            find(root, "waer")

    def test_commented_and_library_modules_are_no_apps(self, tmp_path: Path) -> None:
        """Nor is the root that only names the plug-in."""
        root = gradle_app(tmp_path, "app", "old", "library")
        (root / "old/build.gradle.kts").write_text(
            '// id("com.android.application")\n/* com.android.application */'
        )
        (root / "library/build.gradle.kts").write_text('plugins { id("com.android.library") }')
        assert find(root, None).module == "app"

    def test_a_module_outside(self, tmp_path: Path) -> None:
        """Is refused."""
        root = gradle_app(tmp_path)
        (tmp_path / "elsewhere").mkdir()
        (tmp_path / "elsewhere/build.gradle").write_text("")
        with pytest.raises(UsageError, match="unknown module"):
            find(root, "../elsewhere")


class TestApple:
    """An iOS app."""

    def test_everything_in_its_place(self, tmp_path: Path) -> None:
        """Below the target's folder; the test knows the app's module by its product name."""
        root = apple_app(tmp_path)
        embed(photos(), root, module="My App")
        files = state(root)
        assert "My App/MobilePipeline/Models/shapes/model.tflite" in files
        assert "My App/MobilePipeline/ClassifierCore/Manifest.swift" in files
        assert "MobilePipelineTests/Golden/shapes/golden/image-000/tensor.bin" in files
        test = files["MobilePipelineTests/ShapesContractTest.swift"][0].decode()
        assert "@testable import My_App\n" in test
        assert "final class ShapesContractTest: XCTestCase" in test

    def test_the_pod_with_the_parts_of_the_delegates(self, tmp_path: Path) -> None:
        """Exact."""
        options = {"precision_loss_allowed": True, "quantized_models_allowed": True, "wait": "passive"}
        metal = changed(
            photos(),
            tmp_path / "metal",
            model__runtime_floor="2.15.0",
            model__delegates=["metal", "xnnpack"],
            model__delegate_plan__metal=options,
        )
        told = embed(metal, apple_app(tmp_path)).plan.dependencies
        assert "  pod 'TensorFlowLiteSwift', '2.17.0', :subspecs => ['Metal']\n" in told

    @pytest.mark.parametrize(("module", "tested"), [(None, "ClassifierCore"), ("Sources/App", "App")])
    def test_a_swift_package(self, tmp_path: Path, module: str | None, tested: str) -> None:
        """Targets instead of folder references."""
        root = tmp_path / "package"
        (root / "Sources/App").mkdir(parents=True)
        (root / "Package.swift").write_text("// swift-tools-version: 6.0\n")
        told = embed(photos(), root, module=module).plan.dependencies
        assert f'dependencies: ["{tested}"],' in told
        assert ('.target(name: "ClassifierCore"' in told) is (module is None)
        assert "folder reference" not in told

    def test_the_folder_must_be_there(self, tmp_path: Path) -> None:
        """With the choices."""
        with pytest.raises(UsageError, match=r"unknown folder 'MyApp'.*did you mean 'My App'"):
            find(apple_app(tmp_path), "MyApp")


class TestRuntimes:
    """Which release of TensorFlow Lite."""

    @staticmethod
    def need(floor: str, *delegates: str) -> dependencies.Need:
        """Of a plain model with another floor."""
        file = photos() / "model.tflite"
        return dependencies.need(inspect(file), where=str(file), runtime_floor=floor, delegates=delegates)

    @pytest.mark.parametrize(
        ("floor", "found"),
        [
            ("2.9.0", f"{dependencies.TENSORFLOW}:2.9.0"),
            ("2.14.0", f"{dependencies.TENSORFLOW}:2.14.0"),
            ("2.16.0", f"{dependencies.TENSORFLOW}:2.16.1"),
            # org.tensorflow's 2.17.0 holds nothing.
            ("2.17.0", f"{dependencies.LITERT}:1.0.1"),
        ],
    )
    def test_of_maven(self, floor: str, found: str) -> None:
        """The lowest known one; NNAPI has no package of its own."""
        assert dependencies.android(self.need(floor, "nnapi", "xnnpack")) == (found,)

    @pytest.mark.parametrize(
        ("floor", "name", "versions"),
        [
            ("2.9.0", dependencies.TENSORFLOW, ("2.14.0", "2.14.0", "2.14.0")),
            ("2.15.0", dependencies.TENSORFLOW, ("2.16.1", "2.16.1", "2.14.0")),
            ("2.17.0", dependencies.LITERT, ("1.0.1", "1.0.1", "1.0.1")),
        ],
    )
    def test_of_maven_with_the_gpu(self, floor: str, name: str, versions: tuple[str, str, str]) -> None:
        """Only releases of which all three packages are there."""
        assert dependencies.android(self.need(floor, "gpu", "xnnpack")) == (
            f"{name}:{versions[0]}",
            f"{name}-gpu:{versions[1]}",
            f"{name}-gpu-api:{versions[2]}",
        )

    def test_none_rather_than_a_guess(self) -> None:
        """Of a release that no package is known to read."""
        assert dependencies.android(self.need("2.18.0", "gpu")) == ()

    @pytest.mark.parametrize(
        ("floor", "found"), [("2.14.0", "2.14.0"), ("2.15.0", "2.17.0"), ("2.18.0", None)]
    )
    def test_of_cocoapods(self, floor: str, found: str | None) -> None:
        """The same."""
        assert dependencies.ios(self.need(floor)) == found

    @pytest.mark.parametrize("dimension", [0, 3])
    def test_no_line_for_a_model_that_is_right_nowhere(self, tmp_path: Path, dimension: int) -> None:
        """Refused with the op and the remedy, also with --force; nothing is written."""
        bundle = with_model(photos(), tmp_path / "never", depthwise(dimension))
        root = gradle_app(tmp_path)
        before = state(root)
        told = re.escape(
            f"{bundle / 'model.tflite'}: no release of TensorFlow Lite computes it right (DEPTHWISE_CONV_2D "
            "4 with one scale on float32); convert it again"
        )
        for force in (False, True):
            with pytest.raises(StepError, match=f"^{told}$"):
                embed(bundle, root, force=force)
        assert state(root) == before

    def test_what_is_not_known_is_said(self, tmp_path: Path) -> None:
        """No version is made up."""
        future = changed(photos(), tmp_path / "future", model__runtime_floor="2.18.0")
        told = embed(future, gradle_app(tmp_path)).plan.dependencies
        assert (
            "No release of org.tensorflow:tensorflow-lite or com.google.ai.edge.litert:litert is known"
            in told
        )
        assert 'implementation("org.tensorflow' not in told
        assert 'implementation("com.google.ai' not in told


def test_names_of_classes() -> None:
    """As Kotlin and Swift write them."""
    assert class_name("emnist_compact") == "EmnistCompactContractTest"
    assert class_name("my-flowers2") == "MyFlowers2ContractTest"


def test_unknown_folders(tmp_path: Path) -> None:
    """With the choices, and where a demo is."""
    with pytest.raises(
        UsageError, match=r"not an app that is known; --into takes android_demo, ios_demo, a Gradle"
    ):
        find(tmp_path, None)
    with pytest.raises(
        UsageError, match=r"which is no folder; choose .*; android_demo is at .*/android_demo$"
    ):
        find(tmp_path / "android_demo", None)
    with pytest.raises(UsageError, match="--module is for apps of your own"):
        find(android_demo(tmp_path), "app")


def test_sources_that_are_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A broken installation says so, with the remedy, before anything is written."""
    monkeypatch.setattr(twins, "CHECKOUT", tmp_path / "none")
    monkeypatch.setattr(twins, "DISTRIBUTION", "no-such-distribution")
    root = gradle_app(tmp_path)
    before = state(root)
    with pytest.raises(StepError, match=r"Kotlin sources of the contract.*embed from a checkout.*--no-core"):
        embed(photos(), root)
    assert state(root) == before
    assert embed(photos(), root, core=False).outcome.written
