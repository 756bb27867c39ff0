"""A picture whose colours are three measurements, such as dyes, that say nothing about each other.

A network that learned how the colours of photographs go together mixes them. So each goes through
the network for grey, with a noise level of its own.
"""

import math
from dataclasses import replace
from typing import Any

import numpy as np

from spiden_cli.core.engine.activity import sum_activities
from spiden_cli.core.engine.firing import FiringMap
from spiden_cli.core.image.picture import Picture
from spiden_cli.core.image.region import Region, cropped
from spiden_cli.core.noise.model import Noise
from spiden_cli.core.tasks.denoising import OnTile
from spiden_cli.core.tasks.model import Model
from spiden_cli.core.tasks.recognition import Dyes, Estimate
from spiden_cli.core.tasks.results import Result

__all__ = ["COLOURS", "denoise_apart"]

COLOURS = ("red", "green", "blue")


def denoise_apart(
    model: Model,
    picture: Picture,
    noise: Noise | Estimate | float | Dyes | None,
    region: Region | None = None,
    on_tile: OnTile = lambda done, of: None,
    **settings: Any,  # noqa: ANN401
) -> Result:
    """Denoise each colour of a picture on its own.

    Args:
        model: denoises.
        picture: in colour.
        noise: of each colour, as for `Model.denoise`; a tuple: that of one after the other.
        region: the part to denoise and return; None: all of it.
        on_tile: told the number of tiles done, and of all.
        settings: more of what `Model.denoise` takes.

    Returns:
        The colours together, with what was found of each in `channels`.

    Raises:
        SpidenError: as for `Model.denoise`.
    """
    results: list[Result] = []

    def on_part(done: int, of: int) -> None:
        on_tile(len(results) * of + done, len(COLOURS) * of)

    noises = noise if isinstance(noise, tuple) else (noise,) * len(COLOURS)
    for number, own in enumerate(noises):
        channel = picture.channel(number)
        results.append(model.denoise(channel, own, region=region, on_tile=on_part, **settings))
    whole = picture if region is None else cropped(picture, region)
    notes = [f"{name}: {note}" for name, one in zip(COLOURS, results, strict=True)
             for note in one.notes]  # fmt: skip
    return replace(
        results[0],
        image=replace(whole, pixels=np.dstack([result.image.pixels for result in results])),
        activity=sum_activities(result.activity for result in results),
        notes=tuple(notes),
        removed=math.sqrt(sum(result.removed**2 for result in results) / len(results)),
        firing_map=_mean([result.firing_map for result in results]),
        seconds=sum(result.seconds for result in results),
        channels=tuple(results),
    )


def _mean(maps: list[FiringMap | None]) -> FiringMap | None:
    there = [one for one in maps if one is not None]
    if not there:
        return None
    rates = np.stack([one.rate for one in there])
    return FiringMap(rates.mean(0), there[0].scale)
