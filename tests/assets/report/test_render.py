"""What makes a stored page stale: every source that it comes from."""

import ast
import shutil
from pathlib import Path

import pytest

from assets.identity import provenance
from assets.report import render
from assets.report.render import ROOMS, page_code

ROOT = Path(__file__).resolve().parents[3]
SEARCH_ROOMS = ("search", *ROOMS)


def rooms_behind(module: str) -> set[str]:
    """Return the rooms of `assets` that a module imports from, directly or not."""
    waiting, files = [module], set()
    while waiting:
        name = waiting.pop()
        path = ROOT / (name.replace(".", "/") + ".py")
        if not path.exists() or path in files:
            continue
        files.add(path)
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("assets"):
                waiting += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return {path.relative_to(ROOT / "assets").parts[0] for path in files}


def test_every_room_that_a_report_imports_from_counts():
    assert rooms_behind("assets.report.sweep_report") <= set(ROOMS)
    # The engine makes trials; only their results are on the page.
    assert rooms_behind("assets.search.search_report") - {"engine"} <= set(SEARCH_ROOMS)


@pytest.fixture
def copy(tmp_path, monkeypatch):
    """A copy of the rooms that may be edited."""
    shutil.copytree(ROOT / "assets", tmp_path / "assets", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(provenance, "project_root", lambda: tmp_path)
    page_code.cache_clear()
    yield tmp_path / "assets"
    page_code.cache_clear()


def test_a_change_of_any_source_in_these_rooms_makes_pages_stale(copy):
    sources = [path for room in SEARCH_ROOMS for path in (copy / room).rglob("*") if path.is_file()]
    assert {path.suffix for path in sources} == {".py", ".html", ".md", ".css"}
    before = page_code(*SEARCH_ROOMS)
    for path in sources:
        text = path.read_bytes()
        path.write_bytes(text + b"\n")
        page_code.cache_clear()
        assert page_code(*SEARCH_ROOMS) != before, path
        path.write_bytes(text)
    page_code.cache_clear()
    assert page_code(*SEARCH_ROOMS) == before


def test_the_figures_of_a_study_count_with_everything_that_they_import(monkeypatch, tmp_path):
    package = tmp_path / "trainers" / "some"
    package.mkdir(parents=True)
    sources = {
        "figures.py": "from trainers.some import colours\n",
        "colours.py": "RED = 1\n",
        "train.py": "STEPS = 1\n",
    }
    for name, text in {"__init__.py": "", **sources}.items():
        (package / name).write_text(text)
    import trainers

    monkeypatch.setattr(trainers, "__path__", [*trainers.__path__, str(tmp_path / "trainers")])

    def code():
        render.page_code.cache_clear()
        return page_code(figures="trainers.some.figures")

    before = code()
    (package / "train.py").write_text("STEPS = 2\n")
    assert code() == before, "no figure imports it"
    (package / "colours.py").write_text("RED = 2\n")
    assert code() != before
