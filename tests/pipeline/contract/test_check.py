"""A right language passes, a language that is wrong in one place fails by name."""

import json
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from pipeline.console import Console
from pipeline.contract import languages, table
from pipeline.contract.check import PYTHON, Verdict, check
from pipeline.contract.languages import Language
from pipeline.errors import StepError
from tests.golden_bundles import FOLDER
from tests.pipeline.contract import fake

DIGITS, SHAPES = FOLDER / "digits", FOLDER / "shapes"
SEED = 7


def verdict(bundle: Path, *twins: Language) -> Verdict:
    """Of the golden cases."""
    (found,) = check(bundle, twins, count=0, seed=SEED, console=Console(quiet=True))
    return found


def twin(tmp_path: Path, fault: str, name: str = "Fake") -> Language:
    """A language with one fault."""
    return Language(name=name, script=fake.script(tmp_path / name, fault) / languages.SCRIPT)


@pytest.mark.parametrize("bundle", [DIGITS, SHAPES], ids=lambda path: path.name)
def test_a_right_language_passes_golden_cases(tmp_path: Path, bundle: Path) -> None:
    """To the last bit, for it is the same code; Python agrees with the golden files."""
    found = verdict(bundle, twin(tmp_path, "none"))
    assert found.failures == []
    assert {each.kind for each in found.cases} >= {"picture", "image", "output"}
    for each in found.cases:
        assert set(each.differences) == {PYTHON, "Fake"}
        assert each.differences["Fake"].levels in (None, 0)


@pytest.mark.slow
def test_a_right_language_passes_altered_contracts(tmp_path: Path) -> None:
    """Random cases of each kind, for every choice that a contract leaves."""
    twins = [twin(tmp_path, "none")]
    found = [
        verdict
        for bundle in (DIGITS, SHAPES)
        for verdict in check(bundle, twins, count=24, seed=SEED, console=Console(quiet=True))
    ]
    assert len(found) == 8
    assert [text for each in found for text in each.failures] == []
    assert all("Fake" in each.differences for verdict in found for each in verdict.cases)


@pytest.mark.parametrize(
    ("fault", "kinds", "says"),
    [
        ("level-2", {"picture", "image", "strokes"}, "2 levels off (at most 1)"),
        ("step", {"picture", "image", "strokes"}, "tensor 1 step off what its own image gives"),
        ("pen", {"strokes"}, "drawn pixels"),
        ("zero-point", {"output"}, "probability 3.9e-03 off"),
        ("order", {"output"}, "best classes ["),
        ("nan", {"output"}, "probability inf off"),
        ("short", {"picture", "image", "strokes"}, "tensor.bin: 783 bytes, not 784"),
        ("missing", {"output"}, "top.u32: No such file"),
    ],
)
def test_a_language_that_is_wrong_by_one_fails(
    tmp_path: Path, fault: str, kinds: set[str], says: str
) -> None:
    """In the cases that show it, and in no others."""
    found = verdict(DIGITS, twin(tmp_path, fault), twin(tmp_path, "none", "Right"))
    failed = {each.kind for each in found.cases if each.failed}
    assert failed == kinds
    (failure,) = found.failures
    assert failure.startswith("Fake: ")
    assert says in failure
    rows = table.rows([found])
    assert table.columns([found]) == ("contract", "case", "Python", "Fake", "Right", "largest difference")
    assert any(row[3].startswith("FAILED") for row in rows)
    assert {row[4] for row in rows if len(row) > 4} == {"passed"}


def test_one_level_is_within_the_tolerance_of_images(tmp_path: Path) -> None:
    """It is told, and the tensor is judged by the language's own image."""
    found = verdict(SHAPES, twin(tmp_path, "level-1"))
    assert found.failures == []
    assert max(each.differences["Fake"].levels or 0 for each in found.cases) == 1


def test_an_absent_language_is_a_column_with_its_reason(tmp_path: Path) -> None:
    """No failure: this machine cannot tell."""
    found = verdict(SHAPES, twin(tmp_path, "absent"))
    assert found.failures == []
    assert table.notes(found) == ["Fake did not run: no compiler here"]
    assert {row[3] for row in table.rows([found])} == {"absent"}


@pytest.mark.parametrize("fault", ["crash", "killed"])
def test_a_script_that_fails_is_a_failure(tmp_path: Path, fault: str) -> None:
    """With what it said last."""
    broken = twin(tmp_path, fault)
    assert broken.script is not None
    if fault == "killed":
        broken.script.write_text("#!/bin/sh\necho out of memory >&2\nkill -9 $$\n", "utf-8")
    found = verdict(SHAPES, broken)
    said = "exit code 1: the compiler found an error" if fault == "crash" else "killed by signal 9: out of"
    assert said in found.failures[0]
    assert {row[3] for row in table.rows([found])} == {"FAILED"}


def test_a_script_that_does_not_end_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the limit in the message; what it has started, as a compiler, ends with it."""
    slow = twin(tmp_path, "none")
    assert slow.script is not None
    number = tmp_path / "number"
    slow.script.write_text(f'#!/bin/sh\nsleep 60 &\necho $! > "{number}"\nwait\n', "utf-8")
    monkeypatch.setattr(languages, "SECONDS", 1.0)
    assert "no answer within 1.0 s" in verdict(SHAPES, slow).failures[0]
    assert ended(int(number.read_text("utf-8")))


def test_a_script_is_stopped_when_the_check_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C at a terminal does not reach a session of its own."""
    number = tmp_path / "number"
    script = tmp_path / languages.SCRIPT
    script.write_text(f'#!/bin/sh\nsleep 60 &\necho $! > "{number}"\nwait\n', "utf-8")
    script.chmod(0o755)

    def interrupted(*_: object, **__: object) -> None:
        while not (number.exists() and number.read_text("utf-8").endswith("\n")):
            time.sleep(0.01)
        raise KeyboardInterrupt

    monkeypatch.setattr(subprocess.Popen, "communicate", interrupted)
    with pytest.raises(KeyboardInterrupt):
        languages.run(Language(name="Fake", script=script), tmp_path, tmp_path)
    assert ended(int(number.read_text("utf-8")))


def ended(process: int) -> bool:
    """Whether a process is gone, or will be soon: its parent, which is gone, need not have waited for it."""
    for _ in range(100):
        try:
            state = Path(f"/proc/{process}/stat").read_text("utf-8").rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False


def test_what_a_script_leaves_behind_it_does_not_hide_a_failure(tmp_path: Path) -> None:
    """Files of a script that ends with an error count for nothing."""
    half = twin(tmp_path, "none")
    assert half.script is not None
    text = half.script.read_text("utf-8").replace("exec ", "")
    half.script.write_text(f"{text}exit 3\n", "utf-8")
    found = verdict(SHAPES, half)
    assert "exit code 3" in found.failures[0]
    assert all("Fake" not in each.differences for each in found.cases)


def test_python_is_checked_against_the_golden_files(tmp_path: Path) -> None:
    """A changed file fails, without any other language."""
    folder = Path(shutil.copytree(DIGITS, tmp_path / "digits"))
    for case in ("image-000", "picture-000"):
        file = folder / "golden" / case / "tensor.bin"
        content = bytearray(file.read_bytes())
        content[400] ^= 1
        file.write_bytes(content)
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    manifest["golden"]["cases"][2]["top1"] ^= 1
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    found = verdict(folder)
    assert {each.case for each in found.cases if each.failed} == {
        "golden-image-000",
        "golden-picture-000",
        f"golden_output-{manifest['golden']['cases'][2]['id']}",
    }
    assert found.failures[0].startswith("Python: 3 cases")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("pixels.u8", b"x"),
        ("strokes.json", b"[[1]]"),
        ("strokes.json", b"{"),
        ("strokes.json", b"[[[1, 1" + b"0" * 400 + b"]]]"),
    ],
)
def test_a_damaged_golden_file_is_said(tmp_path: Path, name: str, content: bytes) -> None:
    """By its path: nothing can be compared."""
    folder = Path(shutil.copytree(DIGITS, tmp_path / "digits"))
    file = folder / "golden" / ("strokes-000" if name == "strokes.json" else "image-000") / name
    file.write_bytes(content)
    with pytest.raises(StepError, match=f"{file}"):
        verdict(folder)


def test_strokes_without_a_way_to_draw_them_are_said(tmp_path: Path) -> None:
    """As a fault of the manifest."""
    folder = Path(shutil.copytree(DIGITS, tmp_path / "digits"))
    document = json.loads((folder / "manifest.json").read_text("utf-8"))
    document["drawing"] = None
    (folder / "manifest.json").write_text(json.dumps(document), "utf-8")
    with pytest.raises(StepError, match="'strokes-000' has strokes, but 'drawing' is not there"):
        verdict(folder)


def test_ids_that_look_like_another_cases(tmp_path: Path) -> None:
    """No two cases share a folder."""
    folder = Path(shutil.copytree(SHAPES, tmp_path / "shapes"))
    document = json.loads((folder / "manifest.json").read_text("utf-8"))
    first, second = document["golden"]["cases"][:2]
    renamed = f"{first['id']}-output"
    (folder / "golden" / second["id"]).rename(folder / "golden" / renamed)
    second["id"] = renamed
    (folder / "manifest.json").write_text(json.dumps(document), "utf-8")
    assert verdict(folder, twin(tmp_path, "none")).failures == []
