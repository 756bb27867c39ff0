"""A spiking network's CNN twin, where its weights lie beside the network's own."""

from pathlib import Path

from spiden_cli.core.bundled import SUFFIX
from spiden_cli.core.network.config import NetworkConfig
from spiden_cli.core.network.families import graph_of

MARK = "-cnn"


def find_twin(weights: Path) -> Path | None:
    """Return NAME-cnn.safetensors beside NAME.safetensors, or None where there is none."""
    path = weights.with_name(f"{weights.stem}{MARK}{SUFFIX}")
    return path if path.is_file() else None


def are_twins(spiking: NetworkConfig, cnn: NetworkConfig) -> bool:
    """Return whether a CNN has the topology of a spiking network, layer by layer."""
    alike = spiking.noise_map == cnn.noise_map
    return alike and not cnn.spiking and graph_of(spiking.twin()).nodes == graph_of(cnn).nodes
