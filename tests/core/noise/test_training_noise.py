import torch

from spiden_cli.core.noise.camera import rms_level
from spiden_cli.core.noise.training import CameraNoise, WhiteNoise, noise_of


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_white_noise_has_the_level_that_is_told() -> None:
    clean = torch.full((32, 1, 64, 64), 0.5)
    batch = WhiteNoise((5.0, 50.0))(clean, generator())
    assert batch.sigma.min() >= 5
    assert batch.sigma.max() <= 50
    assert batch.sigma.std() > 5
    torch.testing.assert_close(rms_level(batch.clean, batch.noisy), batch.sigma, rtol=0.06, atol=0)


def test_camera_noise_takes_its_margin_and_tells_about_the_level() -> None:
    noise = CameraNoise((0.0, 55.0))
    side = 64 + 2 * noise.margin
    clean = torch.nn.functional.interpolate(
        torch.rand(256, 3, 6, 6, generator=generator()), (side, side), mode="bilinear"
    )
    batch = noise(clean, generator())
    assert batch.clean.shape == batch.noisy.shape == (256, 3, 64, 64)
    ratio = (batch.sigma / rms_level(batch.clean, batch.noisy)).log()
    assert abs(float(ratio.median())) < 0.15
    assert 0.15 < float(ratio.std()) < 0.8  # not told exactly
    again = noise(clean, generator())
    assert torch.equal(batch.noisy, again.noisy)
    assert torch.equal(batch.sigma, again.sigma)
    # Some patches have plain noise, which isn't rounded to 8 bits.
    rounded = ((batch.noisy * 255).round() - batch.noisy * 255).abs().amax((1, 2, 3)) < 1e-3
    assert 0.6 < float(rounded.float().mean()) < 0.95


def test_the_kinds_have_names() -> None:
    assert isinstance(noise_of("white", (25.0, 25.0)), WhiteNoise)
    assert isinstance(noise_of("camera", (0.0, 55.0)), CameraNoise)
