"""Views of planes: what is looked at through them is what the whole array would show."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from spiden_cli.core.files.stacks.pyramid import of_copy, reduced
from spiden_cli.core.image.picture import Range
from spiden_cli.core.image.plane_view import PlaneView, compacted, ends_of, squares_of
from spiden_cli.core.noise.blind import estimate_noise
from spiden_cli.core.noise.photon_transfer import estimate_counts

sizes = st.integers(9, 70)
steps = st.integers(1, 40)


def view_of(plane: np.ndarray, step: tuple[int, int]) -> PlaneView:
    return PlaneView(plane.shape, plane.dtype, step, lambda window: plane[window])


def plane_of(height: int, width: int, samples: int = 0) -> np.ndarray:
    shape = (height, width, samples) if samples else (height, width)
    return np.random.default_rng(height * width).integers(0, 60000, shape).astype(np.uint16)


@settings(max_examples=60, deadline=None)
@given(sizes, sizes, st.sampled_from([0, 3]), steps, steps, st.integers(1, 9), st.integers(1, 200))
def test_squares_are_those_of_the_array(height, width, samples, tall, wide, side, most):
    plane = plane_of(height, width, samples)
    seen = squares_of(view_of(plane, (tall, wide)), side, most)
    np.testing.assert_array_equal(seen, squares_of(plane, side, most))


@settings(max_examples=60, deadline=None)
@given(sizes, sizes, steps, steps, st.integers(1, 9), st.integers(1, 12))
def test_squares_may_overlap(height, width, tall, wide, side, pitch):
    plane = plane_of(height, width)
    rows, columns = (max(0, n - side) // pitch + 1 for n in plane.shape)
    seen = compacted(view_of(plane, (tall, wide)), side, pitch, rows, columns)
    for row in range(rows):
        for column in range(columns):
            np.testing.assert_array_equal(
                seen[row * side : (row + 1) * side, column * side : (column + 1) * side],
                plane[row * pitch : row * pitch + side, column * pitch : column * pitch + side],
            )


@settings(max_examples=40, deadline=None)
@given(sizes, sizes, steps, steps, st.integers(1, 9))
def test_values_ends_and_samples(height, width, tall, wide, step):
    plane = plane_of(height, width, 4)
    view = view_of(plane, (tall, wide))
    np.testing.assert_array_equal(view[::step, ::step], plane[::step, ::step])
    np.testing.assert_array_equal(view[..., 2][3:8, 1:9], plane[3:8, 1:9, 2])
    np.testing.assert_array_equal(view[..., slice(0, 3)][2:, :], plane[2:, :, :3])
    ends = ends_of(view)
    assert (ends.least, ends.most, ends.finite) == (plane.min(), plane.max(), True)
    floats = plane[..., 0].astype(np.float32)
    floats[-1, -1] = np.nan
    assert not ends_of(view_of(floats, (tall, wide))).finite


@settings(max_examples=60, deadline=None)
@given(sizes, sizes, st.data())
def test_a_tile_of_a_reduced_copy_is_that_of_the_whole(height, width, data):
    plane = plane_of(height, width)
    shape = tuple(data.draw(st.integers(1, n)) for n in plane.shape)
    starts = [data.draw(st.integers(0, n - 1)) for n in shape]
    stops = [data.draw(st.integers(start + 1, n)) for start, n in zip(starts, shape, strict=True)]
    window = tuple(map(slice, starts, stops))
    part = reduced(plane[of_copy(window, shape, plane.shape)], shape, window, plane.shape)
    np.testing.assert_array_equal(part, reduced(plane, shape)[window])


def test_noise_is_found_as_in_the_array():
    generator = np.random.default_rng(2)
    light = 40 + 3000 * np.linspace(0, 1, 420) * np.ones((390, 1))
    counted = np.rint(3 * generator.poisson(light) + 90).astype(np.uint16)
    grey = (light + generator.normal(0, 60, light.shape)).astype(np.float32)
    colour = generator.integers(60, 200, (390, 420, 3)).astype(np.uint8)
    for plane, extent in ((counted, Range(0, 12000)), (grey, Range(0, 4000)), (colour, Range())):
        view = view_of(plane, (100, 64))
        assert estimate_noise(view, extent) == estimate_noise(plane, extent)
        assert estimate_counts(view, extent) == estimate_counts(plane, extent)
