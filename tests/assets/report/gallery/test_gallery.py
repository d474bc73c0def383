"""Every figure of chosen models and datasets: which tables they get, what is evaluated now, and what is refused."""

import pytest

from assets.report import pictures
from assets.report.gallery.page import PAGE, gallery_of_datasets, gallery_of_models, write_gallery
from assets.store.store import Missing, StoreError
from trainers import STUDIES

pytest_plugins = ["tests.assets.toy_sweep"]


def heights(training, facts):
    """Draw the dataset."""
    return plot(len(training), len(facts))


def errors(per_trajectory, history):
    """Draw the errors."""
    return plot(len(per_trajectory), len(history))


def over_tests(per_trajectory):
    """Draw the test sets."""
    return plot(*[len(table) for table in per_trajectory.values()])


def sizes(training):
    """Draw several sets."""
    return plot(*[len(table) for table in training.values()])


def plot(*values):
    from matplotlib.figure import Figure

    figure = Figure()
    figure.subplots().plot(values)
    return figure


@pytest.fixture
def drawing(monkeypatch):
    """Give the toy study figures."""
    tables = {"FIGURES": (heights, errors), "COMPARED": (sizes,), "ACROSS_TESTS": (over_tests,)}
    monkeypatch.setattr(pictures, "_functions", lambda study, name: tables[name])


@pytest.fixture
def models(toy_experiment):
    """Return the models of the recipe plain, two widths of one seed, and one that diverged."""
    rows = toy_experiment.sweep.rows
    plain = [row for row in rows if row.axes["recipe"] == "plain" and row.axes["model.seed"] == 0]
    wild = next(row for row in rows if row.axes["recipe"] == "wild")
    return [f"toy/{row.configuration.item.hash}" for row in (*plain, wild)]


def drawn(gallery):
    return {section.name: [one.name for one in section.pictures] for section in gallery.sections}


def test_one_model_is_drawn_on_a_test_set_on_all_of_them_and_on_its_training_data(toy_experiment, drawing, models):
    gallery = gallery_of_models(models[:1], toy_experiment.store)
    first, _, last = gallery.sections
    assert first.name.startswith("A_") and drawn(gallery) == {
        first.name: ["heights", "errors"], "A_all": ["over_tests"], "A_training": ["errors"],
    }  # fmt: skip
    assert {"Metrics", "Fitted on the training data"} <= {table.title for table in first.tables}
    values = [line.get_ydata() for line in gallery.sections[1].pictures[0].figure.axes[0].lines]
    assert len(values[0]) == 3, "train, test and few"
    assert "train" in last.title and gallery.count == 4


def test_training_data_without_an_evaluation_are_evaluated_now_if_wanted(toy_experiment, drawing, models, monkeypatch):
    study, calls = STUDIES["toy"], []
    evaluate = type(study).evaluate
    monkeypatch.setattr(type(study), "evaluate", lambda *arguments: calls.append(1) or evaluate(*arguments))
    gallery_of_models(models[:1], toy_experiment.store)
    assert not calls, "the sweep has the test set train"
    from assets.report.gallery import models as module

    stored = module._evaluated
    without = lambda model: {name: tables for name, tables in stored(model).items() if name != "train"}  # noqa: E731
    monkeypatch.setattr(module, "_evaluated", without)
    gallery = gallery_of_models(models[:1], toy_experiment.store)
    assert len(calls) == 1 and drawn(gallery)["A_training"] == ["errors"]
    assert "A_training" not in drawn(gallery_of_models(models[:1], toy_experiment.store, on_training=False))
    assert len(calls) == 1


def test_several_models_are_compared_first_and_a_failed_one_shows_its_losses(toy_experiment, drawing, models):
    gallery = gallery_of_models([models[0], models[2]], toy_experiment.store)
    names = drawn(gallery)
    assert next(iter(names)) == "compared" and "losses" in names["compared"]
    assert names["B"] == ["losses", "heights"] and "diverged" in gallery.sections[-1].note


def test_a_test_set_is_chosen_by_name(toy_experiment, drawing, models):
    gallery = gallery_of_models(models[:1], toy_experiment.store, "few")
    assert next(iter(drawn(gallery))) == "A_few"
    with pytest.raises(Missing, match="was not evaluated on a test set 'far'; there are: few, test, train"):
        gallery_of_models(models[:1], toy_experiment.store, "far")


def test_datasets_are_drawn_without_a_training_and_side_by_side(toy_experiment, drawing):
    store = toy_experiment.store
    hashes = store.hashes("toy", "dataset")
    gallery = gallery_of_datasets([f"toy/{hashes[0]}", f"toy/{hashes[1]}"], store)
    assert drawn(gallery) == {"compared": ["sizes"], hashes[0]: ["heights"], hashes[1]: ["heights"]}
    for names, message in (
        ([hashes[0]] * 2, "twice"),
        (["nothing_like_it"], "no dataset"),
        (["none/x"], "unknown study"),
    ):
        with pytest.raises(Missing, match=message):
            gallery_of_datasets(names, store)


def test_a_preset_is_simulated_only_where_that_is_wanted(toy_experiment, drawing):
    name = next(iter(STUDIES["toy"].presets))
    assert gallery_of_datasets([f"toy/{name}"], toy_experiment.store).count == 1
    with pytest.raises(Missing, match="is not stored; `orrery figures --dataset"):
        gallery_of_datasets(["two_body/complex_planar_10_train"], toy_experiment.store, simulate=False)


def test_the_folder_holds_the_page_and_every_picture_and_is_replaced_only_if_wanted(
    toy_experiment, drawing, models, tmp_path
):
    gallery, folder = gallery_of_models(models[:1], toy_experiment.store), tmp_path / "own"
    page = write_gallery(gallery, folder)
    assert page.name == PAGE and len(list(folder.glob("*.png"))) == len(list(folder.glob("*.pdf"))) == gallery.count
    text = page.read_text()
    assert text.count("data:image/png") == gallery.count and 'href="/' not in text and "<script" not in text
    with pytest.raises(StoreError, match="--force to replace an earlier page of figures"):
        write_gallery(gallery, folder)
    write_gallery(gallery, folder, force=True)
    (folder / PAGE).unlink()
    with pytest.raises(StoreError, match="something other than a page of figures"):
        write_gallery(gallery, folder, force=True)
