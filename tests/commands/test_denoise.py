"""`spiden denoise`, as a user runs it."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


def pixels_of(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


def test_writes_beside_the_picture_and_says_what_it_did(spiden, noisy_png, small_weights):
    before = noisy_png.read_bytes()
    outcome = spiden("denoise", noisy_png, "--weights", small_weights, "--sigma", 25)
    assert outcome.code == 0, outcome.stderr
    assert pixels_of(noisy_png.with_name("noisy_denoised.png")).shape == (31, 37, 3)
    for word in ("37 x 31", "25.0 (as given)", "firing rate", "synaptic", "megapixel"):
        assert word in outcome.stdout
    assert noisy_png.read_bytes() == before


def test_json_agrees_with_the_file(spiden, noisy_png, small_weights, tmp_path):
    target = tmp_path / "out.tiff"
    outcome = spiden(
        "denoise", noisy_png, "-o", target, "-m", small_weights, "--json",
        "--reference", noisy_png, "--timesteps", 2,
    )  # fmt: skip
    (record,) = json.loads(outcome.stdout)
    assert record["output"] == str(target)
    assert target.is_file()
    assert record["timesteps"] == 2
    assert record["sigma_estimated"]
    assert "noise" in record["noise_found"]
    assert 10 < record["sigma"] < 40
    assert 0 < record["firing_rate"] < 1
    assert record["synaptic_operations"] > 0
    assert record["noisy_psnr"] is None  # the reference is the noisy picture: infinite
    assert 0 < record["psnr"] < 60


def test_the_model_suits_the_picture(spiden, noisy_png, tmp_path):
    grey = tmp_path / "grey.png"
    with Image.open(noisy_png) as image:
        image.convert("L").save(grey)
    outcome = spiden("denoise", noisy_png, grey, "-o", tmp_path / "out", "--json", "--sigma", 25)
    assert outcome.code == 0, outcome.stderr
    assert [record["model"] for record in json.loads(outcome.stdout)] == ["base-colour", "base"]


@pytest.mark.parametrize("engine", ["auto", "dense", "event", "event-int16"])
def test_each_engine_says_its_name_and_speed(spiden, noisy_png, small_weights, engine):
    outcome = spiden(
        "denoise", noisy_png, "-m", small_weights, "--engine", engine, "--threads", 1, "--json"
    )
    assert outcome.code == 0, outcome.stderr
    (record,) = json.loads(outcome.stdout)
    assert record["engine"] == engine or engine == "auto"
    speed = record["synaptic_operations"] / record["seconds"]
    assert record["synaptic_operations_per_second"] == pytest.approx(speed, rel=0.05)


def test_an_engine_that_is_none(spiden, noisy_png, small_weights):
    outcome = spiden("denoise", noisy_png, "-m", small_weights, "--engine", "gpu")
    assert outcome.code == 2
    assert "choose one of auto, dense, event, event-int16" in outcome.stderr
    assert not noisy_png.with_name("noisy_denoised.png").exists()


def test_without_numba_the_dense_engine_runs_and_tells(
    spiden, noisy_png, small_weights, monkeypatch
):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    outcome = spiden("denoise", noisy_png, "-m", small_weights)
    assert outcome.code == 0
    assert "spiden[fast]" in outcome.stderr
    assert "dense engine" in outcome.stdout
    again = ("denoise", noisy_png, "-m", small_weights, "--overwrite")
    outcome = spiden(*again, "--engine", "event")
    assert outcome.code == 2
    assert "spiden[fast]" in outcome.stderr


def test_a_folder_goes_into_a_folder(spiden, noisy_png, small_weights, tmp_path):
    noisy_png.with_name("second.png").write_bytes(noisy_png.read_bytes())
    out = tmp_path / "new" / "out"
    outcome = spiden("denoise", noisy_png.parent, "-o", out, "-m", small_weights)
    assert outcome.code == 0, outcome.stderr
    assert sorted(path.name for path in out.iterdir()) == ["noisy.png", "second.png"]
    assert np.array_equal(pixels_of(out / "noisy.png"), pixels_of(out / "second.png"))


def test_a_second_call_on_a_folder_passes_over_the_results_of_the_first(
    spiden, noisy_png, small_weights
):
    for options in ((), ("--overwrite",)):
        outcome = spiden("denoise", noisy_png.parent, "-m", small_weights, *options)
        assert outcome.code == 0, outcome.stderr
    assert "passed over 1" in outcome.stderr
    names = sorted(path.name for path in noisy_png.parent.glob("*.png"))
    assert names == ["noisy.png", "noisy_denoised.png"]


def test_one_bad_picture_does_not_stop_the_others(spiden, noisy_png, small_weights):
    noisy_png.with_name("bad.png").write_text("no picture")
    outcome = spiden("denoise", noisy_png.parent, "-m", small_weights)
    assert outcome.code == 2
    assert "bad.png" in outcome.stderr
    assert "1 of 2 pictures were not denoised" in outcome.stderr
    assert noisy_png.with_name("noisy_denoised.png").is_file()


def test_an_input_is_never_overwritten_unless_asked(spiden, noisy_png, small_weights):
    before = noisy_png.read_bytes()
    outcome = spiden("denoise", noisy_png, "-o", noisy_png, "-m", small_weights)
    assert outcome.code == 2
    assert "is an input" in outcome.stderr
    assert noisy_png.read_bytes() == before
    outcome = spiden("denoise", noisy_png, "-o", noisy_png, "-m", small_weights, "--overwrite")
    assert outcome.code == 0, outcome.stderr
    assert noisy_png.read_bytes() != before


def test_16_bits_and_transparency_stay(spiden, small_weights, tmp_path, grey_pixels):
    deep = tmp_path / "deep.png"
    Image.fromarray(grey_pixels.astype(np.uint16) * 257).save(deep)
    clear = tmp_path / "clear.png"
    alpha = np.linspace(0, 255, grey_pixels.size).reshape(grey_pixels.shape).astype(np.uint8)
    Image.fromarray(np.dstack([grey_pixels, alpha]), "LA").save(clear)
    outcome = spiden("denoise", deep, clear, "-m", small_weights, "--sigma", 10)
    assert outcome.code == 0, outcome.stderr
    denoised = pixels_of(tmp_path / "deep_denoised.png")
    assert denoised.dtype.itemsize >= 2
    assert len(np.unique(denoised % 257)) > 10  # not 8 bits stretched
    assert np.array_equal(pixels_of(tmp_path / "clear_denoised.png")[..., 1], alpha)


def test_a_grey_model_treats_the_channels_of_colour_alike(spiden, tmp_path, small_weights):
    grey = np.random.default_rng(3).integers(0, 256, (24, 24), dtype=np.uint8)
    Image.fromarray(grey).save(tmp_path / "grey.png")
    Image.fromarray(np.dstack([grey] * 3)).save(tmp_path / "colour.png")
    spiden("denoise", tmp_path / "*.png", "-m", small_weights, "--sigma", 25)
    expected = pixels_of(tmp_path / "grey_denoised.png")
    colour = pixels_of(tmp_path / "colour_denoised.png")
    assert all(np.array_equal(colour[..., channel], expected) for channel in range(3))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--sigma", "-1"], "sigma"),
        (["--sigma", "256"], "sigma"),
        (["--sigma", "much"], "sigma"),
        (["--timesteps", "0"], "timesteps"),
        (["--strength", "-0.1"], "the strength must be a number from 0 to 2, not -0.1"),
        (["--strength", "2.1"], "the strength must be a number from 0 to 2, not 2.1"),
        (["--strength", "nan"], "the strength must be a number from 0 to 2, not nan"),
        (["--strength", "strong"], "--strength"),
        (["--chroma-strength", "3"], "the chroma strength must be a number from 0 to 2, not 3"),
        (["--detail", "1.5"], "the detail must be a number from 0 to 1, not 1.5"),
        (["--detail", "-inf"], "the detail must be a number from 0 to 1, not -inf"),
        (["--compare", "{tmp}/c.jpg"], "a .png file, or a folder"),
        (["--compare", "{tmp}/nowhere/c.png"], "missing or read-only"),
        (["--compare", "{tmp}/file/c.png"], "file/c.png"),
        (["--compare", "{tmp}/file"], "file"),
        (["--compare", "{tmp}/noisy.png"], "is an input: choose another --output or --compare"),
        (["--compare", "{tmp}/noisy_denoised.png"], "two outputs would both become"),
        (["--device", "abacus"], "device"),
        (["--output", "{tmp}/out.psd"], "suffix"),
        (["--output", "{tmp}/file/out.png"], "file/out.png"),
        (["--reference", "{tmp}/nothing.png"], "nothing.png"),
        (["--weights", "{tmp}/nothing.safetensors"], "nothing.safetensors"),
        (["--weights", "nothing"], "bundled name"),
    ],
)
def test_bad_options_are_one_line_and_write_nothing(
    spiden, noisy_png, small_weights, tmp_path, options, said
):
    (tmp_path / "file").write_text("a file where a folder is wanted")
    before = sorted(tmp_path.iterdir())
    options = [option.format(tmp=tmp_path) for option in options]
    weights = [] if "--weights" in options else ["--weights", small_weights]
    outcome = spiden("denoise", noisy_png, *weights, *options)
    assert outcome.code in (2, 3, 6)
    assert outcome.stdout == ""
    assert len(outcome.stderr.strip().splitlines()) == 1
    assert said in outcome.stderr
    assert sorted(tmp_path.iterdir()) == before


def test_weights_that_are_cut_off_are_refused(spiden, noisy_png, small_weights, tmp_path):
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(small_weights.read_bytes()[:-100])
    outcome = spiden("denoise", noisy_png, "--weights", cut)
    assert outcome.code == 3
    assert len(outcome.stderr.strip().splitlines()) == 1
    assert not noisy_png.with_name("noisy_denoised.png").exists()


def test_strength_0_gives_the_picture_back_and_says_why(spiden, noisy_png, small_weights):
    outcome = spiden("denoise", noisy_png, "-m", small_weights, "--sigma", 25, "--strength", 0)
    assert outcome.code == 0, outcome.stderr
    assert np.array_equal(
        pixels_of(noisy_png), pixels_of(noisy_png.with_name("noisy_denoised.png"))
    )
    assert "nothing was removed, because the strength is 0; try --strength 1" in outcome.stderr
    assert "strength 0" in outcome.stdout


def test_what_was_adjusted_and_removed_is_in_the_record(spiden, noisy_png, small_weights, tmp_path):
    def record(*options):
        out = tmp_path / "out.png"
        outcome = spiden(
            "denoise", noisy_png, "-o", out, "-m", small_weights, "--sigma", 25, "--json",
            "--overwrite", *options,
        )  # fmt: skip
        assert outcome.code == 0, outcome.stderr
        (found,) = json.loads(outcome.stdout)
        return found

    plain = record()
    noisy, denoised = (pixels_of(p).astype(float) for p in (noisy_png, plain["output"]))
    hand = record("--strength", 0.5, "--chroma-strength", 2, "--detail", 0.25)
    assert plain["removed"] == pytest.approx(np.sqrt(np.mean((noisy - denoised) ** 2)), rel=0.05)
    settings = ("strength", "chroma_strength", "detail")
    assert [plain[name] for name in settings] == [1, 1, 0]
    assert [hand[name] for name in settings] == [0.5, 2, 0.25]
    assert plain["comparison"] is None
    assert hand["synaptic_operations"] > 1.2 * plain["synaptic_operations"]


def test_colour_strength_in_grey_pictures(spiden, small_weights, noisy_png, grey_pixels):
    grey = noisy_png.with_name("grey.png")
    Image.fromarray(grey_pixels).save(grey)
    options = ("-m", small_weights, "--sigma", 25, "--chroma-strength", 1.5)
    outcome = spiden("denoise", grey, *options)
    assert outcome.code == 2
    assert outcome.stderr == "error: grey.png is grey: leave out --chroma-strength\n"
    assert not grey.with_name("grey_denoised.png").exists()
    outcome = spiden("denoise", noisy_png.parent, *options)
    assert outcome.code == 0, outcome.stderr
    assert "grey.png: it is grey" in outcome.stderr
    assert "noisy.png: it is grey" not in outcome.stderr


@pytest.mark.parametrize(("model", "panels"), [(None, 4), ("tiny-cnn", 3)])
def test_a_comparison_is_drawn(spiden, noisy_png, small_weights, tmp_path, model, panels):
    target = tmp_path / "look.png"
    target.write_bytes(b"an older one")
    outcome = spiden(
        "denoise", noisy_png, "-m", model or small_weights, "--sigma", 25, "--compare", target,
        "--reference", noisy_png, "--overwrite",
    )  # fmt: skip
    assert outcome.code == 0, outcome.stderr
    assert "compared in" in outcome.stdout
    width = pixels_of(target).shape[1]
    assert width // 500 == panels


def test_comparisons_of_a_folder_go_into_a_folder_and_are_no_pictures_to_denoise(
    spiden, noisy_png, small_weights
):
    noisy_png.with_name("second.png").write_bytes(noisy_png.read_bytes())
    folder, options = noisy_png.parent, ("-m", small_weights, "--sigma", 25)
    outcome = spiden("denoise", folder, *options, "--compare", folder / "one.png")
    assert outcome.code == 2
    assert "2 pictures can't be compared in one file: give --compare a folder" in outcome.stderr
    assert len(list(folder.glob("*.png"))) == 2
    for again in ((), ("--overwrite",)):
        outcome = spiden("denoise", folder, *options, "--compare", folder, *again)
        assert outcome.code == 0, outcome.stderr
    assert "passed over 4" in outcome.stderr
    assert len(list(folder.glob("*_compare.png"))) == 2
    assert len(list(folder.glob("*.png"))) == 6


def test_help_comes_in_groups_with_examples(spiden):
    text = spiden("denoise", "--help").stdout
    for group in ("How strong", "Model", "Files", "Machine", "Examples"):
        assert group in text


def test_metadata_stays_unless_it_is_stripped(spiden, small_weights, tmp_path, colour_pixels):
    exif = Image.Exif()
    exif[0x010F] = "A camera"
    source = tmp_path / "x.jpg"
    Image.fromarray(colour_pixels).save(source, exif=exif, comment=b"mine", quality=90)
    given = ("denoise", source, "-m", small_weights, "--sigma", 20)
    for options, maker, comment in (((), "A camera", b"mine"), (("--strip",), None, None)):
        target = tmp_path / f"{len(options)}.jpg"
        assert spiden(*given, "-o", target, *options).code == 0
        with Image.open(target) as image:
            assert image.getexif().get(0x010F) == maker
            assert image.info.get("comment") == comment


def test_the_quality_is_the_files_own_or_as_given(spiden, small_weights, tmp_path, colour_pixels):
    source = tmp_path / "x.jpg"
    Image.fromarray(colour_pixels).save(source, quality=70)
    given = ("denoise", source, "-m", small_weights, "--sigma", 20)
    tables = {}
    for options in ((), ("--quality", 30)):
        target = tmp_path / f"{len(options)}.jpg"
        assert spiden(*given, "-o", target, *options).code == 0
        with Image.open(target) as image:
            tables[options] = image.quantization
    with Image.open(source) as image:
        assert tables[()] == image.quantization
    assert tables["--quality", 30][0][0] > tables[()][0][0]


@pytest.mark.parametrize(
    ("target", "quality", "said"),
    [("y.jpg", 0, "1 to 100"), ("y.jpg", 101, "1 to 100"), ("y.png", 90, "lossless")],
)
def test_a_quality_that_can_not_be_is_refused_before_the_work(
    spiden, noisy_png, small_weights, tmp_path, target, quality, said
):
    given = ("denoise", noisy_png, "-m", small_weights, "-o", tmp_path / "out" / target)
    (tmp_path / "out").mkdir()
    outcome = spiden(*given, "--quality", quality)
    assert outcome.code != 0
    assert said in outcome.stderr
    assert len(outcome.stderr.strip().splitlines()) == 1
    assert not list((tmp_path / "out").iterdir())
