"""The live display of a training run; plain lines where there is no terminal."""

import time
from collections.abc import Iterable
from contextlib import nullcontext
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from spiden_cli.errors import InputError
from spiden_cli.report.console import note, talk

if TYPE_CHECKING:
    from spiden_cli.core.training.progress import Progress
    from spiden_cli.core.training.validation import Validation

BAR_WIDTH = 20
TENSORBOARD = "tensorboard"  # folder in that of the run
REFRESH = 0.1  # seconds between two pictures of the display


def check_tensorboard(folder: Path) -> None:
    """Refuse to log for TensorBoard where that can't be done, before any work is.

    Args:
        folder: of the run.

    Raises:
        InputError: the package is missing.
        OutputError: what it writes has a folder of its own there, whose name is a file's.
    """
    if find_spec("tensorboard") is None:
        raise InputError("--tensorboard needs a package: pip install 'spiden[tensorboard]'")
    from spiden_cli.core.atomic import where_made

    where_made(folder / TENSORBOARD)


def show(training: Iterable["Progress"], folder: Path, tensorboard: bool) -> None:
    """Run a training to its end, its budget or its interruption, and show how it goes.

    Args:
        training: what trains, a step each time it is asked for its progress.
        folder: of the run.
        tensorboard: also write what TensorBoard shows, into the folder.
    """
    writer = _writer(folder) if tensorboard else None
    progress, shown_at = None, -REFRESH
    live = Live(console=talk, transient=True, auto_refresh=False)
    with live if talk.is_terminal else nullcontext():
        for progress in training:
            if talk.is_terminal and time.monotonic() - shown_at >= REFRESH:
                live.update(_panel(progress), refresh=True)
                shown_at = time.monotonic()
            if progress.validated:
                note(_line(progress))
                if writer is not None:
                    _log(writer, progress)
    if writer is not None:
        writer.close()
    if progress is None:
        note(f"the run in {folder} was finished already")
    elif progress.step < progress.steps:
        note(f"stopped at step {progress.step}: go on with --resume --output {folder}")
    else:
        note(f"done: the weights are {folder / 'weights.safetensors'}")


def _panel(progress: "Progress") -> Group:
    numbers = Table.grid(padding=(0, 2))
    numbers.add_row("step", f"{progress.step} of {progress.steps}")
    numbers.add_row("loss", f"{progress.loss:.5f}")
    numbers.add_row("images/s", f"{progress.images_per_second:.1f}")
    numbers.add_row("time", f"{_clock(progress.seconds)}, {_clock(progress.seconds_left)} left")
    bar = ProgressBar(total=progress.steps, completed=progress.step, width=60)
    parts: list[Any] = [bar, numbers]
    if progress.validation is not None:
        numbers.add_row("held-out PSNR", _levels(progress.validation))
        parts.append(_rates(progress.validation))
    return Group(*parts)


def _rates(validation: "Validation") -> Table:
    """One bar for each layer: where in the depth the spikes are."""
    table = Table.grid(padding=(0, 2))
    table.add_row(Text("activity per neuron and timestep", style="dim"))
    for name, rate in validation.firing_rates.items():
        bar = ProgressBar(total=0.5, completed=min(rate, 0.5), width=BAR_WIDTH)
        table.add_row(name, bar, f"{rate:.3f}")
    return table


def _line(progress: "Progress") -> str:
    assert progress.validation is not None
    return (
        f"step {progress.step}/{progress.steps}  loss {progress.loss:.5f}  "
        f"held-out PSNR {_levels(progress.validation)}  rate {progress.firing_rate:.3f}  "
        f"{progress.images_per_second:.1f} images/s  {_clock(progress.seconds_left)} left"
    )


def _levels(validation: "Validation") -> str:
    return ", ".join(
        f"{value:.2f} dB ({f'sigma {kind}' if kind[0].isdigit() else kind})"
        for kind, value in validation.psnr.items()
    )


def _clock(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))


def _writer(folder: Path) -> Any:  # noqa: ANN401
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter(str(folder / TENSORBOARD))


def _log(writer: Any, progress: "Progress") -> None:  # noqa: ANN401
    assert progress.validation is not None
    writer.add_scalar("loss", progress.loss, progress.step)
    writer.add_scalar("firing rate", progress.firing_rate, progress.step)
    for kind, value in progress.validation.psnr.items():
        writer.add_scalar(f"PSNR/{kind}", value, progress.step)
    for name, rate in progress.validation.firing_rates.items():
        writer.add_scalar(f"firing rate/{name}", rate, progress.step)
