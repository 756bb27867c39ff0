"""What `spiden denoise` did to one picture or stack, in a few lines."""

from rich.table import Table

from spiden_cli.core.urls import shown_path  # noqa: TID253 - imports nothing
from spiden_cli.report.console import data
from spiden_cli.report.denoising import DenoiseReport
from spiden_cli.report.numbers import quantity
from spiden_cli.report.stacks import StackReport, print_stack


def print_sheet(report: DenoiseReport | StackReport) -> None:
    """Print what was done to one picture or stack, in a few lines."""
    if isinstance(report, StackReport):
        print_stack(report)
    else:
        data.print(_sheet(report))


def _sheet(report: DenoiseReport) -> Table:
    sheet = Table.grid(padding=(0, 2))
    sheet.add_column(style="bold")
    sheet.add_column(overflow="fold")
    kind = "colour" if report.colour else "grey"
    size = f"{report.width} x {report.height}"
    size += f", {report.frames} frames" if report.frames > 1 else ""
    sheet.add_row("picture", f"{report.source.name}: {size}, {kind}, {report.values}")
    if report.region is not None:
        sheet.add_row("part", f"--region {report.region}")
    if report.mask is not None:
        sheet.add_row("mask", report.mask.name)
    if report.noise_found is not None:
        sheet.add_row("noise", report.noise_found)
    sheet.add_row("sigma", report.level)
    if report.adjustment:
        sheet.add_row("adjusted", report.adjustment)
    if report.repaired:
        sheet.add_row("repaired", report.repaired)
    sheet.add_row("model", report.model_name)
    if report.spiking:
        per_pixel = report.synaptic_operations / report.pixels
        sheet.add_row("timesteps", str(report.timesteps))
        sheet.add_row("firing rate", f"{report.firing_rate:.3f} spikes per neuron and timestep")
        sheet.add_row(
            "operations",
            f"{quantity(report.synaptic_operations)} synaptic ({quantity(per_pixel)} per pixel)",
        )
    speed = f"{report.seconds / report.pixels * 1e6:.2f} s per megapixel"
    sheet.add_row("time", f"{report.seconds:.2f} s on the {report.engine} engine, {speed}")
    if report.spiking:
        rate = quantity(report.synaptic_operations / report.seconds)
        sheet.add_row("speed", f"{rate} synaptic operations per second")
    removed = f"{report.removed:.2g} of 255 levels"
    if report.depth > 8:
        removed += f", {report.removed * report.span / 255:.3g} in the file's values"
    sheet.add_row("removed", f"{removed} (root mean square)")
    if report.psnr is not None:
        sheet.add_row("PSNR", f"{report.noisy_psnr:.2f} dB noisy, {report.psnr:.2f} dB denoised")
    if report.ssim is not None:
        sheet.add_row("SSIM", f"{report.ssim:.4f}")
    sheet.add_row("written to", shown_path(report.output))
    if report.comparison is not None:
        sheet.add_row("compared in", str(report.comparison))
    return sheet
