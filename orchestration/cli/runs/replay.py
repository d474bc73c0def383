"""`orrery replay`: one configuration alone, verbosely, in the foreground."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from assets.identity.labels import names
from orchestration.cli.request import clear_errors, refuse

if TYPE_CHECKING:
    from assets.catalogue import StudyCatalogue
    from assets.identity.canonical import Item

Key = Annotated[str, typer.Argument(help="[<study>/]<key, hash, or the beginning of either>.")]


def replay(key: Key) -> None:
    """Repeat one configuration alone and verbosely; what is stored of it stays unless it succeeds."""
    from assets.engine.worker_process import environment
    from assets.home.hardware import choose_cpus, choose_device
    from assets.stages.freshness import Planner
    from assets.stages.tasks import Task, task_to_json
    from assets.store.store import Store, project_root

    with clear_errors():
        item = _failing(*find(key))
        _refuse_running(item)
        task = Task(item, Planner(Store()).fingerprint(item))
        variables = environment(choose_device(None), choose_cpus(1)[0])
    done = subprocess.run(
        [sys.executable, "-m", "assets.stages.replay"],
        input=json.dumps(task_to_json(task)) + "\n",
        text=True,
        cwd=project_root(),
        env=variables,
        check=False,
    )
    if done.returncode < 0:
        print(f"{item.key}: killed by {signal.Signals(-done.returncode).name}; what is stored is unchanged")
    raise typer.Exit(1 if done.returncode else 0)


def find(key: str) -> tuple["Item", "StudyCatalogue"]:
    """Return the item of a key or hash of a sweep or search; exit with 2 where there is none, or more than one."""
    from assets.catalogue import read_catalogue
    from trainers import STUDIES

    study_name, _, name = key.rpartition("/")
    catalogue = read_catalogue()
    studies = [study_name] if study_name else list(STUDIES)
    items = {
        (study, item.hash): (item, catalogue.study(study))
        for study in studies
        if study in STUDIES
        for item in _items(catalogue.study(study))
        if names(name, item.hash, item.key)
    }
    if len(items) != 1:
        how_many = "no configuration" if not items else f"{len(items)} configurations"
        refuse(f"{how_many} {key!r} in the sweeps; expected <study>/<key>, as `orrery failures SWEEP` prints it")
    return next(iter(items.values()))


def _items(study: "StudyCatalogue") -> Iterator["Item"]:
    """Yield everything that sweeps and the trials of searches are made of."""
    from assets.search.progress import SearchProgress
    from assets.store.store import Store

    for items in (study.models, study.segments, study.datasets):
        yield from items.values()
    for search in study.searches.values():
        for items_of_layer in SearchProgress.of(search, Store()).sweep().items().values():
            yield from items_of_layer


def _failing(named_item: "Item", study: "StudyCatalogue") -> "Item":
    """Return the first item that is not ok: the given one, or an evaluation of it; the given one if all are."""
    from assets.stages.freshness import Planner
    from assets.store.store import Store

    planner = Planner(Store())
    candidates = (named_item, *study.evaluations.get(named_item.key, ()))
    return next((item for item in candidates if planner.verdict(item).state != "fresh"), named_item)


def _refuse_running(item: "Item") -> None:
    from assets.home.running import RunningRecord, attempt_at

    attempt = attempt_at(RunningRecord(*item.address).path)
    if attempt and attempt.alive:
        where = f"process {attempt.pid} on {attempt.host}"
        refuse(f"{item.key} is being made by {where} now; `orrery stop {item.key}` ends that")
