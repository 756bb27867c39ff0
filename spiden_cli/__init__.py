"""Image denoising with a deep spiking neural network.

    import spiden_cli as spiden

    model = spiden.load("auto")
    result = model.denoise(spiden.read_picture("noisy.png"))
    spiden.write_picture("clean.png", result.image)

Names are imported when they are first used, so that `import spiden_cli` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from spiden_cli.version import __version__

if TYPE_CHECKING:
    from spiden_cli.core.bundled import find_weights, model_names
    from spiden_cli.core.data.datasets import find_dataset
    from spiden_cli.core.engine.dense import DenseEngine
    from spiden_cli.core.engine.engine import Engine
    from spiden_cli.core.engine.firing import FiringMap
    from spiden_cli.core.engine.selection import make_engine
    from spiden_cli.core.exchange.plug_and_play import PlugAndPlayDenoiser
    from spiden_cli.core.exchange.recording import LayerSpikes, Recording, record
    from spiden_cli.core.exchange.spike_files import read_spikes, write_spikes
    from spiden_cli.core.files.picture_files import read_picture, write_picture
    from spiden_cli.core.image.metrics import psnr, ssim
    from spiden_cli.core.image.picture import Picture, Range
    from spiden_cli.core.network.config import NetworkConfig
    from spiden_cli.core.network.denoiser import Denoiser
    from spiden_cli.core.network.folding import fold
    from spiden_cli.core.network.presets import PRESETS
    from spiden_cli.core.noise.blind import NoiseEstimate, estimate_noise
    from spiden_cli.core.noise.estimation import estimate_sigma
    from spiden_cli.core.noise.model import (
        Coarse,
        Gaussian,
        InPixelUnits,
        Noise,
        NoiseMap,
        PoissonGaussian,
        Unknown,
        UnknownCounts,
    )
    from spiden_cli.core.noise.photon_transfer import (
        CountsEstimate,
        estimate_counts,
        photon_transfer,
    )
    from spiden_cli.core.noise.synthesis import add_gaussian_noise
    from spiden_cli.core.tasks.adjustment import Adjustment
    from spiden_cli.core.tasks.denoising import Denoised, denoise_picture, denoise_planes
    from spiden_cli.core.tasks.evaluation import Evaluation, evaluate
    from spiden_cli.core.tasks.model import Model, load
    from spiden_cli.core.tasks.results import Batch, Result
    from spiden_cli.core.tasks.stack_result import ChannelNoise, StackResult
    from spiden_cli.core.weights import WeightsInfo, load_weights, read_info, save_weights
    from spiden_cli.errors import (
        DatasetError,
        InputError,
        LossError,
        OutputError,
        SpidenError,
        TrainingError,
        UnsupportedNodeError,
        WeightsError,
    )

_HOMES = {
    "core.bundled": ("find_weights", "model_names"),
    "core.data.datasets": ("find_dataset",),
    "core.files.picture_files": ("read_picture", "write_picture"),
    "core.exchange.plug_and_play": ("PlugAndPlayDenoiser",),
    "core.exchange.recording": ("LayerSpikes", "Recording", "record"),
    "core.exchange.spike_files": ("read_spikes", "write_spikes"),
    "core.image.metrics": ("psnr", "ssim"),
    "core.noise.synthesis": ("add_gaussian_noise",),
    "core.noise.estimation": ("estimate_sigma",),
    "core.noise.blind": ("NoiseEstimate", "estimate_noise"),
    "core.image.picture": ("Picture", "Range"),
    "core.engine.firing": ("FiringMap",),
    "core.tasks.adjustment": ("Adjustment",),
    "core.tasks.denoising": ("Denoised", "denoise_picture", "denoise_planes"),
    "core.tasks.model": ("Model", "load"),
    "core.tasks.results": ("Batch", "Result"),
    "core.tasks.stack_result": ("ChannelNoise", "StackResult"),
    "core.engine.dense": ("DenseEngine",),
    "core.engine.engine": ("Engine",),
    "core.tasks.evaluation": ("Evaluation", "evaluate"),
    "core.engine.selection": ("make_engine",),
    "core.network.denoiser": ("Denoiser",),
    "core.network.folding": ("fold",),
    "core.network.config": ("NetworkConfig",),
    "core.network.presets": ("PRESETS",),
    "core.noise.model": (
        "Coarse",
        "Gaussian",
        "InPixelUnits",
        "Noise",
        "NoiseMap",
        "PoissonGaussian",
        "Unknown",
        "UnknownCounts",
    ),
    "core.noise.photon_transfer": ("CountsEstimate", "estimate_counts", "photon_transfer"),
    "core.weights": ("WeightsInfo", "load_weights", "read_info", "save_weights"),
    "errors": (
        "DatasetError",
        "InputError",
        "LossError",
        "OutputError",
        "SpidenError",
        "TrainingError",
        "UnsupportedNodeError",
        "WeightsError",
    ),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "PRESETS",
    "Adjustment",
    "Batch",
    "ChannelNoise",
    "Coarse",
    "CountsEstimate",
    "DatasetError",
    "Denoised",
    "Denoiser",
    "DenseEngine",
    "Engine",
    "Evaluation",
    "FiringMap",
    "Gaussian",
    "InPixelUnits",
    "InputError",
    "LayerSpikes",
    "LossError",
    "Model",
    "NetworkConfig",
    "Noise",
    "NoiseEstimate",
    "NoiseMap",
    "OutputError",
    "Picture",
    "PlugAndPlayDenoiser",
    "PoissonGaussian",
    "Range",
    "Recording",
    "Result",
    "SpidenError",
    "StackResult",
    "TrainingError",
    "Unknown",
    "UnknownCounts",
    "UnsupportedNodeError",
    "WeightsError",
    "WeightsInfo",
    "__version__",
    "add_gaussian_noise",
    "denoise_picture",
    "denoise_planes",
    "estimate_counts",
    "estimate_noise",
    "estimate_sigma",
    "evaluate",
    "find_dataset",
    "find_weights",
    "fold",
    "load",
    "load_weights",
    "make_engine",
    "model_names",
    "photon_transfer",
    "psnr",
    "read_info",
    "read_picture",
    "read_spikes",
    "record",
    "save_weights",
    "ssim",
    "write_picture",
    "write_spikes",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401
    """Import a public name from its home (PEP 562)."""
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)


def __dir__() -> list[str]:
    return __all__
