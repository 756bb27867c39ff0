"""Running a graph in torch: one walk over the nodes, for training and for inference."""

from collections.abc import Callable
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from spiden_cli.core.network.graph import (
    Add,
    Concatenate,
    Convolution,
    Encode,
    Graph,
    Neurons,
    Node,
    Shuffle,
    Unshuffle,
)

Observe = Callable[[str, Tensor], None]
"""Told the name of each convolution that is driven by spikes, and the spikes (T * B, C, H, W)."""


class Layers(Protocol):
    """The nodes that have parameters."""

    def convolve(self, node: Convolution, x: Tensor) -> Tensor:
        """Map (N, C_in, H, W) to currents (N, C_out, H', W')."""
        ...

    def fire(self, node: Neurons, current: Tensor, timesteps: int) -> Tensor:
        """Turn currents (T * B, C, H, W) into spikes (T * B, K C, H, W)."""
        ...


def execute(
    graph: Graph,
    layers: Layers,
    image: Tensor,
    timesteps: int,
    steps: int,
    observe: Observe | None = None,
) -> Tensor:
    """Run a network from the encoded image to the current that the read-out draws.

    What a convolution makes of the image is constant over time, so it is computed once and then
    repeated. A value is let go when its last consumer has had it.

    Args:
        graph: the shape of the network.
        layers: does the work of the nodes that have parameters.
        image: (B, C', H', W'), as `encoding.encode` makes it.
        timesteps: T, which neurons are told.
        steps: how often the current is repeated: T, or 1 where one pass stands for all timesteps.
        observe: told of all spikes that enter a convolution.

    Returns:
        (B, C r r, H', W'): the read-out's current, mean over the steps.
    """
    values: dict[str, Tensor] = {}
    for node in graph.nodes[:-1]:
        inputs = [values[name] for name in node.inputs]
        if isinstance(node, Encode):
            value = image
        elif isinstance(node, Convolution):
            if observe is not None and graph.spike_driven(node):
                observe(node.name, inputs[0])
            value = layers.convolve(node, inputs[0])
            if graph[node.inputs[0]].kind == "image":
                value = torch.cat([value.to(image.dtype)] * steps)
        elif isinstance(node, Neurons):
            value = layers.fire(node, inputs[0], timesteps)
        else:
            value = _move(node, inputs)
        values[node.name] = value
        for name in set(node.inputs):  # a current may be added to itself
            if graph.consumers(graph[name])[-1] is node:
                del values[name]
    (drawn,) = values.values()
    drawn = drawn.to(image.dtype)
    return drawn.reshape(steps, -1, *drawn.shape[1:]).mean(0)


def _move(node: Node, inputs: list[Tensor]) -> Tensor:
    """Add or rearrange currents."""
    if isinstance(node, Add):
        total = inputs[0]
        for current in inputs[1:]:
            total = total + current
        return total
    if isinstance(node, Concatenate):
        return torch.cat(inputs, dim=1)
    if isinstance(node, Shuffle):
        return F.pixel_shuffle(inputs[0], node.factor)
    assert isinstance(node, Unshuffle)
    return F.pixel_unshuffle(inputs[0], node.factor)
