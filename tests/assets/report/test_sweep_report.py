"""The report of a sweep: one page that needs nothing else, says what the tables say, and is written once."""

import re
from html.parser import HTMLParser

import pandas as pd
import pytest

from assets.report import sweep_report
from assets.statistics.experiment import Experiment
from assets.statistics.leaderboard import rank
from assets.sweeps.selection.conditions import filtered

pytest_plugins = ["tests.assets.toy_sweep"]

MOST_BYTES = 10_000_000


class Page(HTMLParser):
    """What a page points to and which anchors it has."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.anchors: set[str] = set()
        self.tags: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.tags.add(tag)
        self.targets += [attributes[name] for name in ("src", "href") if attributes.get(name)]
        self.anchors.add(attributes.get("id"))


@pytest.fixture(scope="module")
def report(toy_experiment):
    return sweep_report.write(toy_experiment)


@pytest.fixture(scope="module")
def text(report):
    return report.path.read_text(encoding="utf-8")


def test_the_page_needs_no_other_file_and_no_network(text):
    page = Page(text)
    inside = {target[1:] for target in page.targets if target.startswith("#")}
    assert inside and inside <= page.anchors
    assert all(target.startswith(("#", "data:")) for target in page.targets)
    assert len(text.encode()) < MOST_BYTES
    assert "default-src 'none'; img-src data:; style-src 'unsafe-inline'" in text
    assert 'name="viewport"' in text and not page.tags & {"script", "iframe"}


def test_the_text_of_a_sweep_file_is_text(text):
    assert "Does &lt;width&gt; help &amp; hurt?" in text and "<width>" not in text


def test_every_number_of_the_leaderboard_comes_from_the_stored_tables(report, toy_experiment):
    stored = pd.read_csv(report.path.parent / "leaderboard.csv", keep_default_na=False, na_values=["", "nan"])
    expected = rank(toy_experiment)
    pd.testing.assert_series_equal(stored["mean"], expected["mean"].reset_index(drop=True), rtol=1e-12)
    assert list(stored["keys"]) == list(expected["keys"])


def test_caveats_and_failures_are_on_the_page(text, toy_experiment):
    assert "one seed" in text and "no validation" in text and "diverged" in text
    for row in toy_experiment.sweep.rows:
        assert row.configuration.item.hash in text


def test_the_markdown_shows_pictures_that_lie_beside_it(report):
    text = report.markdown.read_text(encoding="utf-8")
    pictures = re.findall(r"!\[[^]]*\]\(([^)]+)\)", text)
    assert pictures and all((report.markdown.parent / name).is_file() for name in pictures)


def test_a_report_of_what_has_not_changed_is_not_written_again(report, toy_experiment):
    before = report.path.stat().st_mtime_ns
    assert sweep_report.write(toy_experiment) == report and report.path.stat().st_mtime_ns == before


def test_a_part_by_another_metric_is_a_report_of_its_own(report, toy_experiment):
    name = "baseline"
    part = filtered(toy_experiment.sweep, ["recipe=plain"])
    other = sweep_report.write(Experiment(part, toy_experiment.store, metric=name))
    assert other.path != report.path and report.path.exists()
    text = other.path.read_text(encoding="utf-8")
    assert f"(only recipe=plain, by {name})" in text and "diverged" not in text
    assert f"Ranked by {name}, its mean" in text


def test_what_the_phases_train_on_and_the_loss_spikes_are_on_the_page(text):
    assert ">Segments</h3>" in text and "train segments" in text and ">loss spikes</th>" in text
