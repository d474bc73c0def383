"""Estimates say for every number what it is, how sure it is, and why it is doubtful."""

import pandas as pd
import pytest

from tests.plain_study import STUDY as PLAIN
from trainers.study import Estimates

ROW = {"trajectory": 0, "parameter": "k", "unit": "1/s", "estimate": 1.0, "lower": 0.5, "upper": 1.5, "caveat": ""}


def test_estimates_are_at_the_level_of_90_percent():
    assert Estimates(pd.DataFrame([ROW])).level == 0.9


def test_nothing_may_be_estimated_if_it_is_said_why():
    nan = float("nan")
    rows = pd.DataFrame([ROW | {"estimate": nan, "lower": nan, "upper": nan, "caveat": "the series is at rest"}])
    assert len(Estimates(rows).estimates) == 1


@pytest.mark.parametrize(
    ("rows", "tables", "text"),
    [
        (
            [{name: value for name, value in ROW.items() if name != "unit"}],
            {},
            "estimates lack unit; expected trajectory",
        ),
        ([ROW, ROW], {}, "a parameter of a trajectory has two estimates"),
        ([ROW | {"lower": 2.0}], {}, "an interval ends below its beginning"),
        ([ROW | {"upper": float("nan")}], {}, "an estimate is NaN without a caveat"),
        ([ROW], {"estimates": pd.DataFrame()}, "a table is named 'estimates'"),
    ],
)
def test_estimates_that_say_too_little_are_refused(rows, tables, text):
    with pytest.raises(ValueError, match=text):
        Estimates(pd.DataFrame(rows), tables)


def test_a_study_without_a_fit_says_so():
    with pytest.raises(ValueError, match="the study plain cannot be fitted to data of your own"):
        PLAIN.fit(None, None, None)
