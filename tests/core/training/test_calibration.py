from dataclasses import replace

import torch

from spiden_cli.core.data.patches import PatchSource
from spiden_cli.core.network.denoiser import Denoiser
from spiden_cli.core.network.presets import preset
from spiden_cli.core.noise.training import WhiteNoise
from spiden_cli.core.training.calibration import BATCHES, recalibrate


def patches(seed: int) -> PatchSource:
    image = torch.randint(0, 256, (1, 40, 40), generator=torch.Generator().manual_seed(3))
    generator = torch.Generator().manual_seed(seed)
    return PatchSource([image.to(torch.uint8)], 12, WhiteNoise((0.0, 50.0)), generator)


def test_statistics_are_the_mean_over_the_batches():
    torch.manual_seed(0)
    network = Denoiser(replace(preset("tiny-if"), width=4, layers=4)).eval()
    norm = network.encoder.norm
    norm.running_mean += 7  # somebody else's
    momentum = norm.momentum
    recalibrate(network, patches(1), 2, 2, False)
    assert (network.training, norm.momentum) == (False, momentum)

    seen = []
    network.encoder.conv.register_forward_hook(lambda *args: seen.append(args[2].mean((0, 2, 3))))
    source = patches(1)
    with torch.no_grad():
        for _ in range(BATCHES):
            batch = source.draw(2)
            network(batch.noisy, batch.sigma, 2)
    torch.testing.assert_close(norm.running_mean, torch.stack(seen).mean(0))
