"""States and controls of every dynamics: their names, units and order.

Arrays carry the components first and the batch last: state (7, ...), control (2, ...).
"""

from __future__ import annotations

STATES = ("x", "y", "steering_angle", "speed", "yaw", "yaw_rate", "slip_angle")
STATE_UNITS = ("m", "m", "rad", "m/s", "rad", "rad/s", "rad")
SENSORS = (0.02, 0.02, 0.005, 0.05, 0.01, 0.03, 0.01)
"""Std of the noise of each state of a simulated log, in its unit, and the scale in which errors are compared."""

YAW = STATES.index("yaw")
SPEED = STATES.index("speed")

STEERING = {"steering_rate": "rad/s", "steering_angle_command": "rad"}
"""What the first control may be: a rate, or an angle that is held until the next point."""

LONGITUDINAL = {"acceleration": "m/s^2", "speed_command": "m/s", "throttle": "1"}
"""What the second control may be: an acceleration, a speed that is reached at the next point, or a throttle."""

CONTROLS = ("steering_rate", "acceleration")
"""The controls of simulated cars."""
