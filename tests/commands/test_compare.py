"""`spiden compare`: what it measures, draws and refuses."""

import json
import math

import numpy as np
import pytest
import tifffile
from PIL import Image

from spiden_cli.report.panels import EDGE, GAP, SIDE
from spiden_cli.report.side_by_side import distinct_labels


@pytest.fixture
def scene():
    """A colour picture of (90, 140), with structure."""
    y, x = np.mgrid[:90, :140]
    planes = [128 + 90 * np.sin(x / 9 + c) * np.cos(y / 7 - c) for c in range(3)]
    return np.rint(np.stack(planes, -1)).astype(np.uint8)


@pytest.fixture
def pictures(tmp_path, scene):
    """clean.png, and two with a deviation of 4 and 8 levels."""
    generator = np.random.default_rng(0)
    signs = generator.choice([-1, 1], scene.shape)
    Image.fromarray(scene).save(tmp_path / "clean.png")
    for name, level in (("four.png", 4), ("eight.png", 8)):
        Image.fromarray((scene + level * signs).astype(np.uint8)).save(tmp_path / name)
    return tmp_path


def test_two_pictures_their_difference_and_the_figures(spiden, pictures):
    done = spiden("compare", pictures / "clean.png", pictures / "four.png", "--json")
    assert done.code == 0
    record = json.loads(done.stdout)
    assert record["compared_with"] == str(pictures / "clean.png")
    assert record["reference"] is None
    base, other = record["pictures"]
    assert base["psnr"] is None
    assert other["psnr"] == pytest.approx(20 * math.log10(255 / 4))
    assert other["difference"] == pytest.approx(4, abs=1e-3)
    assert 0.5 < other["ssim"] < 1
    assert record["sheet"] == str(pictures / "clean_compare.png")
    with Image.open(record["sheet"]) as sheet:
        assert sheet.width == 2 * EDGE + 3 * SIDE + 2 * GAP


def test_against_a_reference(spiden, pictures):
    names = [pictures / name for name in ("four.png", "eight.png")]
    sheet = pictures / "sheet.png"
    done = spiden("compare", *names, "--reference", pictures / "clean.png", "-o", sheet, "--json")
    record = json.loads(done.stdout)
    assert record["reference"] == str(pictures / "clean.png")
    assert [round(p["difference"]) for p in record["pictures"]] == [4, 8]
    assert record["amplified"] == 5  # of the larger difference; the same for both
    again = ("--reference", pictures / "clean.png", "-o", sheet, "--overwrite")
    said = spiden("compare", *names, *again, columns=80)
    assert "36.09 dB" in said.stdout
    assert "30.07 dB" in said.stdout
    assert all(len(line) <= 80 for line in said.stdout.replace(str(sheet), "").splitlines())


def test_the_named_part_is_drawn_pixel_by_pixel(spiden, pictures, scene):
    sheet = pictures / "sheet.png"
    files = pictures / "clean.png", pictures / "four.png"
    done = spiden("compare", *files, "--crop", "13,7,100,48", "-o", sheet)
    assert done.code == 0
    part = scene[7:55, 13:113].repeat(4, 0).repeat(4, 1)
    with Image.open(sheet) as image:
        page = np.asarray(image)[:, EDGE : EDGE + 400]
    rows = range(len(page) - len(part) + 1)
    assert any(np.array_equal(page[row : row + len(part)], part) for row in rows)


@pytest.mark.parametrize("crop", ["0,0,140,90", "0,0,1,1", "130,0,10,90"])
def test_any_part_can_be_drawn(spiden, pictures, crop):
    files = pictures / "clean.png", pictures / "four.png", pictures / "eight.png"
    done = spiden("compare", *files, "--crop", crop, "--json")
    assert done.code == 0
    record = json.loads(done.stdout)
    assert ",".join(map(str, record["crop"].values())) == crop
    assert not record["crop_chosen"]


@pytest.mark.parametrize(
    ("crop", "said"),
    [
        ("0,0,141,9", "beyond the picture, which has 140 x 90 pixels"),
        ("-1,0,9,9", "--crop takes X,Y,W,H"),
        ("0,0,9", "--crop takes X,Y,W,H"),
        ("0,0,0,9", "--crop takes X,Y,W,H"),
        ("a,b,c,d", "--crop takes X,Y,W,H"),
        ("0.5,0,9,9", "--crop takes X,Y,W,H"),
    ],
)
def test_a_part_that_is_none_is_refused(spiden, pictures, crop, said):
    done = spiden("compare", pictures / "clean.png", pictures / "four.png", f"--crop={crop}")
    assert done.code == 2
    assert said in done.stderr
    assert not list(pictures.glob("*_compare*"))


def test_equal_pictures_are_called_equal(spiden, pictures):
    Image.open(pictures / "clean.png").save(pictures / "same.tiff")
    done = spiden("compare", pictures / "clean.png", pictures / "same.tiff")
    assert "none: equal" in done.stdout
    again = ("--json", "--overwrite")
    record = json.loads(
        spiden("compare", pictures / "clean.png", pictures / "same.tiff", *again).stdout
    )
    assert record["pictures"][1]["equal"]
    assert record["pictures"][1]["psnr"] is None


def test_sixteen_bits_beside_eight(spiden, pictures, scene):
    tifffile.imwrite(pictures / "deep.tiff", scene.astype(np.uint16) * 257, photometric="rgb")
    done = spiden("compare", pictures / "clean.png", pictures / "deep.tiff", "--json")
    record = json.loads(done.stdout)
    assert [p["depth"] for p in record["pictures"]] == [8, 16]
    assert record["pictures"][1]["equal"]
    tifffile.imwrite(pictures / "off.tiff", scene.astype(np.uint16) * 257 + 1, photometric="rgb")
    done = spiden("compare", pictures / "deep.tiff", pictures / "off.tiff", "--json")
    found = json.loads(done.stdout)["pictures"][1]
    assert found["difference"] == pytest.approx(1 / 257, abs=1e-4)


def test_transparent_pictures_are_drawn_over_checks(spiden, pictures, scene):
    alpha = np.zeros((90, 140), np.uint8)
    for name, pixels in (("one.png", scene), ("two.png", 255 - scene)):
        Image.fromarray(np.dstack([pixels, alpha])).save(pictures / name)
    done = spiden("compare", pictures / "one.png", pictures / "two.png")
    assert done.code == 0
    assert "transparent places are drawn over checks" in done.stderr


def test_sizes_and_kinds_that_differ_are_refused_in_plain_words(spiden, pictures, scene):
    Image.fromarray(scene[:, 1:]).save(pictures / "narrow.png")
    Image.fromarray(scene[..., 0]).save(pictures / "grey.png")
    done = spiden("compare", pictures / "clean.png", pictures / "narrow.png")
    assert done.code == 2
    assert "narrow.png has 139 x 90 pixels" in done.stderr
    assert "scale or crop one of them" in done.stderr
    done = spiden("compare", pictures / "clean.png", pictures / "grey.png")
    assert done.code == 2
    assert "grey.png is grey" in done.stderr
    assert not list(pictures.glob("*_compare*"))


def test_how_many_and_where_to(spiden, pictures):
    one = pictures / "clean.png"
    assert "2 to 6 pictures" in spiden("compare", one).stderr
    assert "2 to 6 pictures" in spiden("compare", *[one] * 7).stderr
    assert "named twice" in spiden("compare", one, one).stderr
    done = spiden("compare", one, pictures / "four.png", "-o", pictures / "x.jpg")
    assert done.code == 6
    assert ".png file" in done.stderr
    done = spiden("compare", one, pictures / "four.png", "-o", one)
    assert done.code == 2
    assert "is an input" in done.stderr


def test_six_pictures_fit_on_a_sheet(spiden, pictures, scene):
    files = [pictures / "clean.png"]
    for level in range(1, 6):
        files.append(pictures / f"{'a_very_long_name_of_a_picture_' * 3}{level}.png")
        Image.fromarray(scene + np.uint8(level)).save(files[-1])
    done = spiden("compare", *files, "-o", pictures / "sheet.png", columns=80)
    assert done.code == 0
    with Image.open(pictures / "sheet.png") as sheet:
        page = np.asarray(sheet)
    assert page.shape[1] < 2400
    assert (page[:, -EDGE:] == 255).all()


def test_pictures_of_one_name_are_told_apart(tmp_path):
    paths = [tmp_path / "a" / "x.png", tmp_path / "b" / "x.png", tmp_path / "b" / "y.png"]
    assert list(distinct_labels(paths).values()) == ["a/x.png", "b/x.png", "y.png"]


def test_show_where_there_is_no_terminal_says_so(spiden, pictures):
    done = spiden("compare", pictures / "clean.png", pictures / "four.png", "--show", "--json")
    assert done.code == 0
    json.loads(done.stdout)
    assert "nothing is drawn" in done.stderr


def test_counts_are_shown_by_what_they_hold_and_measured_on_one_scale(spiden, tmp_path):
    """100 to 160 of 65,536 would be one grey, and each file's own white level another scale."""
    field = np.add.outer(np.linspace(100, 120, 64), np.linspace(0, 6, 80)).astype(np.uint16)
    noisy = field + np.random.default_rng(0).integers(0, 40, field.shape, np.uint16)
    tifffile.imwrite(tmp_path / "clean.tif", field)  # needs 7 bits
    tifffile.imwrite(tmp_path / "noisy.tif", noisy)  # needs 8
    names = (tmp_path / "noisy.tif", tmp_path / "clean.tif", tmp_path / "s.png")
    done = spiden("compare", names[0], names[1], "--reference", names[1], "-o", names[2], "--json")
    assert done.code == 0, done.stderr
    found = json.loads(done.stdout)["pictures"][0]["psnr"]
    error = np.mean((noisy.astype(float) - field) ** 2)
    assert found == pytest.approx(10 * math.log10(255**2 / error), abs=1e-3)
    text = spiden("compare", *names[:2], "-o", names[2], "--overwrite").stdout
    assert "shown from 1" in text
    with Image.open(names[2]) as sheet:
        greys = np.asarray(sheet.convert("L"))[200:400]
    assert np.ptp(np.unique(greys)) > 200  # black to white, not one grey
