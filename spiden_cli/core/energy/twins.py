"""A spiking network's CNN twin, where its weights lie beside the network's own."""

from pathlib import Path

from spiden_cli.core.bundled import SUFFIX
from spiden_cli.core.network.geometry import layers
from spiden_cli.core.network.presets import NetworkConfig

MARK = "-cnn"
SHARED = {"large": "base"}  # a CNN has no populations, so that both have one twin


def find_twin(weights: Path) -> Path | None:
    """Return NAME-cnn.safetensors beside NAME.safetensors, or None where there is none.

    Of the bundled weights, "large" shares the twin of "base".
    """
    for name in (weights.stem, SHARED.get(weights.stem, weights.stem)):
        path = weights.with_name(f"{name}{MARK}{SUFFIX}")
        if path.is_file():
            return path
    return None


def are_twins(spiking: NetworkConfig, cnn: NetworkConfig) -> bool:
    """Return whether a CNN has the topology of a spiking network, layer by layer."""
    alike = spiking.noise_map == cnn.noise_map and spiking.shortcuts == cnn.shortcuts
    return alike and not cnn.spiking and layers(spiking.twin(), 64, 64) == layers(cnn, 64, 64)
