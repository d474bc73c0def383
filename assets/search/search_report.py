"""The report of a search: one HTML page that opens offline, and the same as Markdown with pictures."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assets.identity.canonical import short_digest
from assets.identity.paths import dotted, flatten
from assets.identity.text import value_text
from assets.report.parallel_coordinates import Scale, logarithmic, parallel_coordinates, short_leaf
from assets.report.pictures import Picture, picture_of
from assets.report.render import ROOMS, page_code, render
from assets.report.tables.table import Table, table_of
from assets.search import search_figures as figures
from assets.search.progress import SearchProgress, status_of
from assets.search.search import Search
from assets.search.search_table import answer
from assets.search.space import Leaf, Options
from assets.search.trials import Trial, study_of
from assets.statistics.leaderboard import page_manifest
from assets.store.manifest import complete
from assets.store.store import Missing, Store
from trainers import STUDIES

if TYPE_CHECKING:
    import pandas as pd

MOST_AXES = 12
MOST_SLICES = 9


@dataclass(frozen=True)
class SearchReport:
    """A written report of a search."""

    path: Path
    """The HTML page."""
    markdown: Path
    version: str
    answer: str


def write(search: Search, store: Store) -> SearchReport:
    """Store the report of a search, unless the stored one is up to date."""
    progress = SearchProgress.of(search, store)
    address, version = (search.study, "report", short_digest("report", search.name)), _version(progress, store)
    manifest = store.manifest(*address)
    if manifest is None or manifest["fingerprint"] != version:
        page = content(progress, store)
        with store.writing(*address) as draft:
            draft.page("report.html", render("search.html", page))
            draft.page("report.md", render("search.md", page))
            draft.page("trials.csv", progress.table().to_csv(index=False))
            for picture in page["pictures"]:
                if picture.png:
                    draft.png(picture.name, picture.png)
                    draft.pdf(picture.name, picture.pdf())
            draft.manifest |= page_manifest(search.name, version) | {"answer": page["answer"]}
        manifest = store.manifest(*address)
    if manifest is None:
        raise Missing(f"the report of {search.name} was removed while it was written; run it again")
    folder = store.path(*address)
    return SearchReport(folder / "report.html", folder / "report.md", version, manifest["answer"])


def content(progress: SearchProgress, store: Store) -> dict[str, Any]:
    """Gather what the page shows, by the names that the templates use."""
    return {
        "search": progress.search,
        "study": STUDIES[progress.search.study],
        "answer": answer(progress),
        "how": _how(progress),
        "best": _best(progress),
        "tests": _tests(progress, store),
        "trials": _trials(progress),
        "failures": _failures(progress),
        "settings": _settings(progress),
        "origin": _origin(progress, store),
        "pictures": list(pictures(progress)),
    }


def pictures(progress: SearchProgress) -> Iterator[Picture]:
    """Draw the figures of a search; none without a complete trial."""
    search, best = progress.search, progress.best
    if best is None:
        return
    label, objective, maximise = _label(progress), search.settings.objective, search.settings.maximise
    trials, scales = draws_table(progress), scales_of(progress)
    arguments = {"trials": trials, "objective": objective}
    yield picture_of(figures.objective_history, {**arguments, "maximise": maximise}, label)
    curves = {trial.number: trial.curve for trial in progress.trials if trial.curve}
    if curves:
        states = {trial.number: trial.state for trial in progress.trials}
        yield picture_of(
            figures.objective_curves,
            {"curves": curves, "states": states, "objective": objective, "best": best.number},
            label,
        )
    shares = importances(progress)
    if shares:
        of = f"log {objective}" if _in_decades(progress) else objective
        yield picture_of(figures.importance, {"shares": shares, "objective": of}, label)
    ranked = sorted(scales, key=lambda scale: -shares.get(scale.name, 0.0))
    if ranked:
        with_best = {**arguments, "maximise": maximise, "best": best.number}
        yield picture_of(parallel_coordinates, {**with_best, "scales": ranked[:MOST_AXES]}, label)
        yield picture_of(figures.slices, {**arguments, "scales": ranked[:MOST_SLICES]}, label)
    if len(ranked) > 1:
        pairs = list(combinations(ranked[:3], 2))
        yield picture_of(figures.contours, {**with_best, "pairs": pairs}, label)


def draws_table(progress: SearchProgress) -> pd.DataFrame:
    """Return one row per trial: number, state, objective, last value of its curve, and its draws."""
    import pandas as pd

    def record(trial: Trial) -> dict[str, Any]:
        last = trial.curve[max(trial.curve)] if trial.curve else None
        return {"trial": trial.number, "state": trial.state, "objective": trial.objective, "last": last, **trial.draws}

    return pd.DataFrame([record(trial) for trial in progress.trials]).astype({"objective": float, "last": float})


def scales_of(progress: SearchProgress) -> list[Scale]:
    """Return the scale of every draw that differs between complete trials, in the order of the space."""
    leaves: dict[str, Leaf] = {}
    complete = [trial for trial in progress.trials if trial.state == "complete"]

    def stored_draw(trial: Trial, name: str, leaf: Leaf) -> Any:
        leaves[name] = leaf
        return trial.draws[name]

    for trial in complete:
        progress.search.space.draw(partial(stored_draw, trial))
    names = (name for name in leaves if len({repr(trial.draws.get(name)) for trial in complete}) > 1)
    return [_scale(name, leaves[name]) for name in names]


def _scale(name: str, leaf: Leaf) -> Scale:
    return Scale(name, labels=leaf.labels) if isinstance(leaf, Options) else Scale(name, log=leaf.log, whole=leaf.whole)


def importances(progress: SearchProgress) -> dict[str, float]:
    """Return the share of the variance of the objective that each setting explains (fANOVA), the largest first.

    Of its logarithm where it is positive and spans more than a factor of three, so that one bad trial does not decide.
    Settings that some trials do not have, such as entries of lists of several lengths, have none.
    """
    import optuna

    study = study_of(progress.search, progress.planner)
    complete = [trial for trial in progress.trials if trial.state == "complete"]
    if study is None or len({trial.objective for trial in complete}) < 2:
        return {}
    everywhere = set.intersection(*(set(trial.draws) for trial in complete))
    names = [scale.name for scale in scales_of(progress) if scale.name in everywhere]
    if not names:
        return {}
    forest = optuna.importance.FanovaImportanceEvaluator(seed=0)
    target = _logarithm if _in_decades(progress) else None
    return dict(optuna.importance.get_param_importances(study, evaluator=forest, params=names, target=target))


def _in_decades(progress: SearchProgress) -> bool:
    return logarithmic([trial.objective for trial in progress.trials if trial.objective is not None])


def _logarithm(trial: Any) -> float:
    return math.log10(trial.value)


def _label(progress: SearchProgress) -> str:
    search = progress.search
    axes = ", ".join(dimension.name for dimension in search.space.dimensions)
    row = progress.best_row
    data = f"; trained on {row.configuration.item.dataset.key}" if row else ""
    return f"{search.name}; {search.settings.objective}; space {axes}{data}; seed {search.settings.seed}"


def _how(progress: SearchProgress) -> str:
    """Describe sampler, objective and pruner in words."""
    settings = progress.search.settings
    pruner, sampler = settings.pruner, settings.sampler
    rule = "No trial is pruned."
    if pruner is not None:
        rule = (
            f"After {pruner.startup_trials} complete trials, one is pruned where its best value so far is not among "
            f"the best {pruner.keep:g} % at the same part of the training, checked every {pruner.interval} %."
        )
    return (
        f"Sampler {sampler.kind}, seed {settings.seed}; random trials first: {sampler.startup_trials}. "
        f"Objective: {settings.objective} in the last phase at the weights that are kept, to {settings.direction}; "
        f"test sets play no part. {rule}"
    )


def _best(progress: SearchProgress) -> Table:
    values = progress.best.values if progress.best else {}
    note = "" if progress.best_row is None else f"key {progress.best_row.configuration.key}"
    rows = [[name, value_text(value)] for name, value in values.items()]
    return table_of("The best trial", ("setting", "value"), rows, note)


def _tests(progress: SearchProgress, store: Store) -> Table:
    """Return the headline of the best trial on the test sets, where it has been evaluated."""
    row = progress.best_row
    study = STUDIES[progress.search.study]
    study = study.of(row.configuration.model) if row else study
    rows = []
    for name, item in zip(progress.search.tests, row.evaluations if row else (), strict=False):
        manifest = store.manifest(*item.address)
        if manifest is None or manifest["status"] != "ok":
            continue
        summary = store.open(*item.address).table("summary").set_index("metric")
        metrics = [metric for metric in (*study.headline, "baseline") if metric in summary.index]
        rows += [[name, metric, float(summary["value"][metric]), summary["unit"][metric]] for metric in metrics]
    note = "Evaluated once, for the best trial, after all trials have ended."
    return table_of("The best trial on the test sets", ("test set", "metric", "value", "unit"), rows, note)


def _trials(progress: SearchProgress) -> Table:
    table = progress.table().drop(columns=["detail"])
    objective = progress.search.settings.objective
    sorted_table = table.sort_values(objective, ascending=not progress.search.settings.maximise, kind="stable")
    rows = sorted_table.astype(object).where(sorted_table.notna(), None).to_numpy().tolist()
    return table_of("Trials", [short_leaf(str(name)) for name in sorted_table.columns], rows)


def _failures(progress: SearchProgress) -> Table:
    failures = [trial for trial in progress.trials if trial.state == "failed"]
    rows = [[t.number, status_of(t), t.end.get("key", ""), t.end.get("detail", "")] for t in failures]
    return table_of("Trials that failed", ("trial", "status", "key", "detail"), rows)


def _settings(progress: SearchProgress) -> Table:
    """Return the settings that every trial shares, defaults resolved."""
    row = progress.best_row
    dimension_paths = [dimension.path for dimension in progress.search.space.dimensions if dimension.path]
    leaves = flatten(row.configuration.settings()) if row else ()
    rows = [[dotted(p), value_text(v)] for p, v in leaves if not any(p[: len(d)] == d for d in dimension_paths)]
    return table_of("Settings that the search does not vary", ("setting", "value"), rows)


def _origin(progress: SearchProgress, store: Store) -> Table:
    """Return where the numbers come from."""
    hashes: Sequence[str] = [trial.end["hash"] for trial in progress.trials if trial.end.get("hash")]
    manifests = [store.manifest(progress.search.study, "model", hash) for hash in hashes]
    stored = [manifest for manifest in manifests if manifest]
    newest = max(stored, key=lambda manifest: manifest["created"], default=complete({}))
    seconds = sum(float(trial.end.get("seconds") or 0.0) for trial in progress.trials if not trial.end.get("cached"))
    rows = [
        ["commit", ", ".join(sorted({str(m["commit"]) + (" with uncommitted changes" if m["dirty"] else "")
                                     for m in stored}))],
        ["training time", f"{seconds:.0f} s in all"],
        ["device", value_text(newest["device"])],
        ["versions", ", ".join(f"{name} {number}" for name, number in newest["versions"].items())],
    ]  # fmt: skip
    return table_of("Origin", ("what", "value"), rows)


def _version(progress: SearchProgress, store: Store) -> str:
    """Return the digest of all that the page is made of."""
    code = page_code("search", *ROOMS)
    search = progress.search
    definition = (search.name, search.description, search.settings.model_dump(mode="json"))
    rows = progress.table().to_csv(index=False), [list(row) for row in _tests(progress, store).rows]
    return short_digest(*definition, *rows, code)
