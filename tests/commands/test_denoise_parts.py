"""`spiden denoise --mask` and `--region`: part of a picture, as files."""

import json

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def denoised(spiden, noisy_png, small_weights):
    """Denoise the noisy picture at sigma 25 with the small network, and more options."""

    def run(*options, **more):
        return spiden("denoise", noisy_png, "-m", small_weights, "--sigma", 25, *options, **more)

    return run


def pixels_of(path):
    with Image.open(path) as image:
        return np.asarray(image)


def save_mask(path, values):
    Image.fromarray(np.asarray(values, np.uint8)).save(path)
    return path


def test_a_region_is_written_beside_the_picture_and_is_a_cut_out_of_the_whole(
    denoised, noisy_png, tmp_path
):
    assert denoised("-o", tmp_path / "whole.png").code == 0
    done = denoised("--region", "11,5,17,13", "--json")
    assert done.code == 0
    (record,) = json.loads(done.stdout)
    assert record["output"] == str(tmp_path / "noisy_region.png")
    assert record["region"] == {"left": 11, "top": 5, "width": 17, "height": 13}
    assert (record["width"], record["height"]) == (17, 13)
    whole = pixels_of(tmp_path / "whole.png")
    assert np.array_equal(pixels_of(record["output"]), whole[5:18, 11:28])


def test_the_level_of_a_region_is_that_of_the_whole(spiden, noisy_png, small_weights):
    run = "denoise", noisy_png, "-m", small_weights
    (whole,) = json.loads(spiden(*run, "--json").stdout)
    (part,) = json.loads(spiden(*run, "--region", "1,2,9,10", "--json").stdout)
    assert part["sigma"] == whole["sigma"]
    assert part["sigma_estimated"]
    done = spiden(*run, "--region", "1,2,9,10", "-o", noisy_png.with_name("again.png"))
    assert "estimated from the whole picture" in done.stdout
    assert "--region 1,2,9,10" in done.stdout


def test_a_region_is_measured_and_drawn_alone(denoised, noisy_png, colour_pixels, tmp_path):
    Image.fromarray(colour_pixels).save(tmp_path / "clean.png")
    done = denoised(
        "--region", "11,5,17,13", "--reference", tmp_path / "clean.png",
        "--compare", tmp_path / "look.png", "--json",
    )  # fmt: skip
    (record,) = json.loads(done.stdout)
    noisy = pixels_of(noisy_png)[5:18, 11:28].astype(float)
    error = np.mean((noisy - colour_pixels[5:18, 11:28]) ** 2)
    assert record["noisy_psnr"] == pytest.approx(10 * np.log10(255**2 / error))
    assert (tmp_path / "look.png").is_file()


@pytest.mark.parametrize(
    ("region", "said"),
    [
        ("0,0,38,31", "beyond the picture, which has 37 x 31 pixels"),
        ("-5,0,10,10", "--region takes X,Y,W,H"),
        ("0,0,4,4", "at least 8 x 8"),
        ("0,0,99999999999,4", "--region takes X,Y,W,H"),
        ("left", "--region takes X,Y,W,H"),
    ],
)
def test_a_region_that_is_none_is_refused_and_nothing_written(denoised, tmp_path, region, said):
    done = denoised(f"--region={region}")
    assert done.code == 2
    assert said in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["noisy.png"]


def test_a_region_never_replaces_its_picture(denoised, noisy_png, tmp_path):
    before = noisy_png.read_bytes()
    link = tmp_path / "link.png"
    link.symlink_to(noisy_png)
    for target in (noisy_png, tmp_path, link):
        done = denoised("--region", "0,0,9,9", "-o", target, "--overwrite")
        assert done.code == 2
        assert "must not replace" in done.stderr
    assert noisy_png.read_bytes() == before


def test_white_is_denoised_black_kept_and_grey_blended(denoised, noisy_png, tmp_path):
    values = np.zeros((31, 37))
    values[:, 12:24], values[:, 24:] = 255, 128
    mask = save_mask(tmp_path / "mask.png", values)
    assert denoised("-o", tmp_path / "whole.png").code == 0
    done = denoised("--mask", mask, "-o", tmp_path / "part.tiff", "--json")
    assert done.code == 0
    (record,) = json.loads(done.stdout)
    assert record["mask"] == str(mask)
    noisy, whole, part = (
        pixels_of(tmp_path / name).astype(float) for name in ("noisy.png", "whole.png", "part.tiff")
    )
    assert np.array_equal(part[:, :12], noisy[:, :12])
    assert np.array_equal(part[:, 12:24], whole[:, 12:24])
    between = noisy + 128 / 255 * (whole - noisy)
    assert np.abs(part - between)[:, 24:].max() <= 1  # both are rounded


def test_a_folder_of_masks_goes_by_name(spiden, noisy_png, small_weights, tmp_path):
    (tmp_path / "masks").mkdir()
    save_mask(tmp_path / "masks" / "noisy.png", np.zeros((31, 37)))
    done = spiden(
        "denoise", noisy_png, "-m", small_weights, "--mask", tmp_path / "masks",
        "-o", tmp_path / "out.png",
    )  # fmt: skip
    assert done.code == 0
    assert "the mask is black all over" in done.stderr
    assert np.array_equal(pixels_of(tmp_path / "out.png"), pixels_of(noisy_png))


def test_masks_painted_in_many_ways_say_the_same(denoised, noisy_png, tmp_path):
    values = np.zeros((31, 37), np.uint8)
    values[8:20] = 255
    outputs = []
    for index, made in enumerate(
        [
            Image.fromarray(values),
            Image.fromarray(values).convert("RGB"),
            Image.fromarray(values).convert("1"),
            Image.fromarray(values.astype(np.uint16) * 257),
            Image.merge("LA", (Image.new("L", (37, 31), 255), Image.fromarray(values))),
        ]
    ):
        made.save(tmp_path / f"mask{index}.png")
        outputs.append(tmp_path / f"out{index}.png")
        assert denoised("--mask", tmp_path / f"mask{index}.png", "-o", outputs[-1]).code == 0
    first, *others = map(pixels_of, outputs)
    assert all(np.array_equal(other, first) for other in others)


def test_masks_that_do_not_fit_are_refused_by_name(denoised, tmp_path):
    small = save_mask(tmp_path / "small.png", np.zeros((30, 37)))
    done = denoised("--mask", small)
    assert done.code == 2
    assert f"{small}: the mask has 37 x 30 pixels, and the picture 37 x 31" in done.stderr
    coloured = save_mask(tmp_path / "red.png", np.full((31, 37, 3), (255, 0, 0)))
    assert "red.png: the mask has colours" in denoised("--mask", coloured).stderr
    assert "no such file" in denoised("--mask", tmp_path / "none.png").stderr.lower()
    assert not (tmp_path / "noisy_denoised.png").exists()


def test_a_mask_is_never_written_over(denoised, tmp_path):
    mask = save_mask(tmp_path / "mask.png", np.zeros((31, 37)))
    before = mask.read_bytes()
    done = denoised("--mask", mask, "-o", mask, "--overwrite")
    assert done.code == 2
    assert "is an input" in done.stderr
    assert mask.read_bytes() == before


def test_show_where_there_is_no_terminal_says_so_and_leaves_stdout_alone(denoised):
    done = denoised("--show", "--json")
    assert done.code == 0
    assert len(json.loads(done.stdout)) == 1
    assert "--show draws in a terminal, and stdout is none: nothing is drawn" in done.stderr


def test_show_draws_one_picture_only(spiden, noisy_png, small_weights, tmp_path):
    Image.open(noisy_png).save(tmp_path / "second.png")
    done = spiden("denoise", tmp_path, "-m", small_weights, "--show")
    assert done.code == 2
    assert "--compare FOLDER/" in done.stderr
