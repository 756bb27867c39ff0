"""`spiden spikes`: the spike trains of every layer for a picture, as a file, a figure, a table."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spiden_cli.commands.model import Model, open_model, tell_doubt, weights_files
from spiden_cli.commands.options import AsJson, Overwrite, Threads, one_sigma, use_threads
from spiden_cli.commands.report_files import Csv, check_report_files
from spiden_cli.report.console import note, print_json
from spiden_cli.report.progress import counting

if TYPE_CHECKING:
    from spiden_cli.core.exchange.recorded_picture import RecordedPicture
    from spiden_cli.core.tasks.model import Model as OpenedModel

MARK = "_spikes"


def spikes(
    picture: Annotated[Path, typer.Argument(help="A noisy picture.", metavar="PICTURE")],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help=f"FILE.npz or FILE.h5; by default NAME{MARK}.npz.",
            show_default=False,
        ),
    ] = None,
    sigma: Annotated[
        str, typer.Option(help="Noise level in 8-bit units, or auto to estimate it.")
    ] = "auto",
    model: Model = "auto",
    timesteps: Annotated[
        int | None,
        typer.Option(help="T; by default what the model was trained for.", show_default=False),
    ] = None,
    layer: Annotated[
        list[str] | None,
        typer.Option(
            help="Keep this layer's spikes alone; repeatable.", metavar="NAME", show_default=False
        ),
    ] = None,
    potentials: Annotated[
        bool, typer.Option("--potentials", help="Keep membrane potentials, too: large files.")
    ] = False,
    plot: Annotated[
        list[Path] | None,
        typer.Option(
            help="Draw a raster and a rate map of each layer: FILE.png or FILE.svg; repeatable.",
            metavar="FILE", show_default=False,
        ),
    ] = None,
    csv: Csv = None,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
    threads: Threads = None,
) -> None:  # fmt: skip
    """Write the spikes of every layer for a picture, and say how often each layer fires."""
    level = None if sigma == "auto" else one_sigma(sigma)
    target = picture.with_name(f"{picture.stem}{MARK}.npz") if output is None else output
    from spiden_cli.core.engine.engine import check_timesteps
    from spiden_cli.core.exchange.spike_files import check_spike_file, write_spikes
    from spiden_cli.core.preflight import check_writes
    from spiden_cli.report.spikes import SpikesReport, print_spikes, write_rates
    from spiden_cli.report.spikes_plots import plot_spikes

    if timesteps is not None:
        check_timesteps(timesteps)
    check_spike_file(target)
    reads = [picture, *weights_files([model])]
    check_report_files(plot, csv, reads, overwrite)
    outputs = [target, csv, *(plot or ())]
    check_writes(reads, outputs, overwrite=overwrite, hint="choose another --output")
    use_threads(threads)
    opened = open_model(model, "dense", "cpu", threads)
    recorded = _record(opened, picture, level, timesteps, layer, potentials)
    report = SpikesReport.of(picture, target, recorded)
    write_spikes(target, recorded.recording, report.about())
    if csv is not None:
        write_rates(csv, recorded.recording)
    for path in plot or ():
        plot_spikes(path, report, recorded.recording)
    if as_json:
        print_json(report.as_json())
    else:
        print_spikes(report)


def _record(
    model: "OpenedModel", path: Path, level: float | None, timesteps: int | None,
    layers: list[str] | None, potentials: bool,
) -> "RecordedPicture":  # fmt: skip
    """Read the picture and run the network on it, with a progress bar."""
    from spiden_cli.core.exchange.recorded_picture import record_picture
    from spiden_cli.core.files.picture_files import read_picture

    picture = read_picture(path)
    for sentence in picture.told:
        note(f"{path.name}: {sentence}")
    with counting("recording layers") as on_layer:
        recorded = record_picture(
            model, picture, level, timesteps=timesteps, layers=layers, potentials=potentials,
            on_layer=on_layer,
        )  # fmt: skip
    if recorded.sigma is not None:
        tell_doubt(recorded.sigma, recorded.choice.loaded.info)
    if recorded.made_grey:
        note(f"{path.name} is in colour and {recorded.choice.loaded.name} for grey: it became grey")
    return recorded
