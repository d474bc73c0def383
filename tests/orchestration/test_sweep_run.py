"""A launch over several stretches of keys."""

import time
from types import SimpleNamespace

import pytest

from orchestration.sweep_run import sharing_time


def test_every_stretch_gets_its_share_of_the_time_that_is_left():
    limit = time.monotonic() + 1000
    engine, shares = SimpleNamespace(train_until=limit), []
    stretches = [["a", "b", "c"], ["e"], ["g"]]
    while stretches:
        with sharing_time(engine, stretches):
            shares.append(engine.train_until - time.monotonic())
            stretches.pop(0)
        assert engine.train_until == limit
    assert shares == pytest.approx([600, 500, 1000], abs=5)


def test_without_a_limit_there_is_none():
    engine = SimpleNamespace(train_until=None)
    with sharing_time(engine, [["a"]]):
        assert engine.train_until is None
