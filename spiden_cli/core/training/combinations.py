"""Settings that are fine alone but not together: refused, rather than ignored without a word."""

from spiden_cli.core.network.config import NetworkConfig
from spiden_cli.core.network.families import graph_of
from spiden_cli.core.training.config import TrainingConfig
from spiden_cli.errors import InputError

_DEFAULT = TrainingConfig()


def check_combination(
    network: NetworkConfig,
    config: TrainingConfig,
    start: NetworkConfig | None,
    threshold_given: bool,
) -> None:
    """Refuse a new run in which a setting would have no effect, or that can't work.

    Args:
        network: what is to be trained, as it was asked for: not yet made a CNN's by `twin()`.
        config: the settings of the run.
        start: the network of the weights to start from, if there are any.
        threshold_given: whether a starting threshold was asked for.

    Raises:
        InputError: the message names the option, and what to do.
    """
    quantised = config.method == "quantiser"
    if network.spiking:
        # A leaky neuron has no closed form: its quantiser runs the timesteps after all.
        closed_form = quantised and network.neuron in ("if", "weighted")
        kept = start is not None and start.learn_initial
        problems = {
            "--method bptt has no effect with weighted spikes, whose timesteps one pass computes: "
            "leave it out": network.weighted and not quantised,
            "--threshold has no effect with spiking weights to --init from, which bring their own: "
            "leave it out": threshold_given and start is not None and start.spiking,
            "--learn-initial has no effect with --method quantiser, which has no first timestep: "
            "leave it out, or use --method bptt": closed_form
            and network.learn_initial
            and not kept,
            "--surrogate has no effect with --method quantiser, whose gradient is "
            "straight-through: leave it out, or use --method bptt": closed_form
            and network.surrogate != NetworkConfig.surrogate,
        }
    else:
        reason = "has no effect on a CNN (--neuron relu): leave it out"
        problems = {
            f"--method quantiser {reason}": quantised,
            f"--timesteps {reason}": config.timesteps != _DEFAULT.timesteps,
            f"--sparsity-weight {reason}": config.sparsity_weight > 0,
            f"--sparsity-over {reason}": config.sparsity_over != _DEFAULT.sparsity_over,
            f"--threshold {reason}": threshold_given,
            f"--learn-initial {reason}": network.learn_initial,
            f"--surrogate {reason}": network.surrogate != NetworkConfig.surrogate,
        }
    problems["--sparsity-over says what --sparsity-weight weighs: add --sparsity-weight"] = (
        config.sparsity_over != _DEFAULT.sparsity_over and not config.sparsity_weight
    )
    problems["--freeze-norm keeps the statistics of weights that were trained: add --init"] = (
        config.freeze_norm and start is None
    )
    problems["--noise camera needs a colour network: add --colour"] = (
        config.noise == "camera" and network.image_channels == 1
    )
    problems["--loss l1 learns the median of what a noisy frame may be: leave it out"] = (
        config.noise == "frames" and config.loss == "l1"
    )
    side = graph_of(network).grid
    problems[f"--patch-size must be a multiple of {side} for this network"] = (
        config.patch_size % side != 0
    )
    for problem, found in problems.items():
        if found:
            raise InputError(problem)
