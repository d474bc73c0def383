"""`orrery show`: what is stored of one configuration."""

from typing import Annotated

import typer

from orchestration.cli.request import Json, clear_errors, print_json, refuse


def show(
    key: Annotated[str, typer.Argument(help="<study>/<key or hash> of a stored model.")], json: Json = False
) -> None:
    """Show what is stored of one configuration: settings, status, provenance, and the traceback of a failure."""
    from assets.store.store import Store

    study, _, name = key.partition("/")
    with clear_errors():
        store = Store()
        manifest = store.manifest(study, "model", name.rsplit("-", 1)[-1])
        if manifest is None:
            refuse(
                f"no model {name!r} of study {study!r} is stored; expected <study>/<key> as `orrery plan --keys` has it"
            )
        print_json({field: value for field, value in manifest.items() if field != "files"})
        traceback = store.path(study, "model", manifest["hash"]) / "traceback.txt"
        if traceback.exists() and not json:
            print(traceback.read_text(encoding="utf-8"))
