"""What a sweep builds, and what it refuses before anything runs."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from pipeline import recipe, target
from pipeline.errors import UsageError
from pipeline.sweep.variants import Variant, derive, parse_over


def variants(
    *names: str | Path,
    over: Sequence[str] = (),
    overrides: dict[str, str] | None = None,
    schemes: Sequence[str] = ("float32", "int8"),
    runtime: str = "litert",
    profile: str = "full",
) -> tuple[Variant, ...]:
    """Derives for the plain target."""
    return derive(
        [str(name) for name in names],
        parse_over(over),
        overrides=overrides or {},
        schemes=schemes,
        runtime=runtime,
        profile=profile,
        target=target.load("tflite"),
    )


def written(folder: Path, text: str, name: str = "mine") -> Path:
    """A recipe file for digits with more in it."""
    path = folder / f"{name}.toml"
    path.write_text(f'[dataset]\nname = "digits"\n[model]\nname = "emnist_cnn"\n{text}', "utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "key", "values"),
    [
        ("train.epochs=5,10", "train.epochs", ("5", "10")),
        (" train.epochs = 5 , 10 ", "train.epochs", ("5", "10")),
        ("optimize=none", "optimize", ("none",)),
        ("model.dense=[64],[256, 128]", "model.dense", ("[64]", "[256, 128]")),
        (
            "model.blocks=[{filters = 8, convolutions = 1}],[{filters = 16}]",
            "model.blocks",
            ("[{filters = 8, convolutions = 1}]", "[{filters = 16}]"),
        ),
        ("description='a, b',\"[,\"", "description", ("'a, b'", '"[,"')),
        ("model=a=b,c", "model", ("a=b", "c")),
    ],
)
def test_values_are_parted_at_the_commas_outside(text: str, key: str, values: tuple[str, ...]) -> None:
    """Brackets, braces and quotes keep theirs."""
    assert parse_over([text]) == {key: values}


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        (["train.epochs"], "--over train.epochs: write it as KEY=V1,V2"),
        (["=1,2"], "write it as KEY=V1,V2"),
        (["train.epochs="], "an empty value"),
        (["train.epochs=1,,2"], "an empty value"),
        (["seed=1", "seed=2"], "--over seed: given twice"),
        (["convert.schemes=[]"], "--over convert.schemes: --schemes says what is converted"),
        (["verify.runtimes=[]"], "--over verify.runtimes: --runtime says"),
        (["name=a,b"], "--over name: "),
        (["expect.train_images=3"], "--over expect.train_images: "),
    ],
)
def test_what_cannot_be_varied_is_refused(texts: list[str], says: str) -> None:
    """In a sentence."""
    with pytest.raises(UsageError) as error:
        parse_over(texts)
    assert says in str(error.value)


def test_without_over_a_recipe_is_one_variant() -> None:
    """As it stands, but for what the sweep decides."""
    (variant,) = variants("emnist")
    plain = recipe.load("emnist")
    assert variant.label == "emnist"
    assert variant.recipe.convert.schemes == ("float32", "int8")
    assert variant.recipe.runtimes == ("litert",)
    assert variant.recipe.expect is None
    same = variant.recipe.model_copy(
        update={"convert": plain.convert, "verify": plain.verify, "expect": plain.expect}
    )
    assert same == plain


def test_every_combination_is_a_variant() -> None:
    """The last key turns fastest; the values are in the recipes."""
    found = variants("digits", over=["train.epochs=5,10", "optimize=none,prune"])
    assert [variant.label for variant in found] == [
        "epochs=5 none", "epochs=5 prune", "epochs=10 none", "epochs=10 prune",
    ]  # fmt: skip
    assert [variant.recipe.train.epochs for variant in found] == [5, 5, 10, 10]
    assert [[each.name for each in variant.recipe.optimize] for variant in found] == [[], ["prune"]] * 2
    assert found[3].over == {"train.epochs": "10", "optimize": "prune"}


def test_several_recipes_are_told_apart(tmp_path: Path) -> None:
    """By name, in the order they were given."""
    found = variants("digits", written(tmp_path, ""), over=["seed=1,2"])
    assert [variant.label for variant in found] == [
        "digits seed=1", "digits seed=2", "mine seed=1", "mine seed=2",
    ]  # fmt: skip


def test_keys_that_end_alike_are_written_out() -> None:
    """`train.batch` is not another section's `batch`."""
    found = variants("digits", over=["train.epochs=5", "dataset.validation=0.2", "model.dropout=0.1"])
    assert found[0].label == "epochs=5 validation=0.2 dropout=0.1"
    chosen = variants("digits", over=["dataset.name=digits", "model.name=emnist_cnn"])
    assert chosen[0].label == "dataset.name=digits model.name=emnist_cnn"


def test_a_chain_that_is_made_for_int8_gets_that_alone() -> None:
    """The others keep both."""
    found = variants("emnist", over=["optimize=none,prune,qat,pcqat"])
    assert [variant.recipe.convert.schemes for variant in found] == [
        ("float32", "int8"), ("float32", "int8"), ("int8",), ("int8",),
    ]  # fmt: skip


def test_gates_of_schemes_that_are_not_made_are_dropped_and_the_others_kept(tmp_path: Path) -> None:
    """What a gate leaves out keeps its default."""
    mine = written(
        tmp_path,
        "[verify.gates]\nfloat16 = { min_top1_agreement = 0.9 }\nint8 = { max_bytes = 1000 }\n",
    )
    (variant,) = variants(mine)
    assert set(variant.recipe.verify.gates) == {"int8"}
    gate = variant.recipe.gate("int8")
    assert (gate.max_bytes, gate.max_accuracy_drop_points) == (1000, 1.0)


def test_the_recipes_own_options_are_used_in_a_chain(tmp_path: Path) -> None:
    """And the defaults for what it does not have."""
    mine = written(tmp_path, '[[optimize]]\nname = "prune"\nsparsity = 0.6\n')
    own, none, longer = variants(mine, over=[]) + variants(mine, over=["optimize=none,pqat"])
    assert [each.options["sparsity"] for each in own.recipe.optimize] == [0.6]
    assert none.recipe.optimize == ()
    prune, quantize = longer.recipe.optimize
    assert (prune.name, prune.options["sparsity"], quantize.name) == ("prune", 0.6, "quantize_aware")
    plain = variants("digits", over=["optimize=pqat"])[0].recipe.optimize
    assert plain[0].options["sparsity"] == 0.8


def test_options_that_exclude_each_others_defaults_survive(tmp_path: Path) -> None:
    """2:4 excludes a sparsity that was asked for: the default of it must not look like one."""
    mine = written(tmp_path, '[[optimize]]\nname = "prune"\npattern = "2:4"\n')
    (variant,) = variants(mine, over=["optimize=prune"])
    assert variant.recipe.optimize[0].options["pattern"] == "2:4"


def test_a_recipe_that_is_made_for_int8_needs_no_schemes_of_its_own(tmp_path: Path) -> None:
    """The sweep says what is converted, whatever the recipe has."""
    mine = written(tmp_path, '[convert]\nschemes = ["int8"]\n[[optimize]]\nname = "quantize_aware"\n')
    assert variants(mine)[0].recipe.convert.schemes == ("int8",)
    none = variants(mine, over=["optimize=none"])[0]
    assert none.recipe.convert.schemes == ("float32", "int8")


def test_a_guard_stands_where_it_has_something_to_restore(tmp_path: Path) -> None:
    """Not after training that has quantised, and not without int8."""
    mine = written(tmp_path, "[guard]\nlayers = 3\n")
    none, trained = variants(mine, over=["optimize=none,qat"])
    assert none.recipe.guard is not None
    assert none.recipe.guard.layers == 3
    assert trained.recipe.guard is None
    assert variants(mine, schemes=["float32"])[0].recipe.guard is None


def test_set_changes_all_variants() -> None:
    """As in other commands."""
    found = variants("digits", over=["seed=1,2"], overrides={"train.batch": "64"})
    assert [variant.recipe.train.batch for variant in found] == [64, 64]


def test_smoke_is_stamped_on_each() -> None:
    """And limits it."""
    (variant,) = variants("digits", profile="smoke")
    assert variant.recipe.profile == "smoke"
    assert variant.recipe.train.epochs == 2
    assert variant.recipe.expect is None


@pytest.mark.parametrize(
    ("names", "more", "says"),
    [
        (["digts"], {}, "unknown recipe 'digts'"),
        (["digits"], {"over": ["train.epoch=1,2"]}, "did you mean 'train.epochs'?"),
        (["digits"], {"over": ["train.epochs=1,0"]}, "recipe 'digits' with train.epochs=0: train.epochs: "),
        (["digits"], {"over": ["optimize=none,pquat"]}, "did you mean 'pqat'?"),
        (["digits"], {"over": ["optimize=prune+prune"]}, "names one twice"),
        (["digits"], {"schemes": ["int9"]}, "unknown scheme 'int9'"),
        (["digits"], {"schemes": ["int8", "int8"]}, "--schemes names one twice"),
        (["digits"], {"schemes": ["float32"], "over": ["optimize=qat"]}, "add it to --schemes float32"),
        (["digits"], {"runtime": "liter"}, "did you mean 'litert'?"),
        (["digits"], {"runtime": "keras"}, "names only the reference"),
        (["digits"], {"over": ["seed=1,2"], "overrides": {"seed": "3"}}, "both to --set and to --over"),
        (["digits"], {"overrides": {"convert.schemes": "[]"}}, "--set convert.schemes: --schemes says"),
        (["digits", "digits"], {}, "'digits' and 'digits' are one and the same recipe"),
        (["digits"], {"over": ["optimize=qat,quantize_aware"]}, "are one and the same recipe"),
        (["digits"], {"over": ["train.epochs=5,6"], "profile": "smoke"}, "profile smoke limits epochs"),
        (["digits"], {"overrides": {"convert": "3"}}, "convert: should be a section"),
        (["digits"], {"overrides": {"verify.gates": "3"}}, "verify.gates"),
        (["digits"], {"overrides": {"verify.gates.int9": "{}"}}, "unknown scheme 'int9'"),
        (["digits"], {"overrides": {"optimize": "3"}}, "optimize: "),
    ],
)
def test_what_is_wrong_is_refused_before_anything_runs(
    names: list[str], more: dict[str, object], says: str
) -> None:
    """All of it is wrong usage."""
    with pytest.raises(UsageError) as error:
        variants(*names, **more)  # type: ignore[arg-type]
    assert says in str(error.value)
    assert error.value.exit_code == 2


def test_two_recipes_of_one_name_are_refused(tmp_path: Path) -> None:
    """They would share a run folder, and their rows a name."""
    mine = written(tmp_path, "[train]\nepochs = 3\n", name="digits")
    with pytest.raises(UsageError, match="two recipes are called 'digits'"):
        variants("digits", mine)
