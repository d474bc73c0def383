"""The Lorenz system at its classical parameters: chaotic, largest Lyapunov exponent 0.9056.

Source: Lorenz 1963, J. Atmos. Sci. 20:130; the exponent: Sprott 2003, Chaos and Time-Series Analysis.
"""

from trainers.two_body.general.equations import Equations

SYSTEM = Equations(
    derivatives=("dx/dt = sigma*(y - x)", "dy/dt = x*(rho - z) - y", "dz/dt = x*y - beta*z"),
    constants={"sigma": 10.0, "rho": 28.0, "beta": "8/3"},
    start={"x": (-15.0, 15.0), "y": (-20.0, 20.0), "z": (10.0, 40.0)},
    settle=5.0,
    duration=8.0,
    lyapunov_exponent=0.9056,
)
