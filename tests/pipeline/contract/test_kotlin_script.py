"""What android_demo's scripts decide, with a Maven and a Java that only write down that they were called."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.golden_bundles import FOLDER

DEMO = FOLDER.parents[2] / "android_demo"
ABSENT = 77

JAVA = """#!/bin/sh
if [ "$1" = -version ]; then echo 'openjdk version "RELEASE" 2025-01-01' >&2; exit; fi
[ -e "/proc/$$/fd/9" ] && echo locked
echo "ran $2"
"""

MAVEN = """#!/bin/sh
echo called >>"$CALLS"
for option in "$@"; do
    case $option in -Dmdep.outputFile=*) classpath=${option#*=} ;; esac
done
mkdir -p core/target/contract/classes desktop/target/contract/classes/mobilepipeline/desktop
touch desktop/target/contract/classes/mobilepipeline/desktop/ContractRunner.class
printf %s "$PWD/core/target/contract/classes:$JAR" >"$classpath"
[ -z "${EDIT:-}" ] || echo '// edited' >>"$EDIT"
[ -z "${SAY:-}" ] || { echo "[ERROR] $SAY"; exit 1; }
"""


class Machine:
    """A JDK, a Maven and a copy of the demo's sources."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.calls = folder / "calls"
        self.jar = folder / "gson.jar"
        self.jar.touch()
        self.jdk("17.0.15")
        self.program("bin/mvn", MAVEN)
        self.demo = self.copy("demo")

    def program(self, name: str, text: str) -> None:
        """Writes a program."""
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
        file.chmod(0o755)

    def jdk(self, java: str, javac: str | None = None) -> None:
        """Of these releases."""
        self.program("jdk/bin/java", JAVA.replace("RELEASE", java))
        self.program("jdk/bin/javac", f"#!/bin/sh\necho javac {javac or java}\n")

    def copy(self, name: str) -> Path:
        """Of the files that the script looks at."""
        demo = self.folder / name
        for path in ("contract", "pom.xml", "core/pom.xml", "desktop/pom.xml", "tools/jvm.sh", "tools/test"):
            (demo / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(DEMO / path, demo / path)
        for module in ("core", "desktop"):
            shutil.copytree(DEMO / module / "src/main", demo / module / "src/main")
        return demo

    def run(
        self, script: str = "contract", demo: Path | None = None, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """The script; its answer on stdout names the classpath."""
        environ = os.environ | environment | {
            "JAVA_HOME": str(self.folder / "jdk"),
            "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
            "CALLS": str(self.calls),
            "JAR": str(self.jar),
        }  # fmt: skip
        command = [str((demo or self.demo) / script), "CASES", "OUT"]
        return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)

    @property
    def builds(self) -> int:
        """How often Maven was called."""
        return len(self.calls.read_text("utf-8").splitlines()) if self.calls.exists() else 0


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """With nothing built yet."""
    if shutil.which("bash") is None:
        pytest.skip("no bash")
    return Machine(tmp_path)


def test_what_is_built_is_built_once(machine: Machine) -> None:
    """And whatever the answers depend on builds it again."""
    assert [machine.run().returncode for _ in range(2)] == [0, 0]
    assert machine.builds == 1
    for count, path in enumerate(
        ("core/src/main/kotlin/mobilepipeline/core/Blur.kt", "pom.xml", "contract", "tools/jvm.sh"), start=2
    ):
        with (machine.demo / path).open("a", encoding="utf-8") as file:
            file.write("\n")
        assert machine.run().returncode == 0
        assert machine.builds == count, path


def test_a_copied_checkout_runs_its_own_classes(machine: Machine) -> None:
    """Not those of the folder that it was copied from."""
    assert machine.run().returncode == 0
    other = machine.folder / "other"
    shutil.copytree(machine.demo, other)
    answer = machine.run(demo=other)
    assert f"{other}/core/target/contract/classes" in answer.stdout
    assert str(machine.demo) + "/" not in answer.stdout


@pytest.mark.parametrize("gone", ["demo/core/target", "demo/desktop/target/contract/classes"])
def test_classes_that_are_gone_are_built_again(machine: Machine, gone: str) -> None:
    """The list of them alone says nothing."""
    assert machine.run().returncode == 0
    shutil.rmtree(machine.folder / gone)
    assert machine.run().returncode == 0
    assert machine.builds == 2


def test_a_library_that_is_gone_is_fetched_again(machine: Machine) -> None:
    """Maven's folder may be emptied at any time; what is still missing then is named."""
    assert machine.run().returncode == 0
    machine.jar.unlink()
    answer = machine.run()
    assert (answer.returncode, machine.builds) == (1, 2)
    assert "is not all there" in answer.stderr


def test_what_changes_while_it_is_compiled_is_stale(machine: Machine) -> None:
    """The classes may be of before the change."""
    edited = machine.demo / "core/src/main/kotlin/mobilepipeline/core/Blur.kt"
    assert machine.run(EDIT=str(edited)).returncode == 0
    assert machine.run().returncode == 0
    assert machine.builds == 2


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("Could not transfer artifact a:b:1 from/to central: Unknown host repo.example", ABSENT),
        ("Cannot access central in offline mode and the artifact a:b:1 has not been downloaded", ABSENT),
        ("Could not find artifact com.google.code.gson:gsonn:jar:2.13.2 in central", 1),
        ("Blur.kt:3:1 Unresolved reference", 1),
    ],
)
def test_only_a_network_that_fails_is_no_fault(machine: Machine, said: str, code: int) -> None:
    """A wrong coordinate is one, as a wrong line of code is."""
    answer = machine.run(SAY=said)
    assert answer.returncode == code
    assert answer.stderr.strip()


def test_answering_does_not_hold_the_lock(machine: Machine) -> None:
    """Only building does."""
    assert "locked" not in machine.run().stdout


@pytest.mark.parametrize("script", ["contract", "tools/test"])
@pytest.mark.parametrize(
    ("java", "javac", "says"),
    [
        ("11.0.2", "17.0.15", "java 11 is too old"),
        ("17.0.15", "1.8.0_402", "javac 8 is too old"),
        ("1.8.0_402", "21.0.1", "java 8 is too old"),
    ],
)
def test_both_the_compiler_and_the_java_must_be_new_enough(
    machine: Machine, script: str, java: str, javac: str, says: str
) -> None:
    """A system can have two releases."""
    machine.jdk(java, javac)
    answer = machine.run(script)
    assert answer.returncode == ABSENT
    assert says in answer.stderr
    assert machine.builds == 0
