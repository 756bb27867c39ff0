"""Which file each denoised picture goes to."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from spiden_cli.core.files.finding import Source, find_sources
from spiden_cli.core.files.origin import made_by_spiden, signed
from spiden_cli.core.files.outputs import (
    Naming,
    distinct_names,
    names_a_folder,
    plan_outputs,
    suffix_of_format,
    without_results,
)
from spiden_cli.core.files.picture_files import (
    SUFFIXES,
    output_format,
    read_picture,
    write_picture,
)
from spiden_cli.core.image.picture import Picture
from spiden_cli.errors import InputError, OutputError


def into(output: Path | str, **options) -> Naming:
    return Naming(Path(output), names_a_folder(output), **options)


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "a.png"
    path.touch()
    return Source(path)


@pytest.mark.parametrize(
    "name", ["out", "out-v1.5", "2024.01.31", "v2.xyz", "2026.01.02/", "b.png/", "b.heic/", ".png"]
)
def test_a_new_name_with_a_dot_is_a_folder(source, tmp_path, name):
    naming = into(f"{tmp_path}/{name}")
    assert plan_outputs([source], naming) == {source.path: tmp_path / name / "a.png"}
    assert not (tmp_path / name).exists()  # made when there is something to put into it


@pytest.mark.parametrize("name", ["a.gif", "b.psd", "c.exr", "d.DNG"])
def test_a_format_that_can_not_be_written_is_told(tmp_path, name):
    with pytest.raises(OutputError, match=r"suffix must be one of \.png"):
        into(tmp_path / name)


def test_a_folder_may_be_called_like_a_picture(source, tmp_path):
    (tmp_path / "old.png").mkdir()
    planned = plan_outputs([source], into(tmp_path / "old.png"))
    assert planned == {source.path: tmp_path / "old.png" / "a.png"}


def test_several_pictures_need_a_folder(source, tmp_path):
    with pytest.raises(InputError, match="2 pictures can't go into one file"):
        plan_outputs([source, Source(tmp_path / "b.png")], into(tmp_path / "x.png"))


@pytest.mark.parametrize(
    ("pattern", "suffix", "name"),
    [
        ("{stem}-clean{suffix}", None, "a.b-clean.JPG"),
        ("{stem}-clean{suffix}", ".png", "a.b-clean.png"),
        ("{stem}{suffix}", ".jpeg", "a.b.JPG"),  # the same format: the name stays
        ("{folder}-{name}.webp", None, "2026-a.b.JPG.webp"),
        ("{{{stem}}}.tif", None, "{a.b}.tif"),
    ],
)
def test_names_by_a_pattern(tmp_path, pattern, suffix, name):
    path = tmp_path / "2026" / "a.b.JPG"
    for output, folder in ((None, path.parent), (tmp_path / "out", tmp_path / "out")):
        naming = Naming(output, suffix=suffix, pattern=pattern)
        assert plan_outputs([Source(path)], naming) == {path: folder / name}


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("clean{suffix}", "must hold {stem} or {name}"),
        ("{stem}-{date}{suffix}", "has no {date}: use {stem}, {suffix}, {name}, {folder}"),
        ("{stem.__class__}{suffix}", "has no {stem.__class__}"),
        ("{stem!r}{suffix}", "leave out what is behind {stem"),
        ("{name:>9}.png", "leave out what is behind {name"),
        ("{0}{suffix}", "has no {0}"),
        ("{stem", "can't be read"),
        ("{stem}-clean", "names no format"),
        ("{stem}.psd", "names no format"),
        ("sub/{stem}{suffix}", "no name of a file"),
        ("../{stem}{suffix}", "no name of a file"),
    ],
)
def test_a_pattern_that_can_not_be(source, pattern, said):
    with pytest.raises((InputError, OutputError)) as refused:
        plan_outputs([source], Naming(pattern=pattern))
    assert said in str(refused.value)


def test_a_format(source, tmp_path):
    assert [suffix_of_format(name) for name in ("PNG", "jpg", ".tiff")] == [".png", ".jpg", ".tiff"]
    with pytest.raises(InputError, match="unknown format 'gif': choose one of png, apng, jpg"):
        suffix_of_format("gif")
    target = plan_outputs([source], Naming(suffix=".webp"))[source.path]
    assert target == tmp_path / "a_denoised.webp"
    into(tmp_path / "x.jpeg", suffix=".jpg")
    with pytest.raises(InputError, match="two formats"):
        into(tmp_path / "x.png", suffix=".jpg")
    with pytest.raises(InputError, match="two formats"):
        plan_outputs([source], Naming(suffix=".jpg", pattern="{stem}.png"))


def test_two_pictures_with_one_output_are_told_the_way_out(tmp_path):
    one, two = tmp_path / "A" / "x.png", tmp_path / "B" / "x.png"
    with pytest.raises(InputError) as refused:
        plan_outputs([Source(one), Source(two)], into(tmp_path / "out"))
    for words in (str(one), str(two), str(tmp_path / "out" / "x.png"), "--recursive", "{folder}"):
        assert words in str(refused.value)
    beside = [Source(tmp_path / "x.png"), Source(tmp_path / "x.psd")]
    with pytest.raises(InputError, match="--output-pattern"):
        plan_outputs(beside, Naming())


def test_folders_are_made_again_under_the_output(tmp_path):
    for name in ("in/a.png", "in/deep/er/b.png", "in/.hidden/c.png", "in/out/d.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "in" / "loop").symlink_to(tmp_path / "in")
    out = tmp_path / "in" / "out"
    found = find_sources([tmp_path / "in"], recursive=True, leave_out=out)
    assert list(plan_outputs(found, into(out)).values()) == [out / "a.png", out / "deep/er/b.png"]


def test_several_folders_keep_their_names_under_the_output(tmp_path, monkeypatch):
    for name in ("x/A/a.png", "x/B/a.png", "x/B/sub/a.png", "y.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    for inputs in (["x/A", "x/B"], [str(tmp_path / "x" / "A"), "./x/B/"], ["x/*/*.png", "x/B"]):
        targets = plan_outputs(find_sources(inputs, recursive=True), into("out")).values()
        expected = {Path("out/A/a.png"), Path("out/B/a.png"), Path("out/B/sub/a.png")}
        assert set(targets) == expected
    found = find_sources(["x/A", "y.png"], recursive=True)
    assert [source.below for source in found] == [Path("x/A"), Path()]


def test_names_are_told_apart(tmp_path):
    paths = [tmp_path / name for name in ("a.png", "A.bmp", "b.png")]
    assert distinct_names(paths) == ["a.png", "A.bmp", "b"]


# --- what spiden made ----------------------------------------------------------------------------


def result(path: Path, pixels: np.ndarray) -> Path:
    write_picture(path, signed(Picture(pixels), output_format(path)))
    return path


HOLDING = [".png", ".jpg", ".tif", ".webp", ".avif"]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_result_is_known_under_any_name(tmp_path, colour_pixels, suffix):
    made = result(tmp_path / f"holiday{suffix}", colour_pixels)
    write_picture(other := tmp_path / f"other_denoised{suffix}", Picture(colour_pixels))
    holds = suffix in {*HOLDING, ".jpeg", ".tiff", ".apng"}
    assert made_by_spiden(made) is (True if holds else None)
    assert made_by_spiden(other) is (False if holds else None)


@pytest.mark.parametrize("suffix", HOLDING)
def test_the_program_that_was_named_before_stays_and_a_second_call_adds_nothing(
    tmp_path, colour_pixels, suffix
):
    exif = Image.Exif()
    exif[0x0131], exif[0x010F] = "Camera 1.2", "Maker"
    path = tmp_path / f"x{suffix}"
    Image.fromarray(colour_pixels).save(path, exif=exif)
    for _ in range(2):
        picture = read_picture(path)
        write_picture(path, signed(picture, output_format(path)))
    assert made_by_spiden(path)
    with Image.open(path) as image:
        said = image.getexif()
        assert said[0x010F] == "Maker"
        assert said[0x0131] == ("Camera 1.2" if suffix == ".png" else "Camera 1.2; spiden 0.1.0")
        assert suffix != ".png" or image.text["Software"] == "spiden 0.1.0"


def test_no_trace_of_an_earlier_format_is_called_lost(tmp_path, colour_pixels):
    picture = read_picture(result(tmp_path / "x.png", colour_pixels))
    assert picture.metadata.texts == (("Software", "spiden 0.1.0"),)
    assert signed(picture, "JPEG").metadata.texts == ()


@pytest.mark.parametrize("content", [b"", b"no picture", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"])
def test_what_is_no_picture_is_not_known(tmp_path, content):
    (tmp_path / "x.png").write_bytes(content)
    assert made_by_spiden(tmp_path / "x.png") is None
    assert made_by_spiden(tmp_path / "missing.png") is None


def kept(sources: list[Source], naming: Naming | None = None) -> list[str]:
    return [source.path.name for source in without_results(sources, naming or Naming())]


def test_results_among_pictures_that_a_shell_has_listed(tmp_path, colour_pixels):
    for name in ("a.png", "b.bmp", "mine_denoised.png"):
        write_picture(tmp_path / name, Picture(colour_pixels))
    for name in ("a_denoised.png", "b_denoised.bmp", "renamed.png"):
        result(tmp_path / name, colour_pixels)
    listed = [Source(path) for path in sorted(tmp_path.iterdir())]
    assert kept(listed) == ["a.png", "b.bmp", "mine_denoised.png"]
    # A BMP can't say what made it; it is taken for a result only where it would be one.
    naming = into(tmp_path / "out")
    assert kept(listed, naming) == ["a.png", "b.bmp", "b_denoised.bmp", "mine_denoised.png"]
    # Written over themselves, none is the result of another.
    same = [Source(tmp_path / "b.bmp"), Source(tmp_path / "b_denoised.bmp")]
    assert kept(same, into(tmp_path)) == ["b.bmp", "b_denoised.bmp"]


def test_denoised_parts_are_results_as_well(tmp_path, colour_pixels):
    for name in ("a.png", "a_region.png", "b.bmp", "b_region.bmp", "mine_region.bmp"):
        write_picture(tmp_path / name, Picture(colour_pixels))
    listed = [Source(path) for path in sorted(tmp_path.iterdir())]
    assert kept(listed) == ["a.png", "a_region.png", "b.bmp", "mine_region.bmp"]
    found = [Source(source.path, named=False) for source in listed]
    assert kept(found) == ["a.png", "b.bmp"]


def test_results_alone_are_denoised_if_they_were_named(tmp_path, colour_pixels):
    made = [result(tmp_path / name, colour_pixels) for name in ("a_denoised.png", "x.png")]
    assert kept([Source(path) for path in made]) == ["a_denoised.png", "x.png"]
    with pytest.raises(InputError, match="denoised before: name one"):
        kept([Source(path, named=False) for path in made])


def test_in_folders_a_name_is_enough(tmp_path, colour_pixels):
    for name in ("a.png", "old_denoised.png"):
        write_picture(tmp_path / name, Picture(colour_pixels))
    assert kept(find_sources([tmp_path])) == ["a.png"]


# --- stacks --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "beside"),
    [
        ("a.ome.tif", "a_denoised.ome.tif"),
        ("a.OME.TIFF", "a_denoised.OME.TIFF"),
        ("a.stk", "a_denoised.tif"),
        ("a.mpo", "a_denoised.jpg"),
        ("a.JFIF", "a_denoised.jpg"),
        ("a.npy", "a_denoised.npy"),
        ("a.zarr", "a_denoised.zarr"),
        ("a.ome.zarr", "a_denoised.ome.zarr"),
        ("2026.01.tif", "2026.01_denoised.tif"),
    ],
)
def test_stacks_keep_their_suffix_or_get_one_that_can_be_written(tmp_path, name, beside):
    path = tmp_path / name
    assert plan_outputs([Source(path)], Naming()) == {path: tmp_path / beside}


def test_a_stack_in_another_format(tmp_path):
    targets = plan_outputs(
        [Source(tmp_path / "a.npy"), Source(tmp_path / "b.ome.tif")], Naming(suffix=".tiff")
    )
    assert [path.name for path in targets.values()] == ["a_denoised.tiff", "b_denoised.ome.tif"]
    assert suffix_of_format("npy") == ".npy"


def test_arrays_are_found_by_name_and_pattern_alone(tmp_path):
    for name in ("a.tif", "b.npy", "c.stk", "d.MPO"):
        (tmp_path / name).touch()
    found = [source.path.name for source in find_sources([tmp_path])]
    assert found == ["a.tif", "c.stk", "d.MPO"]
    assert [source.path.name for source in find_sources([f"{tmp_path}/*.npy"])] == ["b.npy"]


def test_a_zarr_folder_is_one_stack_and_no_place_for_others(tmp_path):
    (tmp_path / "old.zarr" / "0").mkdir(parents=True)
    (tmp_path / "a.tif").touch()
    assert not names_a_folder(tmp_path / "old.zarr")
    assert find_sources([tmp_path / "old.zarr"]) == [Source(tmp_path / "old.zarr")]
    (found,) = find_sources([tmp_path], recursive=True)
    assert found.path == tmp_path / "a.tif"
