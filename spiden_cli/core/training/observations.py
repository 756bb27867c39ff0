"""Training images that are noisy already: pairs with clean pictures, or frames of the same scene.

A network is trained on what it will be shown: each observation goes through the same whitening as
when it is denoised, by the noise that is found in it, and so does what it is compared with. Counts
become values whose noise is white; the clean value of a pixel becomes the mean of these, which the
way back is exact for.

Two noisy frames of one scene do as well as a clean picture: the mean of what one pixel may be,
given its surroundings in the one frame, is the same in the other, whose noise averages out over a
training (Lehtinen et al. 2018, "Noise2Noise", ICML, section 2).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from spiden_cli.core.data.training_images import TrainingImages, hold_out
from spiden_cli.core.image.picture import Picture, Range
from spiden_cli.core.image.pixels import Planes, to_unit
from spiden_cli.core.noise.model import Unknown
from spiden_cli.core.noise.whitening import whitening_for
from spiden_cli.core.tasks.recognition import estimated, noise_of
from spiden_cli.errors import DatasetError

__all__ = ["Observation", "observed_images"]

_HELD_SHARE = 5
"""Of an observation that is alone, the part that is held out: one fifth of its longer side."""


@dataclass(frozen=True)
class Observation:
    """A noisy picture, and what the network is to make of it.

    Attributes:
        name: of its file, for messages.
        noisy: the picture.
        target: the same scene, clean or as another noisy frame; in the same units.
        is_clean: whether the target is clean.
    """

    name: str
    noisy: Picture
    target: Picture
    is_clean: bool


def observed_images(
    observations: Iterable[Observation],
    channels: int,
    on_image: Callable[[int], None] = lambda _: None,
) -> TrainingImages:
    """Make training images of observations.

    Args:
        observations: grey or colour; of colour, a grey network takes each channel by itself.
        channels: of the network, 1 or 3.
        on_image: called with the number of observations done so far.

    Returns:
        float16 images (2 C + 1, H, W): noisy, target, and the level in 8-bit units, 1/255 of what
        the network sees as black to white. One in twenty is held out.

    Raises:
        DatasetError: noisy picture and target differ in size or in units, a picture is grey and
            the network isn't, or there is no observation.
        InputError: a picture is too small for its noise to be found.
    """
    images: list[Tensor] = []
    for done, observation in enumerate(observations, 1):
        images += _shown(observation, channels)
        on_image(done)
    if not images:
        raise DatasetError("there is nothing to learn from: no pair, or fewer than two frames")
    if len(images) == 1:
        return TrainingImages(*_cut(images[0]))
    return TrainingImages(*hold_out(images))


def _shown(observation: Observation, channels: int) -> list[Tensor]:
    """Return the images of an observation, one for each pass of the network."""
    noisy, target = observation.noisy, observation.target
    if noisy.pixels.shape != target.pixels.shape:
        sizes = (f"{one.width} x {one.height} x {one.channels}" for one in (noisy, target))
        raise DatasetError(
            f"{observation.name}: {' and '.join(sizes)} are not of one scene: noisy picture and "
            "target need the same size and the same channels"
        )
    if noisy.dtype != target.dtype and "f" not in (noisy.dtype.kind, target.dtype.kind):
        raise DatasetError(
            f"{observation.name}: {noisy.dtype} and {target.dtype} values aren't of one unit: "
            "save both with the same type, or the clean one as float32 in the noisy one's values"
        )
    if channels > noisy.channels:
        raise DatasetError(
            f"{observation.name} is grey: a network for colour can't learn from it; leave out "
            "--colour, or choose a grey --preset"
        )
    estimate = estimated(Unknown(), noisy)
    if estimate is None:  # of `Unknown` there is always something to find
        raise AssertionError
    whitening = whitening_for(noise_of(estimate, noisy, for_camera=False), noisy)
    seen = whitening.shown(to_unit(noisy.pixels, noisy.levels))
    wanted = _in_range_of(noisy, target)
    wanted = whitening.expected(wanted) if observation.is_clean else whitening.shown(wanted)
    level = np.broadcast_to(np.float32(whitening.level), (1, *seen.shape[1:]))
    passes = (np.split(planes, len(planes) // channels) for planes in (seen, wanted))
    return [
        torch.from_numpy(np.concatenate([*parts, level]).astype(np.float16))
        for parts in zip(*passes, strict=True)
    ]


def _in_range_of(noisy: Picture, target: Picture) -> Planes:
    """Return the target as shares of the noisy picture's range: both are of the same units."""
    own = Range(noisy.extent.black - target.base, noisy.extent.white - target.base)
    return to_unit(target.pixels, own)


def _cut(image: Tensor) -> tuple[Sequence[Tensor], Sequence[Tensor]]:
    """Part a single image in one to learn from and one to hold out."""
    axis = 1 if image.shape[1] > image.shape[2] else 2
    held = max(1, image.shape[axis] // _HELD_SHARE)
    most, rest = torch.split(image, [image.shape[axis] - held, held], axis)
    return [most.contiguous()], [rest.contiguous()]
