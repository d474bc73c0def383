"""Rules that a syntax tree can check: who imports whom, what is banned, how long files and functions are."""

import ast
import json
import re
import statistics
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from trainers import STUDIES

ROOT = Path(__file__).parent.parent
PARTS = ("orchestration", "assets", "trainers")
FILES = sorted(path for part in PARTS for path in (ROOT / part).rglob("*.py"))
HEAVY = {"jax", "jaxlib", "equinox", "diffrax", "optax", "torch", "mlflow", "matplotlib", "pandas", "scipy", "optuna"}
INDESCRIPT = {"utils", "util", "helpers", "manager", "base", "core", "misc", "common", "tools"}
PICKLERS = {"pickle", "cPickle", "_pickle", "cloudpickle", "joblib", "dill", "shelve", "marshal"}
BANNED_CALLS = {
    "eval", "exec", "compile", "__import__", "torch.load", "torch.save", "os.system", "os.popen", "yaml.load",
    "pd.read_pickle", "mlflow.log_model", "eqx.tree_serialise_leaves", "eqx.tree_deserialise_leaves",
}  # fmt: skip
FILE_CALLS = {"open", "np.load", "np.save", "np.savez", "np.loadtxt", "np.savetxt", "np.fromfile", "pd.read_csv",
              "pd.read_parquet", "jnp.load", "jnp.save"}  # fmt: skip
FILE_METHODS = {"to_csv", "to_parquet", "to_json", "tofile", "write_text", "write_bytes", "read_text", "read_bytes"}
NOT_FOR_TRAINERS = {"dagster", "yaml", "ruamel", "pathlib", "mlflow", "os", "io", "shutil", "tempfile", "subprocess",
                    "sqlite3", "duckdb", "pyarrow", "safetensors", "rich", "typer"}  # fmt: skip


REGISTRY = ("trainers.study", "trainers.STUDIES", "trainers.STUDY_PROBLEMS")


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path: Path) -> Iterator[str]:
    """Yield what a file imports, as `module.name`, modules that are named in lazy tables included."""
    module = module_of(path)
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = module if path.name == "__init__.py" else module.rpartition(".")[0]
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            origin = ".".join([*above, *([node.module] if node.module else [])])
            yield from (f"{origin}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and dotted(node.func) in {"LazyModule", "import_module"}:
            yield from (str(argument.value) for argument in node.args[:1] if isinstance(argument, ast.Constant))


def dotted(node: ast.AST) -> str:
    """Return `a.b.c` for names and attributes, else an empty text."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return ""


def calls_of(path: Path) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree_of(path)) if isinstance(node, ast.Call))


def without_docstrings(tree: ast.Module) -> ast.Module:
    """Drop every text that stands alone as a statement."""
    for node in ast.walk(tree):
        for field in ("body", "orelse", "finalbody"):
            if isinstance(body := getattr(node, field, None), list):
                setattr(node, field, [s for s in body if not is_text(s)])
    return tree


def is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def within(name: str, *packages: str) -> bool:
    return any(name == package or name.startswith(package + ".") for package in packages)


def may_import(importer: str, imported: str) -> bool:
    """Tell whether the import rules allow it."""
    part = importer.split(".")[0]
    if not within(imported, *PARTS, "tests", "benchmarks"):
        return part != "trainers" or imported.split(".")[0] not in NOT_FOR_TRAINERS
    if part == "orchestration":
        return within(imported, "orchestration", "assets", *REGISTRY) or imported == "trainers"
    if part == "assets":
        return within(imported, "assets", *REGISTRY, "trainers.common") or imported == "trainers"
    if importer == "trainers":
        return within(imported, "trainers")
    if importer == "trainers.study":
        return within(imported, "trainers.configurations", "trainers.estimates")
    own = ".".join(importer.split(".")[:2])
    return within(imported, own, "trainers.common", "trainers.study")


@pytest.mark.parametrize(
    ("importer", "imported", "allowed"),
    [
        ("orchestration.jobs", "assets.store.store.home", True),
        ("orchestration.jobs", "trainers.STUDIES", True),
        ("orchestration.jobs", "trainers.two_body.STUDY", False),
        ("assets.store.store", "orchestration.jobs", False),
        ("assets.store.store", "trainers.two_body", False),
        ("assets.store.store", "dagster", True),
        ("trainers.two_body.train", "trainers.common.schedules", True),
        ("trainers.two_body.train", "trainers.vehicle.train", False),
        ("trainers.two_body.train", "assets.store.store", False),
        ("trainers.two_body.train", "pathlib.Path", False),
        ("trainers.common.schedules", "trainers.two_body.train", False),
        ("trainers.study", "dagster", False),
        ("trainers.study", "trainers.estimates", True),
        ("trainers.study", "trainers.common.schedules", False),
        ("trainers.study", "trainers.configurations", True),
        ("trainers.two_body.config", "trainers.configurations.Config", False),
    ],
)
def test_the_import_rules_tell_right_from_wrong(importer: str, imported: str, allowed: bool) -> None:
    assert may_import(importer, imported) is allowed


def test_imports_go_one_way() -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {imported}"
        for path in FILES
        for imported in imports_of(path)
        if not may_import(module_of(path), imported)
    ]
    assert not wrong, "\n".join(wrong)


ROOMS = ("identity", "sweeps", "store", "home", "stages", "engine", "statistics", "report", "search")
"""The rooms of assets, each of which may import those before it; `tracking` imports no room after `store`."""


def room_of(module: str) -> str:
    """Return the room of a module of assets; nothing for what lies above the rooms."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[0] == "assets" and parts[1] in (*ROOMS, "tracking") else ""


def may_enter(importer: str, imported: str) -> bool:
    """Tell whether a module of one room may import a module of another."""
    own, other = room_of(importer), room_of(imported)
    if own in ("", other):
        return True
    if not within(imported, "assets"):
        return True
    if not other or other == "tracking":
        return False
    return ROOMS.index(other) < (ROOMS.index("home") if own == "tracking" else ROOMS.index(own))


@pytest.mark.parametrize(
    ("importer", "imported", "allowed"),
    [
        ("assets.store.store", "assets.identity.items", True),
        ("assets.identity.items", "assets.store.store", False),
        ("assets.search.search_run", "assets.report.pictures", True),
        ("assets.report.pictures", "assets.search.search_run", False),
        ("assets.report.pictures", "assets.catalogue", False),
        ("assets.report.pictures", "assets.report.tables", True),
        ("assets.catalogue", "assets.search.search", True),
        ("assets.tracking.tracker", "assets.store.store", True),
        ("assets.tracking.tracker", "assets.stages.make", False),
        ("assets.stages.make", "assets.tracking.tracker", False),
    ],
)
def test_the_order_of_rooms_tells_right_from_wrong(importer: str, imported: str, allowed: bool) -> None:
    assert may_enter(importer, imported) is allowed


def edges() -> set[tuple[str, str]]:
    """Return who imports whom among the modules of the project, imports for type checkers and in functions included."""
    modules = {module_of(path): path for path in FILES}
    imports = set()
    for importer, path in modules.items():
        for imported in imports_of(path):
            name = imported if imported in modules else imported.rpartition(".")[0]
            if name in modules and name != importer:
                imports.add((importer, name))
    return imports


def test_rooms_import_one_way() -> None:
    wrong = {edge for edge in edges() if not may_enter(*edge)}
    assert not wrong, "\n".join(f"{importer} imports {imported}" for importer, imported in sorted(wrong))


def circles(graph: set[tuple[str, str]]) -> set[frozenset[str]]:
    """Return the groups of modules of which each can be reached from each other."""
    above: dict[str, set[str]] = {}
    for importer, imported in graph:
        above.setdefault(importer, set()).add(imported)

    def reach(module: str) -> set[str]:
        reached_names: set[str] = set()
        waiting = [module]
        while waiting:
            new = above.get(waiting.pop(), set()) - reached_names
            reached_names |= new
            waiting += new
        return reached_names

    reached = {module: reach(module) for module in above}
    return {
        frozenset(other for other in reached[module] if module in reached.get(other, ()))
        for module in above
        if module in reached[module]
    }


def test_a_circle_is_found() -> None:
    assert circles({("a", "b"), ("b", "c"), ("c", "a"), ("c", "d")}) == {frozenset("abc")}
    assert not circles({("a", "b"), ("b", "c"), ("a", "c")})


def test_no_module_imports_in_a_circle() -> None:
    wrong = circles(edges())
    assert not wrong, "\n".join(" <-> ".join(sorted(group)) for group in wrong)


MOST_FILES = 15


def test_no_folder_holds_too_many_files() -> None:
    folders = Counter(str(path.parent.relative_to(ROOT)) for path in FILES if path.stem not in ("__init__", "__main__"))
    large = {folder: count for folder, count in folders.items() if count > MOST_FILES}
    assert not large


def untyped_manifests(tree: ast.Module) -> Iterator[int]:
    """Yield the lines where something called manifest is annotated as a mapping of anything."""
    for node in ast.walk(tree):
        name = getattr(node, "arg", None) or dotted(getattr(node, "target", ast.Pass()))
        annotation = getattr(node, "annotation", None)
        if name.rpartition(".")[2] == "manifest" and annotation is not None and "Any" in ast.unparse(annotation):
            yield node.lineno


def test_a_manifest_is_typed() -> None:
    source = "def f(manifest: dict[str, Any]): ...\nmanifest: Mapping[str, Any] = {}\nself.manifest: Manifest = m"
    assert set(untyped_manifests(ast.parse(source))) == {1, 2}
    wrong = [f"{path.relative_to(ROOT)}:{line}" for path in FILES for line in untyped_manifests(tree_of(path))]
    assert not wrong, "\n".join(wrong)


def test_assets_name_no_study() -> None:
    wrong = []
    for path in (ROOT / "assets").rglob("*.py"):
        source = ast.unparse(without_docstrings(tree_of(path)))
        wrong += [f"{path.relative_to(ROOT)} names {study}" for study in STUDIES if re.search(rf"\b{study}\b", source)]
    assert not wrong, "\n".join(wrong)


def banned(path: Path) -> Iterator[str]:
    """Yield what a file does that nothing here may do: run data as code, or keep objects as bytes."""
    for imported in imports_of(path):
        if imported.split(".")[0] in PICKLERS:
            yield f"imports {imported}"
    for call in calls_of(path):
        name = dotted(call.func)
        if name in BANNED_CALLS or name.endswith((".to_pickle", ".read_pickle")):
            yield f"line {call.lineno}: {name}()"
        for keyword in call.keywords:
            value = getattr(keyword.value, "value", None)
            if keyword.arg in {"allow_pickle", "shell"} and value is not False:
                yield f"line {call.lineno}: {keyword.arg}"


def test_nothing_is_pickled_or_evaluated() -> None:
    wrong = [f"{path.relative_to(ROOT)} {what}" for path in FILES for what in banned(path)]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    "source",
    ["import pickle", "from joblib import dump", "eval('1')", "np.load(f, allow_pickle=True)", "torch.load(f)",
     "subprocess.run(c, shell=True)", "frame.to_pickle(f)"],
)  # fmt: skip
def test_the_ban_finds_what_it_bans(source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    file = tmp_path / "trial.py"
    file.write_text(source)
    assert list(banned(file))


def test_trainers_touch_no_files() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{call.lineno} calls {dotted(call.func)}"
        for path in (ROOT / "trainers").rglob("*.py")
        for call in calls_of(path)
        if dotted(call.func) in FILE_CALLS or dotted(call.func).rpartition(".")[2] in FILE_METHODS
    ]
    assert not wrong, "\n".join(wrong)


def test_file_names_say_what_is_inside() -> None:
    allowed = {ROOT / "trainers" / "common"}
    named = [*FILES, *{path.parent for path in FILES}]
    assert not [path for path in named if path.stem in INDESCRIPT and path not in allowed]


def test_every_module_says_what_it_is() -> None:
    assert not [str(path.relative_to(ROOT)) for path in FILES if not ast.get_docstring(tree_of(path))]


def test_files_and_functions_are_short() -> None:
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in FILES}
    functions = {
        f"{path.relative_to(ROOT)}:{node.name}": (node.end_lineno or 0) - node.lineno + 1
        for path in FILES
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    print(f"median file {statistics.median(lengths.values())} lines, function {statistics.median(functions.values())}")
    assert not {str(path.relative_to(ROOT)): n for path, n in lengths.items() if n > 400}
    assert not {name: n for name, n in functions.items() if n > 70}
    assert statistics.median(lengths.values()) <= 150
    assert statistics.median(functions.values()) <= 15


LOAD = """
import json, sys, time
start = time.process_time()
import orchestration.definitions
seconds = time.process_time() - start
print(json.dumps({"seconds": seconds, "modules": sorted({name.split(".")[0] for name in sys.modules})}))
"""


def load_definitions() -> dict:
    done = subprocess.run([sys.executable, "-c", LOAD], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.alone
def test_the_definitions_load_fast_and_light() -> None:
    load = load_definitions()
    assert not HEAVY & set(load["modules"])
    again = (load_definitions()["seconds"] for _ in range(2))
    assert load["seconds"] < 2.0 or any(seconds < 2.0 for seconds in again), "seconds of CPU: other work does not count"
