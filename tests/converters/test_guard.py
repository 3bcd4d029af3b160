"""The accuracy guard: it finds the layers that int8 breaks, and restores no more of them than it must."""

import re
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest

from converters import ConversionSpec, ConverterError, convert, representative
from converters.tflite.calibrated import calibrate
from converters.tflite.guard import Guarded, Limits, guard
from converters.tflite.inspect import inspect_bytes
from converters.tflite.keras import SourceModel, from_keras
from converters.tflite.layer_error import sqnr_by_layer
from tests.converters.conftest import Floats, OldRuntime, TrainedCnn, run_tflite
from tests.converters.spoilt import spoil

pytestmark = pytest.mark.tensorflow

SPEC = ConversionSpec(scheme="int8", io_dtype="uint8")

LIMIT = 2.0
"""Points: two of a hundred images; a sound int8 file loses none or one."""

HOPELESS = 20.0
"""Points that the spoilt model loses at least at int8: 40 and more measured."""

SOUND_DB = 25.0
"""A layer of a sound int8 model is above: 30 to 50 dB measured."""


@dataclass
class Measuring:
    """Share of images with another answer than Keras's, in points; counts what it was asked."""

    images: Floats
    expected: Floats
    offered: list[int] = field(default_factory=list)
    measured: int = 0

    def __call__(self, contents: Sequence[bytes]) -> Generator[float, None, None]:
        """The drop of each file."""
        self.offered.append(len(contents))
        for content in contents:
            self.measured += 1
            wrong = run_tflite(content, self.images).argmax(axis=1) != self.expected.argmax(axis=1)
            yield 100 * float(wrong.mean())


@dataclass
class Spoilt:
    """The spoilt model, and what the guard made of it."""

    source: SourceModel
    guarded: Guarded
    measuring: Measuring
    lines: list[str]


def run_guard(
    cnn: TrainedCnn, source: SourceModel, limits: Limits, spec: ConversionSpec = SPEC
) -> tuple[Guarded, Measuring, list[str]]:
    """Guards a model; also gives what was measured and reported."""
    measuring, lines = Measuring(cnn.images, cnn.expected), list[str]()
    inputs = representative(cnn.images, shape=(8, 8), value_range=(0, 255))
    found = guard(
        source, spec, cnn.samples, inputs=inputs, measure=measuring, limits=limits, report=lines.append
    )
    return found, measuring, lines


@pytest.fixture(scope="module")
def spoilt(cnn: TrainedCnn) -> Spoilt:
    """One channel of the convolution is too large; pooling and Flatten are between it and the next layer."""
    source = from_keras(spoil(cnn.model, "conv", "hidden"))
    found, measuring, lines = run_guard(cnn, source, Limits(drop_points=LIMIT, layers=8))
    return Spoilt(source, found, measuring, lines)


def test_the_two_layers_around_the_spoilt_tensor_are_restored_and_no_other(spoilt: Spoilt) -> None:
    """Neither helps alone; together they bring the model back."""
    found = spoilt.guarded
    restored = [verdict.layer.name for verdict in found.verdicts if verdict.restored]
    assert restored == ["conv", "hidden"]
    assert found.drop_before >= HOPELESS
    assert found.held
    assert found.drop_after <= LIMIT
    assert found.why == ""


def test_the_report_says_what_each_bought_and_cost(spoilt: Spoilt) -> None:
    """Figures of the file without that layer alone; none for layers at int8."""
    found = spoilt.guarded
    for verdict in found.verdicts:
        if verdict.restored:
            assert verdict.bought_points is not None
            assert verdict.bought_points >= HOPELESS
            assert verdict.cost_bytes is not None
            assert verdict.cost_bytes < len(found.content)
        else:
            assert (verdict.bought_points, verdict.cost_bytes) == (None, None)
    costs = {verdict.layer.name: verdict.cost_bytes for verdict in found.verdicts if verdict.restored}
    weights = 72 * 32
    assert costs["hidden"] == pytest.approx(3 * weights, rel=0.1), "float32 takes three bytes more than int8"
    assert len(spoilt.lines) == found.trials == spoilt.measuring.measured


def test_trials_go_from_the_smallest_file_up_and_stop_at_the_first_that_holds(spoilt: Spoilt) -> None:
    """What is larger need not be measured."""
    sizes = [int(line.split(": ")[1].split(" bytes")[0].replace(",", "")) for line in spoilt.lines]
    first_round = sizes[1 : spoilt.measuring.measured - 1]
    assert first_round[: len(first_round) - 1] == sorted(first_round[: len(first_round) - 1])
    assert spoilt.measuring.measured < sum(spoilt.measuring.offered)


def test_the_error_of_a_layer_shows_what_one_scale_for_all_channels_does(
    cnn: TrainedCnn, spoilt: Spoilt
) -> None:
    """Ratios of the sound model are all good; of the spoilt one, those around the tensor are not."""
    inputs = representative(cnn.images, shape=(8, 8))
    calibrated = calibrate(cnn.source, SPEC, cnn.samples)
    names = [layer.name for layer in calibrated.layers]
    sound = {names[index]: ratio for index, ratio in sqnr_by_layer(calibrated, inputs).items()}
    assert min(sound.values()) > SOUND_DB
    bad = {v.layer.name: v.sqnr_db for v in spoilt.guarded.verdicts if v.sqnr_db is not None}
    assert bad["conv"] < sound["conv"] - 20
    assert bad["hidden"] < sound["hidden"] - 20
    assert not {"reshape", "pool", "flatten"} & set(bad), "they only move values"


def test_values_stay_float_all_the_way_between_restored_layers(spoilt: Spoilt) -> None:
    """Pooling and Flatten between them too: at int8 they would bring the step back."""
    inspection = inspect_bytes(spoilt.guarded.content, where="guarded")
    dtypes = [(op.name, inspection.tensors[op.outputs[0]].dtype) for op in inspection.ops]
    assert ("MAX_POOL_2D", "float32") in dtypes
    assert [dtype for name, dtype in dtypes if name == "FULLY_CONNECTED"] == ["float32", "int8"]


@pytest.mark.parametrize("io", ["uint8", "int8", "float32"])
def test_the_door_stays_as_it_was(cnn: TrainedCnn, spoilt: Spoilt, io: str) -> None:
    """Dtype, shape, scale and zero point of both tensors are those of the plain file."""
    spec = ConversionSpec(scheme="int8", io_dtype=io)
    calibrated = calibrate(spoilt.source, spec, cnn.samples)
    plain = inspect_bytes(convert(spoilt.source, spec, cnn.samples).content, where="plain")
    first, last = 0, len(calibrated.layers) - 1
    for restored in ([], [first], [last], range(last + 1)):
        mixed = inspect_bytes(calibrated.quantise(restored), where="mixed")
        for before, after in zip(plain.inputs + plain.outputs, mixed.inputs + mixed.outputs, strict=True):
            assert (after.name, after.shape, after.dtype) == (before.name, before.shape, before.dtype)
            assert (after.scales, after.zero_points) == (before.scales, before.zero_points)


def test_uint8_at_the_door_is_the_grey_level_itself(spoilt: Spoilt) -> None:
    """Scale 1, zero point 0."""
    (door,) = inspect_bytes(spoilt.guarded.content, where="guarded").inputs
    assert (door.dtype, door.scales, door.zero_points) == ("uint8", (1.0,), (0,))


def test_the_guarded_file_runs_right_on_the_older_phone(
    cnn: TrainedCnn, spoilt: Spoilt, old_runtime: OldRuntime
) -> None:
    """tflite_runtime 2.14 answers as Keras does."""
    spec = ConversionSpec(scheme="int8", io_dtype="float32")
    found, _, _ = run_guard(cnn, spoilt.source, Limits(drop_points=LIMIT, layers=8), spec)
    answers = old_runtime(found.content, cnn.images)
    assert isinstance(answers, np.ndarray)
    agreement = (answers.argmax(axis=1) == cnn.expected.argmax(axis=1)).mean()
    assert 100 * (1 - agreement) <= LIMIT


def test_guarding_again_gives_the_same_bytes(cnn: TrainedCnn, spoilt: Spoilt) -> None:
    """Nothing depends on time or order of sets."""
    again, _, lines = run_guard(cnn, spoilt.source, Limits(drop_points=LIMIT, layers=8))
    assert again == spoilt.guarded
    assert lines == spoilt.lines


def test_a_sound_model_is_left_alone(cnn: TrainedCnn) -> None:
    """One measurement, nothing restored."""
    found, measuring, _ = run_guard(cnn, cnn.source, Limits(drop_points=LIMIT, layers=8))
    assert found.held
    assert not any(verdict.restored for verdict in found.verdicts)
    assert measuring.measured == found.trials == 1
    assert found.drop_after == found.drop_before
    assert len(found.content) == found.bytes_before


@pytest.mark.parametrize(
    ("limits", "why"),
    [
        (Limits(drop_points=LIMIT, layers=1), r"1 layers may be restored of \d"),
        (
            Limits(drop_points=LIMIT, layers=8, max_bytes=8_000),
            r"nothing more can be restored: .+ takes [\d,]+ bytes of 8,000 allowed",
        ),
        (Limits(drop_points=-1.0, layers=8), r"all \d layers that can be restored are in float"),
    ],
    ids=["one layer", "too large", "beyond float"],
)
def test_a_limit_out_of_reach_gives_the_best_and_why(
    cnn: TrainedCnn, spoilt: Spoilt, limits: Limits, why: str
) -> None:
    """The best file is no worse than the plain one, and within the other limits."""
    found, _, _ = run_guard(cnn, spoilt.source, limits)
    assert not found.held
    assert re.fullmatch(why, found.why)
    assert found.drop_after <= found.drop_before
    assert sum(verdict.restored for verdict in found.verdicts) <= limits.layers
    assert limits.max_bytes is None or len(found.content) <= limits.max_bytes


def test_only_int8_can_be_mixed(cnn: TrainedCnn) -> None:
    """The other schemes have no layers at int8 activations."""
    with pytest.raises(ConverterError, match="scheme 'int16x8' cannot keep single layers in float"):
        calibrate(cnn.source, ConversionSpec(scheme="int16x8"), cnn.samples)
