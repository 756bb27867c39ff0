"""What has to be known of all of a picture before any part of it is denoised."""

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from spiden_cli.core.image.picture import Picture
from spiden_cli.core.image.plane_view import PlaneView
from spiden_cli.core.image.region import Region
from spiden_cli.core.noise.defects import Repairs, repaired, repaired_window
from spiden_cli.core.noise.faulty_lines import Faults, faults_of
from spiden_cli.core.noise.model import Noise, PoissonGaussian
from spiden_cli.core.tasks.adjustment import UNADJUSTED, Adjustment
from spiden_cli.core.tasks.advice import doubts, no_gain, too_little
from spiden_cli.core.tasks.denoising import OnTile, denoise_picture
from spiden_cli.core.tasks.recognition import Estimate
from spiden_cli.core.tasks.results import Loaded, Result
from spiden_cli.core.tasks.showing import Shown, how_shown

__all__ = ["Look", "denoise_looked_at", "look_at", "repaired_part"]


@dataclass(frozen=True)
class Look:
    """What the denoising of each part of a picture depends on; travels to other processes.

    Attributes:
        coarse: whether it is denoised by what was trained on a camera's noise.
        noise: that it is taken to hold.
        estimate: what was found of the noise; None where it was given.
        shown: how the network is shown it.
        faults: of the lines of a detector; None where none are repaired.
    """

    coarse: bool
    noise: Noise
    estimate: Estimate | None
    shown: Shown
    faults: Faults | None = None


class Chosen(NamedTuple):
    """What a picture is denoised with.

    Attributes:
        coarse: as in `Look`, like what follows.
        noise: that it is taken to hold.
        estimate: what was found of it.
    """

    coarse: bool
    noise: Noise
    estimate: Estimate | None


def look_at(picture: Picture, chosen: Chosen, repair: bool) -> tuple[Look, Picture, Repairs]:
    """Look at all of a picture.

    Args:
        picture: its pixels may be a view, if it is grey or there is nothing to repair.
        chosen: what it is denoised with.
        repair: whether faults of a detector are repaired.

    Returns:
        What was found, the picture as the network is to see it, and what was repaired; of a view
        that isn't known.
    """
    seen, repairs, faults, noise = picture, Repairs(), None, chosen.noise
    # What made a picture of colours has spread a stuck pixel over its neighbours.
    if repair and isinstance(noise, PoissonGaussian) and not picture.is_colour:
        faults = faults_of(picture.pixels, _of_pixels(noise, picture))
        if isinstance(picture.pixels, PlaneView):
            view = replace(
                picture.pixels, dtype=np.dtype(np.float32),
                read=lambda window: repaired_part(picture, noise, faults, window),
            )  # fmt: skip
            seen = Picture(view, range=picture.levels)
        else:
            seen, repairs = repaired(picture, noise, faults)
    shown = how_shown(noise, picture, seen, chosen.estimate is not None)
    return Look(chosen.coarse, noise, chosen.estimate, shown, faults), seen, repairs


def repaired_part(picture: Picture, noise: Noise, faults: Faults | None, window: Any) -> Any:  # noqa: ANN401
    """Return some of the pixels of a picture, (h, w), as the network is to see them.

    Args:
        picture: its pixels may be a view.
        noise: that it is taken to hold.
        faults: of its lines; None: none are repaired.
        window: rows and columns, from and to a number.
    """
    if faults is None:
        return picture.pixels[window]
    assert isinstance(noise, PoissonGaussian)
    return repaired_window(picture.pixels, _of_pixels(noise, picture), faults, window)


def _of_pixels(noise: PoissonGaussian, picture: Picture) -> PoissonGaussian:
    """Return the noise in the units of the pixels, which may be shifted from the file's."""
    return replace(noise, offset=noise.offset - picture.base)


def denoise_looked_at(
    loaded: Loaded,
    picture: Picture,
    look: Look,
    seen: Picture,
    *,
    timesteps: int | None = None,
    adjustment: Adjustment = UNADJUSTED,
    mask: Any = None,  # noqa: ANN401
    region: Region | None = None,
    map_firing: bool = False,
    on_tile: OnTile = lambda done, of: None,
) -> Result:
    """Denoise a picture, or a region of it, once all of it was looked at; as `Model.denoise`.

    Args:
        loaded: the model.
        picture: the noisy picture, or a part of it that has all that the network sees of the rest.
        look: at all of it.
        seen: the same part as the network is to see it.
        timesteps: as for `Model.denoise`, like what follows.
        adjustment: how strongly to denoise.
        mask: where to denoise.
        region: in `picture`.
        map_firing: also gather where the neurons fire.
        on_tile: told of the progress.
    """
    steps = loaded.info.timesteps[0] if timesteps is None else timesteps
    estimated = look.estimate is not None
    result = denoise_picture(
        loaded.engine, picture, look.noise, steps, estimated=estimated,
        most=loaded.info.most_sigma, repaired=seen, shown=look.shown, on_tile=on_tile,
        adjustment=adjustment, map_firing=map_firing, mask=mask, region=region,
    )  # fmt: skip
    strengths = adjustment.strengths(picture.is_colour)
    removed = result.removed * result.stretch
    grey = adjustment.chroma_strength is not None and not picture.is_colour
    notes = (
        loaded.note,
        "it is grey, so that the strength for colour has no effect" if grey else None,
        no_gain(look.estimate),
        too_little(removed, look.noise, estimated, adjustment, strengths)
        if result.asked
        else "the mask is black all over, so that nothing was denoised",
        *doubts(look.noise, strengths, loaded.info),
    )
    return Result(
        image=result.picture,
        noise=look.noise,
        activity=result.activity,
        notes=tuple(note for note in notes if note is not None),
        estimate=look.estimate,
        adjustment=adjustment,
        repairs=Repairs(),
        removed=result.removed,
        firing_map=result.firing_map,
        model=loaded.name,
        engine=loaded.engine.name,
        timesteps=steps,
        seconds=result.seconds,
    )
