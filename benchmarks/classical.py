"""Denoise real pairs with classical methods, at what each of them chooses by itself.

    pip install bm3d opencv-python-headless
    python benchmarks/classical.py [--data-dir DIR] [--dataset nam25] [--method NAME]

Writes benchmarks/classical_nam25.json, which benchmarks/results.py sets beside spiden's figures.
They don't change with the weights, so this need not run again. It takes some minutes, most of them
BM3D's; --method runs one alone, and keeps what was found of the others. The score is that of
`spiden evaluate`: 8-bit output, PSNR per picture.
"""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from skimage.restoration import denoise_nl_means, estimate_sigma

import spiden_cli as spiden
from spiden_cli.core.data.samples import Sample
from spiden_cli.core.image.pixels import rounded_to_8_bit

Bytes = NDArray[np.uint8]
"""A colour picture, (H, W, 3)."""


def figures_of(dataset: str) -> Path:
    """Return the file of a set's figures."""
    return Path(__file__).parent / f"classical_{Path(dataset).name}.json"


def bm3d(noisy: Bytes) -> Bytes:
    """BM3D (Dabov et al. 2007), the authors' package: colour profile, scikit-image's estimate.

    Its licence is for non-commercial use.
    """
    from bm3d import bm3d_rgb

    unit = noisy / 255
    return _bytes(bm3d_rgb(unit, estimate_sigma(unit, channel_axis=-1, average_sigmas=True)))


def opencv_non_local_means(noisy: Bytes) -> Bytes:
    """OpenCV's `fastNlMeansDenoisingColored` at its defaults (Buades et al. 2011)."""
    import cv2

    swapped = np.ascontiguousarray(noisy[..., ::-1])  # OpenCV's order is blue, green, red
    return np.ascontiguousarray(cv2.fastNlMeansDenoisingColored(swapped)[..., ::-1])


def skimage_non_local_means(noisy: Bytes) -> Bytes:
    """scikit-image's `denoise_nl_means`, fast, with the settings of its own example."""
    unit = noisy / 255
    sigma = estimate_sigma(unit, channel_axis=-1, average_sigmas=True)
    return _bytes(
        denoise_nl_means(unit, h=0.8 * sigma, sigma=sigma, fast_mode=True, channel_axis=-1)
    )


METHODS: dict[str, Callable[[Bytes], Bytes]] = {
    "BM3D": bm3d,
    "OpenCV non-local means": opencv_non_local_means,
    "scikit-image non-local means": skimage_non_local_means,
}


def _bytes(unit: NDArray[np.float64]) -> Bytes:
    return np.rint(unit.clip(0, 1) * 255).astype(np.uint8)


def measure(method: Callable[[Bytes], Bytes], sample: Sample) -> dict[str, float | str]:
    """Return the name, PSNR before and after, and time of one picture."""
    noisy, clean = (rounded_to_8_bit(each.pixels, each.range) for each in sample.read(None))
    began = time.perf_counter()
    denoised = method(noisy)
    seconds = time.perf_counter() - began
    return {
        "name": sample.clean.name,
        "noisy_psnr": spiden.psnr(noisy, clean),
        "psnr": spiden.psnr(denoised, clean),
        "seconds": round(seconds, 3),
    }


def main() -> None:
    """Run all methods on all pictures, and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir", type=Path, help="folder with nam25/")
    parser.add_argument("--dataset", default="nam25", help="nam25, or a folder of pairs in colour")
    parser.add_argument("--method", choices=METHODS)
    options = parser.parse_args()
    samples = spiden.find_dataset(options.dataset, options.data_dir).samples
    file = figures_of(options.dataset)
    found = json.loads(file.read_text()) if file.exists() else {}
    for name in [options.method] if options.method else METHODS:
        found[name] = []
        for sample in samples:
            found[name].append(measure(METHODS[name], sample))
            print(name, found[name][-1], flush=True)
        file.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
