"""Which engine runs a network: the one that was asked for, or the faster one."""

import re
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from importlib import metadata, util
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from spiden_cli.core.engine.engine import Engine
from spiden_cli.core.network.folding import FoldedNetwork, folded
from spiden_cli.errors import InputError, UnsupportedNodeError

if TYPE_CHECKING:
    import torch

    from spiden_cli.core.network.denoiser import Denoiser

_DEVICE = re.compile(r"cpu|mps|(cuda|xpu)(:\d{1,2})?", re.ASCII)

ENGINES = ("auto", "dense", "event", "event-int16")

BREAK_EVEN_RATE = 0.5
"""Firing rate up to which the event engine is faster than the dense one.

Measured by `benchmarks/inference.py` (docs/performance.md), and lower than what it found, since
processors differ.
"""

Waiting = Callable[[], AbstractContextManager[object]]


class Selection(NamedTuple):
    """An engine, and what the user should know of why it is that one.

    Attributes:
        engine: ready to run.
        note: a sentence; None where there is nothing to say.
    """

    engine: Engine
    note: str | None = None


def make_engine(
    name: str,
    network: "FoldedNetwork | Denoiser",
    device: "str | torch.device" = "auto",
    firing_rate: float | None = None,
    threads: int | None = None,
) -> Engine:
    """Return an engine that runs a network; see `select_engine`."""
    return select_engine(name, network, device, firing_rate, threads).engine


def select_engine(
    name: str,
    network: "FoldedNetwork | Denoiser",
    device: "str | torch.device" = "auto",
    firing_rate: float | None = None,
    threads: int | None = None,
    waiting: Waiting = nullcontext,
) -> Selection:
    """Choose an engine and make it.

    Args:
        name: "dense": torch. "event": loops over spikes, on the CPU. "event-int16": the same with
            weights of 16 bits. "auto": "event" where it can run and is the faster one.
        network: what to run; it stays as it is.
        device: where the dense engine computes, as torch names it; "auto": a GPU if there is one.
        firing_rate: spikes per neuron and timestep of this network, as measured before.
        threads: CPU threads of the event engine; None: as many as there are cores.
        waiting: entered while the event engine may compile, for half a minute at its first use.

    Raises:
        InputError: there is no such engine or device, or it can't run this network here.
    """
    if name not in ENGINES:
        raise InputError(f"unknown engine {name!r}: choose one of {', '.join(ENGINES)}")
    ready, where = folded(network), str(device)
    if name.startswith("event"):
        if where not in ("auto", "cpu"):
            raise InputError(f"the event engine runs on the CPU: leave out device {where!r}")
        with waiting():
            return Selection(_event(ready, threads, name))
    note = None
    if name == "auto" and _event_is_faster(ready, where, firing_rate):
        try:
            with waiting():
                return Selection(_event(ready, threads, "event"))
        except InputError as reason:
            note = f"running on the dense engine: {reason}"
    elif name == "auto" and ready.config.spiking and util.find_spec("numba") is None:
        note = "spikes run many times faster on the event engine: pip install 'spiden[fast]'"
    return Selection(_dense(ready, where), note)


def _event_is_faster(network: FoldedNetwork, device: str, rate: float | None) -> bool:
    # Of weighted spikes the dense engine runs the sum, in one pass.
    most = BREAK_EVEN_RATE / 2 if network.config.weighted else BREAK_EVEN_RATE
    if not network.config.spiking or rate is None or rate >= most:
        return False
    return device == "cpu" or (device == "auto" and not _may_have_a_gpu())


def _may_have_a_gpu() -> bool:
    """Tell without torch, whose import takes longer than a picture, if it could find a GPU here."""
    drivers = ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg", "/dev/xe")
    if sys.platform == "linux" and not any(Path(driver).exists() for driver in drivers):
        return False
    try:
        if metadata.version("torch").endswith("+cpu"):
            return False
    except metadata.PackageNotFoundError:
        return False
    return torch_device("auto").type != "cpu"


def torch_device(name: str) -> "torch.device":
    """Return the device of that name; "auto" takes a GPU where there is one.

    Raises:
        InputError: there is no such device here.
    """
    import torch

    if name == "auto":
        found = torch.accelerator.current_accelerator()
        usable = found is not None and torch.accelerator.is_available()
        return found if found is not None and usable else torch.device("cpu")
    try:
        if not _DEVICE.fullmatch(name):  # torch knows more, such as meta, on which nothing is run
            raise RuntimeError
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError):
        raise InputError(f"no device {name!r} here: use auto, or cpu") from None
    return device


def _dense(network: FoldedNetwork, device: str) -> Engine:
    from spiden_cli.core.engine.dense import DenseEngine

    return DenseEngine(network, torch_device(device))


def _event(network: FoldedNetwork, threads: int | None, name: str) -> Engine:
    if util.find_spec("numba") is None:
        raise InputError("the event engine needs numba: pip install 'spiden[fast]'")
    try:
        from spiden_cli.core.engine.event.engine import EventEngine

        return EventEngine(network, threads, "int16" if name == "event-int16" else "float32")
    except (InputError, UnsupportedNodeError):
        raise
    except Exception as error:  # numba, its compiler and its cache fail in their own ways
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise InputError(
            f"numba, which the event engine needs, doesn't work here ({reason}): mend that, or use "
            "--engine dense"
        ) from error
