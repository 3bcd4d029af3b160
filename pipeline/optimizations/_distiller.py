"""The model that trains a student beside its teacher."""

from typing import Any

from converters import stack

SMALLEST_PROBABILITY = 1e-7
"""The smallest that Keras's own cross-entropy takes a logarithm of."""


def distiller(
    student: Any, teacher: Any, *, rescaling: tuple[float, float], temperature: float, weight: float
) -> Any:
    """A Keras model that answers as the student does and trains it on both losses.

    Args:
        student: gives (batch, classes) probabilities; trained.
        teacher: gives as many; only asked.
        rescaling: (factor, offset) from the student's pixels to the teacher's.
        temperature: of both distributions.
        weight: of the teacher's loss, 0..1.
    """
    tf, keras = stack.load()
    factor, offset = rescaling

    def soften(probabilities: Any) -> Any:
        logits = tf.math.log(tf.maximum(probabilities, SMALLEST_PROBABILITY))
        return tf.nn.softmax(logits / temperature)

    class Distiller(keras.Model):  # type: ignore[misc,name-defined]
        """See :mod:`pipeline.optimizations.distill`."""

        def __init__(self) -> None:
            super().__init__(name="distiller")
            self.student = student
            self.minimised = keras.metrics.Mean(name="minimised")
            # Behind a function Keras does not see it: the teacher is no part of the checkpoints.
            self._ask = lambda images: teacher(images * factor + offset, training=False)

        def call(self, images: Any, training: bool | None = None) -> Any:
            return self.student(images, training=training)

        def train_step(self, data: Any) -> Any:
            images, labels = data
            wanted = soften(self._ask(images))  # type: ignore[no-untyped-call]
            with tf.GradientTape() as tape:
                answers = self.student(images, training=True)
                divergence = keras.losses.kl_divergence(wanted, soften(answers))
                # The one that fitting compiled it with: labels may be smoothed.
                right = keras.losses.get(self.loss)(labels, answers)
                loss = (1.0 - weight) * tf.reduce_mean(right)
                loss += weight * temperature**2 * tf.reduce_mean(divergence)
                # Regularisers are no matter between labels and teacher: they count whole.
                loss += tf.add_n(self.student.losses) if self.student.losses else 0.0
            self.optimizer.minimize(loss, self.student.trainable_variables, tape=tape)
            self.minimised.update_state(loss)
            figures = self.compute_metrics(images, labels, answers, None)
            # Were the names those of all metrics, Keras would read these itself, and the loss it knows of is
            # that of evaluations: 0 here.
            del figures[self.minimised.name]
            return {**figures, "loss": self.minimised.result()}

    model = Distiller()
    model(keras.Input(student.input_shape[1:]))
    return model
