"""A search: trials are ordinary configurations, proposed in order, told as they ended, never trained twice."""

import pytest

pytest_plugins = ["tests.assets.toy_search"]


def drawn(trials):
    return [(trial.number, dict(trial.drawn)) for trial in trials]


def test_x(searching):
    import time

    t = time.time()
    lines = []
    out = searching.run(searching.load(pruner="{startup_trials: 2, interval: 10}", trials=8), lines.append)
    print(time.time() - t)
    for o in out:
        print(o.number, o.state, o.values, o.objective, o.curve, o.told)
    t = time.time()
    out = searching.run(searching.load(pruner="{startup_trials: 2, interval: 10}", trials=9), lines.append)
    for o in out:
        print(o.number, o.state, o.values, o.objective, o.curve, o.told)
    print(time.time() - t)
