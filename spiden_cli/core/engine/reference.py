"""The network as plainly as numpy can say it: what the engines that run it are compared with.

One timestep after another, and in it one node after another; with weighted spikes, whose layers
wait for each other, one node after another, and in it one timestep after another. Far too slow for
pictures.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import DTypeLike, NDArray

from spiden_cli.core.engine.activity import layer_activity
from spiden_cli.core.engine.engine import OnSpikes, Pass
from spiden_cli.core.engine.tiling import Window, counting_window
from spiden_cli.core.image.pixels import Planes
from spiden_cli.core.network import graph as nodes
from spiden_cli.core.network.folding import FoldedNetwork, folded
from spiden_cli.core.noise.model import Level

if TYPE_CHECKING:
    from spiden_cli.core.network.denoiser import Denoiser

Values = NDArray[Any]  # (C, H, W): what an edge of the graph carries in one timestep


class ReferenceEngine:
    """Runs any network, spiking or not; an `Engine`.

    Args:
        network: what to run.
        dtype: of all values, float32 or float64.
    """

    name, passes, tile = "reference", 1, (128, 128)

    def __init__(self, network: "FoldedNetwork | Denoiser", dtype: DTypeLike = np.float64) -> None:
        ready, self.dtype = folded(network), np.dtype(dtype)
        self.config, self.graph = ready.config, ready.graph
        self.parameters = {
            name: [part.astype(self.dtype) for part in parts]
            for name, parts in (*ready.convolutions.items(), *ready.neurons.items())
        }

    def run(
        self,
        noisy: Planes,
        level: Level,
        timesteps: int,
        window: Window | None = None,
        on_spikes: OnSpikes | None = None,
    ) -> Pass:
        """Denoise one image; see `Engine.run`."""
        config, graph, (height, width) = self.config, self.graph, noisy.shape[1:]
        counting = counting_window(window, height, width, graph.grid)
        beyond = ((0, 0), (0, -height % graph.grid), (0, -width % graph.grid))
        levels = np.broadcast_to(np.asarray(level, self.dtype), (1, height, width))
        sigma = unshuffle(np.pad(levels, beyond, "edge"), config.unshuffle).mean(0)
        image = unshuffle(np.pad(noisy.astype(self.dtype), beyond, "reflect"), config.unshuffle)
        if config.noise_map:
            image = np.concatenate([image, sigma[None] / 64])
        run = self._layer_by_layer if config.weighted else self._step_by_step
        drawn, sent = run(image, timesteps if config.spiking else 1)
        drawn, activity = drawn * (sigma / 255) if config.noise_map else drawn, {}
        noise = shuffle(drawn, config.unshuffle)[:, :height, :width]
        for shape in graph.convolutions(height, width):
            source = graph[graph[shape.name].inputs[0]]
            if sent[source.name]:
                total, inside = np.sum(sent[source.name], 0), counting.positions(source.scale)
                counts = total.sum(0), (total > 0).sum(0)
                activity[shape.name] = layer_activity(shape, inside, *counts, timesteps)
                if on_spikes is not None:
                    on_spikes(shape.name, counts[0][inside])
        return Pass(noisy - noise, activity)

    def _step_by_step(self, image: Values, steps: int) -> tuple[Values, dict[str, list[Values]]]:
        """Return the read-out's mean current, and the spikes of each timestep by layer."""
        graph, spiking = self.graph, self.config.spiking
        potentials: dict[str, Values] = {}
        sent: dict[str, list[Values]] = {node.name: [] for node in graph.nodes}
        drawn = np.zeros((), self.dtype)
        for _ in range(steps):
            values: dict[str, Values] = {}
            for node in graph.nodes[:-1]:
                inputs = [values[name] for name in node.inputs]
                if isinstance(node, nodes.Encode):
                    values[node.name] = image
                elif isinstance(node, nodes.Neurons) and spiking:
                    values[node.name] = self._fire(node, inputs[0], potentials)
                    sent[node.name].append(values[node.name])
                else:
                    values[node.name] = self._current(node, inputs)
            drawn = drawn + values[graph.nodes[-1].inputs[0]]
        return drawn / steps, sent

    def _layer_by_layer(self, image: Values, steps: int) -> tuple[Values, dict[str, list[Values]]]:
        """Return the read-out's current, and the digits of each layer; see `neuron.weighted`."""
        graph, values = self.graph, {}
        sent: dict[str, list[Values]] = {node.name: [] for node in graph.nodes}
        for node in graph.nodes[:-1]:
            if isinstance(node, nodes.Encode):
                values[node.name] = image
            elif isinstance(node, nodes.Neurons):
                sent[node.name] = self._digits(node, values[node.inputs[0]], steps)
            elif spikes := sent[node.inputs[0]]:  # each plane of them in its turn
                silence = self._current(node, [0 * spikes[0]])  # the bias, once
                driven = [self._current(node, [plane]) - silence for plane in spikes]
                weighed = [plane / 2**t for t, plane in enumerate(driven, 1)]
                values[node.name] = np.sum(weighed, 0) + silence
            else:
                values[node.name] = self._current(node, [values[name] for name in node.inputs])
        return values[graph.nodes[-1].inputs[0]], sent

    def _digits(self, node: nodes.Neurons, total: Values, steps: int) -> list[Values]:
        """Return the spikes of weighted neurons, timestep by timestep, once all input is there."""
        threshold, initial, _ = (p[:, None, None] for p in self.parameters[node.name])
        total = np.concatenate([total] * node.population)
        potential, sent = total + initial * threshold / 2**steps, []
        for _ in range(steps):
            threshold = threshold / 2
            sent.append((potential >= threshold).astype(self.dtype))
            potential = potential - threshold * sent[-1]
        return sent

    def _current(self, node: nodes.Node, inputs: list[Values]) -> Values:
        current: Values = inputs[0]
        if isinstance(node, nodes.Convolution):
            (kernel, bias), near = self.parameters[node.name], node.kernel // 2
            padded = np.pad(current, ((0, 0), (near, near), (near, near)))
            squares = sliding_window_view(padded, (node.kernel, node.kernel), (1, 2))
            squares = squares[:, :: node.stride, :: node.stride]  # c_in, y, x, kh, kw
            current = np.tensordot(kernel, squares, ((1, 2, 3), (0, 3, 4))) + bias[:, None, None]
        elif isinstance(node, nodes.Add):
            current = np.add.reduce(inputs)
        elif isinstance(node, nodes.Concatenate):
            current = np.concatenate(inputs)
        elif isinstance(node, nodes.Neurons):  # a CNN's
            current = current.clip(0)
        elif isinstance(node, nodes.Shuffle):
            current = shuffle(current, node.factor)
        elif isinstance(node, nodes.Unshuffle):
            current = unshuffle(current, node.factor)
        return current

    def _fire(self, node: nodes.Neurons, current: Values, potentials: dict[str, Values]) -> Values:
        """Advance (Leaky) Integrate-and-Fire neurons by one timestep; see `neuron.leaky`."""
        threshold, initial, leak = (p[:, None, None] for p in self.parameters[node.name])
        before = potentials.get(node.name, initial * threshold)
        charged = leak * before + np.concatenate([current] * node.population)
        spikes: Values = (charged >= threshold).astype(self.dtype)
        potentials[node.name] = charged - threshold * spikes
        return spikes


def unshuffle(x: Values, factor: int) -> Values:
    """Map (C, H f, W f) to (C f f, H, W)."""
    split = x.reshape(len(x), x.shape[1] // factor, factor, x.shape[2] // factor, factor)
    return split.transpose(0, 2, 4, 1, 3).reshape(-1, split.shape[1], split.shape[3])


def shuffle(x: Values, factor: int) -> Values:
    """Map (C f f, H, W) to (C, H f, W f)."""
    split = x.reshape(-1, factor, factor, *x.shape[1:]).transpose(0, 3, 1, 4, 2)
    return split.reshape(len(split), x.shape[1] * factor, x.shape[2] * factor)
