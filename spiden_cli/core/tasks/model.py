"""The model object: weights, engine and noise estimate behind one call.

    model = spiden.load("auto")
    result = model.denoise(picture)

The command line, a web page and a scheduler call the same. A model may be asked by several threads
at once, and travels to other processes by pickle.
"""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spiden_cli.core.engine.selection import Waiting
from spiden_cli.core.image.picture import Picture
from spiden_cli.core.image.region import as_region
from spiden_cli.core.noise.blind import is_coarse
from spiden_cli.core.noise.model import (
    Coarse,
    Gaussian,
    InPixelUnits,
    Noise,
    Uniform,
    Unknown,
    as_noise,
)
from spiden_cli.core.tasks.adjustment import UNADJUSTED, Adjustment
from spiden_cli.core.tasks.arrays import as_picture, like
from spiden_cli.core.tasks.denoising import OnTile
from spiden_cli.core.tasks.images import open_image, stack_like, unstack
from spiden_cli.core.tasks.loading import AUTO, Loader
from spiden_cli.core.tasks.looking import Chosen, denoise_looked_at, look_at
from spiden_cli.core.tasks.recognition import Estimate, estimated, is_of_camera, noise_of
from spiden_cli.core.tasks.results import Batch, Choice, Loaded, Result
from spiden_cli.errors import InputError

if TYPE_CHECKING:
    from spiden_cli.core.tasks.stack_result import StackResult


class Model:
    """A denoiser for grey and colour pictures; see `load`."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    @property
    def name(self) -> str:
        """The bundled model, the weights file, or "auto"."""
        return self._loader.name

    def identity(self) -> str:
        """Return, in words, what its results depend on: version, weights and engine.

        Raises:
            WeightsError: there are no such weights.
        """
        return self._loader.identity()

    def loaded(self, colour: bool, coarse: bool = False) -> Loaded:
        """Return the weights and the engine for a kind of picture; see `Loader.loaded`."""
        return self._loader.loaded(colour, coarse)

    def choose(self, picture: Picture, noise: Noise | Estimate | float | None = None) -> Choice:
        """Return the weights for a picture, and the noise that they are told; as `denoise` does.

        Raises:
            InputError: the noise is out of range, or the picture too small to estimate it.
            WeightsError: there are no such weights, or they are damaged.
        """
        chosen = self.chosen(picture, noise)
        loaded = self.loaded(picture.is_colour, chosen.coarse)
        return Choice(loaded, chosen.noise, chosen.estimate)

    def chosen(self, picture: Picture, noise: Noise | Estimate | float | None = None) -> Chosen:
        """Return what `choose` does, without the weights."""
        estimate = noise if isinstance(noise, Estimate) else None
        wanted = Unknown() if isinstance(noise, Estimate) else as_noise(noise)
        if isinstance(wanted, InPixelUnits):
            wanted = wanted.over(picture.levels)
        if type(wanted) is Uniform:
            wanted = self._of_its_kind(wanted, picture)
        elif estimate is None:
            estimate = estimated(wanted, picture)
        coarse = isinstance(wanted, Coarse) or is_of_camera(estimate)
        for_camera = self.loaded(picture.is_colour, coarse).info.for_camera
        found = noise_of(estimate, picture, for_camera) if estimate is not None else wanted
        return Chosen(coarse, found, estimate)

    def denoise(
        self,
        image: Any,  # noqa: ANN401
        noise: Noise | Estimate | float | None = None,
        *,
        timesteps: int | None = None,
        white: float | None = None,
        adjustment: Adjustment = UNADJUSTED,
        mask: Any = None,  # noqa: ANN401
        region: tuple[int, int, int, int] | None = None,
        channel_axis: int | None = None,
        repair: bool = True,
        map_firing: bool = False,
        on_tile: OnTile = lambda done, of: None,
    ) -> Result:
        """Denoise one image.

        Args:
            image: a numpy array (H, W) or (H, W, 3), of whole or real numbers; a torch tensor
                (H, W), (1, H, W) or (3, H, W), on any device; a Pillow image of mode L, LA, RGB,
                RGBA, I;16 or F; or a `Picture`. What isn't finite stays as it is.
            noise: what is known of the noise. A number is its root mean square in 8-bit units,
                1/255 of the range from black to white, of whatever kind it is; `Gaussian` and
                `Coarse` say which, `InPixelUnits` is a number in the image's own units.
                `PoissonGaussian` is that of photon counts, in the image's own units as well, and
                `UnknownCounts` has some of that estimated. None has everything estimated, and an
                estimate is taken as found in this image, as that of another frame of a film.
                "auto" takes a model for the kind.
            timesteps: T, 1 to 64; None: what the model was trained for.
            white: the value of white. None: 255 for uint8; for uint16 the largest value of the
                smallest of 8, 10, 12, 14 and 16 bits that hold the image; 1 for floats that lie
                about between 0 and 1; else the 99.9 % quantile, with black at that of 0.1 %.
            adjustment: how strongly to denoise luminance and colour, and how much grain to leave.
            mask: where to denoise: white is denoised, black stays to the bit, grey is blended. An
                array or tensor (H, W) of bool, uint8, uint16, or float from 0 to 1; or a `Picture`.
            region: denoise this part alone, and return it: left, top, width and height in pixels.
                The noise is estimated from the whole image, so that the part comes out as it does
                in the whole.
            channel_axis: axis of the colours, as in scikit-image; None: the last of an array, the
                first of a tensor.
            repair: whether, in photon counts of one channel, stuck pixels are replaced by their
                neighbours, and offsets of rows and columns taken off, where they are clearly there.
            map_firing: also gather where the neurons fire.
            on_tile: told the number of tiles done, and of all.

        Returns:
            The image, or the region of it, of the kind, shape and type that was given, and what was
            found. Types other than uint8 and uint16 are not clipped.

        Raises:
            InputError: the image is of another kind, too small, or holds no finite value; the noise
                or T is out of range; a grey image is given to a colour model; a model that is told
                no noise level is given a strength; the mask is of another size or kind; the region
                isn't in the image.
            WeightsError: the weights can't be read, or give no finite output.
        """
        opened = open_image(image, channel_axis)
        picture = as_picture(opened.image, white)
        look, seen, repairs = look_at(picture, self.chosen(picture, noise), repair)
        result = denoise_looked_at(
            self.loaded(picture.is_colour, look.coarse), picture, look, seen, timesteps=timesteps,
            adjustment=adjustment, mask=mask, map_firing=map_firing, on_tile=on_tile,
            region=None if region is None else as_region(region),
        )  # fmt: skip
        image = opened.back(like(opened.image, result.image))
        return replace(result, image=image, repairs=repairs)

    def denoise_batch(
        self,
        images: Any,  # noqa: ANN401
        noise: Noise | float | Sequence[Noise | float | None] | None = None,
        *,
        channel_axis: int | None = None,
        on_image: Callable[[int, int], None] = lambda done, of: None,
        **settings: Any,  # noqa: ANN401
    ) -> Batch:
        """Denoise images one after another, each as `denoise` would.

        Args:
            images: an array (B, H, W) or (B, H, W, 3), or a tensor (B, H, W), (B, 1, H, W) or
                (B, 3, H, W); or a list of images, which may differ in size and kind.
            noise: of all of them, as for `denoise`; or a list with that of each.
            channel_axis: axis of the colours, in the whole batch if that is an array or a tensor.
            on_image: told the number of images done, and of all.
            settings: more of what `denoise` takes.

        Raises:
            InputError: as for `denoise`; or `images` is no batch, or `noise` isn't as long.
            WeightsError: as for `denoise`.
        """
        each, axis = unstack(images, channel_axis)
        levels = list(noise) if isinstance(noise, Sequence) else [noise] * len(each)
        if len(levels) != len(each):
            raise InputError(f"{len(levels)} levels of noise for {len(each)} images")
        results = []
        for image, level in zip(each, levels, strict=True):
            results.append(self.denoise(image, level, channel_axis=axis, **settings))
            on_image(len(results), len(each))
        return Batch(stack_like(images, [result.image for result in results]), tuple(results))

    def denoise_stack(
        self,
        array: Any,  # noqa: ANN401
        axes: str | None = None,
        noise: Noise | float | None = None,
        *,
        timesteps: int | None = None,
        white: float | None = None,
        adjustment: Adjustment = UNADJUSTED,
        independent: bool = False,
        per_plane: bool = False,
        average: bool = False,
        repair: bool = True,
        on_plane: Callable[[int, int], None] = lambda done, of: None,
    ) -> "StackResult":
        """Denoise an array of many planes, each on its own, one noise level a channel.

        Args:
            array: whole or real numbers, of any number of dimensions.
            axes: a letter for each: X, Y, Z, T, C, and S for red, green and blue, in any order,
                such as "TZCYX"; other letters are dimensions of their own.
            noise: of each plane, as for `denoise`.
            timesteps: T, 1 to 64; None: what the model was trained for.
            white: the value of white above a black of 0; None: 0 and 255 for uint8, else the
                quantiles 0.1 % and 99.9 % of each channel.
            adjustment: how strongly to denoise.
            independent: take the samples of S for channels of their own.
            per_plane: estimate a level for each plane.
            average: take the mean over T first.
            repair: as for `denoise`.
            on_plane: told the number of planes done, and of all.

        Returns:
            `image` is the array, of the same type and order of axes.

        Raises:
            InputError: the axes don't match, a plane is too small, or as for `denoise`.
            WeightsError: the weights can't be read, or give no finite output.
        """
        from spiden_cli.core.tasks.stack_files import denoise_array
        from spiden_cli.core.tasks.stack_result import StackSettings

        settings = StackSettings(
            noise, timesteps, white, adjustment, independent, per_plane, average, repair
        )
        return denoise_array(self, array, axes, settings, on_plane)

    def _of_its_kind(self, level: Uniform, picture: Picture) -> Uniform:
        """Return noise of a level as white or coarse: looked for where the model depends on it."""
        matters = self.name == AUTO and picture.is_colour
        coarse = matters and is_coarse(picture.pixels, picture.levels)
        return Coarse(level.sigma) if coarse else Gaussian(level.sigma)


def load(
    name: str | Path = AUTO,
    *,
    engine: str = AUTO,
    device: str = AUTO,
    threads: int | None = None,
    ensemble: bool = False,
    waiting: Waiting = nullcontext,
) -> Model:
    """Return a model that denoises images.

    Args:
        name: a bundled model by name, or a weights file; "auto" takes the default model for the
            kind of each image, grey or colour, and loads it when the first one comes.
        engine: "auto", "dense", "event" or "event-int16"; see `select_engine`.
        device: where the dense engine computes, as torch names it; "auto": a GPU if there is one.
        threads: CPU threads; None: as many as there are cores.
        ensemble: average over eight orientations, at eight times the work.
        waiting: a context that is entered while the event engine may compile.

    Raises:
        WeightsError: there are no such weights, or they are damaged.
        InputError: there is no such device or engine, or it can't run this network.
    """
    model = Model(Loader(name, engine, device, threads, ensemble, waiting))
    if model.name != AUTO:
        model.loaded(colour=False)  # what is wrong with it is told before any picture is read
    return model
