"""Stuck pixels and offsets of rows and columns: found where they are, and nowhere else."""

from dataclasses import replace

import numpy as np
import pytest

from spiden_cli.core.files.picture_files import read_picture
from spiden_cli.core.image.picture import Picture
from spiden_cli.core.noise.defects import repaired
from spiden_cli.core.noise.model import PoissonGaussian

NOISE = PoissonGaussian(2, 100, 2)


def blobs(side: int = 160, width: float = 6.0, count: int = 12) -> np.ndarray:
    rows, columns = np.mgrid[:side, :side]
    scene = np.full((side, side), 0.03)
    for top, left, peak in np.random.default_rng(4).uniform(0.1, 0.9, (count, 3)):
        away = (rows - top * side) ** 2 + (columns - left * side) ** 2
        scene += peak * np.exp(-away / (2 * width**2))
    return scene


def detected(counts: np.ndarray, seed: int = 0) -> np.ndarray:
    chance = np.random.default_rng(seed)
    electrons = chance.poisson(counts) + chance.normal(0, 1, counts.shape)
    return NOISE.gain * electrons + NOISE.offset


def picture(values: np.ndarray) -> Picture:
    return Picture(np.rint(values).clip(0, 65535).astype(np.uint16))


@pytest.mark.parametrize("photons", [1, 20, 200])
def test_stuck_pixels_are_found_and_replaced_by_what_is_beside_them(photons):
    counts = photons * blobs()
    values, chance = detected(counts), np.random.default_rng(8)
    rows, columns = (chance.choice(160, 25, replace=False) for _ in range(2))
    values[rows, columns] += 2 * (photons + 30) * chance.uniform(1, 5, 25)
    values[rows[0], columns[0] - 1] = values[rows[0], columns[0]]  # two beside each other
    found, repairs = repaired(picture(values), NOISE)
    assert 26 <= repairs.stuck <= 27
    assert f"{repairs.stuck} stuck pixels" in str(repairs)
    left = found.pixels[rows, columns] - (NOISE.offset + NOISE.gain * counts[rows, columns])
    assert np.abs(left).max() < 5 * NOISE.deviation(NOISE.offset + NOISE.gain * photons)
    touched = np.ones(values.shape, bool)
    touched[rows, columns] = touched[rows[0], columns[0] - 1] = False
    assert (found.pixels != picture(values).pixels)[touched].sum() <= 1


@pytest.mark.parametrize("width", [0.7, 1.0, 6.0])
@pytest.mark.parametrize("photons", [5, 1000])
def test_stars_and_clean_pictures_are_left_alone(width, photons):
    noisy = picture(detected(photons * blobs(width=width, count=40)))
    found, repairs = repaired(noisy, NOISE)
    assert found is noisy
    assert str(repairs) == ""


def test_the_textures_of_photographs_are_left_alone(data_dir):
    for name in ("03", "06", "07"):
        whole = read_picture(data_dir / "set12" / f"{name}.png").pixels
        clean = whole[1:, 1:] / 255  # the first column or row of some is faulty
        for photons in (5, 100):
            _, repairs = repaired(picture(detected(photons * clean)), NOISE)
            assert repairs.stuck <= 1, (name, photons)
            assert repairs.lines == repairs.rows == repairs.columns == 0, (name, photons)


@pytest.mark.parametrize("axis", [0, 1])
def test_offsets_of_rows_or_columns_are_taken_off(axis):
    clean, offsets = 20 * blobs(), np.random.default_rng(2).normal(0, 3, 160)
    along = offsets[:, None] if axis == 0 else offsets
    found, repairs = repaired(picture(detected(clean) + along), NOISE)
    which, other = (repairs.rows, repairs.columns) if axis == 0 else (repairs.columns, repairs.rows)
    assert which == pytest.approx(3, rel=0.2)
    assert other == 0
    left = (found.pixels - NOISE.offset - NOISE.gain * clean).mean(1 - axis)
    assert left.std() < 0.4 * 3


def test_the_units_are_those_of_the_file():
    values = detected(20 * blobs())
    values[50, 60] = 1500
    shifted = Picture((values - 5000).astype(np.float32))
    found, repairs = repaired(shifted, replace(NOISE, offset=NOISE.offset - 5000))
    assert repairs.stuck == 1
    assert found.pixels[50, 60] < -4700


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("fault", ["dead", "hot", "noisy", "two"])
def test_faulty_lines_are_replaced(fault, axis):
    clean = 20 * blobs()
    values = detected(clean)
    seen = values if axis == 0 else values.T
    lines = [70, 71] if fault == "two" else [70]
    for line in lines:
        noisy = np.random.default_rng(1).normal(300, 20, 160)
        seen[line] = {"noisy": noisy, "hot": 4095}.get(fault, 0)
    found, repairs = repaired(picture(values), NOISE)
    assert repairs.lines == len(lines)
    assert repairs.stuck == repairs.rows == repairs.columns == 0
    assert "faulty line" in str(repairs)
    left = (found.pixels - NOISE.offset - NOISE.gain * clean).take(lines, axis)
    assert np.sqrt((left**2).mean()) < 7


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("lines", [[70], [70, 71], [20, 70, 120]])
def test_a_line_that_is_shifted_keeps_what_it_holds(lines, axis):
    clean = 20 * blobs()
    values = detected(clean)
    good = values.copy().take(lines, axis)
    (values if axis == 0 else values.T)[lines] += np.array([[15], [-25], [40]])[: len(lines)]
    found, repairs = repaired(picture(values), NOISE)
    assert repairs.lines == repairs.stuck == 0
    assert (repairs.rows > 0, repairs.columns > 0) == (axis == 0, axis == 1)
    assert np.abs(found.pixels.take(lines, axis) - good).max() < 3


@pytest.mark.parametrize("strength", [2, 8])
def test_strong_offsets_in_a_photograph_are_taken_off(data_dir, strength):
    clean = read_picture(data_dir / "set12" / "07.png").pixels[:200, :200] / 5.0
    good, noise = NOISE.offset + NOISE.gain * clean, NOISE.deviation(150)
    offsets = np.random.default_rng(5).normal(0, strength * noise, 200)
    found, repairs = repaired(picture(detected(clean) + offsets[:, None]), NOISE)
    assert repairs.lines <= 1
    assert repairs.rows == pytest.approx(strength * noise, rel=0.2)
    left = np.diff((found.pixels - good).mean(1))  # what lasts over rows is not told from shading
    assert left.std() < 0.25 * np.diff(offsets).std()


def test_a_line_that_optics_have_drawn_is_left_alone():
    rows = np.arange(160)[:, None]
    clean = 20 * blobs() + 40 * np.exp(-((rows - 80) ** 2) / (2 * 0.8**2))
    noisy = picture(detected(clean))
    assert repaired(noisy, NOISE)[0] is noisy
