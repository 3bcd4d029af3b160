"""Fitting: the loss with smoothed labels, against its formula."""

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
