import pytest

from assets.catalogue import read_catalogue
from tests.assets.sweep_study import GOOD

MORE = GOOD.replace("[0, 1]", "[0, 1, 2]").replace("tests: [test,", "tests: [small,")

pytest_plugins = ("tests.assets.sweep_fixtures",)
pytestmark = pytest.mark.usefixtures("paper")


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "sweeps" / "paper"
    folder.mkdir(parents=True)
    (folder / "good.yaml").write_text(GOOD + "default: true\n")
    (folder / "more.yaml").write_text(GOOD.replace("[0, 1]", "[0, 1, 2]").replace("tests: [test,", "tests: [small,"))
    return tmp_path / "sweeps"


def test_bad_files_are_collected_and_the_rest_stays(root):
    (root / "paper" / "bad.yaml").write_text("study: [\n")
    (root / "paper" / "Upper.yaml").write_text(GOOD)
    (root / "paper" / ("x" * 90 + ".yaml")).write_text(GOOD)
    (root / "paper" / "a..b.yaml").write_text(GOOD)
    (root / "paper" / "line\nbreak.yaml").write_text(GOOD)
    (root / "paper" / "folder.yaml").mkdir()
    (root / "paper" / "latin.yaml").write_bytes(b"study: \xff")
    (root / "elsewhere").mkdir()
    (root / "elsewhere" / "good.yaml").write_text(GOOD)
    catalogue = read_catalogue(root)
    assert sorted(catalogue.sweeps) == ["paper/good", "paper/more"]
    assert len(catalogue.errors) == 8
    assert "expected elsewhere, the folder" in str(catalogue.errors["elsewhere/good.yaml"])
    assert catalogue.errors["paper/bad.yaml"].problems[0].startswith("sweeps/paper/bad.yaml:")


def test_one_default_per_study(root):
    assert read_catalogue(root).warnings == ()
    (root / "paper" / "more.yaml").write_text(GOOD + "default: true\n")
    assert "paper/good, paper/more with default: true; expected one" in read_catalogue(root).warnings[0]


def test_configuration_in_two_sweeps_is_one_partition(root):
    study = read_catalogue(root).study("paper")
    assert len(study.models) == 6
    assert len(study.segments) == 1
    assert len(study.datasets) == 3
    shared = [key for key, sweeps in study.sweeps_by_model.items() if sweeps == ["good", "more"]]
    assert len(shared) == 4
    assert sorted(len(study.evaluations[key]) for key in study.models) == [2, 2, 3, 3, 3, 3]


def test_mappings_name_known_keys_only(root):
    study = read_catalogue(root).study("paper")
    for mapping, above, below in (
        (study.segments_by_dataset, study.datasets, study.segments),
        (study.models_by_segments, study.segments, study.models),
        (study.models_by_test_dataset, study.datasets, study.models),
        (study.sweeps_by_model, study.models, study.sweeps),
    ):
        assert mapping.keys() == above.keys()
        assert {key for keys in mapping.values() for key in keys} == set(below)


def test_cohorts_are_contiguous_and_seeds_ascend(root):
    items = list(read_catalogue(root).study("paper").models.values())
    assert [item.config.get("seed", 0) for item in items] == [0, 1, 2, 0, 1, 2]
    assert len({item.cohort for item in items[:3]}) == len({item.cohort for item in items[3:]}) == 1


def test_an_absent_folder_is_an_empty_catalogue(tmp_path):
    assert read_catalogue(tmp_path / "absent").sweeps == {}


def test_sweeps_of_the_project_are_sound():
    catalogue = read_catalogue()
    assert not catalogue.errors, [str(error) for error in catalogue.errors.values()]
    assert not catalogue.warnings
    assert len(catalogue.sweeps["two_body/heads"].rows) == 12
    assert catalogue.sweeps["two_body/heads"].default


def test_dataset_in_a_file_is_identified_by_its_content(tmp_path, problems, sweep):
    (tmp_path / "a.csv").write_text("t,x\n0,1\n1,2\n")
    (tmp_path / "b.csv").write_text("t,x\n0,1\n1,2\n")
    (tmp_path / "c.csv").write_text("t,x\n0,1\n1,3\n")
    text = "{{study: paper, base: {{dataset: {{file: {}, columns: {{x: x}}, units: {{x: m}}, time_unit: s}}}}}}"
    keys = [sweep(text.format(tmp_path / f"{name}.csv")).rows[0].configuration.key for name in "abc"]
    assert keys[0] == keys[1] != keys[2]
    assert "one.yaml:1: dataset" in problems(text.format(tmp_path / "absent.csv"))[0]
