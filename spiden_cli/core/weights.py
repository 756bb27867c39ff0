"""Weights files: safetensors, with all that is needed to rebuild the network in the metadata.

Nothing is ever unpickled. A file is refused, with one line that says why, unless its format
version is known, its configuration builds a network, and every tensor has the name, shape and
type that this network expects; numbers of half precision are read as single. Reading takes no
torch, unless a `Denoiser` is asked for.
"""

import dataclasses
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError

from spiden_cli.core.network.config import MOST_TIMESTEPS, NetworkConfig
from spiden_cli.core.network.folding import FoldedNetwork, fold_tensors
from spiden_cli.core.network.parameters import parameter_shapes
from spiden_cli.core.strict_json import dumps, loads, made_of, number, text_by_name, whole
from spiden_cli.core.tensor_file import open_tensors, write_tensors
from spiden_cli.errors import InputError, WeightsError

if TYPE_CHECKING:
    from spiden_cli.core.network.denoiser import Denoiser

FORMAT_VERSION = 1

_MALFORMED = (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError)
"""What Python raises on metadata that is not JSON, or not of the form that was expected."""


@dataclass(frozen=True)
class WeightsInfo:
    """What a weights file says of itself.

    Attributes:
        config: the shape of the network.
        preset: the preset that the shape came from, or "custom".
        timesteps: numbers of timesteps T that training used, first the recommended one.
        sigma: lowest and highest level of white noise in training, in 8-bit units.
        validation_psnr: PSNR in dB on the held-out split, by level of white noise, or "camera".
        firing_rate: spikes per neuron and timestep there, at the first T; None for a CNN.
        training: summary of the run: command, steps, seconds, data, start; free text by key.
        noise: kind of noise that it was trained on, "white" or "camera".
    """

    config: NetworkConfig
    preset: str
    timesteps: tuple[int, ...]
    sigma: tuple[float, float]
    validation_psnr: dict[str, float] = field(default_factory=dict)
    firing_rate: float | None = None
    training: dict[str, str] = field(default_factory=dict)
    noise: str = "white"

    @property
    def for_camera(self) -> bool:
        """Whether it was trained on camera noise, and so is told the level that this has."""
        return self.noise == "camera"

    @property
    def most_sigma(self) -> float:
        """The highest level to tell the network, in 8-bit units: beyond its training it fails."""
        return self.sigma[1] if self.config.noise_map and not self.for_camera else 255.0

    def doubt(self, sigma: float) -> str | None:
        """Return why a noise level asks too much of these weights; None if it does not."""
        low, high = self.sigma
        if low <= sigma <= high:
            return None
        trained = (
            f"sigma {sigma:.3g} is outside of what this model was trained for, {low:g} to {high:g}"
        )
        return f"{trained}: it is told {high:g}" if sigma > self.most_sigma else trained


def save_weights(path: Path, network: "Denoiser", info: WeightsInfo) -> None:
    """Write a network and what is known of it; the file is whole or absent.

    Raises:
        OutputError: the file can't be written.
    """
    record = dumps(dataclasses.asdict(info))
    metadata = {"format_version": str(FORMAT_VERSION), "spiden": record}
    write_tensors(path, network.state_dict(), metadata)


def load_weights(path: Path) -> tuple["Denoiser", WeightsInfo]:
    """Read a weights file and rebuild its network, in evaluation mode on the CPU.

    Raises:
        WeightsError: the file is missing, damaged, of an unknown version, or does not fit.
    """
    import torch

    from spiden_cli.core.network.denoiser import Denoiser

    info, tensors = read_tensors(path)
    network = Denoiser(info.config)
    network.load_state_dict({name: torch.from_numpy(array) for name, array in tensors.items()})
    return network.eval(), info


def load_folded(path: Path) -> tuple[FoldedNetwork, WeightsInfo]:
    """Read a weights file as a network that is ready to run; takes no torch.

    Raises:
        WeightsError: the file is missing, damaged, of an unknown version, or does not fit.
    """
    info, tensors = read_tensors(path)
    return fold_tensors(info.config, tensors), info


def read_tensors(path: Path) -> tuple[WeightsInfo, dict[str, NDArray[Any]]]:
    """Read a weights file as it is: every tensor by name, of the shapes that its network has.

    Raises:
        WeightsError: the file is missing, damaged, of an unknown version, or does not fit.
    """
    with open_weights(path, "np") as (info, file):
        tensors = {name: _single(file.get_tensor(name)) for name in file.keys()}  # noqa: SIM118
    if broken := sorted(name for name, tensor in tensors.items() if not _sound(name, tensor)):
        raise WeightsError(f"{path} holds values that are not finite, in {broken[0]}: get it again")
    return info, tensors


def read_info(path: Path) -> WeightsInfo:
    """Read what a weights file says of itself, without its tensors.

    Raises:
        WeightsError: the file is missing, damaged or of an unknown version.
    """
    with _opened(path, "np") as file:
        return _from_metadata(path, file.metadata() or {})


@contextmanager
def open_weights(path: Path, framework: Literal["np", "pt"]) -> Iterator[tuple[WeightsInfo, Any]]:
    """Open a weights file whose tensors have the names, shapes and types of its network.

    Yields:
        What it says of itself, and the file as `safetensors.safe_open` gives it.

    Raises:
        WeightsError: the file is missing, damaged, of an unknown version, or does not fit.
    """
    with _opened(path, framework) as file:
        info = _from_metadata(path, file.metadata() or {})
        _check_shapes(path, info.config, file)
        yield info, file


@contextmanager
def _opened(path: Path, framework: Literal["np", "pt"]) -> Iterator[Any]:
    try:
        with open_tensors(path, framework) as file:
            yield file
    except FileNotFoundError:
        raise WeightsError(f"no weights file {path}: check the path") from None
    except OSError as error:
        raise WeightsError(
            f"can't read the weights file {path}: {error.strerror or error}"
        ) from None
    except SafetensorError as error:
        raise _damaged(path, error) from None


def _damaged(path: Path, error: Exception) -> WeightsError:
    return WeightsError(f"{path} is not a weights file, or is cut off ({error})")


_DTYPES = {"float32": ("F32", "F16"), "int64": ("I64",)}  # as safetensors names them


def _single(tensor: NDArray[Any]) -> NDArray[Any]:
    return tensor.astype(np.float32) if tensor.dtype == np.float16 else tensor


def _check_shapes(path: Path, config: NetworkConfig, file: Any) -> None:  # noqa: ANN401
    """Refuse, by the file's header alone, tensors that the network it names doesn't have."""
    try:
        expected = parameter_shapes(config)
    except InputError as error:
        raise WeightsError(f"{path} describes no network that can be built: {error}") from None
    there = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118
    wrong = sorted(expected.keys() ^ there.keys()) or sorted(
        name
        for name, (shape, dtype) in expected.items()
        if tuple(there[name].get_shape()) != shape or there[name].get_dtype() not in _DTYPES[dtype]
    )
    if wrong:
        names = ", ".join(wrong[:3]) + (f" and {len(wrong) - 3} more" if len(wrong) > 3 else "")
        raise WeightsError(f"{path} does not fit the network that it names: {names}")


def _sound(name: str, tensor: NDArray[Any]) -> bool:
    if name.endswith("running_var") and (tensor < 0).any():
        return False  # not a variance, and its root not a number
    return not np.issubdtype(tensor.dtype, np.floating) or bool(np.isfinite(tensor).all())


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
        return _from_json(loads(metadata["spiden"]))
    except (*_MALFORMED, InputError) as error:
        raise WeightsError(f"{path} describes no network that can be built: {error}") from None


def _from_json(record: dict[str, Any]) -> WeightsInfo:
    low, high = (number(level, "sigma", 0, 255) for level in record["sigma"])
    if low > high:
        raise ValueError(f"sigma goes from {low:g} down to {high:g}")
    timesteps = tuple(
        whole(count, "the number of timesteps", 1, MOST_TIMESTEPS) for count in record["timesteps"]
    )
    if not timesteps:
        raise ValueError("no timesteps to run it at")
    firing_rate, psnr = record.get("firing_rate"), record["validation_psnr"]
    return WeightsInfo(
        config=made_of(NetworkConfig, record["config"]),
        preset=str(record["preset"]),
        timesteps=timesteps,
        sigma=(low, high),
        noise=str(record.get("noise", "white")),
        validation_psnr={  # null stands for infinity, which JSON has not
            k: math.inf if v is None else number(v, "PSNR", -1e3, 1e3) for k, v in psnr.items()
        },
        firing_rate=None if firing_rate is None else number(firing_rate, "the firing rate", 0, 1e3),
        training=text_by_name(record["training"], "what is said of the training"),
    )
