"""A clock that jumps, and daylight saving: durations stay durations, the living alive, every cron line has a zone."""

import os
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import dagster as dg
import numpy as np
import pytest
from dagster._utils.schedules import schedule_execution_time_iterator

from assets.home.checkpoints import Checkpoints
from assets.sweeps.sweep_file import load_sweep
from orchestration.schedules import sweep_schedule
from tests.faults.project import PlainProject
from trainers.study import Progress

JUMPING = """
import itertools, time

real, steps = time.time, itertools.cycle((0, 7200, -7200, 86400, -86400))
time.time = lambda: real() + next(steps)
"""
"""Each look at the clock finds it set to another hour or day; read by every process of the launch at its start."""


def test_a_clock_that_jumps_changes_neither_durations_nor_outcome(project: PlainProject) -> None:
    (project.root / "sitecustomize.py").write_text(JUMPING)
    name = project.sweep(pause=0.05)
    jumped = subprocess.run(
        [sys.executable, "-c", "import time; times = [time.time() for _ in range(9)]; print(times != sorted(times))"],
        env=project.environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert jumped.stdout == "True\n"
    summary = project.json("run", name)
    assert (summary["trained"], summary["evaluated"], summary["failed"]) == (3, 3, {})
    assert 0 < summary["seconds"] < 300
    for key in project.manifests():
        seconds = project.manifest(*key.split("/")).get("timings", {})
        assert all(0 <= value < 300 for value in seconds.values()), key
    (project.root / "sitecustomize.py").unlink()
    assert project.json("run", name)["cached"] == 3, "the same clock as ever finds everything fresh"
    assert {key: one for key, one in project.manifests().items() if "leaderboard" not in key} == project.expected(name)
    assert project.tidy()


def test_the_newest_checkpoint_is_that_of_the_last_step_whatever_the_clock_said(fresh_home: Path) -> None:
    saved = Checkpoints("plain", "0123456789ab", "code")
    for step in (10, 20):
        saved.offer(Progress("key", 0, step, 30, {}, lambda: {"weights": np.ones(2)}, phase_end=True))
    (before, after) = sorted(saved.directory.iterdir())
    os.utime(before, (time.time() + 7200,) * 2)
    assert saved.newest().step == 20
    saved.offer(Progress("key", 0, 30, 30, {}, lambda: {"weights": np.ones(2)}, phase_end=True))
    assert sorted(path.stem for path in saved.directory.iterdir()) == ["000000020", "000000030"] and after.exists()


SWEEP = """
study: two_body
tests: [complex_planar_1_test]
base: {dataset: {orbits: 1}}
schedule: "30 2 * * *"
"""


def scheduled(tmp_path: Path, more: str = "") -> dg.ScheduleDefinition:
    (tmp_path / "nightly.yaml").write_text(SWEEP + more)
    return sweep_schedule(load_sweep(tmp_path / "nightly.yaml"))


@pytest.mark.parametrize(("begin", "days"), [("2026-03-27", 4), ("2026-10-23", 4)])
def test_a_night_with_a_missing_or_a_doubled_hour_has_one_run(tmp_path: Path, begin: str, days: int) -> None:
    schedule = scheduled(tmp_path, "timezone: Europe/Berlin\n")
    zone = ZoneInfo(schedule.execution_timezone)
    start = datetime.fromisoformat(begin).replace(tzinfo=zone).timestamp()
    ticks = schedule_execution_time_iterator(start, schedule.cron_schedule, schedule.execution_timezone)
    nights = [next(ticks).astimezone(zone) for _ in range(days)]
    assert len({night.date() for night in nights}) == days == (nights[-1].date() - nights[0].date()).days + 1
    assert {(night.hour, night.minute) for night in nights} <= {(2, 30), (3, 0)}


@pytest.mark.parametrize(
    ("timezone", "expected"), [("America/New_York", "America/New_York"), ("", None), ("No/Where", None)]
)
def test_every_schedule_carries_a_time_zone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, timezone, expected
) -> None:
    monkeypatch.setenv("TZ", timezone)
    zone = scheduled(tmp_path).execution_timezone
    assert zone and ZoneInfo(zone) and (expected is None or zone == expected)
    assert scheduled(tmp_path, "timezone: Asia/Tokyo\n").execution_timezone == "Asia/Tokyo"
