"""`spiden denoise`: noisy pictures in, clean pictures out."""

from dataclasses import replace

import typer

from spiden_cli.commands import batch_options, noise_options, stack_options
from spiden_cli.commands import denoise_options as options
from spiden_cli.commands.batch import Done, run
from spiden_cli.commands.crews import Machine
from spiden_cli.commands.denoise_files import Asked, find, naming_for, plan
from spiden_cli.commands.model import EngineName, Ensemble, Model, open_model, weights_files
from spiden_cli.commands.options import (
    Device,
    MaxMemory,
    Threads,
    memory_size,
    one_of,
    read_region,
)
from spiden_cli.commands.streams import streams
from spiden_cli.commands.watching import refuse_beside_watch, watch_folder
from spiden_cli.commands.work import Work
from spiden_cli.core.urls import as_local  # noqa: TID253 - imports nothing
from spiden_cli.errors import InputError
from spiden_cli.report.batch import print_failures, print_outcomes, print_plan, summary
from spiden_cli.report.console import fail, print_json, reporting_on


def denoise(
    pictures: options.Pictures = None,
    sigma: options.Sigma = "auto",
    sigma_unit: noise_options.SigmaUnit = "8-bit",
    strength: options.Strength = 1.0,
    chroma_strength: options.ChromaStrength = None,
    detail: options.Detail = 0.0,
    mask: options.Mask = None,
    region: options.Region = None,
    noise: noise_options.Kind = "auto",
    gain: noise_options.Gain = None,
    offset: noise_options.Offset = None,
    read_noise: noise_options.ReadNoise = None,
    hot_pixels: noise_options.HotPixels = "auto",
    model: Model = "auto",
    timesteps: options.Timesteps = None,
    ensemble: Ensemble = False,
    output: options.Output = None,
    output_pattern: options.OutputPattern = None,
    format: options.Format = None,
    overwrite: options.Overwrite = False,
    skip_existing: options.SkipExisting = False,
    compare: options.Compare = None,
    reference: options.Reference = None,
    white: options.White = None,
    quality: options.Quality = None,
    strip: options.Strip = False,
    floats: options.Floats = False,
    show: options.Show = False,
    strict: options.Strict = False,
    lenient: options.Lenient = False,
    as_json: options.AsJson = False,
    recursive: batch_options.Recursive = False,
    jobs: batch_options.Jobs = None,
    scheduler: batch_options.Scheduler = None,
    dry_run: batch_options.DryRun = False,
    watch: batch_options.Watch = None,
    log: batch_options.Log = None,
    axes: stack_options.Axes = None,
    channels: stack_options.Channels = "auto",
    level_per: stack_options.LevelPer = "channel",
    average_frames: stack_options.AverageFrames = False,
    engine: EngineName = "auto",
    device: Device = "auto",
    threads: Threads = None,
    max_memory: MaxMemory = None,
) -> None:
    """Remove noise from pictures and stacks; their depth, colours and metadata are kept."""
    one_of("--channels", channels, ("auto", "independent", "together"))
    one_of("--level-per", level_per, ("channel", "plane"))
    repair = noise_options.repairs(hot_pixels)
    known = noise_options.chosen_noise(sigma, sigma_unit, noise, gain, offset, read_noise)
    part = None if region is None else read_region(region, "--region")
    if overwrite and skip_existing:
        raise InputError("--overwrite and --skip-existing are two wishes: give one of them")
    from spiden_cli.core.engine.engine import check_timesteps
    from spiden_cli.core.tasks.adjustment import Adjustment
    from spiden_cli.core.tasks.settings import Settings

    adjustment = Adjustment(strength, chroma_strength, detail)
    if timesteps is not None:
        check_timesteps(timesteps)
    settings = Settings(
        known, timesteps, white, adjustment, quality, strip, part, overwrite,
        None if max_memory is None else memory_size(max_memory), strict=strict, axes=axes,
        independent=None if channels == "auto" else channels == "independent",
        per_plane=level_per == "plane", average=average_frames, repair=repair, floats=floats,
        lenient=lenient,
    )  # fmt: skip

    def open_work(share: int | None, alone: bool) -> Work:
        opened = open_model(model, engine, device, share, ensemble)
        named = timesteps is not None and model != "auto"
        if named and not opened.loaded(False).info.config.spiking:
            raise InputError("a CNN has no timesteps: leave out --timesteps")
        return Work(opened, replace(settings, alone=alone), show)

    output = None if output is None else as_local(output)

    prints = {"--json": as_json, "--show": show, "--dry-run": dry_run}
    with streams(pictures or [], output, prints) as places:
        asked = Asked(
            naming_for(places.output, format, output_pattern, part is not None),
            recursive, overwrite, skip_existing, reference, mask, compare, log,
            also_read=weights_files([model]), quality=quality, part=part is not None,
            shown=places.shown,
        )  # fmt: skip
        machine = Machine(open_work, jobs, threads, scheduler)
        if watch is not None:
            refuse_beside_watch(
                places.pictures, output,
                {"--jobs": (jobs or 1) > 1, "--scheduler": scheduler is not None,
                 "--dry-run": dry_run, "--show": show},
            )  # fmt: skip
            watch_folder(watch, asked, machine, as_json)
            return
        if not places.pictures:
            raise InputError(
                "Missing argument 'PICTURE...': name pictures, folders or patterns, or --watch a "
                "folder; see spiden denoise --help"
            )
        sources = find(places.pictures, asked)
        if places.to_stdout and len(sources) > 1:
            raise InputError(f"{len(sources)} pictures can't go to stdout: give --output a folder")
        if show and scheduler is not None:
            raise InputError("--show draws in this terminal: leave out --scheduler")
        if show and len(sources) > 1:
            raise InputError(
                "--show draws a single picture: of several, --compare FOLDER/ draws each"
            )
        planned = plan(sources, asked)
        if dry_run:
            print_plan(planned.outcomes("planned"), as_json)
            return
        _report(run(planned, machine, log), as_json, quiet=places.to_stdout)


def _report(done: Done, as_json: bool, quiet: bool) -> None:
    """Print what was done, and leave with the exit code of what went wrong.

    Raises:
        typer.Exit: not all was done.
    """
    written = [outcome.report.output for outcome in done.outcomes if outcome.report is not None]
    with reporting_on(written):
        if as_json:
            print_json([outcome.as_json() for outcome in done.outcomes])
        elif not quiet:
            print_outcomes(done.outcomes, done.seconds)
    print_failures(done.outcomes)
    if done.signal is not None:
        fail(f"interrupted: {summary(done.outcomes, done.seconds)}; --skip-existing goes on")
        raise typer.Exit(128 + done.signal)
    if done.exit_code:
        raise typer.Exit(done.exit_code)
