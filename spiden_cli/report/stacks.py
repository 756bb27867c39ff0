"""What `spiden denoise` did to a stack, as a few lines or a record."""

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table

from spiden_cli.core.urls import shown_path  # noqa: TID253 - imports nothing
from spiden_cli.report.console import data
from spiden_cli.report.numbers import quantity

if TYPE_CHECKING:
    from spiden_cli.core.tasks.settings import Files
    from spiden_cli.core.tasks.stack_files import StackDone

_MOST_ROWS = 8  # channels in the sheet; all are in --json


@dataclass(frozen=True)
class ChannelReport:
    """One channel of a stack.

    Attributes:
        channel: its number, from 0.
        black: what the network was shown as black, in the file's units.
        white: likewise as white.
        sigma: the noise level in 1/255 of white less black; None where it differs by pixel.
        sigma_in_units: the same in the file's units.
        counts: gain, offset and read noise of photon counts in the file's units, if it is these.
        sigma_estimated: whether it was estimated.
        sigma_of_planes: the level of each plane in the file's units, where each has its own.
    """

    channel: int
    black: float
    white: float
    sigma: float | None
    sigma_in_units: float | None
    counts: dict[str, float] | None
    sigma_estimated: bool
    sigma_of_planes: tuple[float, ...]


@dataclass(frozen=True)
class StackReport:
    """One stack, in numbers: where from, where to, what it took.

    Attributes:
        source: the noisy stack.
        output: the file that was written.
        kind: of the file that was read.
        axes: a letter for each dimension.
        shape: the dimensions.
        dtype: type of the values.
        output_axes: axes of the result.
        planes: how many were written.
        averaged: frames that each plane is the mean of.
        channels: what was found, channel by channel.
        removed: root mean square of what was removed, in 1/255 of the range.
        model: name or file of the weights.
        timesteps: T.
        engine: name of the engine.
        firing_rate: spikes per neuron and timestep; NaN for a CNN.
        synaptic_operations: of all planes; 0 for a CNN.
        seconds: time in the network.
        pixels: of all planes that were written.
        lost: what the output couldn't hold.
        notes: what the user should know.
    """

    source: Path
    output: Path
    kind: str
    axes: str
    shape: tuple[int, ...]
    dtype: str
    output_axes: str
    planes: int
    averaged: int
    channels: tuple[ChannelReport, ...]
    removed: float
    model: str
    timesteps: int
    engine: str
    firing_rate: float
    synaptic_operations: int
    seconds: float
    pixels: int
    lost: tuple[str, ...]
    notes: tuple[str, ...]

    @classmethod
    def of(cls, files: "Files", done: "StackDone") -> "StackReport":
        """Take the numbers from what the core returned.

        Args:
            files: what was read and written.
            done: what became of the stack.
        """
        from spiden_cli.core.engine.activity import mean_firing_rate, synaptic_operations

        result = done.result
        channels = tuple(
            ChannelReport(
                one.channel, one.extent.black, one.extent.white, one.sigma, one.sigma_in_units,
                None if one.counts is None else asdict(one.counts), one.estimate is not None,
                tuple(one.in_units(level) for level in result.levels.get(one.channel, ())),
            )
            for one in result.channels
        )  # fmt: skip
        return cls(
            source=files.name,
            output=files.target,
            kind=done.kind,
            axes=done.layout.axes,
            shape=done.layout.shape,
            dtype=done.dtype,
            output_axes=result.layout.axes,
            planes=result.layout.count,
            averaged=result.averaged,
            channels=channels,
            removed=result.removed,
            model=result.model,
            timesteps=result.timesteps,
            engine=result.engine,
            firing_rate=mean_firing_rate(result.activity),
            synaptic_operations=synaptic_operations(result.activity),
            seconds=result.seconds,
            pixels=result.layout.count * result.layout.pixels,
            lost=done.lost,
            notes=result.notes,
        )

    noisy_psnr = psnr = ssim = None
    """Stacks have no reference."""

    @property
    def size(self) -> str:
        """Planes, width and height, in words."""
        sizes = dict(zip(self.axes, self.shape, strict=True))
        return f"{self.planes} x {sizes['X']} x {sizes['Y']}"

    @property
    def sigma(self) -> float | None:
        """The level of the only channel in 1/255 of its range; None where there are several."""
        return self.channels[0].sigma if len(self.channels) == 1 else None

    @property
    def sigma_estimated(self) -> bool:
        """Whether levels were estimated."""
        return self.channels[0].sigma_estimated

    @property
    def spiking(self) -> bool:
        """Whether spikes were counted."""
        return self.firing_rate == self.firing_rate  # NaN, of a CNN, is unlike itself

    def of_files(self, files: "Files") -> "StackReport":
        """Return the same of the same stack, whose files were called otherwise."""
        return replace(self, source=files.name, output=files.target)

    def as_json(self) -> dict[str, Any]:
        """Return the record that `--json` prints."""
        return {
            **asdict(self),
            "source": shown_path(self.source),
            "output": shown_path(self.output),
            "seconds": round(self.seconds, 4),
            "seconds_per_megapixel": round(self.seconds / self.pixels * 1e6, 4),
        }


def print_stack(report: StackReport) -> None:
    """Print what was done to a stack."""
    sheet = Table.grid(padding=(0, 2))
    sheet.add_column(style="bold")
    sheet.add_column(overflow="fold")
    sizes = " x ".join(map(str, report.shape))
    sheet.add_row("stack", f"{report.source.name}: {report.kind}, {report.axes} {sizes}")
    sheet.add_row("values", report.dtype)
    if report.averaged > 1:
        sheet.add_row("averaged", f"{report.averaged} frames; what is left is {report.output_axes}")
    for channel in report.channels[:_MOST_ROWS]:
        named = "sigma" if channel.counts is None else "noise"
        named += f", C {channel.channel}" if len(report.channels) > 1 else ""
        sheet.add_row(named, _level(channel))
    if len(report.channels) > _MOST_ROWS:
        sheet.add_row("", f"and {len(report.channels) - _MOST_ROWS} more channels: see --json")
    sheet.add_row("model", Path(report.model).name)
    sheet.add_row("planes", str(report.planes))
    if report.spiking:
        sheet.add_row("timesteps", str(report.timesteps))
        sheet.add_row("firing rate", f"{report.firing_rate:.3f} spikes per neuron and timestep")
        sheet.add_row("operations", f"{quantity(report.synaptic_operations)} synaptic")
    speed = f"{report.seconds / report.pixels * 1e6:.2f} s per megapixel"
    sheet.add_row("time", f"{report.seconds:.2f} s on the {report.engine} engine, {speed}")
    sheet.add_row("removed", f"{report.removed:.2g} of 255 levels (root mean square)")
    for sentence in report.lost:
        sheet.add_row("not kept", sentence)
    sheet.add_row("written to", shown_path(report.output))
    data.print(sheet)


def _level(channel: ChannelReport) -> str:
    origin = "estimated" if channel.sigma_estimated else "as given"
    extent = f"black {channel.black:.5g}, white {channel.white:.5g}"
    if channel.counts is not None:
        gain, offset, read = (channel.counts[name] for name in ("gain", "offset", "read_noise"))
        told = f"gain {gain:.4g}, offset {offset:.4g}, read noise {read:.4g}"
        return f"photon counts, {told} ({origin}); {extent}"
    if channel.sigma is None or channel.sigma_in_units is None:
        return f"differs from pixel to pixel ({origin}); {extent}"
    if of_planes := channel.sigma_of_planes:
        lowest, highest = min(of_planes), max(of_planes)
        return f"{lowest:.4g} to {highest:.4g} in the file's units, by plane ({origin}); {extent}"
    told = f"{channel.sigma_in_units:.4g} in the file's units"
    return f"{told}, {channel.sigma:.1f} of 255 ({origin}); {extent}"
