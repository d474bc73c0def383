"""The van der Pol oscillator: every motion approaches one limit cycle, with fast and slow stretches.

Source: van der Pol 1926, Phil. Mag. 2:978.
"""

from trainers.two_body.general.equations import Equations

SYSTEM = Equations(
    derivatives=("dx/dt = v", "dv/dt = mu*(1 - x**2)*v - x"),
    constants={"mu": 1.5},
    start={"x": (-3.0, 3.0), "v": (-3.0, 3.0)},
    duration=20.0,
)
