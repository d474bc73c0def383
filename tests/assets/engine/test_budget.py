"""What a run will take is judged by what like configurations took."""

import pytest

from assets.engine.budget import Budget, TooLargeError, budget, duration
from assets.home.hardware import peak_memory
from assets.store.store import Store
from tests.assets.stages.test_freshness import chain, planner, put


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


def of(store: Store, *items, cpus: int = 2) -> Budget:
    return budget([planner(store).verdict(item) for item in items], store, cpus)


def trained(store: Store, model, seconds: float, compiling: float = 4.0, memory: int = 10**9) -> None:
    timings = {"inputs": 1.0, "train": seconds + compiling, "compile": compiling}
    put(store, *model.upstream())
    put(store, model, cohort=model.cohort, timings=timings, peak_memory=memory)


def test_the_cohort_counts_first_and_is_compiled_once(store):
    for seed in range(3):
        trained(store, chain(seed=seed)["model"], seconds=9.0)
    trained(store, chain(width=5)["model"], seconds=99.0)
    needed = of(store, *(chain(seed=seed)["model"] for seed in (10, 11)))
    assert needed.seconds == pytest.approx((2 * 10.0 + 4.0) / 2)
    assert needed.memory == 2 * 10**9 and needed.due == 2 and not needed.unknown


def test_without_a_like_cohort_the_study_counts_and_without_that_nothing_is_said(store):
    new = chain(width=7)["model"]
    put(store, *new.upstream())
    line = "1 artifact to make (1 model); nothing of their kind has been timed yet, so the duration is unknown"
    assert of(store, new).line == line
    trained(store, chain()["model"], seconds=19.0)
    assert of(store, new, cpus=1).seconds == pytest.approx(24.0)


def test_the_line_counts_by_layer():
    some = Budget(40, 2, due=5, unknown=1, memory=0, free=0, layers={"dataset": 1, "model": 2, "evaluation": 2})
    line = "5 artifacts to make (1 dataset, 2 models, 2 evaluations): about 40 s on 2 CPUs"
    assert some.line == f"{line}, plus 1 of kinds that were never timed"


def test_what_is_stored_costs_nothing(store):
    model = chain()["model"]
    trained(store, model, seconds=9.0)
    assert of(store, model).line == "nothing to do"


def test_what_does_not_fit_is_refused_with_the_numbers():
    large = Budget(seconds=60, cpus=4, due=9, unknown=0, memory=40 * 10**9, free=24 * 10**9)
    with pytest.raises(TooLargeError, match=r"4 workers of up to 10\.0 GB.*24\.0 GB of free.*--cpus 2"):
        large.check()
    Budget(seconds=60, cpus=2, due=9, unknown=0, memory=20 * 10**9, free=24 * 10**9).check()


def test_the_memory_of_this_process_is_in_bytes():
    assert 10**7 < peak_memory() < 10**12


@pytest.mark.parametrize(("seconds", "text"), [(40, "40 s"), (400, "7 min"), (9000, "2.5 h")])
def test_times_are_written_in_seconds_minutes_or_hours(seconds, text):
    assert duration(seconds) == text
