"""`spiden denoise` on stacks and measurements, as a microscopist runs it."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from scipy.ndimage import gaussian_filter

CASES = Path(__file__).resolve().parents[3] / "shared" / "cases" / "science"


@pytest.fixture
def case():
    """A file that failed once: case("ij8_invlut.tif")."""

    def find(name: str) -> Path:
        if not (CASES / name).is_file():
            pytest.skip(f"no {name} at {CASES}")
        return CASES / name

    return find


@pytest.fixture
def stack() -> np.ndarray:
    """A noisy stack, TZCYX (2, 3, 2, 40, 48) uint16; channel 1 has four times the noise."""
    generator = np.random.default_rng(5)
    clean = gaussian_filter(generator.normal(size=(2, 3, 2, 40, 48)), (0, 0, 0, 4, 4))
    clean = 500 + 2000 * (clean - clean.min()) / np.ptp(clean)
    noise = generator.normal(size=clean.shape) * np.array([50, 200]).reshape(2, 1, 1)
    return np.rint(clean + noise).astype(np.uint16)


@pytest.fixture
def hyperstack(tmp_path, stack) -> Path:
    """The stack as an ImageJ hyperstack."""
    path = tmp_path / "cells.tif"
    words = {"axes": "TZCYX", "unit": "um", "spacing": 0.5, "Info": "30 ms"}
    tifffile.imwrite(path, stack, imagej=True, metadata=words, resolution=(3.2, 3.2))
    return path


def denoise(spiden, *arguments):
    return spiden("denoise", *arguments, "-m", "tiny", "--threads", 1)


def roughness(plane: np.ndarray) -> float:
    return float(np.abs(np.diff(plane.astype(np.float64), axis=-1)).mean())


def test_a_hyperstack_comes_back_with_a_level_for_each_channel(spiden, hyperstack, stack):
    before = hyperstack.read_bytes()
    outcome = denoise(spiden, hyperstack, "--json")
    assert outcome.code == 0, outcome.stderr
    assert hyperstack.read_bytes() == before
    (record,) = json.loads(outcome.stdout)
    assert (record["axes"], record["shape"]) == ("TZCYX", [2, 3, 2, 40, 48])
    levels = [channel["sigma_in_units"] for channel in record["channels"]]
    assert levels == pytest.approx([50, 200], rel=0.35)
    assert record["lost"] == []
    with tifffile.TiffFile(hyperstack.with_name("cells_denoised.tif")) as tiff:
        assert tiff.series[0].axes == "TZCYX"
        assert tiff.imagej_metadata["spacing"] == 0.5
        assert tiff.imagej_metadata["Info"] == "30 ms"
        written = tiff.asarray()
    assert written.dtype == stack.dtype
    for index in np.ndindex(2, 3, 2):
        assert roughness(written[index]) < 0.8 * roughness(stack[index])


def test_the_sheet_fits_80_columns_and_tells_levels_in_the_file_s_units(spiden, hyperstack):
    outcome = spiden("denoise", hyperstack, "-m", "tiny", "--threads", 1, columns=80)
    for words in ("TZCYX 2 x 3 x 2 x 40 x 48", "sigma, C 1", "in the file's units", "planes"):
        assert words in outcome.stdout
    assert max(map(len, outcome.stdout.splitlines())) <= 80


def test_numpy_asks_for_axes_by_example_and_takes_them(spiden, tmp_path, stack):
    path = tmp_path / "cells.npy"
    np.save(path, stack.astype(np.float64) - 700)
    outcome = denoise(spiden, path)
    assert outcome.code == 2
    assert "--axes TZCYX" in outcome.stderr
    assert outcome.stderr.splitlines()[-1].startswith("error: ")
    assert outcome.stderr.count("error") == 1
    assert list(tmp_path.iterdir()) == [path]
    assert denoise(spiden, path, "--axes", "TZYX").code == 2
    assert denoise(spiden, path, "--axes", "tzcyx", "-o", tmp_path / "out.npy").code == 0
    written = np.load(tmp_path / "out.npy")
    assert (written.dtype, written.shape) == (np.float64, stack.shape)
    assert denoise(spiden, path, "--axes", "TZCYX", "-o", tmp_path / "new").code == 0
    assert (tmp_path / "new" / "cells.npy").is_file()


def test_frames_are_averaged(spiden, tmp_path, hyperstack, stack):
    target = tmp_path / "mean.tif"
    outcome = denoise(spiden, hyperstack, "--average-frames", "-o", target, "--json")
    assert outcome.code == 0, outcome.stderr
    (record,) = json.loads(outcome.stdout)
    assert (record["averaged"], record["output_axes"], record["planes"]) == (2, "ZCYX", 6)
    with tifffile.TiffFile(target) as tiff:
        assert tiff.series[0].axes == "ZCYX"
        assert tiff.imagej_metadata["unit"] == "um"
        mean = stack.mean(0)
        assert np.abs(tiff.asarray() - mean).mean() < 150
        assert roughness(tiff.asarray()) < roughness(mean)


def test_a_level_for_each_plane_is_reported(spiden, hyperstack):
    outcome = denoise(spiden, hyperstack, "--level-per", "plane", "--json")
    (record,) = json.loads(outcome.stdout)
    for channel, sigma in zip(record["channels"], (50, 200), strict=True):
        assert channel["sigma_of_planes"] == pytest.approx([sigma] * 6, rel=0.5)
    assert denoise(spiden, hyperstack, "--level-per", "pixel").code == 2


def test_strict_refuses_a_loss_and_writes_nothing(spiden, tmp_path, hyperstack):
    target = tmp_path / "out.npy"
    outcome = denoise(spiden, hyperstack, "-o", target, "--strict")
    assert outcome.code == 7
    assert "isn't kept" in outcome.stderr
    assert not target.exists()
    told = denoise(spiden, hyperstack, "-o", target)
    assert told.code == 0
    assert "not kept" in told.stdout
    assert denoise(spiden, hyperstack, "--strict", "-o", tmp_path / "out.tif").code == 0


def test_strict_is_for_photographs_too(spiden, tmp_path, noisy_png):
    with Image.open(noisy_png) as image:
        image.putalpha(200)
        image.save(noisy_png)
    target = tmp_path / "out.jpg"
    outcome = denoise(spiden, noisy_png, "-o", target, "--sigma", 25, "--strict")
    assert outcome.code == 7
    assert not target.exists()


@pytest.mark.parametrize("option", [("--compare", "c.png"), ("--strip",), ("--reference", ".")])
def test_what_has_no_meaning_for_a_stack_is_refused_by_name(
    spiden, hyperstack, option, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    outcome = denoise(spiden, hyperstack, *option)
    assert outcome.code == 2
    assert option[0] in outcome.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["cells.tif"]


@pytest.mark.parametrize("option", [("--axes", "ZYX"), ("--average-frames",)])
def test_axes_of_a_photograph_are_refused(spiden, noisy_png, option):
    outcome = denoise(spiden, noisy_png, *option)
    assert outcome.code == 2
    assert option[0] in outcome.stderr


def test_planes_beyond_the_memory_are_refused(spiden, hyperstack):
    outcome = denoise(spiden, hyperstack, "--max-memory", "10K")
    assert outcome.code == 2
    assert "--max-memory" in outcome.stderr


def test_a_stack_that_is_cut_off_leaves_nothing(spiden, tmp_path, hyperstack):
    content = hyperstack.read_bytes()
    hyperstack.write_bytes(content[: len(content) // 2])
    outcome = denoise(spiden, hyperstack, "-o", tmp_path / "out.tif")
    assert outcome.code == 2
    assert outcome.stderr.splitlines()[-1].startswith("error: ")
    assert outcome.stderr.count("error") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["cells.tif"]


def test_three_dyes_do_not_mix(spiden, tmp_path, case):
    source, clean = (case(f"rgb_fluorescence_5_25_1{end}.png") for end in ("", "_clean"))
    target = tmp_path / "out.png"
    outcome = spiden("denoise", source, "--channels", "independent", "-o", target, "--threads", 1,
                     "--json")  # fmt: skip
    assert outcome.code == 0, outcome.stderr
    (record,) = json.loads(outcome.stdout)
    assert record["model"] == "base"
    assert record["sigma_of_channels"] == pytest.approx([5, 25, 1], rel=0.35)
    noisy, truth, result = (
        np.asarray(Image.open(path)).astype(float) for path in (source, clean, target)
    )
    for channel in (0, 1):
        before, after = (np.abs(one[..., channel] - truth[..., channel]).mean()
                         for one in (noisy, result))  # fmt: skip
        assert after < 0.5 * before
    # What one dye leaves in the flat third one: as a share of its own structure.
    structure = truth[..., 1] - truth[..., 1].mean()
    leak = (structure * (result[..., 2] - result[..., 2].mean())).mean() / (structure**2).mean()
    assert abs(leak) < 0.002


def test_a_metamorph_stack_keeps_its_planes_and_its_words(spiden, tmp_path, case):
    path = tmp_path / "cells.stk"
    path.write_bytes(case("metamorph_3planes.stk").read_bytes())
    outcome = denoise(spiden, path)
    assert outcome.code == 0, outcome.stderr
    with tifffile.TiffFile(path.with_name("cells_denoised.tif")) as tiff:
        assert (tiff.series[0].axes, tiff.series[0].shape) == ("ZYX", (3, 96, 96))
        assert "Wavelengths = 488.0" in tiff.imagej_metadata["Info"]
        written = tiff.asarray()
    noisy = tifffile.imread(path)
    assert all(roughness(new) < 0.8 * roughness(old)
               for new, old in zip(written, noisy, strict=True))  # fmt: skip


def test_four_pages_are_not_rgb_with_alpha(spiden, tmp_path, case):
    source, target = case("stack4_tifffile_default.tif"), tmp_path / "out.tif"
    asked = denoise(spiden, source, "-o", target)
    assert asked.code == 2
    assert "--axes ZYX" in asked.stderr
    assert denoise(spiden, source, "-o", target, "--axes", "ZYX").code == 0
    noisy, written = tifffile.imread(source), tifffile.imread(target)
    assert written.shape == (4, 96, 96)
    assert all(roughness(new) < 0.8 * roughness(old)
               for new, old in zip(written, noisy, strict=True))  # fmt: skip


@pytest.mark.parametrize("name", ["camera_12bit_in_16", "camera_12bit_offset"])
def test_twelve_bits_with_and_without_an_offset(spiden, tmp_path, case, name):
    source, clean, target = case(f"{name}.tif"), case(f"{name}_clean.tif"), tmp_path / "out.tif"
    assert denoise(spiden, source, "-o", target).code == 0
    noisy, truth, result = (tifffile.imread(path).astype(float) for path in (source, clean, target))
    assert np.abs(result - truth).mean() < 0.5 * np.abs(noisy - truth).mean()


def test_frames_under_another_name_are_averaged_too(spiden, tmp_path, stack):
    """ImageJ often calls frames slices; --axes says better."""
    path, target = tmp_path / "frames.tif", tmp_path / "mean.tif"
    tifffile.imwrite(path, stack[:, :, 0].reshape(6, 40, 48), imagej=True, metadata={"axes": "ZYX"})
    outcome = denoise(spiden, path, "--axes", "TYX", "--average-frames", "-o", target)
    assert outcome.code == 0, outcome.stderr
    with tifffile.TiffFile(target) as tiff:
        assert (tiff.series[0].axes, len(tiff.pages)) == ("YX", 1)
        assert "slices" not in tiff.imagej_metadata


@pytest.mark.parametrize("options", [{"metadata": {"axes": "TYX"}}, {"ome": True}])
def test_averaged_frames_of_other_tiffs_say_what_they_are(spiden, tmp_path, stack, options):
    suffix = ".ome.tif" if "ome" in options else ".tif"
    path, target = tmp_path / f"frames{suffix}", tmp_path / f"mean{suffix}"
    options = options | {"metadata": {"axes": "TYX"}}
    tifffile.imwrite(path, stack[:, :, 0].reshape(6, 40, 48), photometric="minisblack", **options)
    outcome = denoise(spiden, path, "--average-frames", "-o", target)
    assert outcome.code == 0, outcome.stderr
    with tifffile.TiffFile(target) as tiff:
        assert (tiff.series[0].axes, tiff.series[0].shape) == ("YX", (40, 48))


def test_a_multispectral_picture_is_denoised_channel_by_channel(spiden, tmp_path, stack):
    path, target = tmp_path / "bands.tif", tmp_path / "out.tif"
    bands = np.moveaxis(stack[0].reshape(6, 40, 48), 0, -1)
    tifffile.imwrite(path, bands, photometric="minisblack", planarconfig="contig", metadata=None)
    outcome = denoise(spiden, path, "-o", target, "--json")
    assert outcome.code == 0, outcome.stderr
    (record,) = json.loads(outcome.stdout)
    assert len(record["channels"]) == 6
    written = tifffile.imread(target)
    assert written.shape == bands.shape
    assert all(roughness(written[..., n]) < 0.8 * roughness(bands[..., n]) for n in range(6))


def test_a_denoised_ome_tiff_is_not_denoised_again(spiden, tmp_path, stack):
    path = tmp_path / "cells.ome.tif"
    tifffile.imwrite(path, stack[0, 0], ome=True, metadata={"axes": "CYX"})
    assert denoise(spiden, path).code == 0
    assert denoise(spiden, tmp_path, "-o", tmp_path / "new").code == 0
    assert [found.name for found in (tmp_path / "new").iterdir()] == ["cells.ome.tif"]


@pytest.mark.parametrize(
    "name", ["ij16_invlut.tif", "ij2d_lut16.tif", "ij8_fire_palette.tif",
             "ij8_greenlut_palette.tif", "ij8_invlut.tif"],
)  # fmt: skip
def test_look_up_tables_stay_and_change_no_value(spiden, tmp_path, case, name):
    source, target = case(name), tmp_path / name
    assert denoise(spiden, source, "-o", target, "--strict").code == 0
    with tifffile.TiffFile(source) as old, tifffile.TiffFile(target) as new:
        a, b = old.pages.first, new.pages.first
        assert (b.photometric, b.dtype, b.shape) == (a.photometric, a.dtype, a.shape)
        assert str(new.imagej_metadata) == str(old.imagej_metadata)
        np.testing.assert_equal(b.colormap, a.colormap)
        noisy, denoised = (page.asarray().astype(float) for page in (a, b))
    span = np.ptp(noisy)
    assert abs((denoised - noisy).mean()) < 0.01 * span
    assert 0 < np.abs(denoised - noisy).mean() < 0.1 * span


def test_a_denoised_ome_tiff_does_not_point_to_the_noisy_one(spiden, tmp_path, case):
    target = tmp_path / "new.ome.tif"
    assert denoise(spiden, case("ome_uuid_filename.ome.tif"), "-o", target).code == 0
    with tifffile.TiffFile(target) as tiff:
        xml = tiff.ome_metadata
    assert "bfw.ome.tif" not in xml
    assert "aa379cc8" not in xml
    assert "FileName" not in xml
    assert 'Name="DAPI"' in xml
    assert 'PhysicalSizeX="0.065"' in xml
    assert len(set(re.findall(r"urn:uuid:[0-9a-f-]+", xml))) == 1


def test_a_format_that_is_not_read_is_named(spiden, tmp_path):
    path = tmp_path / "sky.fits"
    path.write_bytes(b"SIMPLE  =                    T".ljust(2880))
    outcome = denoise(spiden, path)
    assert outcome.code == 2
    assert "FITS" in outcome.stderr
    assert "numpy.save('sky.npy'" in outcome.stderr


def test_a_zarr_folder_is_one_stack(spiden, tmp_path, stack):
    zarr = pytest.importorskip("zarr", reason="spiden[science] isn't installed")
    path = tmp_path / "cells.zarr"
    array = zarr.create_array(str(path), shape=stack.shape, dtype=stack.dtype)
    array[...] = stack
    outcome = denoise(spiden, path, "--axes", "TZCYX")
    assert outcome.code == 0, outcome.stderr
    written = zarr.open_array(str(tmp_path / "cells_denoised.zarr"), mode="r")[...]
    assert roughness(written) < 0.8 * roughness(stack)
