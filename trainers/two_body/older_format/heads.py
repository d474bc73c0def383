"""Names of heads in the older sweep format: two have had two meanings or two names."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

ABSOLUTE_FROM = date(2025, 11, 18)
"""From this day on `mlp_4D` was |m0| d; before, it was m0 d."""

SYNONYMS: dict[str, tuple[str, str]] = {
    "mlp_4D_accsoftplus": ("mlp_4D_softplus", "two names of one formula, softplus(m0) d"),
    "mlp_4D_sigmoid": ("mlp_4D_softplus", "a label that was printed over softplus runs"),
}
"""Other names of heads: the present name and the reason, which becomes a decision."""


def present_heads(names: Sequence[Any], dated: date | None) -> tuple[list[Any], list[str]]:
    """Return the present names of heads, each once, and a decision on each name that is not the present one.

    `mlp_4D` is `mlp_4D_signed` in files dated before 2025-11-18 and `mlp_4D_abs` in later ones and in those without a
    date.
    """
    present: list[Any] = []
    decisions: list[str] = []
    for name in names:
        head, why = _mlp_4d(dated) if name == "mlp_4D" else SYNONYMS.get(name, (name, ""))
        if why:
            decisions.append(f"model.output_layer: {name} is read as {head}: {why}")
        if head in present:
            decisions.append(f"model.output_layer: {name} is left out: {head} is in the list already")
        else:
            present.append(head)
    return present, decisions


def _mlp_4d(dated: date | None) -> tuple[str, str]:
    if dated is None:
        return "mlp_4D_abs", (
            f"it was m0 d before {ABSOLUTE_FROM} and |m0| d from then on, and the file has no date; "
            "say when it was used with --dated YYYY-MM-DD"
        )
    if dated < ABSOLUTE_FROM:
        return "mlp_4D_signed", f"dated {dated}; it was m0 d before {ABSOLUTE_FROM}"
    return "mlp_4D_abs", f"dated {dated}; it was |m0| d from {ABSOLUTE_FROM} on"
