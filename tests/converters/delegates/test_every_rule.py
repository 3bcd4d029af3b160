"""Every rule has a file that keeps it and one that breaks it: nothing stands in a table untried."""

import re
from collections.abc import Callable, Iterator
from types import ModuleType

import pytest

from converters.delegates import coreml, gpu, nnapi, xnnpack
from converters.delegates.node import Node
from converters.delegates.rules import NOT_TRANSCRIBED, Check, Row, refusals, table
from converters.tflite.graph import Inspection
from converters.tflite.inspect import inspect_bytes
from tests.converters.delegates import gpu_cases, rule_cases, test_coreml, test_gpu, test_nnapi, test_xnnpack
from tests.converters.delegates.single import Spec, single

MODULES: dict[str, ModuleType] = {"gpu": gpu, "nnapi": nnapi, "coreml": coreml, "xnnpack": xnnpack}
LEVELS = {"gpu": (0,), "nnapi": (27, 28, 29, 30), "coreml": (2, 3), "xnnpack": (0,)}
UNPACKED_BEFORE = {"nnapi": {"constant_data"}}
"""Rules that an op can only break: what keeps them is unpacked before rules are asked."""

COMMIT = re.compile(r"\b[0-9a-f]{40}\b")


def files(name: str) -> Iterator[Inspection]:
    """All files that a delegate's tests hold against its rules."""
    if name == "gpu":
        yield from test_gpu.TAKEN.values()
        yield from (file for file, _ in test_gpu.REFUSED.values())
        yield inspect_bytes(gpu_cases.COMPARED, where="test")
    elif name == "nnapi":
        yield from (file for file, *_ in test_nnapi.BY_LEVEL.values())
        yield from (file for file, _ in test_nnapi.NEVER.values())
    elif name == "coreml":
        yield from test_coreml.TAKEN.values()
        yield from (file for file, _ in test_coreml.REFUSED.values())
        yield test_coreml.RESHAPED
    else:
        yield from (inspect_bytes(content, where="test") for content in test_xnnpack.FILES.values())
        yield from (inspect_bytes(content, where="test") for content in test_xnnpack.SCALES.values())
    yield from (file for kept, broken, _ in rule_cases.CASES[name].values() for file in (kept, broken))


def recording(checks: dict[str, Check], seen: set[tuple[str, bool]]) -> dict[str, Check]:
    """The rules, each noting whether it was kept or broken."""

    def noting(name: str, check: Check) -> Callable[[Node], str]:
        def noted(node: Node) -> str:
            reason = check(node)
            seen.add((name, not reason))
            return reason

        return noted

    return {name: noting(name, check) for name, check in checks.items()}


@pytest.mark.parametrize("name", MODULES)
def test_every_rule_is_kept_by_one_file_and_broken_by_another(name: str) -> None:
    """A new rule fails here until both files are there."""
    module, seen = MODULES[name], set[tuple[str, bool]]()
    checks, every = recording(dict(module.CHECKS), seen), recording(dict(module.EVERY), seen)
    for inspection in files(name):
        for level in LEVELS[name]:
            for open_ in (True, False):
                refusals(
                    inspection,
                    table(name),
                    checks,
                    every=every,
                    level=level,
                    quantized=open_,
                    accelerator=open_,
                )
    rules = {*module.CHECKS, *module.EVERY}
    kept = {rule for rule, good in seen if good} | UNPACKED_BEFORE.get(name, set())
    assert rules - kept == set(), "no file keeps them"
    assert {rule for rule in rules if (rule, False) not in seen} == set(), "no file breaks them"


PAIRS = [(name, rule) for name, pairs in rule_cases.CASES.items() for rule in pairs]


@pytest.mark.parametrize(("name", "rule"), PAIRS, ids=[" ".join(pair) for pair in PAIRS])
def test_one_file_goes_and_its_counterpart_does_not(name: str, rule: str) -> None:
    """The reason is that of the rule."""
    kept, broken, says = rule_cases.CASES[name][rule]
    module, rules = MODULES[name], table(name)

    def reasons(inspection: Inspection, level: int, accelerator: bool) -> str:
        return refusals(
            inspection, rules, module.CHECKS, every=module.EVERY, level=level, accelerator=accelerator
        ).get(0, "")

    assert reasons(kept, LEVELS[name][-1], True) == ""
    found = [reasons(broken, level, asked) for level in LEVELS[name] for asked in (True, False)]
    assert any(says in one for one in found), found


@pytest.mark.parametrize("name", MODULES)
def test_rows_and_rules_name_each_other(name: str) -> None:
    """No row asks for a rule that is not there, no rule is idle, the source names a commit."""
    rules = table(name)
    named = {check for row in (*rules.rows.values(), *rules.custom.values()) for check in row.checks}
    assert named == set(MODULES[name].CHECKS)
    assert COMMIT.search(rules.source)
    assert not set(rules.rows) & {*rules.newer, *rules.untranscribed}


def test_the_steps_of_nnapi_are_those_of_its_rows() -> None:
    """Levels between two steps are told as one."""
    rules = table("nnapi")
    used = {row.since for row in rules.rows.values()} | {
        at for row in rules.rows.values() for at in row.dtypes
    }
    assert used - {0} <= set(rules.settings["steps"])
    assert set(rules.unpacks) <= set(rules.settings["steps"])


ROWS = [
    (name, op, row)
    for name in MODULES
    for op, row in (*table(name).rows.items(), *table(name).custom.items())
]


def reason(name: str, op: str, row: Row, *, dtype: str = "", version: int = 1, level: int = 0) -> str:
    """What the row says of an op, whatever its checks."""
    level = level or LEVELS[name][-1]
    allowed = row.dtypes_at(level) or ("float32",)
    data: Spec = ((dtype or allowed[0]).upper(), (1, 4))
    inspection = single(op, *((data,) * (row.data + 1)), gives=(data,), version=version)
    none = dict.fromkeys(MODULES[name].CHECKS, lambda _: "")
    found = refusals(inspection, table(name), none, level=level, level_name="level")
    return found.get(0, "")


@pytest.mark.parametrize(("name", "op", "row"), ROWS, ids=[f"{name} {op}" for name, op, _ in ROWS])
def test_the_limits_of_a_row_hold(name: str, op: str, row: Row) -> None:
    """Version, level and dtype: the last that goes, and the first that does not."""
    assert reason(name, op, row) == ""
    if row.version is not None:
        assert reason(name, op, row, version=row.version) == ""
        assert f"versions up to {row.version}" in reason(name, op, row, version=row.version + 1)
    if row.since > LEVELS[name][0]:
        assert reason(name, op, row, level=row.since) == ""
        assert f"needs level {row.since}" in reason(name, op, row, level=row.since - 1)
    for level in (at for at in LEVELS[name] if at >= row.since and row.dtypes_at(at)):
        for dtype in row.dtypes_at(level):
            assert reason(name, op, row, dtype=dtype, level=level) == ""
        assert "the delegate takes" in reason(name, op, row, dtype="complex64", level=level)


@pytest.mark.parametrize("name", MODULES)
def test_an_op_without_a_row_is_refused_for_a_reason_of_its_own(name: str) -> None:
    """Unknown to the delegate, to this table, or only to the release that was read."""
    rules, vector = table(name), ("FLOAT32", (1, 4))
    expected = {"ZEROS_LIKE": "the delegate has no such op", "MyOp": "the delegate does not know it"}
    expected |= dict.fromkeys(rules.untranscribed, NOT_TRANSCRIBED) | dict(rules.newer)
    for op, text in expected.items():
        found = refusals(single(op, vector, gives=(vector,)), rules, {}, level=LEVELS[name][-1])
        assert text in found[0]
