import numpy as np
import pytest
import torch

from spiden_cli.core.noise.synthesis import add_gaussian_noise


@pytest.mark.parametrize("sigma", [5.0, 25.0, 50.0])
def test_noise_has_the_asked_strength_and_is_white(sigma):
    noise = (add_gaussian_noise(torch.full((1, 400, 400), 0.5), sigma, seed=3) - 0.5) * 255
    assert noise.std().item() == pytest.approx(sigma, rel=0.01)  # 160,000 values: 0.2 % deviation
    assert abs(noise.mean().item()) < 0.01 * sigma
    neighbours = np.corrcoef(noise[0, :, 1:].flatten(), noise[0, :, :-1].flatten())[0, 1]
    assert abs(neighbours) < 0.01


def test_same_seed_same_noise_whatever_the_global_state():
    clean = torch.rand(3, 9, 7)
    torch.manual_seed(1)
    first = add_gaussian_noise(clean, 25, seed=7)
    torch.manual_seed(2)
    state = torch.get_rng_state()
    assert torch.equal(add_gaussian_noise(clean, 25, seed=7), first)
    assert torch.equal(torch.get_rng_state(), state)
    assert not torch.equal(add_gaussian_noise(clean, 25, seed=8), first)


def test_noise_is_neither_clipped_nor_written_into_the_clean_picture():
    clean = torch.cat([torch.zeros(1, 30, 30), torch.ones(1, 30, 30)])
    noisy = add_gaussian_noise(clean, 50, seed=0)
    assert noisy.min() < 0
    assert noisy.max() > 1
    assert clean.unique().tolist() == [0, 1]


def test_sigma_scales_the_same_noise():
    zero = torch.zeros(1, 8, 8)
    weak, strong = (add_gaussian_noise(zero, sigma, seed=5) for sigma in (10, 20))
    torch.testing.assert_close(strong, 2 * weak)
    assert torch.equal(add_gaussian_noise(zero, 0, seed=5), zero)


@pytest.mark.parametrize("sigma", [-1.0, float("nan"), float("inf")])
def test_impossible_sigma_is_refused(sigma):
    with pytest.raises(ValueError, match="sigma"):
        add_gaussian_noise(torch.zeros(1, 8, 8), sigma, seed=0)
