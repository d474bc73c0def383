"""`orrery adopt`: make a store that was copied from elsewhere known to Dagster."""

import typer

from orchestration.cli.request import Json, NameOrAll, clear_errors, known_sweep, print_json


def adopt(sweep: NameOrAll = "", json: Json = False) -> None:
    """Report what is up to date in the store and unknown to Dagster, of one sweep or of all; nothing is made."""
    from assets.catalogue import read_catalogue
    from assets.launch import launching
    from orchestration.launch.home import prepare

    with clear_errors():
        catalogue = read_catalogue()
        sweeps = [known_sweep(sweep)[0]] if sweep else list(catalogue.sweeps.values())
        prepare()
        import dagster as dg

        from orchestration.sweep_run import adopt as report

        with dg.DagsterInstance.get() as instance, launching() as launch:
            counts = {each.name: report(each, catalogue.study(each.study), instance, launch) for each in sweeps}
    if json:
        print_json(counts)
    else:
        for name, count in counts.items():
            print(f"{name}: {count} artifacts are now known to Dagster")
    raise typer.Exit(0)
