"""The networks that have a name."""

from dataclasses import replace

from spiden_cli.core.network.config import NetworkConfig
from spiden_cli.errors import InputError

_BASE = NetworkConfig(
    neuron="weighted",
    layers=16,
    width=64,
    shortcuts=True,
    unshuffle=2,
    noise_map=True,
    threshold=3.5,
    population=4,
    family="branched",
)

PRESETS: dict[str, NetworkConfig] = {
    # DnCNN (Zhang et al. 2017, arXiv 1608.03981) with IF neurons. It is inferred to be the paper's
    # network: by its abstract a CNN is 0.25 dB better, which is DnCNN's PSNR.
    "dncnn17": NetworkConfig(layers=17, width=64),
    # A quarter of the positions and one model for a range of sigma, after FFDNet (Zhang et al.
    # 2018, arXiv 1710.04026); membrane shortcuts after MS-ResNet (Hu et al. 2024, 2112.08954);
    # a branch that sees further; spikes that are binary digits (docs/training/experiments.md).
    "base": _BASE,
    # Three times as many outputs for each neuron before the read-out: its rounding shows more.
    "base-colour": replace(_BASE, image_channels=3, population=8),
    # Spikes of equal weight; two neurons for each channel round at twice as many levels.
    "base-if": replace(
        _BASE,
        neuron="if",
        family="chain",
        threshold=NetworkConfig.threshold,
        population=8,
        inner_population=2,
    ),
    "tiny": NetworkConfig(
        neuron="weighted",
        layers=10,
        width=32,
        shortcuts=True,
        unshuffle=2,
        noise_map=True,
        threshold=3.5,
        population=4,
    ),
    "tiny-if": NetworkConfig(
        layers=10, width=32, shortcuts=True, unshuffle=2, noise_map=True, population=4
    ),
    "unet": NetworkConfig(family="unet", layers=12, width=32, unshuffle=2, noise_map=True),
}


def preset(name: str) -> NetworkConfig:
    """Return the preset of that name.

    Raises:
        InputError: there is none of that name; the message lists those that exist.
    """
    try:
        return PRESETS[name]
    except KeyError:
        raise InputError(f"unknown preset {name!r}: choose one of {', '.join(PRESETS)}") from None
