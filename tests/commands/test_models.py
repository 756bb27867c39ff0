"""`spiden models`, as a user runs it."""

import json

from spiden_cli.core.bundled import model_names


def test_lists_what_ships(spiden):
    records = json.loads(spiden("models", "--json").stdout)
    assert [record["name"] for record in records] == model_names()
    table = spiden("models").stdout
    assert all(name in table for name in model_names())


def test_describes_a_file(spiden, small_weights):
    (record,) = json.loads(spiden("models", small_weights, "--json").stdout)
    assert record["config"]["width"] == 8
    assert record["bytes"] == small_weights.stat().st_size
    assert spiden("models", small_weights).code == 0


def test_the_table_fits_a_terminal(spiden):
    table = spiden("models").stdout
    assert "…" not in table
    assert max(map(len, table.splitlines())) <= 80


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
