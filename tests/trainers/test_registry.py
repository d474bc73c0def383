"""Studies register by entry points, from any package; a broken study does not affect the others."""

import os
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

import trainers
from assets import catalogue
from tests.installed_studies import INSTALLED
from trainers import GROUP, STUDIES, load_studies

TOY = ("toy", "tests.toy_study:STUDY")


def loaded(*entries: tuple[str, str]):
    return load_studies([EntryPoint(name, value, GROUP) for name, value in entries])


def test_the_studies_of_the_project_are_registered_two_body_first():
    assert list(STUDIES) == ["two_body", "preference_dynamics", "urease", "phase_field", "vehicle"]
    assert trainers.STUDY_PROBLEMS == {}


def test_the_same_entry_point_twice_is_one_study():
    studies, problems = loaded(TOY, TOY)
    assert list(studies) == ["toy"] and problems == {}


@pytest.mark.parametrize(
    ("entries", "name", "line"),
    [
        ([("lost", "no_such_package:STUDY")], "lost", "cannot be loaded: ModuleNotFoundError: No module named"),
        ([("lost", "tests.toy_study:NOTHING")], "lost", "cannot be loaded: AttributeError: "),
        ([("lost", "tests.toy_study:DatasetConfig")], "lost", "is a ModelMetaclass; expected a Study"),
        ([("lost", "tests.toy_study:STUDY")], "lost", "is named toy; expected the name of its entry point"),
        (
            [("lost", "tests.toy_study:STUDY"), ("lost", "tests.plain_study:STUDY")],
            "lost",
            "given as tests.toy_study:STUDY and as tests.plain_study:STUDY; expected one of the two",
        ),
    ],
)
def test_a_broken_study_is_one_line_and_the_others_stay(entries, name, line):
    studies, problems = loaded(*entries, TOY)
    assert list(studies) == ["toy"] and list(problems) == [name]
    assert problems[name].startswith("study lost: ") and line in problems[name] and "\n" not in problems[name]


def test_a_package_that_ends_the_process_when_imported_takes_nothing_down(tmp_path, monkeypatch):
    (tmp_path / "ending_study.py").write_text("raise SystemExit(3)\n")
    monkeypatch.syspath_prepend(tmp_path)
    studies, problems = loaded(("ending", "ending_study:STUDY"), TOY)
    assert list(studies) == ["toy"] and problems == {
        "ending": "study ending: ending_study:STUDY cannot be loaded: SystemExit: 3"
    }


def test_no_entry_point_at_all_says_what_to_do():
    assert loaded() == ({}, {"": f"no study is registered (entry points {GROUP}); run `make setup`"})


def test_a_broken_study_is_shown_where_bad_sweeps_are(monkeypatch, tmp_path):
    monkeypatch.setattr(catalogue, "STUDY_PROBLEMS", {"lost": "study lost: cannot be loaded"})
    assert catalogue.read_catalogue(tmp_path).errors["study lost"].problems == ["study lost: cannot be loaded"]


SHOW = "import sys, trainers; print(*trainers.STUDIES); print(bool({'jax', 'torch', 'dagster'} & set(sys.modules)))"


def studies_seen_from(path: Path) -> list[str]:
    options = {"cwd": INSTALLED.parents[1], "env": os.environ | {"PYTHONPATH": str(path)}}
    done = subprocess.run([sys.executable, "-c", SHOW], capture_output=True, text=True, **options)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_study_of_another_package_is_known_where_the_package_is_installed(tmp_path):
    assert studies_seen_from(INSTALLED) == [
        "two_body plain preference_dynamics toy urease phase_field vehicle",
        "False",
    ]
    assert studies_seen_from(tmp_path) == ["two_body preference_dynamics urease phase_field vehicle", "False"]
