"""Which engine runs a network: the one that was asked for, or the faster one."""

from collections.abc import Callable

import torch

from spiden_cli.core.engine.engine import DenseEngine, Engine
from spiden_cli.core.network.denoiser import Denoiser
from spiden_cli.errors import InputError

ENGINES = ("auto", "dense", "event", "event-int16")


def make_engine(
    name: str,
    network: Denoiser,
    device: torch.device,
    firing_rate: float | None = None,
    threads: int | None = None,
) -> Engine:
    """Return an engine that runs a network.

    Args:
        name: "dense": torch. "event": loops over spikes, on the CPU. "event-int16": the same with
            weights of 16 bits. "auto": "event" where it can run and is the faster one.
        network: what to run; it stays as it is.
        device: where the dense engine computes.
        firing_rate: spikes per neuron and timestep of this network, as measured before.
        threads: CPU threads of the event engine; None: as many as torch uses.

    Raises:
        InputError: there is no such engine, or it can't run this network here.
    """
    if name not in ENGINES:
        raise InputError(f"unknown engine {name!r}: choose one of {', '.join(ENGINES)}")
    if name == "auto":
        name = "event" if _event_is_faster(network, device, firing_rate) else "dense"
    if name == "dense":
        return DenseEngine(network, device)
    return _event_engine()(network, threads, "int16" if name == "event-int16" else "float32")


BREAK_EVEN_RATE = 0.5
"""Firing rate up to which the event engine is faster than the dense one.

Measured by `benchmarks/inference.py` (docs/performance.md), and lower than what it found, since
processors differ.
"""


def _event_is_faster(network: Denoiser, device: torch.device, rate: float | None) -> bool:
    if not network.config.spiking or device.type != "cpu":
        return False
    if rate is None or rate >= BREAK_EVEN_RATE:
        return False
    try:
        _event_engine()
    except InputError:
        return False
    return True


def _event_engine() -> Callable[[Denoiser, int | None, str], Engine]:
    try:
        from spiden_cli.core.engine.event.engine import EventEngine
    except ImportError:
        raise InputError("the event engine needs numba: pip install 'spiden[fast]'") from None
    except RuntimeError:  # numba, where neither package nor home can be written
        raise InputError(
            "numba finds no folder to keep compiled code in: set NUMBA_CACHE_DIR to one"
        ) from None
    return EventEngine
