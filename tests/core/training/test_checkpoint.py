"""Checkpoints: all comes back; what is damaged, or of another version, is refused in a line."""

import json
import math

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from spiden_cli.core.training.checkpoint import load_checkpoint
from spiden_cli.errors import TrainingError


@pytest.fixture
def stopped(start):
    kept = start()
    list(kept.train(time_budget=0))
    return kept


def refusal(resume) -> str:
    with pytest.raises(TrainingError) as refused:
        resume()
    assert str(refused.value).isprintable()
    return str(refused.value)


def rewrite(path, tensors=lambda t: None, metadata=lambda m: m):
    with safe_open(path, framework="pt") as file:
        kept = file.metadata()
    changed = load_file(path)
    tensors(changed)
    save_file(changed, path, metadata(kept))


def rewrite_run(path, change):
    """Change the JSON of a checkpoint in place."""

    def changed(metadata: dict[str, str]) -> dict[str, str]:
        record = json.loads(metadata["run"])
        change(record)
        return {**metadata, "run": json.dumps(record)}

    rewrite(path, metadata=changed)


def as_version_1(path):
    rewrite_run(path, lambda record: record.pop("fingerprint"))
    rewrite(path, metadata=lambda m: {**m, "checkpoint_version": "1"})


def test_everything_comes_back(stopped, resume):
    checkpoint = load_checkpoint(stopped.folder.checkpoint)
    assert checkpoint.record == stopped.run.record
    assert (checkpoint.step, checkpoint.record.notes) == (1, {"preset": "tiny", "data": "smooth"})
    again = resume()
    assert again.run.record == stopped.run.record
    assert (again.state.step, again.state.seconds) == (stopped.state.step, stopped.state.seconds)
    assert again.run.patches.generator is again.state.generator
    mine, theirs = again.state.tensors(), stopped.state.tensors()
    assert mine.keys() == theirs.keys()
    assert {"generator", "average.n_averaged"} < mine.keys()
    assert any(name.startswith("optimiser.0.") for name in mine)
    buffers = {f"average.module.{name}" for name, _ in stopped.state.network.named_buffers()}
    for name in theirs.keys() - buffers:  # those are measured anew before they're used
        assert torch.equal(mine[name], theirs[name]), name


def test_the_record_can_be_read_alone(stopped):
    checkpoint = load_checkpoint(stopped.folder.checkpoint, with_tensors=False)
    assert (checkpoint.record, checkpoint.tensors) == (stopped.run.record, {})


def test_an_infinite_setting_is_strict_json(start, resume):
    kept = start(gradient_clip=math.inf)
    list(kept.train(time_budget=0))
    with safe_open(kept.folder.checkpoint, framework="pt") as file:
        json.loads(file.metadata()["run"], parse_constant=pytest.fail)
    assert resume(gradient_clip=math.inf).run.record.config.gradient_clip == math.inf


def test_nothing_to_resume(resume):
    assert "nothing to resume" in refusal(resume)


@pytest.mark.parametrize("share", [0, 0.5, 0.99])
def test_a_truncated_checkpoint(stopped, resume, share):
    content = stopped.folder.checkpoint.read_bytes()
    stopped.folder.checkpoint.write_bytes(content[: int(share * len(content))])
    assert "damaged" in refusal(resume)


@pytest.mark.parametrize("version", ["0", "3"])
def test_another_version(stopped, resume, version):
    rewrite(stopped.folder.checkpoint, metadata=lambda m: {**m, "checkpoint_version": version})
    assert "another version" in refusal(resume)


def test_version_1_has_no_fingerprint_and_goes_on(stopped, resume):
    as_version_1(stopped.folder.checkpoint)
    assert load_checkpoint(stopped.folder.checkpoint).record.fingerprint is None
    again = resume()
    assert again.run.record == stopped.run.record  # what it goes on with is known from here on
    list(again.train(time_budget=0))
    assert load_checkpoint(again.folder.checkpoint).record == stopped.run.record


def test_notes_of_an_older_version_lose_their_folders(stopped, resume):
    rewrite_run(
        stopped.folder.checkpoint,
        lambda record: record["notes"].update(command="spiden train --output=/home/jane/runs/a"),
    )
    assert resume().run.record.notes["command"] == "spiden train --output=a"


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"config": null}', '{"config": {"sigma": 5}}'])
def test_a_description_of_nothing(stopped, resume, text):
    rewrite(stopped.folder.checkpoint, metadata=lambda m: {**m, "run": text})
    assert "describes no run" in refusal(resume)


def test_a_setting_that_this_version_does_not_know(stopped, resume):
    rewrite_run(stopped.folder.checkpoint, lambda record: record["config"].update(momentum=0.9))
    assert "momentum" in refusal(resume)


def test_a_setting_that_is_younger_than_the_file_has_its_default(stopped, resume):
    def older(record):
        del record["config"]["optimiser"]
        del record["network_config"]["learn_initial"]

    rewrite_run(stopped.folder.checkpoint, older)
    assert resume().run.record == stopped.run.record


@pytest.mark.parametrize("name", ["network.readout.weight", "generator", "average.n_averaged"])
def test_a_missing_part(stopped, resume, name):
    rewrite(stopped.folder.checkpoint, tensors=lambda t: t.pop(name))
    assert "lacks a part" in refusal(resume)
