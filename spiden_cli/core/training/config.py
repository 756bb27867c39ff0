"""Settings of a training run: one frozen dataclass that travels in checkpoint and weights.

The defaults here are the only ones: `spiden train` shows and takes them from here. So this module
imports nothing that takes time, and `spiden train --help` stays instant.
"""

import math
from dataclasses import dataclass, fields

from spiden_cli.core.network.config import MOST_TIMESTEPS
from spiden_cli.errors import InputError

METHODS = ("bptt", "quantiser")
PRECISIONS = ("float32", "bfloat16")
OPTIMISERS = ("adam", "muon")
NOISES = ("white", "camera", "pairs", "frames")
LOSSES = ("l1", "psnr")
SPARSITY_OVER = ("layers", "synapses")

BOUNDS = {
    "steps": (1, 10**9),
    "batch_size": (1, 65_536),
    "patch_size": (8, 4096),  # the padding of a smaller one would be larger than itself
    "warmup": (0, 10**9),
    "seed": (0, 2**63 - 1),  # what every generator of torch takes
    "validate_every": (1, 10**9),
}
"""The lowest and the highest value of each whole number."""

MOST_PIXELS = 2**24
"""In the patches of a step: the activations of `base` alone would take 70 GB."""


@dataclass(frozen=True)
class TrainingConfig:
    """Everything that decides the course of a run, besides network and data.

    Attributes:
        steps: optimiser steps in all; the learning rate reaches zero at the last one.
        batch_size: patches per step.
        patch_size: side of a patch in pixels, at least 8.
        learning_rate: peak of the schedule.
        warmup: steps of linear warm-up.
        optimiser: "adam", or "muon" for the kernels and Adam for the rest.
        noise: "white", Gaussian; "camera", what random cameras make of a picture; none is added
            to "pairs" of noisy and clean pictures and to noisy "frames" of the same.
        sigma: lowest and highest level of white noise, in 8-bit units.
        timesteps: numbers of timesteps T, one of which is drawn for each batch.
        method: "bptt" unrolls T timesteps; "quantiser" trains T-level quantisers in one pass.
        loss: "l1", the mean absolute error; or "psnr", the mean logarithm of each patch's error.
        freeze_norm: fix the statistics of batch normalisation and fold it.
        sparsity_weight: weight of the mean firing rate in the loss.
        sparsity_over: what that mean is over, "layers" or "synapses", the operations of a layer.
        teacher_weight: share of the error that a teacher's output, not the clean image, decides.
        gradient_clip: largest norm of the gradient; infinite for no clipping.
        ema: decay of the moving average of the weights.
        seed: where all randomness comes from, 0 to 2^63 - 1.
        precision: number format of the convolutions, "float32" or "bfloat16".
        validate_every: steps between two validations; each also writes a checkpoint.
    """

    steps: int = 10_000
    batch_size: int = 16
    patch_size: int = 64
    learning_rate: float = 2e-3
    warmup: int = 200
    optimiser: str = "adam"
    noise: str = "white"
    sigma: tuple[float, float] = (25.0, 25.0)
    timesteps: tuple[int, ...] = (4,)
    method: str = "bptt"
    loss: str = "l1"
    freeze_norm: bool = False
    sparsity_weight: float = 0.0
    sparsity_over: str = "layers"
    teacher_weight: float = 0.0
    gradient_clip: float = 1.0
    ema: float = 0.999
    seed: int = 0
    precision: str = "float32"
    validate_every: int = 500

    def __post_init__(self) -> None:
        """Refuse settings that can't be run.

        Raises:
            InputError: a value is of the wrong type or out of range; the message names it.
        """
        for setting in fields(self):  # a checkpoint may say anything
            kind, given = type(setting.default), type(getattr(self, setting.name))
            if given is not kind and (kind, given) != (float, int):
                raise InputError(f"{setting.name}: {kind.__name__} wanted, not {given.__name__}")
        for name, entries in (("sigma", (float, int)), ("timesteps", (int,))):
            if not all(type(entry) in entries for entry in getattr(self, name)):
                raise InputError(f"{name}: {entries[0].__name__} wanted in each place")
        for name, (least, most) in BOUNDS.items():
            value = getattr(self, name)
            if not least <= value <= most:
                words = name.replace("_", " ").replace("validate every", "validation interval")
                raise InputError(f"the {words} must lie in {least} to {most}, not {value}")
        if self.batch_size * self.patch_size**2 > MOST_PIXELS:
            raise InputError(
                f"{self.batch_size} patches of {self.patch_size} x {self.patch_size} are more than "
                f"{MOST_PIXELS // 10**6} megapixels a step: take fewer or smaller ones"
            )
        if len(self.sigma) != 2:
            raise InputError("sigma must be two levels, lowest first")
        low, high = self.sigma
        problems = {
            "sigma must lie in 0 to 255, lowest first": not 0 <= low <= high <= 255,
            f"the number of timesteps must lie in 1 to {MOST_TIMESTEPS}": not self.timesteps
            or not all(1 <= count <= MOST_TIMESTEPS for count in self.timesteps),
            "the learning rate must be positive, and at most 1000": not 0
            < self.learning_rate
            <= 1000,
            "the sparsity weight can't be negative": not 0 <= self.sparsity_weight < math.inf,
            "the teacher's weight must lie in 0 to 1": not 0 <= self.teacher_weight <= 1,
            "the gradient clip must be positive": not self.gradient_clip > 0,
            "the EMA decay must lie in 0 to 1, 1 excluded": not 0 <= self.ema < 1,
            f"the method must be one of {', '.join(METHODS)}": self.method not in METHODS,
            f"the loss must be one of {', '.join(LOSSES)}": self.loss not in LOSSES,
            f"the sparsity must be over one of {', '.join(SPARSITY_OVER)}": self.sparsity_over
            not in SPARSITY_OVER,
            f"the noise must be one of {', '.join(NOISES)}": self.noise not in NOISES,
            f"the optimiser must be one of {', '.join(OPTIMISERS)}": self.optimiser
            not in OPTIMISERS,
            f"the precision must be one of {', '.join(PRECISIONS)}": self.precision
            not in PRECISIONS,
        }
        for problem, found in problems.items():
            if found:
                raise InputError(problem)
