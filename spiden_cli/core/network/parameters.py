"""The tensors of a network by name, shape and type: what a weights file must hold.

Known without building the network, so that a file with a false size fills no memory, and
that reading one takes no torch.
"""

import math
from collections.abc import Iterator
from typing import NamedTuple

from spiden_cli.core.network.config import NetworkConfig
from spiden_cli.core.network.families import graph_of
from spiden_cli.core.network.graph import Convolution, Neurons


class ParameterShape(NamedTuple):
    """A tensor of a weights file.

    Attributes:
        shape: its sides.
        dtype: "float32" or "int64".
    """

    shape: tuple[int, ...]
    dtype: str = "float32"


def parameter_shapes(config: NetworkConfig) -> dict[str, ParameterShape]:
    """Return every tensor of a network, as `Denoiser.state_dict` names them.

    Raises:
        InputError: no network can be built from this configuration.
    """
    return dict(_shapes(config))


def parameter_count(config: NetworkConfig) -> int:
    """Return how many numbers a network learns; statistics that it keeps are not among them.

    Raises:
        InputError: no network can be built from this configuration.
    """
    kept = ("running_mean", "running_var", "num_batches_tracked")
    tensors = parameter_shapes(config).items()
    return sum(math.prod(tensor.shape) for name, tensor in tensors if not name.endswith(kept))


def _shapes(config: NetworkConfig) -> Iterator[tuple[str, ParameterShape]]:
    for node in graph_of(config).nodes:
        name, channels = node.name, (node.channels,)
        if isinstance(node, Convolution):
            kernel = (node.channels, node.channels_in, node.kernel, node.kernel)
            if node.normalised:
                yield f"{name}.conv.weight", ParameterShape(kernel)
                for part in ("weight", "bias", "running_mean", "running_var"):
                    yield f"{name}.norm.{part}", ParameterShape(channels)
                yield f"{name}.norm.num_batches_tracked", ParameterShape((), "int64")
            else:
                yield f"{name}.weight", ParameterShape(kernel)
                yield f"{name}.bias", ParameterShape(channels)
        elif isinstance(node, Neurons) and config.spiking:
            yield f"{name}.log_threshold", ParameterShape(channels)
            if config.learn_initial:
                yield f"{name}.initial_shift", ParameterShape(channels)
            if config.neuron == "lif":
                yield f"{name}.logit_leak", ParameterShape(channels)
