"""APKs made to harm a reader: each gives an answer or one kind of error, soon, with bounded memory."""

import random
import struct
import time
import tracemalloc
import zlib

import pytest

from pipeline import apk
from pipeline.apk import archive as archives
from pipeline.apk import axml
from pipeline.apk.archive import Archive, InvalidApkError, UnreadableEntryError
from tests.converters import built
from tests.mutation import mutated
from tests.pipeline.apk import made
from tests.pipeline.apk.made import MANIFEST, Packed, Tag

SEED = 23
QUICK, THOROUGH = 1_500, 30_000
"""Mutated files of `make test` and of `make test-all`; one takes some 0.5 ms."""

LONGEST_READ = 2.0
"""Seconds for one mutated file of 12 kB, on a busy machine; a read without end is longer."""

SMALL_BOMB = 40_000_000
"""Bytes that a bomb of 40 kB promises; real ones promise more, and are read no further."""


def inspect(content: bytes) -> apk.Apk:
    """Of an APK in memory."""
    return apk.inspect_archive(Archive(content, where="app.apk"))


def small() -> bytes:
    """A sound app of some kilobytes: each byte of it counts."""
    model = built.cnn()
    return made.apk(
        made.manifest(),
        Packed("AndroidManifest2.xml", made.axml(MANIFEST, utf8=False)),
        Packed("m.tflite", model, deflated=True),
        made.library(align=64),
        Packed("META-INF/MANIFEST.MF", b""),
        pairs={made.V2: bytes(20), made.V3: bytes(8)},
    )


def records(changed: bytearray, draw: random.Random) -> None:
    """Sets a number of a zip record to an extreme: near the end, and before each file."""
    size = len(changed)
    places = [i for i in range(size - 4) if changed[i : i + 2] == b"PK"]
    place = min(draw.choice(places) + draw.randrange(46), size - 4)
    width = draw.choice(["<H", "<I"])
    value = draw.choice([0, 1, 2, 8, 0x7F, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, size])
    struct.pack_into(width, changed, place, value & (0xFFFF if width == "<H" else 0xFFFFFFFF))


def fuzz(count: int) -> tuple[float, int]:
    """Reads mutated files; gives the longest time, and how many were refused."""
    draw, original, longest, refused = random.Random(SEED), small(), 0.0, 0
    for number in range(count):
        variant = mutated(original, draw, other=original, fields=records)
        started = time.perf_counter()
        try:
            inspect(variant)
        except InvalidApkError:
            refused += 1
        except Exception as error:
            raise AssertionError(f"file {number} of seed {SEED}: {error!r}") from error
        longest = max(longest, time.perf_counter() - started)
    return longest, refused


class TestFuzz:
    """The seed is fixed: a failure can be repeated."""

    def test_many(self) -> None:
        """The mutations are neither too weak nor too strong."""
        longest, refused = fuzz(QUICK)
        assert longest < LONGEST_READ
        assert 0.2 < refused / QUICK < 0.95

    @pytest.mark.slow
    def test_thousands(self) -> None:
        """The same, for minutes."""
        longest, refused = fuzz(THOROUGH)
        assert longest < LONGEST_READ
        assert 0 < refused < THOROUGH

    def test_binary_xml_alone(self) -> None:
        """Without the zip's checksum before it: every mutation reaches the reader."""
        draw, refused = random.Random(SEED), 0
        originals = [made.axml(MANIFEST, utf8=utf8) for utf8 in (True, False)]
        for number in range(QUICK):
            content = bytearray(draw.choice(originals))
            for _ in range(draw.choice([1, 1, 4])):
                place = draw.randrange(0, len(content) - 4)
                struct.pack_into(
                    "<I", content, place, draw.choice([0, 1, 0x7FFFFFFF, 0xFFFFFFFF, len(content)])
                )
            try:
                list(axml.elements(bytes(content)))
            except axml.DamagedXmlError:
                refused += 1
            except Exception as error:
                raise AssertionError(f"file {number} of seed {SEED}: {error!r}") from error
        assert 0.1 < refused / QUICK < 0.95


class TestBombs:
    """Small files that promise much."""

    def test_a_file_that_unpacks_to_more_than_it_says(self) -> None:
        """Only what was said is unpacked, and one byte."""
        content = bytearray(made.apk(made.manifest(), Packed("m.tflite", bytes(SMALL_BOMB), deflated=True)))
        # The directory's record of it, and the one before its data, say 1,000 bytes.
        for signature, field in ((b"PK\1\2", 24), (b"PK\3\4", 22)):
            place = content.rindex(signature)
            struct.pack_into("<I", content, place + field, 1_000)
        tracemalloc.start()
        found = inspect(bytes(content))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert "damaged: size or checksum" in found.models[0].trouble
        assert peak < 2_000_000

    def test_a_file_that_is_too_large(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Is not unpacked at all; the rest is told."""
        monkeypatch.setattr(archives, "MOST_UNPACKED", 1_000_000)
        content = made.apk(
            made.manifest(), Packed("m.tflite", bytes(SMALL_BOMB), deflated=True), made.library()
        )
        archive = Archive(content, where="app.apk")
        entry = archive.find("m.tflite")
        assert entry is not None
        with pytest.raises(UnreadableEntryError, match="unpacks to 40,000,000 bytes"):
            archive.read(entry, most=1_000_000)
        assert len(apk.inspect_archive(archive).libraries) == 1

    def test_many_files(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """All together they unpack to no more than the limit."""
        monkeypatch.setattr(archives, "MOST_UNPACKED_IN_ALL", 3_000_000)
        files = [Packed(f"{i}.tflite", bytes(1_000_000), deflated=True) for i in range(5)]
        troubles = [one.trouble for one in inspect(made.apk(made.manifest(), *files)).models]
        assert sum("are not read" in trouble for trouble in troubles) >= 2

    def test_what_is_stored_costs_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """It is as large as the APK at most: it is read when all that may be unpacked has been."""
        monkeypatch.setattr(archives, "MOST_UNPACKED_IN_ALL", 1_000)
        packed = made.apk(
            Packed("a", bytes(1_000), deflated=True), Packed("b", bytes(9)), Packed("c", bytes(2_000))
        )
        archive = Archive(packed, where="app.apk")
        assert [len(archive.read(entry)) for entry in archive.entries] == [1_000, 9, 2_000]

    def test_damaged_streams(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """What was unpacked before the damage counts too."""
        monkeypatch.setattr(archives, "MOST_UNPACKED_IN_ALL", 1_500_000)
        noise = random.Random(SEED).randbytes(1_000)
        content = bytearray(made.apk(*(Packed(name, bytes(999_000) + noise, deflated=True) for name in "ab")))
        archive = Archive(bytes(content), where="app.apk")
        for entry in archive.entries:
            place = entry.offset + entry.stored_bytes
            content[place - 900 : place] = b"\xff" * 900
        archive = Archive(bytes(content), where="app.apk")
        with pytest.raises(UnreadableEntryError, match="damaged"):
            archive.read(archive.entries[0])
        with pytest.raises(UnreadableEntryError, match="more than 500,000 are not read"):
            archive.read(archive.entries[1])

    def test_files_that_overlap(self) -> None:
        """As in the bombs without recursion: many records, one and the same data."""
        content = made.apk(made.manifest(), Packed("a.tflite", bytes(900)), Packed("b.tflite", bytes(900)))
        second = content.index(b"PK\3\4", content.index(b"a.tflite"))
        directory = content.rindex(b"PK\1\2")
        spoilt = bytearray(content)
        struct.pack_into("<I", spoilt, directory + 42, second - 40)
        # Such a record cannot be in order: its name is not at the place where it points.
        with pytest.raises(InvalidApkError, match=r"the two records of 'b\.tflite' contradict each other"):
            inspect(bytes(spoilt))
        # A record within another file's data, that is itself in order.
        inner = made.apk(Packed("b.tflite", bytes(10)))[:-68]
        nested = made.apk(made.manifest(), Packed("a.bin", inner + bytes(50)), Packed("b.tflite", bytes(10)))
        spoilt = bytearray(nested)
        struct.pack_into("<I", spoilt, nested.rindex(b"PK\1\2") + 42, nested.index(inner))
        with pytest.raises(InvalidApkError, match="overlaps another file"):
            inspect(bytes(spoilt))


class TestManifests:
    """Binary XML of a few megabytes that would become gigabytes."""

    def test_more_attributes_than_there_are(self) -> None:
        """Each may be a long string of its own."""
        many = Tag("manifest", {f"a{number}": number for number in range(axml.MOST_ATTRIBUTES + 1)})
        with pytest.raises(axml.DamagedXmlError, match="more than 1,000"):
            list(axml.elements(made.axml(many)))

    def test_more_permissions_than_there_are(self) -> None:
        """The same."""
        asked = tuple(Tag("uses-permission", {"name": f"p{number}"}) for number in range(1_001))
        found = inspect(made.apk(made.manifest(Tag("manifest", {"package": "a"}, asked))))
        assert found.manifest_trouble == "AndroidManifest.xml: more than 1,000 permissions"

    def test_deep_nesting(self) -> None:
        """Is counted, not followed."""
        start = made.chunk(0x0102, bytes(8), struct.pack("<IIHHHHHH", 0xFFFFFFFF, 0, 20, 20, 0, 0, 0, 0))
        content = made.chunk(3, b"", made.pool(["a"], utf8=True) + start * 50_000)
        assert max(element.depth for element in axml.elements(content)) == 50_000

    def test_one_that_unpacks_to_too_much(self) -> None:
        """Is not unpacked."""
        large = Packed("AndroidManifest.xml", bytes(5_000_000), deflated=True)
        assert "more than 4,000,000 are not read" in inspect(made.apk(large)).manifest_trouble


class TestLies:
    """Records that contradict each other, or the file."""

    @pytest.mark.parametrize(
        ("place", "value", "told"),
        [
            (8, 3, "the zip's end record contradicts the file"),  # files on this disk
            (10, 9, "the zip's end record contradicts the file"),
            (12, 0x7FFFFFFF, "directory lies outside"),
            (16, 0x7FFFFFFF, "directory lies outside"),
            (20, 5, "the zip's end record contradicts the file"),  # a comment that is not there
            (4, 1, "the zip's end record contradicts the file"),
        ],
    )
    def test_the_end_record(self, place: int, value: int, told: str) -> None:
        """Each of its fields."""
        content = bytearray(small())
        end = content.rindex(b"PK\5\6")
        form = "<I" if place in (12, 16) else "<H"
        struct.pack_into(form, content, end + place, value)
        with pytest.raises(InvalidApkError, match=told):
            inspect(bytes(content))

    @pytest.mark.parametrize(
        ("place", "form", "value", "told"),
        [
            (8, "<H", 1, "encrypted"),
            (10, "<H", 12, "encrypted, or packed by a method"),
            (20, "<I", 0x7FFFFFFF, "its two sizes differ"),
            (28, "<H", 0xFFFF, "directory ends within"),
            (42, "<I", 0x7FFFFFFF, "lies outside the file"),
            (42, "<I", 3, "contradict each other"),
        ],
    )
    def test_the_directory(self, place: int, form: str, value: int, told: str) -> None:
        """The fields of a stored file's record."""
        content = bytearray(made.apk(made.manifest(), Packed("a.bin", bytes(9))))
        struct.pack_into(form, content, content.rindex(b"PK\1\2") + place, value)
        with pytest.raises(InvalidApkError, match=told):
            inspect(bytes(content))

    def test_two_files_of_one_name(self) -> None:
        """Readers differ in which they take."""
        with pytest.raises(InvalidApkError, match="two files are named 'a'"):
            inspect(made.apk(made.manifest(), Packed("a", b"1"), Packed("a", b"2")))

    def test_another_name_before_the_data(self) -> None:
        """Of which installers take one, and readers the other."""
        content = made.apk(made.manifest(), Packed("abc", b"1"))
        with pytest.raises(InvalidApkError, match="contradict each other"):
            inspect(content.replace(b"abc", b"abd", 1))

    def test_a_wrong_checksum(self) -> None:
        """Is seen."""
        model = built.cnn()
        content = made.apk(made.manifest(), Packed("m.tflite", model))
        spoilt = content.replace(model[100:140], bytes(40), 1)
        assert "checksum" in inspect(spoilt).models[0].trouble

    def test_zip64(self) -> None:
        """Which Android does not install."""
        content = bytearray(small())
        struct.pack_into("<I", content, content.rindex(b"PK\5\6") + 16, 0xFFFFFFFF)
        with pytest.raises(InvalidApkError, match="zip64"):
            inspect(bytes(content))

    @pytest.mark.parametrize("content", [b"", b"PK", b"PK\3\4" + bytes(100), b"PK\5\6" + bytes(17)])
    def test_no_zip(self, content: bytes) -> None:
        """Cut off, or never one."""
        with pytest.raises(InvalidApkError, match="no end record"):
            inspect(content)


def test_a_name_is_kept_as_it_is() -> None:
    """Control characters too: JSON escapes them, and the tables of the command line make them visible."""
    found = inspect(made.apk(made.manifest(), Packed("\x1b]0;x\x07.tflite", b"no")))
    assert found.models[0].name == "\x1b]0;x\x07.tflite"


def test_a_signing_block_that_lies() -> None:
    """Its sizes lead nowhere: no scheme is told."""
    content = made.apk(made.manifest(), pairs={made.V2: b"abc"})
    block = content.index(b"APK Sig Block 42")
    for place, value in ((block - 8, 1 << 60), (block - 8, 0), (block - 8, 25)):
        spoilt = bytearray(content)
        struct.pack_into("<Q", spoilt, place, value)
        assert inspect(bytes(spoilt)).signatures == ()
    pair = bytearray(content)
    struct.pack_into("<Q", pair, block - 8 - 15, 1 << 62)
    assert inspect(bytes(pair)).signatures == ()


def test_the_head_of_a_damaged_stream() -> None:
    """Looking for models unpacks the first bytes of every file: nonsense there is no error."""
    content = made.apk(made.manifest(), Packed("x", zlib.compress(b"abc" * 99)[2:-4]))
    spoilt = bytearray(content)
    for signature, field in ((b"PK\1\2", 10), (b"PK\3\4", 8)):
        struct.pack_into("<H", spoilt, spoilt.rindex(signature) + field, 8)
    assert inspect(bytes(spoilt)).models == ()
