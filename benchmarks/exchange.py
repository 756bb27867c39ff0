"""What a network loses on its way to ONNX and to integers: PSNR on Set12, pixels, spikes.

    python benchmarks/exchange.py base base-if tiny --sigma 25

Prints the rows of the table in docs/exchange.md, of the middle of each picture, SIDE x SIDE pixels:
the integer simulation in plain numpy takes about ten minutes for `base` and whole pictures
(`--side 512`) on one core.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnxruntime

from spiden_cli.core.bundled import find_weights
from spiden_cli.core.data.datasets import find_dataset
from spiden_cli.core.data.samples import CleanImage
from spiden_cli.core.engine.dense import DenseEngine
from spiden_cli.core.exchange.integer_network import write_integers
from spiden_cli.core.exchange.onnx_graph import onnx_model
from spiden_cli.core.exchange.recording import record
from spiden_cli.core.tasks.scoring import planes_of
from spiden_cli.core.weights import load_folded

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "examples" / "integers"))
from simulate import Simulation


def eight_bits(planes: np.ndarray) -> np.ndarray:
    """Clip and round grey levels."""
    return np.rint(planes).clip(0, 255)


def decibels(found: np.ndarray, clean: np.ndarray) -> float:
    """PSNR of grey levels."""
    return float(10 * np.log10(255**2 / np.mean((eight_bits(found) - clean) ** 2)))


def main() -> None:
    """Measure, and print a row for each model."""
    parser = argparse.ArgumentParser()
    parser.add_argument("models", nargs="+")
    parser.add_argument("--sigma", type=float, default=25.0)
    parser.add_argument("--images", type=int, default=12, help="the first so many")
    parser.add_argument("--side", type=int, default=128, help="a multiple of 8")
    parser.add_argument("--data-dir", type=Path)
    options = parser.parse_args()
    paths = find_dataset("set12", options.data_dir).paths[: options.images]
    print(
        "| model | float32 | ONNX | pixels that differ | int8 | spikes that differ | widest sum |"
    )
    print("|---|--:|--:|--:|--:|--:|--:|")
    for name in options.models:
        print(row(name, paths, options.sigma, options.side), flush=True)


def middle(planes: np.ndarray, side: int) -> np.ndarray:
    """Cut a square out of the middle of (C, H, W)."""
    top, left = (max(0, (whole - side) // 2) for whole in planes.shape[1:])
    return planes[:, top : top + side, left : left + side]


def row(name: str, paths: tuple[Path, ...], sigma: float, side: int) -> str:
    """Measure one model."""
    network, info = load_folded(find_weights(name))
    steps, engine = info.timesteps[0], DenseEngine(network)
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = 1
    content = onnx_model(network, steps).SerializeToString()
    session = onnxruntime.InferenceSession(content, settings)
    spiking = network.config.spiking
    scores, different, slots, flipped, sent, bits = [], 0, 0, 0, 0, 0
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "network.npz"
        if spiking:
            bits = max(write_integers(file, network, steps).bits.values())
        for index, path in enumerate(paths):
            pair = CleanImage(path, index).read(sigma)
            noisy, clean = (middle(planes_of(p), side) for p in (pair.noisy, pair.clean))
            clean = 255 * clean
            expected = 255 * engine.run(noisy, sigma, steps).denoised
            level = np.array([sigma], np.float32)
            (found,) = session.run(None, {"noisy": noisy[None], "sigma": level})
            scores.append([decibels(expected, clean), decibels(255 * found[0], clean)])
            different += int((eight_bits(255 * found[0]) != eight_bits(expected)).sum())
            slots += clean.size
            if spiking:
                whole, simulation = np.rint(255 * noisy).astype(np.int64), Simulation(str(file))
                scores[-1].append(decibels(simulation.denoise(whole, round(4 * sigma)), clean))
                recording = record(network, (whole / 255).astype(np.float32), sigma, steps)
                for layer, spikes in simulation.spikes.items():
                    flipped += int((recording.layers[layer].spikes != spikes).sum())
                    sent += spikes.size
    means = np.mean(scores, axis=0)
    integers = f"{means[2]:.3f} | {flipped / sent:.1%} | {bits} bits" if spiking else "- | - | -"
    return f"| `{name}` | {means[0]:.3f} | {means[1]:.3f} | {different / slots:.2%} | {integers} |"


if __name__ == "__main__":
    main()
