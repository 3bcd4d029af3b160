"""What is told of an APK."""

import hashlib
from pathlib import Path

import pytest

from pipeline import apk
from pipeline.apk.archive import Archive
from tests.converters import built
from tests.pipeline.apk import made
from tests.pipeline.apk.made import MANIFEST, Packed, Tag


@pytest.fixture(scope="module")
def model() -> bytes:
    """A model that every runtime reads."""
    return built.cnn()


def inspect(content: bytes) -> apk.Apk:
    """Of an APK in memory."""
    return apk.inspect_archive(Archive(content, where="app.apk"))


def test_a_sound_app(model: bytes, tmp_path: Path) -> None:
    """Everything at once, and nothing to complain of."""
    path = tmp_path / "app.apk"
    path.write_bytes(made.sound(model))
    found = apk.inspect(path)
    assert found.app is not None
    assert (found.app.package, found.app.version_name, found.app.version_code) == (
        "org.example.seen",
        "1.2",
        7,
    )
    assert (found.app.min_sdk, found.app.target_sdk) == (24, 35)
    assert found.app.permissions == ("android.permission.CAMERA",)
    assert (found.app.debuggable, found.app.extract_native_libs) == (False, None)
    assert found.abis == ("arm64-v8a", "x86_64")
    assert found.signatures == ("v2", "v3")
    assert [(one.load_alignment, one.pages_16k, one.zip_16k, one.version) for one in found.libraries] == [
        (0x4000, True, True, "2.16.1")
    ] * 2
    (packed,) = found.models
    assert (packed.name, packed.stored) == ("assets/models/photo/model.tflite", True)
    assert packed.sha256 == hashlib.sha256(model).hexdigest()
    assert path.read_bytes()[packed.offset : packed.offset + packed.bytes] == model
    assert packed.min_runtime is not None
    assert found.findings == ()


class TestManifest:
    """Binary XML as different tools write it."""

    @pytest.mark.parametrize("utf8", [True, False])
    @pytest.mark.parametrize("blank", [True, False])
    def test_strings_and_names(self, utf8: bool, blank: bool) -> None:
        """UTF-8 and UTF-16; with the names of attributes, and with their numbers alone."""
        long = "n" * 40_000  # two length units in either encoding
        root = Tag("manifest", {"package": "org.ä.b", "versionName": "1 ä", "note": long}, MANIFEST.inner)
        content = made.axml(root, utf8=utf8, blank_names=blank)
        found = inspect(made.apk(Packed("AndroidManifest.xml", content))).app
        assert found is not None
        assert (found.package, found.version_name, found.min_sdk) == ("org.ä.b", "1 ä", 24)

    def test_what_is_deeper_is_not_taken(self) -> None:
        """An element of the same name elsewhere."""
        inner = Tag("application", {}, (Tag("uses-sdk", {"minSdkVersion": 5}),))
        found = inspect(made.apk(made.manifest(Tag("manifest", {"package": "a.b"}, (inner,))))).app
        assert found is not None
        assert found.min_sdk is None

    def test_long_version_codes(self) -> None:
        """Two halves."""
        root = Tag("manifest", {"package": "a", "versionCode": -1, "versionCodeMajor": 2})
        found = inspect(made.apk(made.manifest(root))).app
        assert found is not None
        assert found.version_code == (2 << 32) + 0xFFFFFFFF

    @pytest.mark.parametrize("content", [b"", b"<manifest/>", b"\3\0\x08\0\x08\0\0\0"])
    def test_one_that_cannot_be_read(self, content: bytes, model: bytes) -> None:
        """Said; the rest is told all the same."""
        found = inspect(made.apk(Packed("AndroidManifest.xml", content), Packed("m.tflite", model)))
        assert found.app is None
        assert found.findings[0].startswith("AndroidManifest.xml: ")
        assert len(found.models) == 1


class TestLibraries:
    """Native ones."""

    def test_four_kilobytes(self) -> None:
        """The least of all parts counts."""
        mixed = Packed("lib/arm64-v8a/libx.so", made.elf(183, 0x4000, 0x1000, 0x10000))
        (library,) = (found := inspect(made.apk(made.manifest(), mixed, pairs={made.V2: b""}))).libraries
        assert (library.load_alignment, library.pages_16k) == (0x1000, False)
        (finding,) = found.findings
        assert "aligned to 4,096 bytes, which phones with 16 KB pages refuse" in finding

    @pytest.mark.parametrize(("machine", "abi"), [(40, "armeabi-v7a"), (3, "x86")])
    def test_of_32_bits_nothing_is_asked(self, machine: int, abi: str) -> None:
        """Phones with 16 KB pages run none."""
        small = Packed(f"lib/{abi}/libx.so", made.elf(machine, 0x1000, wide=False))
        (library,) = (found := inspect(made.apk(made.manifest(), small, pairs={made.V2: b""}))).libraries
        assert (library.machine, library.load_alignment, library.pages_16k) == (abi, 0x1000, None)
        assert found.findings == ()

    def test_the_place_in_the_zip(self) -> None:
        """At a multiple of 16 KB, or compressed."""
        off = made.library(align=0x1000)
        found = inspect(made.apk(made.manifest(), Packed("pad", bytes(0x1000)), off, pairs={made.V2: b""}))
        assert found.libraries[0].zip_16k is (found.libraries[0].offset % 0x4000 == 0) is False
        assert any("run zipalign -P 16" in finding for finding in found.findings)
        packed = Packed(off.name, off.content, deflated=True)
        assert inspect(made.apk(made.manifest(), packed)).libraries[0].zip_16k is None

    def test_the_wrong_folder(self) -> None:
        """A library of another machine is not loaded."""
        wrong = Packed("lib/x86_64/libx.so", made.elf(183, 0x4000))
        found = inspect(made.apk(made.manifest(), wrong, pairs={made.V2: b""}))
        assert any("made for arm64-v8a" in finding for finding in found.findings)

    def test_no_elf(self) -> None:
        """Said."""
        found = inspect(made.apk(made.manifest(), Packed("lib/x86_64/libx.so", b"text")))
        assert found.libraries[0].trouble == "not an ELF file"
        assert "lib/x86_64/libx.so: not an ELF file" in found.findings

    @pytest.mark.parametrize(
        ("texts", "version"),
        [
            (b"2.16.1\0", "2.16.1"),
            (b"2.20.0-dev0+selfbuilt\0", "2.20.0-dev0+selfbuilt"),
            (b"1.2.13\x002.0.3\x002.9.0\0", "2.9.0"),  # zlib's and another's beside it
            (b"2.9.0\x002.14.0\0", None),
            (b"v2.16.1\x0024.3.25\0", None),
            (b"", None),
        ],
    )
    def test_the_version_of_the_runtime(self, texts: bytes, version: str | None) -> None:
        """The only text that can be it, or unknown: nothing is guessed."""
        found = inspect(made.apk(made.manifest(), made.library(version=texts[:-1]))).libraries[0]
        assert (found.engine, found.version) == (True, version)

    def test_other_libraries_have_no_version(self) -> None:
        """Though such a text is in them, as a delegate's."""
        text = b"\0Java_org_tensorflow_lite_gpu_GpuDelegate_create\x002.16.1\0"
        other = Packed("lib/arm64-v8a/libtensorflowlite_gpu_jni.so", made.elf(183, 0x4000, tail=text))
        found = inspect(made.apk(made.manifest(), other)).libraries[0]
        assert (found.engine, found.version) == (False, None)


class TestModels:
    """How they lie in the APK."""

    def test_compressed(self, model: bytes) -> None:
        """Cannot be mapped; hash and runtime are told all the same."""
        packed = Packed("assets/m.tflite", model, deflated=True)
        (one,) = (found := inspect(made.apk(made.manifest(), packed))).models
        assert (one.stored, one.sha256) == (False, hashlib.sha256(model).hexdigest())
        assert any("compressed, so that it cannot be memory-mapped" in finding for finding in found.findings)

    @pytest.mark.parametrize("pad", range(4))
    def test_alignment(self, model: bytes, pad: int) -> None:
        """By the byte at which the data start."""
        packed = Packed("assets/" + "x" * pad + ".tflite", model, align=0)
        found = inspect(made.apk(packed, made.manifest()))
        offset = 30 + len(packed.name)
        assert found.models[0].offset == offset
        assert found.models[0].alignment == offset & -offset
        assert any("run zipalign 4" in finding for finding in found.findings) is (offset % 4 != 0)

    @pytest.mark.parametrize("deflated", [True, False])
    def test_under_any_name(self, model: bytes, deflated: bool) -> None:
        """By what it begins with."""
        found = inspect(made.apk(made.manifest(), Packed("assets/data.bin", model, deflated=deflated)))
        assert [one.name for one in found.models] == ["assets/data.bin"]

    def test_one_that_is_none(self) -> None:
        """By its name alone."""
        (one,) = (found := inspect(made.apk(made.manifest(), Packed("m.tflite", b"text")))).models
        assert one.min_runtime is None
        assert one.trouble.startswith("not a TensorFlow Lite file")
        assert any(finding.startswith("m.tflite: not a TensorFlow Lite file") for finding in found.findings)

    def test_a_runtime_that_is_too_old(self) -> None:
        """Against the oldest that comes along."""
        tensors = [built.tensor("a", (1, 4)), built.tensor("b", (1, 4))]
        newer = built.model(
            built.graph(tensors, [built.op("STABLEHLO_CBRT", (0,), (1,))], inputs=(0,), outputs=(1,))
        )
        (one,) = (
            found := inspect(
                made.apk(made.manifest(), Packed("m.tflite", newer), made.library(), pairs={made.V2: b""})
            )
        ).models
        assert one.release is not None
        assert one.release > (2, 16, 1)
        (finding,) = found.findings
        assert f"needs TensorFlow Lite {one.min_runtime} (STABLEHLO_CBRT 1)" in finding
        assert "lib/arm64-v8a/libtensorflowlite_jni.so is 2.16.1" in finding

    def test_no_runtime_and_an_unknown_one(self, model: bytes) -> None:
        """Both are said."""
        alone = inspect(made.apk(made.manifest(), Packed("m.tflite", model), pairs={made.V2: b""}))
        assert any("no TensorFlow Lite library comes along" in finding for finding in alone.findings)
        unknown = made.apk(
            made.manifest(), Packed("m.tflite", model), made.library(version=b""), pairs={made.V2: b""}
        )
        (finding,) = inspect(unknown).findings
        assert finding.startswith("arm64-v8a: the version of its TensorFlow Lite is unknown")


class TestSignatures:
    """That they are there."""

    def test_each(self) -> None:
        """By the zip's files, and by the block."""
        jar = [Packed("META-INF/MANIFEST.MF", b""), Packed("META-INF/A.RSA", b"")]
        assert inspect(made.apk(made.manifest())).signatures == ()
        assert inspect(made.apk(made.manifest(), *jar)).signatures == ("v1",)
        assert inspect(made.apk(made.manifest(), *jar, pairs={made.V2: b"x"})).signatures == ("v1", "v2")
        assert inspect(made.apk(made.manifest(), pairs={0x1B93AD61: b"", made.V3: b""})).signatures == (
            "v3",
            "v3.1",
        )

    def test_none_and_v1_alone(self) -> None:
        """What Android refuses."""
        assert any("not signed" in one for one in inspect(made.apk(made.manifest())).findings)
        jar = [Packed("META-INF/MANIFEST.MF", b""), Packed("META-INF/A.RSA", b"")]
        (finding,) = inspect(made.apk(made.manifest(), *jar)).findings
        assert finding.startswith("signed by v1 alone")


def test_libraries_that_are_neither_copied_nor_mapped() -> None:
    """The manifest says that they stay in the APK, where they are compressed: it cannot be installed."""
    root = Tag("manifest", {"package": "a"}, (Tag("application", {"extractNativeLibs": False}),))
    packed = Packed("lib/arm64-v8a/libx.so", made.elf(183, 0x4000), deflated=True)
    found = inspect(made.apk(made.manifest(root), packed, pairs={made.V2: b""}))
    assert any("extractNativeLibs" in finding for finding in found.findings)


def test_other_zips() -> None:
    """An App Bundle by its name, and anything else."""
    with pytest.raises(apk.InvalidApkError, match=r"App Bundle \(.aab\), which is not read"):
        inspect(made.apk(Packed("BundleConfig.pb", b""), Packed("base/manifest/AndroidManifest.xml", b"")))
    with pytest.raises(apk.InvalidApkError, match=r"a zip without AndroidManifest\.xml"):
        inspect(made.apk(Packed("a.txt", b"")))
