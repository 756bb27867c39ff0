"""The picture that shows what was done: its parts are where they should be, and true."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import spiden_cli as spiden
from spiden_cli.core.tasks.files import Done
from spiden_cli.core.tasks.settings import Files
from spiden_cli.errors import InputError, OutputError
from spiden_cli.report.comparison import draw_comparison, plan_comparisons
from spiden_cli.report.denoising import DenoiseReport
from spiden_cli.report.panels import EDGE, GAP, HEAT, SIDE

FILES = Files(Path("a.png"), Path("b.png"))


@pytest.fixture(scope="module")
def model(small_weights):
    return spiden.load(small_weights, threads=1)


def drawn(network, pixels, path, **changes) -> np.ndarray:
    picture = spiden.Picture(pixels)
    result = network.denoise(picture, 25.0, map_firing=True)
    report = DenoiseReport.of(FILES, Done(picture, result, None))
    draw_comparison(path, picture, result.image, result.firing_map, replace(report, **changes))
    with Image.open(path) as image:
        assert image.format == "PNG"
        return np.asarray(image.convert("RGB"))


def column(page: np.ndarray, index: int) -> np.ndarray:
    left = EDGE + index * (SIDE + GAP)
    return page[:, left : left + SIDE]


def test_pixels_of_the_cutout_are_squares_of_the_page(model, tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (160, 200, 3), dtype=np.uint8)
    page = drawn(model, pixels, tmp_path / "page.png")
    noisy = column(page, 0)
    corner = pixels[:120, :120]  # somewhere on a grid of 60
    places = [(y, x) for y in (0, 40) for x in (0, 60, 80)]
    wanted = [pixels[y : y + 120, x : x + 120].repeat(4, 0).repeat(4, 1) for y, x in places]
    rows = range(len(noisy) - SIDE + 1)
    assert corner.shape == (120, 120, 3)
    assert any(np.array_equal(noisy[row : row + SIDE], part) for row in rows for part in wanted)


def test_removed_nothing_is_mid_grey(model, tmp_path):
    picture = spiden.Picture(np.full((130, 130), 90, np.uint8))
    result = model.denoise(picture, 25.0, adjustment=spiden.Adjustment(0))
    report = DenoiseReport.of(FILES, Done(picture, result, None))
    draw_comparison(tmp_path / "c.png", picture, result.image, None, report)
    with Image.open(tmp_path / "c.png") as image:
        page = np.asarray(image)
    assert page.shape[1] == 2 * EDGE + 3 * SIDE + 2 * GAP
    assert (np.abs(column(page, 2)[-EDGE - SIDE : -EDGE].astype(int) - 127.5) < 1).all()


def test_the_heat_map_has_its_colours_and_its_bar(model, tmp_path, colour_pixels):
    page = drawn(model, colour_pixels, tmp_path / "page.png")
    bar = column(page, 3)
    ends = [tuple(int(code[at : at + 2], 16) for at in (1, 3, 5)) for code in (HEAT[0], HEAT[-1])]
    assert any(tuple(row[0]) == ends[0] and tuple(row[-1]) == ends[1] for row in bar)


@pytest.mark.parametrize("size", [(8, 8), (8, 700), (700, 8), (121, 120), (65, 481), (975, 40)])
@pytest.mark.parametrize("colour", [False, True])
def test_any_shape_fits(model, tmp_path, size, colour):
    shape = (*size, 3) if colour else size
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    page = drawn(model, pixels, tmp_path / "page.png")
    assert page.shape[1] == 2 * EDGE + 4 * SIDE + 3 * GAP
    assert page.shape[0] < 1500


def test_a_long_name_stays_on_the_page(model, tmp_path, grey_pixels):
    page = drawn(model, grey_pixels, tmp_path / "page.png", source=Path("x" * 250), model="m" * 200)
    assert (page[:, -EDGE:] == 255).all()


def test_where_comparisons_go(tmp_path):
    one, two = Path("a.jpg"), Path("b/a.png")
    assert plan_comparisons([one], tmp_path / "x.PNG") == {one: tmp_path / "x.PNG"}
    assert plan_comparisons([one], tmp_path) == {one: tmp_path / "a_compare.png"}
    several = plan_comparisons([one, two], tmp_path / "new")
    assert sorted(path.name for path in several.values()) == [
        "a.jpg_compare.png",
        "a.png_compare.png",
    ]
    with pytest.raises(InputError, match="give --compare a folder"):
        plan_comparisons([one, two], tmp_path / "x.png")
    with pytest.raises(OutputError, match=r"x\.svg.*\.png file, or a folder"):
        plan_comparisons([one], tmp_path / "x.svg")
