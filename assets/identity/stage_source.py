"""Docstring and line of a stage function, read from its source without importing it."""

import ast
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from trainers.study import Study


@dataclass(frozen=True)
class StageSource:
    """Where a stage function stands and what it says of itself."""

    path: Path
    line: int
    docstring: str


def stage_source(study: Study, stage: str) -> StageSource:
    """Read the source of a stage function.

    Raises:
        LookupError: the study has no module of that name, or the module no such function.
    """
    module = study.stage(stage).module
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        raise LookupError(f"study {study.name!r} has no module {module}; expected a file with the function {stage}()")
    path = Path(spec.origin)
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef) and node.name == stage:
            return StageSource(path, node.lineno, ast.get_docstring(node) or "")
    raise LookupError(f"{path.name} of study {study.name!r} has no function {stage}()")
