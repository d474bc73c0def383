"""Exports of Weights & Biases, in the forms that its pages and its documented script write."""

import json

import pytest

from assets.report.imported.wandb_export import read_export

FLAT = """"Name","ID","Group","Created","depth","lr_strategy","error"
"wise-sun-1","ab12","lofi","2025-12-03","2","[[0.001]]","4.61"
"wise-sun-2","ab13","lofi","2025-12-03","4","[[0.001]]",""
"""
NESTED = [
    {"id": "ab12", "name": "wise-sun-1", "group": "lofi", "state": "finished",
     "config": {"depth": {"value": 2, "desc": None}, "_wandb": {"value": {}}, "data": {"problem": "2BP"}},
     "summary": {"error": 4.61, "_step": 1000, "test": {"theta": 1.5}, "loss": float("nan")}},
]  # fmt: skip


@pytest.fixture
def file(tmp_path):
    def write(text, suffix=".csv"):
        path = tmp_path / f"runs{suffix}"
        path.write_text(text if isinstance(text, str) else json.dumps(text))
        return path

    return write


def test_the_runs_table_as_csv(file):
    first, second = read_export(file(FLAT))
    assert first.facts == {"name": "wise-sun-1", "id": "ab12", "group": "lofi", "created": "2025-12-03"}
    assert first.values == {"depth": "2", "lr_strategy": [[0.001]], "error": "4.61"}
    assert "error" not in second.values and second.id == "ab13"


@pytest.mark.parametrize("wrap", [list, lambda runs: {"runs": runs}, lambda runs: runs[0]])
def test_runs_as_json(file, wrap):
    (run,) = read_export(file(wrap(NESTED), ".json"))
    assert run.facts["state"] == "finished" and run.id == "ab12"
    assert run.values == {"depth": 2, "data.problem": "2BP", "error": 4.61, "test.theta": 1.5}


def test_mappings_as_texts_inside(file):
    texts = [NESTED[0] | {key: json.dumps(NESTED[0][key]) for key in ("config", "summary")}]
    (run,) = read_export(file(texts, ".json"))
    assert run.values["depth"] == 2
    script = "name,config,summary\nwise,\"{'depth': 2, 'x': True}\",\"{'error': 4.61, 'loss': nan, 'a': [-inf, 1]}\"\n"
    (run,) = read_export(file(script))
    assert run.values == {"depth": 2, "x": True, "error": 4.61, "a": [None, 1]}


@pytest.mark.parametrize(
    ("text", "suffix", "says"),
    [
        (FLAT, ".txt", "expected a .csv or .json file"),
        ("", ".csv", "holds no run"),
        ("a,b\n1,2\n", ".csv", "a run has neither ID nor Name, but a, b"),
        ('"Name","x"\n"a"\n', ".csv", "row 2 has another number of cells than the header"),
        (FLAT.replace("ab13", "ab12"), ".csv", "holds two runs 'ab12'; export the column ID"),
        ("[1]", ".json", "given no list of runs"),
        ("{", ".json", "expected an export of Weights & Biases"),
        ([{"name": "a", "config": 3}], ".json", "config is '3'; expected a mapping"),
        ('name,config\na,"{1: os.remove}"\n', ".csv", "expected an export of Weights & Biases"),
    ],
)
def test_what_is_no_export_is_one_line(file, text, suffix, says):
    with pytest.raises(ValueError, match=says.replace("(", r"\(")) as refused:
        read_export(file(text, suffix))
    assert len(str(refused.value).splitlines()) == 1
