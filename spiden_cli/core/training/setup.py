"""From settings and images to a run, new or resumed, that is ready for its next step."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from spiden_cli.core.data.patches import PatchSource
from spiden_cli.core.data.training_images import TrainingImages
from spiden_cli.core.network.config import NetworkConfig
from spiden_cli.core.network.denoiser import Denoiser
from spiden_cli.core.noise.training import noise_of
from spiden_cli.core.training.config import TrainingConfig
from spiden_cli.core.training.fingerprint import take_fingerprint
from spiden_cli.core.training.provenance import without_folders
from spiden_cli.core.training.record import RunRecord, differences
from spiden_cli.core.training.run_folder import RunFolder
from spiden_cli.core.training.state import TrainingState, new_state
from spiden_cli.core.training.team import ALONE, Team
from spiden_cli.core.training.transfer import load_teacher, start_from
from spiden_cli.errors import TrainingError


@dataclass(frozen=True)
class Run:
    """A run, ready for its next step.

    Attributes:
        record: settings, data and notes: what stays the same.
        state: what each step changes.
        patches: where its batches come from; draws from the state's generator.
        held_out: validation images, uint8 (C, H, W).
        teacher: the network to learn from, folded; None without one.
        checked: whether its data and teacher are known to be those that it was begun with: not of
            a resumed run whose checkpoint has no fingerprint.
        team: the processes that train it.
    """

    record: RunRecord
    state: TrainingState
    patches: PatchSource
    held_out: Sequence[Tensor]
    teacher: Denoiser | None
    checked: bool = True
    team: Team = ALONE


def start_run(
    network_config: NetworkConfig,
    config: TrainingConfig,
    images: TrainingImages,
    device: torch.device,
    notes: dict[str, str],
    start: Path | None = None,
    teacher: Path | None = None,
    team: Team = ALONE,
) -> Run:
    """Begin a run.

    Args:
        network_config: the shape of the network.
        config: the settings of the run.
        images: what to learn from; those smaller than a patch are left out.
        device: where to train.
        notes: free text for the metadata of the weights: preset, data, command.
        start: weights to start from.
        teacher: weights of the network that teaches, if `config` gives it a share.
        team: the processes that train it.

    Raises:
        TrainingError: no image is as large as a patch, `start` or `teacher` does not fit, or there
            is a teacher without a share or a share without a teacher.
        WeightsError: a weights file can't be read.
    """
    patches = _patches(images, config, device)
    torch.manual_seed(config.seed)
    network = Denoiser(network_config)
    if start is not None:
        start_from(network, start, patches.draw(8))
    if config.freeze_norm:
        network.freeze_norm()
    record = RunRecord(network_config, config, take_fingerprint(images, teacher, start), notes)
    state = new_state(network, config, patches.generator)
    taught_by = _teacher(teacher, config, state.network)
    return Run(record, state, patches, images.held_out, taught_by, team=team)


def resume_run(
    folder: RunFolder,
    network_config: NetworkConfig,
    config: TrainingConfig,
    images: TrainingImages,
    device: torch.device,
    teacher: Path | None = None,
    team: Team = ALONE,
) -> Run:
    """Go on where the run in a folder stopped.

    Args:
        folder: of the run.
        network_config: the shape of the network; that of the run, as are all that follow.
        config: the settings of the run.
        images: what it learns from.
        device: where to train; another than before is allowed, and changes the last bits.
        teacher: weights of the network that teaches.
        team: the processes that train it; another number than before is allowed likewise.

    Returns:
        The run, with the notes that it had.

    Raises:
        TrainingError: there is no checkpoint, or it is of a run with other settings, images or
            teacher: the message names what differs; or another process goes on with it.
        WeightsError: the teacher's file can't be read.
    """
    if team.leads:
        folder.check_idle()
    then = folder.load(with_tensors=False).record
    now = replace(
        then,
        network=network_config,
        config=config,
        fingerprint=take_fingerprint(images, teacher, None),
    )
    differing = differences(then, now)
    if differing:
        raise TrainingError(
            f"the run in {folder.path} was trained with {'; '.join(differing)}: "
            "give it the same, or start another in another --output"
        )
    patches = _patches(images, config, device)
    network = Denoiser(network_config)
    if config.freeze_norm:
        network.freeze_norm()
    state, checkpoint = new_state(network, config, patches.generator), folder.load()
    try:
        state.restore(checkpoint.tensors)
    except ValueError as error:
        raise TrainingError(
            f"can't resume from {folder.checkpoint}: {error}; start again, or get a whole copy"
        ) from None
    state.step, state.seconds = checkpoint.step, checkpoint.seconds
    record = replace(
        now,
        # Of a checkpoint without a fingerprint, what it goes on with is the best that is known.
        fingerprint=then.fingerprint or now.fingerprint,
        notes={key: without_folders(note) for key, note in then.notes.items()},
    )
    taught_by = _teacher(teacher, config, state.network)
    checked = then.fingerprint is not None
    return Run(record, state, patches, images.held_out, taught_by, checked, team)


def _patches(images: TrainingImages, config: TrainingConfig, device: torch.device) -> PatchSource:
    noise = noise_of(config.noise, config.sigma)
    side = config.patch_size + 2 * noise.margin
    large = [image for image in images.training if min(image.shape[1:]) >= side]
    if not large or not images.held_out:
        raise TrainingError(f"too few images: at least two of {side} x {side} pixels")
    generator = torch.Generator(device).manual_seed(config.seed)
    return PatchSource(large, config.patch_size, noise, generator)


def _teacher(path: Path | None, config: TrainingConfig, network: Denoiser) -> Denoiser | None:
    if (path is None) != (config.teacher_weight == 0):
        raise TrainingError("a teacher needs a weight above 0, and a weight a teacher")
    if path is None:
        return None
    return load_teacher(path, network).to(next(network.parameters()).device)
