"""A setting that would have no effect is refused, and the one that has is not."""

from dataclasses import replace

import pytest

from spiden_cli.core.network.config import NetworkConfig
from spiden_cli.core.network.presets import preset
from spiden_cli.core.training.combinations import check_combination
from spiden_cli.core.training.config import TrainingConfig
from spiden_cli.errors import InputError

SPIKING = preset("tiny-if")
CNN = SPIKING.twin()


def check(network=SPIKING, start=None, threshold=False, shape={}, **settings):  # noqa: B006
    check_combination(
        replace(network, **shape), TrainingConfig(**settings), start, threshold_given=threshold
    )


@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        ({"freeze_norm": True}, "--freeze-norm"),
        ({"shape": {"learn_initial": True}, "method": "quantiser"}, "--learn-initial"),
        ({"shape": {"surrogate": "arctan"}, "method": "quantiser"}, "--surrogate"),
        ({"start": SPIKING, "threshold": True}, "--threshold"),
        ({"network": CNN, "threshold": True}, "--threshold"),
        ({"network": CNN, "method": "quantiser"}, "--method"),
        ({"network": CNN, "timesteps": (2,)}, "--timesteps"),
        ({"network": CNN, "sparsity_weight": 0.1}, "--sparsity-weight"),
        ({"network": CNN, "sparsity_over": "synapses"}, "--sparsity-over"),
        ({"sparsity_over": "synapses"}, "--sparsity-over"),
        ({"network": CNN, "shape": {"learn_initial": True}}, "--learn-initial"),
        ({"network": CNN, "shape": {"surrogate": "arctan"}}, "--surrogate"),
        ({"patch_size": 33}, "--patch-size"),
    ],
)
def test_what_would_be_ignored_is_refused_by_name(arguments, option):
    with pytest.raises(InputError, match=option) as refused:
        check(**arguments)
    assert str(refused.value).isprintable()


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"network": CNN},
        {"network": CNN, "start": CNN, "freeze_norm": True},
        {"start": CNN, "threshold": True, "method": "quantiser"},
        {"start": SPIKING, "freeze_norm": True, "shape": {"learn_initial": True}},
        {"shape": {"surrogate": "arctan", "learn_initial": True}},
        {"threshold": True, "sparsity_weight": 0.1, "timesteps": (8, 2)},
        # A leaky neuron's quantiser runs the timesteps, so both have an effect.
        {
            "shape": {"neuron": "lif", "surrogate": "arctan", "learn_initial": True},
            "method": "quantiser",
        },
        # Potentials that were learnt before are kept through the quantiser.
        {
            "shape": {"learn_initial": True},
            "start": replace(SPIKING, learn_initial=True),
            "method": "quantiser",
        },
        {"network": NetworkConfig(), "patch_size": 33},
    ],
)
def test_what_has_an_effect_is_allowed(arguments):
    check(**arguments)
