"""The scheme table."""

from converters.tflite.schemes import SCHEMES


def test_only_calibrated_schemes_have_quantised_doors() -> None:
    """An input scale comes from samples."""
    assert all(scheme.calibrated for scheme in SCHEMES.values() if scheme.quantised_door)


def test_each_scheme_is_told_in_one_line_of_its_own() -> None:
    """``pipeline list schemes`` prints them."""
    summaries = [scheme.summary for scheme in SCHEMES.values()]

    assert len(set(summaries)) == len(summaries)
    assert all(summary and "\n" not in summary for summary in summaries)
