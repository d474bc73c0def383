"""Simulate spinodal decomposition and keep the two-point statistics of its snapshots."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from trainers.phase_field.config import SCORES, DatasetConfig
from trainers.phase_field.microstructure.basis import scores_per_run
from trainers.phase_field.microstructure.two_point import autocorrelation_of_spectra, radial_profile, radii
from trainers.phase_field.system.energy import STUDY_WELL, free_energy
from trainers.phase_field.system.grid import Grid
from trainers.phase_field.system.initial import PARAMETERS, draw
from trainers.phase_field.system.stepping import Material, evolve
from trainers.study import Trajectories

Array = np.ndarray

BATCH_CELLS = 2**15
"""Cells that are computed together: as many fields as stay in the cache of a CPU."""

SYMBOLS = {"mobility": "1", "gradient_coefficient": "1", "mean": "1", "amplitude": "1"}
"""Units of the parameters: the equation is dimensionless."""


def simulate(config: DatasetConfig, part: int | None = None) -> Trajectories:
    """Simulate N runs, all or one part: t (N, T), y (N, T, C) in single precision.

    statistics radial: channels r0, r1, ... are the radial profile of the autocorrelation at these radii [cells].
    published: comp_1 ... comp_5 are the source's scores of the whole map in a basis of each run by itself.
    Parameters: mobility M, gradient_coefficient kappa, mean c0, amplitude A of the noise. drift: change of the mean of
    c, and the largest rise of the free energy between snapshots, in parts of it.
    """
    runs = np.arange(config.trajectories)[config.part_of(config.trajectories, part)]
    size = max(1, BATCH_CELLS // config.grid**2)
    batches = [_simulate(config, runs[first : first + size]) for first in range(0, len(runs), size)]
    parameters, series, drift = (np.concatenate(parts) for parts in zip(*batches, strict=True))
    names = SCORES if config.statistics == "published" else tuple(f"r{int(r)}" for r in radii(config.grid))
    return Trajectories(
        t=np.tile(config.times(), (len(runs), 1)),
        y=series.astype(np.float32),
        names=names,
        units=("1",) * len(names),
        time_unit="1",
        parameters=dict(zip(PARAMETERS, parameters.T.copy(), strict=True)),
        parameter_units=SYMBOLS,
        roles=dict.fromkeys(PARAMETERS, "known"),
        meta={"problem": "phase_field", "grid": config.grid, "perturbation": config.perturbation},
        drift={"mean": drift[:, 0], "free_energy": drift[:, 1]},
        drift_tolerance=1e-12,
    )


def snapshots(config: DatasetConfig, runs: Array) -> Iterator[Array]:
    """Yield the fields (B, N, N) of some runs, by their numbers (B,), at every time of the dataset."""
    draws = [draw(config, int(run)) for run in runs]
    mobility, kappa = np.array([one.parameters[:2] for one in draws]).T
    c = np.stack([one.field for one in draws])
    material = Material(mobility, kappa)
    return evolve(c, grid_of(config), material, config.step, config.every, config.snapshots, config.scheme)


def grid_of(config: DatasetConfig) -> Grid:
    """Return the grid of a dataset; the spacing is 1."""
    return Grid(config.grid, 1.0, config.laplacian)


def _simulate(config: DatasetConfig, runs: Array) -> tuple[Array, Array, Array]:
    """Return parameters (B, 4), statistics (B, T, C) and drift (B, 2) of some runs."""
    parameters = np.array([draw(config, int(run)).parameters for run in runs])
    grid = grid_of(config)
    statistics, means, energies = [], [], []
    for fields in snapshots(config, runs):
        spectra = grid.transform(fields)
        maps = autocorrelation_of_spectra(spectra, config.grid)
        whole = config.statistics == "published"
        statistics.append(np.fft.fftshift(maps, axes=(1, 2)) if whole else radial_profile(maps))
        means.append(fields.mean(axis=(1, 2)))
        energies.append(free_energy(fields, grid, STUDY_WELL, parameters[:, 1], spectra))
    mean, energy = np.array(means), np.array(energies)
    rise = np.maximum(np.diff(energy, axis=0), 0.0).max(axis=0) / energy[0]
    drift = np.stack([np.abs(mean - mean[0]).max(axis=0) / mean[0], rise], axis=1)
    series = np.stack(statistics, axis=1)
    if config.statistics == "published":
        flat = series.reshape(*series.shape[:2], -1)
        series = np.stack([scores_per_run(run, len(SCORES))[0] for run in flat])
    return parameters, series, drift
