"""Options that every optimisation has: how it goes on training."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from pipeline.sections import AugmentSection, TrainSection


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

    def section(self, batch: int, augment: AugmentSection | None) -> TrainSection:
        """As the section of a training, with the recipe's batch and augmentation."""
        return TrainSection(
            epochs=self.epochs,
            batch=self.batch or batch,
            optimizer="adam",
            learning_rate=self.learning_rate,
            schedule=self.schedule,
            patience=0,
            augment=augment,
        )
