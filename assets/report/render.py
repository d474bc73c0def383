"""Pages from templates, and the digest of the code that makes a page: when it changes, stored pages are stale."""

from __future__ import annotations

import ast
import base64
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assets.identity.provenance import room_sources
from assets.identity.text import markdown_text

if TYPE_CHECKING:
    import jinja2

TEMPLATES = Path(__file__).parent / "templates"

ROOMS = ("identity", "sweeps", "store", "home", "stages", "statistics", "report")
"""Every room that the report of a sweep imports from; a test compares them with the imports."""


def render(template: str, values: Mapping[str, Any]) -> str:
    """Fill a template; in HTML every value is escaped."""
    return environment().get_template(template).render(**values)


@cache
def environment(*folders: Path) -> jinja2.Environment:
    """Return the environment of the templates of reports, and of those in further folders."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([*folders, TEMPLATES]),
        autoescape=jinja2.select_autoescape(enabled_extensions=("html",), default=False),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["base64"] = lambda data: base64.b64encode(data).decode()
    environment.filters["plain"] = markdown_text
    return environment


@cache
def page_code(*rooms: str, figures: str = "") -> str:
    """Return the digest of all sources of a page: rooms with their templates, and a module of figures.

    Of the figures this is the module (or package) with everything of `trainers` that it imports.
    """
    sources = [*room_sources(*rooms), *(_with_imports(figures) if figures else ())]
    digest = sha256()
    for path in sources:
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _with_imports(module: str) -> list[Path]:
    """Return the files of a module and of the modules of `trainers` that it imports, directly or not."""
    files: set[Path] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        try:
            spec = find_spec(name)
        except ModuleNotFoundError:  # the name is defined within a module, and is no module itself
            continue
        origin = Path(spec.origin) if spec and spec.origin else None
        if origin is None or origin in files:
            continue
        files.add(origin)
        if origin.name == "__init__.py" and name == module:
            waiting += [f"{name}.{path.stem}" for path in origin.parent.glob("*.py") if path.stem != "__init__"]
        for node in ast.walk(ast.parse(origin.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("trainers."):
                waiting += [str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)]
    return sorted(files)
