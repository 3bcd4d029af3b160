"""A measured share and how sure it is."""

from pydantic import BaseModel, ConfigDict


class Interval(BaseModel):
    """A share 0..1 with its 95 % confidence interval."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")

    value: float
    low: float
    high: float
