"""The changelog that is made: settings and names that came, went or mean something else since a revision."""

import subprocess
from pathlib import Path

import pytest

from assets.identity.changes import compare_registries, markdown, registry, sources_at, sources_now

CONFIG = '''
class Phase(Config):
    """A phase."""

    steps: Annotated[int, Field(ge=1)] = 1000
    """Steps."""
    rate: float = 1e-3
    kind: ClassVar[str] = "x"
'''

HEADS = '''
def plain(m):
    """Return m."""
    return m


def scaled(m):
    return _scale(m)


def _scale(m):
    return 2 * m


HEADS: dict[str, Head] = {"plain": Head(plain), "scaled": Head(scaled), "old": Head(plain, 3)}
'''


def since(before: dict[str, str], now: dict[str, str]) -> list[str]:
    """Return what is said to have changed in a study."""
    at = {f"trainers/orbits/{name}": text for name, text in before.items()}
    present = {f"trainers/orbits/{name}": text for name, text in now.items()}
    return [f"{change.where}: {change.text}" for change in compare_registries(registry(at), registry(present))]


@pytest.mark.parametrize(
    ("old", "new", "line_start"),
    [
        ("= 1000", "= 2000", "Phase: `steps: Annotated[int, Field(ge=1)] = 1000` is now `steps: Annotated[int, Fi"),
        ("    rate: float", "    clip: float = 0.0\n    rate: float", "Phase: new setting `clip: float = 0.0`"),
        ("    rate: float = 1e-3\n", "", "Phase: `rate` is gone (it was `float = 0.001`)"),
        ('"""Steps."""', '"""Number of steps."""', None),
        ('"x"', '"y"', None),
    ],
)
def test_settings_added_removed_or_changed_are_listed(old: str, new: str, line_start: str | None) -> None:
    lines = since({"config.py": CONFIG}, {"config.py": CONFIG.replace(old, new)})
    assert len(lines) == (line_start is not None) and all(line.startswith(line_start or "") for line in lines)


def test_inherited_settings_are_listed() -> None:
    base = "class Base(Config):\n    rate: float = 1e-3\n    steps: int = 1\n"
    own = "from trainers.orbits.bases import Base\nclass Phase(Base):\n    steps: int = 5\n"
    before = {"bases.py": base, "config.py": own}
    assert since(before, before | {"bases.py": base.replace("1e-3", "0.1")}) == [
        "Phase: `rate: float = 0.001` is now `rate: float = 0.1`"
    ]
    assert since(before, before | {"bases.py": base.replace("int = 1", "int = 2")}) == []


@pytest.mark.parametrize(
    ("old", "new", "line_starts"),
    [
        (', "old": Head(plain, 3)', "", ["HEADS: `old` is gone"]),
        ('"old": Head', '"new": Head(scaled, 1), "old": Head', ["HEADS: new name `new`"]),
        ("return 2 * m", "return 3 * m", ["HEADS: `scaled` means something else"]),
        ("    return m\n", "    return -m\n", ["HEADS: `old` means", "HEADS: `plain` means"]),
        ('"""Return m."""', '"""Return the outputs as they are."""', []),
        ("def scaled(m):\n", "def scaled(m):  # twice\n", []),
    ],
)
def test_names_added_removed_or_redefined_are_listed(old: str, new: str, line_starts: list[str]) -> None:
    lines = since({"heads.py": HEADS}, {"heads.py": HEADS.replace(old, new)})
    assert len(lines) == len(line_starts) and all(
        line.startswith(start) for line, start in zip(lines, line_starts, strict=True)
    )


def test_the_sources_of_a_revision_are_those_that_were_committed(tmp_path: Path) -> None:
    file = tmp_path / "trainers/orbits/config.py"
    file.parent.mkdir(parents=True)
    file.write_text(CONFIG)
    identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
    for command in (["init", "-q"], ["add", "."], [*identity, "commit", "-qm", "first"], ["tag", "v1"]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    file.write_text(CONFIG.replace("1e-3", "1e-4"))
    changes = list(compare_registries(registry(sources_at("v1", tmp_path)), registry(sources_now(tmp_path))))
    assert markdown(changes, "v1").splitlines()[2:] == [
        "### orbits", "", "- Phase: `rate: float = 0.001` is now `rate: float = 0.0001`",
    ]  # fmt: skip
    with pytest.raises(LookupError, match=r"given the revision 'v2', git says: .*; expected a commit, tag or branch"):
        sources_at("v2", tmp_path)


def test_every_study_of_the_project_has_settings_and_names() -> None:
    entries = registry(sources_now())
    assert ("two_body", "Phase", "learning_rate") in entries and ("two_body", "OUTPUT_LAYERS", "rtn") in entries
    assert markdown(list(compare_registries(entries, entries)), "v1").endswith("No setting and no name has changed.\n")
