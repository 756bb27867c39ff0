"""Run a network of integers, to the bit, in plain numpy: a model for hardware.

    spiden export base --format int8 -o base.npz
    python examples/integers/simulate.py base.npz noisy.png clean.png --sigma 25

Additions, shifts and comparisons of whole numbers, but for the first convolution and one product
for each value of the read-out; docs/exchange.md lists the arrays. Convolutions run in float64,
exact below 2^53, since numpy has no fast ones of integers.
"""

import argparse
import json
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Whole = NDArray[np.int64]  # (C, H, W)


class Simulation:
    """A network of integers.

    Args:
        path: written by `spiden export --format int8`.

    Attributes:
        spikes: of the last picture, (T, N, H', W') by layer of neurons.
        seen: of the last picture, the largest magnitude of any sum, by node.
    """

    def __init__(self, path: str) -> None:
        with np.load(path, allow_pickle=False) as file:
            self.arrays = {name: file[name] for name in file.files}
        self.about: dict[str, Any] = json.loads(self.arrays.pop("about").item())
        self.steps: int = self.about["timesteps"]
        self.weighted: bool = self.about["neuron"] == "weighted"
        self.spikes: dict[str, Whole] = {}
        self.seen: dict[str, int] = {}

    def denoise(self, pixels: Whole, level: int) -> Whole:
        """Return denoised pixels (C, H, W), black at 0 and white at 255, not clipped.

        Args:
            pixels: (C, H, W); sides are multiples of the grid.
            level: q = 4 sigma, sigma in 8-bit units.
        """
        image = unshuffle(pixels.astype(np.int64), self.about["unshuffle"])
        level_map = [np.full_like(image[:1], level)] if self.about["noise_map"] else []
        image = np.concatenate([image, *level_map])
        self.spikes, self.seen = {}, {}
        potentials: dict[str, Whole] = {}
        drawn: Whole = np.int64(0)  # type: ignore[assignment]
        for _ in range(1 if self.weighted else self.steps):
            values: dict[str, Any] = {}  # by node: currents, or planes of spikes (T or 1, N, H, W)
            for kind, name, inputs, numbers in self.about["nodes"]:
                x = [values[source] for source in inputs]
                if kind == "Encode":
                    values[name] = image[None]
                elif kind == "Convolution":
                    values[name] = self.convolve(name, x[0], numbers["stride"])
                elif kind == "Neurons":
                    current = np.concatenate([x[0]] * numbers["population"])
                    send = self.digits if self.weighted else self.fire
                    values[name] = send(name, current, potentials)
                    sent = [self.spikes[name]] if name in self.spikes else []
                    self.spikes[name] = np.concatenate([*sent, values[name]])
                elif kind == "Add":
                    values[name] = sum(x[1:], x[0])
                elif kind == "Concatenate":
                    values[name] = np.concatenate(x)
                elif kind == "Shuffle":
                    values[name] = shuffle(x[0], numbers["factor"])
                elif kind == "Unshuffle":
                    values[name] = unshuffle(x[0], numbers["factor"])
                else:  # the read-out
                    drawn, last = drawn + x[0], inputs[0]
        factor, fraction = self.arrays[f"{last}/factor"][:, None, None], self.about["fraction"]
        told = level if self.about["noise_map"] else 1
        noise = (drawn * told * factor + (1 << (fraction - 1))) >> fraction
        return pixels - shuffle(noise, self.about["unshuffle"])

    def convolve(self, name: str, planes: Whole, stride: int) -> Whole:
        """Add up weights where there are spikes, doubling before each plane but the first."""
        weights = self.arrays[f"{name}/weights"]
        near = weights.shape[2] // 2
        total: Whole = np.int64(0)  # type: ignore[assignment]
        for plane in planes:
            padded = np.pad(plane.astype(np.float64), ((0, 0), (near, near), (near, near)))
            seen = sliding_window_view(padded, weights.shape[2:], (1, 2))[:, ::stride, ::stride]
            driven = np.tensordot(weights.astype(np.float64), seen, ((1, 2, 3), (0, 3, 4)))
            total = (total << 1) + driven.astype(np.int64)
            self.note(name, total)
        total = total << self.arrays[f"{name}/shift"].astype(np.int64)[:, None, None]
        return self.note(name, total + self.arrays[f"{name}/bias"][:, None, None])

    def fire(self, name: str, current: Whole, potentials: dict[str, Whole]) -> Whole:
        """Advance Integrate-and-Fire neurons by one timestep: (1, N, H, W)."""
        threshold = self.arrays[f"{name}/threshold"][:, None, None]
        start = self.arrays[f"{name}/start"][:, None, None]
        charged = self.note(name, potentials.get(name, start) + current)
        spikes = (charged >= threshold).astype(np.int64)
        potentials[name] = charged - threshold * spikes
        return spikes[None]

    def digits(self, name: str, total: Whole, _: dict[str, Whole]) -> Whole:
        """Send the digits of weighted neurons, the most significant first: (T, N, H, W)."""
        threshold = self.arrays[f"{name}/threshold"][:, None, None]
        left = (total << self.steps) + self.arrays[f"{name}/start"][:, None, None]
        self.note(name, left)
        sent = []
        for step in range(1, self.steps + 1):
            sent.append((left >= threshold << (self.steps - step)).astype(np.int64))
            left = left - (threshold << (self.steps - step)) * sent[-1]
        return np.stack(sent)

    def note(self, name: str, values: Whole) -> Whole:
        """Keep the largest magnitude that a sum has had."""
        self.seen[name] = max(self.seen.get(name, 0), int(np.abs(values).max()))
        return values


def unshuffle(x: Whole, f: int) -> Whole:
    """Map (C, H f, W f) to (C f f, H, W)."""
    split = x.reshape(len(x), x.shape[1] // f, f, x.shape[2] // f, f)
    return split.transpose(0, 2, 4, 1, 3).reshape(-1, split.shape[1], split.shape[3])


def shuffle(x: Whole, f: int) -> Whole:
    """Map (C f f, H, W) to (C, H f, W f)."""
    split = x.reshape(-1, f, f, *x.shape[1:]).transpose(0, 3, 1, 4, 2)
    return split.reshape(len(split), x.shape[1] * f, x.shape[2] * f)


if __name__ == "__main__":
    from PIL import Image

    parser = argparse.ArgumentParser()
    _ = [parser.add_argument(name) for name in ("network", "picture", "output")]
    parser.add_argument("--sigma", type=float, default=25.0)
    simulation = Simulation((options := parser.parse_args()).network)
    grey = simulation.about["image_channels"] == 1
    picture = Image.open(options.picture).convert("L" if grey else "RGB")
    pixels = np.atleast_3d(picture).transpose(2, 0, 1)
    (_, height, width), g = pixels.shape, simulation.about["grid"]
    padded = np.pad(pixels, ((0, 0), (0, -height % g), (0, -width % g)), "reflect")
    found = simulation.denoise(padded, round(4 * options.sigma)).clip(0, 255).astype(np.uint8)
    shown = (found[0] if grey else found.transpose(1, 2, 0))[:height, :width]
    Image.fromarray(shown).save(options.output)
