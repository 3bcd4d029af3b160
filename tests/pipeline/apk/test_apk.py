"""What is told of an APK."""

import hashlib
from importlib import import_module
from pathlib import Path

import pytest

from pipeline import apk
from pipeline.apk import elf, signing
from pipeline.apk.archive import Archive
from tests.converters import built
from tests.converters.test_hybrid_depthwise import content as depthwise
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

    @pytest.mark.parametrize(
        ("name", "remedy"),
        [
            ("assets/m.tflite", 'add androidResources { noCompress += "tflite" }'),
            ("assets/x.bin", 'add androidResources { noCompress += "bin" }'),
            ("assets/v1.0/x", 'name it *.tflite, and add androidResources { noCompress += "tflite" }'),
        ],
    )
    def test_the_remedy_of_compression(self, model: bytes, name: str, remedy: str) -> None:
        """By the ending that the file really has."""
        found = inspect(made.apk(made.manifest(), Packed(name, model, deflated=True)))
        (told,) = [finding for finding in found.findings if "openFd fails" in finding]
        assert told.endswith(f"(openFd fails); {remedy}")

    def test_a_compressed_one_is_unpacked_within_bounds(
        self, model: bytes, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A stored one is as large as the APK at most."""
        monkeypatch.setattr(import_module("pipeline.apk.models"), "LARGEST_COMPRESSED", len(model) - 1)
        packed = Packed("packed.tflite", model, deflated=True)
        one, other = inspect(made.apk(made.manifest(), packed, Packed("stored.tflite", model))).models
        assert f"more than {len(model) - 1:,} are not read" in one.trouble
        assert (one.sha256, other.trouble) == (None, "")

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

    @pytest.mark.parametrize("dimension", [0, 3])
    def test_one_that_is_right_nowhere(self, dimension: int) -> None:
        """Answered with nonsense, or refused: no release is asked for, as none will do."""
        packed = Packed("m.tflite", depthwise(dimension))
        (one,) = (
            found := inspect(made.apk(made.manifest(), packed, made.library(), pairs={made.V2: b""}))
        ).models
        assert one.never == ("DEPTHWISE_CONV_2D 4 with one scale on float32",)
        assert (one.min_runtime, one.decided_by, one.unknown_ops) == (None, (), ())
        assert found.findings == (
            f"m.tflite: no release of TensorFlow Lite computes it right ({one.never[0]}): convert it again",
        )

    def test_no_runtime_and_an_unknown_one(self, model: bytes) -> None:
        """Both are said."""
        alone = inspect(made.apk(made.manifest(), Packed("m.tflite", model), pairs={made.V2: b""}))
        (finding,) = alone.findings
        assert finding.startswith("no TensorFlow Lite library that can be recognised comes along")
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

    @pytest.mark.parametrize(
        ("least", "told"),
        [(23, "for API levels from 23 on"), (None, "for API levels from 1 on"), (24, ""), ("Next", "")],
    )
    def test_older_phones_know_v1_alone(self, least: int | str | None, told: str) -> None:
        """Where the app is for them."""
        levels: dict[str, int | str] = {"targetSdkVersion": 35}
        if least is not None:
            levels["minSdkVersion"] = least
        app = made.manifest(Tag("manifest", {"package": "a"}, (Tag("uses-sdk", levels),)))
        found = inspect(made.apk(app, pairs={made.V2: b""})).findings
        assert len(found) == bool(told)
        assert all(one.startswith(f"not signed by v1, but {told}: Android 6 and older") for one in found)
        jar = [Packed("META-INF/MANIFEST.MF", b""), Packed("META-INF/A.RSA", b"")]
        assert inspect(made.apk(app, *jar, pairs={made.V2: b""})).findings == ()

    def test_a_scheme_behind_other_pairs(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Every pair is looked at, up to the most that are."""
        others = dict.fromkeys(range(1, 8), b"")
        content = made.apk(made.manifest(), pairs={**others, made.V3: b""})
        assert inspect(content).signatures == ("v3",)
        monkeypatch.setattr(signing, "MOST_PAIRS", len(others))
        assert inspect(content).signatures == ()


class TestResources:
    """The table that Android maps into memory."""

    def told(self, target: int | str, *, deflated: bool = False, align: int = 4) -> tuple[str, ...]:
        """Of an app made for an API level."""
        levels = Tag("uses-sdk", {"minSdkVersion": 24, "targetSdkVersion": target})
        app = made.manifest(Tag("manifest", {"package": "a"}, (levels,)))
        # 30 bytes and a name of 14: without padding the data would start at a multiple of 4 by themselves.
        before = [] if align else [Packed("x", b"123", align=0)]
        table = Packed("resources.arsc", bytes(64), deflated=deflated, align=align)
        return inspect(made.apk(*before, table, app, pairs={made.V2: b""})).findings

    def test_compressed(self) -> None:
        """Refused from Android 11 on."""
        (finding,) = self.told(30, deflated=True)
        assert finding.startswith("resources.arsc: compressed, but made for API level 30: Android 11")

    def test_off_a_multiple_of_four(self) -> None:
        """Likewise."""
        (finding,) = self.told(35, align=0)
        assert finding.startswith("resources.arsc: at byte 78, no multiple of 4, but made for API level 35")

    def test_as_it_must_be_and_in_older_apps(self) -> None:
        """Nothing is said."""
        assert self.told(35) == ()
        assert self.told(29, deflated=True) == ()
        assert self.told("Next", deflated=True) == ()


class TestExtraction:
    """Whether libraries are used from within the APK, as the manifest says."""

    def told(self, extract: bool | None, library: Packed, *before: Packed) -> tuple[str, ...]:
        """Of an app whose manifest says so, or nothing."""
        how = {} if extract is None else {"extractNativeLibs": extract}
        inner = (Tag("uses-sdk", {"minSdkVersion": 24}), Tag("application", how))
        app = made.manifest(Tag("manifest", {"package": "a"}, inner))
        return inspect(made.apk(*before, library, app, pairs={made.V2: b""})).findings

    def test_neither_copied_nor_mapped(self) -> None:
        """They stay in the APK, where they are compressed: it cannot be installed."""
        packed = Packed("lib/arm64-v8a/libx.so", made.elf(183, 0x4000), deflated=True)
        (finding,) = self.told(False, packed)
        assert "compressed, though the manifest has extractNativeLibs false" in finding
        assert self.told(True, packed) == self.told(None, packed) == ()

    @pytest.mark.parametrize(("machine", "abi", "wide"), [(183, "arm64-v8a", True), (3, "x86", False)])
    def test_mapped_off_a_page(self, machine: int, abi: str, wide: bool) -> None:
        """Refused by every phone, whatever its pages."""
        library = Packed(f"lib/{abi}/libx.so", made.elf(machine, 0x4000, wide=wide), align=64)
        (finding,) = self.told(False, library)
        assert "no multiple of 4,096, though the manifest has extractNativeLibs false" in finding

    def test_mapped_on_a_small_page(self) -> None:
        """Fine but for phones with 16 KB pages; copied out it does not matter where it was."""
        library = Packed("lib/arm64-v8a/libx.so", made.elf(183, 0x4000), align=0x1000)
        for extract in (False, None):
            (finding,) = self.told(extract, library)
            assert "no multiple of 16 KB" in finding
        assert self.told(True, library) == ()


def test_more_parts_than_a_library_has(monkeypatch: pytest.MonkeyPatch) -> None:
    """Program headers are counted before they are read."""
    library = Packed("lib/arm64-v8a/libx.so", made.elf(183, *[0x4000] * elf.MOST_PARTS))
    (one,) = inspect(made.apk(made.manifest(), library)).libraries
    assert one.trouble == "1001 program headers do not fit"
    monkeypatch.setattr(elf, "MOST_PARTS", elf.MOST_PARTS + 1)
    assert inspect(made.apk(made.manifest(), library)).libraries[0].trouble == ""


def test_other_zips() -> None:
    """An App Bundle by its name, and anything else."""
    with pytest.raises(apk.InvalidApkError, match=r"App Bundle \(.aab\), which is not read"):
        inspect(made.apk(Packed("BundleConfig.pb", b""), Packed("base/manifest/AndroidManifest.xml", b"")))
    with pytest.raises(apk.InvalidApkError, match=r"a zip without AndroidManifest\.xml"):
        inspect(made.apk(Packed("a.txt", b"")))
