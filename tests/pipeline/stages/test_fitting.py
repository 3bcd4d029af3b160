"""Fitting: the loss with smoothed labels and the rate of learning, against their formulas."""

import numpy as np
import pytest

from converters import stack
from pipeline.sections import TrainSection
from pipeline.stages import fitting

CLASSES = 5

ROUNDING = 1e-5
"""Relative: some float32 steps, and Keras's guard of 1e-7 around the logarithm."""


@pytest.mark.tensorflow
@pytest.mark.parametrize("share", [0.0, 0.1, 0.5])
def test_the_loss_is_the_cross_entropy_of_smoothed_labels(share: float) -> None:
    """-sum over k of ((1 - s) [k is right] + s / K) log p_k; accuracy is of the labels as they are."""
    keras = stack.load().keras
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(CLASSES, activation="softmax")])
    section = TrainSection(label_smoothing=share, batch=16)
    fitting.compile_model(model, section, steps=1, at_a_time=1)
    generator = np.random.default_rng(1)
    samples = generator.normal(size=(16, 3)).astype(np.float32)
    labels = generator.integers(0, CLASSES, 16)
    figures = model.evaluate(samples, labels, verbose=0, return_dict=True, batch_size=16)
    answers = model.predict(samples, verbose=0).astype(np.float64)
    wanted = np.full((16, CLASSES), share / CLASSES)
    wanted[np.arange(16), labels] += 1 - share
    assert figures["loss"] == pytest.approx(-(wanted * np.log(answers)).sum(axis=1).mean(), rel=ROUNDING)
    assert figures["accuracy"] == pytest.approx(np.mean(answers.argmax(axis=1) == labels))


@pytest.mark.tensorflow
def test_the_rate_rises_from_zero_and_falls_to_it() -> None:
    """Evenly over the warm-up, then along half a cosine over what is left."""
    keras = stack.load().keras
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(CLASSES, activation="softmax")])
    section = TrainSection(schedule="cosine", epochs=5, warmup_epochs=1, learning_rate=0.1)
    fitting.compile_model(model, section, steps=10)
    rates = [float(model.optimizer._learning_rate(step)) for step in (0, 5, 10, 30, 50)]
    assert rates == pytest.approx([0, 0.05, 0.1, 0.05, 0], abs=1e-7)


@pytest.mark.parametrize(
    ("values", "said"),
    [({"warmup_epochs": 1}, "goes with schedule 'cosine'"),
     ({"warmup_epochs": 3, "epochs": 3, "schedule": "cosine"}, "warmup_epochs 3 leaves none of 3 epochs")],
)  # fmt: skip
def test_a_warm_up_that_cannot_be_is_refused(values: dict[str, object], said: str) -> None:
    """Before anything is trained."""
    with pytest.raises(ValueError, match=said):
        TrainSection.model_validate(values)
