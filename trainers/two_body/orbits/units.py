"""Canonical Earth units, in which mu = 1: DU = Earth radius, TU = sqrt(DU^3 / mu) = 806.811 s."""

EARTH_RADIUS_KM = 6378.137
"""Equatorial radius of the Earth, one DU [km] (WGS 84)."""

EARTH_MU = 398600.4418
"""Gravitational parameter of the Earth [km^3/s^2] (WGS 84)."""

TIME_UNIT_S = (EARTH_RADIUS_KM**3 / EARTH_MU) ** 0.5
"""One TU [s]."""

CANONICAL: dict[str, float] = {"length_unit_km": EARTH_RADIUS_KM, "time_unit_s": TIME_UNIT_S}
"""Units of every problem about the Earth, as `meta` of a dataset has them."""
