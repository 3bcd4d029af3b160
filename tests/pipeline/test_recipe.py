"""Recipes: what is accepted, what is refused and with which words, overrides, the smoke profile."""

import json
import string
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from converters.tflite.schemes import SCHEMES
from pipeline import recipe, target
from pipeline.errors import RecipeError
from pipeline.recipe import Recipe

MINIMAL = {"name": "own", "dataset": {"name": "digits"}, "model": {"name": "emnist_cnn"}}


def merged(*, into: Mapping[str, Any] = MINIMAL, **more: Any) -> dict[str, Any]:
    """The minimal recipe with more keys; sections are filled up, not replaced."""
    values = dict(into)
    for key, value in more.items():
        both = isinstance(value, dict) and isinstance(values.get(key), dict)
        values[key] = {**values[key], **value} if both else value
    return values


def check(**more: Any) -> Recipe:
    """A recipe of the minimal values and more."""
    return recipe.check(merged(**more), where="recipe 'own'")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A recipe file of one's own."""
    path = tmp_path / "own.toml"
    path.write_text('[dataset]\nname = "digits"\n[model]\nname = "emnist_cnn"\n', "utf-8")
    return path


def test_the_shipped_recipes_are_the_ones_that_the_documents_name() -> None:
    """The main job and its stand-in."""
    assert {"digits", "emnist"} <= set(recipe.names())


@pytest.mark.parametrize("name", recipe.names())
def test_every_shipped_recipe_loads_and_ships_on_every_target_that_takes_its_schemes(name: str) -> None:
    """With its own name, a description, and a seed."""
    loaded = recipe.load(name)
    assert loaded.name == name
    assert loaded.description
    assert loaded.profile == "full"
    for each in target.names():
        chosen = target.load(each)
        if set(loaded.convert.schemes).isdisjoint(chosen.ship):
            with pytest.raises(
                RecipeError, match=f"target '{each}' ships one of .*add it to convert.schemes"
            ):
                loaded.ship(chosen)
        else:
            assert loaded.ship(chosen) in loaded.convert.schemes


@pytest.mark.parametrize("name", recipe.names())
def test_every_shipped_recipe_survives_being_written_out(name: str) -> None:
    """The manifest holds the recipe as JSON: reading that gives the same recipe."""
    loaded = recipe.load(name)
    written = json.loads(json.dumps(loaded.model_dump(mode="json"), allow_nan=False))
    assert recipe.check(written, where="again") == loaded


def test_defaults_are_written_out() -> None:
    """The manifest says what was used, not what was left out."""
    written = check().model_dump(mode="json")
    assert written["dataset"] == {
        "name": "digits",
        "validation": None,
        "max_train": None,
        "max_test": None,
        "test": 0.2,
    }
    assert written["model"] == {
        "name": "emnist_cnn",
        "blocks": [{"filters": 64, "convolutions": 1}],
        "dense": [256, 128],
        "dropout": 0.0,
        "batch_normalization": False,
    }
    assert written["convert"]["schemes"] == list(SCHEMES)
    assert written["train"]["epochs"] == 10


def test_defaults_written_into_the_file_make_the_same_recipe() -> None:
    """So they make the same cache key."""
    explicit = {"name": "emnist_cnn", "blocks": [{"filters": 64}], "dense": [256, 128]}
    assert check(model=explicit) == check()


def test_a_file_without_a_name_takes_the_files(file: Path) -> None:
    """The name is that of the run folder."""
    assert recipe.load(str(file)).name == "own"


UNKNOWN_KEYS: dict[str, tuple[dict[str, Any], str, str | None]] = {
    "top level": ({"trian": {}}, "unknown key 'trian', choose from: author, convert, dataset", "'train'"),
    "section": (
        {"train": {"epoch": 3}},
        "unknown key 'train.epoch', choose from: augment, batch, epochs, ",
        "'train.epochs'",
    ),
    "convert": ({"convert": {"scheme": []}}, "unknown key 'convert.scheme'", "'convert.schemes'"),
    "gate": (
        {"verify": {"gates": {"int8": {"max_accuracy_drop": 1}}}},
        "unknown key 'verify.gates.int8.max_accuracy_drop', choose from: max_accuracy_drop_points, ",
        "'verify.gates.int8.max_accuracy_drop_points'",
    ),
    "expect": (
        {"expect": {"train_image": 1, "accuracy_percent": {}}},
        "unknown key 'expect.train_image'",
        "'expect.train_images'",
    ),
    "model option": (
        {"model": {"dropot": 0.1}},
        "model 'emnist_cnn': unknown key 'model.dropot', choose from: batch_normalization, ",
        "'model.dropout'",
    ),
    "block of a model": (
        {"model": {"blocks": [{"filters": 8}, {"filtres": 8}]}},
        "unknown key 'model.blocks.1.filtres', choose from: convolutions, filters",
        "'model.blocks.1.filters'",
    ),
    "dataset option": (
        {"dataset": {"tset": 0.1}},
        "dataset 'digits': unknown key 'dataset.tset'",
        "'dataset.test'",
    ),
    "key of the section beside the plug-in's": (
        {"dataset": {"validaton": 0.1}},
        "dataset 'digits': unknown key 'dataset.validaton', choose from: max_test, max_train, name, test, ",
        "'dataset.validation'",
    ),
    "nothing like it": ({"dataset": {"zzz": 1}}, "unknown key 'dataset.zzz', choose from: max_test", None),
    "empty": ({"": 1}, "unknown key '', choose from: author, convert", None),
    "a word of the program": ({"model": {"options": {}}}, "unknown key 'model.options'", None),
}
"""Where: (values, what the error says, what it holds for meant)."""


@pytest.mark.parametrize("case", UNKNOWN_KEYS)
def test_an_unknown_key_is_refused_with_its_path_and_the_nearest_one(case: str) -> None:
    """Dotted as --set takes it."""
    values, says, meant = UNKNOWN_KEYS[case]
    with pytest.raises(RecipeError) as caught:
        check(**values)
    text = str(caught.value)
    assert text.startswith("recipe 'own': ")
    assert says in text
    assert text.endswith(f"; did you mean {meant}?") if meant else "did you mean" not in text


UNKNOWN_NAMES: dict[str, tuple[dict[str, Any], str, str]] = {
    "dataset": ({"dataset": {"name": "digitz"}}, "unknown dataset 'digitz'", "digits"),
    "model": ({"model": {"name": "emnist_cn"}}, "unknown model 'emnist_cn'", "emnist_cnn"),
    "scheme": ({"convert": {"schemes": ["int8", "flaot16"]}}, "unknown scheme 'flaot16'", "float16"),
    "gated scheme": ({"verify": {"gates": {"int9": {}}}}, "unknown scheme 'int9'", "int8"),
    "expected scheme": (
        {"expect": {"train_images": 1, "accuracy_percent": {"fload32": 90}}},
        "unknown scheme 'fload32'",
        "float32",
    ),
    "runtime": ({"verify": {"runtimes": ["litertt"]}}, "unknown runtime 'litertt'", "litert"),
    "io dtype": ({"convert": {"io": "unit8"}}, "unknown io dtype 'unit8'", "uint8"),
}


@pytest.mark.parametrize("case", UNKNOWN_NAMES)
def test_an_unknown_name_is_refused_with_the_choices_and_the_nearest_one(case: str) -> None:
    """Whatever can be listed can be misspelt."""
    values, says, near = UNKNOWN_NAMES[case]
    with pytest.raises(RecipeError) as caught:
        check(**values)
    assert f"{says}, choose from: " in str(caught.value)
    assert str(caught.value).endswith(f"; did you mean '{near}'?")


def test_an_unknown_optimization_is_refused() -> None:
    """As any plug-in."""
    with pytest.raises(RecipeError, match="unknown optimization 'no_such_thing', choose from: "):
        check(optimize=[{"name": "no_such_thing"}])


WRONG_VALUES: dict[str, tuple[dict[str, Any], str]] = {
    "gate for a scheme not converted": (
        {"convert": {"schemes": ["float32"]}, "verify": {"gates": {"int8": {"max_bytes": 1}}}},
        "verify.gates.int8 gates a scheme that convert.schemes does not make (float32)",
    ),
    "scheme twice": ({"convert": {"schemes": ["int8", "int8"]}}, "schemes names one twice: int8, int8"),
    "no scheme": ({"convert": {"schemes": []}}, "convert.schemes: "),
    "only the reference": ({"verify": {"runtimes": ["keras"]}}, "nothing would be verified"),
    "only a slow one": ({"verify": {"runtimes": ["keras", "litert_gpu"]}}, "add one of the CPU"),
    "runtime twice": ({"verify": {"runtimes": ["keras", "keras"]}}, "runtimes names one twice"),
    "optimization twice": (
        {"optimize": [{"name": "prune"}, {"name": "prune"}]},
        "optimize names one twice: prune, prune",
    ),
    "runtime floor no version": (
        {"convert": {"runtime_floor": "latest"}},
        "convert: runtime floor 'latest' is no version: write it like 2.14.0",
    ),
    "runtime floor a number": ({"convert": {"runtime_floor": 2.14}}, "convert.runtime_floor: "),
    "no epochs": (
        {"train": {"epochs": 0}},
        "train.epochs: Input should be greater than or equal to 1 (got 0)",
    ),
    "epochs negative": ({"train": {"epochs": -3}}, "train.epochs: "),
    "epochs with a fraction": ({"train": {"epochs": 1.5}}, "train.epochs: "),
    "batch of nothing": ({"train": {"batch": 0}}, "train.batch: "),
    "learning rate zero": ({"train": {"learning_rate": 0.0}}, "train.learning_rate: "),
    "learning rate NaN": ({"train": {"learning_rate": float("nan")}}, "train.learning_rate: "),
    "learning rate infinite": ({"train": {"learning_rate": float("inf")}}, "train.learning_rate: "),
    "unknown optimizer": ({"train": {"optimizer": "adamw"}}, "train.optimizer: "),
    "unknown schedule": ({"train": {"schedule": "step"}}, "train.schedule: "),
    "validation all": ({"dataset": {"validation": 1.0}}, "dataset.validation: "),
    "validation none": ({"dataset": {"validation": 0.0}}, "dataset.validation: "),
    "validation NaN": ({"dataset": {"validation": float("nan")}}, "dataset.validation: "),
    "train limit": ({"dataset": {"max_train": 9}}, "dataset.max_train: "),
    "plug-in's NaN": ({"model": {"dropout": float("nan")}}, "model 'emnist_cnn': model.dropout: "),
    "gate NaN": (
        {"verify": {"gates": {"int8": {"max_accuracy_drop_points": float("nan")}}}},
        "verify.gates.int8.max_accuracy_drop_points: ",
    ),
    "agreement above 1": (
        {"verify": {"gates": {"int8": {"min_top1_agreement": 99.0}}}},
        "verify.gates.int8.min_top1_agreement: Input should be less than or equal to 1 (got 99.0)",
    ),
    "expected NaN": (
        {"expect": {"train_images": 1, "accuracy_percent": {"int8": float("nan")}}},
        "expect.accuracy_percent.int8: ",
    ),
    "seed negative": ({"seed": -1}, "seed: "),
    "seed too large": ({"seed": 2**31}, "seed: Input should be less than 2147483648"),
    "seed text": ({"seed": "one"}, "seed: "),
    "representative few": ({"convert": {"representative": 99}}, "convert.representative: "),
    "profile unknown": ({"profile": "quick"}, "profile: "),
    "section is a text": ({"model": "emnist_cnn"}, "model: should be a section (got 'emnist_cnn')"),
    "list is a text": ({"convert": {"schemes": "int8"}}, "convert.schemes: should be a list (got 'int8')"),
    "section for a list": ({"optimize": {"name": "prune"}}, "optimize: should be a list"),
    "plug-in without name": ({"optimize": [{"sparsity": 0.5}]}, "optimize.0.name: Field required"),
}
"""What contradicts: (values, what the error says)."""


@pytest.mark.parametrize("case", WRONG_VALUES)
def test_values_that_are_wrong_or_contradict_each_other_are_refused(case: str) -> None:
    """In one line that names the recipe and the key."""
    values, says = WRONG_VALUES[case]
    with pytest.raises(RecipeError) as caught:
        check(**values)
    assert str(caught.value).startswith("recipe 'own': ")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("missing", ["dataset", "model"])
def test_a_recipe_needs_dataset_and_model(missing: str) -> None:
    """Everything else has defaults."""
    values = {key: value for key, value in MINIMAL.items() if key != missing}
    with pytest.raises(RecipeError, match=f"{missing}: Field required"):
        recipe.check(values, where="recipe 'own'")


@pytest.mark.parametrize("name", ["own", "Own-2", "v1.2_b", "0"])
def test_names_that_can_be_folders_are_taken(name: str) -> None:
    """Letters, digits, dot, dash, underscore."""
    assert check(name=name).name == name


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", ".hidden", "-x", "a/b", "../up", "/etc", "a b", "a\n", "a\0", "ü", "a\\b", "x-smoke"],
)
def test_names_that_cannot_be_folders_are_refused(name: str) -> None:
    """The name is that of the run folder; RUNS/x-smoke is that of x's smoke builds."""
    with pytest.raises(RecipeError, match="name"):
        check(name=name)


def test_a_file_whose_name_cannot_be_a_folder_needs_a_name_of_its_own(tmp_path: Path, file: Path) -> None:
    """The file may be called what it likes."""
    odd = file.rename(tmp_path / "my recipe.toml")
    with pytest.raises(RecipeError, match=r"my recipe\.toml: name: "):
        recipe.load(str(odd))
    odd.write_text('name = "mine"\n' + odd.read_text("utf-8"), "utf-8")
    assert recipe.load(str(odd)).name == "mine"


def test_an_unknown_recipe_is_refused_with_the_nearest_name_and_the_other_way() -> None:
    """Names and paths are both taken."""
    with pytest.raises(RecipeError) as caught:
        recipe.load("digit")
    assert str(caught.value) == (
        f"unknown recipe 'digit', choose from: {', '.join(recipe.names())}; did you mean 'digits'? "
        "(or a path to a .toml file)"
    )


@pytest.mark.parametrize("name", ["../recipes/digits", "digits/", "", "DIGITS"])
def test_a_name_is_no_path(name: str) -> None:
    """Only what ends in .toml is one."""
    with pytest.raises(RecipeError, match="unknown recipe"):
        recipe.load(name)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"[dataset\n", "not TOML: Expected ']'"),
        (b"seed = 1\nseed = 2\n", "not TOML: Cannot overwrite a value"),
        (b"\xff\xfe", "not TOML: 'utf-8' codec"),
        (b"a = " + b"[" * 100_000, "not TOML: "),
        (b"seed = " + b"9" * 5_000, "not TOML: "),
    ],
)
def test_a_file_that_is_not_toml_is_refused(file: Path, content: bytes, says: str) -> None:
    """Whatever the parser stumbles over."""
    file.write_bytes(content)
    with pytest.raises(RecipeError) as caught:
        recipe.load(str(file))
    assert str(caught.value).startswith(f"{file}: {says}")


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """Neither is a folder a file."""
    with pytest.raises(RecipeError, match=r"none\.toml: No such file or directory"):
        recipe.load(str(tmp_path / "none.toml"))
    (tmp_path / "folder.toml").mkdir()
    with pytest.raises(RecipeError, match=r"folder\.toml: Is a directory"):
        recipe.load(str(tmp_path / "folder.toml"))


@pytest.mark.parametrize(
    ("key", "text", "found"),
    [
        ("seed", "7", lambda r: r.seed == 7),
        ("train.epochs", "3", lambda r: r.train.epochs == 3),
        ("train.learning_rate", "1e-4", lambda r: r.train.learning_rate == 1e-4),
        ("train.optimizer", "sgd", lambda r: r.train.optimizer == "sgd"),
        ("train.optimizer", '"sgd"', lambda r: r.train.optimizer == "sgd"),
        ("convert.schemes", '["float32"]', lambda r: r.convert.schemes == ("float32",)),
        ("convert.runtime_floor", '"2.17"', lambda r: r.convert.runtime_floor == "2.17"),
        ("convert.runtime_floor", "2.17.1", lambda r: r.convert.runtime_floor == "2.17.1"),
        ("dataset.test", "0.5", lambda r: r.dataset.options["test"] == 0.5),
        ("model.batch_normalization", "true", lambda r: r.model.options["batch_normalization"] is True),
        ("model.blocks", "[{filters = 8}]", lambda r: r.model.options["blocks"][0]["filters"] == 8),
        ("verify.gates.int8", "{max_bytes = 9}", lambda r: r.gate("int8").max_bytes == 9),
        ("verify.gates.int8.max_bytes", "9", lambda r: r.gate("int8").max_bytes == 9),
    ],
)
def test_an_override_changes_one_value(file: Path, key: str, text: str, found: Any) -> None:
    """Numbers, words with and without quotes, lists, tables; in sections that the file leaves out, too."""
    assert not found(recipe.load(str(file)))
    assert found(recipe.load(str(file), overrides={key: text}))


@pytest.mark.parametrize(
    ("key", "text", "says"),
    [
        ("train.epoch", "3", "unknown key 'train.epoch', .*did you mean 'train.epochs'"),
        ("trian.epochs", "3", "unknown key 'trian', .*did you mean 'train'"),
        ("model.dens", "[1]", "unknown key 'model.dens', .*did you mean 'model.dense'"),
        ("train.epochs", "many", r"train\.epochs: .*\(got 'many'\)"),
        ("train.epochs", "[3", r"train\.epochs: .*\(got '\[3'\)"),
        ("train.epochs", "", r"train\.epochs: .*\(got ''\)"),
        ("train", "3", r"train: should be a section \(got 3\)"),
        ("train.epochs.x", "3", r"train\.epochs: "),
        ("seed.x", "3", r"--set seed\.x: 'seed' is not a section"),
        ("optimize.0.name", "prune", r"--set optimize\.0\.name: 'optimize' is not a section"),
        ("model.blocks.0.filters", "3", r"--set model\.blocks\.0\.filters: 'blocks' is not a section"),
        ("train.", "3", r"unknown key 'train\.'"),
        ("seed", "[" * 100_000, "seed: "),
    ],
)
def test_an_override_that_fits_nowhere_is_refused(file: Path, key: str, text: str, says: str) -> None:
    """With the words of --set."""
    file.write_text(
        'seed = 1\noptimize = []\n[dataset]\nname = "digits"\n[model]\nname = "emnist_cnn"\n'
        "blocks = [{filters = 8}]\n",
        "utf-8",
    )
    with pytest.raises(RecipeError, match=says):
        recipe.load(str(file), overrides={key: text})


@pytest.mark.parametrize("name", recipe.names())
def test_a_smoke_build_is_stamped_and_small(name: str) -> None:
    """Few images, few epochs, few samples; nothing else is another."""
    full = recipe.load(name)
    smoke = full.smoke()
    assert smoke.profile == "smoke"
    assert full.profile == "full"
    assert smoke.dataset.max_train == recipe.SMOKE_TRAIN_IMAGES
    assert smoke.dataset.max_test == recipe.SMOKE_TEST_IMAGES
    assert smoke.train.epochs == recipe.SMOKE_EPOCHS
    assert smoke.convert.representative == recipe.SMOKE_REPRESENTATIVE
    assert (smoke.model, smoke.convert.schemes, smoke.seed) == (full.model, full.convert.schemes, full.seed)
    assert smoke.dataset.options == full.dataset.options


def test_a_smoke_build_takes_no_more_than_the_recipe_allows() -> None:
    """A recipe that is small already stays so."""
    smoke = check(dataset={"max_train": 50, "max_test": 20}, train={"epochs": 1}).smoke()
    assert (smoke.dataset.max_train, smoke.dataset.max_test, smoke.train.epochs) == (50, 20, 1)


def test_a_smoke_build_expects_no_figures() -> None:
    """They were measured on the whole set."""
    full = check(expect={"train_images": 1000, "accuracy_percent": {"int8": 98.0}})
    assert full.expect is not None
    assert full.smoke().expect is None


def test_a_smoke_build_keeps_every_gate_with_leeway() -> None:
    """Looser where its few images need it, never stricter, and no gate is dropped or added."""
    gates = {
        "float32": {"min_top1_agreement": 0.9999},
        "int8": {"max_accuracy_drop_points": 1.0, "max_bytes": 1000},
        "float16": {"min_top1_agreement": 0.5, "max_accuracy_drop_points": 50.0},
    }
    full = check(verify={"gates": gates})
    smoke = full.smoke()
    assert smoke.verify.gates == full.verify.gates
    assert smoke.gate("float32").min_top1_agreement == recipe.SMOKE_MIN_AGREEMENT
    assert smoke.gate("float32").max_accuracy_drop_points is None
    assert smoke.gate("int8").max_accuracy_drop_points == recipe.SMOKE_MAX_DROP_POINTS
    assert smoke.gate("int8").max_bytes == 1000
    assert smoke.gate("float16").min_top1_agreement == 0.5
    assert smoke.gate("float16").max_accuracy_drop_points == 50.0


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_scheme_has_a_gate_without_being_told(scheme: str) -> None:
    """A recipe that names no gate is verified all the same."""
    gate = check().gate(scheme)
    assert gate.min_top1_agreement is not None or gate.max_accuracy_drop_points is not None
    assert gate.model_dump() == {**gate.model_dump(), **recipe.DEFAULT_GATES[scheme]}


def test_all_runtimes_but_the_reference_are_verified_unless_some_are_named() -> None:
    """The reference is what they are compared with."""
    assert recipe.REFERENCE_RUNTIME not in check().runtimes
    assert set(check().runtimes) > {"litert", "tflite_runtime"}
    assert check(verify={"runtimes": ["keras", "litert"]}).runtimes == ("litert",)


def test_the_first_scheme_that_the_target_prefers_and_the_recipe_makes_is_shipped() -> None:
    """int8 where there is one."""
    tflite = target.load("tflite")
    assert check().ship(tflite) == "int8"
    assert check(convert={"schemes": ["float32", "float16"]}).ship(tflite) == "float16"


def test_a_recipe_that_makes_nothing_the_target_ships_is_refused() -> None:
    """With what to add."""
    narrow = target.load("tflite").model_copy(update={"ship": ("int8",), "schemes": ("int8",)})
    with pytest.raises(RecipeError, match=r"converts float32; target 'tflite' ships one of int8: add it to"):
        check(convert={"schemes": ["float32"]}).ship(narrow)


SECTIONS = ("dataset", "model", "train", "optimize", "convert", "verify", "expect", "seed", "name", "profile")

KEYS = st.sampled_from(
    (*SECTIONS, "blocks", "filters", "dense", "schemes", "gates", "int8", "epochs", "validation", "options")
) | st.text(string.printable, max_size=5)

VALUES = st.recursive(
    st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.dates()
    | st.datetimes()
    | st.times()
    | st.sampled_from(("digits", "emnist_cnn", "idx", "int8", "litert", "2.14", "smoke")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)
"""Everything that TOML can hold."""

PATHS = st.lists(KEYS, min_size=1, max_size=4)


def put(values: Any, path: list[str], value: Any) -> Any:
    """The values with one of them set, deep inside."""
    if not path:
        return value
    inner = values if isinstance(values, dict) else {}
    return {**inner, path[0]: put(inner.get(path[0]), path[1:], value)}


def answer(found: Callable[[], Recipe]) -> Recipe | str:
    """The recipe, or the sentence that refuses it; any other exception is a failure."""
    try:
        return found()
    except RecipeError as error:
        return str(error)


def check_answer(values: Any) -> None:
    """Either a recipe that can be written out and read back, or a sentence that says where."""
    found = answer(lambda: recipe.check(values, where="fuzz"))
    if isinstance(found, str):
        assert found.startswith("fuzz: ")
        return
    written = json.loads(json.dumps(found.model_dump(mode="json"), allow_nan=False))
    assert recipe.check(written, where="again") == found


@settings(derandomize=True, max_examples=400, deadline=None)
@given(changes=st.lists(st.tuples(PATHS, VALUES), max_size=3))
def test_any_values_give_a_recipe_or_a_sentence(changes: list[tuple[list[str], Any]]) -> None:
    """Never another exception."""
    values: Any = MINIMAL
    for path, value in changes:
        values = put(values, path, value)
    check_answer(values)


@settings(derandomize=True, max_examples=100, deadline=None)
@given(values=st.dictionaries(KEYS, VALUES, max_size=4))
def test_any_table_gives_a_recipe_or_a_sentence(values: dict[str, Any]) -> None:
    """From nothing, too."""
    check_answer({"name": "own", **values})


@settings(derandomize=True, max_examples=200, deadline=None)
@given(text=st.text(max_size=60), key=PATHS.map(".".join))
def test_any_override_gives_a_recipe_or_a_sentence(text: str, key: str) -> None:
    """Whatever stands behind --set."""
    found = answer(lambda: recipe.load("digits", overrides={key: text}))
    assert isinstance(found, Recipe) or found.startswith(("recipe 'digits': ", "--set "))


QAT = {"name": "quantize_aware"}
INT8 = {"schemes": ["int8"]}

WRONG_OPTIMIZATIONS: dict[str, tuple[dict[str, Any], str]] = {
    "quantises twice": (
        {"optimize": [QAT, QAT], "convert": INT8},
        "optimize names one twice: quantize_aware, quantize_aware",
    ),
    "quantises again at conversion": (
        {"optimize": [QAT], "convert": {"schemes": ["int8", "dynamic_range"]}},
        "convert.schemes: 'dynamic_range' would quantise again what 'quantize_aware' has trained for int8: "
        "set convert.schemes to ['int8']",
    ),
    "quantises for all schemes": ({"optimize": [QAT]}, "convert.schemes: 'float32' would quantise again"),
    "prunes after quantising": (
        {"optimize": [QAT, {"name": "prune"}], "convert": INT8},
        "optimize: 'prune' after 'quantize_aware' would undo its work; 'prune' may follow distill",
    ),
    "prunes after clustering": (
        {"optimize": [{"name": "cluster"}, {"name": "prune"}]},
        "optimize: 'prune' after 'cluster' would undo its work",
    ),
    "clusters after quantising": (
        {"optimize": [QAT, {"name": "cluster"}], "convert": INT8},
        "'cluster' after 'quantize_aware' would undo its work; 'cluster' may follow distill, prune",
    ),
    "distills last": (
        {"optimize": [{"name": "prune"}, {"name": "distill", "teacher": {"name": "emnist_cnn"}}]},
        "optimize: 'distill' after 'prune' would undo its work; 'distill' may follow nothing",
    ),
    "guards what was quantised in training": (
        {"optimize": [QAT], "convert": INT8, "guard": {}},
        "optimize has 'quantize_aware', which fixes their ranges in training: leave one of them out",
    ),
    "one cluster": (
        {"optimize": [{"name": "cluster", "clusters": 1}]},
        "optimize.0.clusters: Input should be greater than or equal to 2 (got 1)",
    ),
    "prunes to 100 %": (
        {"optimize": [{"name": "prune", "sparsity": 1.0}]},
        "optimize.0.sparsity: Input should be less than 1 (got 1.0)",
    ),
    "prunes nothing": ({"optimize": [{"name": "prune", "sparsity": 0.0}]}, "optimize.0.sparsity: "),
    "prunes backwards": (
        {"optimize": [{"name": "prune", "sparsity": 0.3, "initial_sparsity": 0.5}]},
        "initial_sparsity 0.5 must be below sparsity 0.3",
    ),
    "2:4 of 80 %": (
        {"optimize": [{"name": "prune", "pattern": "2:4", "sparsity": 0.8}]},
        "pattern '2:4' makes half of the weights zero: sparsity 0.8 cannot be",
    ),
    "unknown pattern": ({"optimize": [{"name": "prune", "pattern": "1:4"}]}, "optimize.0.pattern: "),
    "block of nothing": ({"optimize": [{"name": "prune", "block": [0, 4]}]}, "optimize.0.block.0: "),
    "no layers": ({"optimize": [{"name": "prune", "layers": []}]}, "optimize.0.layers: "),
    "unknown start": ({"optimize": [{"name": "cluster", "start": "kmeans"}]}, "optimize.0.start: "),
    "no epochs of it": ({"optimize": [{"name": "cluster", "epochs": 0}]}, "optimize.0.epochs: "),
    "misspelt option": (
        {"optimize": [{"name": "prune"}, {"name": "cluster", "cluster": 8}]},
        "unknown key 'optimize.1.cluster', choose from: ",
    ),
    "no teacher": ({"optimize": [{"name": "distill"}]}, "give either teacher (a model to train) or"),
    "teacher not there": (
        {"optimize": [{"name": "distill", "teacher_file": "/none.h5"}]},
        "teacher_file '/none.h5' is no file",
    ),
    "teacher of no weight": (
        {"optimize": [{"name": "distill", "teacher": {"name": "emnist_cnn"}, "weight": 0.0}]},
        "optimize.0.weight: ",
    ),
    "unknown teacher": (
        {"optimize": [{"name": "distill", "teacher": {"name": "emnist_cn"}}]},
        "unknown model 'emnist_cn', choose from: ",
    ),
    "teacher's option": (
        {"optimize": [{"name": "distill", "teacher": {"name": "emnist_cnn", "dens": [8]}}]},
        "unknown key 'teacher.dens', choose from: ",
    ),
}
"""What optimisations cannot be: (values, what the error says)."""


@pytest.mark.parametrize("case", WRONG_OPTIMIZATIONS)
def test_optimisations_that_cannot_be_are_refused_when_the_recipe_is_read(case: str) -> None:
    """Order, combination and range, before anything is trained."""
    values, says = WRONG_OPTIMIZATIONS[case]
    with pytest.raises(RecipeError) as caught:
        check(**values)
    assert str(caught.value).startswith("recipe 'own': ")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "names",
    [
        ("prune", "quantize_aware"),
        ("cluster", "quantize_aware"),
        ("prune", "cluster", "quantize_aware"),
        ("distill", "prune", "cluster", "quantize_aware"),
        ("distill", "quantize_aware"),
        ("prune", "cluster"),
    ],
)
def test_orders_that_keep_earlier_work_are_taken(names: tuple[str, ...]) -> None:
    """PQAT, CQAT, PCQAT, after a teacher too; defaults are written out and read back alike."""
    sections = [{"name": name} for name in names]
    if names[0] == "distill":
        sections[0] = {"name": "distill", "teacher": {"name": "emnist_cnn"}}  # type: ignore[dict-item]
    taken = check(optimize=sections, convert=INT8)
    assert tuple(section.name for section in taken.optimize) == names
    written = json.loads(json.dumps(taken.model_dump(mode="json"), allow_nan=False))
    assert recipe.check(written, where="again") == taken


def test_2_of_4_is_half_when_it_is_written_out() -> None:
    """It can be read back."""
    taken = check(optimize=[{"name": "prune", "pattern": "2:4"}])
    assert taken.optimize[0].options["sparsity"] == 0.5
    assert recipe.check(taken.model_dump(mode="json"), where="again") == taken
    assert taken.smoke().optimize[0].options["epochs"] == recipe.SMOKE_EPOCHS
