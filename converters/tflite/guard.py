"""Keeps the layers that cost an int8 model most in float32, until a limit holds; the smallest such file wins.

round:   units (a layer, or two neighbours) --worst SQNR first--> trial files --smallest first--> measured
         the first within the limit is taken; else the best is kept and the next round builds on it
at last: each restored layer is tried at int8 again, and given up where the limit holds without it

Restored layers compute in float32, not on 16-bit activations. Those of ai-edge-quantizer 0.10, the one tool
that sets them layer by layer, come in files that state op version 1 and runtime 1.5.0 throughout, and that
tflite-runtime 2.14 refuses (no QUANTIZE from int8 to int16); in a small CNN they saved 15 % of the bytes. The
scheme int16x8 has them everywhere, but float32 at the door: another contract for the app.
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass

from converters.errors import ConverterError
from converters.representative import Representative
from converters.spec import ConversionSpec
from converters.tflite import units
from converters.tflite.calibrated import Calibrated, Layer, calibrate
from converters.tflite.inspect import Tensor, inspect_bytes
from converters.tflite.keras import SourceModel
from converters.tflite.layer_error import LOSSLESS_DB, sqnr_by_layer
from converters.tflite.units import Restored

ROUND_UNITS = 12
"""Units that a round tries at most: enough for the six worst layers and a neighbour of each, few enough for a
network of fifty layers to be done in minutes."""

MAX_TRIALS = 200
"""No further round once so many files are measured; what is best by then is the answer."""

Measure = Callable[[Sequence[bytes]], Generator[float, None, None]]
"""Accuracy drop of each file against the float model, percentage points, one by one as they are measured; it
is closed early where the rest need not be known."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What to reach, and with how much.

    Attributes:
        drop_points: largest accuracy drop, percentage points.
        layers: restored layers at most.
        max_bytes: size of the file at most; None for any.
    """

    drop_points: float
    layers: int
    max_bytes: int | None = None


@dataclass(frozen=True, kw_only=True)
class LayerVerdict:
    """What became of one layer.

    Attributes:
        layer: the layer.
        sqnr_db: its own error at int8, see :mod:`converters.tflite.layer_error`; None where it only moves
            values, or is in float anyway.
        restored: whether the file computes it in float32.
        bought_points: accuracy that the file would lose with this layer alone back at int8, percentage
            points, infinite where that file does not run; None unless restored.
        cost_bytes: what the file would save then; None unless restored.
    """

    layer: Layer
    sqnr_db: float | None
    restored: bool
    bought_points: float | None = None
    cost_bytes: int | None = None


@dataclass(frozen=True, kw_only=True)
class Guarded:
    """The best file found, and how.

    Attributes:
        content: the file.
        held: whether its drop is within the limit.
        why: what stopped the search short of the limit; empty where it holds.
        drop_before: of the plain int8 file, percentage points.
        drop_after: of this one.
        bytes_before: size of the plain int8 file.
        trials: files that were measured.
        verdicts: every layer, in order of execution.
    """

    content: bytes
    held: bool
    why: str
    drop_before: float
    drop_after: float
    bytes_before: int
    trials: int
    verdicts: tuple[LayerVerdict, ...]


@dataclass(frozen=True, kw_only=True)
class _Trial:
    restored: Restored
    content: bytes
    drop: float


def guard(
    source: SourceModel,
    spec: ConversionSpec,
    representative: Representative,
    *,
    inputs: Representative,
    measure: Measure,
    limits: Limits,
    report: Callable[[str], None],
) -> Guarded:
    """Looks for the smallest int8 file, some layers in float32, whose accuracy drop is within the limit.

    Args:
        source: the model.
        spec: scheme ``int8``, dtype at the door, runtime floor: every trial keeps them.
        representative: samples for calibration.
        inputs: validation samples that the error of layers is measured on.
        measure: accuracy drop of files on validation images.
        limits: what to reach.
        report: told one line after each trial.

    Raises:
        ConverterError: the model cannot be converted at all.
    """
    search = _Search(calibrate(source, spec, representative), inputs, measure, limits, report)
    return search.run()


class _Search:
    def __init__(
        self,
        calibrated: Calibrated,
        inputs: Representative,
        measure: Measure,
        limits: Limits,
        report: Callable[[str], None],
    ) -> None:
        self._calibrated, self._measure, self._limits, self._report = calibrated, measure, limits, report
        ratios = sqnr_by_layer(calibrated, inputs)
        # What holds weights never just goes with others: in float32 it costs bytes.
        self._sqnr = {
            index: ratio
            for index, ratio in ratios.items()
            if ratio < LOSSLESS_DB or calibrated.layers[index].weights
        }
        self._units = units.ranked(calibrated.layers, self._sqnr)
        self._known: dict[Restored, _Trial] = {}
        self._refused: dict[Restored, str] = {}

    def run(self) -> Guarded:
        content = self._calibrated.quantise()
        self._doors = _doors(content)
        (plain,) = self._measured([(frozenset(), content)])
        best, why = self._grow(plain)
        best, without = self._shrink(best)
        return Guarded(
            content=best.content,
            held=best.drop <= self._limits.drop_points,
            why=why,
            drop_before=plain.drop,
            drop_after=best.drop,
            bytes_before=len(plain.content),
            trials=len(self._known),
            verdicts=self._verdicts(best, without),
        )

    def _grow(self, plain: _Trial) -> tuple[_Trial, str]:
        """Restores unit after unit; the best trial, and why it is not within the limit if it is not."""
        best = current = plain
        limit = self._limits.drop_points
        while best.drop > limit:
            if len(self._known) >= MAX_TRIALS:
                return best, f"{len(self._known)} files were tried, which is the bound"
            choices = self._choices(current.restored)
            if not choices:
                return best, self._exhausted(current.restored)
            found: dict[Restored, _Trial] = {}
            with closing(self._measured(self._files(choices))) as trials:
                for trial in trials:
                    found[trial.restored] = trial
                    if trial.drop <= limit:  # from the smallest file up: all that follow are larger
                        break
            if not found:
                continue  # all of them were refused: the next ones in rank
            step = min(found.values(), key=_worth)
            if step.drop >= current.drop:
                # No unit helps by itself: the worst layers may still help together.
                step = next(found[choice] for choice in choices if choice in found)
            current = step
            best = min(best, current, key=_worth)
        return best, ""

    def _choices(self, restored: Restored) -> list[Restored]:
        """The next sets of layers to try, the worst SQNR first."""
        larger = dict.fromkeys(restored | unit for unit in self._units if not unit <= restored)
        allowed = [c for c in larger if len(c) <= self._limits.layers and c not in self._refused]
        return allowed[:ROUND_UNITS]

    def _exhausted(self, restored: Restored) -> str:
        refused = [why for choice, why in self._refused.items() if choice > restored]
        if refused:
            return f"nothing more can be restored: {refused[0]}"
        if len(restored) == len(self._sqnr):
            return f"all {len(restored)} layers that can be restored are in float"
        return f"{self._limits.layers} layers may be restored of {len(self._sqnr)}"

    def _files(self, choices: Sequence[Restored]) -> list[tuple[Restored, bytes]]:
        """Makes the files; says which cannot be made, or are not as the spec and the limits want them."""
        files, layers = [], self._calibrated.layers
        for choice in choices:
            if choice in self._known:
                files.append((choice, self._known[choice].content))
                continue
            try:
                content = self._calibrated.quantise(units.with_carriers(choice, layers, self._sqnr))
            except ConverterError as error:
                self._refuse(choice, f"cannot be made: {error}")
                continue
            if self._limits.max_bytes is not None and len(content) > self._limits.max_bytes:
                self._refuse(choice, f"takes {len(content):,} bytes of {self._limits.max_bytes:,} allowed")
            elif _doors(content) != self._doors:
                self._refuse(choice, "changes dtype or scale at the door")
            else:
                files.append((choice, content))
        return files

    def _refuse(self, choice: Restored, why: str) -> None:
        self._refused[choice] = f"{self._named(choice)} {why}"
        self._report(self._refused[choice])

    def _measured(self, files: Sequence[tuple[Restored, bytes]]) -> Generator[_Trial, None, None]:
        """Measures from the smallest file up, each once."""
        ordered = sorted(files, key=lambda each: len(each[1]))
        fresh = [(choice, content) for choice, content in ordered if choice not in self._known]
        yield from (self._known[choice] for choice, _ in ordered if choice in self._known)
        if not fresh:
            return
        with closing(self._measure([content for _, content in fresh])) as drops:
            for (choice, content), drop in zip(fresh, drops, strict=True):
                self._report(f"{self._named(choice)}: {len(content):,} bytes, drop {drop:+.2f} points")
                self._known[choice] = _Trial(restored=choice, content=content, drop=drop)
                yield self._known[choice]

    def _shrink(self, best: _Trial) -> tuple[_Trial, Mapping[int, _Trial]]:
        """Gives up layers that are not needed; for each of the others the file without it."""
        while True:
            fewer = [best.restored - {index} for index in sorted(best.restored)]
            trials = list(self._measured(self._files(fewer)))
            bound = max(self._limits.drop_points, best.drop)
            spared = [t for t in trials if t.drop <= bound and len(t.content) <= len(best.content)]
            if not spared:
                return best, {next(iter(best.restored - trial.restored)): trial for trial in trials}
            best = min(spared, key=lambda trial: (len(trial.content), trial.drop))

    def _verdicts(self, best: _Trial, without: Mapping[int, _Trial]) -> tuple[LayerVerdict, ...]:
        return tuple(
            LayerVerdict(
                layer=layer,
                sqnr_db=self._sqnr.get(index),
                restored=index in best.restored,
                bought_points=without[index].drop - best.drop if index in without else None,
                cost_bytes=len(best.content) - len(without[index].content) if index in without else None,
            )
            for index, layer in enumerate(self._calibrated.layers)
        )

    def _named(self, restored: Restored) -> str:
        if not restored:
            return "plain int8"
        return " + ".join(self._calibrated.layers[index].title for index in sorted(restored)) + " in float"


def _worth(trial: _Trial) -> tuple[float, int]:
    """The smaller the better: the drop, then the size."""
    return trial.drop, len(trial.content)


def _doors(content: bytes) -> list[tuple[str, tuple[float, ...], tuple[int, ...]]]:
    """What an app must know of the input and the output tensor."""
    inspection = inspect_bytes(content, where="trial")
    doors: tuple[Tensor, ...] = (*inspection.inputs, *inspection.outputs)
    return [(door.dtype, door.scales, door.zero_points) for door in doors]
