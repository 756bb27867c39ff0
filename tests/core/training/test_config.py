"""Settings that can't be run are refused by name; defaults are read without torch."""

import subprocess
import sys

import pytest

from spiden_cli.core.training.config import TrainingConfig
from spiden_cli.errors import InputError

NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"steps": 0}, "steps"),
        ({"steps": 10**30}, "steps"),
        ({"steps": 2.5}, "steps"),
        ({"batch_size": 0}, "batch size"),
        ({"batch_size": 10**12}, "batch size"),
        ({"patch_size": -1}, "patch size must lie in 8 to 4096, not -1"),
        ({"patch_size": 1}, "patch size must lie in 8 to 4096, not 1"),
        ({"patch_size": 7}, "patch size"),
        ({"patch_size": 2**40}, "patch size"),
        ({"warmup": -1}, "warmup"),
        ({"seed": -1}, "seed"),
        ({"seed": 2**63}, "seed"),
        ({"validate_every": 0}, "validation interval"),
        ({"sigma": (55.0, 0.0)}, "sigma"),
        ({"sigma": (-1.0, 5.0)}, "sigma"),
        ({"sigma": (0.0, 256.0)}, "sigma"),
        ({"sigma": (NAN, NAN)}, "sigma"),
        ({"timesteps": ()}, "timesteps"),
        ({"timesteps": (4, 0)}, "timesteps"),
        ({"timesteps": (4, 10**12)}, "timesteps"),
        ({"timesteps": (65,)}, "1 to 64"),
        ({"timesteps": (2.5,)}, "timesteps: int wanted"),
        ({"timesteps": ("4",)}, "timesteps: int wanted"),
        ({"sigma": (True, 5.0)}, "sigma: float wanted"),
        ({"sigma": (5.0,)}, "two levels"),
        ({"batch_size": 65_536}, "megapixels a step"),
        ({"patch_size": 4096, "batch_size": 2}, "megapixels a step"),
        ({"learning_rate": 0.0}, "learning rate"),
        ({"learning_rate": NAN}, "learning rate"),
        ({"learning_rate": INF}, "learning rate"),
        ({"learning_rate": 1e38}, "learning rate"),  # torch can't scale by it
        ({"sparsity_weight": -0.1}, "sparsity"),
        ({"sparsity_over": "atoms"}, "sparsity"),
        ({"sparsity_weight": NAN}, "sparsity"),
        ({"gradient_clip": 0.0}, "gradient clip"),
        ({"gradient_clip": NAN}, "gradient clip"),
        ({"ema": 1.0}, "EMA"),
        ({"ema": NAN}, "EMA"),
        ({"method": "magic"}, "bptt, quantiser"),
        ({"precision": "int3"}, "float32, bfloat16"),
        ({"freeze_norm": "no"}, "freeze_norm: bool wanted, not str"),
    ],
)
def test_a_bad_setting_is_named(changes, named):
    with pytest.raises(InputError, match=named):
        TrainingConfig(**changes)


def test_no_clipping_is_an_infinite_norm():
    assert TrainingConfig(gradient_clip=INF).gradient_clip == INF


def test_the_largest_seed_is_one_that_torch_takes(start):
    start(seed=2**63 - 1)


def test_settings_import_nothing_that_takes_time():
    program = (
        "import sys, spiden_cli.core.training.config, spiden_cli.core.network.presets\n"
        "print({'torch', 'numpy', 'safetensors', 'PIL'} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout.decode().strip() == "set()"
