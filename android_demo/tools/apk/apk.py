"""From the tools to the signed APK, and what is checked of it before anyone gets it."""

import argparse
import os
import zipfile
from pathlib import Path

from jdk import Jdk
from packing import Entry, entry, misplaced, pack
from running import BuildError, UnavailableError, say
from steps import APP, NAMESPACE, Steps, gradle_numbers
from toolchain import DEMO, Toolchain

OUTPUT = DEMO / "build" / "mobile-pipeline-demo.apk"
ABIS = ("arm64-v8a", "x86_64")
"""Phones since 2017, and the emulator. As abiFilters in app/build.gradle.kts."""

PASSWORD = "android"  # noqa: S105 - of the key that anyone may have, as of Android Studio's debug key
SCHEMES = ("v2", "v3")

SKIP_CODE = 77
"""Exit code where this machine cannot build the APK."""


def build(output: Path, *, tools_folder: Path) -> None:
    """Makes the APK and checks it.

    Raises:
        UnavailableError: this machine cannot.
        BuildError: a step failed, or the APK is not as it should be.
    """
    numbers = gradle_numbers()
    tools = Toolchain(cache=tools_folder, jdk=Jdk())
    tools.fetch()
    work = DEMO / "build" / "apk"
    work.mkdir(parents=True, exist_ok=True)
    steps = Steps(tools=tools, work=work, numbers=numbers)
    steps.run()
    unsigned = work / "unsigned.apk"
    pack(_entries(steps, tools), unsigned)
    output.parent.mkdir(parents=True, exist_ok=True)
    _sign(unsigned, output, tools, work)
    _verify(output, tools, numbers)


def _entries(steps: Steps, tools: Toolchain) -> list[Entry]:
    entries = []
    with zipfile.ZipFile(steps.resources) as archive:
        entries += [entry(name, archive.read(name)) for name in sorted(archive.namelist())]
    entries.append(entry("classes.dex", steps.dex.read_bytes()))
    assets = APP / "assets"
    files = sorted(f for f in assets.rglob("*") if f.is_file()) if assets.is_dir() else []
    entries += [entry(f"assets/{f.relative_to(assets).as_posix()}", f.read_bytes()) for f in files]
    for aar in tools.aars():
        with zipfile.ZipFile(aar) as archive:
            for abi in ABIS:
                for name in sorted(
                    n for n in archive.namelist() if n.startswith(f"jni/{abi}/") and n.endswith(".so")
                ):
                    entries.append(entry(f"lib/{name.removeprefix('jni/')}", archive.read(name)))
    if not any(e.name.endswith(".tflite") for e in entries):
        say("no model in app/src/main/assets: the app will say how to embed one")
    return entries


def _sign(unsigned: Path, output: Path, tools: Toolchain, work: Path) -> None:
    store = work / "throw-away.p12"
    if not store.exists():
        tools.jdk.keytool(
            [
                *("-genkeypair", "-keystore", str(store), "-storetype", "PKCS12", "-storepass", PASSWORD),
                *("-alias", "demo", "-keyalg", "RSA", "-keysize", "3072", "-validity", "10000"),
                *("-dname", "CN=mobile-pipeline throw-away key"),
            ]
        )
    tools.signer.run(
        [
            *("sign", "--ks", str(store), "--ks-pass", f"pass:{PASSWORD}", "--ks-key-alias", "demo"),
            *(
                "--v1-signing-enabled",
                "false",
                "--v2-signing-enabled",
                "true",
                "--v3-signing-enabled",
                "true",
            ),
            *("--v4-signing-enabled", "false", "--in", str(unsigned), "--out", str(output)),
        ]
    )


def _verify(apk: Path, tools: Toolchain, numbers: dict[str, str]) -> None:
    said = tools.signer.run(["verify", "--verbose", str(apk)])
    for scheme in SCHEMES:
        if (
            f"Verified using {scheme} scheme" not in said
            or f"({'APK Signature Scheme ' + scheme}): true" not in said
        ):
            raise BuildError(f"the signature of {scheme} is not good:\n{said}")
    wrong = misplaced(apk)
    if wrong:
        raise BuildError("the APK is not laid out as it should be:\n" + "\n".join(wrong))
    badging = tools.aapt2(["dump", "badging", str(apk)])
    expected = {
        "package": f"package: name='{numbers['applicationId']}' versionCode='{numbers['versionCode']}'",
        "lowest API": f"minSdkVersion:'{numbers['minSdk']}'",
        "target API": f"targetSdkVersion:'{numbers['targetSdk']}'",
        "launcher": f"launchable-activity: name='{NAMESPACE}.HomeActivity'",
        "processors": "native-code: " + " ".join(f"'{abi}'" for abi in ABIS),
    }
    missing = [what for what, line in expected.items() if line not in badging]
    if missing or "uses-permission" in badging:
        raise BuildError(
            f"aapt2 does not read {missing or 'an app without permissions'} in the APK:\n{badging}"
        )


def main(*, description: str) -> int:
    """Exit code: 0 done, 1 failed, 77 where this machine cannot."""
    parser = argparse.ArgumentParser(prog="android_demo/tools/apk", description=description)
    parser.add_argument("--output", type=Path, default=OUTPUT, help="the APK (default: %(default)s)")
    parser.add_argument(
        "--tools",
        type=Path,
        default=Path(os.environ.get("APK_TOOLS", DEMO / "build" / "tools")),
        help="folder for the tools, 0.5 GB (default: APK_TOOLS, or build/tools)",
    )
    options = parser.parse_args()
    try:
        build(options.output.resolve(), tools_folder=options.tools.resolve())
    except UnavailableError as error:
        say(str(error))
        return SKIP_CODE
    except BuildError as error:
        say(str(error))
        return 1
    megabytes = options.output.stat().st_size / 1e6
    say(f"{options.output} ({megabytes:.1f} MB), signed with a throw-away key (v2, v3)")
    return 0
