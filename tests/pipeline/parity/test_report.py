"""Gates and tables: exactly at the limit, for every status, without a hole."""

import math
from typing import Any

import pytest

from pipeline.artifacts import (
    Cell,
    ConvertedModels,
    GateResult,
    TensorSpec,
    Variant,
    VerifiedModel,
)
from pipeline.interval import Interval
from pipeline.parity.report import COLUMNS, check_gates, failures, notes, passed, percent, row, rows
from pipeline.sections import Gate

SIZE = 2_808_751
"""Bytes: more digits than a number is printed with by default."""

ALL = Gate(min_top1_agreement=0.999, max_accuracy_drop_points=1.0, max_bytes=SIZE)


def ran(**fields: Any) -> Cell:
    """A cell that meets every gate of ALL exactly."""
    return Cell(
        **{
            "scheme": "int8",
            "runtime": "litert",
            "status": "ran",
            "version": "2.3.0",
            "images": 1_000,
            "accuracy": Interval(value=0.881, low=0.859, high=0.900),
            "agreement": 0.999,
            "max_abs_error": 0.05,
            "mean_abs_error": 0.001,
            "sqnr_db": 31.26,
            "max_steps": 12.8,
            "accuracy_drop_points": 1.0,
            "mcnemar_p": 0.25,
            **fields,
        }
    )


FAILED = Cell(
    scheme="int8", runtime="litert", status="failed", reason="RuntimeError: no kernel", version="2.3.0"
)
ABSENT = Cell(scheme="int8", runtime="litert", status="absent", reason="ai-edge-litert is not installed")


def verdicts(results: list[GateResult]) -> dict[str, bool]:
    """Gate to whether it passed."""
    return {result.gate: result.passed for result in results}


class TestCheckGates:
    """A gate is a promise with a number."""

    def test_exactly_at_the_limit_passes(self) -> None:
        """Every limit is inclusive."""
        assert verdicts(check_gates(ran(), ALL, SIZE)) == {
            "min_top1_agreement": True,
            "max_accuracy_drop_points": True,
            "max_bytes": True,
        }

    @pytest.mark.parametrize(
        ("fields", "size", "gate"),
        [
            ({"agreement": math.nextafter(0.999, 0)}, SIZE, "min_top1_agreement"),
            ({"accuracy_drop_points": math.nextafter(1.0, 2)}, SIZE, "max_accuracy_drop_points"),
            ({}, SIZE + 1, "max_bytes"),
        ],
    )
    def test_one_step_beyond_fails_that_gate_alone(
        self, fields: dict[str, float], size: int, gate: str
    ) -> None:
        """The next number there is."""
        results = verdicts(check_gates(ran(**fields), ALL, size))

        assert [name for name, passed in results.items() if not passed] == [gate]

    @pytest.mark.parametrize(
        ("images", "wrong", "near", "passes"),
        [
            (21, 0, 0, True),
            (21, 1, 1, True),  # which way a near-tie falls is chance
            (21, 1, 0, False),  # the reference was sure
            (21, 2, 1, False),
            (21, 2, 2, False),  # not one bad draw any more
            (1_001, 2, 1, True),
            (1_001, 2, 0, False),
            (1_001, 3, 3, False),
        ],
    )
    def test_one_near_tie_is_forgiven(self, images: int, wrong: int, near: int, passes: bool) -> None:
        """And one alone: real disagreement fails on a set of any size."""
        share = (images - wrong) / images
        cell = ran(images=images, agreement=share, near_ties=near)
        (result,) = check_gates(cell, Gate(min_top1_agreement=0.999), SIZE)

        assert result.passed is passes
        assert result.measured == share, "what was measured stays what it is"
        assert result.forgiven == int(passes and share < 0.999)

    def test_a_gain_of_accuracy_passes(self) -> None:
        """A negative drop."""
        assert verdicts(check_gates(ran(accuracy_drop_points=-3.0), ALL, SIZE))["max_accuracy_drop_points"]

    def test_what_is_not_asked_for_is_not_checked(self) -> None:
        """However bad it is."""
        bad = ran(agreement=0.0, accuracy_drop_points=90.0)

        assert check_gates(bad, Gate(), SIZE) == []
        assert verdicts(check_gates(bad, Gate(max_bytes=SIZE), SIZE)) == {"max_bytes": True}

    def test_limits_of_zero_are_limits(self) -> None:
        """Nothing may be lost."""
        strict = Gate(min_top1_agreement=0.0, max_accuracy_drop_points=0.0)

        assert verdicts(check_gates(ran(agreement=0.0, accuracy_drop_points=0.0), strict, SIZE)) == {
            "min_top1_agreement": True,
            "max_accuracy_drop_points": True,
        }

    def test_the_result_says_what_was_asked_and_measured(self) -> None:
        """For the table and the manifest."""
        (result,) = check_gates(ran(), Gate(max_accuracy_drop_points=0.5), SIZE)

        assert result == GateResult(
            scheme="int8",
            runtime="litert",
            gate="max_accuracy_drop_points",
            limit=0.5,
            measured=1.0,
            passed=False,
        )

    def test_an_absent_runtime_fails_nothing_and_passes_nothing(self) -> None:
        """It is a row that says why."""
        assert check_gates(ABSENT, ALL, SIZE) == []

    def test_a_runtime_that_broke_fails_every_gate_on_its_answers(self) -> None:
        """The file has its size all the same."""
        assert verdicts(check_gates(FAILED, ALL, SIZE)) == {
            "min_top1_agreement": False,
            "max_accuracy_drop_points": False,
            "max_bytes": True,
            "runs": False,
        }

    def test_a_runtime_that_broke_fails_where_nothing_is_asked(self) -> None:
        """No gate is no permission to crash."""
        assert verdicts(check_gates(FAILED, Gate(), SIZE)) == {"runs": False}

    def test_answers_that_are_no_numbers_fail_where_nothing_is_asked(self) -> None:
        """A few NaN in a thousand images would pass any gate on accuracy."""
        broken = ran(max_abs_error=math.inf, mean_abs_error=math.inf, sqnr_db=-math.inf)

        assert verdicts(check_gates(broken, Gate(), SIZE)) == {"finite": False}
        assert verdicts(check_gates(broken, ALL, SIZE))["finite"] is False


class TestFailures:
    """What a failed gate says."""

    def test_only_failures_speak(self) -> None:
        """A passed gate has nothing to say."""
        assert failures(check_gates(ran(), ALL, SIZE)) == []

    def test_numbers_keep_the_digits_that_decide(self) -> None:
        """Bytes all of them, shares six."""
        results = check_gates(ran(agreement=0.998987, accuracy_drop_points=1.25), ALL, SIZE + 1)

        assert failures(results) == [
            "int8 on litert: min_top1_agreement is 0.999, measured 0.998987",
            "int8 on litert: max_accuracy_drop_points is 1, measured 1.25",
            "int8 on litert: max_bytes is 2808751, measured 2808752",
        ]

    def test_a_runtime_that_broke(self) -> None:
        """It measured nothing."""
        assert failures(check_gates(FAILED, Gate(min_top1_agreement=0.9), SIZE)) == [
            "int8 on litert: min_top1_agreement is 0.9, measured nothing",
            "int8 on litert did not run",
        ]

    def test_answers_that_are_no_numbers(self) -> None:
        """In plain words."""
        assert failures(check_gates(ran(max_abs_error=math.inf), Gate(), SIZE)) == [
            "int8 on litert answered NaN or infinity"
        ]


class TestRow:
    """One line of the table."""

    @pytest.mark.parametrize(
        "cell",
        [
            ran(),
            ran(sqnr_db=None, max_steps=None, accuracy_drop_points=None, mcnemar_p=None),
            ran(max_abs_error=math.inf, mean_abs_error=math.inf, sqnr_db=-math.inf),
            ran(accuracy=None),
            FAILED,
            ABSENT,
        ],
    )
    @pytest.mark.parametrize("size", [(SIZE, 1_234_567), (SIZE, None)])
    def test_every_status_fills_every_column(self, cell: Cell, size: tuple[int, int | None]) -> None:
        """No column slips under another's head."""
        assert len(row(cell, size, check_gates(cell, ALL, SIZE))) == len(COLUMNS)

    def test_a_cell_that_ran(self) -> None:
        """Figures with their units in the head of the column."""
        assert dict(
            zip(COLUMNS, row(ran(), (SIZE, 1_234_567), check_gates(ran(), ALL, SIZE)), strict=True)
        ) == {
            "scheme": "int8",
            "runtime": "litert 2.3.0",
            "bytes": "2,808,751",
            "zip bytes": "1,234,567",
            "accuracy % (95 % CI)": "88.10 (85.90-90.00)",
            "drop points": "+1.000",
            "McNemar p": "0.25",
            "agreement %": "99.900",
            "max error": "5.0e-02 (13 steps)",
            "mean error": "1.0e-03",
            "SQNR dB": "31.3",
            "gates": "passed",
        }

    @pytest.mark.parametrize(("cell", "verdict"), [(FAILED, "FAILED"), (ABSENT, "")])
    def test_a_cell_that_did_not_run_says_so_where_the_accuracy_would_stand(
        self, cell: Cell, verdict: str
    ) -> None:
        """The reason stands below the table, once."""
        told = dict(zip(COLUMNS, row(cell, (SIZE, None), check_gates(cell, ALL, SIZE)), strict=True))

        assert told["accuracy % (95 % CI)"] == cell.status
        assert notes([ran(), cell, cell]) == [
            "int8 on litert failed: RuntimeError: no kernel"
            if cell is FAILED
            else "litert is absent: ai-edge-litert is not installed"
        ]
        assert (told["bytes"], told["zip bytes"]) == ("2,808,751", "")
        assert told["gates"] == verdict

    def test_equal_outputs_have_an_infinite_ratio(self) -> None:
        """And broken ones a negative one."""
        column = COLUMNS.index("SQNR dB")

        assert row(ran(sqnr_db=None), (SIZE, None), [])[column] == "inf"
        assert row(ran(sqnr_db=-math.inf), (SIZE, None), [])[column] == "-inf"

    def test_a_cell_without_gates_has_no_verdict(self) -> None:
        """None is not passed."""
        assert row(ran(), (SIZE, None), [])[-1] == "none"

    def test_gates_of_other_cells_do_not_count(self) -> None:
        """Another runtime, another scheme."""
        others = [
            *check_gates(ran(runtime="tflite", agreement=0.0), ALL, SIZE),
            *check_gates(ran(scheme="float16", agreement=0.0), ALL, SIZE),
        ]

        assert row(ran(), (SIZE, None), others)[-1] == "none"
        assert row(ran(), (SIZE, None), [*others, *check_gates(ran(), ALL, SIZE)])[-1] == "passed"

    def test_percent(self) -> None:
        """Two digits: a hundredth of a point is ten of 100,000 images."""
        assert percent(Interval(value=0.88124, low=0.8, high=1.0)) == "88.12 (80.00-100.00)"


def test_the_table_has_a_row_for_each_cell_with_the_size_of_its_file() -> None:
    """In the order of the cells."""
    base = {"stage": "test", "key": "0", "made_by": {}, "parents": {}, "files": {}}
    tensor = TensorSpec(name="t", shape=(1, 2), dtype="float32")
    variants = tuple(
        Variant(
            scheme=scheme,
            file=f"{scheme}.tflite",
            bytes=size,
            zip_bytes=size // 2,
            sha256="",
            input=tensor,
            output=tensor,
            ops={},
            claimed_min_runtime=None,
        )
        for scheme, size in (("float32", 4_000), ("int8", 1_000))
    )
    cells = (ran(), FAILED, ran(scheme="float32"))
    verified = VerifiedModel(
        **base,
        ship="int8",
        ship_sha256="",
        reference_accuracy=Interval(value=0.9, low=0.8, high=1.0),
        trained_accuracy=Interval(value=0.9, low=0.8, high=1.0),
        cells=cells,
        gates=tuple(result for cell in cells for result in check_gates(cell, Gate(), 1)),
        passed=False,
    )

    table = rows(ConvertedModels(**base, variants=variants, runtime_floor="2.14.0"), verified)

    assert [line[0] for line in table] == ["int8", "int8", "float32"]
    assert [line[2:4] for line in table] == [("1,000", "500"), ("1,000", "500"), ("4,000", "2,000")]


def test_a_part_of_the_images_is_no_pass() -> None:
    """However well it went."""
    assert passed([], [ran()], "int8")
    assert not passed([], [ran(images=500, test_images=1_000)], "int8")
    assert not passed([], [ran()], "float32")
