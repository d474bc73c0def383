"""Nothing is repeated, and nothing that should be is left out: each case in a real copy of the project, in order."""

from tests.orchestration.conftest import Project


def test_a_second_run_trains_nothing(project: Project) -> None:
    text = project.orrery("run", "two_body/tiny")
    assert "trained 0, evaluated 0, cached 2, failed 0" in text
    assert "nothing to do" in text


def test_one_more_seed_trains_only_what_is_new(project: Project) -> None:
    project.write_sweep("seeds", seeds="0, 1, 2")
    assert len(project.due("model", "two_body/seeds")) == 1
    assert "trained 1, evaluated 1, cached 2" in project.orrery("run", "two_body/seeds")


def test_seeds_are_run_until_the_rank_is_decided_and_a_further_run_asks_for_no_more(project: Project) -> None:
    project.write_sweep("until", heads="mlp_4D_signed, mlp_4D_abs")
    path = project.root / "sweeps" / "two_body" / "until.yaml"
    path.write_text(path.read_text().replace("  model.seed: [0, 1]\n", "seeds: {min: 2, max: 3}\n"))
    before = project.plan("two_body/until")
    assert len([item for item in before["items"] if item["layer"] == "model"]) == 4
    assert set(before["seeds"].values()) == {"2 seeds requested"}
    assert "│ stopped" in project.orrery("run", "two_body/until")  # the cell is wrapped: stopped after ...
    after = set(project.plan("two_body/until")["seeds"].values())
    assert after in ({"stopped after 2 seeds: decided"}, {"stopped after 3 seeds: the most allowed"})
    assert "nothing to do" in project.orrery("run", "two_body/until")


def test_one_more_head_trains_only_what_is_new(project: Project) -> None:
    project.write_sweep("heads", heads="mlp_4D_signed, mlp_4D_unit_softplus")
    assert len(project.due("model", "two_body/heads")) == 2


def test_a_new_test_set_trains_nothing(project: Project) -> None:
    project.write_sweep("tests", tests="complex_planar_1_test, complex_planar_4_test")
    assert project.due("model", "two_body/tests") == []
    assert len(project.due("evaluation", "two_body/tests")) == 2
    assert "trained 0, evaluated 2" in project.orrery("run", "two_body/tests")


def test_docstrings_figures_and_unused_layers_stale_nothing(project: Project) -> None:
    project.edit("trainers/two_body/train.py", '"""', '"""Reworded. ', count=1)
    project.edit("trainers/two_body/models/output_layers.py", "def mlp_4D_abs(", "def mlp_4D_abs_renamed(")
    project.edit("trainers/two_body/models/output_layers.py", "mlp_4D_abs,", "mlp_4D_abs_renamed,")
    (project.root / "trainers/two_body/figures/errors.py").write_text('"""Other figures."""\n')
    assert not any(project.due(layer) for layer in ("dataset", "segments", "model", "evaluation"))


def test_a_changed_metric_evaluates_and_does_not_train(project: Project) -> None:
    with (project.root / "trainers/two_body/evaluate.py").open("a") as file:
        file.write("\nprint('a statement of the module')\n")
    assert project.due("model") == []
    assert len(project.due("evaluation")) == 2
    assert all("evaluate" in reason for reason in project.due("evaluation"))


def test_a_changed_simulator_stales_everything_and_says_why(project: Project) -> None:
    with (project.root / "trainers/two_body/simulate.py").open("a") as file:
        file.write("\nprint('a statement of the module')\n")
    assert len(project.due("model")) == 2
    assert any("simulate" in reason for reason in project.due("dataset"))
