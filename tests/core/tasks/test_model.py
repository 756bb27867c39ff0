"""The model object: any kind of image in, the same kind out; choices, notes, threads, pickle."""

import pickle
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

import spiden_cli as spiden
from spiden_cli.core.image.metadata import Metadata
from spiden_cli.core.tasks.model import Model

SIGMA = 25.0


@pytest.fixture(scope="session")
def model(small_weights) -> Model:
    return spiden.load(small_weights, threads=1)


@pytest.fixture(params=["dense", "event"])
def either(request, small_weights) -> Model:
    return spiden.load(small_weights, engine=request.param, threads=2)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float16, np.float32, np.float64])
@pytest.mark.parametrize("colour", [False, True])
def test_arrays_come_back_as_they_were(model, colour_pixels, dtype, colour):
    pixels = colour_pixels if colour else colour_pixels[..., 0]
    kind = np.dtype(dtype)
    image = pixels.astype(dtype) * (257 if kind == np.uint16 else 1)
    if kind.kind == "f":
        image = (pixels / 255).astype(dtype)
    result = model.denoise(image, SIGMA)
    assert result.image.shape == image.shape
    assert result.image.dtype == image.dtype
    assert not np.array_equal(result.image, image)
    assert result.noise == spiden.Gaussian(SIGMA)
    assert set(result.activity) >= {"readout"}


def test_depths_and_floats_say_the_same(model, grey_pixels):
    eight = model.denoise(grey_pixels, SIGMA).image / 255.0
    sixteen = model.denoise(grey_pixels.astype(np.uint16) * 257, SIGMA).image / 65535.0
    floats = model.denoise(grey_pixels / 255.0, SIGMA).image
    np.testing.assert_allclose(sixteen, floats.clip(0, 1), atol=1e-5)
    np.testing.assert_allclose(eight, floats.clip(0, 1), atol=0.5 / 255 + 1e-6)


@pytest.mark.parametrize("shape", [(31, 37), (1, 31, 37), (3, 31, 37)])
def test_tensors_come_back_as_they_were(model, shape):
    image = torch.rand(shape, dtype=torch.float64)
    found = model.denoise(image, SIGMA).image
    assert found.shape == image.shape
    assert found.dtype == image.dtype
    planes = np.moveaxis(image.numpy(), 0, -1) if len(shape) == 3 else image.numpy()
    expected = model.denoise(np.squeeze(planes), SIGMA).image
    got = np.squeeze(np.moveaxis(found.numpy(), 0, -1) if len(shape) == 3 else found.numpy())
    np.testing.assert_array_equal(got, expected)


def test_a_picture_comes_back_as_a_picture(model, grey_pixels):
    picture = spiden.Picture(
        grey_pixels, alpha=grey_pixels, metadata=Metadata(description="mitochondria")
    )
    found = model.denoise(picture, SIGMA).image
    assert isinstance(found, spiden.Picture)
    assert found.metadata.description == "mitochondria"
    assert found.alpha is grey_pixels
    np.testing.assert_array_equal(found.pixels, model.denoise(grey_pixels, SIGMA).image)


def test_a_narrow_range_is_denoised_like_a_full_one(model, grey_pixels):
    full = model.denoise(grey_pixels.astype(np.uint16) * 257, SIGMA).image / 65535
    twelve = grey_pixels.astype(np.uint16) * 16
    narrow = model.denoise(twelve, SIGMA, white=255 * 16).image
    assert narrow.max() <= 255 * 16
    np.testing.assert_allclose(narrow / (255 * 16), full, atol=1e-3)


def test_unknown_noise_is_estimated_and_said():
    generator = np.random.default_rng(5)
    noisy = np.clip(generator.normal(128, 20, (64, 64)), 0, 255).astype(np.uint8)
    result = spiden.load("tiny", threads=1).denoise(noisy)
    assert result.estimated
    assert result.noise.sigma == pytest.approx(20, rel=0.1)
    assert result.image.std() < 0.3 * noisy.std()


@pytest.mark.parametrize(("level", "said"), [(0.0, "is 0"), (99.0, "trained for"), (20.0, None)])
def test_notes_say_what_a_user_should_know(model, grey_pixels, level, said):
    notes = model.denoise(grey_pixels, level).notes
    assert notes == () if said is None else said in " ".join(notes)


def test_nothing_is_found_in_a_flat_picture_and_the_note_says_so(model):
    result = model.denoise(np.full((64, 64), 100, np.uint8))
    assert result.noise == spiden.Gaussian(0.0)
    assert "no noise was found" in result.notes[0]


def test_auto_takes_the_model_for_the_kind_of_picture(colour_pixels, grey_pixels):
    auto = spiden.load(threads=1)
    assert auto.denoise(grey_pixels, SIGMA).model == "base"
    assert auto.denoise(colour_pixels, SIGMA).model == "base-colour"


def camera_noise(level: float, side: int = 256) -> np.ndarray:
    """A coloured slope with coarse noise, (H, W, 3) uint8."""
    rows, columns = np.mgrid[:side, :side] / side
    clean = np.stack([60 + 100 * rows, 90 + 80 * columns, 180 - 90 * rows], -1)
    noise = gaussian_filter(np.random.default_rng(0).normal(size=clean.shape), (1, 1, 0))
    return np.rint(clean + noise * level / noise.std()).clip(0, 255).astype(np.uint8)


def white_noise(level: float, side: int = 256) -> np.ndarray:
    clean = camera_noise(0.0, side)
    noise = np.random.default_rng(0).normal(0, level, clean.shape)
    return np.rint(clean + noise).clip(0, 255).astype(np.uint8)


def test_auto_takes_the_model_for_the_kind_of_noise():
    model = spiden.load()
    coarse, white = camera_noise(6), white_noise(6)
    found = model.denoise(coarse)
    assert found.model == "photo"
    assert type(found.noise) is spiden.Coarse
    assert found.noise.sigma == found.estimate.level  # as it is, not as much more
    assert "coarse" in str(found.estimate)
    found = model.denoise(white)
    assert found.model == "base-colour"
    assert type(found.noise) is spiden.Gaussian
    # A number says how much, not what; and who says what is believed.
    assert model.denoise(coarse, 8).model == "photo"
    assert model.denoise(white, 8).model == "base-colour"
    assert model.denoise(coarse, spiden.Gaussian(8)).model == "base-colour"
    assert model.denoise(white, spiden.Coarse(8)).model == "photo"
    assert not model.denoise(coarse, 8).estimated
    # A picture too small to tell, and a grey one, are denoised all the same.
    assert model.denoise(coarse[:20, :20], 8).model == "base-colour"
    assert model.denoise(coarse[..., 0]).model == "base"


def test_a_model_of_white_noise_is_told_more_of_coarse_noise_than_there_is():
    found = spiden.load("base-colour").denoise(camera_noise(6))
    assert found.noise.sigma == found.estimate.sigma > found.estimate.level


def test_noise_may_differ_from_pixel_to_pixel(either, grey_pixels):
    flat = spiden.NoiseMap(np.full(grey_pixels.shape, SIGMA, np.float32))
    np.testing.assert_array_equal(
        either.denoise(grey_pixels, flat).image, either.denoise(grey_pixels, SIGMA).image
    )
    halves = flat.sigma.copy()
    halves[:, :18] = 0
    found = either.denoise(grey_pixels, spiden.NoiseMap(halves)).image
    np.testing.assert_array_equal(found[:, :18], grey_pixels[:, :18])
    assert not np.array_equal(found[:, 18:], grey_pixels[:, 18:])


def test_counts_are_noisier_where_it_is_brighter(model):
    ramp = np.broadcast_to(np.linspace(0, 255, 64).astype(np.uint8), (64, 64))
    found = model.denoise(ramp, spiden.PoissonGaussian(gain=4.0, offset=10, read_noise=1))
    change = np.abs(found.image.astype(int) - ramp).mean(0)
    assert change[:12].mean() < change[-24:-8].mean()


@pytest.mark.parametrize(
    ("image", "noise"),
    [
        (np.zeros((16, 16), np.complex64), 5),
        (np.zeros((16, 16), bool), 5),
        (np.zeros((0, 16)), 5),
        (np.zeros((16, 16, 4), np.uint8), 5),
        (np.full((16, 16), np.nan), 5),
        ([[1, 2]], 5),
        (np.zeros((16, 16), np.uint8), -1),
        (np.zeros((16, 16), np.uint8), float("nan")),
        (np.zeros((16, 16), np.uint8), float("inf")),
    ],
)
def test_what_can_not_be_denoised_is_refused(model, image, noise):
    with pytest.raises(spiden.InputError):
        model.denoise(image, noise)


@pytest.mark.parametrize("timesteps", [0, 65, 10**12])
def test_timesteps_are_bounded(model, grey_pixels, timesteps):
    with pytest.raises(spiden.InputError, match="1 to 64"):
        model.denoise(grey_pixels, SIGMA, timesteps=timesteps)


def test_a_map_of_another_size_is_refused(model, grey_pixels):
    with pytest.raises(spiden.InputError, match="map"):
        model.denoise(grey_pixels, spiden.NoiseMap(np.ones((5, 5), np.float32)))


def test_eight_threads_get_what_one_gets(either):
    generator = np.random.default_rng(1)
    images = [generator.integers(0, 256, (24 + 2 * k, 40), dtype=np.uint8) for k in range(16)]
    alone = [either.denoise(image, SIGMA) for image in images]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda image: either.denoise(image, SIGMA), images))
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one.image, other.image)
        assert one.activity == other.activity


def test_threads_that_load_at_once_share_one_engine():
    model, found = spiden.load("auto", threads=1), []
    threads = [
        threading.Thread(target=lambda: found.append(model.loaded(False).engine)) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(map(id, found))) == 1


def test_a_model_travels_by_pickle_without_its_file(small_weights, tmp_path, grey_pixels):
    copy = tmp_path / "copy.safetensors"
    copy.write_bytes(small_weights.read_bytes())
    model = spiden.load(copy, threads=1)
    expected = model.denoise(grey_pixels, SIGMA).image
    sent = pickle.dumps(model)
    copy.unlink()
    np.testing.assert_array_equal(pickle.loads(sent).denoise(grey_pixels, SIGMA).image, expected)


def test_what_is_wrong_with_a_model_is_told_at_once(tmp_path):
    with pytest.raises(spiden.WeightsError):
        spiden.load("no-such-model")
    with pytest.raises(spiden.InputError, match="engine"):
        spiden.load("tiny", engine="warp")
    with pytest.raises(spiden.InputError, match="device"):
        spiden.load("tiny", engine="dense", device="meta")
    with pytest.raises(spiden.InputError, match="CPU"):
        spiden.load("tiny", engine="event", device="cuda")


def test_the_event_engine_needs_no_torch(tmp_path, noisy_png):
    code = f"""
import sys
import numpy as np
import spiden_cli as spiden
model = spiden.load("tiny", engine="event")
model.denoise(np.full((32, 32), 7, np.uint8), 5.0)
sys.argv = ["spiden", "denoise", {str(noisy_png)!r}, "-o", {str(tmp_path / "out.png")!r},
            "--engine", "event", "--reference", {str(noisy_png)!r}]
from spiden_cli.app import main
try:
    main()
except SystemExit as leaving:
    assert not leaving.code, leaving.code
assert "torch" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out.png").is_file()
