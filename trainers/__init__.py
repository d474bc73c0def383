"""Numerics of every study. Imports no orchestrator, reads and writes no files.

A study registers by an entry point in the pyproject.toml of its package, so that it may live in a package of its own:

    [project.entry-points."orrery.studies"]
    two_body = "trainers.two_body:STUDY"
"""

from collections.abc import Iterable
from importlib.metadata import EntryPoint, entry_points

from trainers.study import Study

GROUP = "orrery.studies"


def load_studies(entries: Iterable[EntryPoint]) -> tuple[dict[str, Study], dict[str, str]]:
    """Return the studies of entry points by name, and by name one line on each that cannot be used.

    Neither of two studies of one name can be used. The line under "" says that there is no entry point at all.
    """
    by_name: dict[str, list[EntryPoint]] = {}
    for entry in dict.fromkeys(entries):
        by_name.setdefault(entry.name, []).append(entry)
    studies: dict[str, Study] = {}
    problems = {} if by_name else {"": f"no study is registered (entry points {GROUP}); run `make setup`"}
    for name, (entry, *others) in by_name.items():
        study = _load(entry)
        if others:
            problems[name] = f"study {name}: given as {entry.value} and as {others[0].value}; expected one of the two"
        elif isinstance(study, str):
            problems[name] = f"study {name}: {study}"
        elif study.name != name:
            problems[name] = f"study {name}: {entry.value} is named {study.name}; expected the name of its entry point"
        else:
            studies[name] = study
    return dict(sorted(studies.items(), key=lambda item: (item[1].order, item[0]))), problems


def _load(entry: EntryPoint) -> Study | str:
    """Return a study, or why it cannot be had."""
    try:
        study = entry.load()
    except BaseException as error:  # whatever a package of a study does must not take the others down
        if isinstance(error, KeyboardInterrupt):
            raise
        line = (str(error).strip().splitlines() or [""])[0]
        return f"{entry.value} cannot be loaded: {type(error).__name__}: {line}"
    return study if isinstance(study, Study) else f"{entry.value} is a {type(study).__name__}; expected a Study"


STUDIES, STUDY_PROBLEMS = load_studies(entry_points(group=GROUP))
"""Every study by name, and what is wrong with those that cannot be used: the only registry."""
