"""Checkpoints: all comes back; what is damaged, or of another version, is refused in a line."""

import json

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from spiden_cli.core.training.checkpoint import load_checkpoint
from spiden_cli.core.training.loop import CHECKPOINT
from spiden_cli.errors import TrainingError


@pytest.fixture
def run(trainer):
    run = trainer()
    next(iter(run.run(time_budget=0)))
    return run


def refusal(run) -> str:
    with pytest.raises(TrainingError) as refused:
        run.resume()
    assert str(refused.value).isprintable()
    return str(refused.value)


def rewrite(path, tensors=lambda t: None, metadata=lambda m: m):
    with safe_open(path, framework="pt") as file:
        kept = file.metadata()
    changed = load_file(path)
    tensors(changed)
    save_file(changed, path, metadata(kept))


def test_everything_comes_back(run, trainer):
    checkpoint = load_checkpoint(run.folder / CHECKPOINT)
    assert (checkpoint.network_config, checkpoint.config) == (run.network.config, run.config)
    assert (checkpoint.step, checkpoint.notes) == (1, {"preset": "tiny", "data": "smooth"})
    again = trainer()
    again.resume()
    assert (again.step, again.seconds) == (run.step, run.seconds)
    for mine, theirs in (
        (again.network.state_dict(), run.network.state_dict()),
        (again.average.state_dict(), run.average.state_dict()),
    ):
        assert all(torch.equal(mine[name], theirs[name]) for name in theirs)
    assert torch.equal(again.generator.get_state(), run.generator.get_state())
    moments = [optimiser.state_dict()["state"] for optimiser in (again.optimiser, run.optimiser)]
    assert moments[0].keys() == moments[1].keys()
    for index, entry in moments[1].items():
        assert all(torch.equal(moments[0][index][key], value) for key, value in entry.items())


def test_nothing_to_resume(trainer):
    assert "nothing to resume" in refusal(trainer())


@pytest.mark.parametrize("share", [0, 0.5, 0.99])
def test_a_truncated_checkpoint(run, share):
    content = (run.folder / CHECKPOINT).read_bytes()
    (run.folder / CHECKPOINT).write_bytes(content[: int(share * len(content))])
    assert "damaged" in refusal(run)


def test_another_version(run):
    rewrite(run.folder / CHECKPOINT, metadata=lambda m: {**m, "checkpoint_version": "0"})
    assert "another version" in refusal(run)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"config": null}', '{"config": {"sigma": 5}}'])
def test_a_description_of_nothing(run, text):
    rewrite(run.folder / CHECKPOINT, metadata=lambda m: {**m, "run": text})
    assert "describes no run" in refusal(run)


def test_a_setting_that_this_version_does_not_know(run):
    def newer(metadata: dict[str, str]) -> dict[str, str]:
        record = json.loads(metadata["run"])
        record["config"]["momentum"] = 0.9
        return {**metadata, "run": json.dumps(record)}

    rewrite(run.folder / CHECKPOINT, metadata=newer)
    assert "momentum" in refusal(run)


@pytest.mark.parametrize("name", ["network.readout.weight", "generator", "average.n_averaged"])
def test_a_missing_part(run, name):
    rewrite(run.folder / CHECKPOINT, tensors=lambda t: t.pop(name))
    assert "lacks a part" in refusal(run)


@pytest.mark.parametrize("settings", [{"steps": 7}, {"seed": 1}, {"network": {"neuron": "lif"}}])
def test_other_settings(run, trainer, settings):
    assert "other settings" in refusal(trainer(**settings))
