"""What `spiden denoise` did to one picture, as a record."""

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spiden_cli.core.urls import shown_path  # noqa: TID253 - imports nothing

if TYPE_CHECKING:
    from spiden_cli.core.image.picture import Picture
    from spiden_cli.core.image.region import Region
    from spiden_cli.core.noise.model import Noise
    from spiden_cli.core.tasks.files import Done
    from spiden_cli.core.tasks.settings import Files

_ENDS = (0.02, 0.98)
"""Quantiles of the pixels that stand for the dark and the light."""


@dataclass(frozen=True)
class DenoiseReport:
    """One picture, in numbers: where from, where to, what it took.

    Attributes:
        source: the noisy picture.
        output: the file that was written.
        comparison: the file with noisy and denoised side by side, if there is one.
        mask: the file that says where to denoise, if there is one.
        region: the part of the picture that was denoised and written; None: all of it. What follows
            is of that part, but for the noise.
        width: columns of pixels.
        height: rows of pixels.
        colour: whether it is in colour.
        depth: bits per channel.
        dtype: type of the values, such as uint8 or float32.
        white: the value of white.
        span: values from black to white.
        noise: the kind of noise that was removed.
        sigma: its level in 8-bit units; None where it differs from pixel to pixel.
        sigma_in_file: its level in the file's own values, in the dark and in the light; None of a
            map.
        counts: gain, offset and read noise of photon counts; None of other noise.
        sigma_estimated: whether it was estimated from the picture.
        noise_found: what the estimate found, in words; None where the noise was given.
        strength: factor of the level that the network was told.
        chroma_strength: likewise for the colour part of what was removed.
        detail: share of the removed luminance that was put back.
        repairs: stuck pixels that were replaced, and the standard deviation of offsets that were
            taken off rows and columns, in the file's values.
        repaired: the same in words; empty where nothing was.
        removed: root mean square of what was removed, in 8-bit units.
        model: name or file of the weights.
        timesteps: T.
        engine: name of the engine that ran.
        firing_rate: spikes per neuron and timestep; NaN for a CNN.
        synaptic_operations: of the whole picture; 0 for a CNN.
        seconds: time in the network.
        noisy_psnr: of the noisy file against the reference, in dB, if there is one.
        psnr: of the result against the reference, in dB.
        ssim: of the result against the reference.
        notes: what the user should know, a sentence each.
        sigma_of_channels: the level of each colour, where they were denoised apart; `sigma` is then
            None.
        counts_of_channels: likewise gain, offset and read noise, of colours that hold counts.
        frames: of an animation: work, time and what was removed are of all, the firing map of the
            first; 1: a picture.
    """

    source: Path
    output: Path
    comparison: Path | None
    mask: Path | None
    region: "Region | None"
    width: int
    height: int
    colour: bool
    depth: int
    dtype: str
    white: float
    span: float
    noise: str
    sigma: float | None
    sigma_in_file: tuple[float, float] | None
    counts: dict[str, float] | None
    sigma_estimated: bool
    noise_found: str | None
    strength: float
    chroma_strength: float
    detail: float
    repairs: dict[str, float]
    repaired: str
    removed: float
    model: str
    timesteps: int
    engine: str
    firing_rate: float
    synaptic_operations: int
    seconds: float
    noisy_psnr: float | None
    psnr: float | None
    ssim: float | None
    notes: tuple[str, ...]
    frames: int = 1
    sigma_of_channels: tuple[float | None, ...] = ()
    counts_of_channels: tuple[dict[str, float] | None, ...] = ()

    @classmethod
    def of(cls, files: "Files", done: "Done") -> "DenoiseReport":
        """Take the numbers from what the core returned, and leave the pixels.

        Args:
            files: what was read and written.
            done: what became of the picture.
        """
        from spiden_cli.core.engine.activity import mean_firing_rate, synaptic_operations

        picture, result, quality, region, frames = done
        apart = tuple(getattr(channel.noise, "sigma", None) for channel in result.channels)
        sigma = None if apart else getattr(result.noise, "sigma", None)
        strength, chroma_strength = result.adjustment.strengths(picture.is_colour)
        return cls(
            source=files.name,
            output=files.target,
            comparison=files.drawing,
            mask=files.mask,
            region=region,
            width=picture.width,
            height=picture.height,
            colour=picture.is_colour,
            depth=picture.dtype.itemsize * 8,
            dtype=str(picture.dtype),
            white=result.image.extent.white,
            span=result.image.levels.span,
            noise=type(result.noise).__name__,
            sigma=sigma if isinstance(sigma, float) else None,
            sigma_in_file=_in_file(result.noise, picture, result.image.levels.span),
            counts=_counts_of(result.noise),
            sigma_estimated=result.estimated,
            noise_found=None if result.estimate is None or apart else str(result.estimate),
            strength=strength,
            chroma_strength=chroma_strength,
            detail=result.adjustment.detail,
            repairs=result.repairs._asdict(),
            repaired=str(result.repairs),
            removed=result.removed,
            model=result.model,
            timesteps=result.timesteps,
            engine=result.engine,
            firing_rate=mean_firing_rate(result.activity),
            synaptic_operations=synaptic_operations(result.activity),
            seconds=result.seconds,
            noisy_psnr=None if quality is None else quality.noisy_psnr,
            psnr=None if quality is None else quality.psnr,
            ssim=None if quality is None else quality.ssim,
            notes=result.notes,
            frames=frames,
            sigma_of_channels=apart,
            counts_of_channels=tuple(_counts_of(channel.noise) for channel in result.channels),
        )

    @property
    def size(self) -> str:
        """Width and height, in words."""
        return f"{self.width} x {self.height}"

    @property
    def pixels(self) -> int:
        """Pixels of the picture, of all its frames."""
        return self.width * self.height * self.frames

    @property
    def values(self) -> str:
        """What the values are, in words."""
        return f"{self.depth} bits" if self.dtype in ("uint8", "uint16") else self.dtype

    @property
    def spiking(self) -> bool:
        """Whether spikes were counted: not with a CNN, nor where no network ran."""
        return self.firing_rate == self.firing_rate  # NaN, of a CNN, is unlike itself

    @property
    def model_name(self) -> str:
        """The model without the folder of its file."""
        return Path(self.model).name

    @property
    def level(self) -> str:
        """The noise level, and where it is from."""
        if self.sigma_of_channels:
            return self._levels_of_channels
        level = self.noise if self.sigma is None else f"{self.sigma:.1f}"
        if self.sigma_in_file is not None and (self.depth > 8 or self.counts is not None):
            dark, light = self.sigma_in_file
            level = f"{dark:.3g} in the dark, {light:.3g} in the light, in the file's values"
            if self.sigma is not None:
                level = f"{self.sigma:.3g} of 255 levels, {light:.3g} in the file's values"
        whole = "the picture" if self.region is None else "the whole picture"
        whole = "the middle frame" if self.frames > 1 else whole
        return f"{level} ({f'estimated from {whole}' if self.sigma_estimated else 'as given'})"

    @property
    def _levels_of_channels(self) -> str:
        from spiden_cli.core.tasks.apart import COLOURS

        each = zip(COLOURS, self.sigma_of_channels, self.counts_of_channels, strict=True)
        said = (
            f"{name} {level:.1f}" if level is not None
            else f"{name} counts of gain {counts['gain']:.3g}" if counts
            else f"{name} different"
            for name, level, counts in each
        )  # fmt: skip
        return f"{', '.join(said)} ({'estimated' if self.sigma_estimated else 'as given'})"

    @property
    def adjustment(self) -> str:
        """What the user changed of the level, in words; empty if nothing."""
        said = []
        if self.strength != 1 or self.chroma_strength != self.strength:
            said.append(f"strength {self.strength:g}")
        if self.chroma_strength != self.strength:
            said.append(f"colour {self.chroma_strength:g}")
        if self.detail:
            said.append(f"detail {self.detail:g}")
        return ", ".join(said)

    def of_files(self, files: "Files") -> "DenoiseReport":
        """Return the same of the same picture, whose files were called otherwise."""
        return replace(
            self, source=files.name, output=files.target, comparison=files.drawing, mask=files.mask
        )

    def as_json(self) -> dict[str, Any]:
        """Return the record that `--json` prints."""
        return {
            **asdict(self),
            "source": shown_path(self.source),
            "output": shown_path(self.output),
            "comparison": None if self.comparison is None else str(self.comparison),
            "mask": None if self.mask is None else str(self.mask),
            "region": None if self.region is None else self.region._asdict(),
            "sigma": None if self.sigma is None else round(self.sigma, 6 if self.depth > 8 else 3),
            "removed": round(self.removed, 4),
            "firing_rate": self.firing_rate,
            "seconds": round(self.seconds, 4),
            "seconds_per_megapixel": round(self.seconds / self.pixels * 1e6, 4),
            "synaptic_operations_per_second": round(self.synaptic_operations / self.seconds),
            "noisy_psnr": self.noisy_psnr,
            "psnr": self.psnr,
            "ssim": self.ssim,
        }


def _in_file(noise: "Noise", picture: "Picture", span: float) -> tuple[float, float] | None:
    """Return the level in the dark and in the light of a picture, in its own values."""
    import numpy as np

    from spiden_cli.core.noise.model import PoissonGaussian, Uniform

    if isinstance(noise, Uniform):
        level = noise.sigma * span / 255
        return level, level
    if not isinstance(noise, PoissonGaussian):
        return None
    ends = np.quantile(picture.pixels, _ENDS)
    dark, light = (noise.deviation(picture.base + float(end)) for end in ends)
    return dark, light


def _counts_of(noise: "Noise") -> dict[str, float] | None:
    from spiden_cli.core.noise.model import PoissonGaussian

    return asdict(noise) if isinstance(noise, PoissonGaussian) else None
