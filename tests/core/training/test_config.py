"""Settings that can't be run are refused by name."""

import pytest

from spiden_cli.core.training.config import TrainingConfig
from spiden_cli.errors import InputError

NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"steps": 0}, "steps"),
        ({"batch_size": 0}, "batch size"),
        ({"patch_size": -1}, "patch size"),
        ({"validate_every": 0}, "validation interval"),
        ({"sigma": (55.0, 0.0)}, "sigma"),
        ({"sigma": (-1.0, 5.0)}, "sigma"),
        ({"sigma": (0.0, 256.0)}, "sigma"),
        ({"sigma": (NAN, NAN)}, "sigma"),
        ({"timesteps": ()}, "timesteps"),
        ({"timesteps": (4, 0)}, "timesteps"),
        ({"learning_rate": 0.0}, "learning rate"),
        ({"learning_rate": NAN}, "learning rate"),
        ({"learning_rate": INF}, "learning rate"),
        ({"learning_rate": 1e38}, "learning rate"),  # torch can't scale by it
        ({"sparsity_weight": -0.1}, "sparsity"),
        ({"sparsity_weight": NAN}, "sparsity"),
        ({"gradient_clip": 0.0}, "gradient clip"),
        ({"gradient_clip": NAN}, "gradient clip"),
        ({"ema": 1.0}, "EMA"),
        ({"ema": NAN}, "EMA"),
        ({"method": "magic"}, "bptt, quantiser"),
        ({"precision": "int3"}, "float32, bfloat16"),
    ],
)
def test_a_bad_setting_is_named(changes, named):
    with pytest.raises(InputError, match=named):
        TrainingConfig(**changes)


def test_no_clipping_is_an_infinite_norm():
    assert TrainingConfig(gradient_clip=INF).gradient_clip == INF
