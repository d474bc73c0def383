"""What people of the field export for other work changes no number of a worker."""

import json
import subprocess
import sys

import pytest

from assets.engine.worker_process import COMPUTING, MACHINE, environment

EXPORTED = {
    "JAX_ENABLE_X64": "1",
    "JAX_DEFAULT_PRNG_IMPL": "rbg",
    "JAX_DEFAULT_MATMUL_PRECISION": "bfloat16",
    "JAX_DISABLE_JIT": "1",
    "JAX_DEBUG_NANS": "1",
    "JAX_THREEFRY_PARTITIONABLE": "0",
    "JAX_RANDOM_SEED_OFFSET": "7",
    "JAX_NUMPY_RANK_PROMOTION": "raise",
    "XLA_FLAGS": "--xla_force_host_platform_device_count=4 --xla_cpu_enable_fast_math=true",
    "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE": "1",
    "ATEN_CPU_CAPABILITY": "default",
    "CUBLAS_WORKSPACE_CONFIG": ":16:8",
    "NVIDIA_TF32_OVERRIDE": "1",
    "OMP_NUM_THREADS": "4",
    "MKL_NUM_THREADS": "4",
    "MKL_CBWR": "COMPATIBLE",
    "NPY_DISABLE_CPU_FEATURES": "AVX2 FMA3",
    "OPENBLAS_CORETYPE": "Prescott",
    "PYTHONHASHSEED": "123",
    "PYTHONOPTIMIZE": "2",
    "PYTHONWARNINGS": "error",
}
TRAININGS = """
import hashlib, sys
from trainers import STUDIES
from trainers.study import Job

SETTINGS = {
    "two_body": ({"orbits": 2, "points": 36},
                 {"width": 4, "depth": 1, "train_fraction": 0.5, "phases": [{"steps": 20, "segment_length": 6}]}),
    "preference_dynamics": ({"trajectories": 12, "points": 21, "duration": 20.0},
                            {"kind": "cnn", "epochs": 1, "filters": [4], "kernels": [3], "hidden": [4]}),
}
for name, (dataset, model) in SETTINGS.items():
    study, sum = STUDIES[name], hashlib.sha256()
    config = study.model.model_validate(model)
    data = study.simulate(study.dataset.model_validate(dataset))
    (trained,) = study.train([Job("one", config, study.segment(config.segmentation(), data))])
    evaluation = study.evaluate(config, trained, data)
    for array in (data.y, *trained.weights.values(), evaluation.summary["value"].to_numpy()):
        sum.update(array.tobytes())
    print(name, sum.hexdigest())
"""


def digests() -> list[str]:
    """Train a model of JAX and one of torch with the environment of a worker; return their digests."""
    done = subprocess.run(
        [sys.executable, "-c", TRAININGS], env=environment("cpu", None), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.training
def test_no_exported_variable_changes_a_bit(fresh_home, monkeypatch):
    plain = digests()
    assert len(plain) == 4
    for name, value in EXPORTED.items():
        monkeypatch.setenv(name, value)
    assert digests() == plain


def test_a_worker_takes_only_what_says_which_machine_it_is_on(fresh_home, monkeypatch):
    for name in (*EXPORTED, "JAX_ANYTHING_NEW", *MACHINE):
        monkeypatch.setenv(name, EXPORTED.get(name, "cuda"))
    own = environment("auto", None)
    assert {name for name in own if name.startswith(COMPUTING) and own[name] == EXPORTED.get(name)} == set()
    assert "JAX_ANYTHING_NEW" not in own and own["JAX_PLATFORMS"] == "cuda"
    assert (own["JAX_ENABLE_X64"], own["JAX_DEFAULT_PRNG_IMPL"], own["PYTHONHASHSEED"]) == ("0", "threefry2x32", "0")


@pytest.mark.training
def test_a_process_that_computes_by_itself_takes_the_same_settings(fresh_home):
    script = "from assets.engine.worker_process import settle_numbers; settle_numbers()\n" + TRAININGS
    plain, hostile = (
        subprocess.run(
            [sys.executable, "-c", script],
            env={**environment("cpu", None), **own},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for own in ({}, {name: EXPORTED[name] for name in EXPORTED if name.startswith(("JAX_", "XLA_"))})
    )
    assert plain == hostile and len(plain.split()) == 4


def test_what_numbers_depend_on_is_recorded(fresh_home):
    script = "import json; from assets.identity.provenance import environment; print(json.dumps(environment()))"
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment("cpu", None), capture_output=True, text=True, check=True
    )
    recorded = json.loads(done.stdout)
    assert recorded["JAX_ENABLE_X64"] == "0" and recorded["JAX_DEFAULT_PRNG_IMPL"] == "threefry2x32"
    assert recorded["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8" and recorded["OMP_NUM_THREADS"] == "1"
