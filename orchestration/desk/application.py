"""The application of the desk: its own pages and the Dagster UI, both behind the guard."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from dagster import DagsterInstance, __version__
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import WorkspaceFileTarget
from dagster_webserver.app import create_app_from_workspace_process_context
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from assets.store.store import Damaged, project_root
from orchestration.desk.guard import Guard
from orchestration.desk.pages import (
    compare,
    failures,
    figures,
    files,
    home,
    live,
    mlflow,
    report,
    scripts,
    search,
    sweeps,
)
from orchestration.desk.render import message
from orchestration.desk.sweep_watch import SweepWatch

LOCATION = "orrery"
"""Name of the code location in workspace.yaml."""

PAGES = (
    Route("/", home.home_page),
    Route("/sweeps/state", home.sweeps_state),
    Route("/files/{study}/{layer}/{hash}", files.artifact_page),
    Route("/files/{study}/{layer}/{hash}/{file}", files.artifact_file),
    Route("/failures", sweeps.go_to_sweep),
    Route("/failures/{study}/{sweep}", failures.failures_page),
    Route("/report", sweeps.go_to_sweep),
    Route("/report/{study}/{sweep}", report.report_page),
    Route("/compare", compare.compare_page),
    Route("/figures", figures.figures_page),
    Route("/search/{study}/{search}", search.search_page),
    Route("/live", live.live_page),
    Route("/live/state", live.live_state),
    Route("/live/stop", live.stop, methods=["POST"]),
    Route("/mlflow", mlflow.mlflow_page),
    Route("/scripts/{file}", scripts.script),
)
"""Every other address is Dagster's, except for those below the names of these pages."""


def nowhere(request: Request) -> Response:
    """Answer an address below that of a page of the desk where there is no page.

    Raises:
        LookupError: always.
    """
    raise LookupError(f"no page {request.url.path!r}; the desk has {', '.join(route.path for route in PAGES)}")


NOWHERE = [Route(f"/{name}/{{rest:path}}", nowhere) for name in {route.path.split("/")[1] for route in PAGES} if name]


@contextmanager
def application(hosts: tuple[str, ...] = ()) -> Iterator[Starlette]:
    """Build the desk for the present home and the project's sweeps; definitions are reloaded with the sweep files."""
    with DagsterInstance.get() as instance:
        instance.optimize_for_webserver(statement_timeout=15000, pool_recycle=3600, max_overflow=20)
        target = WorkspaceFileTarget([str(project_root() / "workspace.yaml")])
        with (
            WorkspaceProcessContext(instance, target, version=__version__) as workspace,
            SweepWatch(lambda: workspace.reload_code_location(LOCATION)) as watch,
        ):
            yield assemble(create_app_from_workspace_process_context(workspace), watch, hosts)


def assemble(dagster: Starlette, watch: SweepWatch, hosts: tuple[str, ...] = ()) -> Starlette:
    """Join the pages and the Dagster UI behind the guard."""
    desk = Starlette(
        routes=[*PAGES, *NOWHERE, Mount("/", dagster)],
        middleware=[Middleware(Guard, hosts=hosts)],
        exception_handlers={LookupError: not_here, ValueError: not_here, Damaged: damaged_artifact},
    )
    desk.state.watch = watch
    return desk


def not_here(request: Request, error: Exception) -> Response:
    """Answer that the page does not exist, and why."""
    return message(404, "Not here", str(error.args[0]) if error.args else "no such page")


def damaged_artifact(request: Request, error: Exception) -> Response:
    """Answer that an artifact is stored, but damaged."""
    return message(410, "Damaged", str(error))
