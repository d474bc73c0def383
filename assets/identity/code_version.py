"""Code versions: what the code of one stage says, and nothing else.

A version is the digest of the syntax trees that are reachable from a stage function, found without importing anything.
Starting at the function, every name is followed to its definition, in the same module or in another one of `trainers`,
symbol by symbol. Comments, docstrings, formatting and order drop out.

- Of a table of names, an ALL_CAPS dict literal from which entries are picked by name (`TABLE[config.name]`), only the
  entries that the configuration names count; a table that is used in any other way, or of which the configuration names
  no entry, counts whole. A folder of entries, a package whose face imports its modules by name, follows the same rule.
- The contract, configuration classes (the identity covers them), package faces and figures do not count.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Iterator
from functools import cache, partial
from pathlib import Path

from assets.identity.canonical import digest
from assets.identity.provenance import project_root
from assets.identity.syntax import Module, Reference, Target, parse
from trainers.study import Study

Locate = Callable[[str], Path | None]
"""Where the source of a module is; None if it is none of ours."""

ROOT_PACKAGE = "trainers"
CONTRACT = f"{ROOT_PACKAGE}.study"
FIGURES = "figures"
CONFIG = "config"

_parsed: dict[Path, tuple[tuple[int, int], Module]] = {}


def code_version(study: Study, stage: str, names: Collection[str], locate: Locate | None = None) -> str:
    """Return the version of the code of a stage as a configuration with these names uses it.

    Args:
        study: the study.
        stage: name of the stage function and of its module.
        names: every string of the configuration, defaults included.
        locate: where the source of a module is.

    Raises:
        FileNotFoundError: the study has no module for this stage.
    """
    module = f"{study.package}.{stage}"
    reach = _Reach(frozenset(names), locate or partial(source_file, study.package))
    if reach.locate(module) is None:
        raise FileNotFoundError(f"study {study.name!r} has no module {module}; a stage is a function in its own module")
    reach.follow(Reference(Target(module, stage)))
    return digest(sorted(reach.said))


def source_file(package: str, module: str) -> Path | None:
    """Return the file of a module of `trainers` or of a study's own package."""
    if not f"{module}.".startswith((f"{ROOT_PACKAGE}.", f"{package}.")):
        return None
    base = project_root().joinpath(*module.split("."))
    for path in (base.with_suffix(".py"), base / "__init__.py"):
        if path.is_file():
            return path
    return None


class _Reach:
    """What is reachable from a stage function: `said` holds one line of source per definition."""

    def __init__(self, names: frozenset[str], locate: Locate) -> None:
        self.names = names
        self.locate = cache(locate)
        self.said: set[tuple[str, str]] = set()
        self._seen: set[Reference] = set()

    def follow(self, start: Reference) -> None:
        """Collect what is reachable from a reference."""
        waiting = [start]
        while waiting:
            reference = waiting.pop()
            if reference not in self._seen:
                self._seen.add(reference)
                waiting.extend(self._expand(reference))

    def _expand(self, reference: Reference) -> Iterator[Reference]:
        target = self._settle(reference.target)
        module = self._module(target.module)
        if module is None:
            return
        if target.name is None:
            yield from self._whole(module)
        elif target.name in module.definitions:
            yield from self._definition(module, target.name, reference)
        elif target.name in module.imports:
            yield Reference(module.imports[target.name], reference.key, reference.chosen)
        else:
            yield from (Reference(Target(star, target.name), reference.key, reference.chosen) for star in module.stars)

    def _settle(self, target: Target) -> Target:
        """Split `module` and `a.b.c` where the modules end; what is beyond the first name does not matter."""
        module, parts = target.module, (target.name or "").split(".") if target.name else []
        while parts and self.locate(f"{module}.{parts[0]}") is not None:
            found = self._module(module)
            if found is not None and parts[0] in found.definitions:
                break
            module, parts = f"{module}.{parts[0]}", parts[1:]
        return Target(module, parts[0] if parts else None)

    def _module(self, name: str) -> Module | None:
        path = self.locate(name)
        if path is None or name == CONTRACT or name.rpartition(".")[2] == FIGURES:
            return None
        found = path.stat()
        stamp = (found.st_mtime_ns, found.st_size)
        if path not in _parsed or _parsed[path][0] != stamp or _parsed[path][1].name != name:
            _parsed[path] = (stamp, parse(name, path))
        return _parsed[path][1]

    def _whole(self, module: Module) -> Iterator[Reference]:
        """A module that is used as an object counts whole; a package, by what its face says."""
        for name in module.definitions:
            yield Reference(Target(module.name, name))
        if module.name == module.package:
            yield from self._entries(module)

    def _definition(self, module: Module, name: str, reference: Reference) -> Iterator[Reference]:
        yield from self._always(module)
        table = module.table(name)
        if table is not None and (reference.chosen or reference.key):
            yield from self._table(module, name, table, reference)
            return
        for statement in module.definitions[name]:
            if not (_is_config(module) and isinstance(statement, ast.ClassDef)):
                yield from self._say(module, name, statement)

    def _table(
        self, module: Module, name: str, table: dict[str, ast.expr], reference: Reference
    ) -> Iterator[Reference]:
        wanted = {reference.key} if reference.key in table else self.names & table.keys() or table.keys()
        for key, entry in table.items():
            if key in wanted:
                yield from self._say(module, f"{name}[{key}]", entry)

    def _always(self, module: Module) -> Iterator[Reference]:
        if module.name != module.package and not _is_config(module):
            for statement in module.always:
                yield from self._say(module, "", statement)

    def _say(self, module: Module, name: str, node: ast.AST) -> Iterator[Reference]:
        text, used = module.reading(node)
        self.said.add((f"{module.name}:{name}", text))
        yield from used
        if module.name == module.package and "import_module" in text:
            yield from self._entries(module)

    def _entries(self, module: Module) -> Iterator[Reference]:
        """Yield the modules of a folder of entries that the configuration names; all of them if it names none."""
        face = self.locate(module.name)
        assert face is not None
        beside = (path.stem for path in face.parent.iterdir() if path.suffix in ("", ".py") and path != face)
        found = {name for name in beside if self.locate(f"{module.name}.{name}") is not None}
        for name in sorted(self.names & found or found):
            yield Reference(Target(f"{module.name}.{name}"))


def _is_config(module: Module) -> bool:
    return module.name.rpartition(".")[2] == CONFIG
