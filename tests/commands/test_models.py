"""`spiden models`, as a user runs it."""

import json
import shutil

import pytest

from spiden_cli.core.bundled import find_weights, model_names
from spiden_cli.core.weights import load_weights


def test_lists_what_ships(spiden):
    records = json.loads(spiden("models", "--json").stdout)
    assert [record["name"] for record in records] == model_names()
    table = spiden("models").stdout
    assert all(name in table for name in model_names())


def test_says_how_large_a_model_is(spiden):
    records = json.loads(spiden("models", "base-if", "base-if-cnn", "base", "--json").stdout)
    sizes = {record["name"]: record["parameters"] for record in records}
    for name, parameters in sizes.items():
        network, _ = load_weights(find_weights(name))
        assert parameters == sum(p.numel() for p in network.parameters())
    # Two neurons a channel in 14 layers of 64, eight in the last, where the CNN has one each.
    assert [record["neurons_per_position"] for record in records[:2]] == [2304, 960]
    assert "1.06M" in spiden("models", "base-if").stdout


def test_describes_a_file(spiden, small_weights):
    (record,) = json.loads(spiden("models", small_weights, "--json").stdout)
    assert record["config"]["width"] == 8
    assert record["bytes"] == small_weights.stat().st_size
    assert spiden("models", small_weights).code == 0


def test_the_table_fits_a_terminal(spiden):
    table = spiden("models", columns=80).stdout
    assert "…" not in table
    assert max(map(len, table.splitlines())) <= 80


@pytest.mark.parametrize("columns", [120, 80, 40])
def test_a_long_path_takes_no_room_from_what_is_said_of_it(spiden, tmp_path, columns):
    folder = tmp_path.joinpath(*["a-folder-with-a-rather-long-name"] * 6)
    folder.mkdir(parents=True)
    path = shutil.copy(find_weights("photo"), folder / "photo.safetensors")
    table = spiden("models", path, "base-cnn", columns=columns).stdout
    heading, first, *rest = table.splitlines()
    until = heading.index("kind")
    assert heading.split()[1:8] == ["kind", "images", "T", "sigma", "size", "MAC", "rate"]
    assert heading.split()[8:] == ["cam", "15", "25", "50"]
    (short,) = spiden("models", "photo").stdout.splitlines()[1:]
    assert first[until:].split() == short.split()[1:]
    assert "".join(line[:until].strip() for line in [first, *rest[:-1]]) == str(path)
    assert rest[-1].startswith("base-cnn ")
    assert max(map(len, table.splitlines())) <= max(columns, 80)


def test_says_how_much_a_spiking_model_fires(spiden):
    for record in json.loads(spiden("models", "--json").stdout):
        if record["config"]["neuron"] == "relu":
            assert record["firing_rate"] is None
        else:
            assert 0 < record["firing_rate"] < 1


def test_unknown_names_are_one_line(spiden):
    outcome = spiden("models", "nothing")
    assert outcome.code == 3
    assert len(outcome.stderr.strip().splitlines()) == 1
