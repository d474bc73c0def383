"""Data of one's own beside the training data: names, units, order, known parameters; nothing is assumed."""

import numpy as np
import pytest

from trainers.common.measurements import caveats, conform
from trainers.study import Trajectories

T = np.tile(np.arange(3.0), (2, 1))


def trajectories(names="xv", units=("m", "m/s"), inputs="u", input_units=("N",), known=None, time_unit="s", **changes):
    """Make two trajectories whose channels hold the position of their name in the alphabet."""
    y = np.stack([np.full(T.shape, float(ord(name))) for name in names], axis=-1)
    u = np.stack([np.full(T.shape, float(ord(name))) for name in inputs], axis=-1) if inputs else None
    known = {"mass": (np.array([1.0, 2.0]), "kg")} if known is None else known
    given = {"t": T, "y": y, "names": tuple(names), "units": units, "time_unit": time_unit, "inputs": u}
    given |= {"input_names": tuple(inputs), "input_units": input_units}
    given |= {"parameters": {name: values for name, (values, _) in known.items()}}
    return Trajectories(**given | {"parameter_units": {name: unit for name, (_, unit) in known.items()}} | changes)


TRAINING = trajectories(
    known={"mass": (np.array([1.0, 2.0]), "kg"), "drag": (np.ones(2), "1"), "noise": (np.ones(2), "m")},
    roles={"mass": "known", "noise": "nuisance"},
)


def test_channels_come_in_the_order_of_the_training_data():
    own = conform(trajectories("vx", ("m/s", "m")), TRAINING)
    assert own.names == ("x", "v") and own.units == ("m", "m/s")
    np.testing.assert_array_equal(own.y[0, 0], [ord("x"), ord("v")])
    assert own.roles == {"mass": "known"} and own.parameter_units == {"mass": "kg"}


def test_inputs_come_in_the_order_of_the_training_data():
    training = trajectories(inputs="ab", input_units=("N", "rad"))
    own = conform(trajectories(inputs="ba", input_units=("rad", "N"), known={}), training)
    assert own.input_names == ("a", "b") and own.input_units == ("N", "rad")
    np.testing.assert_array_equal(own.inputs[0, 0], [ord("a"), ord("b")])


def test_a_study_may_need_a_part_of_the_channels():
    own = conform(trajectories("x", ("m",)), TRAINING, observed=("x",))
    assert own.names == ("x",) and own.y.shape == (2, 3, 1)
    assert conform(trajectories(), TRAINING, observed=("x",)).names == ("x", "v")


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        (
            {"time_unit": "h"},
            "the time is in 'h'; the model was trained on 's': convert the values, or correct `time_un",
        ),
        ({"units": ("km", "m/s")}, "channel 'x' is in 'km'; the model was trained on 'm'"),
        ({"names": "xw"}, "channel 'w' is none of the model's; nearest: v, x"),
        ({"names": "x", "units": ("m",)}, "the data have no channel v \\[m/s\\]; the model needs x, v"),
        ({"inputs": "", "input_units": ()}, "the data have no control input u \\[N\\]"),
        ({"inputs": "w"}, "control input 'w' is none of the model's; nearest: u"),
        ({"input_units": ("kN",)}, "control input 'u' is in 'kN'"),
        ({"known": {}}, "the data have no known parameter mass \\[kg\\]; the model needs mass"),
        ({"known": {"mass": (np.ones(2), "g")}}, "known parameter 'mass' is in 'g'; the model was trained on 'kg'"),
        (
            {"known": {"mass": (np.ones(2), "kg"), "drag": (np.ones(2), "1")}},
            "parameter 'drag' is given, but the model",
        ),
        (
            {"known": {"mass": (np.ones(2), "kg"), "noise": (np.ones(2), "m")}},
            "parameter 'noise' is given, but the mod",
        ),
        ({"known": {"weight": (np.ones(2), "kg")}}, "known parameter 'weight' is none of the model's; nearest: mass"),
    ],
)
def test_what_differs_from_the_training_data_is_refused_in_one_line(changes, text):
    with pytest.raises(ValueError, match=text) as error:
        conform(trajectories(**changes), TRAINING)
    assert "\n" not in str(error.value)


def test_an_input_that_a_model_never_had_is_refused():
    with pytest.raises(ValueError, match="control input 'u' is none of the model's: it was trained without any"):
        conform(trajectories(), trajectories(inputs="", input_units=()))


def test_a_known_parameter_outside_of_the_training_data_is_a_caveat():
    own = conform(trajectories(known={"mass": (np.array([1.5, 3.0]), "kg")}), TRAINING)
    assert caveats(own, TRAINING) == ["", "mass 3 is outside of the training data (1 to 2)"]
