"""Two-body motion in closed form, orbital elements, units."""
