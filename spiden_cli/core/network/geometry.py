"""The layers of a network as numbers: channels, positions, and dense operations."""

from typing import NamedTuple

from spiden_cli.core.network.presets import NetworkConfig


class LayerGeometry(NamedTuple):
    """One 3x3 convolution over an image.

    Attributes:
        name: as in the weights file; "encoder", "blocks.0.conv", ..., "readout".
        channels_in: input channels.
        channels_out: output channels.
        height: rows of positions.
        width: columns of positions.
    """

    name: str
    channels_in: int
    channels_out: int
    height: int
    width: int

    @property
    def taps(self) -> int:
        """Pairs of input and output position that the kernel joins; none beyond the border."""
        return (3 * self.height - 2) * (3 * self.width - 2)

    @property
    def inputs(self) -> int:
        """Values that enter the convolution."""
        return self.channels_in * self.height * self.width

    @property
    def outputs(self) -> int:
        """Values that leave it."""
        return self.channels_out * self.height * self.width

    @property
    def weights(self) -> int:
        """Weights of the kernel, bias not counted."""
        return 9 * self.channels_in * self.channels_out

    @property
    def dense_operations(self) -> int:
        """Multiply-accumulates of the convolution."""
        return self.taps * self.channels_in * self.channels_out


def layers(config: NetworkConfig, height: int, width: int) -> list[LayerGeometry]:
    """Return the convolutions of a network, in the order of the data.

    Args:
        config: the shape of the network.
        height: rows of the image, in pixels; padded to the unshuffle as the network does.
        width: columns of the image, in pixels.
    """
    grid = -(-height // config.unshuffle), -(-width // config.unshuffle)
    inner = config.layers - 2
    if config.shortcuts:
        names = [f"blocks.{index // 2}.conv{index % 2 + 1}" for index in range(inner)]
    else:
        names = [f"blocks.{index}.conv" for index in range(inner)]
    channels = config.image_channels * config.unshuffle**2
    return [
        LayerGeometry("encoder", config.encoded_channels, config.width, *grid),
        *(LayerGeometry(name, config.inner_neurons, config.width, *grid) for name in names),
        LayerGeometry("readout", config.last_neurons, channels, *grid),
    ]


def dense_operations(config: NetworkConfig, height: int, width: int) -> dict[str, int]:
    """Return the multiply-accumulates of each layer, once, for an image of (H, W) pixels."""
    return {layer.name: layer.dense_operations for layer in layers(config, height, width)}
