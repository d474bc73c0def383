"""Every fault and every hole has a protection, and every protection a test that fails without it."""

import ast
from pathlib import Path

import pytest

from tests.faults.protections import PAGE, ROOT, Protection, dangers, page, protections

FAULTS, HOLES = 24, 9


def test_every_fault_and_every_hole_has_a_protection_with_a_test() -> None:
    entries = dangers()
    assert [danger.row for danger in entries] == [*range(1, FAULTS + 1), *[0] * HOLES]
    assert all(danger.protections for danger in entries)


def names_of(path: Path) -> set[str]:
    """Return the tests that a file defines."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("one", protections(), ids=lambda one: f"{one.file}: {one.what}")
def test_what_the_table_names_is_there(one: Protection) -> None:
    assert (ROOT / one.file).read_text(encoding="utf-8").count(one.old) == 1 and one.old != one.new
    file, _, name = one.test.partition("::")
    assert not name or name.partition("[")[0] in names_of(ROOT / file)


def test_the_page_says_what_the_table_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "write it: python -m tests.faults.protections"


@pytest.mark.exhaustive
@pytest.mark.parametrize("one", protections(), ids=lambda one: f"{one.file}: {one.what}")
def test_without_it_the_test_fails(one: Protection) -> None:
    noticed, output = one.noticed()
    assert noticed, output
