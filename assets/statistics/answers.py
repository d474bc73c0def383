"""Answers to the questions of a sweep file, with intervals."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from assets.identity.text import cell, counted, ranged, shown
from assets.statistics.effects import SCALES, SIGNIFICANT, holm, paired, pairs_needed, pairs_of
from assets.statistics.experiment import Experiment
from assets.statistics.intervals import scores
from assets.sweeps.questions import Question, Value

if TYPE_CHECKING:
    from assets.sweeps.sweep import Row


@dataclass(frozen=True)
class Answer:
    """What a sweep answers to a question."""

    question: Question
    text: str
    comparisons: tuple[Mapping[str, Any], ...]
    """a, b and the fields of `effects.compare_samples` with p_holm; b is compared with a."""


def answers(experiment: Experiment) -> list[Answer]:
    """Answer the questions of a sweep; p is corrected for the comparisons of all of them together (Holm 1979).

    Comparisons that were planned need no correction for those that were not, so that `effects` does not count here.
    """
    made = [list(_comparisons(experiment, question)) for question in experiment.sweep.questions]
    corrected = iter(holm(np.array([one["p"] for found in made for one in found], float), experiment.looks))
    made = [[one | {"p_holm": float(next(corrected))} for one in found] for found in made]
    count = experiment.looks * sum(math.isfinite(one["p"]) for found in made for one in found)
    return [
        Answer(question, _text(question, found, count), tuple(found))
        for question, found in zip(experiment.sweep.questions, made, strict=True)
    ]


def _comparisons(experiment: Experiment, question: Question) -> Iterator[dict[str, Any]]:
    def compared(a: str, b: str, pairs: Sequence[tuple[Row, Row]]) -> dict[str, Any]:
        return {"a": a, "b": b, **paired(experiment, pairs, question.metric)}

    if question.metric and question.metric not in experiment.table:
        return
    if question.pairs:
        found = [pair for a, b in question.pairs for pair in pairs_of(experiment, question.axis, a, b)]
        first, second = (", ".join(dict.fromkeys(shown(pair[side]) for pair in question.pairs)) for side in (0, 1))
        yield compared(first, second, found)
        return
    best, *others = _ordered(experiment, question)
    for other in others:
        yield compared(shown(best), shown(other), pairs_of(experiment, question.axis, best, other))


def _ordered(experiment: Experiment, question: Question) -> list[Value]:
    """Return the values of a question, the one with the smallest geometric mean of its scores first."""
    return sorted(question.among, key=lambda value: _center(experiment, question, value))


def _center(experiment: Experiment, question: Question, value: Value) -> float:
    rows = [
        row
        for setting in experiment.settings
        if shown(setting.axes[question.axis]) == shown(value)
        for row in experiment.usable(setting)
    ]
    reached = scores(experiment.samples(rows, metric=question.metric)) if rows and experiment.tests else np.array([])
    known = reached[np.isfinite(reached)]
    if not known.size:
        return math.inf
    return float(np.exp(np.mean(np.log(known))) if (known > 0).all() else np.mean(known))


def _text(question: Question, found: Sequence[Mapping[str, Any]], count: int) -> str:
    if not found:
        return f"No answer: no row has a metric {question.metric}."
    return _pair_text(found[0], count) if question.pairs else _among_text(found, count)


def _pair_text(told: Mapping[str, Any], count: int) -> str:
    if not told["pairs"]:
        return "No answer yet: no pair of rows is ok."
    neutral = 1.0 if told["scale"] == "ratio" else 0.0
    if told["p_holm"] < SIGNIFICANT:
        return f"{'Yes' if told['effect'] < neutral else 'No, the contrary'}: {_effect(told)}."
    return f"Cannot be told: {_effect(told)}{_needed(told, count)}."


def _among_text(found: Sequence[Mapping[str, Any]], count: int) -> str:
    known = [one for one in found if one["pairs"]]
    if not known:
        return "No answer yet: no pair of rows is ok."
    best = known[0]["a"]
    open_ = [one["b"] for one in known if not one["p_holm"] < SIGNIFICANT]
    close = min(known, key=lambda one: one["effect"])
    text = f"{best} comes first. Its nearest rival b is {close['b']}: {_effect(close)}"
    if not open_:
        return f"{text}. It is told from all {len(known)} others."
    return f"{text}. It cannot be told from {', '.join(open_)}{_needed(close, count)}."


def _effect(told: Mapping[str, Any]) -> str:
    size = ranged(told["effect"], told["low"], told["high"])
    p = f", p {cell(told['p_holm'])} after correction" if math.isfinite(told["p_holm"]) else ""
    return f"{SCALES[told['scale']]} = {size}, b is better in {told['better_b']} of {counted(told['pairs'], 'pair')}{p}"


def _needed(told: Mapping[str, Any], count: int) -> str:
    needed = pairs_needed(count)
    return f"; {needed} pairs or more could tell" if told["pairs"] < needed else ""
