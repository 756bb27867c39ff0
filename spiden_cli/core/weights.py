"""Weights files: safetensors, with all that is needed to rebuild the network in the metadata.

Nothing is ever unpickled. A file is refused, with one line that says why, unless its format
version is known, its configuration builds a network, and every tensor has the name, shape and
type that this network expects.
"""

import dataclasses
import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from spiden_cli.core.network.denoiser import Denoiser
from spiden_cli.core.network.presets import NetworkConfig
from spiden_cli.core.strict_json import dumps
from spiden_cli.core.tensor_file import write_tensors
from spiden_cli.errors import InputError, WeightsError

FORMAT_VERSION = 1

_LIES = (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError)
"""What Python raises when JSON is none, or is not of the form that was expected."""


@dataclass(frozen=True)
class WeightsInfo:
    """What a weights file says of itself.

    Attributes:
        config: the shape of the network.
        preset: the preset that the shape came from, or "custom".
        timesteps: numbers of timesteps T that training used, first the recommended one.
        sigma: lowest and highest noise level of training, in 8-bit units.
        validation_psnr: PSNR in dB on the held-out split, by noise level.
        firing_rate: spikes per neuron and timestep there, at the first T; None for a CNN.
        training: summary of the run: command, steps, seconds, data, start; free text by key.
    """

    config: NetworkConfig
    preset: str
    timesteps: tuple[int, ...]
    sigma: tuple[float, float]
    validation_psnr: dict[str, float] = field(default_factory=dict)
    firing_rate: float | None = None
    training: dict[str, str] = field(default_factory=dict)


def save_weights(path: Path, network: Denoiser, info: WeightsInfo) -> None:
    """Write a network and what is known of it; the file is whole or absent.

    Raises:
        OutputError: the file can't be written.
    """
    metadata = {"format_version": str(FORMAT_VERSION), "spiden": dumps(_to_json(info))}
    write_tensors(path, network.state_dict(), metadata)


def load_weights(path: Path) -> tuple[Denoiser, WeightsInfo]:
    """Read a weights file and rebuild its network, in evaluation mode on the CPU.

    Raises:
        WeightsError: the file is missing, damaged, of an unknown version, or does not fit.
    """
    info, tensors = _read(path, with_tensors=True)
    network = _without_memory(path, info)
    expected = network.state_dict()
    wrong = sorted(expected.keys() ^ tensors.keys()) or sorted(
        name
        for name, tensor in tensors.items()
        if tensor.shape != expected[name].shape or tensor.dtype != expected[name].dtype
    )
    if wrong:
        names = ", ".join(wrong[:3]) + (f" and {len(wrong) - 3} more" if len(wrong) > 3 else "")
        raise WeightsError(f"{path} does not fit the network that it names: {names}")
    broken = sorted(name for name, tensor in tensors.items() if not _sound(name, tensor))
    if broken:
        raise WeightsError(f"{path} holds values that are no numbers, in {broken[0]}: get it again")
    network.to_empty(device="cpu").load_state_dict(tensors)  # copied: the file may change
    return network.eval(), info


def read_info(path: Path) -> WeightsInfo:
    """Read what a weights file says of itself, and none of its tensors.

    Raises:
        WeightsError: the file is missing, damaged or of an unknown version.
    """
    return _read(path, with_tensors=False)[0]


def _without_memory(path: Path, info: WeightsInfo) -> Denoiser:
    """Build the network on the meta device: a lie about its size must not fill the memory."""
    try:
        with torch.device("meta"):
            return Denoiser(info.config)
    except InputError as error:
        raise WeightsError(f"{path} describes no network that can be built: {error}") from None


def _sound(name: str, tensor: torch.Tensor) -> bool:
    if name.endswith("running_var") and (tensor < 0).any():
        return False  # no variance, and its root no number
    return not tensor.is_floating_point() or bool(tensor.isfinite().all())


def _read(path: Path, with_tensors: bool) -> tuple[WeightsInfo, dict[str, torch.Tensor]]:
    try:
        with safe_open(path, framework="pt") as file:
            info = _from_metadata(path, file.metadata() or {})
            names = file.keys() if with_tensors else []
            return info, {name: file.get_tensor(name) for name in names}
    except FileNotFoundError:
        raise WeightsError(f"no weights file {path}: check the path") from None
    except (OSError, SafetensorError) as error:
        raise WeightsError(f"{path} is no weights file, or is cut off ({error})") from None


def _from_metadata(path: Path, metadata: dict[str, str]) -> WeightsInfo:
    version = metadata.get("format_version")
    if "spiden" not in metadata or version is None:
        raise WeightsError(f"{path} was not written by spiden: its metadata name no network")
    if version != str(FORMAT_VERSION):
        raise WeightsError(
            f"{path} has format version {version}, and this spiden reads {FORMAT_VERSION}: "
            "update spiden, or get weights of that version"
        )
    try:
        return _from_json(json.loads(metadata["spiden"]))
    except (*_LIES, InputError) as error:
        raise WeightsError(f"{path} describes no network that can be built: {error}") from None


def _to_json(info: WeightsInfo) -> dict[str, Any]:
    return dataclasses.asdict(info)


def _from_json(record: dict[str, Any]) -> WeightsInfo:
    low, high = (float(value) for value in record["sigma"])
    timesteps = tuple(int(count) for count in record["timesteps"])
    if min(timesteps, default=0) < 1:
        raise ValueError(f"no timesteps to run it at in {list(timesteps)}")
    firing_rate = record.get("firing_rate")
    return WeightsInfo(
        config=NetworkConfig(**record["config"]),
        preset=str(record["preset"]),
        timesteps=timesteps,
        sigma=(low, high),
        validation_psnr={  # null stands for infinity, which JSON has not
            str(k): math.inf if v is None else float(v)
            for k, v in record["validation_psnr"].items()
        },
        firing_rate=None if firing_rate is None else float(firing_rate),
        training={str(k): str(v) for k, v in record["training"].items()},
    )
