r"""A network in integers: 8-bit weights, whole potentials, shifts and additions.

Each convolution has weights in int8 with a scale for each output channel. Currents that meet in
one potential need one unit: where a shortcut, or a shuffle, brings channels together, the scales of
all that drive them are the finest of them times a power of two, so that what comes in is shifted
and added. Thresholds, initial potentials and biases are whole numbers of that unit. The only
multiplications are those of the encoder, which sees pixels, and one for each value of the read-out.

A picture enters as whole numbers, p from 0 for black to 255 for white (beyond, if noise leads
there), the noise level as q = 4 sigma. With x the current of a channel in its unit, and theta and
start its neuron's integers, spikes of equal weight are those of

    V += x;   s = V >= theta;   V -= theta s,                 V[0] = start,

and the digits of weighted ones, with x in units 2^-T times as large,

    V = x 2^T + start;   for t = 1 ... T:   s = V >= theta 2^(T - t);   V -= theta 2^(T - t) s.

What T planes of digits drive is added up by doubling before each plane but the first. The
read-out's sum A becomes grey levels by one product and a shift, (A q m + half) >> F.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spiden_cli.core.atomic import atomic_path
from spiden_cli.core.engine.engine import check_timesteps
from spiden_cli.core.exchange.integer_units import Units, current_units
from spiden_cli.core.exchange.integer_widths import accumulator_bits
from spiden_cli.core.network import graph as nodes
from spiden_cli.core.network.folding import FoldedNetwork
from spiden_cli.errors import InputError

__all__ = ["IntegerNetwork", "quantised", "write_integers"]

FORMAT, VERSION = "spiden integers", 1
FRACTION = 32  # F: bits after the point in the read-out's factor


@dataclass(frozen=True, eq=False)
class IntegerNetwork:
    """A network in integers.

    Attributes:
        about: kind of neuron, T, channels, unshuffle, whether the noise level is an input, the
            nodes as [kind, name, inputs, numbers], and F.
        arrays: by name: NODE/weights (C_out, C_in, k, k) int8, NODE/shift and NODE/bias (C_out,)
            int32 of a convolution; NODE/threshold and NODE/start (N,) int32 of neurons;
            NODE/factor (C_out,) int64 of the read-out.
        bits: of signed numbers that hold any value, by node: of a convolution its accumulator, of
            neurons their potential; whatever the picture is within `PIXELS` and `LEVELS`.
    """

    about: Mapping[str, Any]
    arrays: Mapping[str, NDArray[Any]]
    bits: Mapping[str, int] = field(default_factory=dict)


def quantised(network: FoldedNetwork, timesteps: int) -> IntegerNetwork:
    """Round a network to integers.

    Args:
        network: of IF or weighted-spike neurons.
        timesteps: T, which units of weighted spikes depend on.

    Raises:
        InputError: the neurons leak, or the network is a CNN; T is out of range.
    """
    config, graph = network.config, network.graph
    check_timesteps(timesteps)
    if config.neuron not in ("if", "weighted"):
        raise InputError("integers are for Integrate-and-Fire and weighted-spike neurons")
    if config.weighted and timesteps > 8:
        raise InputError(f"weighted spikes in integers: at most 8 timesteps, not {timesteps}")
    units = current_units(network, timesteps)
    arrays: dict[str, NDArray[Any]] = {}
    for node in graph.of_type(nodes.Convolution):
        for part, values in _convolution(network, node, units, timesteps):
            arrays[f"{node.name}/{part}"] = values
    for layer in graph.of_type(nodes.Neurons):
        threshold, initial, _ = network.neurons[layer.name]
        unit = np.tile(units.of(layer.inputs[0]), layer.population)
        whole = _whole(threshold / unit, layer.name)
        if not (whole > 0).all():
            raise InputError(f"{layer.name} has thresholds below what 8 bits resolve")
        arrays[f"{layer.name}/threshold"] = whole
        arrays[f"{layer.name}/start"] = _whole(initial * whole, layer.name)
    about = {
        "format": FORMAT,
        "version": VERSION,
        "neuron": config.neuron,
        "timesteps": timesteps,
        "image_channels": config.image_channels,
        "unshuffle": config.unshuffle,
        "noise_map": config.noise_map,
        "grid": graph.grid,
        "fraction": FRACTION,
        "nodes": [_described(node) for node in graph.nodes],
    }
    return IntegerNetwork(about, arrays, accumulator_bits(network, arrays, timesteps))


def write_integers(path: Path, network: FoldedNetwork, timesteps: int) -> IntegerNetwork:
    """Write a network in integers as .npz; the file is whole or absent.

    Raises:
        InputError: see `quantised`.
        OutputError: the file can't be written.
    """
    made = quantised(network, timesteps)
    about = np.array(json.dumps({**made.about, "bits": made.bits}))
    with atomic_path(path) as temporary, temporary.open("wb") as stream:
        np.savez_compressed(stream, about=about, **made.arrays)  # type: ignore[arg-type]
    return made


def _described(node: nodes.Node) -> list[Any]:
    numbers: dict[str, int] = {}
    if isinstance(node, nodes.Convolution):
        numbers["stride"] = node.stride
    elif isinstance(node, nodes.Neurons):
        numbers["population"] = node.population
    elif isinstance(node, (nodes.Shuffle, nodes.Unshuffle)):
        numbers["factor"] = node.factor
    return [type(node).__name__, node.name, list(node.inputs), numbers]


def _convolution(
    network: FoldedNetwork, node: nodes.Convolution, units: Units, timesteps: int
) -> Iterator[tuple[str, NDArray[Any]]]:
    kernel, bias = units.kernel(node), network.convolutions[node.name].bias
    scale, shift = units.scales[node.name], units.shifts[node.name]
    weights = np.rint(kernel / scale[:, None, None, None]).clip(-127, 127).astype(np.int8)
    yield "weights", weights
    yield "shift", shift.astype(np.int32)
    yield "bias", _whole(bias / units.of(node.name), node.name)
    if network.graph.nodes[-1].inputs[0] == node.name:
        # A q m / 2^F is the noise in grey levels: A in units, q = 4 sigma, the mean over T steps.
        steps = 1 if network.config.weighted else timesteps
        told = 1 / 4 if network.config.noise_map else 255
        factor = units.of(node.name) * told / steps * 2.0**FRACTION
        yield "factor", _whole(factor, node.name)


def _whole(values: NDArray[Any], name: str) -> NDArray[np.int64]:
    """Round to whole numbers, and refuse what sums of 64 bits may not hold."""
    if not (np.abs(values) < 2.0**40).all():
        raise InputError(f"{name} is out of proportion with its weights: no integers hold both")
    rounded: NDArray[np.int64] = np.rint(values).astype(np.int64)
    return rounded
