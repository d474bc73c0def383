"""What ships runs: every sweep plans, every search measures its objective, every command in a document names a file."""

import re
from pathlib import Path

import pytest

from assets.search.objective import objective_of
from assets.search.search import Search
from assets.search.search_file import load
from assets.stages.freshness import plan_sweep
from assets.store.store import Store
from tests.documents import ROOT, read
from trainers import STUDIES
from trainers.study import Job, Trained

SHIPPED = sorted((ROOT / "sweeps").glob("*/*.yaml"))
SEARCHES = [path for path in SHIPPED if path.stem == "tune"]
DOCUMENTS = ["README.md", *(str(path.relative_to(ROOT)) for path in sorted(ROOT.glob("[dr]*s/**/*.md")))]

CHEAP = {
    "two_body": {"phases": [{"steps": 2, "segment_length": 18}]},
    "preference_dynamics": {"epochs": 1},
    "phase_field": {"phases": [{"epochs": 1, "max_lag": 3}], "components": 2},
}
"""Settings that make a trial of a shipped search short."""
SMALL = {
    "two_body": {"orbits": 5, "points": 60},
    "preference_dynamics": {"trajectories": 30},
    "phase_field": {"trajectories": 12, "grid": 16, "snapshots": 6, "duration": 2.0},
}


@pytest.mark.parametrize("path", SHIPPED, ids=[f"{path.parent.name}/{path.stem}" for path in SHIPPED])
def test_every_shipped_sweep_plans(path, fresh_home):
    sweep = load(path)
    assert not sweep.warnings
    if isinstance(sweep, Search):
        assert all(corner.model.validates() for corner in sweep.corners)
        return
    verdicts = plan_sweep(sweep, Store())
    assert verdicts["model"] and all(one.state == "missing" for layer in verdicts.values() for one in layer)


@pytest.mark.training
@pytest.mark.parametrize("path", SEARCHES, ids=[path.parent.name for path in SEARCHES])
def test_a_trial_of_every_shipped_search_measures_its_objective(path):
    search = load(path)
    assert isinstance(search, Search)
    study, corner = STUDIES[search.study], search.corners[0]
    settings = corner.model.model_dump(mode="json") | CHEAP[study.name]
    model = study.model.model_validate(settings)
    data = study.simulate(study.dataset.model_validate({**corner.dataset.model_dump(mode="json"), **SMALL[study.name]}))
    (trained,) = study.train([Job("trial", model, study.segment(model.segmentation(), data))])
    assert isinstance(trained, Trained)
    assert objective_of(trained.history, search.settings.objective) is not None


COMMAND = re.compile(r"orrery (?:run|plan|table|report|status|promote|failures) ([a-z_]+/[a-z0-9_]+)")


WRITTEN = {"two_body/new"}
"""Sweeps that a document has the reader write first."""


def test_every_command_in_a_document_names_a_shipped_sweep():
    named = {(name, sweep) for name in DOCUMENTS for sweep in COMMAND.findall(read(name))}
    assert len(named) > 20
    missing = {sweep for _, sweep in named if not (ROOT / "sweeps" / f"{sweep}.yaml").is_file()}
    assert missing == WRITTEN


def test_every_script_in_a_document_is_there():
    named = {
        (name, file)
        for name in DOCUMENTS
        for file in re.findall(r"python ((?:results|benchmarks)/\S+\.py)", read(name))
    }
    assert len(named) > 5 and all(Path(ROOT / file).is_file() for _, file in named)
