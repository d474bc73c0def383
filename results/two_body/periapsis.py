"""Print the field error near periapsis and apoapsis of the stored sweep: `python results/two_body/periapsis.py`."""

import pandas as pd

import assets

SWEEP, TEST, METRIC = "two_body/periapsis", "complex_planar_100_test", "acceleration_error_field"
ANGLE = 45
"""How far from periapsis or apoapsis counts as near [degrees]."""


def near(key: str) -> dict[str, float]:
    """Return the mean error of a model near periapsis and near apoapsis [%]."""
    errors = assets.load("two_body", key).evaluations[TEST].tables["errors"]
    off = (errors["true_anomaly"] + 180) % 360 - 180
    places = {"periapsis": off.abs() < ANGLE, "apoapsis": off.abs() > 180 - ANGLE}
    return {place: float(errors.loc[rows, METRIC].mean()) for place, rows in places.items()}


def main() -> None:
    """Print mean and standard deviation over seeds."""
    rows = assets.table(SWEEP).query("test == @TEST")
    errors = pd.DataFrame([near(key) for key in rows["key"]], index=rows.index)
    settings = [rows["model.output_layer"], rows["model.loss.weigh_by"]]
    print(errors.groupby(settings).agg(["mean", "std"]).round(2).to_string())


if __name__ == "__main__":
    main()
