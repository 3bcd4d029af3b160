"""Prune: weights of small magnitude become zeros, while training makes up for them.

The .tflite is not smaller for it, as zeros are stored like any other number; its zip is.
"""

import math
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from converters import stack
from pipeline.artifacts import Claim
from pipeline.errors import RecipeError
from pipeline.kernels import elements, kernel
from pipeline.optimizations import Context, Finalized, Problem, Start
from pipeline.optimizations._fine_tuning import FineTuning
from pipeline.optimizations._layers import named, wrapped

AFTER = ("distill",)
SCHEMES = None

MASK_STEPS = 100
"""Steps between two choices of which weights are zero; between them the others adapt."""

MIN_UPDATES = 10
"""Least number of choices on the way to the final sparsity: fewer would cut in large pieces."""

FINAL_SHARE = 0.75
"""Share of all steps after which the final sparsity is reached; the rest heals."""

Extent = Annotated[int, Field(ge=1, le=64)]


class Options(FineTuning):
    """Keys of an ``[[optimize]]`` section named ``prune``.

    Attributes:
        sparsity: share of each kernel that becomes zero, 0..1; with ``pattern = "2:4"`` it is one half.
        schedule_of_sparsity: ``polynomial`` goes from ``initial_sparsity`` to ``sparsity`` as Zhu and Gupta,
            "To prune, or not to prune", 2017; ``constant`` has the final share from the first step on.
        initial_sparsity: where the polynomial begins.
        pattern: ``unstructured``; ``2:4`` zeros two of any four neighbours along the input channels;
            ``block`` zeros whole blocks of a Dense kernel.
        block: (rows, columns) of a block.
        layers: names; None for every layer that has a kernel and takes the pattern.
    """

    epochs: int = Field(default=3, ge=1, le=10_000)
    learning_rate: float = Field(default=3e-4, gt=0.0, le=10.0)
    sparsity: float = Field(default=0.8, gt=0.0, lt=1.0)
    schedule_of_sparsity: Literal["polynomial", "constant"] = "polynomial"
    initial_sparsity: float = Field(default=0.3, ge=0.0, lt=1.0)
    pattern: Literal["unstructured", "2:4", "block"] = "unstructured"
    block: tuple[Extent, Extent] = (1, 4)
    layers: tuple[str, ...] | None = Field(default=None, min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _half(cls, values: Any) -> Any:
        # Written out, so that the options read back from a manifest are the same.
        if isinstance(values, dict) and values.get("pattern") == "2:4":
            return {"sparsity": M_BY_N_SPARSITY, **values}
        return values

    @model_validator(mode="after")
    def _check(self) -> "Options":
        if self.pattern == "2:4":
            if self.sparsity != M_BY_N_SPARSITY:
                raise ValueError(
                    f"pattern '2:4' makes half of the weights zero: sparsity {self.sparsity} cannot be"
                )
        elif self.schedule_of_sparsity == "polynomial" and self.initial_sparsity >= self.sparsity:
            raise ValueError(
                f"initial_sparsity {self.initial_sparsity} must be below sparsity {self.sparsity}"
            )
        return self


M_BY_N = (2, 4)
"""Zeros, and in how many neighbours."""

M_BY_N_SPARSITY = 0.5


def scan(start: Start, options: Options) -> list[Problem]:
    """Layers that cannot be pruned as asked; a layer that was not named is passed over.

    Raises:
        RecipeError: a named layer is not there, or no layer takes the pattern.
    """
    layers = named(start.model, options.layers, what="prune")
    problems = [problem for layer in layers if (problem := _refused(layer, options)) is not None]
    if len(problems) == len(layers):
        raise RecipeError(
            f"optimize.prune: no layer takes pattern '{options.pattern}': {'; '.join(map(str, problems))}"
        )
    return problems if options.layers is not None else []


def prepare(context: Context, options: Options) -> Any:
    """The model with a mask on each chosen kernel."""
    sparsity = stack.load_tfmot().sparsity.keras
    chosen = {layer.name for layer in _chosen(context.model, options)}
    steps = context.steps * context.section.epochs
    end = max(1, math.floor(steps * FINAL_SHARE))
    frequency = max(1, min(MASK_STEPS, end // MIN_UPDATES))
    if options.schedule_of_sparsity == "constant" or options.pattern == "2:4":
        schedule = sparsity.ConstantSparsity(options.sparsity, begin_step=0, frequency=frequency)
    else:
        schedule = sparsity.PolynomialDecay(
            initial_sparsity=options.initial_sparsity,
            final_sparsity=options.sparsity,
            begin_step=0,
            # The mask is chosen at multiples of the frequency: the last one must be among them.
            end_step=max(frequency, end // frequency * frequency),
            frequency=frequency,
        )

    def wrap(layer: Any) -> Any:
        if layer.name not in chosen:
            return layer
        return sparsity.prune_low_magnitude(
            layer,
            pruning_schedule=schedule,
            block_size=options.block if options.pattern == "block" else (1, 1),
            sparsity_m_by_n=M_BY_N if options.pattern == "2:4" else None,
        )

    return wrapped(context.model, wrap)


def callbacks() -> list[Any]:
    """The one that counts the steps of the masks."""
    return [stack.load_tfmot().sparsity.keras.UpdatePruningStep()]


def eligible(context: Context, _options: Options) -> int:
    """The first epoch that ends after the final sparsity is reached."""
    return math.floor(FINAL_SHARE * context.section.epochs) + 1 if context.section.epochs > 1 else 1


def finalize(context: Context, _options: Options, trained: Any) -> Finalized:
    """The model without masks, its zeros in place."""
    stripped = stack.load_tfmot().sparsity.keras.strip_pruning(trained)
    return Finalized(model=stripped, scaling=context.scaling)


def promises(start: Start, options: Options) -> list[Claim]:
    """The share of zeros in each chosen kernel; for 2:4 also the pattern."""
    result = []
    for layer in _chosen(start.model, options):
        size = elements(layer)
        if options.pattern == "block":
            size //= math.prod(options.block)
        # A mask keeps a whole number of weights, or of blocks.
        share = math.floor(options.sparsity * size) / size
        result.append(Claim(optimization="prune", layer=layer.name, kind="zero_share", wanted=share))
        if options.pattern == "2:4":
            zeros = M_BY_N[0]
            result.append(Claim(optimization="prune", layer=layer.name, kind="zeros_in_four", wanted=zeros))
    return result


def _chosen(model: Any, options: Options) -> list[Any]:
    layers = named(model, options.layers, what="prune")
    return [layer for layer in layers if _refused(layer, options) is None]


def _refused(layer: Any, options: Options) -> Problem | None:
    weight = kernel(layer)
    shape = tuple(weight.shape) if weight is not None else ()
    if options.pattern == "2:4":
        if len(shape) not in (2, 4):
            return _problem(layer, f"has a kernel of rank {len(shape)}", "2:4 needs Dense or Conv2D")
        if shape[-2] % M_BY_N[1]:
            return _problem(
                layer,
                f"has {shape[-2]} inputs, which {M_BY_N[1]} does not divide",
                "leave it out of optimize.prune.layers, or change the width of the layer before it",
            )
    if options.pattern == "block":
        if len(shape) != 2:
            return _problem(layer, f"has a kernel of rank {len(shape)}", "blocks need a Dense layer")
        if any(size % extent for size, extent in zip(shape, options.block, strict=True)):
            return _problem(
                layer,
                f"has a kernel of {shape[0]}x{shape[1]}, which blocks of "
                f"{options.block[0]}x{options.block[1]} do not divide",
                "choose another optimize.prune.block or leave the layer out of optimize.prune.layers",
            )
    return None


def _problem(layer: Any, why: str, way_out: str) -> Problem:
    return Problem(layer=layer.name, why=why, way_out=way_out)
