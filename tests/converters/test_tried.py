"""What runtimes really made of small models, and that the rules say the same."""

import os
import subprocess
from pathlib import Path

import pytest

from converters.spec import parse_version
from converters.tflite import op_versions, tried
from converters.tflite.inspect import inspect_bytes
from converters.tflite.releases import carriers
from converters.tflite.schemes import SCHEMES
from tests.converters import tried as trial
from tests.converters.conftest import TrainedCnn
from tests.converters.flat import one_op, tensor
from tests.converters.test_claims import claiming
from tests.converters.tried_cases import make_cases

ENVIRONMENTS = "TRIED_ENVIRONMENTS"
"""Names the folder where environments are kept from run to run."""

READS = {
    f"{carrier.name} {one.version}": (one.reads, one.lacks)
    for carrier in carriers()
    for one in carrier.versions
}

NOWHERE = "none"
"""In place of a minimum: no runtime is right."""


@pytest.mark.parametrize("kind", sorted(tried.table()))
def test_a_file_is_right_on_every_runtime_that_has_the_minimum(kind: str) -> None:
    """And on no older one, unless all runtimes that were tried are new enough."""
    needs = needs_of(kind)
    for one in tried.table()[kind]:
        enough = needs != NOWHERE and READS[one.runtime][0] >= parse_version(needs)
        assert (one.verdict == "right") is enough, one


def needs_of(kind: str) -> str:
    """The computed minimum, as it was written beside the measurement."""
    import tomllib

    rows = tomllib.loads(tried.FILE.read_text("utf-8"))["tried"]
    return str(next(row["needs"] for row in rows if row["case"] == kind))


@pytest.mark.parametrize("kind", ["int8, per-channel Dense", "int16x8, per-channel Dense"])
def test_old_runtimes_are_silently_wrong_on_per_channel_dense(kind: str) -> None:
    """They load the file and get nine of ten images wrong."""
    verdicts = {one.runtime: one.verdict for one in tried.table()[kind]}
    assert verdicts["tflite-runtime 2.9.1"] == "WRONG"
    assert verdicts["tflite-runtime 2.10.0"] == "right"


def test_a_wrong_claim_makes_even_2_14_wrong() -> None:
    """The true one is refused."""
    true = "dynamic_range, per-channel Dense"
    verdicts = {
        kind: {one.runtime: one.verdict for one in tried.table()[kind]}["tflite-runtime 2.14.0"]
        for kind in (true, f"{true}, claiming FULLY_CONNECTED 1")
    }
    assert list(verdicts.values()) == ["refused", "WRONG"]


@pytest.mark.tensorflow
@pytest.mark.parametrize("floor", ["2.14.0", "2.17.0"])
@pytest.mark.parametrize("scheme", list(SCHEMES))
def test_the_kind_of_a_file_is_told(cnn: TrainedCnn, scheme: str, floor: str) -> None:
    """Which rows of the table speak of it."""
    inspection = inspect_bytes(cnn.converted(scheme, floor=floor).content, where=scheme)
    per_channel = floor == "2.17.0" and SCHEMES[scheme].quantised_dense
    kind = f"{scheme}, per-channel Dense" if per_channel else scheme
    assert tried.kinds_of(inspection) == (kind,)
    assert kind in tried.table()
    section = tried.tried_section(inspection)
    assert any(f"({kind})" in line for line in section.lines)


@pytest.mark.tensorflow
def test_the_kinds_of_wrong_claims_are_told(cnn: TrainedCnn) -> None:
    """One for each op: runtimes answer nonsense for Dense, and are right for int8 all the same."""
    dense = claiming(cnn.converted("dynamic_range", floor="2.17.0").content, op="FULLY_CONNECTED")
    section = tried.tried_section(inspect_bytes(dense, where="wrong"))
    (line,) = [line for line in section.lines if "WRONG on" in line]
    assert "tflite-runtime 2.14.0" in line
    int8 = claiming(claiming(cnn.converted("int8").content, op="CONV_2D"), op="FULLY_CONNECTED")
    assert tried.kinds_of(inspect_bytes(int8, where="wrong")) == (
        "int8, claiming CONV_2D 1",
        "int8, claiming FULLY_CONNECTED 1",
    )


def test_depthwise_weights_of_one_scale_are_a_kind_that_no_runtime_reads() -> None:
    """Not taken for the plain dynamic range, which all read right."""
    weights = tensor("int8", (1, 3, 3, 8), scales=[0.1])
    file = one_op(
        "DEPTHWISE_CONV_2D", 6, [tensor("float32"), weights, tensor("float32")], [tensor("float32")]
    )
    (kind,) = tried.kinds_of(file)
    assert {one.verdict for one in tried.table()[kind]} == {"WRONG"}
    assert needs_of(kind) == NOWHERE


@pytest.mark.parametrize("dense", ["dynamic_range, per-channel Dense", "int8, per-channel Dense"])
def test_a_missing_bias_changes_no_verdict(dense: str) -> None:
    """So that one case stands for both."""
    for claim in ("", ", claiming FULLY_CONNECTED 1"):
        if f"{dense}{claim}" in tried.table():
            verdicts = [
                [one.verdict for one in tried.table()[f"{dense}{bias}{claim}"]]
                for bias in ("", " without bias")
            ]
            assert verdicts[0] == verdicts[1]


def test_every_rule_whose_claim_was_tried_names_a_case_of_the_table() -> None:
    """One alone was not: depthwise weights of one scale are wrong under any claim."""
    rules = {(name, rule.version): rule.tried for name, table in op_versions.tables().items()
             for rule in table.rules if rule.misread}  # fmt: skip
    assert {case for case in rules.values() if case is not None} <= set(tried.table())
    assert [which for which, case in rules.items() if case is None] == [("DEPTHWISE_CONV_2D", 4)]


def test_every_runtime_of_the_table_is_one_that_a_carrier_brings() -> None:
    """Else its release is not known."""
    assert {one.runtime for rows in tried.table().values() for one in rows} <= set(READS)


@pytest.fixture(scope="session")
def environments(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of environments."""
    named = os.environ.get(ENVIRONMENTS)
    return Path(named) if named else tmp_path_factory.mktemp("environments")


def python_of(runtime: trial.Runtime, folder: Path) -> Path:
    """The runtime's Python; skips, saying why, where it cannot be had."""
    try:
        return trial.environment(runtime, folder)
    except (FileNotFoundError, subprocess.CalledProcessError) as error:
        pytest.skip(f"{runtime.name}: {error}")


SAMPLE = [one for one in trial.RUNTIMES if one.name in {"tflite-runtime 2.9.1", "ai-edge-litert 1.0.1"}]
"""An environment takes half a minute: two of them stand for the thirteen of the table."""


@pytest.mark.slow
@pytest.mark.tensorflow
@pytest.mark.parametrize("runtime", SAMPLE, ids=lambda one: one.name)
def test_the_table_is_what_a_runtime_does(runtime: trial.Runtime, environments: Path) -> None:
    """Verdicts are the same; figures may differ in the last digit from machine to machine."""
    python = python_of(runtime, environments)
    cases, images = make_cases()
    for one in trial.run(python, runtime.name, cases, images):
        (kept,) = [row for row in tried.table()[one.case] if row.runtime == runtime.name]
        now = tried.Tried(runtime=one.runtime, top1=one.top1, difference=one.difference, refused=one.refused)
        assert now.verdict == kept.verdict, (one, kept)


@pytest.mark.slow
@pytest.mark.parametrize("runtime", SAMPLE, ids=lambda one: one.name)
def test_a_runtime_has_the_op_versions_that_the_table_gives_it(
    runtime: trial.Runtime, environments: Path, tmp_path: Path
) -> None:
    """Every version of every op is asked for, in a file of nothing else."""
    found = trial.op_versions(python_of(runtime, environments), tmp_path)
    reads, lacks = READS[runtime.name]
    wrong: dict[str, tuple[bool, op_versions.Release | None]] = {}
    for label, has in found.items():
        name, _, version = label.rpartition(" ")
        since = op_versions.since(name, int(version))
        expected = since is not None and since <= reads and label not in lacks
        if runtime.package == "tflite-runtime" or expected:
            wrong |= {label: (has, since)} if has != expected else {}
    assert wrong == {}
