"""Options that every optimisation has: how it goes on training."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from pipeline.sections import TrainSection


class FineTuning(BaseModel):
    """Keys of every ``[[optimize]]`` section; plug-ins set defaults of their own.

    Attributes:
        epochs: to train for.
        learning_rate: at the start, of Adam; a tenth of the training's keeps what was learnt.
        schedule: ``constant``, or ``cosine`` to zero over the epochs.
        batch: images per step; None takes the recipe's.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    epochs: int = Field(default=2, ge=1, le=10_000)
    learning_rate: float = Field(default=1e-4, gt=0.0, le=10.0)
    schedule: Literal["constant", "cosine"] = "cosine"
    batch: int | None = Field(default=None, ge=1, le=65_536)

    def section(self, train: TrainSection) -> TrainSection:
        """As the section of a training, with the batch, augmentation and smoothing of the recipe's."""
        return TrainSection(
            epochs=self.epochs,
            batch=self.batch or train.batch,
            optimizer="adam",
            learning_rate=self.learning_rate,
            schedule=self.schedule,
            patience=0,
            label_smoothing=train.label_smoothing,
            augment=train.augment,
        )
