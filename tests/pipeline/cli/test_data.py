"""``pipeline data get`` and ``pipeline data check``."""

import gzip
import hashlib
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.datasets._download import CHUNK_BYTES
from tests.conftest import Answer, Pipeline, pipeline
from tests.listening import listening
from tests.pipeline.datasets.emnist_files import archive, write_variant
from tests.pipeline.datasets.idx_files import image_bytes, label_bytes, write, write_set
from tests.pipeline.datasets.mirror import Mirror, serve

PADDING_BYTES = 1_000_000
"""Makes the download long enough to be cut."""

WAIT_SECONDS = 60
"""For another process to get somewhere; generous, because machines are busy."""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder with a tiny ByMerge set."""
    write_variant(tmp_path / "emnist", "bymerge")
    return tmp_path


@pytest.fixture
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mirror]:
    """A server that gives NIST's zip with tiny sets."""
    folder = tmp_path_factory.mktemp("archive")
    for variant in ("bymerge", "letters"):
        write_variant(folder, variant)
    with serve(Mirror(content=archive(folder, padding_bytes=PADDING_BYTES))) as running:
        yield running


def source(mirror: Mirror) -> tuple[str, ...]:
    """Options that name the mirror and its file."""
    return ("--url", mirror.url, "--sha256", hashlib.sha256(mirror.content).hexdigest())


def test_check_says_what_is_there_as_json(cli: Pipeline, data: Path) -> None:
    """Counts, classes, hashes, verdicts; progress on stderr alone."""
    answer = cli("data", "check", "emnist", "--data", data, "--json")
    assert answer.code == 0
    report = answer.json
    assert (report["name"], report["labels"]) == ("emnist-bymerge", ["0", "A", "a"])
    assert report["train"] == {
        "images": 8,
        "published_images": 697_932,
        "per_class": [2, 3, 3],
        "clause": "a subset of the 697,932 published",
    }
    assert report["test"]["per_class"] == [1, 1, 1]
    files = {file["name"]: file for file in report["files"]}
    assert len(files) == 5
    for name, file in files.items():
        content = (data / "emnist" / name).read_bytes()
        assert (file["bytes"], file["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
        assert file["published"] is (None if name.endswith("mapping.txt") else False)
    assert [line.split(":")[0] for line in answer.err.splitlines()] == ["  read train", "  read test"]


def test_check_says_the_same_in_tables(cli: Pipeline, data: Path) -> None:
    """A subset is called one, and a file that is not the publisher's is shouted at."""
    answer = cli("data", "check", "emnist", "--data", data)
    assert answer.code == 0
    assert "emnist-bymerge train: 8 images, a subset of the 697,932 published" in answer.out
    assert "emnist-bymerge test: 3 images, a subset of the 116,323 published" in answer.out
    rows = [line.split() for line in answer.out.splitlines()]
    assert ["1", "A", "3", "1"] in rows
    verdicts = {row[0]: " ".join(row[3:]) for row in rows if row and row[0].startswith("emnist-bymerge-")}
    assert verdicts.pop("emnist-bymerge-mapping.txt") == "no published hash known"
    assert set(verdicts.values()) == {"NOT the published file"}


@pytest.mark.parametrize(
    ("published", "clause"),
    [(8, "as many as published"), (9, "a subset of the 9 published"), (7, "MORE than published")],
)
def test_check_compares_the_count_with_the_published_one(
    cli: Pipeline, data: Path, monkeypatch: pytest.MonkeyPatch, published: int, clause: str
) -> None:
    """More than published is another set, too."""
    monkeypatch.setitem(
        sys.modules["pipeline.datasets.emnist"].PUBLISHED, "bymerge", {"train": published, "test": 3}
    )
    report = cli("data", "check", "emnist", "--data", data, "--json").json
    assert report["train"]["clause"] == clause


def test_check_takes_another_variant(cli: Pipeline, tmp_path: Path) -> None:
    """As a recipe would name it."""
    write_variant(tmp_path, "letters")
    answer = cli("data", "check", "emnist", "--set", "variant=letters", "--data", tmp_path, "--json")
    assert answer.json["labels"] == ["A", "B", "C"]


def test_check_of_digits_needs_no_folder(cli: Pipeline) -> None:
    """Nobody publishes a count to compare with."""
    report = cli("data", "check", "digits", "--json").json
    assert report["train"]["clause"] == "no published count to compare with"
    assert sum(report["train"]["per_class"]) + sum(report["test"]["per_class"]) == 1797


def test_check_of_files_of_ones_own(cli: Pipeline, tmp_path: Path) -> None:
    """Every option can be given; labels that look like markup come out as they are."""
    labels = np.array([0, 1, 1])
    found = write_set(tmp_path, train=labels, test=labels, labels=["[b]", ":a:"])
    options = [f"--set={key}={value!r}" for key, value in found.section().items() if key != "name"]
    answer = cli("data", "check", "idx", "--data", tmp_path, *options)
    assert answer.code == 0
    assert ["0", "[b]", "1", "1"] in [line.split() for line in answer.out.splitlines()]
    assert ["1", ":a:", "2", "2"] in [line.split() for line in answer.out.splitlines()]


def rewrite(name: str, change: Callable[[bytes], bytes]) -> Callable[[Path], object]:
    """Damage done to one file of the set."""

    def damage(data: Path) -> None:
        path = data / "emnist" / f"emnist-bymerge-{name}"
        path.write_bytes(change(path.read_bytes()))

    return damage


def replace(name: str, content: bytes) -> Callable[[Path], object]:
    """Another content for one file of the set."""
    return lambda data: write(data / "emnist" / f"emnist-bymerge-{name}", content)


IMAGES, LABELS = "test-images-idx3-ubyte.gz", "test-labels-idx1-ubyte.gz"

DAMAGE: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "gzip cut": (rewrite(IMAGES, lambda content: content[:-20]), IMAGES, "the gzip stream ends early"),
    "no gzip": (rewrite(IMAGES, gzip.decompress), IMAGES, "not a gzip file"),
    "gzip body": (rewrite(LABELS, lambda c: c[:11] + b"\xff\xff" + c[13:]), LABELS, "damaged"),
    "magic": (replace(IMAGES, label_bytes(np.zeros(40))), IMAGES, "no idx images file"),
    "pixels missing": (
        replace(IMAGES, image_bytes(np.zeros((3, 28, 28), np.uint8))[:-1]),
        IMAGES,
        "truncated: 2,351 of 2,352 bytes",
    ),
    "bytes left over": (replace(LABELS, label_bytes([0, 1, 2]) + b"\0"), LABELS, "bytes left over"),
    "counts": (replace(LABELS, label_bytes([0, 1])), LABELS, "they are not of one set"),
    "label": (replace(LABELS, label_bytes([0, 1, 200])), LABELS, "label 200 of image 2 stands for no class"),
    "size": (
        replace(IMAGES, image_bytes(np.zeros((3, 8, 9), np.uint8))),
        IMAGES,
        "images of 9x8 pixels, not 28x28",
    ),
    "mapping": (replace("mapping.txt", b"0 48\n0 49\n"), "mapping.txt:2", "label 0 again"),
    "missing": (lambda data: (data / "emnist" / f"emnist-bymerge-{LABELS}").unlink(), LABELS, "missing"),
}
"""What happened: (the damage, the file that the error names, what it says)."""


def sentence(answer: Answer) -> str:
    """The error: the last line on stderr, behind nothing but progress."""
    *progress, last = answer.err.splitlines()
    assert all(line.startswith("  ") or line == "data" for line in progress)
    assert last.startswith("error: ")
    return last


@pytest.mark.parametrize("case", DAMAGE)
def test_check_refuses_damage_in_one_sentence(cli: Pipeline, data: Path, case: str) -> None:
    """Exit code 1, no traceback, nothing on stdout that could be taken for a report."""
    damage, file, says = DAMAGE[case]
    damage(data)
    answer = cli("data", "check", "emnist", "--data", data, "--json")
    assert (answer.code, answer.out) == (1, "")
    assert file in sentence(answer)
    assert says in sentence(answer)


def test_check_shows_the_traceback_of_damage_on_demand(cli: Pipeline, data: Path) -> None:
    """For whoever looks for the cause."""
    DAMAGE["gzip cut"][0](data)
    answer = cli("data", "check", "emnist", "--data", data, "--debug")
    assert answer.code == 1
    assert "Traceback" in answer.err
    assert answer.err.splitlines()[-1].startswith("error: ")


@pytest.mark.parametrize("cuts", [[], [300_000, 200_000]])
def test_get_downloads_unpacks_and_check_finds_it(mirror: Mirror, tmp_path: Path, cuts: list[int]) -> None:
    """In fresh processes; a connection that is cut on the way makes no difference to the files."""
    mirror.cut_after = list(cuts)
    data = tmp_path / "data"
    got = pipeline("data", "get", "emnist", "--data", data, *source(mirror))
    assert (got.code, got.out) == (0, f"emnist is in {data}\n")
    assert len(mirror.content) <= mirror.sent <= len(mirror.content) + len(cuts) * CHUNK_BYTES
    lost = [line for line in got.err.splitlines() if "connection lost" in line]
    assert len(lost) == len(cuts)
    assert all(line.startswith("  ") for line in got.err.splitlines())
    checked = pipeline("data", "check", "emnist", "--data", data, "--json")
    assert checked.code == 0
    assert checked.json["train"]["images"] == 8


def test_get_again_downloads_nothing(cli: Pipeline, mirror: Mirror, tmp_path: Path) -> None:
    """Another variant comes out of the same archive."""
    assert cli("data", "get", "emnist", "--data", tmp_path, *source(mirror)).code == 0
    letters = cli("data", "get", "emnist", "--set", "variant=letters", "--data", tmp_path, *source(mirror))
    assert letters.code == 0
    assert mirror.starts == [0]
    assert (tmp_path / "emnist" / "emnist-letters-mapping.txt").is_file()


def test_get_from_a_mirror_still_wants_the_publishers_file(
    cli: Pipeline, mirror: Mirror, tmp_path: Path
) -> None:
    """An address alone does not loosen the check."""
    answer = cli("data", "get", "emnist", "--data", tmp_path, "--url", mirror.url)
    assert (answer.code, answer.out) == (1, "")
    assert f"error: {mirror.url}: the downloaded file is not the expected one" in answer.err
    assert {path.suffix for path in (tmp_path / "emnist").iterdir()} <= {".lock"}


@pytest.mark.parametrize(
    ("status", "says"), [(404, "the server answered 404 Not Found"), (500, "the server answered 500")]
)
def test_get_from_a_server_that_refuses_fails_with_the_way_on(
    cli: Pipeline, mirror: Mirror, tmp_path: Path, status: int, says: str
) -> None:
    """One sentence."""
    mirror.status = status
    answer = cli("data", "get", "emnist", "--data", tmp_path, *source(mirror))
    assert (answer.code, answer.out) == (1, "")
    (line,) = answer.err.splitlines()
    assert line.startswith(f"error: {mirror.url}: {says}")
    assert "name a mirror with `pipeline data get --url`" in line


@pytest.mark.parametrize(("with_signal", "code"), [(signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_get_goes_on_after_it_was_stopped(
    mirror: Mirror, tmp_path: Path, with_signal: signal.Signals, code: int
) -> None:
    """Ctrl-C and kill -9 in mid-download; the second run asks for the rest alone."""
    mirror.stall_after = 600_000
    line = listening("-m", "pipeline", "data", "get", "emnist", "--data", str(tmp_path))
    process = subprocess.Popen([*line, *source(mirror)], stderr=subprocess.PIPE, text=True)
    assert mirror.stalled.wait(WAIT_SECONDS)
    process.send_signal(with_signal)
    _, err = process.communicate(timeout=WAIT_SECONDS)
    assert process.returncode == code
    if with_signal == signal.SIGINT:
        assert err.splitlines()[-1].startswith("interrupted; what was completed is kept")
    assert "Traceback" not in err
    mirror.stall_after = None
    mirror.resume.set()
    answer = pipeline("data", "get", "emnist", "--data", tmp_path, *source(mirror))
    assert answer.code == 0
    assert len(mirror.starts) == 2
    assert (tmp_path / "emnist" / "emnist-bymerge-mapping.txt").is_file()


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (("digits",), "dataset 'digits' is not downloaded"),
        (("idx",), "dataset 'idx': train_images: Field required"),
        (("emnist", "--data", "x", "--sha256", "abc"), "--sha256 abc: not 64 hexadecimal digits"),
        (("emnist", "--data", "x", "--set", "variant=small"), "dataset 'emnist': variant: "),
    ],
)
def test_get_refuses_wrong_usage_before_anything_is_sent(
    cli: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: tuple[str, ...], says: str
) -> None:
    """Exit code 2, and no folder is made."""
    monkeypatch.chdir(tmp_path)
    answer = cli("data", "get", *line)
    assert (answer.code, answer.out) == (2, "")
    assert says in answer.err
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def real(data_folder: Path) -> Any:
    """The report on the real set, from a fresh process."""
    answer = pipeline("data", "check", "emnist", "--data", data_folder, "--json")
    assert answer.code == 0
    return answer.json


def test_check_proves_that_the_real_test_set_is_the_published_one(real: Any) -> None:
    """All 116,323 images read, in 47 classes, both files by hash; the train set said to be a subset."""
    assert len(real["labels"]) == 47
    assert (real["test"]["images"], real["test"]["clause"]) == (116_323, "as many as published")
    assert sum(real["test"]["per_class"]) == 116_323
    verdicts = {file["name"]: file["published"] for file in real["files"] if "test" in file["name"]}
    assert list(verdicts.values()) == [True, True]
    if real["train"]["images"] != 697_932:
        assert real["train"]["clause"] == "a subset of the 697,932 published"
        train = [file["published"] for file in real["files"] if "train" in file["name"]]
        assert train == [False, False]
