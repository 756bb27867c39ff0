"""Runs that take a fraction of a second: a tiny network on two small pictures."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from spiden_cli.core.network.config import NetworkConfig
from spiden_cli.core.network.presets import preset
from spiden_cli.core.training.config import TrainingConfig
from spiden_cli.core.training.loop import Trainer

TINY = replace(preset("tiny"), width=4, layers=4, threshold=1.0)
SHORT = TrainingConfig(
    steps=6, batch_size=2, patch_size=12, warmup=1, sigma=(0.0, 55.0), timesteps=(2, 1), ema=0.5,
    validate_every=2,
)  # fmt: skip

MakeTrainer = Callable[..., Trainer]


@pytest.fixture
def images() -> list[torch.Tensor]:
    """Smooth pictures, uint8 (1, H, W), from a generator of their own."""
    generator = torch.Generator().manual_seed(1)
    coarse = torch.rand(3, 1, 5, 6, generator=generator)
    smooth = torch.nn.functional.interpolate(coarse, (20, 24), mode="bicubic").clamp(0, 1)
    return list((smooth * 255).to(torch.uint8))


@pytest.fixture
def trainer(tmp_path: Path, images: list[torch.Tensor]) -> MakeTrainer:
    """Make a run: trainer("folder", network={"neuron": "relu"}, steps=9)."""

    def make(
        folder: str = "run",
        network: dict[str, object] | NetworkConfig = {},  # noqa: B006
        start: Path | None = None,
        teacher: Path | None = None,
        **settings: object,
    ) -> Trainer:
        shape = network if isinstance(network, NetworkConfig) else replace(TINY, **network)
        return Trainer(
            tmp_path / folder, shape, replace(SHORT, **settings), images[:2], images[2:],
            torch.device("cpu"), {"preset": "tiny", "data": "smooth"}, start, teacher,
        )  # fmt: skip

    return make
