"""Code versions: a digest of the code of one stage, and of nothing else.

A version is the digest of the definitions that are reachable from a stage function, found without importing anything.
Starting at the function, every name is followed to its definition, in the same module or in another one of `trainers`
or of the study's own package, symbol by symbol. Comments, docstrings, formatting and order drop out.

- What counts of a definition is its text, its name, and the definitions that its names stand for; not the module in
  which it lies. Moving a function makes nothing stale.
- Of a table of names, an ALL_CAPS dict literal from which entries are picked by name (`TABLE[config.name]`), only the
  entries that the configuration names count; a table that is used in any other way, or of which the configuration names
  no entry, counts whole. A folder of entries, a package whose face imports its modules by name, follows the same rule.
- The contract, configuration classes (the identity covers them), package faces and figures do not count. Of other
  packages the name counts, `scipy.special.expit`, not the code: their versions stand in the manifest.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import cache, partial
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

from assets.identity.canonical import digest
from assets.identity.syntax import Module, Reference, Target, parse
from trainers.study import Study

Locate = Callable[[str], Path | None]
"""Path of a module's source; None for a module outside Orrery and its studies."""

ROOT_PACKAGE = "trainers"
CONTRACT = tuple(f"{ROOT_PACKAGE}.{name}" for name in ("study", "configurations", "estimates"))
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
    return reach.version(Reference(Target(module, stage)))


def module_version(module: str, locate: Locate) -> str:
    """Return the version of a whole module, such as a script, with all that it reaches where `locate` finds sources.

    Raises:
        FileNotFoundError: there is no such module.
    """
    reach = _Reach(frozenset(), locate)
    if reach.locate(module) is None:
        raise FileNotFoundError(f"there is no module {module}; expected a file that the project holds")
    return reach.version(Reference(Target(module)))


@dataclass(frozen=True)
class StageSource:
    """The module of a stage function and what it declares about itself."""

    path: Path
    line: int
    docstring: str


def stage_source(study: Study, stage: str) -> StageSource:
    """Read the source of a stage function without importing it.

    Raises:
        LookupError: the study has no module of that name, or the module no such function.
    """
    module = study.stage(stage).module
    path = source_file(study.package, module)
    if path is None:
        raise LookupError(f"study {study.name!r} has no module {module}; expected a file with the function {stage}()")
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef) and node.name == stage:
            return StageSource(path, node.lineno, ast.get_docstring(node) or "")
    raise LookupError(f"{path.name} of study {study.name!r} has no function {stage}()")


def source_file(package: str, module: str) -> Path | None:
    """Return the file of a module of `trainers` or of the top-level package in which a study's package lies."""
    top, *inside = module.split(".")
    if top not in (ROOT_PACKAGE, package.partition(".")[0]):
        return None
    for folder in source_folders(top):
        base = folder.joinpath(*inside)
        for path in ([base.with_suffix(".py")] if inside else []) + [base / "__init__.py"]:
            if path.is_file():
                return path
    return None


@cache
def source_folders(top: str) -> tuple[Path, ...]:
    """Return where the modules of a top-level package lie, without importing it."""
    spec = find_spec(top)
    return tuple(Path(place).resolve() for place in spec.submodule_search_locations or ()) if spec else ()


@dataclass(frozen=True)
class _Definition:
    """A statement that binds a name, an entry of a table, or a name of a package that is not ours."""

    module: str
    name: str
    number: int = 0
    """Among the statements of the module that bind the name."""


class _Reach:
    """The graph of definitions that are reachable from a stage function."""

    def __init__(self, names: frozenset[str], locate: Locate) -> None:
        self.names = names
        self.locate = cache(locate)
        self._texts: dict[_Definition, str] = {}
        self._uses: dict[_Definition, list[_Definition]] = {}
        self._waiting: list[tuple[_Definition, Module, ast.AST]] = []
        self._resolved: dict[Reference, list[_Definition]] = {}

    def version(self, start: Reference) -> str:
        """Return the digest of what is reachable from a reference.

        Every definition gets a colour: the digest of its name and text, refined by the colours of what it uses until no
        two definitions part any more. Equal sets of colours are then equal graphs, wherever their definitions lie, also
        where two functions of one name differ.
        """
        ends = self._resolve(start)
        while self._waiting:
            definition, module, node = self._waiting.pop()
            self._texts[definition], used = module.reading(node)
            references = [*used, *(self._entries(module) if self._loads_entries(module, definition) else ())]
            self._uses[definition] = [target for reference in references for target in self._resolve(reference)]
        own = {definition: _sum(definition.name, text) for definition, text in self._texts.items()}
        colours, parts = own, 0
        while len(set(colours.values())) > parts:
            parts = len(set(colours.values()))
            colours = {one: _sum(own[one], *(colours[used] for used in self._uses.get(one, ()))) for one in own}
        return digest([colours[end] for end in ends], sorted(set(colours.values())))

    def _resolve(self, reference: Reference) -> list[_Definition]:
        """Return the definitions that a reference stands for; new ones wait to be read."""
        if reference not in self._resolved:
            self._resolved[reference] = []  # ends the recursion where modules import each other in a circle
            self._resolved[reference] = list(dict.fromkeys(self._expand(reference)))
        return self._resolved[reference]

    def _expand(self, reference: Reference) -> Iterator[_Definition]:
        place, names = self._settle(reference.target)
        module = self._module(place)
        if self.locate(place) is None:
            yield self._foreign(reference.target)
        elif module is None:
            return
        elif not names:
            for name in sorted(module.definitions):
                yield from self._resolve(Reference(Target(module.name, name)))
            if module.name == module.package:
                for entry in self._entries(module):
                    yield from self._resolve(entry)
        elif names[0] in module.definitions:
            yield from self._define(module, names[0], reference)
        else:
            alias = module.imports.get(names[0])
            chains = [(alias.module, [alias.name, *names[1:]])] if alias else [(star, names) for star in module.stars]
            for source, chain in chains:
                target = Target(source, ".".join(filter(None, chain)) or None)
                yield from self._resolve(Reference(target, reference.key, reference.by_key))

    def _foreign(self, target: Target) -> _Definition:
        """Note a name of a package that is not ours."""
        definition = _Definition("", f"{target.module}.{target.name or ''}")
        self._texts[definition] = ""
        return definition

    def _settle(self, target: Target) -> tuple[str, list[str]]:
        """Split `module` and `a.b.c` into the module that is meant and the names within it."""
        module, parts = target.module, (target.name or "").split(".") if target.name else []
        while parts and self.locate(f"{module}.{parts[0]}") is not None:
            parsed = self._module(module)
            if parsed is not None and parts[0] in parsed.definitions:
                break
            module, parts = f"{module}.{parts[0]}", parts[1:]
        return module, parts

    def _module(self, name: str) -> Module | None:
        path = self.locate(name)
        if path is None or name in CONTRACT or name.rpartition(".")[2] == FIGURES:
            return None
        status = path.stat()
        stamp = (status.st_mtime_ns, status.st_size)
        if path not in _parsed or _parsed[path][0] != stamp or _parsed[path][1].name != name:
            _parsed[path] = (stamp, parse(name, path))
        return _parsed[path][1]

    def _define(self, module: Module, name: str, reference: Reference) -> Iterator[_Definition]:
        """Yield the statements that bind a name, or of a table the entries that count."""
        self._run_always(module)
        table = module.table(name)
        if table is not None and (reference.by_key or reference.key):
            keys = {reference.key} if reference.key in table else self.names & table.keys() or table.keys()
            for key in sorted(keys):
                yield self._read(_Definition(module.name, f"{name}[{key}]"), module, table[key])
            return
        for number, statement in enumerate(module.definitions[name]):
            if not (_is_config(module) and isinstance(statement, ast.ClassDef)):
                yield self._read(_Definition(module.name, name, number), module, statement)

    def _run_always(self, module: Module) -> None:
        """Count what runs when a module is imported, whichever of its names is used."""
        if module.name != module.package and not _is_config(module):
            for number, statement in enumerate(module.always):
                self._read(_Definition(module.name, "", number), module, statement)

    def _read(self, definition: _Definition, module: Module, node: ast.AST) -> _Definition:
        if definition not in self._texts:
            self._texts[definition] = ""
            self._waiting.append((definition, module, node))
        return definition

    def _loads_entries(self, module: Module, definition: _Definition) -> bool:
        return module.name == module.package and "import_module" in self._texts[definition]

    def _entries(self, module: Module) -> Iterator[Reference]:
        """Yield the modules of a folder of entries that the configuration names; all of them if it names none."""
        face = self.locate(module.name)
        assert face is not None
        beside = (path.stem for path in face.parent.iterdir() if path.suffix in ("", ".py") and path != face)
        entries = {name for name in beside if self.locate(f"{module.name}.{name}") is not None}
        for name in sorted(self.names & entries or entries):
            yield Reference(Target(f"{module.name}.{name}"))


def _is_config(module: Module) -> bool:
    return module.name.rpartition(".")[2] == CONFIG


def _sum(*parts: str) -> str:
    return sha256("\0".join(parts).encode()).hexdigest()
