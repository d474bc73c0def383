"""The report of a search, its promotion, and what keeps its trials: everything from what is stored."""

import re

import pytest

from assets.garbage_collection import garbage, needed_by
from assets.report.parallel_coordinates import Scale
from assets.search import search_report
from assets.search.progress import SearchProgress
from assets.search.promotion import CannotPromote, promote_trial
from assets.search.search_run import SearchRun
from assets.search.search_table import answer, write
from assets.stages.freshness import plan_sweep
from assets.store.store import Store
from assets.sweeps.sweep_file import load_sweep
from tests.assets.report.test_sweep_report import Page
from tests.assets.toy_search import Inline, Searching
from tests.toy_study import STUDY
from trainers import STUDIES

SPACE = """
    model.phases[*].learning_rate: {log_uniform: [1e-3, 0.3]}
    model.width: {integer: [2, 8], step: 2}
    model.behaviour: {choice: [train, train-not, diverge]}
""".replace("train-not", "print")


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A search that has run: complete, pruned and failed trials, the best one evaluated."""
    folder = tmp_path_factory.mktemp("search") / "toy"
    folder.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ORRERY_HOME", str(folder.parent / "home"))
        patch.setitem(STUDIES, STUDY.name, STUDY)
        search = Searching(folder).load(
            trials=14, pruner="{startup_trials: 2, warmup: 20, interval: 10}", space=SPACE.strip("\n")
        )
        run = SearchRun(search, Store(), Inline(), lambda line: None)
        list(run.run())
        list(run.finish())
        yield search


@pytest.fixture(scope="module")
def progress(finished):
    return SearchProgress.of(finished, Store())


@pytest.fixture(scope="module")
def page(finished):
    return search_report.write(finished, Store())


def test_every_kind_of_end_is_there(progress):
    assert set(progress.counts) == {"ok", "pruned", "diverged"} and progress.done


def test_the_page_needs_no_other_file_and_no_network(page):
    text = page.path.read_text(encoding="utf-8")
    document = Page(text)
    inside = {target[1:] for target in document.targets if target.startswith("#")}
    assert inside and inside <= document.anchors
    assert all(target.startswith(("#", "data:")) for target in document.targets)
    assert not document.tags & {"script", "iframe"} and "Which &lt;width&gt; &amp; rate?" in text
    assert "could not be drawn" not in text


def test_the_page_shows_every_trial_and_picture(page, progress):
    text = page.path.read_text(encoding="utf-8")
    assert all(trial.end["hash"] in text for trial in progress.trials)
    names = ("objective_history", "objective_curves", "importance", "parallel_coordinates", "slices", "contours")
    assert all((page.path.parent / f"{name}.png").is_file() for name in names)
    markdown = page.markdown.read_text(encoding="utf-8")
    pictures = re.findall(r"!\[[^]]*\]\(([^)]+)\)", markdown)
    assert len(pictures) == len(names) and all((page.path.parent / name).is_file() for name in pictures)


def test_the_answer_names_the_best_trial_and_how_the_others_ended(page, progress):
    assert page.answer == answer(progress)
    best = f"Trial {progress.best.number} has the smallest validation_loss, {progress.best.objective:.5g}, of 14 trials"
    assert page.answer.startswith(best)
    assert all(f"{count} {status}" in page.answer for status, count in progress.counts.items())


def test_a_report_of_what_has_not_changed_is_not_written_again(page, finished):
    before = page.path.stat().st_mtime_ns
    assert search_report.write(finished, Store()) == page and page.path.stat().st_mtime_ns == before


def test_importance_is_a_share_of_what_varies(progress):
    shares = search_report.importances(progress)
    assert set(shares) == {scale.name for scale in search_report.scales_of(progress)}
    assert sum(shares.values()) == pytest.approx(1) and list(shares.values()) == sorted(shares.values(), reverse=True)
    assert shares == search_report.importances(progress)


def test_a_scale_places_numbers_logarithms_and_options():
    assert list(Scale("rate", log=True).places([0.001, 10.0])) == [-3.0, 1.0]
    assert list(Scale("kind", labels=("a", None, True)).places(["a", True])) == [0.0, 2.0]
    gap = Scale("entry").places([3, None])
    assert gap[0] == 3.0 and gap[1] != gap[1]


def test_the_table_is_stored_with_a_row_per_trial(progress):
    report = write(progress, Store())
    stored = Store().open(*report.path.parts[-3:]).table("trials")
    assert list(stored["trial"]) == list(range(14)) and "model.width" in stored
    assert list(stored["validation_loss"].dropna()) == [t.objective for t in progress.trials if t.objective is not None]


def test_the_best_trial_becomes_a_sweep_in_which_everything_is_stored(finished, progress):
    promotion = promote_trial(finished, Store())
    assert (promotion.path.name, promotion.trial) == ("tune_best.yaml", progress.best.number)
    sweep = load_sweep(promotion.path)
    assert [row.configuration.item.hash for row in sweep.rows] == [progress.best.end["hash"]]
    verdicts = [verdict for of_layer in plan_sweep(sweep, Store()).values() for verdict in of_layer]
    assert {verdict.item.layer for verdict in verdicts} == {"dataset", "segments", "model", "evaluation"}
    assert {verdict.state for verdict in verdicts} == {"fresh"}
    text = promotion.path.read_text()
    assert f"trial {progress.best.number}" in text.lower() and "vary: {model.seed: [0, 1, 2]}" in text
    assert promote_trial(finished, Store()) == promotion, "again the same file"
    assert [path.name for path in promotion.path.parent.iterdir() if path.name.startswith(".")] == []


def test_another_trial_has_its_model_and_not_its_evaluation(finished, progress):
    other = next(t for t in progress.trials if t.state == "complete" and t.end["hash"] != progress.best.end["hash"])
    promotion = promote_trial(finished, Store(), other.number, "other")
    verdicts = plan_sweep(load_sweep(promotion.path), Store())
    assert [v.state for v in verdicts["model"]] == ["fresh"]
    assert [v.state for v in verdicts["evaluation"]] == ["missing"]


@pytest.mark.parametrize(
    ("number", "name", "line"),
    [
        (99, "", r"trial 99 of toy/tune: there is no such trial; complete are: \d"),
        (None, "Best One", "given the name 'Best One'; expected lower-case letters"),
        (None, "../best", "given the name '../best'; expected lower-case letters"),
        (None, "tune", "tune.yaml is there already and says something else"),
    ],
)
def test_what_cannot_be_promoted_is_refused_in_one_line(finished, number, name, line):
    with pytest.raises(CannotPromote, match=line):
        promote_trial(finished, Store(), number, name)


def test_a_pruned_trial_is_no_result(finished, progress):
    number = next(trial.number for trial in progress.trials if trial.state == "pruned")
    with pytest.raises(CannotPromote, match=f"trial {number} of toy/tune: it is pruned"):
        promote_trial(finished, Store(), number)


def test_what_trials_are_made_of_is_no_garbage(finished, progress):
    store = Store()
    alone = {one.path for one in garbage(store, 0.0, needed_by([]))}
    leftovers = {one.path for one in garbage(store, 0.0, needed_by([progress.sweep()]))}
    models = {store.path("toy", "model", trial.end["hash"]) for trial in progress.trials}
    assert models <= alone and not models & leftovers
    best = store.path(*progress.best_row.evaluations[0].address)
    assert best in alone and best not in leftovers


def test_a_deleted_best_model_is_made_again_and_the_trials_stay(finished, progress):
    store = Store()
    item = progress.best_row.configuration.item
    before = store.open(*item.address).arrays("state")
    store.remove(*item.address)
    assert [verdict.item.layer for verdict in SearchProgress.of(finished, store).due()] == ["model", "evaluation"]
    engine = Inline()
    run = SearchRun(finished, store, engine, lambda line: None)
    assert list(run.run()) == [] and {outcome.status for outcome in run.finish()} == {"ok"}
    after = store.open(*item.address).arrays("state")
    assert engine.trained() == [item.hash] and all((before[name] == after[name]).all() for name in before)
    assert SearchProgress.of(finished, store).done
