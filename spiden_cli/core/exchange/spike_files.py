"""Recorded spikes as a file: .npz, which numpy reads, or HDF5.

Both hold the same arrays under the same names, NAME/spikes, NAME/threshold and so on for each
layer, and `about`, a JSON text that says what they are; docs/exchange.md lists them.
"""

import io
import json
import zipfile
from collections.abc import Iterator
from importlib import util
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spiden_cli.core.atomic import atomic_path
from spiden_cli.core.exchange.recording import LayerSpikes, Recording
from spiden_cli.core.network.folding import NeuronParameters
from spiden_cli.core.strict_json import dumps
from spiden_cli.errors import InputError, OutputError

__all__ = ["SUFFIXES", "check_spike_file", "read_spikes", "write_spikes"]

SUFFIXES = (".npz", ".h5", ".hdf5")
FORMAT, VERSION = "spiden spikes", 1


def check_spike_file(path: Path) -> None:
    """Check, before any work is done, that spikes can be written in the format of that suffix.

    Raises:
        InputError: h5py is missing.
        OutputError: the suffix isn't supported.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise OutputError(f"can't write {path}: the suffix of spikes must be .npz or .h5")
    if suffix != ".npz":
        _check_h5py()


def write_spikes(path: Path, recording: Recording, more: dict[str, Any] | None = None) -> None:
    """Write a recording; the file is whole or absent.

    Args:
        path: its suffix decides the format.
        recording: what to write.
        more: what else to say of it, values that JSON has.

    Raises:
        InputError: h5py is missing.
        OutputError: the file can't be written, or its suffix isn't supported.
    """
    check_spike_file(path)
    arrays = dict(_arrays(recording))
    about = dumps({**_about(recording), **(more or {})})
    # Potentials are nearly noise: to compress them takes long and gains little.
    large = any(layer.potentials is not None for layer in recording.layers.values())
    with atomic_path(path) as temporary:
        if path.suffix.lower() == ".npz":
            save = np.savez if large else np.savez_compressed
            with temporary.open("wb") as stream:
                save(stream, about=np.array(about), **arrays)  # type: ignore[arg-type]
            return
        import h5py

        content = io.BytesIO()  # first: where a disk fills up under HDF5, the process crashes
        with h5py.File(content, "w") as file:
            file["about"] = about
            for name, array in arrays.items():
                file.create_dataset(name, data=array, compression=None if large else "gzip")
        temporary.write_bytes(content.getbuffer())


def read_spikes(path: str | Path) -> Recording:
    """Read what `write_spikes` wrote.

    Raises:
        InputError: the file is missing, damaged or of another kind; or h5py is missing.
    """
    path = Path(path)
    if path.suffix.lower() in SUFFIXES[1:]:
        _check_h5py()
    try:
        return _recording(_read(path))
    except FileNotFoundError:
        raise InputError(f"no file {path}: check the path") from None
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(f"{path} holds no recorded spikes, or is damaged ({error})") from None


def _check_h5py() -> None:
    if util.find_spec("h5py") is None:
        raise InputError("HDF5 needs a package: pip install 'spiden[hdf5]', or name a .npz file")


def _arrays(recording: Recording) -> Iterator[tuple[str, NDArray[Any]]]:
    yield "encoded", recording.encoded
    yield "drawn", recording.drawn
    for name, layer in recording.layers.items():
        yield f"{name}/spikes", layer.packed
        for part, values in layer.parameters._asdict().items():
            yield f"{name}/{part}", values
        if layer.potentials is not None:
            yield f"{name}/potentials", layer.potentials


def _about(recording: Recording) -> dict[str, Any]:
    layers = [
        {
            "name": name,
            "neurons": layer.shape[1],
            "population": layer.population,
            "height": layer.shape[2],
            "width": layer.width,
            "scale": layer.scale,
        }
        for name, layer in recording.layers.items()
    ]
    return {
        "format": FORMAT,
        "version": VERSION,
        "neuron": recording.neuron,
        "timesteps": recording.timesteps,
        "layers": layers,
    }


def _read(path: Path) -> dict[str, NDArray[Any]]:
    if path.suffix.lower() in SUFFIXES[1:]:
        import h5py

        found: dict[str, NDArray[Any]] = {}
        with h5py.File(path) as file:
            file.visititems(
                lambda name, item: (
                    found.update({name: np.asarray(item[()])})
                    if isinstance(item, h5py.Dataset)
                    else None
                )
            )
        return found
    with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def _recording(arrays: dict[str, NDArray[Any]]) -> Recording:
    text = arrays["about"].item()
    about = json.loads(text)
    if about["format"] != FORMAT or about["version"] != VERSION:
        raise ValueError(f"of format {about['format']!r}, version {about['version']}")
    layers = {}
    for layer in about["layers"]:
        name = layer["name"]
        parts = (arrays[f"{name}/{part}"] for part in NeuronParameters._fields)
        found = LayerSpikes(
            name, arrays[f"{name}/spikes"], layer["width"], layer["population"], layer["scale"],
            NeuronParameters(*parts), arrays.get(f"{name}/potentials"),
        )  # fmt: skip
        if found.shape != (about["timesteps"], layer["neurons"], layer["height"], layer["width"]):
            raise ValueError(f"{name} is of another shape than it says")
        layers[name] = found
    return Recording(
        about["neuron"], about["timesteps"], layers, arrays["encoded"], arrays["drawn"]
    )
