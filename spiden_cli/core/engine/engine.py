"""What runs a network: one image in, one image and its activity out."""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from numpy.typing import NDArray

from spiden_cli.core.engine.activity import Activity
from spiden_cli.core.engine.tiling import Shape, Window
from spiden_cli.core.image.pixels import Planes
from spiden_cli.core.network.config import MOST_TIMESTEPS, NetworkConfig
from spiden_cli.core.noise.model import Level
from spiden_cli.errors import InputError

OnSpikes = Callable[[str, NDArray[Any]], None]
"""Told the name of each convolution that spikes drive, and how many come in at each position."""


def check_timesteps(timesteps: int) -> None:
    """Refuse a number of timesteps that no network runs at.

    Raises:
        InputError: T is not 1 to 64.
    """
    if not 1 <= timesteps <= MOST_TIMESTEPS:
        raise InputError(f"the number of timesteps must be 1 to {MOST_TIMESTEPS}, not {timesteps}")


class Pass(NamedTuple):
    """What came out of one pass.

    Attributes:
        denoised: (C, H, W) float32, not clipped.
        activity: spikes and synaptic operations by layer; empty for a CNN.
    """

    denoised: Planes
    activity: Activity


class Engine(Protocol):
    """Runs one network, with batch normalisation folded; may be asked by several threads at once.

    Attributes:
        name: what reports call it.
        config: the shape of the network.
        passes: how often an image goes through the network.
        tile: rows and columns of an image, in pixels, that it does best at once.
    """

    name: str
    config: NetworkConfig
    passes: int
    tile: Shape

    def run(
        self,
        noisy: Planes,
        level: Level,
        timesteps: int,
        window: Window | None = None,
        on_spikes: OnSpikes | None = None,
    ) -> Pass:
        """Denoise one image.

        Args:
            noisy: (C, H, W) float32, C the channels of the network, range [0, 1] plus noise.
            level: what the network is told of the noise.
            timesteps: T >= 1.
            window: the pixels whose spikes are counted; None: all. All are denoised.
            on_spikes: told the spikes of all channels and timesteps at each position of the window,
                (H', W') whole numbers, for each layer; of a CNN, nothing.
        """
        ...
