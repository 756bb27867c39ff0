"""One animation, denoised frame by frame into another."""

import math
from collections.abc import Callable
from dataclasses import replace

from spiden_cli.core.atomic import making_folder
from spiden_cli.core.engine.activity import sum_activities
from spiden_cli.core.files.animation_timing import timing_losses
from spiden_cli.core.files.animations import (
    check_animated_output,
    read_animation,
    write_animation,
)
from spiden_cli.core.files.origin import signed
from spiden_cli.core.files.picture_files import output_format
from spiden_cli.core.image.animation import Animation
from spiden_cli.core.image.picture import Picture
from spiden_cli.core.noise.model import as_noise
from spiden_cli.core.tasks.denoising import OnTile
from spiden_cli.core.tasks.files import (
    Done,
    announce_losses,
    announce_white,
    denoise_prepared,
    prepare,
)
from spiden_cli.core.tasks.model import Model
from spiden_cli.core.tasks.recognition import estimated
from spiden_cli.core.tasks.results import Result
from spiden_cli.core.tasks.settings import Files, Settings
from spiden_cli.errors import InputError

__all__ = ["denoise_animation"]


def denoise_animation(
    model: Model,
    settings: Settings,
    files: Files,
    frames: int,
    on_note: Callable[[str], None] = lambda sentence: None,
    on_tile: OnTile = lambda done, of: None,
) -> Done:
    """Denoise each frame on its own; how long it is shown, and how often all is played, stays.

    The noise is estimated once, in the frame in the middle: a level, or even a model, that changed
    from frame to frame would be seen as flicker, and the first is often a title.

    Args:
        model: denoises.
        settings: how.
        files: what to read and write.
        frames: how many there are.
        on_note: told, before the work, what reading changed and writing will lose, a sentence each.
        on_tile: told the number of tiles done, and of all tiles of all frames.

    Raises:
        InputError: the animation or the mask can't be used, a setting doesn't suit it, or there is
            a reference.
        OutputError: the result can't be written, or its format holds one picture.
        WeightsError: the model can't be loaded, or gives no finite output.
    """
    check_animated_output(files.target, frames)
    for option, asked in {"--reference": files.reference, "--float": settings.floats}.items():
        if asked:
            raise InputError(f"{files.source.name} is an animation: leave out {option}")
    with settings.reading():
        animation = read_animation(files.source)
    lost = timing_losses(files.target, animation)
    ready = prepare(animation.frames[0], settings, files)
    announce_losses(files, ready.part, settings.strict, on_note, lost)

    middle = animation.frames[frames // 2]
    given = as_noise(settings.noise)
    noise = estimated(given, middle) or given

    def denoise(number: int, frame: Picture) -> Result:
        def on_part(done: int, of: int) -> None:
            on_tile(number * of + done, frames * of)

        mapped = number == 0 and (settings.map_firing or files.drawing is not None)
        return denoise_prepared(model, frame, noise, settings, ready.mask, mapped, on_part)

    results = [denoise(i, frame) for i, frame in enumerate((ready.whole, *animation.frames[1:]))]
    announce_white(ready.part, results[0].noise, on_note)
    images: list[Picture] = [result.image for result in results]
    images[0] = signed(images[0], output_format(files.target))
    written = Animation(tuple(images), animation.durations, animation.plays)
    with making_folder(files.target.parent):
        write_animation(files.target, written, settings.quality, settings.overwrite)
    return Done(ready.part, _summed(results), None, settings.region, frames)


def _summed(results: list[Result]) -> Result:
    """Return the result of the first frame, with the work of all, and what was removed of them."""
    return replace(
        results[0],
        activity=sum_activities(result.activity for result in results),
        notes=tuple(dict.fromkeys(note for result in results for note in result.notes)),
        removed=math.sqrt(sum(result.removed**2 for result in results) / len(results)),
        seconds=sum(result.seconds for result in results),
    )
