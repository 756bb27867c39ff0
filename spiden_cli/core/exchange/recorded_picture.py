"""The spikes for one picture, by the model and at the noise level that `denoise` would take."""

from collections.abc import Collection
from typing import NamedTuple

from spiden_cli.core.exchange.recording import OnLayer, Recording, record
from spiden_cli.core.image.picture import Picture
from spiden_cli.core.image.pixels import to_grey, to_unit
from spiden_cli.core.noise.model import Noise, Uniform
from spiden_cli.core.noise.whitening import whitening_for
from spiden_cli.core.tasks.adjustment import scaled
from spiden_cli.core.tasks.model import Model
from spiden_cli.core.tasks.results import Choice
from spiden_cli.core.tasks.showing import noise_in_file

__all__ = ["RecordedPicture", "record_picture"]


class RecordedPicture(NamedTuple):
    """The spikes for a picture.

    Attributes:
        recording: the spikes.
        choice: the weights, and the noise that they were told.
        made_grey: whether a colour picture became grey, since the network is for grey ones.
    """

    recording: Recording
    choice: Choice
    made_grey: bool

    @property
    def sigma(self) -> float | None:
        """The noise level that the network was told, in 8-bit units; None where it was a map."""
        noise = self.choice.noise
        return noise.sigma if isinstance(noise, Uniform) else None


def record_picture(
    model: Model,
    picture: Picture,
    noise: Noise | float | None = None,
    *,
    timesteps: int | None = None,
    layers: Collection[str] | None = None,
    potentials: bool = False,
    on_layer: OnLayer = lambda done, of: None,
) -> RecordedPicture:
    """Record the spikes for a picture; a network for grey pictures sees a colour one's luma.

    Args:
        model: chooses the weights.
        picture: the noisy picture.
        noise: of it; None to estimate it.
        timesteps: T; None: what the model was trained for.
        layers: those to keep; None: all.
        potentials: keep membrane potentials, too.
        on_layer: told the number of layers done, kept or not, and of all.

    Raises:
        InputError: the model is a CNN, there is no such layer, or the picture can't be used.
        WeightsError: there are no such weights, or they are damaged.
    """
    choice = model.choose(picture, noise)
    network, info = choice.loaded.network, choice.loaded.info
    told = noise_in_file(choice.noise, picture, choice.estimate is not None)
    whitening = whitening_for(told, picture)
    planes = whitening.shown(to_unit(picture.pixels, picture.levels))
    made_grey = picture.is_colour and network.config.image_channels == 1
    recording = record(
        network,
        to_grey(planes) if made_grey else planes,
        scaled(whitening.level, 1.0, info.most_sigma),
        info.timesteps[0] if timesteps is None else timesteps,
        layers=layers,
        potentials=potentials,
        on_layer=on_layer,
    )
    return RecordedPicture(recording, choice, made_grey)
