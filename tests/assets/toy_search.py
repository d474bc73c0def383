"""Searches of the toy study, run in this process."""

from collections import deque
from textwrap import dedent

from assets.engine.engine import Engine
from assets.search.search_file import load
from assets.search.search_run import SearchRun
from assets.stages import make
from assets.store.store import Store

SPACE = """
    model.phases[*].learning_rate: {log_uniform: [1e-3, 0.3]}
    model.width: {integer: [2, 8], step: 2}
"""

TEXT = """
study: toy
description: Which <width> & rate?
tests: [test]
base:
  dataset: {{trajectories: 8}}
  model: {model}
search:
  objective: {objective}
  trials: {trials}
  seed: {seed}
  sampler: {{startup_trials: 3}}
  pruner: {pruner}
  space:
{space}
"""

DEFAULTS = {
    "model": "{phases: [{steps: 40}]}",
    "objective": "validation_loss",
    "trials": 4,
    "seed": 3,
    "pruner": "null",
    "space": SPACE.strip("\n"),
}


class Inline(Engine):
    """An engine that makes one task after another in this process, as if it had `cpus` workers."""

    def __init__(self, cpus=1):
        self.cpus = list(range(cpus))
        self.interrupted = False
        self.train_until = None
        self.items = []
        self._tasks = deque()

    def run(self, tasks, on_line=None, deadline=None):
        self._tasks = deque(tasks)
        while self._tasks and not self.interrupted:
            task = self._tasks.popleft()
            self.items.append(task.item)
            yield from make.run_together([task], Store(), self.report)

    def report(self, progress):
        return False

    def add(self, task):
        self._tasks.append(task)

    def trained(self):
        return [item.hash for item in self.items if item.layer == "model"]


class Searching:
    """Search files in one folder, and what runs them."""

    def __init__(self, folder):
        self.folder = folder

    def load(self, name="tune", **changes):
        path = self.folder / f"{name}.yaml"
        path.write_text(dedent(TEXT).format(**DEFAULTS | changes))
        return load(path)

    def run(self, search, engine=None):
        return list(SearchRun(search, Store(), engine or Inline(), lambda line: None).run())
