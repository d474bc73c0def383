"""`orrery show`: what is stored of one configuration."""

from typing import Annotated

import typer

from orchestration.cli.request import Json, clear_errors, print_json, refuse


def show(
    key: Annotated[str, typer.Argument(help="<study>/<key or hash> of a stored model.")], json: Json = False
) -> None:
    """Show what is stored of one configuration: settings, status, provenance, and the traceback of a failure."""
    from assets.store.lookup import hashes_named
    from assets.store.store import Store
    from trainers import STUDIES

    study, _, name = key.partition("/")
    with clear_errors():
        store = Store()
        hashes = hashes_named(store, study, "model", name) if study in STUDIES else []
        manifest = store.manifest(study, "model", hashes[0]) if len(hashes) == 1 else None
        if manifest is None:
            count = f"{len(hashes)} models are" if len(hashes) > 1 else "no model is"
            refuse(f"{count} stored as {key!r}; expected <study>/<key or hash> as `orrery plan --keys` prints them")
        print_json({field: value for field, value in manifest.items() if field != "files"})
        traceback = store.path(study, "model", manifest["hash"]) / "traceback.txt"
        if traceback.exists() and not json:
            print(traceback.read_text(encoding="utf-8"))
