"""A damped pendulum driven by a torque that is applied to it as a control input.

    d(angle)/dt = rate,   d(rate)/dt = -omega^2 sin(angle) - damping rate + torque

The torque is an acceleration, its amplitude and period differ from one trajectory to the next.
"""

from trainers.two_body.general.equations import Equations, Signal

SYSTEM = Equations(
    derivatives=("dangle/dt = rate", "drate/dt = -omega**2*sin(angle) - damping*rate + torque"),
    constants={"omega": 1.0, "damping": 0.2},
    start={"angle": (-1.5, 1.5), "rate": (-1.0, 1.0)},
    inputs={"torque": Signal(amplitude=(0.0, 0.6), period=(4.0, 12.0))},
    duration=30.0,
    units={"angle": "rad", "rate": "rad/s", "torque": "rad/s^2"},
    time_unit="s",
)
