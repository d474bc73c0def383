"""Where each setting of a sweep comes from: an axis over the base, the base over a preset, a default."""

from assets.sweeps.origins import DEFAULT, origins

pytest_plugins = ["tests.assets.sweep_fixtures"]

TEXT = """
study: two_body
tests: [complex_planar_1_test]
base:
  dataset: {preset: complex_planar_10_train, points: 90}
  model:
    width: 16
    phases: [{steps: 5, segment_length: 6}]
vary:
  "model.phases[0].segment_length": [6, 12]
  recipe:
    small: {model.depth: 1}
    plain: {}
"""


def test_every_setting_says_where_it_comes_from(sweep):
    found = {one.setting: one for one in origins(sweep(TEXT))}
    expected = {
        "dataset.points": ((90,), "one.yaml:5: base"),
        "dataset.orbits": ((10,), "one.yaml:5: preset complex_planar_10_train"),
        "model.width": ((16,), "one.yaml:7: base"),
        "model.phases[0].steps": ((5,), "one.yaml:8: base"),
        "model.phases[0].segment_length": ((6, 12), "one.yaml:10: axis model.phases[0].segment_length"),
        "model.activation": (("leaky_relu",), DEFAULT),
    }
    assert {name: (found[name].values, found[name].origin) for name in expected} == expected
    assert found["model.depth"].origin == "one.yaml:12: axis recipe" and 1 in found["model.depth"].values


def test_a_dataset_by_name_is_a_preset(sweep):
    text = TEXT.replace("{preset: complex_planar_10_train, points: 90}", "complex_planar_10_train")
    assert {one.origin for one in origins(sweep(text)) if one.setting.startswith("dataset.")} == {
        "one.yaml:5: preset complex_planar_10_train"
    }
