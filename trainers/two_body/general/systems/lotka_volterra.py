"""Prey and predators: closed orbits about an equilibrium, on which one quantity is conserved.

Rates are those of the lynx and hares of Hudson Bay, in units of ten thousand animals, per year. Source: Lotka 1925;
Volterra 1926, Nature 118:558; rates as commonly fitted to the pelts of 1900 to 1920.
"""

from trainers.two_body.general.equations import Equations

SYSTEM = Equations(
    derivatives=("dprey/dt = a*prey - b*prey*predators", "dpredators/dt = d*prey*predators - c*predators"),
    constants={"a": 0.55, "b": 0.28, "c": 0.80, "d": 0.24},
    start={"prey": (1.0, 6.0), "predators": (0.5, 4.0)},
    duration=20.0,
    time_unit="year",
    units={"prey": "10000 animals", "predators": "10000 animals"},
    invariants={"volterra": "d*prey - c*log(prey) + b*predators - a*log(predators)"},
)
