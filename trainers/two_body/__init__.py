"""Two-body study: a neural ODE learns the acceleration field behind orbits, `dr/dt = v, dv/dt = a(r, v)`.

A network maps features of the state to an acceleration; short segments of simulated orbits are integrated and
compared with the data, and the learned field is judged by rolling out whole test orbits. Read in this order:
config, simulate (with problems/ and orbits/), segment, models/, losses, objective, train, apply, evaluate, figures;
integrators/ has the solvers, older_format/ the reader of older sweep files.
"""

from trainers.study import Study
from trainers.two_body.config import DatasetConfig, ModelConfig
from trainers.two_body.older_format.sweep import read_older
from trainers.two_body.orbits.presets import PRESETS

STUDY = Study(
    name="two_body",
    title="Neural ODE of orbits",
    framework="jax",
    package="trainers.two_body",
    dataset=DatasetConfig,
    model=ModelConfig,
    presets=PRESETS,
    headline=(
        "acceleration_error_own_state",
        "theta",
        "radial_outward",
        "skewness",
        "pearson_1",
        "pearson_2",
        "bowley",
        "rollout_failures",
    ),
    older=read_older,
    order=0,
)
