import pytest

from assets.engine.queue import Dispatch
from assets.identity.canonical import Fingerprint, Item
from assets.stages.tasks import Task, task_from_json, task_to_json


def task(name, cohort="", seed=0):
    item = Item("toy", "model", name, "", {"seed": seed}, (), cohort)
    return Task(item, Fingerprint(name, "", "", {}))


def names(dispatch, *lasts):
    return [dispatch.take(last).item.hash for last in lasts]


def of(cohort):
    return ("toy", "model", cohort)


def test_a_worker_goes_on_with_its_cohort_in_the_given_order():
    dispatch = Dispatch([task("a1", "a"), task("b1", "b"), task("a2", "a"), task("b2", "b"), task("a3", "a")])
    assert names(dispatch, None, of("a"), of("a")) == ["a1", "a2", "a3"]


def test_a_second_worker_takes_the_largest_cohort_that_nobody_has_begun():
    dispatch = Dispatch([task("a1", "a"), task("b1", "b"), task("c1", "c"), task("c2", "c"), task("a2", "a")])
    assert names(dispatch, None, None, None) == ["a1", "c1", "b1"]


def test_a_free_worker_helps_the_cohort_with_most_tasks_left_once_all_have_begun():
    dispatch = Dispatch([*(task(f"a{i}", "a") for i in range(4)), task("b0", "b"), task("b1", "b")])
    assert names(dispatch, None, None, of("b"), of("b")) == ["a0", "b0", "b1", "a1"]
    assert len(dispatch) == 2


def test_where_time_may_run_out_every_setting_has_its_first_seed_before_any_has_its_second():
    tasks = [task(f"{cohort}{seed}", cohort, seed) for cohort in "abc" for seed in (0, 1, 2)]
    dispatch = Dispatch(tasks, balanced=True)
    assert names(dispatch, None, of("a"), of("b"), of("c"), of("a")) == ["a0", "b0", "c0", "c1", "a1"]


def test_a_task_that_is_put_back_comes_first():
    dispatch = Dispatch([task("a1", "a"), task("a2", "a")])
    dispatch.put_back(dispatch.take(None))
    assert names(dispatch, None, None) == ["a1", "a2"]
    with pytest.raises(IndexError):
        dispatch.take(None)


def test_tasks_that_train_together_are_handed_out_together():
    inputs = (Item("toy", "segments", "s", "", {}),)
    items = [Item("toy", "model", f"a{n}", "", {"seed": n}, inputs, "a", at_once=3) for n in range(5)]
    other = Item("toy", "model", "b", "", {"seed": 0}, (Item("toy", "segments", "t", "", {}),), "a", at_once=3)
    tasks = [Task(item, Fingerprint("", "", "", {})) for item in (*items[:4], other, items[4])]
    dispatch, order = Dispatch(tasks), []
    while dispatch:
        order.append([task.item.hash for task in dispatch.company(dispatch.take(None))])
    assert order == [["a0", "a1", "a2"], ["a3"], ["b"], ["a4"]]


def test_where_time_may_run_out_only_equal_seeds_train_together():
    items = [Item("toy", "model", f"a{n}", "", {"seed": n // 2}, (), "a", at_once=4) for n in range(4)]
    dispatch = Dispatch([Task(item, Fingerprint("", "", "", {})) for item in items], balanced=True)
    assert [task.item.hash for task in dispatch.company(dispatch.take(None))] == ["a0", "a1"]


def test_a_task_travels_as_json():
    first = task("a1", "a")
    assert task_from_json(task_to_json(first)) == first
