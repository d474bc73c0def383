"""`orrery settings`: every setting of a sweep, its values, and where each comes from."""

from dataclasses import asdict

from orchestration.cli.request import Json, Name, any_sweep, clear_errors, print_json


def settings(sweep: Name = "", json: Json = False) -> None:
    """Show every setting of a sweep, defaults resolved, with its values and its origin: file and line, or default."""
    from assets.identity.text import value_text
    from assets.report.tables.table import table_of
    from assets.sweeps.origins import origins
    from orchestration.cli.tables import print_table, wide_console

    with clear_errors():
        chosen = any_sweep(sweep)
        rows = origins(chosen)
    if json:
        print_json([asdict(row) for row in rows])
        return
    cells = [[row.setting, ", ".join(map(value_text, row.values)), row.origin] for row in rows]
    print_table(wide_console(), table_of(f"Settings of {chosen.name}", ("setting", "value", "origin"), cells))
