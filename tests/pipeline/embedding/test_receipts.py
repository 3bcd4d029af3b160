"""The receipt of an app: what it may bring about when it is damaged, or made to harm."""

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.artifacts import sha256
from pipeline.embedding import embed, reach, receipt
from pipeline.errors import StepError
from tests.pipeline.embedding.apps import android_demo, apple_app, gradle_app, ios_demo, state
from tests.pipeline.embedding.bundles import photos


@pytest.fixture
def receipts(tmp_path: Path) -> Path:
    """An app with a receipt to spoil."""
    root = android_demo(tmp_path)
    embed(photos(), root)
    return root / receipt.FILE


class TestReceipts:
    """Made to harm, or damaged."""

    @pytest.mark.parametrize("name", ["../victim.txt", "/etc/victim.txt", "app/../../victim.txt", "", "a\0b"])
    def test_none_leads_out_of_the_app(self, receipts: Path, name: str) -> None:
        """A receipt says what is removed."""
        victim = receipts.parent.parent / "victim.txt"
        victim.write_text("mine")
        document = json.loads(receipts.read_text())
        document["slots"]["photo"]["files"][name] = sha256(victim)
        receipts.write_text(json.dumps(document))
        with pytest.raises(StepError, match=r"embedded.json: not a receipt.*what no bundle brings"):
            embed(photos(), receipts.parent, force=True)
        assert victim.read_text() == "mine"

    @pytest.mark.parametrize("text", ["", "{", "[]", '{"schema_version": 2}', '{"slots": 3}', '{"more": 1}'])
    def test_damaged(self, receipts: Path, text: str) -> None:
        """Said, with the remedy."""
        receipts.write_text(text)
        with pytest.raises(StepError, match=r"embedded.json: not a receipt of this program.*--force"):
            embed(photos(), receipts.parent)
        receipts.unlink()
        assert embed(photos(), receipts.parent, force=True).outcome.written == ()

    def test_every_file_is_in_it(self, receipts: Path) -> None:
        """With its hash."""
        record = receipt.read(receipts.parent, "android_demo").slots["photo"]
        assert record.model_sha256 == sha256(photos() / "model.tflite")
        for name, digest in record.files.items():
            assert sha256(receipts.parent / name) == digest
        assert len(record.files) == len(state(receipts.parent)) - 2  # itself, and the version catalogue

    @pytest.mark.parametrize(
        "name", [".git/HEAD", "app/build.gradle.kts", "app/src/main/assets/models/own.bin"]
    )
    @pytest.mark.parametrize("part", ["pending", "readers", "slots"])
    def test_only_places_of_bundles(self, receipts: Path, name: str, part: str) -> None:
        """Whatever the receipt says of a file and its hash: embed puts none there, and takes none."""
        root = receipts.parent
        victim = root / name
        victim.parent.mkdir(parents=True, exist_ok=True)
        victim.write_text("mine")
        document = json.loads(receipts.read_text())
        files = {"files": {name: sha256(victim)}}
        slot = {"bundle": "other", "model_sha256": "00", **files}
        document[part] = {"pending": files, "readers": {"app": files}, "slots": {"photo": slot}}[part]
        receipts.write_text(json.dumps(document))
        with pytest.raises(StepError, match=rf"lists what no bundle brings: '{name}'; remove embedded.json"):
            embed(photos(), root, force=True)
        assert victim.read_text() == "mine"

    def test_force_removes_nothing_that_was_edited(self, receipts: Path) -> None:
        """A file in a bundle's place, with another hash than the recorded one: it stays and is told."""
        own = receipts.parent / "app/src/main/assets/models/photo/notes.txt"
        own.write_text("mine")
        document = json.loads(receipts.read_text())
        name = own.relative_to(receipts.parent).as_posix()
        document["slots"]["photo"]["files"][name] = "00"
        receipts.write_text(json.dumps(document))
        with pytest.raises(StepError, match=rf"changed since they were embedded: {name}"):
            embed(photos(), receipts.parent)
        done = embed(photos(), receipts.parent, force=True)
        assert (done.outcome.removed, done.outcome.kept) == ((), (name,))
        assert own.read_text() == "mine"

    def test_too_large_to_be_one(self, receipts: Path) -> None:
        """Is not even read."""
        with receipts.open("r+b") as file:
            file.truncate(receipt.LARGEST + 1)
        with pytest.raises(StepError, match=r"more than 16,000,000 bytes, which no receipt has"):
            embed(photos(), receipts.parent)


@pytest.mark.parametrize(
    ("make", "module"), [(android_demo, None), (ios_demo, None), (gradle_app, "app"), (apple_app, "My App")]
)
def test_every_place_of_a_plan_is_within_reach(tmp_path: Path, make: Any, module: str | None) -> None:
    """Otherwise the next run would not know its own files; and nothing else of the app is."""
    root = make(tmp_path)
    own = list(state(root))
    done = embed(photos(), root, module=module)
    kind = done.destination.kind
    assert all(reach.within(kind, name) for name in (*done.plan.files, *done.plan.core))
    assert not any(reach.within(kind, name) for name in (*own, receipt.FILE))


@pytest.mark.parametrize(
    "name",
    ["x/../src/main/assets/mobile_pipeline/a/f", "src/main/assets/mobile_pipeline/a//f", "./src/main/assets"],
)
def test_a_place_has_one_name(name: str) -> None:
    """Others would get past the comparison with what is wanted."""
    assert reach.within("gradle", "x/src/main/assets/mobile_pipeline/a/f")
    assert not reach.within("gradle", name)
