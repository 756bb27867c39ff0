"""Runs that take a fraction of a second: a tiny network on two small pictures."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest
import torch

from spiden_cli.core.data.training_images import TrainingImages
from spiden_cli.core.network.config import NetworkConfig
from spiden_cli.core.network.presets import preset
from spiden_cli.core.training.config import TrainingConfig
from spiden_cli.core.training.loop import train
from spiden_cli.core.training.progress import Progress
from spiden_cli.core.training.run_folder import RunFolder
from spiden_cli.core.training.setup import Run, resume_run, start_run
from spiden_cli.core.training.state import TrainingState

TINY = replace(preset("tiny-if"), width=4, layers=4, threshold=1.0)
SHORT = TrainingConfig(
    steps=6, batch_size=2, patch_size=12, warmup=1, sigma=(0.0, 55.0), timesteps=(2, 1), ema=0.5,
    validate_every=2,
)  # fmt: skip
NOTES = {"preset": "tiny", "data": "smooth"}


class Kept(NamedTuple):
    """A run and the folder that it is kept in."""

    run: Run
    folder: RunFolder

    @property
    def state(self) -> TrainingState:
        return self.run.state

    def train(self, **limits: object) -> Iterator[Progress]:
        return train(self.run, self.folder, **limits)


Make = Callable[..., Kept]


@pytest.fixture
def images() -> TrainingImages:
    """Smooth pictures, uint8 (1, H, W), from a generator of their own; one is held out."""
    generator = torch.Generator().manual_seed(1)
    coarse = torch.rand(3, 1, 5, 6, generator=generator)
    smooth = torch.nn.functional.interpolate(coarse, (20, 24), mode="bicubic").clamp(0, 1)
    pictures = list((smooth * 255).to(torch.uint8))
    return TrainingImages(pictures[:2], pictures[2:])


@pytest.fixture
def start(tmp_path: Path, images: TrainingImages) -> Make:
    """Start a run: start("folder", network={"neuron": "relu"}, steps=9)."""

    def make(
        folder: str = "run",
        network: dict[str, object] | NetworkConfig = {},  # noqa: B006
        init: Path | None = None,
        teacher: Path | None = None,
        data: TrainingImages = images,
        **settings: object,
    ) -> Kept:
        shape = network if isinstance(network, NetworkConfig) else replace(TINY, **network)
        config = replace(SHORT, **settings)
        run = start_run(shape, config, data, torch.device("cpu"), NOTES, init, teacher)
        return Kept(run, RunFolder(tmp_path / folder))

    return make


@pytest.fixture
def resume(tmp_path: Path, images: TrainingImages) -> Make:
    """Resume a run with the same arguments that `start` takes."""

    def make(
        folder: str = "run",
        network: dict[str, object] = {},  # noqa: B006
        teacher: Path | None = None,
        data: TrainingImages = images,
        **settings: object,
    ) -> Kept:
        kept, shape = RunFolder(tmp_path / folder), replace(TINY, **network)
        config = replace(SHORT, **settings)
        return Kept(resume_run(kept, shape, config, data, torch.device("cpu"), teacher), kept)

    return make
