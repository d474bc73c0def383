"""Models chosen from any sweeps, as a sweep of their own: its axes are the settings in which they differ."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from assets.identity.canonical import short_digest
from assets.identity.labels import names
from assets.sweeps.diff import difference
from assets.sweeps.sweep import Row, Sweep


def chosen_models(keys: Sequence[str], sweeps: Iterable[Sweep]) -> Sweep:
    """Return a sweep of the models that `[<study>/]<key or hash>` name, on the test sets that all of them have.

    Raises:
        ValueError: one is in no sweep under sweeps/, is named twice or ambiguous, they are of several studies, or share
            no test set.
    """
    sweeps = list(sweeps)
    pairs = [_row(key, sweeps) for key in keys]
    studies = list(dict.fromkeys(sweep.study for sweep, _ in pairs))
    if len(studies) > 1:
        raise ValueError(f"given models of {' and '.join(studies)}; only models of one study stand in one report")
    hashes = [row.configuration.item.hash for _, row in pairs]
    if twice := next((key for key, hash in zip(keys, hashes, strict=True) if hashes.count(hash) > 1), None):
        raise ValueError(f"given the model {twice} twice; expected each once")
    tests = _shared_tests(pairs)
    if not tests:
        raise ValueError(f"given models of {', '.join(dict.fromkeys(s.name for s, _ in pairs))}, which share no test "
                         "set; add one to their files and run them")  # fmt: skip
    settings = difference({hash: row.configuration.settings() for hash, (_, row) in zip(hashes, pairs, strict=True)})
    axes = tuple(path for path, _ in settings)
    values: dict[str, dict[str, Any]] = {hash: {} for hash in hashes}
    for path, by_hash in settings:
        for hash in hashes:
            values[hash][path] = by_hash.get(hash)
    rows = tuple(
        Row(row.configuration, values[hash], tuple(row.evaluations[list(sweep.tests).index(test)] for test in tests))
        for hash, (sweep, row) in zip(hashes, pairs, strict=True)
    )
    first = pairs[0][0]
    return Sweep(
        name=f"{first.study}/models-{short_digest(*hashes)[:8]}",
        study=first.study,
        path=Path(),
        description=f"{len(rows)} chosen models of {', '.join(dict.fromkeys(sweep.name for sweep, _ in pairs))}",
        tests={test: first.tests[test] for test in tests},
        rows=rows,
        axes=axes,
    )


def _row(key: str, sweeps: Sequence[Sweep]) -> tuple[Sweep, Row]:
    study, _, name = key.rpartition("/")
    rows = {
        row.configuration.item.address: (sweep, row)
        for sweep in sweeps
        for row in sweep.rows
        if study in ("", sweep.study) and names(name, row.configuration.item.hash, row.configuration.key)
    }
    if len(rows) > 1:
        keys = ", ".join(f"{sweep.study}/{row.configuration.key}" for sweep, row in list(rows.values())[:4])
        raise ValueError(f"given the model {key!r}, which may be one of {len(rows)}: {keys}; give more of it")
    if not rows:
        raise ValueError(f"given the model {key!r}, which no sweep under sweeps/ holds; see `orrery plan --keys`")
    return next(iter(rows.values()))


def _shared_tests(pairs: Sequence[tuple[Sweep, Row]]) -> list[str]:
    """Return the names of the test sets that all sweeps have, with equal data."""

    def hash_of(sweep: Sweep, test: str) -> str:
        item = sweep.tests[test]
        return item.hash if item else "train"

    first = pairs[0][0]
    return [
        test
        for test in first.tests
        if all(test in sweep.tests and hash_of(sweep, test) == hash_of(first, test) for sweep, _ in pairs)
    ]
