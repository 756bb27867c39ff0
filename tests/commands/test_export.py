"""`spiden export`, as a user runs it."""

import json

import numpy as np
import pytest


@pytest.mark.parametrize(
    ("arguments", "name", "form"),
    [
        (("tiny", "--format", "onnx"), "tiny.onnx", "onnx"),
        (("tiny-cnn", "-o", "cnn.onnx"), "cnn.onnx", "onnx"),
        (("tiny", "--format", "int8", "--timesteps", "3"), "tiny-int8.npz", "int8"),
        (("base-if", "-o", "chip.nir", "--size", "16x8"), "chip.nir", "nir"),
        (("base-if", "--format", "nir", "-o", "chip.h5"), "chip.h5", "nir"),
    ],
)
def test_the_file_is_where_the_record_says(spiden, tmp_path, monkeypatch, arguments, name, form):
    monkeypatch.chdir(tmp_path)
    outcome = spiden("export", *arguments, "--json")
    assert outcome.code == 0, outcome.stderr
    record = json.loads(outcome.stdout)
    assert (record["output"], record["format"]) == (name, form)
    assert record["bytes"] == (tmp_path / name).stat().st_size > 1000
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_the_report_fits_eighty_columns(spiden, tmp_path):
    outcome = spiden("export", "tiny", "-o", tmp_path / "t.npz", columns=80)
    assert "at most" in outcome.stdout
    assert "sides multiples of 2" in outcome.stdout
    assert all(len(line) <= 80 for line in outcome.stdout.splitlines())


def test_the_size_is_width_and_height(spiden, tmp_path):
    nir = pytest.importorskip("nir", reason="NIR IS NOT TRIED: pip install nir")
    spiden("export", "base-if", "-o", tmp_path / "n.nir", "--size", "16x8")
    graph = nir.read(tmp_path / "n.nir")
    np.testing.assert_array_equal(graph.nodes["n0000_input"].input_type["input"], (6, 4, 8))


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("tiny",), 2, "say which format"),
        (("tiny", "-o", "x.txt"), 2, "say which format"),
        (("tiny", "--format", "tflite"), 2, "unknown format"),
        (("tiny", "--format", "nir"), 2, "weighted spikes"),
        (("base-if", "--format", "nir", "--size", "15x16"), 2, "multiples of 2"),
        (("base-if", "--format", "nir", "--size", "large"), 2, "look like"),
        (("tiny", "--format", "onnx", "--size", "16x16"), 2, "any size"),
        (("tiny-cnn", "--format", "onnx", "--timesteps", "2"), 2, "no timesteps"),
        (("tiny-cnn", "--format", "int8"), 2, "Integrate-and-Fire"),
        (("tiny", "--format", "onnx", "--timesteps", "99"), 2, "1 to 64"),
        (("nobody", "--format", "onnx"), 3, "no weights"),
        (("tiny", "-o", "nowhere/x.onnx"), 6, "folder"),
    ],
)
def test_what_can_not_be_exported_is_refused(spiden, tmp_path, monkeypatch, arguments, code, words):
    monkeypatch.chdir(tmp_path)
    outcome = spiden("export", *arguments)
    assert (outcome.code, outcome.stdout) == (code, "")
    assert words in outcome.stderr
    assert not any(tmp_path.iterdir())


def test_weights_are_not_replaced(spiden, small_weights):
    before = small_weights.read_bytes()
    outcome = spiden("export", small_weights, "--format", "onnx", "-o", small_weights)
    assert outcome.code == 2
    assert small_weights.read_bytes() == before


@pytest.mark.parametrize(("form", "model"), [("nir", "base-if"), ("onnx", "tiny")])
def test_without_the_package_a_user_is_told_what_to_install(
    spiden, tmp_path, monkeypatch, form, model
):
    home = {"nir": "nir_graph", "onnx": "onnx_graph"}[form]
    monkeypatch.setattr(f"spiden_cli.core.exchange.{home}.util.find_spec", lambda name: None)
    outcome = spiden("export", model, "--format", form, "-o", tmp_path / "x")
    assert outcome.code == 2
    assert f"spiden[{form}]" in outcome.stderr


def test_a_file_that_is_there_is_replaced_only_if_asked(spiden, tmp_path):
    target = tmp_path / "t.onnx"
    target.write_text("precious")
    outcome = spiden("export", "tiny", "-o", target)
    assert outcome.code == 6
    assert "--overwrite" in outcome.stderr
    assert target.read_text() == "precious"
    assert spiden("export", "tiny", "-o", target, "--overwrite").code == 0
    assert target.stat().st_size > 1000
