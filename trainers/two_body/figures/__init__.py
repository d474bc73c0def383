"""Figures of the two-body study; each parameter is the table of that name.

`history` is the training's, `segments` says how each of its phases cut the orbits, `training` (points) and
`trajectories` (elements) are the dataset it was trained on, the others come from the evaluation. Figures in `COMPARED`
show several models at once: there each parameter maps the name of a model to its table. A function returns a figure;
its docstring's first paragraph is the caption.
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
from trainers.two_body.figures.training import gradient_norm, loss_curve

FIGURES = (
    loss_curve,
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
"""In the order in which a report shows them."""

COMPARED = (
    reference_orbits_compared,
    errors_compared,
    slopes_compared,
    field_residuals,
    flip_rates,
    gradients_by_segment_length,
)
"""Of several models; a function returns None where there is nothing to compare."""
