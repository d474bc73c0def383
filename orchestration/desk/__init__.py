"""The desk: the local web front, a guarded application that joins the Dagster UI with pages from the store.

`python -m orchestration.desk` serves it alone; `orrery ui` serves it with the daemon and the MLflow UI.
"""
