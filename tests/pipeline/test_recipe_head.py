"""Recipes that train a head first: what is refused, the smoke profile, what optimisations take over."""

from typing import Any

import pytest

from pipeline import recipe, shelf
from pipeline.errors import RecipeError
from pipeline.recipe import SMOKE_EPOCHS, Recipe
from pipeline.sections import TrainSection

HEAD: dict[str, Any] = {"epochs": 20, "learning_rate": 0.01, "augment": {"flip": True}}

QUANTIZED: dict[str, Any] = {"optimize": [{"name": "quantize_aware"}], "convert": {"schemes": ["int8"]}}


def check(model: dict[str, Any], **more: Any) -> Recipe:
    """A recipe of this model whose head is trained first."""
    values = {"name": "own", "dataset": {"name": "digits"}, "model": model, "train": {"head": HEAD}, **more}
    return recipe.check(values, where="recipe 'own'")


def test_a_head_section_is_for_models_with_a_base() -> None:
    """Of another model nothing stands under the head."""
    with pytest.raises(RecipeError) as caught:
        check({"name": "emnist_cnn"})
    assert str(caught.value) == (
        "recipe 'own': train.head: model 'emnist_cnn' has no pretrained base, so that its head could be "
        "trained alone: leave the section out, or take model 'transfer'"
    )
    head = check({"name": "transfer"}).train.head
    assert head is not None
    assert (head.epochs, head.batch, head.optimizer) == (20, 32, "adam")


def test_a_head_on_a_random_base_is_refused() -> None:
    """Of the model and of a teacher."""
    base = {"name": "transfer", "weights": "random"}
    why = "model.weights 'random': a head on a base that has learnt nothing would learn nothing either"
    with pytest.raises(RecipeError, match=f"train.head: {why}: leave the section out, or take weights = "):
        check(base)
    teacher = {"name": "distill", "teacher": base, "teacher_train": {"head": HEAD}}
    with pytest.raises(RecipeError, match=f"teacher_train.head: {why}"):
        check({"name": "transfer"}, optimize=[teacher])
    # What is wrong with its options comes first.
    with pytest.raises(RecipeError, match="unknown base 'mobilnet'"):
        check({**base, "base": "mobilnet"}, train={})


def test_behind_a_head_the_rate_is_small_where_none_is_given() -> None:
    """The usual one would undo what the base has learnt in its first steps."""
    assert check({"name": "transfer"}).train.learning_rate == 1e-4
    assert check({"name": "transfer"}, train={}).train.learning_rate == 1e-3
    asked = check({"name": "transfer"}, train={"head": {}, "learning_rate": 0.01}).train
    assert (asked.learning_rate, asked.head and asked.head.learning_rate) == (0.01, 1e-3)
    again = TrainSection.model_validate(check({"name": "transfer"}).train.model_dump(mode="json"))
    assert again.learning_rate == 1e-4


def test_a_base_that_cannot_be_trained_quantized_is_refused_at_once() -> None:
    """Not after hours of training; with some of its layers named it may be."""
    with pytest.raises(RecipeError) as caught:
        check({"name": "transfer", "base": "efficientnet_b0"}, **QUANTIZED)
    assert str(caught.value) == (
        "recipe 'own': optimize.quantize_aware: base 'efficientnet_b0' cannot be trained quantisation-aware "
        "(it scales pixels inside, and its squeeze-and-excitation multiplies layers with each other): take "
        "base mobilenet_v2, mobilenet, xception or resnet50, or leave this optimisation out and convert to "
        "int8 after training"
    )
    chosen = {"name": "quantize_aware", "layers": ["predictions"]}
    check({"name": "transfer", "base": "efficientnet_b0"}, **{**QUANTIZED, "optimize": [chosen]})
    for base in ("mobilenet_v2", "mobilenet", "xception", "resnet50"):
        check({"name": "transfer", "base": base}, **QUANTIZED)


def test_a_teacher_is_held_to_the_same() -> None:
    """Its training is a section like the recipe's."""
    teacher = {"name": "distill", "teacher": {"name": "emnist_cnn"}, "teacher_train": {"head": HEAD}}
    with pytest.raises(RecipeError, match=r"teacher_train\.head: model 'emnist_cnn' has no pretrained base"):
        check({"name": "transfer"}, optimize=[teacher])


def test_misspelt_keys_of_the_head_are_refused_with_the_right_one() -> None:
    """As everywhere."""
    train = {"head": {"learning_rat": 0.1}}
    with pytest.raises(
        RecipeError, match=r"unknown key 'train\.head\.learning_rat'.*'train\.head\.learning_r"
    ):
        check({"name": "transfer"}, train=train)
    with pytest.raises(RecipeError, match=r"train\.label_smoothing: "):
        check({"name": "transfer"}, train={"label_smoothing": 0.6})


def test_a_smoke_build_cuts_the_head_too() -> None:
    """Of the model and of a teacher."""
    teacher = {"name": "distill", "teacher": {"name": "transfer"}, "teacher_train": {"head": HEAD}}
    smoke = check({"name": "transfer"}, optimize=[teacher]).smoke()
    assert smoke.train.head is not None
    assert smoke.train.head.epochs == SMOKE_EPOCHS
    assert smoke.train.head.learning_rate == 0.01
    options: Any = shelf.options("optimizations", "distill", smoke.optimize[0].options)
    assert options.teacher_train.head.epochs == SMOKE_EPOCHS
    assert options.teacher_train.epochs == SMOKE_EPOCHS


def test_smoothing_goes_with_the_head_and_with_optimisations() -> None:
    """All of them learn from the same labels."""
    train = {"label_smoothing": 0.1, "batch": 16, "head": HEAD, "augment": {"rotation_degrees": 5}}
    loaded = check({"name": "transfer"}, train=train, optimize=[{"name": "prune"}])
    head = loaded.train.of_head
    assert head is not None
    assert (head.label_smoothing, head.epochs, head.batch, head.head) == (0.1, 20, 32, None)
    assert head.augment is not None
    assert (head.augment.flip, head.augment.rotation_degrees) == (True, 0.0)
    options: Any = shelf.options("optimizations", "prune", loaded.optimize[0].options)
    section = options.section(loaded.train)
    assert (section.label_smoothing, section.batch, section.head) == (0.1, 16, None)
    assert section.augment == loaded.train.augment
