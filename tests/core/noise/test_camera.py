import dataclasses
import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from spiden_cli.core.noise.camera import Cameras, draw_cameras, photograph, rms_level
from spiden_cli.core.noise.demosaicing import demosaic, mosaic


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def cameras(count: int = 4, seed: int = 0, **settings: float) -> Cameras:
    """Cameras that neither move nor compress the picture, with some settings given."""
    drawn = draw_cameras(count, generator(seed))
    still = {"lens_blur": 0, "scale": 1, "quality": 0, **settings}
    replaced = {name: torch.full_like(getattr(drawn, name), value) for name, value in still.items()}
    return dataclasses.replace(drawn, **replaced)


def scenes(count: int = 4, side: int = 96, seed: int = 5) -> Tensor:
    coarse = torch.rand(count, 3, 8, 8, generator=generator(seed))
    return torch.nn.functional.interpolate(coarse, (side, side), mode="bicubic").clamp(0.02, 0.98)


def flat(value: float, count: int = 4, side: int = 96) -> Tensor:
    return torch.full((count, 3, side, side), value)


def test_demosaicing_is_opencvs() -> None:
    cv2 = pytest.importorskip("cv2")
    raw = torch.randint(0, 256, (1, 1, 32, 40), generator=generator()).float()
    ours = demosaic(raw, torch.tensor([False]))[0].permute(1, 2, 0)
    # OpenCV calls a pattern by its second row, from the second column on: this is RGGB.
    theirs = cv2.cvtColor(raw[0, 0].byte().numpy(), cv2.COLOR_BAYER_BG2RGB)
    inside = np.s_[2:-2, 2:-2]
    assert np.abs(ours.numpy()[inside] - theirs[inside]).max() <= 1  # theirs are rounded


@pytest.mark.parametrize("malvar", [False, True])
def test_a_mosaic_keeps_its_own_pixels_and_smooth_colours_come_back(malvar: bool) -> None:
    rows, columns = torch.meshgrid(torch.arange(24.0), torch.arange(20.0), indexing="ij")
    ramp = torch.stack([rows + 2 * columns, 3 * rows - columns, 5 - rows])[None]
    raw = mosaic(ramp)
    found = demosaic(raw, torch.tensor([malvar]))
    torch.testing.assert_close(mosaic(found), raw)
    inside = (..., slice(2, -2), slice(2, -2))
    # Bilinear interpolation is exact on any plane; Malvar's, where the channels have one slope.
    grey = demosaic(mosaic(ramp[:, :1].expand(-1, 3, -1, -1)), torch.tensor([malvar]))
    torch.testing.assert_close(grey[inside], ramp[:, :1].expand(-1, 3, -1, -1)[inside])
    if not malvar:
        torch.testing.assert_close(found[inside], ramp[inside])


def test_the_raw_noise_has_the_variance_that_it_should() -> None:
    # Green, undeveloped but for gamma: no matrix, no balance, no curve, no filters.
    plain = cameras(
        64, shot=2e-4, read=1e-6, contrast=1, luma_share=0, chroma_share=0, sharpening=0
    )
    plain = dataclasses.replace(
        plain,
        white_balance=torch.ones(64, 3),
        colour_matrix=torch.eye(3).expand(64, 3, 3),
    )
    for value in (0.1, 0.5):
        display = 1.055 * value ** (1 / 2.4) - 0.055
        noisy = photograph(flat(display, 64), plain, generator()).noisy
        slope = 1.055 / 2.4 * value ** (1 / 2.4 - 1)
        known = noisy[:, 1, 1::2, ::2]  # pixels at which green was measured
        expected = slope * (2e-4 * value + 1e-6) ** 0.5
        # Rounding to 8 bits adds 1/12 of a squared step.
        assert float(known.std()) == pytest.approx((expected**2 + 1 / 12 / 255**2) ** 0.5, rel=0.05)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_without_noise_a_camera_gives_the_picture(seed: int) -> None:
    scene = scenes(2, seed=seed)
    quiet = cameras(2, seed, shot=1e-12, read=1e-16)
    taken = photograph(scene, quiet, generator(seed))
    torch.testing.assert_close(taken.clean, scene)
    assert float((taken.noisy - scene).abs().max()) <= 0.51 / 255


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_whatever_the_camera_its_picture_is_a_picture(seed: int) -> None:
    drawn = draw_cameras(4, generator(seed))
    taken = photograph(scenes(seed=seed), drawn, generator(seed))
    for planes in taken[:2]:
        assert planes.shape == (4, 3, 96, 96)
        assert planes.isfinite().all()
        assert planes.min() >= 0
        assert planes.max() <= 1
    assert (taken.level >= 0).all()
    assert (taken.level <= rms_level(taken.clean, taken.noisy) + 1e-4).all()
    again = photograph(scenes(seed=seed), drawn, generator(seed))
    assert torch.equal(taken.noisy, again.noisy)


def test_more_sensitivity_is_more_noise_and_the_level_says_how_much() -> None:
    levels = []
    for iso in (100, 800, 6400, 51_200):
        drawn = dataclasses.replace(
            draw_cameras(8, generator(), (iso, iso)), quality=torch.zeros(8, dtype=torch.long),
            scale=torch.ones(8), lens_blur=torch.zeros(8),
        )  # fmt: skip
        taken = photograph(scenes(8), drawn, generator())
        torch.testing.assert_close(
            taken.level, rms_level(scenes(8), taken.noisy), atol=0.35, rtol=0.05
        )
        levels.append(taken.level)
    for less, more in itertools.pairwise(levels):
        assert (less < more).all()


def test_camera_noise_is_coarse_and_colour_more_so() -> None:
    strong = cameras(16, shot=1e-2, luma_blur=1.5, chroma_blur=3.0, luma_share=0.7, chroma_share=1)
    noise = photograph(flat(0.5, 16), strong, generator()).noisy - 0.5
    luma = (noise * torch.tensor([0.299, 0.587, 0.114])[:, None, None]).sum(1, keepdim=True)

    def coarseness(planes: Tensor) -> float:
        planes = planes - planes.mean((2, 3), keepdim=True)
        return 2 * float(torch.nn.functional.avg_pool2d(planes, 2).std() / planes.std())

    white = torch.randn(noise.shape, generator=generator())
    assert coarseness(white) == pytest.approx(1, abs=0.05)
    assert coarseness(luma) > 1.3
    assert coarseness(noise - luma) > 1.85


def test_light_and_shadow_are_not_alike() -> None:
    same = cameras(16, shot=1e-3, contrast=1)
    dark, light = (photograph(flat(value, 16), same, generator()).level for value in (0.1, 0.9))
    assert (dark > 1.2 * light).all()


def test_compression_coarsens_and_its_damage_is_not_called_noise() -> None:
    textured = torch.rand(4, 3, 96, 96, generator=generator())
    quiet = cameras(4, shot=1e-12, read=1e-16)
    crude = dataclasses.replace(
        quiet, quality=torch.full((4,), 20), subsampling=torch.full((4,), 2)
    )
    taken = photograph(textured, crude, generator())
    assert (rms_level(taken.clean, taken.noisy) > 10).all()
    assert (taken.level < 0.5).all()


def test_scaling_keeps_the_middle_where_it_is() -> None:
    scene = torch.zeros(1, 3, 96, 96)
    scene[..., 40:56, 40:56] = 0.5
    larger = photograph(scene, cameras(1, shot=1e-12, read=1e-16, scale=2.0), generator()).clean
    assert float(larger[..., 34:62, 34:62].min()) == pytest.approx(0.5, abs=1e-3)
    assert float(larger[..., :30, :30].max()) == pytest.approx(0, abs=1e-3)
