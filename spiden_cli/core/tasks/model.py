"""The model object: weights, engine and noise estimate behind one call.

    model = spiden.load("auto")
    result = model.denoise(picture)

The command line, a web page and a scheduler call the same. A model may be asked by several threads
at once, and travels to other processes by pickle.
"""

import threading
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from spiden_cli.core.bundled import find_weights, model_for
from spiden_cli.core.engine.activity import Activity
from spiden_cli.core.engine.engine import Engine
from spiden_cli.core.engine.ensemble import EnsembleEngine
from spiden_cli.core.engine.firing import FiringMap
from spiden_cli.core.engine.selection import Waiting, select_engine
from spiden_cli.core.image.picture import Picture
from spiden_cli.core.image.region import as_region
from spiden_cli.core.network.folding import FoldedNetwork
from spiden_cli.core.noise.blind import NoiseEstimate, is_coarse
from spiden_cli.core.noise.defects import Repairs, repaired
from spiden_cli.core.noise.model import (
    Coarse,
    Gaussian,
    Noise,
    PoissonGaussian,
    Uniform,
    as_noise,
)
from spiden_cli.core.noise.photon_transfer import CountsEstimate
from spiden_cli.core.tasks.adjustment import UNADJUSTED, Adjustment
from spiden_cli.core.tasks.advice import doubts, no_gain, too_little
from spiden_cli.core.tasks.arrays import as_picture, like
from spiden_cli.core.tasks.denoising import OnTile, denoise_picture
from spiden_cli.core.tasks.recognition import as_clipped, estimated, is_of_camera, noise_of
from spiden_cli.core.weights import WeightsInfo, load_folded

AUTO = "auto"


@dataclass(frozen=True, eq=False)
class Result:
    """A denoised image, and what it took.

    Attributes:
        image: of the kind, shape and type that was given.
        noise: what the image was taken to hold: as it was given, or as it was estimated.
        activity: spikes and synaptic operations by layer; empty for a CNN, and where the strength
            is 0 and no network runs.
        notes: what the user should know, a sentence each: why little or nothing was removed and
            what to try, or what the model was not trained for.
        estimate: what was found of the noise, in words by `str`; None where it was given.
        adjustment: what the user changed of it.
        repairs: what was repaired of the detector's faults, in words by `str`.
        removed: root mean square of what was removed, in 8-bit units.
        firing_map: where in the image the neurons fired; None for a CNN, and where it was not asked
            for.
        model: the name of the model that ran, or its file.
        engine: the name of the engine that ran it.
        timesteps: T.
        seconds: time in the network.
    """

    image: Any
    noise: Noise
    activity: Activity
    notes: tuple[str, ...]
    estimate: NoiseEstimate | CountsEstimate | None
    adjustment: Adjustment
    repairs: Repairs
    removed: float
    firing_map: FiringMap | None
    model: str
    engine: str
    timesteps: int
    seconds: float

    @property
    def estimated(self) -> bool:
        """Whether the noise was estimated."""
        return self.estimate is not None


class Loaded(NamedTuple):
    """Weights that are ready to run.

    Attributes:
        name: of the model, or its file.
        engine: runs them.
        info: what their file says of itself.
        note: why it is that engine, if the user should know.
    """

    name: str
    engine: Engine
    info: WeightsInfo
    note: str | None


class Model:
    """A denoiser for grey and colour pictures; see `load`."""

    def __init__(
        self,
        name: str | Path,
        engine: str,
        device: str,
        threads: int | None,
        ensemble: bool,
        waiting: Waiting = nullcontext,
    ) -> None:
        self.name = str(name)
        self._settings = engine, device, threads, ensemble
        self._waiting = waiting
        self._networks: dict[str, tuple[FoldedNetwork, WeightsInfo]] = {}
        self._loaded: dict[str, Loaded] = {}
        self._lock = threading.Lock()

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what belongs to this process: engines, lock and display."""
        return {"name": self.name, "settings": self._settings, "networks": self._networks}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["name"], *state["settings"])  # type: ignore[misc]
        self._networks = state["networks"]

    def loaded(self, colour: bool, coarse: bool = False) -> Loaded:
        """Return the weights and the engine for a kind of picture; loads them at the first call.

        Args:
            colour: whether it is in colour.
            coarse: whether its noise is a camera's.

        Raises:
            WeightsError: there are no such weights, or they are damaged.
            InputError: there is no such device or engine, or it can't run this network.
        """
        name = model_for(colour, coarse) if self.name == AUTO else self.name
        with self._lock:
            if name not in self._loaded:
                self._loaded[name] = self._load(name)
            return self._loaded[name]

    def _load(self, name: str) -> Loaded:
        engine, device, threads, ensemble = self._settings
        if name not in self._networks:
            self._networks[name] = load_folded(find_weights(name))
        network, info = self._networks[name]
        made, note = select_engine(
            engine, network, device, info.firing_rate, threads, self._waiting
        )
        return Loaded(name, EnsembleEngine(made) if ensemble else made, info, note)

    def denoise(
        self,
        image: Any,  # noqa: ANN401
        noise: Noise | float | None = None,
        *,
        timesteps: int | None = None,
        white: float | None = None,
        adjustment: Adjustment = UNADJUSTED,
        mask: Any = None,  # noqa: ANN401
        region: tuple[int, int, int, int] | None = None,
        repair: bool = True,
        map_firing: bool = False,
        on_tile: OnTile = lambda done, of: None,
    ) -> Result:
        """Denoise one image.

        Args:
            image: a numpy array (H, W) or (H, W, 3), of uint8, uint16 or float; a torch tensor
                (H, W), (1, H, W) or (3, H, W), on any device; or a `Picture`.
            noise: what is known of the noise. A number is its root mean square in 8-bit units,
                1/255 of the range from black to white, of whatever kind it is; `Gaussian` and
                `Coarse` say which. `PoissonGaussian` is that of counts, in the image's own units;
                `UnknownCounts` has some of that estimated, and None everything. "auto" takes a
                model for the kind.
            timesteps: T, 1 to 64; None: what the model was trained for.
            white: the value of white. None: 1 for floats, 255 for uint8; for uint16 the largest
                value of the smallest of 8, 10, 12, 14 and 16 bits that hold the image.
            adjustment: how strongly to denoise luminance and colour, and how much grain to leave.
            mask: where to denoise: white is denoised, black stays to the bit, grey is blended. An
                array or tensor (H, W) of bool, uint8, uint16, or float from 0 to 1; or a `Picture`.
            region: denoise this part alone, and return it: left, top, width and height in pixels.
                The noise is estimated from the whole image, so that the part comes out as it does
                in the whole.
            repair: whether, in counts, stuck pixels are replaced by their neighbours, and offsets
                of rows and columns taken off, where they are clearly there.
            map_firing: also gather where the neurons fire.
            on_tile: told the number of tiles done, and of all.

        Returns:
            The image, or the region of it, of the kind, shape and type that was given, and what was
            found. Floats are not clipped.

        Raises:
            InputError: the image is of another kind, too small, or holds values that are not
                finite; the noise or T is out of range; a grey image is given to a colour model; a
                model that is told no noise level is given a strength; the mask is of another size
                or kind; the region isn't in the image.
            WeightsError: the weights can't be read, or give no finite output.
        """
        picture = as_picture(image, white)
        wanted = as_noise(noise)
        if type(wanted) is Uniform:
            wanted = self._of_its_kind(wanted, picture)
        estimate = estimated(wanted, picture)
        coarse = isinstance(wanted, Coarse) or is_of_camera(estimate)
        loaded = self.loaded(picture.is_colour, coarse)
        found = noise_of(estimate, loaded.info.for_camera) if estimate else wanted
        steps = loaded.info.timesteps[0] if timesteps is None else timesteps
        told, clipping = as_clipped(found, picture, estimate is not None)
        pixels, repairs = None, Repairs()
        if repair and isinstance(found, PoissonGaussian):
            pixels, repairs = repaired(picture.pixels, found)
        result = denoise_picture(
            loaded.engine, picture, told, steps, clipping=clipping, most=loaded.info.most_sigma,
            on_tile=on_tile, adjustment=adjustment, map_firing=map_firing, mask=mask,
            repaired=pixels, region=None if region is None else as_region(region),
        )  # fmt: skip
        strengths = adjustment.strengths(picture.is_colour)
        seen = result.removed * result.stretch
        grey = adjustment.chroma_strength is not None and not picture.is_colour
        notes = (
            loaded.note,
            "it is grey, so that the strength for colour has no effect" if grey else None,
            no_gain(estimate),
            too_little(seen, found, estimate is not None, adjustment, strengths)
            if result.asked
            else "the mask is black all over, so that nothing was denoised",
            *doubts(found, strengths, loaded.info),
        )
        return Result(
            image=like(image, result.picture),
            noise=found,
            activity=result.activity,
            notes=tuple(note for note in notes if note is not None),
            estimate=estimate,
            adjustment=adjustment,
            repairs=repairs,
            removed=result.removed,
            firing_map=result.firing_map,
            model=loaded.name,
            engine=loaded.engine.name,
            timesteps=steps,
            seconds=result.seconds,
        )

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
    model = Model(name, engine, device, threads, ensemble, waiting)
    if model.name != AUTO:
        model.loaded(colour=False)  # what is wrong with it is told before any picture is read
    return model
