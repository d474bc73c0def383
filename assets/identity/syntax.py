"""One module, read from its syntax tree alone: the names it defines, what it imports, what each part refers to."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@dataclass(frozen=True)
class Target:
    """What a name stands for: a module, or a name within one."""

    module: str
    name: str | None = None


@dataclass(frozen=True)
class Reference:
    """A use of a module or of a name within one."""

    target: Target
    key: str | None = None
    """The constant key of a subscript: `TABLE["this"]`."""
    by_key: bool = False
    """Whether the use picks one entry by a key that is known only at run time: `TABLE[name]`."""


@dataclass
class Module:
    """A parsed module."""

    name: str
    package: str
    definitions: dict[str, list[ast.stmt]] = field(default_factory=dict)
    imports: dict[str, Target] = field(default_factory=dict)
    stars: list[str] = field(default_factory=list)
    always: list[ast.stmt] = field(default_factory=list)
    """Module-level statements that define nothing, such as calls."""
    _readings: dict[int, tuple[str, tuple[Reference, ...]]] = field(default_factory=dict)

    def reading(self, node: ast.AST) -> tuple[str, tuple[Reference, ...]]:
        """Return a syntax tree of this module as text without its imports, and what it uses."""
        if id(node) not in self._readings:
            self._readings[id(node)] = (ast.unparse(_without_imports(node)), tuple(_Scope(self).visit(node)))
        return self._readings[id(node)]

    def table(self, name: str) -> dict[str, ast.expr] | None:
        """Return the entries of a table of names: an ALL_CAPS dict literal with string keys alone."""
        statements = self.definitions.get(name, [])
        value = getattr(statements[0], "value", None) if len(statements) == 1 else None
        if name != name.upper() or not isinstance(value, ast.Dict):
            return None
        keys = [key.value for key in value.keys if isinstance(key, ast.Constant) and isinstance(key.value, str)]
        return dict(zip(keys, value.values, strict=True)) if len(set(keys)) == len(value.keys) else None


def parse(name: str, path: Path) -> Module:
    """Parse a module without importing it."""
    return parse_text(name, path.read_bytes(), str(path))


def parse_text(name: str, text: str | bytes, path: str) -> Module:
    """Parse the text of a module; `path` is where it stands or once stood."""
    tree = _strip(ast.parse(text, filename=path))
    module = Module(name, name if PurePath(path).name == "__init__.py" else name.rpartition(".")[0])
    for statement in tree.body:
        _file(statement, module)
    return module


def _strip(tree: ast.Module) -> ast.Module:
    """Drop docstrings, and the strings that describe the line above them."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [statement for statement in node.body if not _is_string(statement)]
    return tree


class _WithoutImports(ast.NodeTransformer):
    """Drop the imports within a function: the names that it binds are resolved anyway."""

    def visit(self, node: ast.AST) -> Any:
        if isinstance(node, ast.Import | ast.ImportFrom):
            return None
        self.generic_visit(node)
        if getattr(node, "body", None) == []:
            node.body = [ast.Pass()]  # type: ignore[attr-defined]
        return node


def _without_imports(node: ast.AST) -> ast.AST:
    """Return a tree without imports, the tree itself if it has none."""
    if any(isinstance(inner, ast.Import | ast.ImportFrom) for inner in ast.walk(node)):
        return _WithoutImports().visit(deepcopy(node))
    return node


def _is_string(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


def _file(statement: ast.stmt, module: Module) -> None:
    """Enter a module-level statement under every name that it binds."""
    if isinstance(statement, ast.Import | ast.ImportFrom):
        module.imports |= dict(imported_names(statement, module))
        if isinstance(statement, ast.ImportFrom) and statement.names[0].name == "*":
            module.stars.append(_source(statement, module))
        return
    if isinstance(statement, ast.If) and "TYPE_CHECKING" in ast.unparse(statement.test):
        return
    lazy = _lazy_module(statement)
    if lazy:
        module.imports |= lazy
        return
    names = set(bound_names(statement))
    if not names:
        module.always.append(statement)
    for name in names:
        module.definitions.setdefault(name, []).append(statement)
    for node in [] if isinstance(statement, (*FUNCTIONS, ast.ClassDef)) else ast.walk(statement):
        if isinstance(node, ast.Import | ast.ImportFrom):
            module.imports |= dict(imported_names(node, module))


def _lazy_module(statement: ast.stmt) -> dict[str, Target]:
    """Read `name = LazyModule("module")` as the import that it is."""
    value = getattr(statement, "value", None)
    if not (isinstance(statement, ast.Assign) and isinstance(value, ast.Call) and isinstance(value.func, ast.Name)):
        return {}
    if value.func.id != "LazyModule" or not isinstance(value.args[0], ast.Constant):
        return {}
    return {name: Target(str(value.args[0].value)) for name in bound_names(statement)}


def imported_names(statement: ast.Import | ast.ImportFrom, module: Module) -> Iterator[tuple[str, Target]]:
    """Yield what an import binds, as (local name, target)."""
    for alias in statement.names:
        if isinstance(statement, ast.ImportFrom):
            if alias.name != "*":
                yield alias.asname or alias.name, Target(_source(statement, module), alias.name)
        elif alias.asname:
            yield alias.asname, Target(alias.name)
        else:
            yield alias.name.partition(".")[0], Target(alias.name.partition(".")[0])


def _source(statement: ast.ImportFrom, module: Module) -> str:
    if not statement.level:
        return statement.module or ""
    package = module.package.split(".")
    parent = package[: len(package) - statement.level + 1]
    return ".".join([*parent, statement.module] if statement.module else parent)


def bound_names(node: ast.AST) -> Iterator[str]:
    """Yield the names that a statement binds in its own scope: assignments, loops, definitions; no imports."""
    if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
        yield node.name
    elif isinstance(node, ast.Name):
        if isinstance(node.ctx, ast.Store | ast.Del):
            yield node.id
    elif isinstance(node, ast.Attribute | ast.Subscript) and isinstance(node.ctx, ast.Store):
        yield from _root(node)
    elif isinstance(node, COMPREHENSIONS):
        for walrus in ast.walk(node):
            if isinstance(walrus, ast.NamedExpr):
                yield from bound_names(walrus.target)
    elif not isinstance(node, ast.Lambda):
        for child in ast.iter_child_nodes(node):
            yield from bound_names(child)


def _root(node: ast.expr) -> Iterator[str]:
    """Yield the name that `name.a[b] = ...` changes."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    if isinstance(node, ast.Name):
        yield node.id


class _Scope:
    """Walk a syntax tree and resolve names, knowing which of them are local."""

    def __init__(self, module: Module, local: Mapping[str, Target | None] | None = None) -> None:
        self.module = module
        self.local = dict(local or {})

    def visit(self, node: ast.AST) -> Iterator[Reference]:
        """Yield the references of a node."""
        if isinstance(node, (*FUNCTIONS, ast.Lambda)):
            yield from self._visit_function(node)
        elif isinstance(node, COMPREHENSIONS):
            targets = [name for generator in node.generators for name in bound_names(generator.target)]
            yield from self._inner(targets)._children(node)
        elif isinstance(node, ast.Subscript):
            yield from self._visit_subscript(node)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get":
            yield from self._visit_entry(node.func.value, node.args[0] if node.args else None)
            for part in (*node.args, *node.keywords):
                yield from self.visit(part)
        elif isinstance(node, ast.Name | ast.Attribute):
            target = self._resolve(node)
            yield from [Reference(target)] if target else self._children(node)
        else:
            yield from self._children(node)

    def _children(self, node: ast.AST) -> Iterator[Reference]:
        for child in ast.iter_child_nodes(node):
            yield from self.visit(child)

    def _inner(self, names: list[str], imports: Mapping[str, Target] | None = None) -> _Scope:
        return _Scope(self.module, {**self.local, **dict.fromkeys(names), **(imports or {})})

    def _visit_function(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> Iterator[Reference]:
        body = node.body if isinstance(node.body, list) else [node.body]
        arguments = [argument.arg for argument in ast.walk(node.args) if isinstance(argument, ast.arg)]
        shared = {name for n in ast.walk(node) if isinstance(n, ast.Global | ast.Nonlocal) for name in n.names}
        plain = [name for statement in body for name in _assigned_names(statement) if name not in shared]
        imports = {name: target for statement in body for name, target in _local_imports(statement, self.module)}
        for part in (node.args, *getattr(node, "decorator_list", ()), getattr(node, "returns", None)):
            if part is not None:
                yield from self._children(part) if part is node.args else self.visit(part)
        inner = self._inner([*arguments, *plain], imports)
        for statement in body:
            yield from inner.visit(statement)

    def _visit_subscript(self, node: ast.Subscript) -> Iterator[Reference]:
        yield from self._visit_entry(node.value, node.slice)
        yield from self.visit(node.slice)

    def _visit_entry(self, value: ast.expr, key: ast.expr | None) -> Iterator[Reference]:
        target = self._resolve(value) if isinstance(value, ast.Name | ast.Attribute) else None
        if target is None:
            yield from self.visit(value)
        elif isinstance(key, ast.Constant) and isinstance(key.value, str):
            yield Reference(target, key=key.value)
        else:
            yield Reference(target, by_key=True)

    def _resolve(self, node: ast.expr) -> Target | None:
        """Return what a name or a chain of attributes stands for, if it is not local."""
        if isinstance(node, ast.Name):
            if node.id in self.local:
                return self.local[node.id]
            if node.id in self.module.imports:
                return self.module.imports[node.id]
            is_ours = node.id in self.module.definitions or self.module.stars
            return Target(self.module.name, node.id) if is_ours else None
        if isinstance(node, ast.Attribute):
            owner = self._resolve(node.value)
            return self._attribute(owner, node.attr) if owner else None
        return None

    def _attribute(self, owner: Target, name: str) -> Target:
        """Return what `owner.name` stands for; the part of a longer chain that is no module is dropped later."""
        if owner.name is None:
            return Target(owner.module, name)
        return Target(owner.module, f"{owner.name}.{name}")


def _assigned_names(statement: ast.AST) -> Iterator[str]:
    """Yield names that become local by a statement: `a.b = 1` and `a[0] = 1` make none."""
    if isinstance(statement, (*FUNCTIONS, ast.ClassDef)):
        yield statement.name
    elif isinstance(statement, ast.Name):
        if not isinstance(statement.ctx, ast.Load):
            yield statement.id
    elif isinstance(statement, COMPREHENSIONS):
        yield from bound_names(statement)
    elif not isinstance(statement, ast.Lambda):
        for child in ast.iter_child_nodes(statement):
            yield from _assigned_names(child)


def _local_imports(statement: ast.AST, module: Module) -> Iterator[tuple[str, Target]]:
    if isinstance(statement, ast.Import | ast.ImportFrom):
        yield from imported_names(statement, module)
    elif not isinstance(statement, (*FUNCTIONS, ast.ClassDef, ast.Lambda)):
        for child in ast.iter_child_nodes(statement):
            yield from _local_imports(child, module)
