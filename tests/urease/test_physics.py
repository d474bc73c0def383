"""The simulator against closed forms, conservation laws, published examples and an independent stiff solver."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

from trainers.urease.config import DatasetConfig
from trainers.urease.kinetics import charge_balance, rate_law
from trainers.urease.kinetics.families import FAMILIES, reactors_of
from trainers.urease.kinetics.interpolation import hermite_rows
from trainers.urease.kinetics.master_curve import master_curve
from trainers.urease.kinetics.probe import lag_times, lagged, lagged_line
from trainers.urease.kinetics.reactor import Reactors, clock, ramp_factor
from trainers.urease.kinetics.readings import noise_free_readings
from trainers.urease.kinetics.solution import SolverError, solve
from trainers.urease.kinetics.stiff import integrate
from trainers.urease.simulate import simulate


def reactors(enzyme, deactivation=0.0, **settings) -> Reactors:
    """Reactors of the sheet's example: 10 mM urea, 30 C, pH 6.85."""
    enzyme = np.atleast_1d(np.asarray(enzyme, float))
    usual = {"substrate": 0.01, "temperature": 30.0, "initial_ph": 6.85, "ramp": 0.0, "gas_rate": 0.0, "gas_level": 0.0}
    other = {name: settings.pop(name, value) for name, value in usual.items()}
    arrays = {name: np.broadcast_to(np.asarray(value, float), enzyme.shape) for name, value in other.items()}
    return Reactors(enzyme=enzyme, deactivation=np.broadcast_to(deactivation, enzyme.shape), **arrays, **settings)


def drawn(version: str, count: int, seed: int) -> dict[str, np.ndarray]:
    """Parameters from the prior."""
    ranges = FAMILIES[version].ranges()
    uniform = np.random.default_rng(seed).uniform(size=(count, len(ranges)))
    return {name: each.draw(uniform[:, k]) for k, (name, each) in enumerate(ranges.items())}


# -- the rate law and the charge balance


def test_constants_of_the_rate_law_at_given_temperatures():
    first, second, a, b = rate_law.bell_constants(np.array([25.0, 40.0]), "fitted")
    assert first == pytest.approx([9.0742857, 9.5885714], abs=1e-6)
    assert second == pytest.approx([5.6142857, 5.1385714], abs=1e-6)
    assert a == pytest.approx([0.3737143, 0.5434286], abs=1e-6) and b == pytest.approx([0.5675, 0.776], abs=1e-6)
    assert [float(x[0]) for x in rate_law.bell_constants(np.array([25.0]), "constant")] == [9.07, 5.62, 0.373, 0.564]
    assert rate_law.rate_constant(np.array(25.0)) == pytest.approx(0.267 * np.exp(-29100 / (8.314 * 298.15)))


def test_the_bell_has_its_formula_and_the_product_inhibition_is_clamped():
    pH, H = np.array([5.0, 7.0, 9.0]), 10 ** -np.array([5.0, 7.0, 9.0])
    g = rate_law.bell(pH, rate_law.bell_constants(np.full(3, 30.0), "constant"))
    assert g == pytest.approx(1 / (1 + (10**-9.07 / H) ** 0.373 + (H / 10**-5.62) ** 0.564), rel=1e-12)
    low, middle, high = rate_law.product_inhibition(np.full(3, 0.1), np.array([5.0, 7.25, 10.0]))
    assert (low, middle, high) == pytest.approx((1 + 0.1 / 0.1785, 1 + 0.1 / 0.05395, 1 + 0.1 / 0.031))


@pytest.mark.parametrize("phosphate", [0.0, 5e-3])
def test_the_root_search_finds_what_a_bracketing_search_finds(phosphate):
    random = np.random.default_rng(0)
    extent, pH0 = 10 ** random.uniform(-9, -1, 60), random.uniform(6.5, 7.5, 60)
    B = charge_balance.charges(pH0, phosphate).water
    carbon = extent * random.uniform(0.5, 1.0, 60)

    def balance(pH, k):
        part = charge_balance.charges(np.array(pH), phosphate)
        return 2 * extent[k] * part.ammonium + B[k] - part.water - carbon[k] * part.carbonate

    for guess in (0.1, 7.0, 13.9):
        root = charge_balance.solve_ph(2 * extent, carbon, B, np.full(60, guess), phosphate)
        expected = [brentq(balance, 0, 14, args=(k,), xtol=1e-13) for k in range(60)]
        assert root == pytest.approx(expected, abs=1e-10)


def test_the_charges_of_phosphate_and_carbonate_and_their_slopes():
    pH, tiny = np.linspace(4, 11, 30), 1e-6
    low, middle, high = (charge_balance.charges(pH + shift, 0.01) for shift in (-tiny, 0, tiny))
    for name in ("ammonium", "carbonate", "water"):
        slope = (getattr(high, name) - getattr(low, name)) / (2 * tiny)
        assert getattr(middle, f"{name}_slope") == pytest.approx(slope, rel=1e-6, abs=1e-9)
    H = 10**-7.2
    first, second, third = charge_balance.PHOSPHATE
    species = np.array([H**3, first * H**2, first * second * H, first * second * third])
    expected = 0.01 * (species * np.arange(4)).sum() / species.sum() + 1e-14 / H - H
    assert float(charge_balance.charges(np.array(7.2), 0.01).water) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("ammonia", "strong"), [(np.nan, 0.0), (0.0, np.nan), (np.inf, 0.0), (0.0, 1e3), (0.0, -1e3)])
def test_a_balance_without_a_root_is_refused_in_one_line(ammonia: float, strong: float):
    with warnings.catch_warnings(), pytest.raises(ValueError, match="give finite concentrations"):
        warnings.simplefilter("error")
        charge_balance.solve_ph(np.array([ammonia]), np.array([0.0]), np.array([strong]), np.array([7.0]))


# -- exact checks of the sheet


def test_the_sheets_examples():
    pH = solve(reactors(np.array([0.05, 0.3, 0.8]) * 0.01 / 0.2, 2.5e-3), np.array([30.0, 300.0]))
    assert pH == pytest.approx(np.array([[7.00, 7.60], [7.52, 8.29], [7.92, 8.58]]), abs=0.006)


def test_equal_clocks_give_equal_ph_by_either_solver():
    pair = reactors(np.array([0.3, 0.6]) * 0.05, np.array([2.5e-3, 1e-3]))
    tau = 0.3 * 0.05 * (1 - np.exp(-2.5e-3 * 300)) / 2.5e-3
    t = np.array([[300.0], [-np.log1p(-tau * 1e-3 / (0.6 * 0.05)) / 1e-3]])
    assert t[1, 0] == pytest.approx(111.52, abs=0.005) and clock(pair, t)[:, 0] == pytest.approx(tau, rel=1e-12)
    by_curve = solve(pair, t)
    assert by_curve[0] == pytest.approx(by_curve[1], abs=1e-7) and by_curve[0, 0] == pytest.approx(8.28617, abs=2e-5)
    for k in (0, 1):  # each integrated in its own time
        course = integrate(pair.take(slice(k, k + 1)), float(t[k, 0]), (1e-6, 1e-7))
        assert course.ph[0, -1] == pytest.approx(8.28617, abs=2e-5)


def test_the_clock_has_its_closed_form_and_its_limits():
    t = np.array([[0.0, 10.0, 1e4, 1e7]])
    tau = clock(reactors(0.02, 1e-3), t)[0]
    assert tau == pytest.approx(0.02 / 1e-3 * (1 - np.exp(-1e-3 * t[0])), rel=1e-12)
    assert tau[-1] == pytest.approx(0.02 / 1e-3) and clock(reactors(0.02), t)[0] == pytest.approx(0.02 * t[0])


def test_the_ramp_and_its_clock():
    at = ramp_factor(np.array([0.0, 10.0, 20.0 - 1e-12, 20.0, 30.0]), np.full(5, 20.0))
    assert at == pytest.approx([0.0025, 0.5, 0.9975, 1.0, 1.0], abs=3e-5)
    mixed, t = reactors(0.02, 3e-3, ramp=20.0), np.array([[0.0, 3.0, 11.0, 19.9, 20.0, 25.0, 300.0]])
    fine = np.linspace(0, 300, 600_001)
    acting = 0.02 * ramp_factor(fine, np.array(20.0)) * np.exp(-3e-3 * fine)
    area = np.concatenate([[0], np.cumsum((acting[1:] + acting[:-1]) / 2 * np.diff(fine))])
    assert clock(mixed, t)[0] == pytest.approx(np.interp(t[0], fine, area), rel=1e-5, abs=1e-9)


@pytest.mark.parametrize("gas", [False, True])
def test_the_first_ph_is_the_initial_ph_for_every_draw(gas):
    for version in ("v1", "v2", "v3"):
        every = reactors_of(drawn(version, 200, 1), phosphate=1e-3)
        every = replace(every, gas_rate=np.full(200, 1e-5) if gas else np.zeros(200))
        assert np.abs(solve(every, np.array([0.0, 1.0]))[:, 0] - every.initial_ph).max() < 1e-12


def test_conservation_without_gas_exchange():
    """2S + N = 2 S0 is built in; S + C = S0 is not: the stiff solver finds C from the charge balance."""
    every = reactors_of({**drawn("v1", 40, 2)})
    course = integrate(every, 2000.0, (1e-7, 1e-8))
    part = charge_balance.charges(course.ph)
    carbon = (2 * course.extent * part.ammonium + every.strong[:, None] - part.water) / part.carbonate
    assert np.abs(carbon - course.extent).max() < 1e-8  # [mol/L], of up to 0.1
    curve = master_curve(every, np.full(40, 1e3))
    root = charge_balance.solve_ph(2 * curve.extent, curve.extent, every.strong[:, None], curve.ph)
    assert np.abs(root - curve.ph).max() < 1e-9


def test_more_enzyme_gives_a_higher_ph_and_nothing_leaves_the_bounds():
    t = np.geomspace(0.1, 2000, 40)
    pH = solve(reactors(np.geomspace(1e-4, 2.0, 30), 1e-3), t)
    assert (np.diff(pH, axis=0) > 0).all() and (np.diff(pH, axis=1) >= -1e-9).all()
    extent = master_curve(reactors([2.0]), np.array([1e5])).extent_at(np.array([[0.0, 1e-3, 1e5]]))
    assert extent[0, 0] == 0 and 0 < extent[0, 1] < 1e-3 and 0.0099 < extent[0, 2] <= 0.01


def test_the_extent_has_the_initial_rate_as_slope():
    curve, tau = master_curve(reactors([1.0]), np.array([100.0])), np.array([[1e-7]])
    g = rate_law.bell(np.array(6.85), rate_law.bell_constants(np.array(30.0), "fitted"))
    rate = rate_law.rate_constant(np.array(30.0)) * g * rate_law.saturation(np.array(0.01)) / 2
    assert curve.extent_at(tau)[0, 0] == pytest.approx(float(rate) * 1e-7, rel=1e-4, abs=0)


def test_the_clock_of_a_ph_is_the_clock_that_gives_it():
    curve = master_curve(reactors([1.0]), np.array([1e3]))
    tau = np.geomspace(1e-2, 500, 30)[None]
    assert curve.tau_at(curve.ph_at(tau, np.array([6.85]))) == pytest.approx(tau, rel=2e-4)


# -- an independent solver over the whole prior


def reference(one: Reactors, t: np.ndarray) -> np.ndarray:
    """Return the pH of one reactor by scipy's LSODA in (S, N, C), a bracketing root search in every call."""
    S0, T, law = float(one.substrate[0]), one.temperature[:1], rate_law.bell_constants(one.temperature[:1], one.law)
    constant, B = float(rate_law.rate_constant(T)[0]), float(one.strong[0])

    def pH_of(N, C):
        def balance(pH):
            part = charge_balance.charges(np.array(pH), one.phosphate)
            return N * part.ammonium + B - part.water - C * part.carbonate

        return brentq(balance, 2, 13, xtol=1e-13)

    def right(time, state):
        S, N, C = state
        pH = np.array([pH_of(N, C)])
        acting = ramp_factor(np.array([time]), one.ramp) * one.enzyme * np.exp(-one.deactivation * time)
        r = constant * rate_law.bell(pH, law) * rate_law.saturation(np.array([max(S, 0.0)]))
        r = float((r / rate_law.product_inhibition(np.array([N]), pH) * acting)[0])
        return [-r / 2, r, r / 2 + float(one.gas_rate[0]) * (float(one.gas_level[0]) - C)]

    done = solve_ivp(right, (0, t[-1]), [S0, 0.0, 0.0], "LSODA", t_eval=t, rtol=1e-8, atol=1e-14, max_step=30)
    return np.array([pH_of(N, C) for N, C in zip(done.y[1], done.y[2], strict=True)])


T = np.array([0.0, 0.5, 2.0, 10.0, 30.0, 120.0, 300.0, 1000.0, 2000.0])


@pytest.mark.parametrize(
    ("version", "law", "phosphate", "count"),
    [("v1", "fitted", 0.0, 8), ("v2", "constant", 0.0, 8), ("v3", "fitted", 0.0, 8), ("v3", "fitted", 2e-3, 4)],
)
def test_an_independent_stiff_solver_agrees(version, law, phosphate, count):
    every = reactors_of(drawn(version, count, 7), law, phosphate)
    pH = solve(every, T)
    # the master curve is right to 1e-5; the stiff integrator to its tolerance
    tolerance = 1e-5 if not every.exchanging.any() else 1e-4
    for k in range(count):
        assert pH[k] == pytest.approx(reference(every.take(slice(k, k + 1)), T), abs=tolerance)


@pytest.mark.exhaustive
@pytest.mark.parametrize("version", ["v1", "v2", "v3"])
def test_an_independent_stiff_solver_agrees_over_the_whole_prior(version):
    every = reactors_of(drawn(version, 150, 8))
    pH = solve(every, T)
    for k in range(150):
        assert pH[k] == pytest.approx(reference(every.take(slice(k, k + 1)), T), abs=1e-4)


def test_both_solvers_agree_with_a_ramp_and_without_gas():
    every = reactors_of({**drawn("v3", 40, 3), "gas_rate": np.zeros(40)})
    course = integrate(every, 2000.0)
    stiff = hermite_rows(course.t, course.ph, course.ph_slope, np.tile(T, (40, 1)))
    assert np.abs(solve(every, T) - stiff).max() < 1e-4


def test_the_stiff_integrator_converges_at_order_three():
    every = reactors_of(drawn("v3", 30, 4))
    ends = [integrate(every, 100.0, (10 * e, e)).ph[:, -1] for e in (1e-4, 1e-6, 1e-9)]
    coarse, fine = (np.abs(end - ends[2]).max() for end in ends[:2])
    assert fine < coarse / 20 and fine < 2e-5


def test_gas_exchange_moves_carbon_towards_its_equilibrium():
    t = np.array([2000.0])
    still, losing, gaining = (
        solve(reactors(0.02, 5e-3, gas_rate=rate, gas_level=level), t)[0, 0]
        for rate, level in ((0.0, 0.0), (1e-4, 0.0), (1e-4, 1e-2))
    )
    assert losing > still + 1e-3 and gaining < still - 1e-3


def test_a_reactor_that_cannot_be_integrated_is_named():
    with pytest.raises(SolverError, match="k_g 1e-05"):
        solve(reactors(np.nan, gas_rate=1e-5), np.array([10.0]))


# -- the probe


def test_the_lag_has_its_closed_forms():
    t = np.linspace(0, 60, 200)
    line = lagged(t, 7 + 0.01 * np.tile(t, (3, 1)), np.array([0.0, 2.0, 30.0]))
    expected = lagged_line(t, np.full(3, 7.0), np.full(3, 0.01), np.array([0.0, 2.0, 30.0]))
    assert line == pytest.approx(expected, abs=1e-10) and np.array_equal(line[0], 7 + 0.01 * t)
    step = lagged(t, np.where(t > 0, 1.0, 1.0)[None] * np.ones((1, 1)), np.array([5.0]))
    assert step == pytest.approx(np.ones((1, 200)))


def test_readings_do_not_depend_on_how_finely_a_curve_is_read():
    """The lag is a property of the probe, not of the grid."""
    parameters = drawn("v1", 20, 5)
    coarse = noise_free_readings(parameters, np.array([0.0, 10.0, 30.0, 120.0]))
    fine = noise_free_readings(parameters, np.arange(0, 120.25, 0.25))
    assert coarse == pytest.approx(fine[:, [0, 40, 120, 480]], abs=3e-3)


def test_times_of_the_lag_hold_those_of_the_readings():
    t = np.array([0.0, 0.7, 10.0, 300.0])
    times = lag_times(t)
    assert np.isin(t, times).all() and (np.diff(times) > 0).all() and np.diff(times).max() <= 1.0 + 1e-9


# -- sets


PUBLISHED = {
    "v1": {"activity_scale": (0.1, 2), "k_d": (0, 5e-3), "tau_probe": (0, 30), "pH_offset": (-0.1, 0.1)}
    | {"substrate": (1, 100), "powder": (0.01, 0.5), "temperature": (20, 40), "initial_pH": (6.5, 7.5)}
    | {"fraction": (0.01, 0.5), "volume": (0.2, 0.2)},
    "v2": {"E0": (5e-4, 1.25), "k_d": (0, 5e-3)}
    | {"substrate": (1, 100), "temperature": (20, 40), "initial_pH": (6.5, 7.5)},
    "v3": {"fraction": (0.01, 1), "k_d": (1e-5, 5e-3), "substrate": (10, 10), "powder": (0.0094, 0.011)}
    | {"temperature": (25, 40), "initial_pH": (6.5, 7.2), "volume": (0.2, 0.2), "pH_offset": (-0.05, 0.05)}
    | {"pH_drift": (-5e-5, 5e-5), "tau_probe": (0, 5), "gas_rate": (0, 1e-5), "gas_level": (0, 5e-5), "ramp": (0, 20)},
}


@pytest.mark.parametrize("version", PUBLISHED)
def test_priors_are_as_published(version):
    assert {name: (each.low, each.high) for name, each in FAMILIES[version].ranges().items()} == PUBLISHED[version]


def test_parameters_are_drawn_from_their_priors():
    data = simulate(DatasetConfig(family="v3", trajectories=4000, duration=2.0))
    for name, each in FAMILIES["v3"].ranges().items():
        values = data.parameters[name]
        assert each.low <= values.min() and values.max() <= each.high
        if each.high > each.low and not each.values:
            assert values.mean() == pytest.approx((each.low + each.high) / 2, abs=0.03 * (each.high - each.low))
    assert set(data.parameters["temperature"]) == {25.0, 30.0, 35.0, 40.0}
    assert list(data.parameters_as("unknown")) == ["fraction", "k_d"] and len(data.parameters_as("nuisance")) == 6
    wide = simulate(DatasetConfig(family="v2", trajectories=500, duration=2.0, largest_enzyme=2.5))
    assert 2.2 < wide.parameters["E0"].max() <= 2.5 and wide.arrays["prior_high"][0] == 2.5


def test_noise_has_its_size_and_is_not_that_of_another_set():
    train, test = (simulate(DatasetConfig(trajectories=300, duration=30.0, seed=seed)) for seed in (42, 1042))
    noise = [data.y[:, :, 0] - data.y[:, :, 1] for data in (train, test)]
    assert all(part.std() == pytest.approx(0.01, rel=0.03) for part in noise)
    assert abs(np.corrcoef(noise[0].ravel(), noise[1].ravel())[0, 1]) < 0.05
    assert not np.isin(train.parameters["k_d"], test.parameters["k_d"]).any()
    assert abs(np.corrcoef(noise[0][:-1].ravel(), noise[0][1:].ravel())[0, 1]) < 0.05


def test_a_smaller_set_is_the_beginning_of_a_larger_one_and_parts_join_to_the_same_bits(monkeypatch):
    monkeypatch.setattr("trainers.urease.config.PART_CURVES", 400)
    config = DatasetConfig(trajectories=1100, duration=10.0)
    whole, few = simulate(config), simulate(config.model_copy(update={"trajectories": 600}))
    assert np.array_equal(whole.y[:600], few.y) and config.parts() == 3
    parts = [simulate(config, part) for part in range(3)]
    assert np.array_equal(np.concatenate([part.y for part in parts]), whole.y)
    for name in whole.parameters:
        assert np.array_equal(np.concatenate([part.parameters[name] for part in parts]), whole.parameters[name])


def test_without_nuisances_nothing_disturbs():
    clean = simulate(DatasetConfig(trajectories=5, duration=30.0, nuisances=False, noise=0.0))
    assert not clean.parameters_as("nuisance") and np.array_equal(clean.y[:, :, 0], clean.y[:, :, 1])
    assert clean.y[:, 0, 0] == pytest.approx(clean.parameters["initial_pH"], abs=1e-12)


@pytest.mark.parametrize(
    ("settings", "text"),
    [({"duration": 1.0}, "expected 3 readings"), ({"largest_enzyme": 1e-4}, "expected more than the smallest")],
)
def test_a_set_that_makes_no_sense_is_refused(settings, text):
    with pytest.raises(ValueError, match=text):
        DatasetConfig(**settings)
