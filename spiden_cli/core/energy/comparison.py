"""A spiking network against four CNNs, under each energy model: who wins where."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from spiden_cli.core.energy.constants import Constants
from spiden_cli.core.energy.counts import dense_counts, spiking_counts
from spiden_cli.core.energy.layer_counts import LayerCounts, Operations, by_layer, total_operations
from spiden_cli.core.energy.lemaire import LemaireModel
from spiden_cli.core.energy.measurement import Measurement
from spiden_cli.core.energy.model import (
    FP32,
    INT8,
    EnergyModel,
    Joules,
    Precision,
    break_even,
    quantised,
    spent,
)
from spiden_cli.core.energy.movement import MovementModel, equivalent_bits
from spiden_cli.core.energy.operations import OperationsModel
from spiden_cli.core.network.config import NetworkConfig
from spiden_cli.core.network.families import graph_of
from spiden_cli.core.network.presets import preset

TWIN, TWIN_INT8, TWIN_QUANTISED, ORIGINAL = "cnn_fp32", "cnn_int8", "cnn_quantised", "dncnn17_fp32"
SAME = "cnn_same_format"


def energy_models(constants: Constants) -> tuple[EnergyModel, ...]:
    """Return the energy models, from the kindest to spikes to the least kind."""
    return (
        OperationsModel(constants.operations),
        LemaireModel(constants.lemaire),
        MovementModel(constants.movement),
    )


@dataclass(frozen=True)
class Baseline:
    """A CNN that the spiking network is compared with.

    Attributes:
        key: its name for programs.
        precision: how its numbers are held.
        counts: its operations on the same pictures.
    """

    key: str
    precision: Precision
    counts: Sequence[LayerCounts]


@dataclass(frozen=True)
class Verdict:
    """A spiking network under one energy model.

    Attributes:
        model: name of the energy model.
        precision: the format of the spiking network.
        energy: of the spiking network, in joules over all pictures.
        baselines: of each CNN, in joules; the first is the twin in the network's own format.
        break_even: spikes per neuron and inference at which it would cost as much as that twin.
    """

    model: str
    precision: Precision
    energy: float
    baselines: Mapping[str, float]
    break_even: float

    def ratio(self, baseline: str) -> float:
        """Return the energy over that of a baseline: below 1 the spiking network wins."""
        return self.energy / self.baselines[baseline] if self.baselines[baseline] else float("nan")


@dataclass(frozen=True)
class LayerCost:
    """What one layer does and costs, over all pictures.

    Attributes:
        name: as in the weights file.
        operations: its numbers of operations.
        dense_operations: multiply-accumulates of the CNN twin's layer.
        neurons_in: neurons whose spikes enter; 0 for the encoder.
        channels_in: channels times positions that they stand for; 0 for the encoder.
        energy: by energy model and format, and what it is spent on, in joules.
        dense_energy: of the twin's layer in the same format, in joules.
        break_even: spikes per neuron and inference at which both cost the same; None for the
            encoder, which no spike enters.
    """

    name: str
    operations: Operations
    dense_operations: int
    neurons_in: int
    channels_in: int
    energy: Mapping[tuple[str, str], Joules]
    dense_energy: Mapping[tuple[str, str], float]
    break_even: Mapping[tuple[str, str], float] | None

    @property
    def spikes_per_neuron(self) -> float | None:
        """Spikes per neuron and inference that enter; None for the encoder."""
        return self.operations.spikes_in / self.neurons_in if self.neurons_in else None

    @property
    def spikes_per_channel(self) -> float | None:
        """Spikes per channel, position and inference that enter; None for the encoder."""
        return self.operations.spikes_in / self.channels_in if self.channels_in else None


@dataclass(frozen=True)
class Comparison:
    """One network, noise level and number of timesteps, beside its baselines.

    Attributes:
        measurement: what it all rests on.
        layers: layer by layer, in the order of the data.
        verdicts: model by model, format by format.
    """

    measurement: Measurement
    layers: Sequence[LayerCost]
    verdicts: Sequence[Verdict]

    def verdict(self, model: str, precision: str) -> Verdict:
        """Return the verdict of an energy model and a format, by their names."""
        return next(v for v in self.verdicts if (v.model, v.precision.name) == (model, precision))

    @property
    def operations(self) -> Operations:
        """Operations of the whole network, over all pictures."""
        return sum((layer.operations for layer in self.layers), Operations())

    @property
    def spikes_per_neuron(self) -> float:
        """Spikes per neuron and inference over the whole network."""
        return self.operations.spikes_in / sum(layer.neurons_in for layer in self.layers)

    @property
    def spikes_per_channel(self) -> float:
        """Spikes per channel, position and inference over the whole network."""
        return self.operations.spikes_in / sum(layer.channels_in for layer in self.layers)

    @property
    def latency(self) -> int:
        """Timesteps from the picture to the result.

        Spikes of equal weight run through all layers at once. Weighted ones wait, layer by layer,
        until the layer before has sent all of its T; a pipeline still ends a picture every T.
        """
        config, timesteps = self.measurement.config, self.measurement.timesteps
        return timesteps * graph_of(config).depth if config.weighted else timesteps

    @property
    def equivalent_bits(self) -> int:
        """Bits of an activation of the equivalent quantised CNN."""
        return _equivalent_bits(self.measurement)


def compare(measurement: Measurement, constants: Constants) -> Comparison:
    """Price a measured spiking network and its baselines.

    Args:
        measurement: of a spiking network.
        constants: of the energy models.
    """
    models = energy_models(constants)
    spiking = [
        layer
        for size, passes in measurement.passes.items()
        for layer in spiking_counts(measurement.config, *size, measurement.timesteps, passes)
    ]
    baselines = _baselines(measurement)
    verdicts = [
        _verdict(model, precision, spiking, baselines)
        for model in models
        for precision in model.formats
    ]
    twin = by_layer(baselines[0].counts)
    layers = [
        _layer_cost(name, counts, twin[name], models) for name, counts in by_layer(spiking).items()
    ]
    return Comparison(measurement, layers, verdicts)


def _verdict(
    model: EnergyModel,
    precision: Precision,
    spiking: Sequence[LayerCounts],
    baselines: Sequence[Baseline],
) -> Verdict:
    same = spent(model, baselines[0].counts, precision)
    energies = {b.key: spent(model, b.counts, b.precision) for b in baselines}
    return Verdict(
        model=model.name,
        precision=precision,
        energy=spent(model, spiking, precision),
        baselines={SAME: same} | energies,
        break_even=break_even(model, spiking, precision, same),
    )


def _layer_cost(
    name: str,
    spiking: Sequence[LayerCounts],
    dense: Sequence[LayerCounts],
    models: Sequence[EnergyModel],
) -> LayerCost:
    driven = spiking[0].spike_driven
    neurons = sum(c.shape.inputs * c.passes for c in spiking) if driven else 0
    energy, dense_energy, even = {}, {}, {}
    for model in models:
        for precision in model.formats:
            key = model.name, precision.name
            energy[key] = _sum(model.energy(layer, precision) for layer in spiking)
            dense_energy[key] = spent(model, dense, precision)
            even[key] = break_even(model, spiking, precision, dense_energy[key])
    return LayerCost(
        name=name,
        operations=total_operations(spiking),
        dense_operations=total_operations(dense).macs,
        neurons_in=neurons,
        channels_in=neurons // spiking[0].shape.population,
        energy=energy,
        dense_energy=dense_energy,
        break_even=even if driven else None,
    )


def _equivalent_bits(measurement: Measurement) -> int:
    """Return the bits that hold the spikes of a channel; where it has K neurons, of all K."""
    config, timesteps = measurement.config, measurement.timesteps
    levels = 2**timesteps - 1 if config.weighted else timesteps  # above zero, of a neuron
    return equivalent_bits(levels * config.inner_population)


def _baselines(measurement: Measurement) -> list[Baseline]:
    config = measurement.config.twin()
    twin = _dense(config, measurement)
    quiet = [
        layer
        for size, passes in measurement.passes.items()
        for layer in dense_counts(config, *size, passes.count, passes.spikes)
    ]
    original = replace(preset("dncnn17"), image_channels=config.image_channels)
    bits = _equivalent_bits(measurement)
    return [
        Baseline(TWIN, FP32, twin),
        Baseline(TWIN_INT8, INT8, twin),
        Baseline(TWIN_QUANTISED, quantised(bits), quiet),
        Baseline(ORIGINAL, FP32, _dense(original, measurement)),
    ]


def _dense(config: NetworkConfig, measurement: Measurement) -> list[LayerCounts]:
    """Count a CNN on the same pictures."""
    return [
        layer
        for size, passes in measurement.passes.items()
        for layer in dense_counts(config, *size, passes.count)
    ]


def _sum(terms: Iterable[Joules]) -> Joules:
    result: dict[str, float] = {}
    for joules in terms:
        for name, value in joules.items():
            result[name] = result.get(name, 0.0) + value
    return result
