"""The desk: one guarded web application with the Dagster UI behind it and pages from the store beside it.

`python -m orchestration.desk` serves it alone; `orrery ui` serves it with the daemon and the MLflow UI.
"""
