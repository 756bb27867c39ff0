"""The training loop: one generator that yields its progress, and never prints.

It is deterministic: on a CPU, a run that was killed and resumed ends in the same weights, to the
bit.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext

import torch
from torch import nn

from spiden_cli.core.training.calibration import recalibrate
from spiden_cli.core.training.objective import objective
from spiden_cli.core.training.progress import Progress
from spiden_cli.core.training.run_folder import RunFolder
from spiden_cli.core.training.schedule import learning_rate
from spiden_cli.core.training.setup import Run
from spiden_cli.core.training.tensor_checks import unsound
from spiden_cli.core.training.validation import Validation, validate
from spiden_cli.errors import TrainingError

SMOOTHING = 0.02  # of the loss that is shown: about 50 steps


def train(
    run: Run,
    folder: RunFolder | None,
    time_budget: float | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Iterator[Progress]:
    """Train to the last step, or until time or patience ends.

    Each validation writes checkpoint, weights and a line of the log, and so does the end.

    Args:
        run: what to train; its state moves on with each step.
        folder: where the run is kept; None writes nothing, for a process that shares the run with
            another, which has the folder.
        time_budget: seconds after which this call ends, to be resumed by another.
        stop: asked after each step; true ends this call likewise.

    Yields:
        The progress after each step.

    Raises:
        TrainingError: the loss is no longer a number, or another process has the folder, or has
            trained in it since the run was begun or read.
        OutputError: the folder can't be made, or a file not be written.
    """
    with nullcontext() if folder is None else folder.claimed(run.state.step):
        yield from _train(run, folder, time_budget, stop)


def _train(
    run: Run, folder: RunFolder | None, time_budget: float | None, stop: Callable[[], bool]
) -> Iterator[Progress]:
    config, state = run.record.config, run.state
    began, began_at, spent = time.monotonic(), state.step, state.seconds
    smooth_loss: float | None = None
    smooth_rate = 0.0
    validation: Validation | None = None
    state.network.train()
    replica = run.team.replica(state.network)

    while state.step < config.steps:
        lr = learning_rate(state.step, config)
        loss, rate = _step(run, replica, lr)
        if smooth_loss is None:
            smooth_loss, smooth_rate = loss, rate
        smooth_loss += SMOOTHING * (loss - smooth_loss)
        smooth_rate += SMOOTHING * (rate - smooth_rate)
        elapsed = time.monotonic() - began
        state.seconds = spent + elapsed

        # Validate and save. The checkpoint comes first: who stops a run may not wait for more.
        ends = _agreed(run, (time_budget is not None and elapsed >= time_budget) or stop())
        validated = state.step % config.validate_every == 0 or state.step == config.steps or ends
        if validated and run.team.leads:
            validation = _save_and_validate(run, folder)

        speed = (state.step - began_at) / elapsed
        progress = Progress(
            state.step, config.steps, smooth_loss, smooth_rate, lr, speed * config.batch_size,
            state.seconds, (config.steps - state.step) / speed, validation, validated,
        )  # fmt: skip
        if validated and folder is not None:
            folder.append_log(progress)
        yield progress
        if ends or (validated and _agreed(run, stop())):  # a wish that came during the validation
            return

    # The run was finished, but perhaps not its weights written.
    if began_at == config.steps and run.team.leads:
        _save_and_validate(run, folder)


def _agreed(run: Run, wish: bool) -> bool:
    """Return whether one of the processes is to end, and so all of them."""
    return run.team.any(wish, run.state.generator.device)


def _step(run: Run, replica: nn.Module, lr: float) -> tuple[float, float]:
    """Draw a batch, go down its gradient, move the average; return the loss and the firing rate."""
    config, state = run.record.config, run.state
    device = state.generator.device
    choice = torch.randint(len(config.timesteps), (1,), generator=state.generator, device=device)
    timesteps = config.timesteps[int(choice)]
    batch = run.team.share(run.patches.draw(config.batch_size))
    with run.team.meeting(), _autocast(run):
        goal = objective(
            state.network, batch, timesteps, config.method == "quantiser", config.sparsity_weight,
            run.teacher, config.teacher_weight, config.loss, config.sparsity_over, replica,
            run.team.mean,
        )  # fmt: skip
    state.optimiser.zero_grad(set_to_none=True)
    with run.team.meeting():
        goal.loss.backward()  # type: ignore[no-untyped-call]
    norm = torch.nn.utils.clip_grad_norm_(state.network.parameters(), config.gradient_clip)
    if not norm.isfinite():
        raise TrainingError(
            f"the gradient is no longer finite at step {state.step + 1}: "
            "start again with a lower --lr, or train in float32"
        )
    for group in state.optimiser.param_groups:
        group["lr"] = lr
    state.optimiser.step()
    state.average.update_parameters(state.network)
    state.step += 1
    loss, rate = run.team.mean(torch.stack((goal.loss, goal.firing_rate)).detach()).tolist()
    return loss, rate


def _save_and_validate(run: Run, folder: RunFolder | None) -> Validation:
    """Write the checkpoint, measure the moving average, and write that as the weights."""
    if folder is not None:
        folder.save_checkpoint(run.record, run.state)
    validation = _validate(run)
    if folder is not None:
        folder.save_weights(run.record, run.state, validation)
    return validation


def _validate(run: Run) -> Validation:
    config, average, device = run.record.config, run.state.averaged, run.state.generator.device
    timesteps, quantised = config.timesteps[0], config.method == "quantiser"
    if not config.freeze_norm:  # with a generator of its own: a run must not depend on it
        patches = run.patches.reseeded(torch.Generator(device).manual_seed(config.seed))
        with _autocast(run):
            recalibrate(average, patches, config.batch_size, timesteps, quantised)
    if (name := unsound(average.state_dict())) is not None:
        raise TrainingError(
            f"the average of {name} is no longer finite at step {run.state.step}: "
            "start again with a lower --lr"
        )
    return validate(average, run.held_out, config.noise, config.sigma, timesteps, quantised, device)


def _autocast(run: Run) -> torch.autocast:
    enabled = run.record.config.precision == "bfloat16"
    return torch.autocast(run.state.generator.device.type, torch.bfloat16, enabled=enabled)
