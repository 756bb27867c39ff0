"""Fit the perceptron by which `estimate_noise` reads the level of camera noise, and check it.

    python benchmarks/noise_level.py ../shared/data/bsd432 ../shared/data/photos --fit
    python benchmarks/noise_level.py ../shared/data/bsd432 ../shared/data/photos

Samples are cut-outs of photographs with the noise of random cameras (`draw_cameras`), with white
noise, or clean: as they are, or through a camera without noise. It is fitted on the pictures that
`spiden train` learns from; without --fit, the errors of what ships are measured on those that it
holds out. With 1,500 samples it takes half an hour on one core.
"""

import argparse
import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from safetensors.torch import save_file

import spiden_cli as spiden
from spiden_cli.core.data.training_images import hold_out
from spiden_cli.core.files.finding import find_pictures
from spiden_cli.core.image.picture import Pixels, Range
from spiden_cli.core.noise import blind
from spiden_cli.core.noise.blocks import opponent_of, residual_of, usable_blocks
from spiden_cli.core.noise.camera import draw_cameras, photograph
from spiden_cli.core.noise.estimation import estimate_sigma

KINDS, SHARES = ("camera", "clean", "white"), (0.55, 0.37, 0.08)
SIDE = 320
HIDDEN, ROUNDS, FEATURE_NOISE, WEIGHT_DECAY = 24, 800, 0.15, 0.1
CLEAN_WEIGHT = 0.5  # to call noise clean is worse than to call texture noise, a little


class Sample(NamedTuple):
    """A cut-out with noise: its pixels, what kind of noise, and its level in 8-bit units."""

    pixels: Pixels
    kind: str
    level: float


def main() -> None:
    """Fit, or check."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="+", help="of photographs")
    parser.add_argument("--fit", action="store_true", help="and write the file that ships")
    parser.add_argument("--samples", type=int, help="[1500 to fit, 300 to check]")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    files: list[Path] = []
    for folder in options.folders:
        training, held_out = hold_out(find_pictures([folder]))
        files += training if options.fit else held_out
    if options.fit:
        drawn = list(samples(files, options.samples or 1500, options.seed))
        described = [(features(sample.pixels), sample.level) for sample in drawn]
        usable = [(values, level) for values, level in described if values is not None]
        fit(np.stack([values for values, _ in usable]), np.array([level for _, level in usable]))
    else:
        check(samples(files, options.samples or 300, options.seed))


def samples(files: list[Path], count: int, seed: int) -> Iterator[Sample]:
    """Draw cut-outs and their noise at random."""
    chance, generator = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    for _ in range(count):
        picture = spiden.read_picture(files[chance.integers(len(files))])
        pixels = np.atleast_3d(picture.pixels).repeat(1 if picture.is_colour else 3, axis=2)
        height, width = (min(SIDE, side) // 2 * 2 for side in pixels.shape[:2])
        top = chance.integers(pixels.shape[0] - height + 1)
        left = chance.integers(pixels.shape[1] - width + 1)
        cut = pixels[top : top + height, left : left + width]
        clean = torch.from_numpy(cut.copy()).permute(2, 0, 1)[None] / 255
        kind = str(chance.choice(KINDS, p=SHARES))
        noisy, level = clean, 0.0
        if kind == "white":
            level = float(chance.uniform(1, 50))
            noisy = clean + torch.randn(clean.shape, generator=generator) * level / 255
        elif kind == "camera" or chance.random() < 0.5:
            cameras = draw_cameras(1, generator)
            if kind == "clean":
                cameras = dataclasses.replace(
                    cameras, shot=1e-9 * cameras.shot, read=cameras.read * 0
                )
            taken = photograph(clean, cameras, generator)
            noisy, level = taken.noisy, float(taken.level)
        rounded = (noisy[0].clamp(0, 1) * 255).round().byte().permute(1, 2, 0)
        yield Sample(rounded.numpy(), kind, level)


def features(pixels: Pixels) -> np.ndarray | None:
    """Describe a cut-out; None if too little of it is usable."""
    blocks = usable_blocks(pixels, Range.full(pixels.dtype))
    if len(blocks) < 64:
        return None
    return blind.level_features(opponent_of(residual_of(blocks)), estimate_sigma(pixels))


def fit(described: np.ndarray, levels: np.ndarray) -> None:
    """Fit the perceptron to features (N, F) and levels (N,), and write its file."""
    torch.manual_seed(0)
    mean, scale = described.mean(0), described.std(0)
    inputs = torch.from_numpy((described - mean) / scale).float()
    wanted = torch.from_numpy(np.log(levels + blind._LEVEL_OFFSET)).float()[:, None]
    weights = torch.from_numpy(np.where(levels < 0.05, CLEAN_WEIGHT, 1)).float()[:, None]
    net = torch.nn.Sequential(
        torch.nn.Linear(inputs.shape[1], HIDDEN), torch.nn.SiLU(), torch.nn.Linear(HIDDEN, 1)
    )
    optimiser = torch.optim.AdamW(net.parameters(), 3e-3, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, ROUNDS)
    for _ in range(ROUNDS):
        optimiser.zero_grad()
        jittered = inputs + FEATURE_NOISE * torch.randn_like(inputs)
        (weights * (net(jittered) - wanted).abs()).mean().backward()
        optimiser.step()
        schedule.step()
    state = net.state_dict()
    tensors = {
        "mean": torch.from_numpy(mean).float(),
        "scale": torch.from_numpy(scale).float(),
        "hidden.weight": state["0.weight"],
        "hidden.bias": state["0.bias"],
        "output.weight": state["2.weight"][0],
        "output.bias": state["2.bias"][0],
    }
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, blind._PERCEPTRON)
    print(f"fitted to {len(levels)} samples: {blind._PERCEPTRON.name}")


def check(drawn: Iterator[Sample]) -> None:
    """Print how `estimate_noise` errs on samples, by kind of noise."""
    rows = [(sample.kind, sample.level, spiden.estimate_noise(sample.pixels)) for sample in drawn]
    print("kind      samples  white  level / true: median, 10 %, 90 %, deviation of the logarithm")
    for kind in ("camera", "white"):
        found = [(level, got) for name, level, got in rows if name == kind and level > 1.5]
        ratio = np.array([max(got.level, 0.05) / level for level, got in found])
        low, middle, high = np.quantile(ratio, (0.1, 0.5, 0.9))
        white = np.mean([got.is_white for _, got in found])
        print(f"{kind:9} {len(found):7} {white:6.0%}  {middle:.2f}, {low:.2f}, {high:.2f}, "
              f"{np.log(ratio).std():.2f}")  # fmt: skip
    clean = np.array([got.level for name, _, got in rows if name == "clean"])
    print(f"clean     {len(clean):7}         level: mean {clean.mean():.2f}, 90 % below "
          f"{np.quantile(clean, 0.9):.2f}, most {clean.max():.2f}")  # fmt: skip


if __name__ == "__main__":
    main()
