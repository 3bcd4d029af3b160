"""The test that goes into an Android app: compiled with the core's own sources, and run on a desktop."""

import shutil
import subprocess
from pathlib import Path

import pytest

from pipeline.embedding import embed
from tests.pipeline.embedding.apps import gradle_app
from tests.pipeline.embedding.bundles import handwriting

SECONDS = 280
"""For Maven with an empty cache on a busy machine; 30 s with a full one."""

POM = """<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>app</groupId><artifactId>app</artifactId><version>1</version>
  <properties>
    <project.build.sourceEncoding>UTF-8</project.build.sourceEncoding>
    <kotlin.compiler.jvmTarget>1.8</kotlin.compiler.jvmTarget>
    <kotlin.compiler.incremental>false</kotlin.compiler.incremental>
  </properties>
  <dependencies>
    <dependency><groupId>org.jetbrains.kotlin</groupId><artifactId>kotlin-stdlib</artifactId>
      <version>{kotlin}</version></dependency>
    <dependency><groupId>com.google.code.gson</groupId><artifactId>gson</artifactId>
      <version>{gson}</version></dependency>
    <dependency><groupId>junit</groupId><artifactId>junit</artifactId><version>4.13.2</version>
      <scope>test</scope></dependency>
  </dependencies>
  <build><plugins><plugin>
    <groupId>org.jetbrains.kotlin</groupId><artifactId>kotlin-maven-plugin</artifactId><version>{kotlin}</version>
    <executions>
      <execution><id>compile</id><goals><goal>compile</goal></goals><configuration>
        <sourceDirs><d>src/main/java</d></sourceDirs></configuration></execution>
      <execution><id>test-compile</id><goals><goal>test-compile</goal></goals><configuration>
        <sourceDirs><d>src/test/java</d></sourceDirs></configuration></execution>
    </executions>
  </plugin></plugins></build>
</project>
"""
"""An app's module as far as its unit tests go: Google's Gradle plug-in is not to be had everywhere."""


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An app with the handwriting bundle embedded, as a Maven project."""
    if shutil.which("mvn") is None or shutil.which("java") is None:
        pytest.skip("no Maven or no JDK on this machine: the generated Kotlin test is not compiled")
    root = gradle_app(tmp_path_factory.mktemp("kotlin"))
    embed(handwriting(), root)
    versions = (Path(__file__).parents[3] / "android_demo/pom.xml").read_text("utf-8")
    named = {
        name: versions.split(f"<{name}.version>")[1].split("<")[0] for name in ("kotlin", "gson")
    }  # fmt: skip
    (root / "app/pom.xml").write_text(POM.format(**named), "utf-8")
    return root / "app"


def run(app: Path) -> subprocess.CompletedProcess[str]:
    """Maven's tests, without the network first."""
    command = ["mvn", "--batch-mode", "--quiet", "test"]
    offline = subprocess.run(
        [*command, "--offline"], cwd=app, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    if "offline" not in offline.stdout:
        return offline
    return subprocess.run(command, cwd=app, capture_output=True, text=True, timeout=SECONDS, check=False)


@pytest.mark.slow
def test_the_generated_test_passes_and_fails(app: Path) -> None:
    """On what was embedded; and no longer when one byte of a golden tensor, or of the model, differs."""
    sound = run(app)
    assert sound.returncode == 0, sound.stdout
    report = "".join(path.read_text() for path in (app / "target/surefire-reports").glob("*.txt"))
    assert "Tests run: 5, Failures: 0, Errors: 0, Skipped: 0" in report

    for pattern, method in (
        ("src/test/resources/mobile_pipeline/*/golden/picture-000/image.u8", "picturesBecomeWhatTrainingSaw"),
        (
            "src/test/resources/mobile_pipeline/*/golden/image-001/tensor.bin",
            "theInputTensorIsFilledByteForByte",
        ),
        ("src/main/assets/mobile_pipeline/*/model.tflite", "theAppShipsTheModelThatWasVerified"),
    ):
        (file,) = app.glob(pattern)
        content = file.read_bytes()
        file.write_bytes(bytes([content[0] ^ 0x40]) + content[1:])
        spoilt = run(app)
        file.write_bytes(content)
        assert spoilt.returncode != 0
        assert method in spoilt.stdout
