"""A short run that one process, or several of torchrun's, can train; run as a script by a test."""

import json
import os
import sys
from dataclasses import replace
from pathlib import Path

import torch

from spiden_cli.core.data.training_images import TrainingImages
from spiden_cli.core.network.presets import preset
from spiden_cli.core.training.config import TrainingConfig
from spiden_cli.core.training.loop import train
from spiden_cli.core.training.run_folder import RunFolder
from spiden_cli.core.training.setup import resume_run, start_run
from spiden_cli.core.training.team import ALONE, team
from spiden_cli.errors import TrainingError

CPU = torch.device("cpu")
NETWORKS = {
    "if": replace(preset("tiny-if"), width=4, layers=4, threshold=1.0),
    "weighted": replace(preset("tiny"), width=4, layers=6),
}
CONFIGS = {
    "if": TrainingConfig(
        steps=6, batch_size=4, patch_size=12, warmup=1, sigma=(0.0, 55.0), timesteps=(2, 1),
        optimiser="muon", learning_rate=0.01, sparsity_weight=0.1, ema=0.5, validate_every=2,
    ),
    "weighted": TrainingConfig(
        steps=4, batch_size=8, patch_size=12, warmup=1, timesteps=(2,), optimiser="muon",
        learning_rate=0.01, method="quantiser", sparsity_weight=0.1, ema=0.5, validate_every=2,
        loss="psnr",
    ),
}  # fmt: skip


def pictures():
    generator = torch.Generator().manual_seed(1)
    coarse = torch.rand(3, 1, 5, 6, generator=generator)
    smooth = torch.nn.functional.interpolate(coarse, (20, 24), mode="bicubic").clamp(0, 1)
    found = list((smooth * 255).to(torch.uint8))
    return TrainingImages(found[:2], found[2:])


def begin(name, together=ALONE):
    return start_run(NETWORKS[name], CONFIGS[name], pictures(), CPU, {}, team=together)


def curve(run, folder, stop=lambda: False):
    return [progress.loss for progress in train(run, folder, stop=stop)]


def main(place):
    """Train both runs, one of them again from its middle, and then lose a process."""
    with team(CPU) as together:
        told = {"size": together.size}
        for name in NETWORKS:
            folder = RunFolder(place / name) if together.leads else None
            told[name] = curve(begin(name, together), folder)
        half, kept = begin("if", together), RunFolder(place / "half")
        folder = kept if together.leads else None
        curve(half, folder, lambda: together.rank == 1 and half.state.step == 2)
        told["stopped_at"] = half.state.step
        together.from_leader(None)  # which has written the checkpoint
        network, config = NETWORKS["if"], CONFIGS["if"]
        rest = resume_run(kept, network, config, pictures(), CPU, team=together)
        curve(rest, folder)

        lost = begin("if", together)
        folder = RunFolder(place / "lost") if together.leads else None

        def die():
            if lost.state.step == 3 and not together.leads:
                os._exit(9)
            return False

        try:
            curve(lost, folder, die)
        except TrainingError as error:
            told["error"] = str(error)
        (place / f"{together.rank}.json").write_text(json.dumps(told))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
