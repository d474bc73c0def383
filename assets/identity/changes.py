"""What configurations and tables of names gained, lost or changed since a git revision: the changelog of a study.

Sources are read, never run, so that any revision can be compared. A setting is a field of a class in a study's
`config.py`, inherited ones included, with its type and default; a name is a key of a table such as `OUTPUT_LAYERS`,
with the digest of what it stands for: its entry and the functions of its module that the entry reaches, docstrings and
formatting dropped.
"""

from __future__ import annotations

import ast
import io
import subprocess
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from itertools import groupby
from pathlib import Path, PurePosixPath

from assets.identity.provenance import project_root
from assets.identity.syntax import Module, Target, parse_text

SOURCES = "trainers"
EXCLUDED_MODULES = ("figures", "common")
"""Modules in which no number depends on a name in a sweep file."""

Registry = dict[tuple[str, str, str], str]
"""(study, class or table, name) -> what it is."""


@dataclass(frozen=True)
class Change:
    """One line of a changelog."""

    study: str
    where: str
    """Class of settings, or table of names."""
    text: str


def changes(revision: str) -> list[Change]:
    """Compare the sources as they are with those of a git revision.

    Raises:
        LookupError: there is no such revision, or no git.
    """
    return list(compare_registries(registry(sources_at(revision)), registry(sources_now())))


def compare_registries(before: Registry, now: Registry) -> Iterator[Change]:
    """Yield the differences, study by study and class by class."""
    for key in sorted({*before, *now}):
        study, where, name = key
        old, new = before.get(key), now.get(key)
        if old == new:
            continue
        table = where.isupper()
        if old is None:
            text = f"new name `{name}`" if table else f"new setting `{name}: {new}`"
        elif new is None:
            text = f"`{name}` is gone" + ("" if table else f" (it was `{old}`)")
        elif table:
            text = f"`{name}` means something else; configurations that name it are made anew"
        else:
            text = f"`{name}: {old}` is now `{name}: {new}`"
        yield Change(study, where, text)


def markdown(entries: list[Change], revision: str) -> str:
    """Write changes as a section of a changelog."""
    lines = [f"## Since {revision}", ""]
    for study, of_study in groupby(entries, key=lambda change: change.study):
        lines += [f"### {study}", ""]
        lines += [f"- {change.where}: {change.text}" for change in of_study]
        lines.append("")
    return "\n".join(lines if entries else [*lines, "No setting and no name has changed.", ""])


def registry(sources: Mapping[str, str]) -> Registry:
    """Return every setting and every name of some sources, by their path `trainers/<study>/...`."""
    modules = {path: parse_text(_module_name(path), text, path) for path, text in sources.items()}
    by_name = {module.name: module for module in modules.values()}
    entries: Registry = {}
    for path, module in modules.items():
        parts = PurePosixPath(path).parts
        if len(parts) < 3 or parts[1] in EXCLUDED_MODULES or "figures" in parts:
            continue
        settings = _settings(module, by_name) if parts[-1] == "config.py" else {}
        for (where, name), text in {**settings, **_names(module)}.items():
            entries[parts[1], where, name] = text
    return entries


def _module_name(path: str) -> str:
    return ".".join(PurePosixPath(path).with_suffix("").parts).removesuffix(".__init__")


def sources_now(root: Path | None = None) -> dict[str, str]:
    """Return the present sources of all studies."""
    place = root or project_root()
    files = sorted((place / SOURCES).rglob("*.py"))
    return {path.relative_to(place).as_posix(): path.read_text(encoding="utf-8") for path in files}


def sources_at(revision: str, root: Path | None = None) -> dict[str, str]:
    """Return the sources of all studies at a git revision; see `changes` for errors."""
    command = ["git", "-C", str(root or project_root()), "archive", "--format=tar", revision, "--", SOURCES]
    try:
        done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    except OSError as error:
        raise LookupError(f"git cannot be run ({error.strerror}); expected a checkout of the project") from None
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines() or [f"exit code {done.returncode}"]
        raise LookupError(f"given the revision {revision!r}, git says: {lines[-1]}; expected a commit, tag or branch")
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        files = {entry.name: archive.extractfile(entry) for entry in archive if entry.name.endswith(".py")}
        return {name: file.read().decode() for name, file in files.items() if file is not None}


def _settings(module: Module, modules: Mapping[str, Module]) -> dict[tuple[str, str], str]:
    """Return type and default of every field of every class."""
    return {
        (name, field): text
        for name in module.definitions
        for field, text in _fields(Target(module.name, name), modules).items()
    }


def _fields(target: Target, modules: Mapping[str, Module]) -> dict[str, str]:
    """Return type and default of the fields of a class and of those that it inherits from."""
    module = modules.get(target.module)
    kind = module.definitions.get(target.name or "", [None])[0] if module else None
    if module is None or not isinstance(kind, ast.ClassDef):
        return {}
    fields: dict[str, str] = {}
    for base in reversed(kind.bases):
        name = ast.unparse(base)
        fields |= _fields(module.imports.get(name, Target(module.name, name)), modules)
    for field in (node for node in kind.body if isinstance(node, ast.AnnAssign)):
        annotation = ast.unparse(field.annotation)
        if not annotation.startswith("ClassVar"):
            default = f" = {ast.unparse(field.value)}" if field.value else ""
            fields[ast.unparse(field.target)] = annotation + default
    return fields


def _names(module: Module) -> dict[tuple[str, str], str]:
    """Return the digest of every entry of every table of names."""
    tables = {name: module.table(name) or {} for name in module.definitions}
    return {(name, key): _digest(entry, module) for name, table in tables.items() for key, entry in table.items()}


def _digest(entry: ast.expr, module: Module) -> str:
    """Return the digest of an entry and of what it reaches in its module."""
    text, uses = module.reading(entry)
    reached, todo = {"": text}, [*uses]
    while todo:
        target = todo.pop().target
        name = (target.name or "").partition(".")[0]
        if target.module == module.name and name in module.definitions and name not in reached:
            readings = [module.reading(statement) for statement in module.definitions[name]]
            reached[name] = "\n".join(text for text, _ in readings)
            todo += [use for _, uses in readings for use in uses]
    return sha256("\n".join(reached[name] for name in sorted(reached)).encode()).hexdigest()[:12]
