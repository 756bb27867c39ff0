"""`spiden train`: train a network on folders of images."""

import dataclasses
import signal
import sys
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spiden_cli.commands.command_line import canonical_command
from spiden_cli.commands.options import (
    DataDir,
    Device,
    Seed,
    Threads,
    counts,
    seconds,
    sigma_range,
    use_threads,
)
from spiden_cli.commands.stopping import stopping
from spiden_cli.commands.training_data import Source, of_observations, shipped_start

# These two import nothing that takes time; the defaults of a run live there, and nowhere else.
from spiden_cli.core.network.config import NetworkConfig  # noqa: TID253
from spiden_cli.core.training.config import TrainingConfig  # noqa: TID253

if TYPE_CHECKING:
    import torch

    from spiden_cli.core.training.run_folder import RunFolder

_SIGMA = ":".join(f"{level:g}" for level in dict.fromkeys(TrainingConfig.sigma))
_TIMESTEPS = ",".join(map(str, TrainingConfig.timesteps))


def train(
    context: typer.Context,
    data: Annotated[
        list[str] | None,
        typer.Option(
            help="Folder of clean images, or a set by name (bsd432, train400); repeatable."
        ),
    ] = None,
    pairs: Annotated[
        tuple[Path, Path] | None,
        typer.Option(
            metavar="NOISY CLEAN",
            help="Instead: two folders, noisy and clean pictures or stacks of the same names.",
        ),
    ] = None,
    noise2noise: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="STACK|FOLDER",
            help="Instead: noisy frames of one scene, two of which are compared; repeatable.",
        ),
    ] = None,
    axes: Annotated[
        str | None, typer.Option(metavar="LETTERS", help="Of such stacks, as in TYX.")
    ] = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder of the run.", metavar="DIR")
    ] = Path("runs/latest"),
    preset: Annotated[
        str,
        typer.Option(help="base, base-colour, tiny; with IF neurons base-if, tiny-if, dncnn17."),
    ] = "base",
    neuron: Annotated[
        str | None,
        typer.Option(help="weighted, if, lif, or relu for the CNN twin [the preset's]."),
    ] = None,
    colour: Annotated[bool, typer.Option(help="Train on colour images.")] = False,
    method: Annotated[
        str | None,
        typer.Option(
            help="bptt: through T timesteps. quantiser: the fast way in, and all that weighted "
            "spikes need [theirs; bptt]."
        ),
    ] = None,
    loss: Annotated[
        str, typer.Option(help="l1; or psnr: for the end, the mean logarithm of the error.")
    ] = TrainingConfig.loss,
    timesteps: Annotated[
        str, typer.Option(help="T, or several (4,2,1): one is drawn for each batch.")
    ] = _TIMESTEPS,
    noise: Annotated[
        str, typer.Option(help="white; or camera: what cameras make of a picture (with --colour).")
    ] = TrainingConfig.noise,
    sigma: Annotated[
        str, typer.Option(help="Noise level, such as 25, or range, 0:55 (8-bit units).")
    ] = _SIGMA,
    steps: Annotated[int, typer.Option(help="Optimiser steps in all.")] = TrainingConfig.steps,
    batch_size: Annotated[int, typer.Option(help="Patches per step.")] = TrainingConfig.batch_size,
    patch_size: Annotated[
        int, typer.Option(help="Side of a patch, in pixels, at least 8.")
    ] = TrainingConfig.patch_size,
    lr: Annotated[
        float, typer.Option(help="Peak learning rate (cosine down to zero).")
    ] = TrainingConfig.learning_rate,
    optimiser: Annotated[
        str, typer.Option(help="adam; or muon: Muon for the kernels, Adam for the rest.")
    ] = TrainingConfig.optimiser,
    warmup: Annotated[int, typer.Option(help="Steps of linear warm-up.")] = TrainingConfig.warmup,
    sparsity_weight: Annotated[
        float, typer.Option(help="Weight of the mean firing rate in the loss.")
    ] = TrainingConfig.sparsity_weight,
    sparsity_over: Annotated[
        str,
        typer.Option(help="layers: each counts alike; synapses: by the operations it drives."),
    ] = TrainingConfig.sparsity_over,
    threshold: Annotated[
        float | None, typer.Option(help="Starting threshold, if not the preset's.")
    ] = None,
    learn_initial: Annotated[
        bool, typer.Option(help="Learn each neuron's potential before the first timestep.")
    ] = NetworkConfig.learn_initial,
    surrogate: Annotated[
        str, typer.Option(help="rectangular, triangular, arctan or fast_sigmoid.")
    ] = NetworkConfig.surrogate,
    freeze_norm: Annotated[
        bool, typer.Option(help="Fold batch normalisation (fine-tuning after --init).")
    ] = TrainingConfig.freeze_norm,
    gradient_clip: Annotated[
        float, typer.Option(help="Largest gradient norm.")
    ] = TrainingConfig.gradient_clip,
    ema: Annotated[
        float, typer.Option(help="Decay of the moving average of the weights.")
    ] = TrainingConfig.ema,
    init: Annotated[
        Path | None, typer.Option(help="Start from these weights (a CNN twin, or an SNN).")
    ] = None,
    teacher: Annotated[
        Path | None, typer.Option(help="Also learn from these weights, such as the CNN twin's.")
    ] = None,
    teacher_weight: Annotated[
        float | None, typer.Option(help="The teacher's share of the loss [with a teacher: 0.5].")
    ] = None,
    val: Annotated[
        str | None, typer.Option(help="Validation images; by default 5 % are held out.")
    ] = None,
    validate_every: Annotated[
        int, typer.Option(help="Steps between validations; each writes a checkpoint.")
    ] = TrainingConfig.validate_every,
    time_budget: Annotated[
        str | None, typer.Option(help="Stop after 9m (or 90s, 1.5h), to --resume later.")
    ] = None,
    resume: Annotated[
        bool, typer.Option(help="Go on where the run in --output stopped, with the same options.")
    ] = False,
    seed: Seed = TrainingConfig.seed,
    precision: Annotated[
        str, typer.Option(help="auto measures which is faster: float32 or bfloat16.")
    ] = "auto",
    device: Device = "auto",
    threads: Threads = None,
    data_dir: DataDir = None,
    tensorboard: Annotated[
        bool, typer.Option(help="Also log for TensorBoard (pip install 'spiden[tensorboard]').")
    ] = False,
) -> None:
    """Train a spiking denoiser (or its CNN twin) on any folder of images, or on noisy ones.

    With --pairs or --noise2noise, shipped weights learn on, in minutes: steps, batch, rate and loss
    are those of such a run where not given.

    Over several processes or GPUs: torchrun --nproc-per-node 2 -m spiden_cli train ...
    """
    source = Source(data or [], val, pairs, noise2noise or [], axes)
    source.check()
    budget = seconds(time_budget) if time_budget is not None else None
    use_threads(threads)
    import torch

    from spiden_cli.core.engine.selection import torch_device
    from spiden_cli.core.network.presets import preset as named_preset
    from spiden_cli.core.neuron.surrogate import surrogate_named
    from spiden_cli.core.preflight import check_writes
    from spiden_cli.core.training.combinations import check_combination
    from spiden_cli.core.training.loop import train as run_training
    from spiden_cli.core.training.memory import keep_freed_memory
    from spiden_cli.core.training.provenance import describe_run
    from spiden_cli.core.training.run_folder import RunFolder
    from spiden_cli.core.training.setup import resume_run, start_run
    from spiden_cli.core.training.team import local_device, team
    from spiden_cli.core.weights import read_info
    from spiden_cli.report.console import hush, note
    from spiden_cli.report.training import check_tensorboard, show

    torch.set_flush_denormal(True)  # tiny optimiser moments would slow a CPU down
    keep_freed_memory()
    surrogate_named(surrogate)
    folder, target = RunFolder(output), local_device(torch_device(device))
    shape = named_preset(preset)
    network = dataclasses.replace(
        shape,
        neuron=neuron or shape.neuron,
        image_channels=3 if colour else shape.image_channels,
        surrogate=surrogate,
        learn_initial=learn_initial,
    )
    if threshold is not None:
        network = dataclasses.replace(network, threshold=threshold)
    if source.noise is not None and init is None:
        init = shipped_start(preset, network.spiking)
    config = TrainingConfig(
        steps=steps,
        batch_size=batch_size,
        patch_size=patch_size,
        learning_rate=lr,
        warmup=warmup,
        optimiser=optimiser,
        noise=noise,
        sigma=sigma_range(sigma),
        timesteps=tuple(counts(timesteps, "timesteps")),
        method=method or ("quantiser" if network.weighted else TrainingConfig.method),
        loss=loss,
        freeze_norm=freeze_norm,
        sparsity_weight=sparsity_weight,
        sparsity_over=sparsity_over,
        teacher_weight=_share(teacher_weight, teacher),
        gradient_clip=gradient_clip,
        ema=ema,
        seed=seed,
        precision=TrainingConfig.precision if precision == "auto" else precision,
        validate_every=validate_every,
    )
    if source.noise is not None:
        config = of_observations(context, config, source.noise, init)
    if tensorboard:
        check_tensorboard(folder.path)
    together = context.with_resource(team(target))
    together.check_split(config.batch_size)
    if not together.leads:
        hush()
    if not resume:
        start = read_info(init).config if init is not None else None
        check_combination(network, config, start, threshold is not None)
        if together.leads:
            folder.check_free()
        check_writes(
            [init, teacher], folder.files, folders=[folder.path], hint="choose another --output"
        )  # fmt: skip
    if not network.spiking:
        network = network.twin()
    with together.leader_first():  # who may have to fetch them
        found = source.find(data_dir)
    if precision == "auto":  # measured once all else that may be refused was
        fastest = _precision(folder if resume else None, target) if together.leads else None
        config = dataclasses.replace(config, precision=together.from_leader(fastest))
    images = source.read(found, network.image_channels)
    if resume:
        run = resume_run(folder, network, config, images, target, teacher, together)
        if not run.checked:
            note("an older spiden began this run: its images and teacher can't be checked")
        if (then := run.record.notes.get("processes", "1")) != str(together.size):
            note(
                f"begun with {then} process{'es' * (then != '1')}, {together.size} now: what "
                "follows is the same but for the order of sums"
            )
    else:
        notes = describe_run(
            preset, source.names, len(images.training), canonical_command(context), init, teacher,
            config.teacher_weight, together.size,
        )  # fmt: skip
        run = start_run(network, config, images, target, notes, init, teacher, together)
    note(f"{run.patches.image_count} training images, {len(run.held_out)} held out")
    with stopping() as received:
        kept = folder if together.leads else None
        progress = run_training(run, kept, budget, lambda: bool(received))
        if together.leads:
            show(progress, folder.path, tensorboard)
        else:
            deque(progress, maxlen=0)
    if received and not together.leads:  # the leader says it for all
        sys.exit(128 + received[0])
    if received == [signal.SIGTERM]:
        sys.exit(128 + signal.SIGTERM)
    if received:
        raise KeyboardInterrupt


def _share(weight: float | None, teacher: Path | None) -> float:
    default = 0.5 if teacher is not None else TrainingConfig.teacher_weight
    return default if weight is None else weight


def _precision(resumed: "RunFolder | None", device: "torch.device") -> str:
    """Measure, unless the run to resume has settled it."""
    from spiden_cli.core.training.precision import fastest_precision

    if resumed is not None:
        return resumed.load(with_tensors=False).record.config.precision
    return fastest_precision(device)
