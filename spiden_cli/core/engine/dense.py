"""The dense engine: torch's convolutions over the spikes of all timesteps at once.

Of weighted spikes, over what they add up to: a convolution of the sum is the sum of convolutions.
"""

from functools import partial, reduce

import torch
import torch.nn.functional as F
from torch import Tensor

from spiden_cli.core.engine.activity import Activity, layer_activity
from spiden_cli.core.engine.engine import OnSpikes, Pass
from spiden_cli.core.engine.tiling import Window, counting_window
from spiden_cli.core.image.pixels import Planes
from spiden_cli.core.network.denoiser import Denoiser
from spiden_cli.core.network.encoding import encode, subtract_noise
from spiden_cli.core.network.execution import execute
from spiden_cli.core.network.folding import FoldedNetwork, folded
from spiden_cli.core.network.graph import Convolution, Neurons
from spiden_cli.core.neuron.integrate_and_fire import IFParameters, initial_state
from spiden_cli.core.neuron.layer import repeat_channels, run
from spiden_cli.core.neuron.leaky import LIFParameters, lif_step
from spiden_cli.core.neuron.unrolled import unrolled
from spiden_cli.core.neuron.weighted import spike_count, weighted_values
from spiden_cli.core.noise.model import Level


class DenseEngine:
    """Torch, on any device; the only engine for a CNN.

    Args:
        network: what to run.
        device: where to run it, as torch names it.
    """

    name = "dense"
    passes = 1
    tile = (512, 512)

    def __init__(
        self, network: FoldedNetwork | Denoiser, device: torch.device | str = "cpu"
    ) -> None:
        ready = folded(network)
        self.config, self.graph = ready.config, ready.graph
        self.device = torch.device(device)
        self._layers = FoldedLayers(ready, self.device)

    @torch.inference_mode()
    def run(
        self,
        noisy: Planes,
        level: Level,
        timesteps: int,
        window: Window | None = None,
        on_spikes: OnSpikes | None = None,
    ) -> Pass:
        """Denoise one image; see `Engine.run`."""
        image = torch.from_numpy(noisy).to(self.device, self._layers.dtype)[None]
        image = image.contiguous(memory_format=torch.channels_last)
        sigma = torch.as_tensor(level, dtype=image.dtype, device=self.device)
        sigma = sigma[None, None] if sigma.ndim else sigma[None]
        counts: dict[str, tuple[Tensor, Tensor]] = {}
        spiking = self.config.spiking

        def count(name: str, spikes: Tensor) -> None:
            counts[name] = _counted(spikes, timesteps if self.config.weighted else None)

        encoded = encode(image, sigma, self.config, self.graph.grid)
        steps = 1 if self.config.one_pass else timesteps
        observe = count if spiking else None
        drawn = execute(self.graph, self._layers, encoded, timesteps, steps, observe)
        denoised = subtract_noise(image, drawn, sigma, self.config)[0].cpu().numpy()
        return Pass(denoised, self._activity(counts, noisy, timesteps, window, on_spikes))

    def _activity(
        self,
        counts: dict[str, tuple[Tensor, Tensor]],
        noisy: Planes,
        timesteps: int,
        window: Window | None,
        on_spikes: OnSpikes | None,
    ) -> Activity:
        height, width = noisy.shape[1:]
        inside = counting_window(window, height, width, self.graph.grid)
        activity = {}
        for shape in self.graph.convolutions(height, width):
            if shape.name in counts:
                spikes, fired = (part.cpu().numpy() for part in counts[shape.name])
                source = self.graph[self.graph[shape.name].inputs[0]]
                positions = inside.positions(source.scale)
                activity[shape.name] = layer_activity(shape, positions, spikes, fired, timesteps)
                if on_spikes is not None:
                    on_spikes(shape.name, spikes[positions])
        return activity


def _counted(spikes: Tensor, digits: int | None) -> tuple[Tensor, Tensor]:
    """Count spikes at once, so that no layer's are kept.

    Args:
        spikes: (T, C, H, W); of weighted neurons their values, (1, C, H, W).
        digits: of weighted neurons, T.

    Returns:
        (H, W) each, at each position: spikes of all channels and timesteps; and the neurons that
        sent any.
    """
    if digits is not None:
        per_neuron = spike_count(spikes[0], digits)
    else:
        per_neuron = reduce(torch.add, spikes.unbind())  # Tensor.sum takes three times as long
    return per_neuron.sum(0), per_neuron.count_nonzero(0)


class FoldedLayers:
    """The layers of a folded network, as `execute` asks for them.

    Attributes:
        kind: of the neurons.
        convolutions: kernel and bias by node.
        neurons: threshold, initial potential and leak by node, (N, 1, 1) each.
    """

    def __init__(self, network: FoldedNetwork, device: torch.device) -> None:
        self.kind = network.config.neuron
        self.convolutions = {
            name: (
                torch.from_numpy(kernel).to(device).contiguous(memory_format=torch.channels_last),
                torch.from_numpy(bias).to(device),
            )
            for name, (kernel, bias) in network.convolutions.items()
        }
        self.neurons = {
            name: tuple(torch.from_numpy(part).to(device)[:, None, None] for part in parts)
            for name, parts in network.neurons.items()
        }

    @property
    def dtype(self) -> torch.dtype:
        """What is computed in: float32, but for a network of another type."""
        return next(iter(self.convolutions.values()))[0].dtype

    def convolve(self, node: Convolution, x: Tensor) -> Tensor:
        """See `execution.Layers`."""
        kernel, bias = self.convolutions[node.name]
        return F.conv2d(x, kernel, bias, node.stride, node.kernel // 2)

    def fire(self, node: Neurons, current: Tensor, timesteps: int) -> Tensor:
        """See `execution.Layers`; weighted neurons give what their digits add up to."""
        if node.name not in self.neurons:
            return current.relu()
        threshold, initial, leak = self.neurons[node.name]
        p = IFParameters(threshold, initial)
        current = repeat_channels(current, node.population)
        if self.kind == "if":
            return unrolled(current, p, timesteps)
        if self.kind == "weighted":
            return weighted_values(current, p, timesteps)
        currents = current.chunk(timesteps)
        step = partial(lif_step, p=LIFParameters(p, leak))
        return torch.cat(run(currents, initial_state(currents[0], p), step)[0])
