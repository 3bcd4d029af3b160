"""The steps from sources to classes.dex, each skipped while what goes in and came out is the same."""

import hashlib
import re
import shutil
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import references
from running import BuildError, say
from toolchain import DEMO, HERE, Toolchain

APP = DEMO / "app" / "src" / "main"
CORE = DEMO / "core" / "src" / "main" / "kotlin"
RULES = DEMO / "app" / "proguard-rules.pro"
NAMESPACE = "mobilepipeline.demo"
"""Package of the app's classes and of R, as in app/build.gradle.kts; it is installed as the applicationId."""

ANDROID = "http://schemas.android.com/apk/res/android"
TOOLS = "http://schemas.android.com/tools"

# dx reads classes up to Java 8 and cannot make an invokedynamic into what old Androids run. Java's own
# classes are those of Java 8: the framework's jar has none, and later ones answer with other types
# (ByteBuffer.clear) than Android 7 knows.
KOTLIN = [
    "-Xjdk-release=1.8",
    "-no-stdlib",
    "-no-reflect",
    "-jvm-target",
    "1.8",
    "-Xlambdas=class",
    "-Xsam-conversions=class",
]
KOTLIN += ["-Werror", "-progressive"]

NEWER_API = {
    "kotlin/": "its library asks which platform it is on before it goes there",
    "com/google/gson/": "the same",
}
"""Start of a class's name to why it may name API above the oldest, for code that is not the demo's own."""


class Steps:
    """Runs them in order.

    Args:
        tools: fetched.
        work: folder for what lies between the steps.
        numbers: of the app, as in gradle.properties.
    """

    def __init__(self, *, tools: Toolchain, work: Path, numbers: Mapping[str, str]) -> None:
        self._tools = tools
        self._work = work
        self._numbers = numbers
        self._android = tools.jars("android")[0]
        self._libraries = tools.jars("libraries")
        self.resources = work / "resources.apk"
        self.dex = work / "classes.dex"

    def run(self) -> None:
        """Makes ``resources`` and ``dex``.

        Raises:
            BuildError: with what the tool of the step says.
        """
        kotlin = sorted(CORE.rglob("*.kt"))
        app = sorted((APP / "kotlin").rglob("*.kt"))
        core_classes, app_classes, r_classes = (self._work / name for name in ("core", "app", "r"))
        shrunk, rules = self._work / "shrunk.jar", self._work / "manifest.pro"
        self.link()
        self._step("r", [self._work / "gen"], [r_classes], self._compile_r)
        self._step(
            "core",
            kotlin,
            [core_classes],
            lambda: self._kotlin("core", kotlin, [], ["-Xexplicit-api=strict"]),
        )
        self._step(
            "app",
            [*app, core_classes, r_classes],
            [app_classes],
            lambda: self._kotlin("app", app, [core_classes, r_classes], []),
        )
        self._step("shrunk", [core_classes, app_classes, r_classes, rules, RULES], [shrunk], self._shrink)
        self._step("references", [shrunk], [], self._resolve)
        manifests = sorted((APP / "assets").glob("models/*/manifest.json"))
        models = [file for manifest in manifests for file in manifest.parent.glob("*.tflite")]
        self._step("manifests", [shrunk, *manifests, *models], [], lambda: self._read_manifests(manifests))
        self._step("dex", [shrunk], [self.dex], self._dex)

    def link(self) -> None:
        """Makes ``resources``, R.java in ``gen``, and the rules that keep what the manifest names."""
        outputs = [self.resources, self._work / "gen", self._work / "manifest.pro"]
        self._step("resources", [APP / "AndroidManifest.xml", APP / "res"], outputs, self._link)

    def _step(
        self, name: str, inputs: Sequence[Path], outputs: Sequence[Path], action: Callable[[], None]
    ) -> None:
        """Does it unless inputs, outputs and the tools between them are as they were."""
        own = [HERE / "pins.toml", *HERE.glob("*.py"), *HERE.glob("*.java")]
        for file in inputs:
            if not file.exists():
                raise BuildError(f"no {file}, which the step {name} starts from")
        before = _digest([*inputs, *sorted(own)], [*sorted(self._numbers.items()), self._tools.jdk.identity])
        stamp = self._work / f"{name}.done"
        if stamp.exists() and stamp.read_text() == f"{before}\n{_digest(outputs, [])}\n":
            return
        stamp.unlink(missing_ok=True)
        say(name)
        action()
        for file in outputs:
            if not file.exists():
                raise BuildError(f"the step {name} ended well, but made no {file}")
        stamp.write_text(f"{before}\n{_digest(outputs, [])}\n")

    def _link(self) -> None:
        manifest = self._work / "AndroidManifest.xml"
        manifest.write_bytes(merged_manifest(self._numbers))
        compiled = self._work / "compiled.zip"
        self._tools.aapt2(["compile", "--dir", str(APP / "res"), "-o", str(compiled)])
        generated = self._fresh("gen")
        numbers = self._numbers
        printed = self._tools.aapt2(
            [
                *("link", "-I", str(self._android), "--manifest", str(manifest), "-o", str(self.resources)),
                *("--java", str(generated), "--proguard", str(self._work / "manifest.pro")),
                *("--rename-manifest-package", numbers["applicationId"]),
                *("--min-sdk-version", numbers["minSdk"], "--target-sdk-version", numbers["targetSdk"]),
                *("--version-code", numbers["versionCode"], "--version-name", numbers["versionName"]),
                *("--no-version-vectors", str(compiled)),
            ]
        )
        if "warn:" in printed:
            raise BuildError(f"aapt2 warns:\n{printed}")

    def _compile_r(self) -> None:
        sources = [str(f) for f in (self._work / "gen").rglob("*.java")]
        out = self._fresh("r")
        self._tools.jdk.javac(["--release", "8", "-Xlint:-options", "-Werror", "-d", str(out), *sources])

    def _kotlin(
        self, name: str, sources: Sequence[Path], classes: Sequence[Path], options: Sequence[str]
    ) -> None:
        out = self._fresh(name)
        path = ":".join(str(p) for p in [*classes, *self._libraries, self._android])
        arguments = [*KOTLIN, *options, "-module-name", name, "-classpath", path, "-d", str(out)]
        self._tools.jdk.java(
            self._tools.jars("compiler"),
            "org.jetbrains.kotlin.cli.jvm.K2JVMCompiler",
            [*arguments, *map(str, sources)],
            memory="2g",
        )

    def _shrink(self) -> None:
        """ProGuard takes out what nothing reaches, and turns what Java 8 added into what dx can take.

        Kotlin's own library has lambdas made by invokedynamic. Names stay, so that a stack trace can be read.
        """
        rules = [self._work / "manifest.pro", RULES]
        for aar in self._tools.aars():
            with zipfile.ZipFile(aar) as archive:
                if "proguard.txt" in archive.namelist():
                    kept = self._work / f"{aar.stem}.pro"
                    kept.write_bytes(archive.read("proguard.txt"))
                    rules.append(kept)
        lines = [f'-injars "{self._work / part}"' for part in ("core", "app", "r")]
        lines += [f'-injars "{jar}"(!META-INF/**,!module-info.class,**.class)' for jar in self._libraries]
        lines += [f'-outjars "{self._work / "shrunk.jar"}"', f'-libraryjars "{self._android}"']
        modules = self._tools.jdk.modules("java.base", "java.logging", "java.sql")
        lines += [f'-libraryjars "{module}"(!**.jar;!module-info.class)' for module in modules]
        lines += ["-dontobfuscate", "-dontoptimize", "-dontnote", "-target 1.7"]
        lines += [f'-include "{rule}"' for rule in rules]
        configuration = self._work / "shrink.pro"
        configuration.write_text("\n".join(lines) + "\n", encoding="utf-8")
        self._tools.jdk.java(
            self._tools.jars("shrinker"), "proguard.ProGuard", [f"@{configuration}"], memory="2g"
        )

    def _resolve(self) -> None:
        """Everything that the code names is there, on the oldest Android too."""
        printed = self._tools.jdk.java(
            self._tools.jars("signatures"),
            str(HERE / "Signatures.java"),
            [str(self._tools.jars("oldest")[0])],
        )
        found = list(
            references.problems(
                self._work / "shrunk.jar",
                oldest=references.Signature(printed),
                newest=self._android,
                allowed=NEWER_API,
            )
        )
        if found:
            raise BuildError("names that do not resolve:\n" + "\n".join(found[:50]))

    def _read_manifests(self, manifests: Sequence[Path]) -> None:
        """The app's own code, as it was shrunk, reads what is embedded; the models are those it describes."""
        if not manifests:
            return
        printed = self._tools.jdk.java(
            [self._work / "shrunk.jar"], str(HERE / "Manifests.java"), [str(m) for m in manifests]
        )
        for manifest, line in zip(manifests, printed.splitlines(), strict=True):
            slot, model, sha256 = line.split("\t")
            file = manifest.parent / model
            if slot != manifest.parent.name:
                raise BuildError(f"{manifest} is of a model for {slot}: embed the bundle again")
            data = file.read_bytes() if file.exists() else b""
            if hashlib.sha256(data).hexdigest() != sha256:
                raise BuildError(f"{file} is not the model of its manifest: embed the bundle again")

    def _dex(self) -> None:
        self.dex.unlink(missing_ok=True)
        self._tools.jdk.java(
            self._tools.jars("dexer"),
            "com.android.dx.command.Main",
            [
                "--dex",
                f"--min-sdk-version={self._numbers['minSdk']}",
                f"--output={self.dex}",
                str(self._work / "shrunk.jar"),
            ],
            memory="2g",
        )

    def _fresh(self, name: str) -> Path:
        folder = self._work / name
        if folder.exists():
            shutil.rmtree(folder)
        folder.mkdir(parents=True)
        return folder


def merged_manifest(numbers: Mapping[str, str]) -> bytes:
    """The app's manifest with what Gradle would add: placeholders, natives that stay in the APK, package.

    The package is that of the classes, so that ``.HomeActivity`` is found; aapt2 renames it when it links.
    """
    ET.register_namespace("android", ANDROID)
    text = (APP / "AndroidManifest.xml").read_text(encoding="utf-8")
    root = ET.fromstring(text.replace("${applicationId}", numbers["applicationId"]))  # noqa: S314 - the project's own
    root.set("package", NAMESPACE)
    for element in root.iter():
        for attribute in [a for a in element.attrib if a.startswith(f"{{{TOOLS}}}")]:
            del element.attrib[attribute]
    application = root.find("application")
    if application is None:
        raise BuildError("AndroidManifest.xml has no application")
    application.set(f"{{{ANDROID}}}extractNativeLibs", "false")
    merged: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return merged


def gradle_numbers() -> dict[str, str]:
    """``demo.*`` of gradle.properties, without the prefix."""
    text = (DEMO / "gradle.properties").read_text(encoding="utf-8")
    numbers = dict(re.findall(r"^demo\.(\w+)=(\S+)$", text, flags=re.MULTILINE))
    missing = {"applicationId", "minSdk", "targetSdk", "versionCode", "versionName"} - set(numbers)
    if missing:
        raise BuildError(f"gradle.properties lacks {sorted('demo.' + m for m in missing)}")
    return numbers


def _digest(paths: Iterable[Path], values: Iterable[object]) -> str:
    """sha256 over files, the files in folders (name and content) and values; a file may be absent."""
    digest = hashlib.sha256()
    for path in paths:
        files = sorted(f for f in path.rglob("*") if f.is_file()) if path.is_dir() else [path]
        digest.update(f"{path}\0{len(files)}\0".encode())
        for file in files:
            data = hashlib.sha256(file.read_bytes()).hexdigest() if file.exists() else "absent"
            digest.update(f"{file}\0{data}\0".encode())
    digest.update(repr(list(values)).encode())
    return digest.hexdigest()
