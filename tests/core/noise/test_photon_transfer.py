"""Gain, offset and read noise, from one simulated picture and from repeated frames."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from spiden_cli.core.files.picture_files import read_picture
from spiden_cli.core.image.picture import Range
from spiden_cli.core.noise import mean_variance
from spiden_cli.core.noise.mean_variance import Grids, grouped, in_groups
from spiden_cli.core.noise.model import PoissonGaussian, UnknownCounts
from spiden_cli.core.noise.photon_transfer import estimate_counts, photon_transfer
from spiden_cli.errors import InputError


def scene(side: int, seed: int = 0) -> np.ndarray:
    """Return blurred patches, mostly dark, from 0 to 1."""
    chance = np.random.default_rng(seed)
    patches = gaussian_filter(chance.normal(size=(side, side)), side / 16, mode="wrap")
    return ((patches - patches.min()) / np.ptp(patches)) ** 2


def detected(noise: PoissonGaussian, counts: np.ndarray, seed: int = 0) -> np.ndarray:
    chance = np.random.default_rng(100 + seed)
    values = noise.gain * chance.poisson(counts) + noise.offset
    return values + chance.normal(0, 1, counts.shape) * noise.read_noise


def as_file(values: np.ndarray) -> np.ndarray:
    return np.rint(values).clip(0, 65535).astype(np.uint16)


@pytest.mark.parametrize(
    ("noise", "photons"),
    [
        (PoissonGaussian(2, 100, 2), 1),
        (PoissonGaussian(2, 100, 2), 20),
        (PoissonGaussian(0.5, 0, 0), 50),  # clipped at black
        (PoissonGaussian(40, 500, 30), 10),
        (PoissonGaussian(10, 32768, 20), 200),
    ],
)
def test_one_picture_shows_the_gain(noise, photons):
    found = [
        estimate_counts(as_file(detected(noise, photons * scene(192, s), s))) for s in range(3)
    ]
    gains = np.array([estimate.noise.gain for estimate in found])
    errors = np.array([estimate.gain_error for estimate in found])
    assert abs(gains.mean() / noise.gain - 1) < 0.1
    assert (np.abs(gains - noise.gain) < 3 * errors).all()
    # Offset and read noise lie on the line together: what noise is where is known better.
    for estimate in found:
        assert estimate.noise.offset == pytest.approx(noise.offset, abs=1.5 * noise.gain)
        deviation = np.sqrt(noise.gain**2 * photons / 2 + noise.read_noise**2)
        assert deviation_at(estimate.noise, noise, photons / 2) == pytest.approx(deviation, rel=0.1)


def test_much_light_that_leaves_only_the_ground_flat_shows_the_gain():
    chance, noise = np.random.default_rng(5), PoissonGaussian(2, 100, 2)
    texture = 1 + 0.2 * gaussian_filter(chance.normal(size=(192, 192)), 3) * 10
    cells = gaussian_filter(np.where(scene(192) > 0.4, 0.6 * texture, 0.03), 1.2)
    for photons in (500, 3000):
        found = estimate_counts(as_file(detected(noise, photons * cells)))
        assert found.evident
        assert found.noise.gain == pytest.approx(2, rel=0.25)


def deviation_at(found: PoissonGaussian, true: PoissonGaussian, photons: float) -> float:
    value = true.offset + true.gain * photons
    return float(np.sqrt(found.gain * (value - found.offset) + found.read_noise**2))


def test_counts_are_evident_where_they_are_and_nowhere_else():
    counts = as_file(detected(PoissonGaussian(2, 100, 2), 20 * scene(192)))
    assert estimate_counts(counts).evident
    chance = np.random.default_rng(3)
    white = 400 + 3000 * scene(192) + chance.normal(0, 60, (192, 192))
    assert not estimate_counts(as_file(white)).evident
    clean = estimate_counts(as_file(60000 * scene(192)))
    assert not clean.evident


def test_a_gain_of_no_counts_is_not_found():
    chance = np.random.default_rng(3)
    found = estimate_counts(as_file(1000 + 500 * scene(128) + chance.normal(0, 8, (128, 128))))
    assert found.noise is None
    assert found.gain_error == np.inf
    assert found.level == pytest.approx(8, rel=0.1)
    assert "one level" in str(found)


def test_photographs_with_white_noise_are_no_counts(data_dir):
    chance = np.random.default_rng(1)
    for name in ("04", "10"):
        clean = read_picture(data_dir / "set12" / f"{name}.png").pixels
        for sigma in (0, 5, 25):
            noisy = clean + chance.normal(0, 1, clean.shape) * sigma
            eight = np.rint(noisy).clip(0, 255).astype(np.uint8)
            assert not estimate_counts(eight).evident, (name, sigma)
            twelve = np.rint(16 * noisy).clip(0, 4095).astype(np.uint16)
            assert not estimate_counts(twelve, Range(0, 4095)).evident, (name, sigma)


def test_photographs_seen_with_few_photons_are_counts(data_dir):
    noise = PoissonGaussian(2, 100, 2)
    for name in ("01", "09"):
        clean = read_picture(data_dir / "set12" / f"{name}.png").pixels / 255.0
        for photons in (5, 20):
            found = estimate_counts(as_file(detected(noise, photons * clean)))
            assert found.evident
            assert found.noise.gain == pytest.approx(2, rel=0.15)


def test_what_is_known_is_kept():
    values = as_file(detected(PoissonGaussian(2, 100, 2), 20 * scene(128)))
    for known in (UnknownCounts(2.5), UnknownCounts(None, 99), UnknownCounts(None, 100, 2)):
        noise = estimate_counts(values, known=known).noise
        for name in ("gain", "offset", "read_noise"):
            if (value := getattr(known, name)) is not None:
                assert getattr(noise, name) == value
        assert noise.gain == pytest.approx(known.gain or 2, rel=0.15)


def test_repeated_frames_tell_more():
    noise, still = PoissonGaussian(2, 100, 2), 20 * scene(64)
    texture = still * (1 + 0.3 * np.random.default_rng(9).normal(size=still.shape)).clip(0)
    frames = np.stack([as_file(detected(noise, texture, k)) for k in range(8)])
    found = photon_transfer(frames)
    assert found.noise.gain == pytest.approx(2, rel=0.06)
    assert abs(found.noise.gain - 2) < 3 * found.gain_error < 0.4
    for refused in (frames[:1], frames[0], frames[:, :16, :16]):
        with pytest.raises(InputError):
            photon_transfer(refused)


@pytest.mark.parametrize("side", [8, 40])
def test_pictures_too_small_to_tell_are_refused(side):
    with pytest.raises(InputError, match="too few"):
        estimate_counts(np.arange(side * side, dtype=np.uint16).reshape(side, side))


def test_a_picture_without_noise_is_refused():
    with pytest.raises(InputError, match="no noise"):
        estimate_counts(np.full((64, 64), 7, np.uint16))


@pytest.mark.parametrize(
    ("gain", "offset", "read", "said"),
    [
        (0, 0, 0, "gain must be a number above 0"),
        (-1, 0, 0, "gain"),
        (float("nan"), 0, 0, "gain"),
        (1, 0, -1, "read noise"),
        (1, float("inf"), 0, "offset"),
    ],
)
def test_noise_that_can_not_be_is_refused(gain, offset, read, said):
    for kind in (PoissonGaussian, UnknownCounts):
        with pytest.raises(InputError, match=said):
            kind(gain, offset, read)


def test_a_short_look_finds_what_is_evident_and_nothing_else():
    chance, counts = np.random.default_rng(2), PoissonGaussian(2, 100, 2)
    for side in (96, 192):
        clean = scene(side)
        white = as_file(1000 * clean + 100 + chance.normal(0, 20, clean.shape))
        for pixels in (as_file(detected(counts, 5 * clean)), white):
            whole, short = (estimate_counts(pixels, only_evident=only) for only in (False, True))
            assert whole.evident == short.evident == (pixels is not white)
            assert short == whole or pixels is white


def test_blocks_are_grouped_by_the_brightness_around_them():
    blocks = Grids(as_file(detected(PoissonGaussian(2, 100, 2), 100 * scene(110)))).blocks()
    assert (np.diff(blocks.around) >= 0).all()
    groups = [row for part in in_groups(blocks.around) for row in part]
    expected = np.array_split(np.sort(blocks.around), 24)
    assert all(np.array_equal(*pair) for pair in zip(groups, expected, strict=True))
    assert len(in_groups(blocks.around)) == 2  # there are groups of two sizes
    assert grouped(blocks).mean == pytest.approx(
        [part.mean() for part in np.array_split(blocks.mean, 24)]
    )


def beads(side: int) -> np.ndarray:
    """Return blurred beads on a dark ground, from 0 to 1: smooth all over."""
    spots = np.zeros((side, side))
    tops, lefts, peaks = np.random.default_rng(5).uniform(0, 1, (3, 30))
    spots[(side * tops).astype(int), (side * lefts).astype(int)] = 0.2 + peaks
    blurred = gaussian_filter(spots, side / 32)
    return blurred / blurred.max()


@pytest.mark.parametrize("photons", [5, 20])
def test_counts_of_a_confocal_microscope_in_8_bits_are_evident(photons):
    gain = 140 / photons  # nothing lies below the black of the file
    values = gain * np.random.default_rng(2).poisson(photons * beads(192))
    found = estimate_counts(values.round().clip(0, 255).astype(np.uint8))
    assert found.evident
    assert found.noise.gain == pytest.approx(gain, rel=0.15)


@pytest.mark.parametrize("photons", [20, 200])
def test_smooth_structures_of_a_deep_file_leave_counts_evident(photons):
    values = 100 + 2 * np.random.default_rng(2).poisson(photons * beads(128))
    found = estimate_counts(as_file(values))
    assert found.evident
    assert found.noise.gain == pytest.approx(2, rel=0.15)


def test_a_glance_and_what_follows_measure_each_grid_once(monkeypatch):
    pixels = as_file(detected(PoissonGaussian(2, 100, 2), 100 * scene(110)))
    shapes, measured = [], mean_variance._measured
    monkeypatch.setattr(
        mean_variance, "_measured", lambda *part: shapes.append(part[0].shape) or measured(*part)
    )
    whole, before = Grids(pixels).blocks(), len(shapes)
    grids = Grids(pixels)
    assert len(grids.blocks(1).mean) < len(whole.mean) / 3
    again = grids.blocks()
    assert len(shapes) == 2 * before
    assert all(np.array_equal(one, other) for one, other in zip(whole, again, strict=True))
