"""Stacks denoised plane by plane: levels by channel, every number type, bounded memory."""

import tracemalloc

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

import spiden_cli as spiden
from spiden_cli.core.files.stacks.layout import Layout
from spiden_cli.core.tasks.planes import denoise_planes_of
from spiden_cli.core.tasks.stack_result import StackSettings


@pytest.fixture(scope="module")
def model():
    return spiden.load("tiny", engine="dense", threads=1)


def scene(*shape: int, seed: int = 0) -> np.ndarray:
    """Smooth planes between about 30 and 220."""
    values = np.random.default_rng(seed).normal(size=shape)
    smooth = gaussian_filter(values, [0] * (len(shape) - 2) + [6, 6])
    smooth = (smooth - smooth.min()) / np.ptp(smooth)
    return 30 + 190 * smooth


def noisy(clean: np.ndarray, sigma: float, seed: int = 1) -> np.ndarray:
    return clean + np.random.default_rng(seed).normal(0, sigma, clean.shape)


def error(image: np.ndarray, clean: np.ndarray) -> float:
    return float(np.sqrt(np.mean((image.astype(np.float64) - clean) ** 2)))


@pytest.mark.parametrize(
    ("dtype", "scale", "offset"),
    [
        ("uint8", 1, 0),
        ("uint16", 16, 32_768),
        ("int16", 10, -2000),
        ("int32", 1e5, 7),
        ("uint32", 1e6, 1e8),
        ("float16", 0.1, -5),
        ("float32", 1 / 255, 0),
        ("float32", 1e-6, 0),
        ("float64", 1e-3, 1e7),
    ],
)
def test_every_type_is_denoised_in_its_own_units(model, dtype, scale, offset):
    clean = scene(64, 72)
    values = noisy(clean, 20) * scale + offset
    given = (np.rint(values) if np.dtype(dtype).kind in "ui" else values).astype(dtype)
    result = model.denoise_stack(given)
    assert result.image.dtype == given.dtype
    assert error((result.image.astype(float) - offset) / scale, clean) < 10  # of 20
    assert result.channels[0].sigma_in_units / scale == pytest.approx(20, rel=0.2)
    single = model.denoise(given)
    assert single.image.dtype == given.dtype
    assert error((single.image.astype(float) - offset) / scale, clean) < 10


def test_holes_stay_and_do_not_spread(model):
    clean = scene(64, 72)
    given = noisy(clean, 20).astype(np.float32)
    given[10:20, 30:50], given[40, 5] = np.nan, np.inf
    result = model.denoise_stack(given)
    holes = ~np.isfinite(given)
    np.testing.assert_array_equal(result.image[holes], given[holes])
    assert error(result.image[~holes], clean[~holes]) < 10
    assert any("201 places" in note for note in result.notes)
    assert not np.isfinite(model.denoise(given).image[holes]).any()


def test_each_channel_has_a_level_of_its_own(model):
    clean = scene(3, 2, 64, 72)
    given = clean.copy()
    for channel, sigma in enumerate((5, 40)):
        given[:, channel] = noisy(clean[:, channel], sigma)
    stack = np.moveaxis(given, 1, -1).astype(np.float32)
    result = model.denoise_stack(stack, "ZYXC")
    assert result.image.shape == stack.shape
    levels = [channel.sigma_in_units for channel in result.channels]
    assert levels == pytest.approx([5, 40], rel=0.3)
    for channel, most in enumerate((4.5, 18)):
        assert error(result.image[..., channel], clean[:, channel]) < most


def test_channels_say_nothing_about_each_other(model):
    one, other = (noisy(scene(64, 72, seed=seed), 20, seed) for seed in (3, 4))
    pair = model.denoise_stack(np.stack([one, other]), "CYX", 20.0)
    alone = model.denoise_stack(one, "YX", 20.0)
    np.testing.assert_array_equal(pair.image[0], alone.image)


def test_colours_stay_together_unless_they_are_independent():
    model = spiden.load(engine="dense", threads=1)
    given = np.rint(noisy(scene(1, 48, 56), 20).repeat(3, 0)).clip(0, 255).astype(np.uint8)
    colour = np.moveaxis(given, 0, -1)
    assert model.denoise_stack(colour, "YXS", 20.0).model == "base-colour"
    apart = model.denoise_stack(colour, "YXS", 20.0, independent=True)
    assert apart.model == "base"
    assert len(apart.channels) == 3
    planes = model.denoise_stack(given, "CYX", 20.0)
    np.testing.assert_array_equal(np.moveaxis(planes.image, 0, -1), apart.image)


def test_a_level_for_each_plane(model):
    clean = scene(2, 64, 72)
    given = np.stack([noisy(clean[0], 4), noisy(clean[1], 40)])
    result = model.denoise_stack(given, "TYX", per_plane=True)
    assert result.levels[0] == pytest.approx([level * 255 / result.channels[0].extent.span
                                           for level in (4, 40)], rel=0.35)  # fmt: skip


@pytest.mark.parametrize("sigma", [None, 40.0])
def test_repeated_frames_are_averaged_first(model, sigma):
    clean = scene(64, 72)
    frames = np.stack([noisy(clean, 40, seed) for seed in range(16)])
    given = np.rint(frames.clip(0, 255)).astype(np.uint8)
    result = model.denoise_stack(given, "TYX", sigma, average=True)
    assert result.image.shape == (64, 72)
    assert result.image.dtype == np.uint8
    assert result.averaged == 16
    assert result.channels[0].sigma == pytest.approx(10, rel=0.25)
    assert error(result.image, clean) < error(given.mean(0), clean) < 12
    with pytest.raises(spiden.InputError, match="no axis T"):
        model.denoise_stack(given, "ZYX", average=True)


def test_strength_0_and_blank_planes_change_no_bit(model):
    given = noisy(scene(2, 48, 56), 20).astype(np.float32)
    given[1] = 7.3
    still = model.denoise_stack(given, "ZYX", adjustment=spiden.Adjustment(0))
    np.testing.assert_array_equal(still.image, given)
    result = model.denoise_stack(given, "ZYX")
    np.testing.assert_array_equal(result.image[1], given[1])
    assert not np.array_equal(result.image[0], given[0])
    empty = np.full((2, 48, 56), np.nan)
    np.testing.assert_array_equal(model.denoise_stack(empty, "ZYX").image, empty)


@pytest.mark.parametrize(
    ("array", "axes", "says"),
    [
        (np.zeros((3, 40, 40)), None, "--axes ZYX"),
        (np.zeros((3, 40, 40)), "TZYX", "4 axes"),
        (np.zeros((0, 40, 40)), "ZYX", "empty"),
        (np.zeros((3, 40, 40), complex), "ZYX", "complex"),
        (np.zeros((40, 3, 4)), "ZYX", "too small"),
    ],
)
def test_what_can_not_be_a_stack_is_refused(model, array, axes, says):
    with pytest.raises(spiden.InputError, match=says):
        model.denoise_stack(array, axes)


def test_memory_does_not_grow_with_the_number_of_planes(model):
    layout = Layout("Z", (40,), (64, 64))
    plane = noisy(scene(64, 64), 20).astype(np.float32)

    class Endless:
        path, kind, notes, dtype = "endless", "", (), np.dtype(np.float32)

        def __init__(self, count: int) -> None:
            self.layout = Layout("Z", (count,), layout.plane)

        def read(self, index):
            return plane.copy()

    peaks = []
    for count in (8, 40):
        tracemalloc.start()
        denoise_planes_of(model, Endless(count), StackSettings(20.0), lambda index, plane: None)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0] + 100_000


def test_photon_counts_are_found_in_a_channel(model):
    generator = np.random.default_rng(3)
    clean = 5 + 40 * (scene(96, 96) > 120)
    planes = [
        100 + 2 * generator.poisson(clean) + generator.normal(0, 2, clean.shape) for _ in "ab"
    ]
    given = np.rint(planes).astype(np.uint16)
    counts = spiden.PoissonGaussian(gain=2.0, offset=100, read_noise=2)
    told = model.denoise_stack(given, "TYX", counts)
    assert told.channels[0].counts == counts
    found = model.denoise_stack(given, "TYX", spiden.UnknownCounts()).channels[0].counts
    assert found.gain == pytest.approx(2, rel=0.25)
    mean = model.denoise_stack(given, "TYX", counts, average=True).channels[0].counts
    assert (mean.gain, mean.offset, mean.read_noise) == pytest.approx((1, 100, 2 / 2**0.5))
