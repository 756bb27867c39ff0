"""Colours are told by more than an ICC profile: kept, or said by a profile that means the same."""

import io
from dataclasses import replace
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import ImageCms

from spiden_cli.core.files.colour import icc_profile_of
from spiden_cli.core.files.picture_files import losses, read_picture, write_picture
from spiden_cli.core.image.metadata import ColourTags
from spiden_cli.core.image.picture import Picture

CASES = Path(__file__).resolve().parents[4] / "shared" / "cases" / "photographs"
ADOBE = (31_270, 32_900, 64_000, 33_000, 21_000, 71_000, 15_000, 6_000)
SRGB = (31_270, 32_900, 64_000, 33_000, 30_000, 60_000, 15_000, 6_000)
P3, PQ = ColourTags(cicp=(12, 13, 0, 1)), ColourTags(cicp=(9, 16, 0, 1), light_level=bytes(8))
TAGS = [
    P3,
    PQ,
    ColourTags(gamma=100_000),
    ColourTags(gamma=45_455, chromaticities=ADOBE),
    ColourTags(srgb_intent=1, gamma=45_455),
    ColourTags(cicp=(9, 16, 0, 1), mastering=bytes(range(24))),
]


@pytest.mark.parametrize("tags", TAGS)
@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("colour", [False, True])
def test_png_keeps_all_of_it(tmp_path, picture, depth, colour, tags):
    write_picture(tmp_path / "x.png", replace(picture(depth, colour=colour), colour_tags=tags))
    after = read_picture(tmp_path / "x.png")
    assert after.colour_tags == tags
    assert np.array_equal(after.pixels, picture(depth, colour=colour).pixels)
    assert losses("x.png", after) == ()


def in_srgb(pixels: np.ndarray, profile: bytes | None) -> np.ndarray:
    if profile is None:
        return pixels
    with_profile = ImageCms.ImageCmsProfile(io.BytesIO(profile)).tobytes()
    srgb = imagecodecs.cms_profile("srgb")
    space = {"colorspace": "rgb", "outcolorspace": "rgb"}
    return imagecodecs.cms_transform(pixels, with_profile, srgb, **space)


@pytest.mark.parametrize("suffix", [".tif", ".webp", ".jpg"])
@pytest.mark.parametrize("tags", [P3, TAGS[2], TAGS[3]])
def test_other_formats_get_a_profile_that_means_the_same(tmp_path, picture, suffix, tags):
    before = replace(picture(), colour_tags=tags)
    assert losses(f"x{suffix}", before) == ()
    write_picture(tmp_path / f"x{suffix}", before)
    after = read_picture(tmp_path / f"x{suffix}")
    assert after.icc_profile is not None
    assert after.icc_profile == icc_profile_of(tags, colour=True)


def test_the_profile_of_linear_light_means_it(picture):
    """A linear 8-bit 55 is 127 in sRGB's curve (IEC 61966-2-1)."""
    pixels = np.full((9, 9, 3), 55, np.uint8)
    shown = in_srgb(pixels, icc_profile_of(ColourTags(gamma=100_000), colour=True))
    assert abs(int(shown[0, 0, 0]) - 127) <= 1


def test_the_profile_of_display_p3_means_it():
    """sRGB's red lies at (0.9175, 0.2003, 0.1386) in Display P3 (CSS Color 4, section 10.3)."""
    pixels = np.rint(np.full((9, 9, 3), (0.9175, 0.2003, 0.1386)) * 255).astype(np.uint8)
    shown = in_srgb(pixels, icc_profile_of(P3, colour=True))
    assert np.abs(shown[0, 0].astype(int) - (255, 0, 0)).max() <= 4


@pytest.mark.parametrize(
    "tags",
    [
        ColourTags(srgb_intent=0),
        ColourTags(gamma=45_455),
        ColourTags(gamma=45_455, chromaticities=SRGB),
        ColourTags(cicp=(1, 13, 0, 1)),
    ],
)
def test_srgb_needs_no_profile(picture, tags):
    assert icc_profile_of(tags, colour=True) is None
    assert losses("x.bmp", replace(picture(), colour_tags=tags)) == ()


def test_grey_gets_a_grey_profile(tmp_path, picture):
    before = replace(picture(colour=False), colour_tags=ColourTags(gamma=100_000))
    write_picture(tmp_path / "x.jpg", before)
    assert read_picture(tmp_path / "x.jpg").icc_profile[16:20] == b"GRAY"


@pytest.mark.parametrize("suffix", [".tif", ".jpg", ".webp"])
def test_hdr_that_a_format_cannot_tell_is_named(picture, suffix):
    (line,) = losses(f"x{suffix}", replace(picture(), colour_tags=PQ))
    assert "HDR (PQ)" in line
    assert "choose .png" in line


def test_profile_comes_before_srgb_and_gamma_and_behind_cicp(picture, srgb):
    linear = ColourTags(gamma=100_000)
    both = replace(picture(), icc_profile=srgb, colour_tags=linear)
    from spiden_cli.core.files.colour import fitted_colours

    assert fitted_colours(both, "JPEG")[0].profile == srgb
    both = replace(both, colour_tags=P3)
    assert fitted_colours(both, "JPEG")[0].profile == icc_profile_of(P3, colour=True)


def test_chromaticities_of_a_tiff_are_kept(tmp_path, colour_pixels):
    ratios = [number for value in ADOBE for number in (value, 100_000)]
    tags = [(318, "2I", 2, ratios[:4], True), (319, "2I", 6, ratios[4:], True)]
    tifffile.imwrite(tmp_path / "x.tif", colour_pixels, photometric="rgb", extratags=tags)
    before = read_picture(tmp_path / "x.tif")
    assert before.colour_tags == ColourTags(chromaticities=ADOBE)
    write_picture(tmp_path / "y.png", before)
    assert read_picture(tmp_path / "y.png").colour_tags == before.colour_tags
    write_picture(tmp_path / "y.jpg", before)
    assert read_picture(tmp_path / "y.jpg").icc_profile is not None


@pytest.mark.parametrize("name", ["cHRM_adobe.png", "cicp_p3.png", "cicp_pq.png", "gama1.png"])
def test_files_whose_colours_came_back_as_srgb(tmp_path, name):
    if not (CASES / name).is_file():
        pytest.skip(f"no {CASES / name}")
    before = read_picture(CASES / name)
    assert isinstance(before, Picture)
    write_picture(tmp_path / "y.png", before)
    assert read_picture(tmp_path / "y.png").colour_tags == before.colour_tags is not None
