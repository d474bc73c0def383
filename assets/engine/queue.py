"""The queue: in which order tasks go to workers."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Sequence

from assets.stages.tasks import Task

Cohort = tuple[str, str, str]


def cohort_of(task: Task) -> Cohort:
    """Return what tasks of one compiled program have in common."""
    return task.item.study, task.item.layer, task.item.cohort


class Dispatch:
    """Tasks that wait, by cohort.

    A worker stays with the cohort that it has compiled until that is exhausted, then takes the largest one that no
    worker has begun, then helps where most is left. Within a cohort tasks go out in the order in which they came. Under
    a deadline tasks go out in rounds instead, every setting at one seed before any at the next, so that a table is
    balanced whenever it stops; within a round cohorts stay together.
    """

    def __init__(self, tasks: Sequence[Task] = (), balanced: bool = False) -> None:
        self._balanced = balanced
        self._waiting: dict[Cohort, deque[Task]] = {}
        self._started_cohorts: set[Cohort] = set()
        for task in tasks:
            self.add(task)

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def holds(self, cohort: Cohort | None) -> bool:
        """Return whether a task of this cohort waits."""
        return cohort in self._waiting

    def take(self, last: Cohort | None) -> Task:
        """Return the next task for a worker whose last task was of cohort `last`.

        Raises:
            IndexError: nothing waits.
        """
        if not self._waiting:
            raise IndexError("no task waits")
        cohort = self._next_of_round(last) if self._balanced else last if last in self._waiting else self._choose()
        self._started_cohorts.add(cohort)
        task = self._waiting[cohort].popleft()
        if not self._waiting[cohort]:
            del self._waiting[cohort]
        return task

    def company(self, task: Task) -> list[Task]:
        """Remove the waiting tasks that train together with `task`, which was taken; return all, that task first."""
        group, waiting = [task], self._waiting.get(cohort_of(task), deque())
        while waiting and len(group) < task.item.at_once and self._trains_with(task, waiting[0]):
            group.append(waiting.popleft())
        if not waiting:
            self._waiting.pop(cohort_of(task), None)
        return group

    def _trains_with(self, task: Task, other: Task) -> bool:
        return other.item.inputs == task.item.inputs and not (self._balanced and _seed(other) != _seed(task))

    def add(self, task: Task) -> None:
        """Add a task, last in its cohort."""
        self._waiting.setdefault(cohort_of(task), deque()).append(task)

    def put_back(self, task: Task) -> None:
        """Add a task, first in its cohort."""
        self._waiting.setdefault(cohort_of(task), deque()).appendleft(task)

    def remove(self, tasks: Collection[Task]) -> None:
        """Remove tasks that are no longer to be made; those that do not wait are ignored."""
        for cohort, waiting in list(self._waiting.items()):
            self._waiting[cohort] = deque(task for task in waiting if task not in tasks)
            if not self._waiting[cohort]:
                del self._waiting[cohort]

    def _next_of_round(self, last: Cohort | None) -> Cohort:
        """Return a cohort whose next task has the lowest waiting seed, the last one if it has."""
        seeds = {cohort: _seed(tasks[0]) for cohort, tasks in self._waiting.items()}
        round_ = [cohort for cohort, seed in seeds.items() if seed == min(seeds.values())]
        return last if last in round_ else max(round_, key=lambda cohort: cohort not in self._started_cohorts)

    def _choose(self) -> Cohort:
        fresh = [cohort for cohort in self._waiting if cohort not in self._started_cohorts]
        return max(fresh or self._waiting, key=lambda cohort: len(self._waiting[cohort]))


def _seed(task: Task) -> int:
    return int(task.item.config.get("seed", 0))
