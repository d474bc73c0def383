"""The choice of a sweep by name, and the stretches of keys that runs cover."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from assets.catalogue import Catalogue, read_catalogue
from orchestration.choice import UnknownSweep, choose_file
from orchestration.cli import app
from orchestration.schedules import local_timezone
from orchestration.sweep_run import contiguous


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return read_catalogue()


def test_the_default_sweep_is_chosen_without_a_name(catalogue: Catalogue) -> None:
    assert choose_file(catalogue).name == "two_body/heads"


@pytest.mark.parametrize("name", ["two_body/heads", "heads"])
def test_a_sweep_is_found_by_its_full_and_by_its_short_name(catalogue: Catalogue, name: str) -> None:
    assert choose_file(catalogue, name).name == "two_body/heads"


def test_a_plan_says_at_once_how_many_configurations_validate_on_nothing(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("ORRERY_HOME", str(tmp_path))
    plans = {name: CliRunner().invoke(app, ["plan", f"two_body/{name}"]).output for name in ("smoke", "heads")}
    assert "2 of 2 configurations validate on nothing" in plans["smoke"]
    assert "validate on nothing" not in plans["heads"]


def test_an_unknown_name_lists_what_there_is(catalogue: Catalogue) -> None:
    with pytest.raises(UnknownSweep, match="two_body/smoke"):
        choose_file(catalogue, "nonesuch")


def test_a_broken_file_is_named_with_its_own_error(tmp_path: Path) -> None:
    (tmp_path / "two_body").mkdir()
    (tmp_path / "two_body/bad.yaml").write_text("study: two_body\nbase: {model: {witdh: 3}}\n")
    with pytest.raises(UnknownSweep, match="witdh"):
        choose_file(read_catalogue(tmp_path), "bad")


@given(st.lists(st.booleans(), max_size=12))
def test_stretches_cover_exactly_the_wanted_keys_without_gaps(mask: list[bool]) -> None:
    ordered = [f"k{n:02}" for n in range(len(mask))]
    keys = [key for key, take in zip(ordered, mask, strict=True) if take]
    stretches = list(contiguous(reversed(keys), ordered))
    assert [key for stretch in stretches for key in stretch] == keys
    for stretch in stretches:
        first = ordered.index(stretch[0])
        assert ordered[first : first + len(stretch)] == stretch
    assert len(stretches) == sum(b and not a for a, b in zip([False, *mask], mask, strict=False))


def test_the_time_zone_of_a_schedule_is_that_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    assert local_timezone() == "Europe/Berlin"
