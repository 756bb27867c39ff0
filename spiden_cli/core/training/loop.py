"""The training loop: one generator that yields its progress, and never prints.

A run lives in one folder: `checkpoint.safetensors` to go on from, `weights.safetensors` to use,
`log.jsonl` to look at. Each validation rewrites the first two. The loop is deterministic: on a
CPU, a run that was killed and resumed ends in the same weights, to the bit.
"""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel

from spiden_cli.core.data.patches import PatchSource
from spiden_cli.core.network.config import NetworkConfig
from spiden_cli.core.network.denoiser import Denoiser
from spiden_cli.core.training.averaging import moving_average
from spiden_cli.core.training.calibration import recalibrate
from spiden_cli.core.training.checkpoint import (
    Checkpoint,
    load_checkpoint,
    optimiser_tensors,
    prefixed,
    restore_optimiser,
    save_checkpoint,
    without_prefix,
)
from spiden_cli.core.training.config import TrainingConfig
from spiden_cli.core.training.objective import objective
from spiden_cli.core.training.optimiser import make_optimiser
from spiden_cli.core.training.schedule import learning_rate
from spiden_cli.core.training.transfer import load_teacher, start_from
from spiden_cli.core.training.validation import Validation, validate
from spiden_cli.core.weights import WeightsInfo, save_weights
from spiden_cli.errors import OutputError, TrainingError

CHECKPOINT, WEIGHTS, LOG = "checkpoint.safetensors", "weights.safetensors", "log.jsonl"


@dataclass(frozen=True)
class Progress:
    """Where a run is, after one step.

    Attributes:
        step: steps done.
        steps: steps in all.
        loss: what was minimised, smoothed over about 50 steps.
        firing_rate: spikes per neuron and timestep, likewise.
        learning_rate: of this step.
        images_per_second: patches per second of this call.
        seconds: time spent on the run, over all calls.
        seconds_left: until the run ends, at this speed.
        validation: what the last validation found; None before the first.
        validated: whether that validation came with this step.
    """

    step: int
    steps: int
    loss: float
    firing_rate: float
    learning_rate: float
    images_per_second: float
    seconds: float
    seconds_left: float
    validation: Validation | None
    validated: bool


class Trainer:
    """A run: network, its moving average, optimiser, patches, and the step that it is at.

    Args:
        folder: where the run lives; made if need be.
        network_config: the shape of the network.
        config: the settings of the run.
        images: training images, uint8 (C, H, W).
        held_out: validation images.
        device: where to train.
        notes: free text for the metadata of the weights: preset, data, command.
        start: weights to start from.
        teacher: weights of the network that teaches, if `config` gives it a share.

    Raises:
        TrainingError: no image is as large as a patch, `start` or `teacher` does not fit, or there
            is a teacher without a share or a share without a teacher.
        OutputError: the folder can't be made.
    """

    def __init__(
        self,
        folder: Path,
        network_config: NetworkConfig,
        config: TrainingConfig,
        images: Sequence[Tensor],
        held_out: Sequence[Tensor],
        device: torch.device,
        notes: dict[str, str],
        start: Path | None = None,
        teacher: Path | None = None,
    ) -> None:
        self.folder, self.config, self.device, self.notes = folder, config, device, notes
        self.held_out = held_out
        large = [image for image in images if min(image.shape[1:]) >= config.patch_size]
        if not large or not held_out:
            raise TrainingError(
                f"too few images: at least two of {config.patch_size} x {config.patch_size} pixels"
            )
        self.generator = torch.Generator(device).manual_seed(config.seed)
        self.patches = PatchSource(large, config.patch_size, config.sigma, self.generator)
        torch.manual_seed(config.seed)
        network = Denoiser(network_config)
        if start is not None:
            start_from(network, start, self.patches.draw(8))
        if config.freeze_norm:
            network.freeze_norm()
        if (teacher is None) != (config.teacher_weight == 0):
            raise TrainingError("a teacher needs a weight above 0, and a weight a teacher")
        self.teacher = None if teacher is None else load_teacher(teacher, network).to(device)
        # Channels-last is twice as fast on a CPU and no slower on a GPU.
        self.network = network.to(device)
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = AveragedModel(self.network, multi_avg_fn=moving_average(config.ema))
        self.optimiser = make_optimiser(self.network, config.optimiser, config.learning_rate)
        self.step, self.seconds = 0, 0.0
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"can't make the folder {folder}: {error.strerror}") from error

    @property
    def averaged(self) -> Denoiser:
        """The network whose weights are the moving average: what is measured and saved."""
        network = self.average.module
        assert isinstance(network, Denoiser)
        return network

    def resume(self) -> None:
        """Go back to where the folder's checkpoint stood.

        Raises:
            TrainingError: there is no checkpoint, or it is of a run with other settings.
        """
        checkpoint = load_checkpoint(self.folder / CHECKPOINT)
        if (checkpoint.network_config, checkpoint.config) != (self.network.config, self.config):
            raise TrainingError(f"{self.folder} holds a run with other settings: choose another")
        restore = checkpoint.tensors
        try:
            self.network.load_state_dict(without_prefix("network", restore))
            self.average.load_state_dict(without_prefix("average", restore))
            restore_optimiser(self.optimiser, without_prefix("optimiser", restore))
            self.generator.set_state(restore["generator"])
        except (RuntimeError, ValueError, KeyError):  # of torch, many lines long
            raise TrainingError(
                f"{self.folder / CHECKPOINT} lacks a part of the run: start again"
            ) from None
        self.step, self.seconds = checkpoint.step, checkpoint.seconds
        self.notes = checkpoint.notes

    def run(
        self, time_budget: float | None = None, stop: Callable[[], bool] = lambda: False
    ) -> Iterator[Progress]:
        """Train to the last step, or until time or patience ends; then write the checkpoint.

        Args:
            time_budget: seconds after which this call ends, to be resumed by another.
            stop: asked after each step; true ends this call likewise.

        Yields:
            The progress after each step.

        Raises:
            TrainingError: the loss is no longer a number.
            OutputError: checkpoint or weights can't be written.
        """
        config, network = self.config, self.network
        began, began_at, saved_at = time.monotonic(), self.step, -1
        spent = self.seconds
        loss = rate = 0.0
        validation: Validation | None = None
        network.train()
        while self.step < config.steps:
            lr = learning_rate(self.step, config)
            for group in self.optimiser.param_groups:
                group["lr"] = lr
            now, now_rate = self._train_step()
            if self.step == 0 or loss == 0:
                loss, rate = now, now_rate
            loss, rate = loss + 0.02 * (now - loss), rate + 0.02 * (now_rate - rate)
            self.step += 1

            elapsed = time.monotonic() - began
            self.seconds = spent + elapsed
            ends = (time_budget is not None and elapsed >= time_budget) or stop()
            validated = self.step % config.validate_every == 0 or self.step == config.steps or ends
            if validated:
                validation = self._validate()
                self.save(validation)
                saved_at = self.step
            speed = (self.step - began_at) / elapsed
            progress = Progress(
                self.step, config.steps, loss, rate, lr, speed * config.batch_size, self.seconds,
                (config.steps - self.step) / speed, validation, validated,
            )  # fmt: skip
            if validated:
                self._log(progress)
            yield progress
            if ends:
                return
        if saved_at != self.step:  # a finished run was resumed: nothing to do but to write
            self.save(self._validate())

    def _train_step(self) -> tuple[float, float]:
        config = self.config
        choice = torch.randint(
            len(config.timesteps), (1,), generator=self.generator, device=self.device
        )
        timesteps = config.timesteps[int(choice)]
        batch = self.patches.draw(config.batch_size)
        with self._autocast():
            goal = objective(
                self.network, batch, timesteps, config.method == "quantiser",
                config.sparsity_weight, self.teacher, config.teacher_weight,
            )  # fmt: skip
        self.optimiser.zero_grad(set_to_none=True)
        goal.loss.backward()  # type: ignore[no-untyped-call]
        norm = torch.nn.utils.clip_grad_norm_(self.network.parameters(), config.gradient_clip)
        if not norm.isfinite():
            raise TrainingError(
                f"the gradient is no longer finite at step {self.step + 1}: "
                "start again with a lower --lr, or train in float32"
            )
        self.optimiser.step()
        self.average.update_parameters(self.network)
        return goal.loss.item(), goal.firing_rate.item()

    def _autocast(self) -> torch.autocast:
        enabled = self.config.precision == "bfloat16"
        return torch.autocast(self.device.type, torch.bfloat16, enabled=enabled)

    def _validate(self) -> Validation:
        config, average = self.config, self.averaged
        timesteps, quantised = config.timesteps[0], config.method == "quantiser"
        if not config.freeze_norm:  # with a generator of its own: a run must not depend on it
            generator = torch.Generator(self.device).manual_seed(config.seed)
            with self._autocast():
                recalibrate(
                    average, self.patches.reseeded(generator), config.batch_size, timesteps,
                    quantised,
                )  # fmt: skip
        return validate(average, self.held_out, config.sigma, timesteps, quantised, self.device)

    def save(self, validation: Validation) -> None:
        """Write checkpoint and weights; the weights are the moving average."""
        tensors = {
            **prefixed("network", self.network.state_dict()),
            **prefixed("average", self.average.state_dict()),
            **prefixed("optimiser", optimiser_tensors(self.optimiser)),
            "generator": self.generator.get_state(),
        }
        config = self.config
        save_checkpoint(
            self.folder / CHECKPOINT,
            Checkpoint(self.network.config, config, self.step, self.seconds, tensors, self.notes),
        )
        notes = dict(self.notes)
        info = WeightsInfo(
            config=self.network.config,
            preset=notes.pop("preset", "custom"),
            timesteps=config.timesteps,
            sigma=config.sigma,
            validation_psnr=validation.psnr,
            firing_rate=validation.mean_firing_rate if self.network.config.spiking else None,
            training={
                **notes,
                "method": config.method,
                "steps": str(self.step),
                "seconds": f"{self.seconds:.0f}",
                "device": self.device.type,
            },
        )
        save_weights(self.folder / WEIGHTS, self.averaged, info)

    def _log(self, progress: Progress) -> None:
        assert progress.validation is not None
        record = {
            "step": progress.step,
            "seconds": round(progress.seconds, 1),
            "loss": round(progress.loss, 6),
            "learning_rate": progress.learning_rate,
            "firing_rate": round(progress.firing_rate, 5),
            "images_per_second": round(progress.images_per_second, 2),
            "psnr": {level: round(value, 4) for level, value in progress.validation.psnr.items()},
            "firing_rates": {
                name: round(value, 5) for name, value in progress.validation.firing_rates.items()
            },
        }
        with (self.folder / LOG).open("a", encoding="utf-8") as log:
            log.write(json.dumps(record) + "\n")
