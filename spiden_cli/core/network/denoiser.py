"""The whole network in torch: direct encoding, the graph's layers, non-firing read-out."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from spiden_cli.core.network.config import NetworkConfig
from spiden_cli.core.network.encoding import encode, subtract_noise
from spiden_cli.core.network.execution import Observe, execute
from spiden_cli.core.network.families import graph_of
from spiden_cli.core.network.graph import Convolution, Neurons
from spiden_cli.core.network.layers import ConvNorm, make_convolution, make_neurons
from spiden_cli.core.neuron.weighted import spike_count
from spiden_cli.errors import InputError


class Denoiser(nn.Module):
    """A spiking network that predicts the noise of an image and subtracts it.

    The number of timesteps T is an argument of each call, not a property of the network. The CNN
    twin (`neuron="relu"`) is this class with another neuron; it ignores T.

    Args:
        config: the shape of the network.

    Attributes:
        graph: its nodes; those with parameters are submodules of the same names.

    Raises:
        InputError: no network can be built from this configuration.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config, self.graph = config, graph_of(config)
        for node in self.graph.nodes:
            if isinstance(node, Convolution):
                self._place(node.name, make_convolution(node))
            elif isinstance(node, Neurons):
                self._place(node.name, make_neurons(node, config))

    def _place(self, name: str, module: nn.Module) -> None:
        """Add a submodule under a dotted name."""
        *path, last = name.split(".")
        parent: nn.Module = self
        for part in path:
            if part not in parent._modules:
                parent.add_module(part, nn.Module())
            parent = parent.get_submodule(part)
        parent.add_module(last, module)

    def forward(
        self,
        noisy: Tensor,
        sigma: Tensor | float,
        timesteps: int = 4,
        quantised: bool = False,
        observe: Observe | None = None,
    ) -> Tensor:
        """Remove noise.

        Args:
            noisy: (B, C, H, W), range [0, 1]; noise may leave that range. Currents are of its
                number format, also where autocast has the convolutions compute in another.
            sigma: noise level in 8-bit units: one for all, (B,), or a map (B, 1, H, W).
            timesteps: T >= 1.
            quantised: one pass of T-level quantisers in place of T timesteps (training only).
            observe: told the name of each convolution that spikes drive, and those spikes,
                (T * B, C, H', W'); of quantised neurons their rates, of weighted ones their values
                (see `firing_rates`), of a CNN its activations, (B, C, H', W').

        Returns:
            (B, C, H, W): the image less the predicted noise, not clipped.

        Raises:
            InputError: T < 1.
        """
        if timesteps < 1:
            raise InputError(f"the number of timesteps must be at least 1, not {timesteps}")
        steps = 1 if quantised or self.config.one_pass else timesteps
        level = torch.as_tensor(sigma, dtype=noisy.dtype, device=noisy.device)
        level = level.expand(len(noisy)) if level.ndim < 2 else level
        encoded = encode(noisy, level, self.config, self.graph.grid)
        layers = _Modules(self, quantised)
        drawn = execute(self.graph, layers, encoded, timesteps, steps, observe)
        return subtract_noise(noisy, drawn, level, self.config)

    def firing_rates(self, observed: Tensor, timesteps: int) -> Tensor:
        """Return the spikes per timestep behind what an observer was told; of the same shape.

        Args:
            observed: see `forward`; of a CNN, what comes back is what was given.
            timesteps: T.
        """
        return spike_count(observed, timesteps) / timesteps if self.config.weighted else observed

    def freeze_norm(self) -> None:
        """Fix the statistics of every batch normalisation, and fold them into the kernels."""
        for _, layer in self.conv_norms():
            layer.frozen = True

    def conv_norms(self) -> Iterator[tuple[str, ConvNorm]]:
        """Yield each convolution that carries a batch normalisation, with its name."""
        for name, module in self.named_modules():
            if isinstance(module, ConvNorm):
                yield name, module

    def spike_driven(self) -> Iterator[tuple[str, nn.Module]]:
        """Yield each convolution whose input is spikes, with its name, in the order of the data."""
        for node in self.graph.spike_convolutions:
            yield node.name, self.get_submodule(node.name)


class _Modules:
    """The layers of a `Denoiser`, as `execute` asks for them."""

    def __init__(self, network: Denoiser, quantised: bool) -> None:
        self.network, self.quantised = network, quantised

    def convolve(self, node: Convolution, x: Tensor) -> Tensor:
        driven: Tensor = self.network.get_submodule(node.name)(x)
        return driven

    def fire(self, node: Neurons, current: Tensor, timesteps: int) -> Tensor:
        neurons = self.network.get_submodule(node.name)
        spikes: Tensor = neurons(current, timesteps, self.quantised)
        return spikes
