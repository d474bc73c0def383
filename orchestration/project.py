"""The whole project on one screen: assets, jobs and schedules of every study."""

import dagster as dg

from assets.catalogue import Catalogue
from assets.study_assets import study_assets
from orchestration.jobs import study_jobs
from orchestration.resources import refusing_io_manager
from orchestration.schedules import sweep_schedule
from orchestration.sweep_files import sweep_files_asset
from trainers import STUDIES


def definitions(catalogue: Catalogue) -> dg.Definitions:
    """Build assets, jobs and schedules of every study from the sweep files."""
    return dg.Definitions(
        assets=[
            sweep_files_asset(catalogue),
            *(asset for study in STUDIES.values() for asset in study_assets(study, catalogue.study(study.name))),
        ],
        jobs=[job for study in STUDIES for job in study_jobs(study, catalogue)],
        schedules=[sweep_schedule(sweep) for sweep in catalogue.sweeps.values() if sweep.schedule],
        resources={"io_manager": refusing_io_manager},
        executor=dg.in_process_executor,
    )
