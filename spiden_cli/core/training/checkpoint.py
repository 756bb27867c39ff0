"""All that a run needs to go on exactly where it stopped, in one safetensors file.

Written whole or not at all, and read without unpickling: tensors by name, the rest as JSON. Nothing
of a file is believed: its description is checked here, its tensors by `TrainingState.restore`.

Version 2 adds the fingerprint of the data and the teacher, version 3 a SHA-256 of everything; files
of older versions are read without.
"""

import dataclasses
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from torch import Tensor

from spiden_cli.core.network.config import NetworkConfig
from spiden_cli.core.network.parameters import parameter_shapes
from spiden_cli.core.strict_json import dumps, loads, made_of, number, text_by_name, whole
from spiden_cli.core.tensor_file import LONGEST_HEADER, open_tensors, write_tensors
from spiden_cli.core.training.config import TrainingConfig
from spiden_cli.core.training.fingerprint import Fingerprint, hash_of
from spiden_cli.core.training.record import RunRecord
from spiden_cli.core.training.tensor_checks import unsound
from spiden_cli.errors import InputError, TrainingError

VERSION = "3"
READABLE = ("1", "2", VERSION)

_LONGEST_RUN = 1e10  # seconds
_COPIES = 5  # of the network's parameters: network, average, two moments, and buffers


@dataclass(frozen=True)
class Checkpoint:
    """A run between two steps.

    Attributes:
        record: what stays the same over the run.
        step: steps done.
        seconds: time spent on them, over all calls.
        tensors: network, moving average, optimiser and generator, by prefixed name.
    """

    record: RunRecord
    step: int
    seconds: float
    tensors: dict[str, Tensor]


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint, whole or not at all; the one before it stays until it reads back.

    Raises:
        TrainingError: the run has become one that can't go on: numbers in it are none.
        OutputError: the file can't be written.
    """
    record = checkpoint.record
    if (name := unsound(checkpoint.tensors)) is not None:
        raise TrainingError(
            f"{name} is no longer finite at step {checkpoint.step}, and isn't saved: --resume from "
            "the checkpoint before, or start again with a lower --lr"
        )
    run = dumps(
        {
            "network_config": dataclasses.asdict(record.network),
            "config": dataclasses.asdict(record.config),
            "fingerprint": record.fingerprint and dataclasses.asdict(record.fingerprint),
            "step": checkpoint.step,
            "seconds": checkpoint.seconds,
            "notes": record.notes,
        }
    )
    digest = _digest(run, checkpoint.tensors)
    metadata = {"checkpoint_version": VERSION, "run": run, "sha256": digest}
    write_tensors(path, checkpoint.tensors, metadata)


def load_checkpoint(path: Path, with_tensors: bool = True) -> Checkpoint:
    """Read a checkpoint.

    Args:
        path: the file.
        with_tensors: False reads what the file says of the run, which is quick, and no tensors.

    Raises:
        TrainingError: the file is missing, damaged or of an unknown version, or describes no run.
    """
    try:
        with open_tensors(path, "pt") as file:
            metadata = file.metadata() or {}
            checkpoint = _described(path, metadata)
            if with_tensors:
                _check_size(path, checkpoint.record.network)
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
                checkpoint = dataclasses.replace(checkpoint, tensors=tensors)
    except FileNotFoundError:
        raise TrainingError(f"nothing to resume: there is no {path}") from None
    except OSError as error:
        raise TrainingError(f"can't resume from {path}: {error.strerror or error}") from None
    except SafetensorError as error:
        raise TrainingError(f"can't resume from {path}: it is damaged ({error})") from None
    sealed = metadata["checkpoint_version"] == VERSION and with_tensors
    if sealed and metadata.get("sha256") != _digest(metadata["run"], checkpoint.tensors):
        raise TrainingError(f"can't resume from {path}: it is damaged (its hash is another)")
    return checkpoint


def _digest(run: str, tensors: dict[str, Tensor]) -> str:
    return hash_of(sorted(tensors.items()), run)


def _check_size(path: Path, network: NetworkConfig) -> None:
    """Refuse, before they fill the memory, tensors that can't be those of this network."""
    numbers = sum(math.prod(part.shape) for part in parameter_shapes(network).values())
    if path.stat().st_size > _COPIES * 8 * numbers + 2 * LONGEST_HEADER:
        raise TrainingError(f"can't resume from {path}: it is larger than its network")


def _described(path: Path, metadata: dict[str, str]) -> Checkpoint:
    if metadata.get("checkpoint_version") not in READABLE:
        raise TrainingError(f"can't resume from {path}: another version of spiden wrote it")
    try:
        return _from_json(loads(metadata["run"]))
    except (ValueError, TypeError, KeyError, AttributeError, InputError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else error
        raise TrainingError(f"can't resume from {path}: it describes no run ({reason})") from None


def _from_json(run: dict[str, Any]) -> Checkpoint:
    settings = run["config"]
    for name in ("sigma", "timesteps"):  # JSON has no tuples
        settings[name] = tuple(settings[name])
    if settings.get("gradient_clip", 1.0) is None:  # nor infinity
        settings["gradient_clip"] = math.inf
    fingerprint = run.get("fingerprint")
    record = RunRecord(
        # A field that the file lacks is younger than the file, and its default is what was before.
        network=made_of(NetworkConfig, run["network_config"]),
        config=made_of(TrainingConfig, settings),
        fingerprint=None if fingerprint is None else Fingerprint.from_json(fingerprint),
        notes=text_by_name(run["notes"], "the notes"),
    )
    parameter_shapes(record.network)  # refuses what no network can be built from
    step = whole(run["step"], "the step", 0, record.config.steps)
    seconds = number(run["seconds"], "the time spent", 0, _LONGEST_RUN)
    return Checkpoint(record, step, seconds, {})
