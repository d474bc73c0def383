"""The simulator against exact symmetries, closed forms, an independent solver and PFHub's benchmark 1a."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from trainers.phase_field.config import DatasetConfig
from trainers.phase_field.simulate import grid_of, snapshots
from trainers.phase_field.system import pfhub
from trainers.phase_field.system.energy import STUDY_WELL, DoubleWell, free_energy, growth_rate
from trainers.phase_field.system.grid import Grid
from trainers.phase_field.system.initial import draw
from trainers.phase_field.system.stepping import Material, evolve, five_point

GRID = Grid(32)


def noise(mean=0.45, amplitude=0.1, size=32, seed=0, runs=1):
    return mean + amplitude * np.random.default_rng(seed).uniform(-0.5, 0.5, (runs, size, size))


def run(c, mobility=1.0, kappa=0.5, grid=GRID, dt=0.05, every=4, count=60, scheme="sbdf2", well=STUDY_WELL):
    material = Material(np.full(len(c), mobility), np.full(len(c), kappa), well)
    return np.stack(list(evolve(c, grid, material, dt, every, count, scheme)), axis=1)


@pytest.mark.parametrize("scheme", ["sbdf3", "sbdf2", "semi_implicit", "explicit"])
def test_the_mobility_is_a_clock_to_the_bit(scheme):
    dt = 0.01
    slow, fast = run(noise(), 1.0, dt=dt, scheme=scheme), run(noise(), 2.0, dt=dt / 2, scheme=scheme)
    assert np.array_equal(slow, fast)


def test_lengths_scale_with_the_root_of_kappa_to_the_bit():
    c = noise()
    small = run(c, mobility=0.25, kappa=0.25, grid=Grid(32, 0.5))
    assert np.array_equal(run(c, mobility=1.0, kappa=1.0), small)


@pytest.mark.parametrize(
    ("change", "tolerance"),
    [
        (lambda c: 1 - c, 1e-10),
        (lambda c: np.roll(c, (5, -7), (-2, -1)), 1e-10),
        (lambda c: np.rot90(c, axes=(-2, -1)), 1e-10),
        (lambda c: np.swapaxes(c, -2, -1), 1e-10),
    ],
    ids=["phases exchanged", "shifted", "turned", "mirrored"],
)
@pytest.mark.parametrize("laplacian", ["spectral", "five_point"])
def test_a_symmetry_maps_runs_onto_runs(change, tolerance, laplacian):
    grid = Grid(32, laplacian=laplacian)
    plain, changed = run(noise(), grid=grid), run(change(noise()), grid=grid)
    assert plain.std() > 0.1, "nothing happened that could differ"
    np.testing.assert_allclose(changed, change(plain), rtol=0, atol=tolerance)


@pytest.mark.parametrize("scheme", ["sbdf3", "sbdf2", "semi_implicit"])
@pytest.mark.parametrize("kappa", [0.5, 1.0])
def test_the_mean_is_kept_and_the_free_energy_never_rises(scheme, kappa):
    fields = run(noise(runs=3), mobility=2.0, kappa=kappa, scheme=scheme, count=151)
    mean = fields.mean(axis=(2, 3))
    assert np.abs(mean - mean[:, :1]).max() < 1e-12
    energies = [free_energy(fields[:, k], GRID, STUDY_WELL, np.full(3, kappa)) for k in range(151)]
    assert (np.diff(energies, axis=0) <= 0).all() and energies[-1].max() < 0.7 * energies[0].min()


@pytest.mark.parametrize("laplacian", ["spectral", "five_point"])
@pytest.mark.parametrize(
    ("mean", "mobility", "kappa", "wave"), [(0.5, 1.0, 0.5, 4), (0.35, 2.0, 1.0, 2), (0.3, 1, 1, 6)]
)
def test_a_small_wave_grows_at_the_rate_of_the_linear_theory(laplacian, mean, mobility, kappa, wave):
    grid = Grid(32, laplacian=laplacian)
    k = 2 * np.pi * wave / 32
    q = k**2 if laplacian == "spectral" else 2 - 2 * np.cos(k)
    c = np.broadcast_to(mean + 1e-6 * np.cos(k * np.arange(32))[:, None], (1, 32, 32))
    size = run(c, mobility, kappa, grid, dt=0.01, every=50, count=5)[0].std(axis=(1, 2))
    expected = growth_rate(np.array(q), np.array(mean), np.array(mobility), np.array(kappa))
    np.testing.assert_allclose(np.log(size[4] / size[0]) / 2.0, expected, rtol=2e-3)


def test_the_sheet_of_growth_rates():
    for mean, mobility, kappa, rate in ((0.5, 1.0, 0.5, 0.5), (0.3, 1.0, 1.0, 0.0676)):
        fastest = -STUDY_WELL.curvature(np.array(mean)) / (2 * kappa)
        assert growth_rate(fastest, np.array(mean), np.array(mobility), np.array(kappa)) == pytest.approx(
            rate, rel=1e-3
        )


def test_the_slope_and_curvature_are_derivatives_of_the_density():
    c, h = np.linspace(-0.2, 1.2, 29), 1e-5
    for well in (STUDY_WELL, pfhub.WELL):
        slope = (well.density(c + h) - well.density(c - h)) / (2 * h)
        curvature = (well.slope(c + h) - well.slope(c - h)) / (2 * h)
        np.testing.assert_allclose(well.slope(c), slope, atol=1e-8)
        np.testing.assert_allclose(well.curvature(c), curvature, atol=1e-8)
        np.testing.assert_allclose(np.polyval(well.slope_polynomial()[::-1], c), well.slope(c), atol=1e-14)
    assert STUDY_WELL.curvature(np.array([0.0, 0.5])).tolist() == [2.0, -1.0]


@pytest.mark.parametrize(("well", "kappa", "tension"), [(STUDY_WELL, 1.0, 2**0.5 / 6), (pfhub.WELL, 2.0, 0.04770)])
def test_a_flat_interface_has_its_energy(well: DoubleWell, kappa, tension):
    size, spacing = 256, 0.5
    x = (np.arange(size) - size / 2) * spacing
    steep = np.sqrt(2 * well.height / kappa) * (well.high - well.low)
    share = 1 / (1 + np.exp(-steep * (spacing * size / 4 - np.abs(x))))
    c = np.broadcast_to((well.low + (well.high - well.low) * share)[:, None], (1, size, size))
    energy = free_energy(c, Grid(size, spacing), well, np.array([kappa]))[0]
    assert energy / (2 * size * spacing) == pytest.approx(tension, rel=2e-4)
    assert well.interface(kappa) == pytest.approx(tension, rel=2e-4)


def test_the_gradient_energy_of_five_points_counts_every_edge():
    c, grid = noise(runs=2), Grid(32, laplacian="five_point")
    edges = sum(((np.roll(c, 1, axis) - c) ** 2).sum(axis=(1, 2)) for axis in (1, 2))
    expected = STUDY_WELL.density(c).sum(axis=(1, 2)) + np.array([0.5, 1.0]) / 2 * edges
    np.testing.assert_allclose(free_energy(c, grid, STUDY_WELL, np.array([0.5, 1.0])), expected, rtol=1e-12)


CORNERS = [(0.3, 1.0, 0.5), (0.7, 2.0, 1.0), (0.5, 2.0, 0.5), (0.42, 1.5, 0.75)]


@pytest.mark.parametrize(("mean", "mobility", "kappa"), CORNERS)
def test_an_independent_solver_agrees_over_the_prior(mean, mobility, kappa):
    """DOP853 at 1e-9 with a Laplacian by differences in real space, up to t = 12 on 16 x 16 cells."""
    start = noise(mean, 0.15, size=16)

    def right(_, flat):
        c = flat.reshape(1, 16, 16)
        potential = 2 * c * (1 - c) * (1 - 2 * c) - kappa * five_point(c, 1.0)
        return (mobility * five_point(potential, 1.0)).ravel()

    t = np.linspace(0, 12, 7)
    truth = solve_ivp(right, (0, 12), start.ravel(), "DOP853", t, rtol=1e-9, atol=1e-9).y.T.reshape(7, 16, 16)
    grid = Grid(16, laplacian="five_point")
    error = {
        (scheme, dt): np.abs(run(start, mobility, kappa, grid, dt, round(2 / dt), 7, scheme)[0] - truth).max()
        for scheme in ("sbdf2", "sbdf3")
        for dt in (0.05, 0.025)
    }
    assert error["sbdf2", 0.05] < 1e-2 and error["sbdf2", 0.025] < error["sbdf2", 0.05] / 3, "second order"
    # the very first step, of an eighth, is of first order: what it leaves falls with the square
    assert error["sbdf3", 0.05] < error["sbdf2", 0.05] / 3 and error["sbdf3", 0.025] < error["sbdf3", 0.05] / 3


def test_the_explicit_scheme_is_the_same_equation_until_it_clips():
    grid = Grid(32, laplacian="five_point")
    start = noise(0.5)
    explicit = run(start, grid=grid, dt=0.001, every=1000, count=5, scheme="explicit")
    ours = run(start, grid=grid, dt=0.05, every=20, count=5)
    assert 0.01 < ours[0, -1].std() < 0.3 and np.abs(explicit - ours).max() < 2e-3


def test_clipping_moves_the_mean_and_our_scheme_does_not():
    start = noise(0.32, size=64)
    grid = Grid(64, laplacian="five_point")
    clipped = run(start, 2.0, 0.5, grid, dt=0.02, every=10, count=151, scheme="explicit")
    ours = run(start, 2.0, 0.5, grid, dt=0.05, every=4, count=151)
    drift = [fields[0].mean(axis=(1, 2)) - start.mean() for fields in (clipped, ours)]
    assert np.abs(drift[0]).max() > 1e-3 and np.abs(drift[1]).max() < 1e-12


def test_a_run_does_not_depend_on_its_batch():
    config = DatasetConfig(grid=32, snapshots=11, duration=2.0, trajectories=5)
    together = np.stack(list(snapshots(config, np.arange(5))), axis=1)
    alone = np.stack(list(snapshots(config, np.array([3]))), axis=1)
    assert np.array_equal(together[3], alone[0])
    assert grid_of(config).size == 32


def test_draws_fill_their_ranges_and_keep_out_of_corners():
    def parameters(**settings):
        return np.array([draw(DatasetConfig(grid=16, seed=3, **settings), run).parameters for run in range(300)])

    everywhere = parameters()
    low, high = np.array([1, 0.5, 0.3, 0.05]), np.array([2, 1, 0.7, 0.15])
    assert (everywhere >= low).all() and (everywhere <= high).all()
    assert (np.ptp(everywhere, axis=0) > 0.97 * (high - low)).all()
    away = lambda values: (np.abs(2 * values - low - high) > 0.6 * (high - low))[:, :3].all(axis=1)  # noqa: E731
    assert 0 < away(everywhere).sum() < 60
    assert not away(parameters(corners="left_out")).any() and away(parameters(corners="only")).all()


def test_a_family_shares_its_noise_and_differs_in_one_parameter():
    config = DatasetConfig(grid=16, perturbation=0.1)
    base, mobile, stiff, other = (draw(config, run) for run in range(4))
    assert np.array_equal(base.noise, mobile.noise) and np.array_equal(base.noise, stiff.noise)
    assert not np.array_equal(base.noise, other.noise)
    np.testing.assert_allclose(mobile.parameters / base.parameters, [1.1, 1, 1, 1])
    np.testing.assert_allclose(stiff.parameters / base.parameters, [1, 1.1, 1, 1])


GATES = {1: (318.85, 0.02), 5: (316.39, 0.05), 10: (297.96, 0.1), 20: (213.2, 0.3)}


def test_pfhub_benchmark_1a_up_to_t_20():
    energies, means = {}, []
    for time, energy, c in pfhub.run(128, [(0.05, 20, 20)]):
        energies[round(time)] = energy
        means.append(c.mean())
    assert 319.05 <= energies[0] <= 319.3
    for time, (centre, tolerance) in GATES.items():
        assert energies[time] == pytest.approx(centre, abs=tolerance)
    assert max(np.diff(list(energies.values()))) < 0
    assert np.abs(np.array(means) - means[0]).max() < 1e-12
    assert means[0] == pytest.approx(0.502523, abs=2e-4)
