"""All that a run needs to go on exactly where it stopped, in one safetensors file.

Written whole or not at all, and read without unpickling: tensors by name, the rest as JSON.
"""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from spiden_cli.core.network.config import NetworkConfig
from spiden_cli.core.tensor_file import write_tensors
from spiden_cli.core.training.config import TrainingConfig
from spiden_cli.errors import InputError, TrainingError

CHECKPOINT_VERSION = "1"


@dataclass(frozen=True)
class Checkpoint:
    """The state of a run between two steps.

    Attributes:
        network_config: the shape of the network.
        config: the settings of the run.
        step: steps done.
        seconds: time spent on them, over all calls.
        tensors: network, moving average, optimiser and generator, by prefixed name.
        notes: free text that goes into the weights: preset, data, start.
    """

    network_config: NetworkConfig
    config: TrainingConfig
    step: int
    seconds: float
    tensors: dict[str, Tensor]
    notes: dict[str, str]


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint, whole or not at all.

    Raises:
        OutputError: the file can't be written.
    """
    record = dataclasses.asdict(checkpoint)
    del record["tensors"]
    metadata = {"checkpoint_version": CHECKPOINT_VERSION, "run": json.dumps(record)}
    write_tensors(path, checkpoint.tensors, metadata)


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint.

    Raises:
        TrainingError: the file is missing, damaged or of an unknown version.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except FileNotFoundError:
        raise TrainingError(f"nothing to resume: there is no {path}") from None
    except (OSError, SafetensorError) as error:
        raise TrainingError(f"can't resume from {path}: it is damaged ({error})") from None
    if metadata.get("checkpoint_version") != CHECKPOINT_VERSION:
        raise TrainingError(f"can't resume from {path}: another version of spiden wrote it")
    try:
        return _from_json(json.loads(metadata["run"]), tensors)
    except (ValueError, TypeError, KeyError, AttributeError, InputError) as error:
        raise TrainingError(f"can't resume from {path}: it describes no run ({error})") from None


def _from_json(record: dict[str, Any], tensors: dict[str, Tensor]) -> Checkpoint:
    settings = record["config"]
    for name in ("sigma", "timesteps"):  # JSON has no tuples
        settings[name] = tuple(settings[name])
    return Checkpoint(
        network_config=NetworkConfig(**record["network_config"]),
        config=TrainingConfig(**settings),
        step=record["step"],
        seconds=record["seconds"],
        tensors=tensors,
        notes=record["notes"],
    )


def prefixed(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors with `prefix.` before each name."""
    return {f"{prefix}.{name}": tensor for name, tensor in tensors.items()}


def without_prefix(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors whose name starts with `prefix.`, without it."""
    start = f"{prefix}."
    return {name[len(start) :]: t for name, t in tensors.items() if name.startswith(start)}


def optimiser_tensors(optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Return an optimiser's state as tensors named INDEX.KEY."""
    state: dict[int, dict[str, Any]] = optimiser.state_dict()["state"]
    return {
        f"{index}.{key}": value for index, entry in state.items() for key, value in entry.items()
    }


def restore_optimiser(optimiser: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    """Put back what `optimiser_tensors` returned."""
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        index, key = name.split(".", 1)
        state.setdefault(int(index), {})[key] = tensor
    optimiser.load_state_dict(
        {"state": state, "param_groups": optimiser.state_dict()["param_groups"]}
    )
