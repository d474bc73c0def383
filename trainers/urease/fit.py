"""Infer activity and deactivation from pH curves of one's own, and forecast the rest.

A model needs the channel `pH`, times from the start of the reaction on, and the known conditions of its family as
parameters of each curve (substrate, powder, temperature, initial_pH, ... in the units of `kinetics/families.py`). It
uses the longest of its prefixes that a curve fills, and says which. Readings may be irregular: bins without readings
are interpolated.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from trainers.study import Estimates, Trained, Trajectories
from trainers.urease.apply import Predictor, apply
from trainers.urease.config import ModelConfig
from trainers.urease.curves.curves import Curves
from trainers.urease.inference.least_squares import least_squares
from trainers.urease.kinetics.families import UNITS
from trainers.urease.scores.forecasts import HORIZONS, forecast

Array = np.ndarray

SAMPLES, FORECAST_SAMPLES = 1000, 60
"""Posterior samples behind estimates and intervals, and behind forecasts."""

FEWEST_READINGS = 5
"""In a prefix."""

LEVEL = 0.9

UNINFORMED = 0.9
"""Posterior by prior standard deviation above which a prefix is said to tell almost nothing of an unknown."""

MISFIT = 1.5
"""Median absolute residual of the median posterior curve, in units of the noise, above which a curve is doubtful: 0.67
where all is well."""


def fit(config: ModelConfig, trained: Trained, measured: Trajectories) -> Estimates:
    """Estimate the unknowns of measured pH curves, by the median and the 90 % interval of the posterior.

    fit_curves: readings, and the forecast pH of the solution with its 90 % band, to 2000 s or the last reading.
    posterior: 100 samples of each curve. forecast: pH at 300, 1000 and 2000 s.

    Raises:
        ValueError: a known condition is missing or not finite, times begin before 0, or a curve is shorter than the
            shortest prefix or holds fewer than 5 readings in it.
    """
    predictor = apply(config, trained)
    _check(predictor, measured)
    prepared = [_prepared(predictor, measured, number) for number in range(len(measured.t))]
    rows: dict[int, list[dict[str, object]]] = {}
    tables: dict[str, dict[int, pd.DataFrame]] = {"fit_curves": {}, "posterior": {}, "forecast": {}}
    for prefix in sorted({one.prefix for one in prepared}):
        group = [number for number, one in enumerate(prepared) if one.prefix == prefix]
        curves = Curves(*(np.concatenate(parts) for parts in zip(*(prepared[n].curves for n in group), strict=True)))
        samples = predictor.samples(curves, prefix, SAMPLES)
        misfit = _misfit(predictor, curves, prefix)
        for k, number in enumerate(group):
            one = _Answer(predictor, prepared[number], samples[:, k : k + 1], float(misfit[k]), number)
            rows[number] = one.rows()
            for name, table in one.tables().items():
                tables[name][number] = table
    in_order = {name: pd.concat([parts[n] for n in sorted(parts)], ignore_index=True) for name, parts in tables.items()}
    return Estimates(pd.DataFrame([row for n in sorted(rows) for row in rows[n]]), in_order, level=LEVEL)


class _Prepared(NamedTuple):
    """A curve as a model takes it."""

    t: Array
    """(M,) times of its readings [s]."""
    reading: Array
    """(M,)"""
    curves: Curves
    """Of one curve."""
    prefix: int
    filled: int
    """Points that were interpolated."""


def _prepared(predictor: Predictor, measured: Trajectories, number: int) -> _Prepared:
    one = _one(measured, number)
    prefix = _prefix(predictor.config, number, one.t[0])
    curves, filled = _filled(predictor.curves(one))
    return _Prepared(one.t[0], one.y[0, :, 0], curves, prefix, filled)


def _check(predictor: Predictor, measured: Trajectories) -> None:
    if "pH" not in measured.names:
        raise ValueError(f"the curves have channels {', '.join(measured.names)}; expected one named pH")
    for name in str(predictor.meta["known"]).split(","):
        if name not in measured.parameters:
            raise ValueError(f"the curves come without {name} [{UNITS[name]}], which the model was told in training")
        if not np.isfinite(measured.parameters[name]).all():
            raise ValueError(f"{name} is not finite for every curve; expected a number [{UNITS[name]}]")
    if measured.time_unit != "s":
        raise ValueError(f"times are in {measured.time_unit}; expected seconds from the start of the reaction, s")
    if np.nanmin(measured.t) < 0:
        raise ValueError(f"a time is {np.nanmin(measured.t):g} s; expected times from 0, the start of the reaction, on")


def _one(measured: Trajectories, number: int) -> Trajectories:
    """Return one curve as a set of its own, of its finite readings."""
    pH = measured.y[number, :, measured.names.index("pH")]
    present = np.isfinite(measured.t[number]) & np.isfinite(pH)
    return Trajectories(
        t=measured.t[number][present][None],
        y=pH[present][None, :, None],
        names=("pH",),
        units=("1",),
        time_unit="s",
        parameters={name: values[number : number + 1] for name, values in measured.parameters.items()},
    )


def _prefix(config: ModelConfig, number: int, t: Array) -> int:
    """Return the number of the longest prefix that readings at times t fill: up to a twentieth of its length."""
    full = [k for k, duration in enumerate(config.durations) if len(t) and t[-1] >= 0.95 * duration]
    if not full:
        last = t[-1] if len(t) else 0.0
        raise ValueError(
            f"curve {number} ends at {last:g} s; the shortest prefix of this model is {config.durations[0]:g} s"
        )
    duration = config.durations[full[-1]]
    inside = int((t <= duration).sum())
    if inside < FEWEST_READINGS:
        raise ValueError(f"curve {number} has {inside} readings in {duration:g} s; expected {FEWEST_READINGS} or more")
    return full[-1]


def _filled(curves: Curves) -> tuple[Curves, int]:
    """Return a curve whose empty points before the last reading are interpolated, and how many they are."""
    have = curves.readings[0] > 0
    inside = np.arange(len(have)) <= np.flatnonzero(have).max()
    reading = np.interp(curves.t[0], curves.t[0][have], curves.reading[0][have])
    count = np.where(inside & ~have, 1.0, curves.readings[0])
    return curves._replace(reading=reading[None], readings=count[None]), int((inside & ~have).sum())


def _misfit(predictor: Predictor, curves: Curves, prefix: int) -> Array:
    """Return the median absolute residual of the curve that fits best, in units of the noise, of each curve (N,)."""
    likelihood = predictor.likelihood(curves, prefix)
    maximum = least_squares(likelihood, len(predictor.unknowns), prior=True)
    r = np.where(likelihood.member, np.abs(likelihood.residuals(maximum.z)), np.nan)
    return np.asarray(np.nanmedian(r, axis=1))


class _Answer(NamedTuple):
    """What is said of one curve."""

    predictor: Predictor
    one: _Prepared
    samples: Array
    """(S, 1, P)"""
    misfit: float
    number: int

    def doubts(self) -> list[str]:
        """Return what is doubtful about all unknowns."""
        predictor, curves = self.predictor, self.one.curves
        doubts = []
        for k, name in enumerate(str(predictor.meta["known"]).split(",")):
            least, most = (float(predictor.fitted[f"known_{end}"][k]) for end in ("low", "high"))
            value, slack = float(curves.known[0, k]), 0.02 * (most - least) + 1e-6 * abs(most)
            if not least - slack <= value <= most + slack:
                doubts.append(f"{name} is {value:g}, in training {least:.4g} to {most:.4g} {UNITS[name]}")
        if self.one.filled:
            points = int(curves.up_to(predictor.config.durations[self.one.prefix]).sum())
            doubts.append(f"{self.one.filled} of {points} points interpolated")
        if self.misfit > MISFIT:
            doubts.append(f"no curve of the model is within the noise of this one: off by {self.misfit:.1f} of it")
        return doubts

    def rows(self) -> list[dict[str, object]]:
        """Return a row per unknown."""
        predictor, prefix = self.predictor, self.one.prefix
        low, high = predictor.interval(self.samples, prefix, LEVEL)
        box_low, box_high = predictor.box
        spread = self.samples[:, 0].std(axis=0) / ((box_high - box_low) / 12**0.5)
        doubts, rows = self.doubts(), []
        for p, name in enumerate(predictor.unknowns):
            own = ["the prefix says almost nothing of it"] if spread[p] > UNINFORMED else []
            rows.append(
                {
                    "trajectory": self.number,
                    "parameter": name,
                    "unit": UNITS[name],
                    "estimate": float(np.median(self.samples[:, 0, p])),
                    "lower": float(low[0, p]),
                    "upper": float(high[0, p]),
                    "caveat": "; ".join([*doubts, *own]),
                    "prefix_s": predictor.config.durations[prefix],
                }
            )
        return rows

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return forecast with band, posterior samples, and the forecast at the usual times."""
        t, number = self.one.t, self.number
        last = max(t[-1], HORIZONS[-1])
        grid = np.unique(np.concatenate([np.array([0.0, last, *HORIZONS]), np.geomspace(1.0, last, 60), t]))
        made = forecast(self.predictor, self.one.curves, self.samples[:FORECAST_SAMPLES], grid)
        measured = np.full(len(grid), np.nan)
        measured[np.searchsorted(grid, t)] = self.one.reading
        columns = {"measured": measured, "predicted": made.mean[0], "lower": made.lower[0], "upper": made.upper[0]}
        at = np.searchsorted(grid, HORIZONS)
        ends = {"pH": made.mean[0, at], "lower": made.lower[0, at], "upper": made.upper[0, at]}
        few = self.samples[:100, 0]
        named = {name: few[:, p] for p, name in enumerate(self.predictor.unknowns)}
        return {
            "fit_curves": pd.DataFrame({"trajectory": number, "t": grid, "channel": "pH", **columns}),
            "posterior": pd.DataFrame({"trajectory": number, **named}),
            "forecast": pd.DataFrame({"trajectory": number, "t": HORIZONS, **ends}),
        }
