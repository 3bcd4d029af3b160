"""Options of a conversion: what exists is taken, what does not is refused with the nearest name."""

import pytest

from converters import ConversionSpec
from converters.errors import SpecError
from converters.spec import DEFAULT_RUNTIME_FLOOR, IO_DTYPES, check_runtime_floor, parse_version
from converters.tflite.schemes import SCHEMES


@pytest.mark.parametrize("scheme", list(SCHEMES))
def test_every_scheme_goes_with_float_doors(scheme: str) -> None:
    """The defaults."""
    spec = ConversionSpec(scheme=scheme)

    assert (spec.io_dtype, spec.runtime_floor) == ("float32", DEFAULT_RUNTIME_FLOOR)


@pytest.mark.parametrize("io", IO_DTYPES)
def test_int8_takes_every_dtype_at_its_door(io: str) -> None:
    """The one scheme whose input may be integers."""
    assert ConversionSpec(scheme="int8", io_dtype=io).io_dtype == io


@pytest.mark.parametrize(
    ("scheme", "near"), [("int-8", "int8"), ("float_32", "float32"), ("dynamic-range", "dynamic_range")]
)
def test_a_misspelt_scheme_gets_the_nearest(scheme: str, near: str) -> None:
    """And all that there are."""
    with pytest.raises(SpecError) as caught:
        ConversionSpec(scheme=scheme)

    assert str(caught.value) == (
        f"unknown scheme '{scheme}', choose from float32, float16, dynamic_range, int8, int16x8; "
        f"did you mean '{near}'?"
    )


def test_a_scheme_like_no_other_gets_no_guess() -> None:
    """A wrong guess is worse than none."""
    with pytest.raises(SpecError, match=r"unknown scheme 'xyz', choose from [a-z0-9_, ]*$"):
        ConversionSpec(scheme="xyz")


def test_a_misspelt_dtype_gets_the_nearest() -> None:
    """The same for the door."""
    with pytest.raises(SpecError, match=r"unknown io dtype 'unit8', choose from .*; did you mean 'uint8'\?"):
        ConversionSpec(scheme="int8", io_dtype="unit8")


@pytest.mark.parametrize("scheme", [name for name, scheme in SCHEMES.items() if not scheme.quantised_door])
@pytest.mark.parametrize("io", ["uint8", "int8"])
def test_integers_at_the_door_of_a_float_scheme_contradict(scheme: str, io: str) -> None:
    """The schemes that have them are named."""
    with pytest.raises(SpecError, match=rf"'{scheme}' keeps float32 at the door, io dtype '{io}' .*: int8"):
        ConversionSpec(scheme=scheme, io_dtype=io)


@pytest.mark.parametrize(
    "floor", ["", "2", "2.14.0.1", "v2.14", "2.14rc1", " 2.14", "2.14\n", "-2.14", "latest"]
)
def test_a_floor_that_is_no_version_is_refused(floor: str) -> None:
    """With an example of one."""
    with pytest.raises(SpecError, match=r"is no version: write it like 2\.14\.0"):
        ConversionSpec(scheme="float32", runtime_floor=floor)


@pytest.mark.parametrize("floor", ["1.5", "0.0", "2.9", "2.13.99"])
def test_a_floor_below_what_was_proven_is_refused(floor: str) -> None:
    """No file is run there: it could not be promised to run right."""
    with pytest.raises(SpecError) as caught:
        ConversionSpec(scheme="float32", runtime_floor=floor)

    assert str(caught.value) == (
        f"runtime floor '{floor}' is below 2.14.0, the oldest runtime that the output is run on: it is "
        "not checked on older ones"
    )


@pytest.mark.parametrize("floor", ["2.14", "2.14.0", "2.17.0", "10.0"])
def test_the_oldest_proven_floor_and_all_above_are_taken(floor: str) -> None:
    """Compared as numbers, not as text."""
    check_runtime_floor(floor)

    assert ConversionSpec(scheme="float32", runtime_floor=floor).runtime_floor == floor


@pytest.mark.parametrize(
    ("text", "version"), [("2.14", (2, 14, 0)), ("2.14.1", (2, 14, 1)), ("10.0.03", (10, 0, 3))]
)
def test_versions_are_read_as_numbers(text: str, version: tuple[int, int, int]) -> None:
    """2.9 comes before 2.14."""
    assert parse_version(text) == version
