"""`spiden train`: train a network on folders of images."""

import dataclasses
import shlex
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spiden_cli.commands.options import (
    DataDir,
    Device,
    Threads,
    counts,
    seconds,
    sigma_range,
    torch_device,
    use_threads,
)
from spiden_cli.errors import InputError

if TYPE_CHECKING:
    import torch

    from spiden_cli.core.training.loop import Trainer


def train(
    data: Annotated[
        list[str],
        typer.Option(help="Folder of images, or a set by name (bsd432, train400); repeatable."),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder of the run.", metavar="DIR")
    ] = Path("runs/latest"),
    preset: Annotated[str, typer.Option(help="Network: base, tiny or dncnn17.")] = "base",
    neuron: Annotated[str, typer.Option(help="if, lif, or relu for the CNN twin.")] = "if",
    colour: Annotated[bool, typer.Option(help="Train on colour images.")] = False,
    method: Annotated[
        str,
        typer.Option(help="bptt: through T timesteps. quantiser: the fast way in; then bptt."),
    ] = "bptt",
    timesteps: Annotated[
        str, typer.Option(help="T, or several (4,2,1): one is drawn for each batch.")
    ] = "4",
    sigma: Annotated[str, typer.Option(help="Noise level, 25, or range, 0:55 (8-bit units).")] = (
        "25"
    ),
    steps: Annotated[int, typer.Option(help="Optimiser steps in all.")] = 10_000,
    batch_size: Annotated[int, typer.Option(help="Patches per step.")] = 16,
    patch_size: Annotated[int, typer.Option(help="Side of a patch, in pixels.")] = 64,
    lr: Annotated[float, typer.Option(help="Peak learning rate (cosine down to zero).")] = 2e-3,
    optimiser: Annotated[
        str, typer.Option(help="adam; or muon: Muon for the kernels, Adam for the rest.")
    ] = "adam",
    warmup: Annotated[int, typer.Option(help="Steps of linear warm-up.")] = 200,
    sparsity_weight: Annotated[
        float, typer.Option(help="Weight of the mean firing rate in the loss.")
    ] = 0.0,
    threshold: Annotated[
        float | None, typer.Option(help="Starting threshold, if not the preset's.")
    ] = None,
    learn_initial: Annotated[
        bool, typer.Option(help="Learn each neuron's potential before the first timestep.")
    ] = False,
    surrogate: Annotated[
        str, typer.Option(help="rectangular, triangular, arctan or fast_sigmoid.")
    ] = "rectangular",
    freeze_norm: Annotated[
        bool, typer.Option(help="Fold batch normalisation (fine-tuning after --init).")
    ] = False,
    gradient_clip: Annotated[float, typer.Option(help="Largest gradient norm.")] = 1.0,
    ema: Annotated[float, typer.Option(help="Decay of the moving average of the weights.")] = 0.999,
    init: Annotated[
        Path | None, typer.Option(help="Start from these weights (a CNN twin, or an SNN).")
    ] = None,
    teacher: Annotated[
        Path | None, typer.Option(help="Weights to learn from besides, such as the CNN twin's.")
    ] = None,
    teacher_weight: Annotated[
        float | None, typer.Option(help="The teacher's share of the loss [with a teacher: 0.5].")
    ] = None,
    val: Annotated[
        Path | None, typer.Option(help="Validation images; by default 5 % are held out.")
    ] = None,
    validate_every: Annotated[
        int, typer.Option(help="Steps between validations; each writes a checkpoint.")
    ] = 500,
    time_budget: Annotated[
        str | None, typer.Option(help="Stop after 9m (or 90s, 1.5h), to --resume later.")
    ] = None,
    resume: Annotated[bool, typer.Option(help="Go on where the run in --output stopped.")] = False,
    seed: Annotated[int, typer.Option(help="Seed of all randomness.")] = 0,
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
    """Train a spiking denoiser (or its CNN twin) on any folder of images."""
    budget = seconds(time_budget) if time_budget is not None else None
    use_threads(threads)
    import torch

    from spiden_cli.core.network.presets import preset as named_preset
    from spiden_cli.core.neuron.surrogate import surrogate_named
    from spiden_cli.core.training.config import TrainingConfig
    from spiden_cli.core.training.memory import keep_freed_memory
    from spiden_cli.report.training import show

    torch.set_flush_denormal(True)  # tiny optimiser moments would slow a CPU down
    keep_freed_memory()
    surrogate_named(surrogate)
    network_config = dataclasses.replace(
        named_preset(preset),
        neuron=neuron,
        image_channels=3 if colour else 1,
        surrogate=surrogate,
        learn_initial=learn_initial,
    )
    if not network_config.spiking:
        network_config = network_config.twin()
    if threshold is not None:
        network_config = dataclasses.replace(network_config, threshold=threshold)
    target = torch_device(device)
    config = TrainingConfig(
        steps=steps,
        batch_size=batch_size,
        patch_size=patch_size,
        learning_rate=lr,
        warmup=warmup,
        optimiser=optimiser,
        sigma=sigma_range(sigma),
        timesteps=tuple(counts(timesteps, "timesteps")),
        method=method,
        freeze_norm=freeze_norm,
        sparsity_weight=sparsity_weight,
        teacher_weight=_share(teacher_weight, teacher),
        gradient_clip=gradient_clip,
        ema=ema,
        seed=seed,
        precision=_precision(precision, target, output if resume else None),
        validate_every=validate_every,
    )
    images, held_out = _images(data, val, network_config.image_channels, data_dir)
    notes = {
        "preset": preset,
        "data": ", ".join(Path(folder).name for folder in data),
        "images": str(len(images)),
        "command": _command_line(),
        "start": _history(init) if init is not None else "random weights",
    }
    if teacher is not None:
        notes["teacher"] = f"{config.teacher_weight:g} of {_history(teacher)}"
    from spiden_cli.core.training.loop import Trainer

    trainer = Trainer(
        output, network_config, config, images, held_out, target, notes, init, teacher
    )
    _refuse_to_overwrite(trainer, resume)
    if resume:
        trainer.resume()
    interrupted: list[int] = []
    before = signal.signal(signal.SIGINT, lambda *_: _note_interrupt(interrupted))
    try:
        show(trainer, budget, lambda: bool(interrupted), tensorboard)
    finally:
        signal.signal(signal.SIGINT, before)
    if interrupted:
        raise KeyboardInterrupt


def _share(weight: float | None, teacher: Path | None) -> float:
    default = 0.5 if teacher is not None else 0.0
    return default if weight is None else weight


def _command_line() -> str:
    """Return the command that runs, for the weights to carry: no folder of this machine in it."""
    return shlex.join(
        ["spiden", *(Path(part).name if part.startswith("/") else part for part in sys.argv[1:])]
    )


def _history(init: Path) -> str:
    """Say how the weights to start from came about, for the new ones to carry."""
    from spiden_cli.core.weights import read_info

    run = {"command": init.name, "steps": "?", "seconds": "?", "start": "?"}
    run |= read_info(init).training
    return f"{run['command']} ({run['steps']} steps, {run['seconds']} s), from {run['start']}"


def _note_interrupt(interrupted: list[int]) -> None:
    """Let the first Ctrl-C finish the step and write a checkpoint; the second one ends it all."""
    if interrupted:
        raise KeyboardInterrupt
    interrupted.append(1)


def _precision(name: str, device: "torch.device", resumed: Path | None) -> str:
    """Measure, unless a precision is named or the run to resume has settled it."""
    from spiden_cli.core.training.checkpoint import load_checkpoint
    from spiden_cli.core.training.loop import CHECKPOINT
    from spiden_cli.core.training.precision import fastest_precision

    if name != "auto":
        return name
    if resumed is not None:
        return load_checkpoint(resumed / CHECKPOINT).config.precision
    return fastest_precision(device)


def _images(
    data: list[str], val: Path | None, channels: int, data_dir: Path | None
) -> tuple[list["torch.Tensor"], list["torch.Tensor"]]:
    from spiden_cli.core.data.datasets import find_dataset
    from spiden_cli.core.data.training_images import load_images
    from spiden_cli.core.training.validation import split
    from spiden_cli.report.progress import counting, downloading

    with downloading() as on_progress:
        sets = [find_dataset(name, data_dir, on_progress).paths for name in data]
        held = find_dataset(str(val), data_dir, on_progress).paths if val is not None else ()
    with counting("reading images", sum(map(len, sets))) as on_image:
        images = [load_images(paths, channels, on_image) for paths in sets]
    if held:
        return [image for part in images for image in part], load_images(held, channels)
    parts = [split(part) for part in images]  # of each set: what a set holds out stays held out
    return [i for train, _ in parts for i in train], [i for _, out in parts for i in out]


def _refuse_to_overwrite(trainer: "Trainer", resume: bool) -> None:
    from spiden_cli.core.training.loop import CHECKPOINT

    if not resume and (trainer.folder / CHECKPOINT).exists():
        raise InputError(f"{trainer.folder} holds a run: --resume it, or choose another --output")
