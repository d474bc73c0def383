"""Fit the lap of a simulated 1:43 car whose tyres are known, and print the estimates beside the truth.

python results/vehicle/lap.py FILE      FILE: columns time_s, x_m, y_m, yaw_rad, vx_mps, vy_mps, yaw_rate_rps, input_0,
                                        input_1, published with Deep Dynamics (RA-L 2024); not part of this project
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from assets.sweeps.file_dataset import FileDataset, read_file
from trainers.study import Job, Trajectories
from trainers.vehicle import STUDY
from trainers.vehicle.estimates.coordinates import from_coordinates

MASS, GRAVITY, LF, LR, INERTIA = 0.041, 9.81, 0.029, 0.033, 27.8e-6
LOAD = {"f": MASS * GRAVITY * LR / (LF + LR), "r": MASS * GRAVITY * LF / (LF + LR)}
TRUTH = {
    "B_f": 5.579, "C_f": 1.2, "D_f": 0.192 / LOAD["f"], "E_f": -0.083, "Sh_f": -0.0013, "Sv_f": 0.00043 / MASS,
    "B_r": 5.3852, "C_r": 1.2691, "D_r": 0.1737 / LOAD["r"], "E_r": -0.019, "Sh_r": -0.00376, "Sv_r": 0.00091 / MASS,
    "m_over_I": MASS / INERTIA, "Cm1": 0.287 / MASS, "Cm2": 0.0545 / MASS, "Cr0": 0.0518 / MASS, "Cr2": 0.00035 / MASS,
}  # fmt: skip
"""As published, forces by the mass, D by the static load of its axle."""

KNOWN = {"lf": LF, "lr": LR, "h": 1e-6}
"""The axles, measured; and no load moves between them in that simulator."""


SLOW = 1.3
"""Speed below which the lap is left out: there its simulator does not resolve its tyres, and at its start is unstable:
over four points the published parameters are off by 1e-7 m above it, and by 0.4 rad/s at 0.6 m/s [m/s]."""


WINDOW = 11
"""Points of a window: 0.2 s."""


def steering_column(frame: pd.DataFrame) -> str:
    """Return the input that turns the car: the one that goes with yaw rate by speed, which is curvature."""
    curvature = frame["yaw_rate_rps"] / frame["vx_mps"]
    strength = {name: abs(frame[name].corr(curvature)) for name in ("input_0", "input_1")}
    print("correlation with curvature:", {name: round(value, 3) for name, value in strength.items()})
    return max(strength, key=lambda name: strength[name])


def read(path: Path) -> Trajectories:
    """Read the lap as a log of one's own; its last row has no inputs."""
    frame = pd.read_csv(path).dropna()
    frame["piece"], frame["car"] = (frame["vx_mps"] < SLOW).cumsum(), 0
    frame = frame[frame["vx_mps"] >= SLOW]
    frame = frame[frame.groupby("piece")["piece"].transform("size") > 1]
    steering = steering_column(frame)
    throttle = ({"input_0", "input_1"} - {steering}).pop()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "lap.csv"
        frame.to_csv(file, index=False)
        columns = {"x": "x_m", "y": "y_m", "yaw": "yaw_rad", "vx": "vx_mps", "vy": "vy_mps", "yaw_rate": "yaw_rate_rps"}
        units = dict(zip(columns, ("m", "m", "rad", "m/s", "m/s", "rad/s"), strict=True))
        return read_file(
            FileDataset.model_validate(
                {
                    "file": str(file),
                    "columns": columns,
                    "trajectory": "piece",
                    "parameters": {"car": "car"},
                    "roles": {"car": "nuisance"},
                    "time": "time_s",
                    "time_unit": "s",
                    "inputs": {"steering_angle_command": steering, "throttle": throttle},
                    "units": units | {"steering_angle_command": "rad", "throttle": "1", "car": "1"},
                }
            )
        )


def main(path: Path) -> None:
    """Fit and print."""
    lap = read(path)
    model = STUDY.model.model_validate(
        {
            "kind": "default",
            "dynamics": "pacejka-throttle",
            "vehicle_class": "miniature",
            "window": WINDOW,
            "time_step": 2,
            "known": KNOWN,
            "refine": {"steps": 60, "population": False},
        }
    )
    (trained,) = STUDY.train([Job("lap", model, STUDY.segment(model.segmentation(), lap))])
    predictor = STUDY.apply(model, trained)
    made = predictor.estimate(lap)
    dynamics = predictor.estimator.dynamics
    names = dynamics.combinations.names
    estimate = from_coordinates(dynamics, made.u)[0]
    spread = np.sqrt(np.diag(made.covariance[0]))
    size = np.where(dynamics.combinations.low > 0, estimate, 1.0) * spread
    print("| parameter | truth | estimate | std | off |\n|---|---|---|---|---|")
    for k, name in enumerate(names):
        if name in TRUTH:
            off = estimate[k] - TRUTH[name]
            print(f"| {name} | {TRUTH[name]:.4g} | {estimate[k]:.4g} | {size[k]:.2g} | {off:+.2g} |")
    windows = predictor.windows(lap)
    parameters = {name: values[..., [0] * len(windows.run)] for name, values in made.parameters.items()}
    rolled = predictor.rollout(windows.state[:, 0], windows.control, parameters)
    apart = np.hypot(*(rolled[:, -1, :2] - windows.state[:, -1, :2]).T)
    print(f"position error after 0.2 s: mean {1e3 * apart.mean():.3g} mm, largest {1e3 * apart.max():.3g} mm")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
