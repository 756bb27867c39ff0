"""Spikes of a network on real pictures, with known noise: what all counts rest on."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from spiden_cli.core.data.samples import Sample
from spiden_cli.core.energy.counts import Passes
from spiden_cli.core.engine.activity import sum_activities
from spiden_cli.core.engine.engine import Engine
from spiden_cli.core.network.config import NetworkConfig
from spiden_cli.core.tasks.evaluation import Evaluation, evaluate

Size = tuple[int, int]
"""Rows and columns in pixels."""


@dataclass(frozen=True)
class Measurement:
    """A network on a set of pictures, at one noise level and number of timesteps.

    Attributes:
        config: the shape of the network.
        sigma: noise level in 8-bit units.
        timesteps: T.
        psnr: mean over the pictures, in dB, of the 8-bit outputs.
        noisy_psnr: mean over the pictures, in dB.
        pictures: how many there are of each size; with several draws of noise, of all draws.
        passes: through the network, by the size of the picture, and their spikes.
    """

    config: NetworkConfig
    sigma: float
    timesteps: int
    psnr: float
    noisy_psnr: float
    pictures: Mapping[Size, int]
    passes: Mapping[Size, Passes]

    @property
    def pixels(self) -> int:
        """Pixels of all pictures, channels not counted."""
        return sum(height * width * count for (height, width), count in self.pictures.items())

    @property
    def images(self) -> int:
        """Number of pictures."""
        return sum(self.pictures.values())


def measure(
    engine: Engine,
    samples: Sequence[Sample],
    sigma: float,
    timesteps: int,
    on_image: Callable[[], None] = lambda: None,
) -> Measurement:
    """Denoise pictures at a known level, and count the spikes, as `spiden evaluate` does.

    Args:
        engine: runs the network.
        samples: the pictures; clean ones get noise of that level.
        sigma: noise level in 8-bit units.
        timesteps: T, 1 to 64.
        on_image: told of each picture that is done.

    Raises:
        InputError: a picture can't be read or is too small, or a grey one meets a colour network.
    """
    found = evaluate(
        engine, samples, sigma, timesteps, on_image=lambda _: on_image(), with_ssim=False
    )
    return measured(engine.config, found)


def measured(config: NetworkConfig, found: Evaluation) -> Measurement:
    """Return what an evaluation at a known level says of the operations.

    Args:
        config: the shape of the network that was evaluated.
        found: its scores and spikes, over one draw of noise or several.
    """
    assert found.sigma is not None
    passes: dict[Size, Passes] = {}
    pictures: Counter[Size] = Counter()
    for image in found.scores:
        size = (image.height, image.width)
        before = passes.get(size, Passes(0, {}))
        spikes = sum_activities([before.spikes, image.activity])
        passes[size] = Passes(before.count + image.passes, spikes)
        pictures[size] += len(found.seeds)
    return Measurement(
        config, found.sigma, found.timesteps, found.mean("psnr"), found.mean("noisy_psnr"),
        pictures, passes,
    )  # fmt: skip
