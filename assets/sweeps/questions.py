"""Questions that a sweep file asks beforehand: planned comparisons."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from pydantic import Field, model_validator

from assets.identity.paths import Place
from assets.identity.text import value_text
from trainers.common.names import nearest
from trainers.study import Config

Value = str | int | float | bool


class Question(Config):
    """A question about the values of one axis, everything else held equal."""

    ask: str
    """The question, as people read it."""
    axis: str
    """Axis that it is about."""
    pairs: tuple[tuple[Value, Value], ...] = ()
    """Is the second value of a pair better than the first? All pairs are one comparison."""
    among: tuple[Value, ...] = Field(default=(), max_length=100)
    """Which of these is best? The one with the smallest geometric mean, compared with each of the others."""
    metric: str = ""
    """Metric to answer by; empty: the first headline metric."""

    @model_validator(mode="after")
    def _one_kind(self) -> Question:
        if bool(self.pairs) == (len(self.among) > 1):
            raise ValueError("expected either `pairs` (is the second better?) or two or more `among` (which is best?)")
        return self

    def names(self) -> list[str]:
        """Return the values that it is about, as text."""
        return [value_text(value) for pair in self.pairs or (self.among,) for value in pair]


def findings(questions: Sequence[Question], axes: Mapping[str, Sequence[str]]) -> Iterator[tuple[Place, str]]:
    """Yield what does not fit a sweep with these axes and their values as text."""
    for number, question in enumerate(questions):
        if question.axis not in axes:
            choices = ", ".join(nearest(question.axis, axes)) or "none, as nothing varies"
            yield (number, "axis"), f"no such axis {question.axis!r}; nearest: {choices}"
            continue
        kind, values = "pairs" if question.pairs else "among", axes[question.axis]
        for name in question.names():
            if name not in values:
                yield (
                    (number, kind),
                    f"no value {name!r} of {question.axis}; nearest: {', '.join(nearest(name, values))}",
                )
