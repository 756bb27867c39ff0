"""All that a run needs to go on exactly where it stopped, in one safetensors file.

Written whole or not at all, and read without unpickling: tensors by name, the rest as JSON.

Version 2 adds the fingerprint of the data and the teacher; files of version 1 are read without it.
"""

import dataclasses
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from torch import Tensor

from spiden_cli.core.network.config import NetworkConfig
from spiden_cli.core.strict_json import dumps
from spiden_cli.core.tensor_file import write_tensors
from spiden_cli.core.training.config import TrainingConfig
from spiden_cli.core.training.fingerprint import Fingerprint
from spiden_cli.core.training.record import RunRecord
from spiden_cli.errors import InputError, TrainingError

VERSION = "2"
READABLE = ("1", VERSION)


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
    """Write a checkpoint, whole or not at all.

    Raises:
        OutputError: the file can't be written.
    """
    record = checkpoint.record
    run = {
        "network_config": dataclasses.asdict(record.network),
        "config": dataclasses.asdict(record.config),
        "fingerprint": record.fingerprint and dataclasses.asdict(record.fingerprint),
        "step": checkpoint.step,
        "seconds": checkpoint.seconds,
        "notes": record.notes,
    }
    metadata = {"checkpoint_version": VERSION, "run": dumps(run)}
    write_tensors(path, checkpoint.tensors, metadata)


def load_checkpoint(path: Path, with_tensors: bool = True) -> Checkpoint:
    """Read a checkpoint.

    Args:
        path: the file.
        with_tensors: False reads what the file says of the run, which is quick, and no tensors.

    Raises:
        TrainingError: the file is missing, damaged or of an unknown version.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            names = file.keys() if with_tensors else []
            tensors = {name: file.get_tensor(name) for name in names}
    except FileNotFoundError:
        raise TrainingError(f"nothing to resume: there is no {path}") from None
    except (OSError, SafetensorError) as error:
        raise TrainingError(f"can't resume from {path}: it is damaged ({error})") from None
    if metadata.get("checkpoint_version") not in READABLE:
        raise TrainingError(f"can't resume from {path}: another version of spiden wrote it")
    try:
        return _from_json(json.loads(metadata["run"]), tensors)
    except (ValueError, TypeError, KeyError, AttributeError, InputError) as error:
        raise TrainingError(f"can't resume from {path}: it describes no run ({error})") from None


def _from_json(run: dict[str, Any], tensors: dict[str, Tensor]) -> Checkpoint:
    settings = run["config"]
    for name in ("sigma", "timesteps"):  # JSON has no tuples
        settings[name] = tuple(settings[name])
    if settings.get("gradient_clip", 1.0) is None:  # nor infinity
        settings["gradient_clip"] = math.inf
    fingerprint = run.get("fingerprint")
    record = RunRecord(
        # A field that the file lacks is younger than the file, and its default is what was before.
        network=NetworkConfig(**run["network_config"]),
        config=TrainingConfig(**settings),
        fingerprint=None if fingerprint is None else Fingerprint.from_json(fingerprint),
        notes={str(key): str(note) for key, note in run["notes"].items()},
    )
    return Checkpoint(record, int(run["step"]), float(run["seconds"]), tensors)
