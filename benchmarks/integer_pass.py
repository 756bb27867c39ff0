"""What examples/integers/simulate.py computes, to the bit, several times as fast: by torch.

Weighted spikes go through each convolution as the number of which they are the digits, once: what
T planes drive, doubled from one to the next, is what that number drives. Sums that float32 holds
exactly, below 2^24, are added up in it, others in float64.
"""

import sys
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from spiden_cli.core.exchange.integer_widths import PIXELS

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "examples" / "integers"))
from simulate import Simulation, Whole

Bytes = NDArray[np.uint8]
HELD = {torch.float32: 2**24, torch.float64: 2**53}
"""Below this, whole numbers and their sums are exact."""


class IntegerPass(Simulation):
    """A network of integers.

    Args:
        path: written by `spiden export --format int8`.

    Attributes:
        spikes: of the last picture by layer, unlike the simulation's: (1, N, H', W') uint8, numbers
            of T digits, of weighted neurons; else (T, N, H', W') in {0, 1}.
    """

    def __init__(self, path: str) -> None:
        super().__init__(path)
        first = next(name for kind, name, *_ in self.about["nodes"] if kind == "Convolution")
        self.largest = {first: max(map(abs, PIXELS))}  # of what a convolution sees
        self.kernels: dict[str, torch.Tensor] = {}

    def convolve(self, name: str, planes: Whole, stride: int) -> Whole:
        """See `Simulation.convolve`."""
        kernel = self._kernel(name)
        driven = torch.nn.functional.conv2d(
            torch.from_numpy(planes).to(kernel.dtype),
            kernel,
            stride=stride,
            padding=kernel.shape[2] // 2,
        )
        total: Whole = driven[0].to(torch.int64).numpy()
        total <<= self.arrays[f"{name}/shift"].astype(np.int64)[:, None, None]
        total += self.arrays[f"{name}/bias"][:, None, None]
        return total

    def _kernel(self, name: str) -> torch.Tensor:
        """Return the weights, in the smaller kind of number that holds all their sums."""
        if name not in self.kernels:
            weights = self.arrays[f"{name}/weights"].astype(np.int64)
            most = 2**self.steps - 1 if self.weighted else 1
            sums = int(np.abs(weights).sum((1, 2, 3)).max()) * self.largest.get(name, most)
            kind = next(kind for kind, held in HELD.items() if sums < held)
            self.kernels[name] = torch.from_numpy(weights).to(kind)
        return self.kernels[name]

    def fire(self, name: str, current: Whole, potentials: dict[str, Whole]) -> Bytes:
        """See `Simulation.fire`; spikes take a byte."""
        return super().fire(name, current, potentials).astype(np.uint8)

    def digits(self, name: str, total: Whole, _: dict[str, Whole]) -> Bytes:
        """Return the number of which weighted neurons send the digits: (1, N, H, W) uint8."""
        threshold = self.arrays[f"{name}/threshold"][:, None, None]
        left = (total << self.steps) + self.arrays[f"{name}/start"][:, None, None]
        return (left // threshold).clip(0, 2**self.steps - 1).astype(np.uint8)[None]

    def note(self, name: str, values: Whole) -> Whole:
        """Keep no magnitudes."""
        return values

    def spikes_of(self, layer: str) -> Bytes:
        """Return the spikes of a layer as the simulation has them, (T, N, H', W')."""
        sent = np.asarray(self.spikes[layer], np.uint8)
        if not self.weighted:
            return sent
        places = np.arange(self.steps - 1, -1, -1, dtype=np.uint8)
        return sent[0] >> places[:, None, None, None] & np.uint8(1)
