"""Weights files: everything comes back, and every lie is refused with one clear line."""

import json
import os
import resource
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from spiden_cli.core.network.denoiser import Denoiser
from spiden_cli.core.network.folding import folded
from spiden_cli.core.network.presets import preset
from spiden_cli.core.weights import WeightsInfo, load_folded, load_weights, read_info, save_weights
from spiden_cli.errors import OutputError, WeightsError

CONFIG = replace(preset("tiny"), neuron="lif", width=4, layers=4, threshold=2.5, surrogate="arctan")
INFO = WeightsInfo(
    CONFIG, "custom", (4, 2, 1), (0.0, 55.0), {"25": 29.25}, 0.125, {"data": "train400 é"}
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    network = Denoiser(CONFIG)
    network(torch.rand(2, 1, 12, 12), 25.0, 2)
    save_weights(tmp_path / "w.safetensors", network, INFO)
    return tmp_path / "w.safetensors"


def refusal(path: Path) -> str:
    with pytest.raises(WeightsError) as refused:
        load_weights(path)
    message = str(refused.value)
    assert message.isprintable()  # one line, no control characters
    assert str(path) in message
    return message


@pytest.mark.parametrize("neuron", ["if", "lif", "relu"])
@pytest.mark.parametrize("family", [{}, {"family": "unet", "layers": 10, "shortcuts": False}])
def test_round_trip(tmp_path, family, neuron):
    network = Denoiser(replace(CONFIG, neuron=neuron, **family))
    network(torch.rand(2, 1, 12, 12), 25.0, 2)
    info = replace(INFO, config=network.config)
    save_weights(tmp_path / "w.safetensors", network, info)
    loaded, found = load_weights(tmp_path / "w.safetensors")
    assert found == info == read_info(tmp_path / "w.safetensors")
    assert not loaded.training
    assert loaded.state_dict().keys() == network.state_dict().keys()
    for name, tensor in network.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], tensor), name
    image = torch.rand(1, 1, 13, 12)
    assert torch.equal(loaded(image, 25.0, 3), network.eval()(image, 25.0, 3))
    assert [path.name for path in tmp_path.iterdir()] == ["w.safetensors"]


@pytest.mark.parametrize("neuron", ["if", "lif", "relu"])
@pytest.mark.parametrize("family", [{}, {"family": "unet", "layers": 10}])
def test_a_folded_network_is_read_from_the_same_file(tmp_path, family, neuron):
    network = Denoiser(replace(CONFIG, neuron=neuron, learn_initial=neuron != "relu", **family))
    network(torch.rand(2, 1, 12, 12), 25.0, 2)
    path = tmp_path / "w.safetensors"
    save_weights(path, network, replace(INFO, config=network.config))
    found, info = load_folded(path)
    expected = folded(network)
    assert found.config == info.config == network.config
    for mine, theirs in (
        (found.convolutions, expected.convolutions),
        (found.neurons, expected.neurons),
    ):
        assert mine.keys() == theirs.keys()
        for name, parts in mine.items():
            assert all(map(np.array_equal, parts, theirs[name])), name


def test_numbers_of_half_precision_are_read_as_single(path):
    tensors, info = load_file(path), read_info(path)
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
    halved = {name: t.half() if t.ndim == 4 else t for name, t in tensors.items()}
    save_file(halved, path, metadata)
    network, found = load_weights(path)
    assert found == info
    for name, tensor in network.state_dict().items():
        assert tensor.dtype == tensors[name].dtype
        torch.testing.assert_close(tensor, halved[name].to(tensor.dtype), rtol=0, atol=0)


def test_a_file_from_before_there_were_families_holds_a_chain(path):
    def forget(metadata: dict[str, str]) -> dict[str, str]:
        record = json.loads(metadata["spiden"])
        del record["config"]["family"]
        return {**metadata, "spiden": json.dumps(record)}

    rewrite(path, metadata=forget)
    assert load_weights(path)[1] == INFO
    assert INFO.config.family == "chain"


def test_the_network_does_not_hang_on_the_file(path):
    network, _ = load_weights(path)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    path.write_bytes(b"")
    assert all(torch.equal(network.state_dict()[name], before[name]) for name in before)
    assert all(parameter.requires_grad for parameter in network.parameters())


def test_reading_the_information_needs_no_network(path, monkeypatch):
    for builder in ("parameter_shapes", "fold_tensors", "load_weights"):
        monkeypatch.setattr(f"spiden_cli.core.weights.{builder}", None)
    assert read_info(path) == INFO


def test_a_missing_file(tmp_path):
    assert "check the path" in refusal(tmp_path / "none.safetensors")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00",
        b"not a network",
        b"\xff" * 64,
        b"\x89PNG\r\n\x1a\n" + b"\0" * 100,
        b"PK\x03\x04",
    ],
)
def test_another_kind_of_file(tmp_path, content):
    (tmp_path / "w").write_bytes(content)
    assert "not a weights file" in refusal(tmp_path / "w")


def test_a_folder(tmp_path):
    refusal(tmp_path)


@pytest.mark.parametrize("share", [0.001, 0.1, 0.5, 0.999])
def test_a_truncated_file(path, share):
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    assert "cut off" in refusal(path)


def test_bytes_too_many(path):
    path.write_bytes(path.read_bytes() + b"more")
    refusal(path)


def rewrite(
    path: Path, tensors: Callable = lambda t: None, metadata: Callable = lambda m: m
) -> None:
    """Change a weights file: `tensors` in place, `metadata` to what is returned."""
    with safe_open(path, framework="pt") as file:
        kept = file.metadata()
    changed = load_file(path)
    tensors(changed)
    save_file(changed, path, metadata(kept))


def test_weights_of_another_program(path):
    rewrite(path, metadata=lambda _: {"format": "pt"})
    assert "not written by spiden" in refusal(path)


@pytest.mark.parametrize("version", ["0", "2", "99", "", "one"])
def test_an_unknown_format_version(path, version):
    rewrite(path, metadata=lambda m: {**m, "format_version": version})
    assert "format version" in refusal(path)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "3", "{}", '"tiny"', "[" * 100_000, '{"config": null}']
)
def test_metadata_that_describe_nothing(path, text):
    rewrite(path, metadata=lambda m: {**m, "spiden": text})
    assert "no network that can be built" in refusal(path)


@pytest.mark.parametrize(
    "changes",
    [
        {"config": None},
        {"config": {"width": 4, "depth": 9}},
        {"config": {"width": "4"}},
        {"config": {"width": 4.5}},
        {"config": {"width": -4}},
        {"config": {"layers": 10**9}},
        {"config": {"noise_map": 7}},
        {"config": {"neuron": "adder"}},
        {"config": {"surrogate": "guess"}},
        {"config": {"family": "guess"}},
        {"config": {"family": "../chain"}},
        {"config": {"family": None}},
        {"config": {"family": "unet", "layers": 4}},
        {"config": {"threshold": float("nan")}},
        {"sigma": [25]},
        {"sigma": "low"},
        {"timesteps": 4},
        {"timesteps": []},
        {"timesteps": [4, 0]},
        {"firing_rate": "low"},
        {"timesteps": ["four"]},
        {"timesteps": [float("inf")]},
        {"validation_psnr": None},
        {"validation_psnr": {"25": "good"}},
        {"training": []},
    ],
)
def test_metadata_with_a_lie(path, changes):
    def lie(metadata: dict[str, str]) -> dict[str, str]:
        return {**metadata, "spiden": json.dumps({**json.loads(metadata["spiden"]), **changes})}

    rewrite(path, metadata=lie)
    assert "no network that can be built" in refusal(path)


def test_a_lie_about_the_size_takes_no_memory(path):
    # 255 layers of 1024 channels are 9.6 GB: the file, which holds 4 kB, must be asked first.
    def lie(metadata: dict[str, str]) -> dict[str, str]:
        record = json.loads(metadata["spiden"])
        record["config"] |= {"width": 1024, "layers": 256}
        return {**metadata, "spiden": json.dumps(record)}

    rewrite(path, metadata=lie)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert "does not fit" in refusal(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # kB


LIES = [
    ("timesteps", [65]), ("timesteps", [2.5]), ("timesteps", ["4"]), ("timesteps", [True]),
    ("timesteps", []), ("timesteps", 4), ("sigma", [50, 5]), ("sigma", [0, 256]), ("sigma", [5]),
    ("sigma", "05"), ("firing_rate", -1), ("firing_rate", "1"), ("validation_psnr", {"25": "30"}),
    ("validation_psnr", [30]), ("training", {"steps": 5}), ("training", None), ("config", None),
    ("config", {"surogate": "arctan"}), ("config", {"threshold": 1e30}),
]  # fmt: skip


@pytest.mark.parametrize(("key", "value"), LIES)
def test_a_description_that_can_not_be_true(path, key, value):
    def lie(metadata: dict[str, str]) -> dict[str, str]:
        record = json.loads(metadata["spiden"])
        record[key] = value if key != "config" or value is None else record["config"] | value
        return {**metadata, "spiden": json.dumps(record)}

    rewrite(path, metadata=lie)
    assert "describes no network" in refusal(path)


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a": ' * 50_000, "9" * 5000, "[]", "NaN", ""])
def test_a_description_that_is_no_json_object(path, text):
    rewrite(path, metadata=lambda metadata: {**metadata, "spiden": text})
    assert "describes no network" in refusal(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names")
@pytest.mark.parametrize("make", [os.mkfifo, Path.mkdir, lambda path: path.symlink_to("/dev/zero")])
def test_what_is_no_regular_file_is_refused_and_not_waited_for(tmp_path, make):
    path = tmp_path / "w.safetensors"
    make(path)
    for read in (load_weights, read_info):
        with pytest.raises(WeightsError, match=r"not a (regular )?file"):
            read(path)


def test_a_header_that_is_too_long_is_not_read(tmp_path):
    path = tmp_path / "w.safetensors"
    with path.open("wb") as stream:
        stream.write((2**26).to_bytes(8, "little"))
        stream.truncate(2**27)
    assert "header is longer" in refusal(path)


@pytest.mark.parametrize(
    ("lie", "named"),
    [
        (lambda t: t.pop("readout.bias"), "readout.bias"),
        (lambda t: t.update(intruder=torch.zeros(1)), "intruder"),
        (lambda t: t.update({"readout.bias": torch.zeros(5)}), "readout.bias"),
        (lambda t: t.update({"readout.bias": torch.zeros(4, dtype=torch.float64)}), "readout.bias"),
        (lambda t: t.clear(), "and"),
    ],
)
def test_tensors_that_do_not_fit(path, lie, named):
    rewrite(path, tensors=lie)
    message = refusal(path)
    assert "does not fit" in message
    assert named in message


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("readout.weight", float("nan")),
        ("encoder.conv.weight", float("inf")),
        ("encoder.norm.running_var", -1.0),
    ],
)
def test_values_that_are_no_numbers(path, name, value):
    def lie(tensors: dict[str, torch.Tensor]) -> None:
        tensors[name].view(-1)[-1] = value

    rewrite(path, tensors=lie)
    assert name in refusal(path)


def test_a_full_disk_keeps_the_old_file(path):
    old, limits = path.read_bytes(), resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, limits[1]))
    try:
        with pytest.raises(OutputError, match="can't write"):
            save_weights(path, Denoiser(CONFIG), INFO)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert path.read_bytes() == old
    assert list(path.parent.iterdir()) == [path]
