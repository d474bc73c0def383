"""Figures of the two-body study; each parameter of a function is the table of that name.

`history` is that of the training, `segments` has one row per phase on how its orbits were cut, `training` (points),
`trajectories` (elements) and `facts` (what holds for the whole set) are the training dataset; the others come from the
evaluation. In `COMPARED` and `ACROSS_TESTS` each parameter maps names to the tables of that name: those of several
models, or those of one model on several test sets. The first paragraph of a docstring is the caption.
"""

from trainers.two_body.figures.compared import (
    errors_compared,
    field_residuals,
    flip_rates,
    gradients_by_segment_length,
    reference_orbits_compared,
    slopes_compared,
)
from trainers.two_body.figures.data import dataset, datasets_compared
from trainers.two_body.figures.errors import (
    error_against_anomaly,
    error_against_elements,
    error_per_orbit,
    error_per_step,
    error_per_test_set,
)
from trainers.two_body.figures.field import field_residual, vector_field, vector_field_xz
from trainers.two_body.figures.linearity import model_linearity, segment_linearity
from trainers.two_body.figures.motion import acceleration_arrows, along_an_orbit, reference_orbits, states_against_time
from trainers.two_body.figures.network import features_of_all_orbits, features_per_orbit
from trainers.two_body.figures.phases import errors_per_phase, orbits_per_phase
from trainers.two_body.figures.radius import acceleration_against_radius, accelerations_against_radius
from trainers.two_body.figures.space import orbits_in_space
from trainers.two_body.figures.states import error_growth_in_time, states_predicted
from trainers.two_body.figures.training import gradient_norm, loss_curve

FIGURES = (
    loss_curve,
    states_predicted,
    error_growth_in_time,
    reference_orbits,
    orbits_in_space,
    states_against_time,
    acceleration_arrows,
    error_per_orbit,
    acceleration_against_radius,
    error_against_anomaly,
    error_against_elements,
    field_residual,
    vector_field,
    vector_field_xz,
    orbits_per_phase,
    errors_per_phase,
    along_an_orbit,
    features_per_orbit,
    features_of_all_orbits,
    error_per_step,
    gradient_norm,
    dataset,
    segment_linearity,
    model_linearity,
)
"""Figures of one model, in the order of a report."""

COMPARED = (
    reference_orbits_compared,
    errors_compared,
    accelerations_against_radius,
    slopes_compared,
    field_residuals,
    flip_rates,
    gradients_by_segment_length,
    datasets_compared,
)
"""Figures of several models; a function returns None where there is nothing to compare."""

ACROSS_TESTS = (error_per_test_set,)
"""Figures of one model on several test sets."""
