"""Distillation: the student comes closer to its teacher; one that answers another question is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from converters import stack
from converters.errors import ModelLoadError
from pipeline.errors import RecipeError
from pipeline.optimizations import Finalized, distill
from pipeline.stages.checkpoints import save_h5
from tests.pipeline.optimizations import tiny

tensorflow = pytest.mark.tensorflow


def teacher(seed: int = 7) -> Any:
    """Trained on the same pictures, of other pixels: 0..255 less 128."""
    model = tiny.built(tiny.cnn, seed=seed)
    images, labels = tiny.pictures(192)
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(images - np.float32(128), labels, batch_size=16, epochs=3, verbose=0)
    return model


def small(layers: Any, tensor: Any) -> Any:
    """A student of 195 weights."""
    return layers.Flatten(name="flatten")(tensor)


def divergence(student: Any, teacher: Any) -> float:
    """Mean of KL(teacher || student) on pictures that neither has seen."""
    images, _ = tiny.pictures(60, seed=9)
    wanted = teacher.predict(images - np.float32(128), verbose=0)
    answers = student.predict(images / np.float32(255), verbose=0)
    return float(np.mean(np.sum(wanted * np.log((wanted + 1e-7) / (answers + 1e-7)), axis=1)))


@tensorflow
@pytest.mark.parametrize("weight", [0.5, pytest.param(1.0, marks=pytest.mark.slow)])
def test_the_student_comes_closer_to_a_teacher_from_a_file(tmp_path: Path, weight: float) -> None:
    """Each sees pixels as it was trained on them; the student alone is what is left."""
    file = tmp_path / "teacher.h5"
    save_h5(teacher(), file)
    student = tiny.built(small)
    known = teacher()
    before = divergence(student, known)
    start = Finalized(model=tiny.reloaded(student), scaling=tiny.SCALING)
    options = {"teacher_file": str(file), "teacher_scaling": [1.0, -128.0], "weight": weight}
    found, claims = tiny.apply("distill", start, epochs=6, learning_rate=0.02, temperature=2.0, **options)
    assert claims == []
    assert found.scaling == tiny.SCALING
    assert [layer.name for layer in found.model.layers] == [layer.name for layer in student.layers]
    assert divergence(found.model, known) < 0.5 * before


@tensorflow
def test_the_loss_is_hintons() -> None:
    """A step of plain gradient descent by hand: (1 - w) * cross-entropy + w * T^2 * KL at T."""
    tf, keras = stack.load()
    known, student = tiny.built(small, seed=3), tiny.built(small)
    known.trainable = False
    chosen = tiny.options("distill", teacher={"name": "emnist_cnn"}, temperature=4.0, weight=0.6)
    work = tiny.context(student, chosen, train=lambda *_: (known, tiny.SCALING))
    training = distill.prepare(work, chosen)
    training.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy", metrics=["accuracy"])
    images, labels = tiny.pictures(12)
    scaled = images / np.float32(255)
    twin = keras.models.clone_model(student)
    twin.set_weights(student.get_weights())
    with tf.GradientTape() as tape:
        logits = tf.math.log(twin(scaled))
        hard = keras.losses.sparse_categorical_crossentropy(labels, tf.nn.softmax(logits))
        wanted, soft = tf.nn.softmax(tf.math.log(known(scaled)) / 4), tf.nn.softmax(logits / 4)
        kl = tf.reduce_sum(wanted * tf.math.log(wanted / soft), axis=1)
        loss = tf.reduce_mean(0.4 * hard + 0.6 * 16 * kl)
    for variable, gradient in zip(
        twin.trainable_variables, tape.gradient(loss, twin.trainable_variables), strict=True
    ):
        variable.assign_sub(0.1 * gradient)
    untouched = known.get_weights()
    training.fit(scaled, labels, batch_size=12, verbose=0)
    found = distill.finalize(work, chosen, training).model
    for ours, theirs in zip(found.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)
    assert all(np.array_equal(a, b) for a, b in zip(untouched, known.get_weights(), strict=True))


@tensorflow
def test_a_teacher_of_other_classes_or_images_is_refused(tmp_path: Path) -> None:
    """With both numbers."""
    keras = stack.load().keras
    student = tiny.built(small)
    file = tmp_path / "teacher.h5"
    cases = {
        "knows 5 classes, the dataset has 3: a teacher must answer the same question": ((8, 8), 5),
        "takes images of (9, 8), the dataset has (8, 8)": ((9, 8), 3),
    }
    for says, (shape, classes) in cases.items():
        layers = [keras.Input(shape), keras.layers.Flatten(), keras.layers.Dense(classes)]
        save_h5(keras.Sequential(layers), file)
        chosen = tiny.options("distill", teacher_file=str(file))
        with pytest.raises(RecipeError) as caught:
            distill.scan(tiny.context(student, chosen), chosen)
        assert says in str(caught.value)


@tensorflow
def test_a_teacher_of_keras_3_or_no_model_is_refused(tmp_path: Path) -> None:
    """Keras 3 cannot be asked inside a graph of Keras 2."""
    student = tiny.built(small)
    import keras as keras3

    new = tmp_path / "new.keras"
    keras3.Sequential([keras3.Input((8, 8)), keras3.layers.Flatten(), keras3.layers.Dense(3)]).save(new)
    chosen = tiny.options("distill", teacher_file=str(new))
    with pytest.raises(RecipeError, match=r"new\.keras' is a Keras 3 model: save it with tf_keras"):
        distill.scan(tiny.context(student, chosen), chosen)

    for name in ("text.h5", "text.keras", "text.txt"):
        path = tmp_path / name
        path.write_text("no model", "utf-8")
        chosen = tiny.options("distill", teacher_file=str(path))
        with pytest.raises(ModelLoadError, match="not a"):
            distill.scan(tiny.context(student, chosen), chosen)


def test_one_teacher_is_asked_for(tmp_path: Path) -> None:
    """Not none, not two, and not a file that is not there."""
    both = {"teacher": {"name": "emnist_cnn"}, "teacher_file": "x.h5"}
    for values in ({}, both):
        with pytest.raises(ValidationError, match="give either teacher"):
            distill.Options.model_validate(values)
    with pytest.raises(ValidationError, match="is no file"):
        distill.Options(teacher_file=str(tmp_path / "none.h5"))
