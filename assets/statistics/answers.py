"""Answers to the questions of a sweep file, with intervals."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from assets.identity.text import cell, quantity, value_text, with_interval
from assets.statistics.effects import pairs_of
from assets.statistics.experiment import Experiment
from assets.statistics.intervals import centre, scores
from assets.statistics.paired_comparison import NEUTRAL, SCALES, compare_rows, holm, is_decided
from assets.sweeps.questions import Question, Value


@dataclass(frozen=True)
class Answer:
    """The answer of a sweep to a question."""

    question: Question
    text: str
    comparisons: tuple[Mapping[str, Any], ...]
    """a, b and the fields of `compare_samples` with p_holm; b is compared with a."""


def answers(experiment: Experiment) -> list[Answer]:
    """Answer the questions of a sweep; p is corrected for the comparisons of all of them together (Holm 1979).

    Planned comparisons need no correction for unplanned ones: the comparisons of `effects` do not count here.
    """
    questions = experiment.sweep.questions
    comparisons = [list(_comparisons(experiment, question)) for question in questions]
    p_values = np.array([one["p"] for group in comparisons for one in group], float)
    corrected = iter(holm(p_values, experiment.analyses))
    comparisons = [[one | {"p_holm": float(next(corrected))} for one in group] for group in comparisons]
    return [
        Answer(question, _text(question, group), tuple(group))
        for question, group in zip(questions, comparisons, strict=True)
    ]


def _comparisons(experiment: Experiment, question: Question) -> Iterator[dict[str, Any]]:
    """Yield the comparisons that a question asks for: all its pairs as one, or its best value with each other one."""
    if question.metric and question.metric not in experiment.table:
        return
    if question.pairs:
        rows = [pair for a, b in question.pairs for pair in pairs_of(experiment, question.axis, a, b)]
        first, second = (
            ", ".join(dict.fromkeys(map(value_text, values))) for values in zip(*question.pairs, strict=True)
        )
        yield {"a": first, "b": second, **compare_rows(experiment, rows, question.metric)}
        return
    best, *others = sorted(question.among, key=lambda value: _centre(experiment, question, value))
    for other in others:
        rows = pairs_of(experiment, question.axis, best, other)
        yield {"a": value_text(best), "b": value_text(other), **compare_rows(experiment, rows, question.metric)}


def _centre(experiment: Experiment, question: Question, value: Value) -> float:
    """Return the mean of the finite scores of a value (`intervals.centre`); infinite without any."""
    rows = [
        row
        for setting in experiment.settings
        if value_text(setting.axes[question.axis]) == value_text(value)
        for row in experiment.usable(setting)
    ]
    if not rows or not experiment.tests:
        return math.inf
    values = scores(experiment.samples(rows, metric=question.metric))
    values = values[np.isfinite(values)]
    return centre(values) if values.size else math.inf


def _text(question: Question, comparisons: Sequence[Mapping[str, Any]]) -> str:
    """Put the answer into words."""
    if not comparisons:
        return f"No answer: no row has a metric {question.metric}."
    paired = [one for one in comparisons if one["pairs"]]
    if not paired:
        return "No answer yet: no pair of rows is ok."
    if question.pairs:
        (one,) = paired
        if is_decided(one):
            return f"{'Yes' if one['effect'] < NEUTRAL[one['scale']] else 'No, the contrary'}: {_effect(one)}."
        return f"Inconclusive: {_effect(one)}."
    undecided = [one["b"] for one in paired if not is_decided(one)]
    closest = min(paired, key=lambda one: one["effect"])
    text = f"{paired[0]['a']} comes first. The closest other one is b, {closest['b']}: {_effect(closest)}"
    if not undecided:
        return f"{text}. It is better than all {len(paired)} others."
    return f"{text}. Against {', '.join(undecided)} the comparison is inconclusive."


def _effect(comparison: Mapping[str, Any]) -> str:
    size = with_interval(comparison["effect"], comparison["low"], comparison["high"])
    p = f", p {cell(comparison['p_holm'])} after correction" if math.isfinite(comparison["p_holm"]) else ""
    better = f"b is better in {comparison['better_b']} of {quantity(comparison['pairs'], 'pair')}"
    return f"{SCALES[comparison['scale']]} = {size}, {better}{p}"
