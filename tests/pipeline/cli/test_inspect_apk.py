"""``pipeline inspect APP.apk``."""

import json
from pathlib import Path

import pytest

from tests.conftest import Pipeline
from tests.converters.test_hybrid_depthwise import content as depthwise
from tests.pipeline.apk import made
from tests.pipeline.apk.made import Packed
from tests.pipeline.cli import fresh
from tests.pipeline.embedding.bundles import handwriting, photos


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """An app with the model of the golden bundle of photos."""
    path = tmp_path / "app.apk"
    path.write_bytes(made.sound((photos() / "model.tflite").read_bytes()))
    return path


def test_a_sound_app(cli: Pipeline, app: Path) -> None:
    """All that an app developer asks, in few lines."""
    answer = cli("inspect", app)
    assert (answer.code, answer.err) == (0, "")
    lines = answer.out.splitlines()
    assert lines[0] == f"{app}: {app.stat().st_size:,} bytes, an Android app"
    assert "  package: org.example.seen" in lines
    assert "  ABIs: arm64-v8a, x86_64" in lines
    assert "  signatures: v2, v3 present, not verified (apksigner verify does)" in lines
    (library,) = [line for line in lines if "lib/arm64-v8a/" in line]
    assert library.split()[2:] == ["stored", "16,384", "yes", "yes", "2.16.1"]
    (model,) = [line for line in lines if "model.tflite" in line]
    assert model.split()[2] == "stored"
    assert lines[-2:] == ["what will go wrong", "  nothing that is known"]


def test_against_a_bundle(cli: Pipeline, app: Path) -> None:
    """Byte for byte, or exit code 3."""
    right = cli("inspect", app, "--bundle", photos())
    assert right.code == 0
    assert right.out.endswith(
        "  its model.tflite, byte for byte: assets/models/photo/model.tflite; beside it "
        "labels.txt not there, manifest.json not there\n"
    )
    wrong = cli("inspect", app, "--bundle", handwriting())
    assert wrong.code == 3
    assert "what will go wrong" in wrong.out
    assert "embed the bundle and build the app anew" in wrong.err


def packed(path: Path, **content: bytes) -> Path:
    """An app with the golden bundle of photos, but for a file's other content."""
    own = {name: (photos() / name).read_bytes() for name in ("model.tflite", "labels.txt", "manifest.json")}
    own |= {f"{name}.{'txt' if name == 'labels' else 'json'}": text for name, text in content.items()}
    files = [Packed(f"assets/models/photo/{name}", text) for name, text in own.items()]
    path.write_bytes(made.apk(made.manifest(), *files, pairs={made.V2: b""}))
    return path


def test_what_lies_beside_the_model(cli: Pipeline, tmp_path: Path) -> None:
    """The right model with another bundle's labels or contract gives wrong answers: exit code 3."""
    right = cli("inspect", packed(tmp_path / "right.apk"), "--bundle", photos())
    assert right.code == 0
    assert right.out.endswith("; beside it labels.txt the same, manifest.json the same\n")
    labels = cli("inspect", packed(tmp_path / "l.apk", labels=b"a\nb\n"), "--bundle", photos())
    assert labels.code == 3
    assert "labels.txt ANOTHER, manifest.json the same" in labels.out
    assert "l.apk: assets/models/photo/labels.txt: not " in labels.err
    other = (photos() / "manifest.json").read_bytes() + b" "
    contract = cli("inspect", packed(tmp_path / "m.apk", manifest=other), "--bundle", photos(), "--json")
    assert contract.code == 3
    assert contract.json["bundle"]["copies"] == [
        {
            "model": "assets/models/photo/model.tflite",
            "beside": {"labels.txt": "same", "manifest.json": "other"},
        }
    ]
    assert "assets/models/photo/manifest.json: not " in contract.err


def test_a_file_beside_the_model_that_cannot_be_unpacked(cli: Pipeline, tmp_path: Path) -> None:
    """Is not the bundle's, whatever it was."""
    app = packed(tmp_path / "app.apk")
    content = bytearray(app.read_bytes())
    text = (photos() / "labels.txt").read_bytes()
    content[content.index(text, content.index(b"photo/labels.txt"))] ^= 1
    app.write_bytes(content)
    answer = cli("inspect", app, "--bundle", photos())
    assert answer.code == 3
    assert "labels.txt ANOTHER" in answer.out


def test_an_option_of_models_is_refused(cli: Pipeline, app: Path) -> None:
    """Rather than left out of account; what is set by default is not asked for."""
    answer = cli("inspect", app, "--android-api", "30")
    assert (answer.code, answer.out) == (2, "")
    assert f"--android-api is for a model, which {app} is not" in answer.err
    assert cli("inspect", photos(), "--android-api", "30").code == 0


def test_json(cli: Pipeline, app: Path) -> None:
    """Everything, and the comparison."""
    found = cli("inspect", app, "--json", "--bundle", photos()).json
    assert (found["kind"], found["app"]["package"], found["signatures"]) == (
        "apk",
        "org.example.seen",
        ["v2", "v3"],
    )
    manifest = json.loads((photos() / "manifest.json").read_text())
    assert found["models"][0]["sha256"] == manifest["model"]["sha256"]
    assert found["models"][0]["min_runtime"] == manifest["model"]["min_runtime"]
    assert found["bundle"]["found_as"] == ["assets/models/photo/model.tflite"]
    assert "bundle" not in cli("inspect", app, "--json").json


def test_a_model_that_is_right_nowhere(cli: Pipeline, tmp_path: Path) -> None:
    """No release in the table, and the op in what will go wrong."""
    path = tmp_path / "app.apk"
    path.write_bytes(made.sound(depthwise(0)))
    lines = cli("inspect", path).out.splitlines()
    (model,) = [line for line in lines if "model.tflite" in line and " stored " in line]
    assert model.split()[-2] == "none"
    assert lines[-1] == (
        "  assets/models/photo/model.tflite: no release of TensorFlow Lite computes it right "
        "(DEPTHWISE_CONV_2D 4 with one scale on float32): convert it again"
    )
    never = cli("inspect", path, "--json").json["models"][0]["never"]
    assert never == ["DEPTHWISE_CONV_2D 4 with one scale on float32"]


def test_names_are_made_visible(cli: Pipeline, tmp_path: Path) -> None:
    """No name in an APK moves the cursor or renames the window."""
    path = tmp_path / "app.apk"
    bad = Packed("assets/\x1b]0;gone\x07.tflite", b"no model")
    tag = made.Tag("manifest", {"package": "a\x1b[2J"})
    path.write_bytes(made.apk(made.manifest(tag), bad))
    out = cli("inspect", path).out
    assert "\x1b" not in out
    assert "\\x1b[2J" in out


def test_no_app(cli: Pipeline, tmp_path: Path, app: Path) -> None:
    """One sentence each."""
    bundle = tmp_path / "app.aab"
    bundle.write_bytes(made.apk(Packed("BundleConfig.pb", b"")))
    answer = cli("inspect", bundle)
    assert answer.code == 1
    assert "App Bundle (.aab), which is not read" in answer.err
    cut = tmp_path / "cut.apk"
    cut.write_bytes(app.read_bytes()[:-30])
    assert f"{cut}: not a readable APK: " in cli("inspect", cut).err
    model = photos() / "model.tflite"
    assert cli("inspect", model, "--bundle", photos()).code == 2
    assert "No such file" in cli("inspect", tmp_path / "none.apk", "--bundle", photos()).err


def test_no_tensorflow_is_loaded(app: Path) -> None:
    """In a fresh process."""
    answer = fresh.run("inspect", app)
    assert answer.code == 0, answer.err
    assert answer.loaded(*fresh.TENSORFLOW) == set()
