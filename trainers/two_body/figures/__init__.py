"""Figures of the two-body study; each parameter of a function is the table of that name.

`history` is that of the training, `segments` has one row per phase on how its orbits were cut, `training` (points) and
`trajectories` (elements) are the training dataset; the others come from the evaluation. Figures in `COMPARED` show
several models at once: there each parameter maps the name of a model to its table. The first paragraph of a docstring
is the caption.
"""

from trainers.two_body.figures.compared import (
    errors_compared,
    field_residuals,
    flip_rates,
    gradients_by_segment_length,
    reference_orbits_compared,
    slopes_compared,
)
from trainers.two_body.figures.data import dataset, segment_linearity
from trainers.two_body.figures.errors import (
    error_against_anomaly,
    error_against_elements,
    error_per_orbit,
    error_per_step,
)
from trainers.two_body.figures.field import acceleration_against_radius, field_residual
from trainers.two_body.figures.motion import along_an_orbit, features_per_orbit, orbits_per_phase, reference_orbits
from trainers.two_body.figures.states import error_growth_in_time, states_predicted
from trainers.two_body.figures.training import gradient_norm, loss_curve

FIGURES = (
    loss_curve,
    states_predicted,
    error_growth_in_time,
    reference_orbits,
    error_per_orbit,
    acceleration_against_radius,
    error_against_anomaly,
    error_against_elements,
    field_residual,
    orbits_per_phase,
    along_an_orbit,
    features_per_orbit,
    error_per_step,
    gradient_norm,
    dataset,
    segment_linearity,
)
"""Figures of one model, in the order of a report."""

COMPARED = (
    reference_orbits_compared,
    errors_compared,
    slopes_compared,
    field_residuals,
    flip_rates,
    gradients_by_segment_length,
)
"""Figures of several models; a function returns None where there is nothing to compare."""
