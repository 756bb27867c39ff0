"""Training images that are noisy already: what the network is shown, and what it is to make of it.

The noise is simulated, so that what must come out is known.
"""

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from spiden_cli.core.data.patches import PatchSource
from spiden_cli.core.image.picture import Picture
from spiden_cli.core.noise.training import ObservedNoise, noise_of
from spiden_cli.core.training.frames import consecutive_frames, pairs_of_files
from spiden_cli.core.training.observations import Observation, observed_images
from spiden_cli.errors import DatasetError, InputError

SCENE = np.add.outer(np.linspace(2, 40, 96), 20 * np.sin(np.arange(64) / 9) ** 2)


def counted(seed: int, scene: np.ndarray = SCENE) -> np.ndarray:
    """Photons of a scene: gain 3, offset 100, read noise 2."""
    generator = np.random.default_rng(seed)
    values = 3 * generator.poisson(scene) + 100 + generator.normal(0, 2, scene.shape)
    return np.rint(values).astype(np.uint16)


def write_frames(path, count, shape=()):
    frames = np.stack([counted(seed) for seed in range(count)])
    tifffile.imwrite(path, frames, imagej=True, metadata={"axes": "TYX"})
    return frames


def test_frames_are_taken_two_by_two_and_none_twice(tmp_path):
    frames = write_frames(tmp_path / "stack.tif", 5)
    found = list(consecutive_frames([tmp_path / "stack.tif"]))
    assert [one.is_clean for one in found] == [False, False]
    for at, one in zip((0, 2), found, strict=True):
        np.testing.assert_array_equal(one.noisy.measured, frames[at])
        np.testing.assert_array_equal(one.target.measured, frames[at + 1])


def test_frames_stay_in_their_channel(tmp_path):
    values = np.arange(4 * 2)[:, None, None] * 1000 + counted(0)[None]
    stack = values.reshape(4, 2, *SCENE.shape).astype(np.uint16)
    tifffile.imwrite(tmp_path / "s.tif", stack, imagej=True, metadata={"axes": "TCYX"})
    means = [
        (round(one.noisy.measured.mean() / 1000), round(one.target.measured.mean() / 1000))
        for one in consecutive_frames([tmp_path / "s.tif"])
    ]
    assert means == [(0, 2), (1, 3), (4, 6), (5, 7)]


def test_the_pictures_of_a_folder_are_frames_in_their_order(tmp_path):
    for at in range(4):
        Image.fromarray((counted(at) % 256).astype(np.uint8)).save(tmp_path / f"f{at}.png")
    names = [one.name for one in consecutive_frames([tmp_path])]
    assert names == [str(tmp_path / "f0.png"), str(tmp_path / "f2.png")]


@pytest.mark.parametrize(
    ("axes", "shape", "what"),
    [("ZYX", (4,), "no frames along an axis T"), ("YX", (), "a single picture")],
)
def test_what_has_no_frames_is_refused(tmp_path, axes, shape, what):
    path = tmp_path / "stack.tif"
    frames = np.broadcast_to(counted(0), (*shape, *SCENE.shape)).copy()
    tifffile.imwrite(path, frames, imagej=True, metadata={"axes": axes})
    with pytest.raises(DatasetError, match=what):
        list(consecutive_frames([path]))


def test_a_clean_picture_serves_all_frames_of_its_stack(tmp_path):
    write_frames(tmp_path / "noisy.tif", 3)
    clean = (3 * SCENE + 100).astype(np.float32)
    tifffile.imwrite(tmp_path / "clean.tif", clean)
    found = list(pairs_of_files([tmp_path / "noisy.tif"], [tmp_path / "clean.tif"]))
    assert len(found) == 3
    for one in found:
        np.testing.assert_allclose(one.target.measured, clean)


def test_stacks_of_other_sizes_are_no_pair(tmp_path):
    write_frames(tmp_path / "a.tif", 3)
    write_frames(tmp_path / "b.tif", 4)
    with pytest.raises(DatasetError, match="aren't those of the noisy stack"):
        list(pairs_of_files([tmp_path / "a.tif"], [tmp_path / "b.tif"]))


def observation(noisy, target, is_clean=True):
    return Observation("x.tif", Picture(noisy), Picture(target), is_clean)


def test_the_noise_of_what_is_shown_is_white_and_its_mean_what_is_wanted():
    noisy = counted(0, np.kron(SCENE, np.ones((4, 4))))
    clean = (3 * np.kron(SCENE, np.ones((4, 4))) + 100).astype(np.float32)
    (left,), (right,) = (
        side for side in vars(observed_images([observation(noisy, clean)], 1)).values()
    )
    image = torch.cat([left, right], 1 if left.shape[2] == right.shape[2] else 2).float()
    seen, wanted, level = image
    noise = (seen - wanted) * 255
    assert float(level.mean()) == pytest.approx(float(noise.std()), rel=0.05)
    assert abs(float(noise.mean())) < 0.05 * float(level.mean())
    dark, bright = wanted < wanted.median(), wanted >= wanted.median()
    assert float(noise[dark].std()) == pytest.approx(float(noise[bright].std()), rel=0.1)


def test_one_in_twenty_is_held_out_and_of_one_a_part():
    pair = observation(counted(0), counted(1), False)
    many = observed_images([pair] * 40, 1)
    assert (len(many.training), len(many.held_out)) == (38, 2)
    one = observed_images([pair], 1)
    assert one.training[0].shape == (3, 77, 64)
    assert one.held_out[0].shape == (3, 19, 64)
    assert many.training[0].dtype == torch.float16


def test_a_grey_network_takes_the_channels_of_a_colour_picture():
    colour = np.random.default_rng(0).integers(0, 255, (40, 48, 3), np.uint8)
    pairs = [observation(colour, colour[::-1].copy())] * 4
    grey, whole = observed_images(pairs, 1), observed_images(pairs, 3)
    assert len(grey.training) + len(grey.held_out) == 12
    assert whole.training[0].shape == (7, 40, 48)


@pytest.mark.parametrize(
    ("noisy", "target", "channels", "what"),
    [
        (counted(0), counted(0)[:-1], 1, "not of one scene"),
        (counted(0), (counted(0) // 3).astype(np.uint8), 1, "aren't of one unit"),
        (counted(0), counted(1), 3, "is grey"),
    ],
)
def test_what_is_no_pair_is_refused(noisy, target, channels, what):
    with pytest.raises(DatasetError, match=what):
        observed_images([observation(noisy, target)], channels)


def test_nothing_to_learn_from_is_refused():
    with pytest.raises(DatasetError, match="nothing to learn from"):
        observed_images([], 1)


@pytest.mark.parametrize("kind", ["pairs", "frames"])
def test_patches_part_in_noisy_target_and_level(kind):
    image = torch.empty(7, 32, 40, dtype=torch.float16)
    for plane in range(7):
        image[plane] = plane / 8
    noise = noise_of(kind, (0.0, 55.0))
    assert isinstance(noise, ObservedNoise)
    batch = PatchSource([image], 16, noise, torch.Generator().manual_seed(0)).draw(16)
    assert batch.clean.shape == batch.noisy.shape == (16, 3, 16, 16)
    assert batch.sigma.tolist() == [0.75] * 16
    first = {float(patch[0, 0, 0]) for patch in batch.noisy}
    assert first == ({0.0, 0.375} if kind == "frames" else {0.0})  # each learns from the other
    assert ((batch.clean - batch.noisy).abs() == 0.375).all()


def test_a_picture_too_small_to_tell_its_noise_is_refused():
    tiny = np.zeros((4, 4), np.uint8)
    with pytest.raises(InputError):
        observed_images([observation(tiny, tiny)], 1)
