"""`orrery figures`: every figure of stored models, or of datasets that nothing was trained on."""

from pathlib import Path
from typing import Annotated

import typer

from orchestration.cli.request import Json, clear_errors, print_json, refuse

Models = Annotated[
    list[str] | None, typer.Argument(help="Stored models: key, hash, or the beginning of one; <study>/ first.")
]
Dataset = Annotated[
    list[str] | None,
    typer.Option("--dataset", help="A dataset instead of models: a preset, or the key or hash of one; repeat it."),
]
Test = Annotated[str, typer.Option("--test", help="The test set; without, the largest one.")]
Out = Annotated[Path | None, typer.Option("--out", "-o", help="A new folder; without it, one in the home.")]
Force = Annotated[bool, typer.Option("--force", help="Replace earlier figures in that folder.")]


def figures(
    models: Models = None, dataset: Dataset = None, test: Test = "", out: Out = None, force: Force = False,
    json: Json = False,
) -> None:  # fmt: skip
    """Draw everything that there is to see of models or datasets: a page that opens offline, PNG and PDF."""
    from assets.report.folder import check_folder
    from assets.report.gallery.page import (
        PAGE,
        default_folder,
        gallery_of_datasets,
        gallery_of_models,
        write_gallery,
    )
    from assets.store.store import Store
    from orchestration.launch.home import prepare

    if bool(models) == bool(dataset):
        refuse("expected the keys of models, or --dataset NAME, and not both; `orrery plan --keys` lists keys")
    if dataset and test:
        refuse("--test is for models; a dataset is drawn by itself")
    names = models or dataset or []
    with clear_errors():
        if out is not None:
            check_folder(out.absolute(), force, PAGE, "page of figures")
        gallery = gallery_of_models(names, Store(), test) if models else gallery_of_datasets(names, Store())
        prepare()
        folder = default_folder(gallery, names) if out is None else out.absolute()
        page = write_gallery(gallery, folder, force or out is None)
    if json:
        print_json({"page": str(page), "figures": gallery.count})
        return
    print(f"{gallery.count} figures: {page}")
    print(f"each as PNG and PDF: {page.parent}")
