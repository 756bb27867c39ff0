"""Checkpoints: all comes back; what is damaged, or of another version, is refused in a line."""

import json
import math
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from spiden_cli.core.training.checkpoint import load_checkpoint
from spiden_cli.core.training.fingerprint import hash_of
from spiden_cli.errors import OutputError, TrainingError


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
    kept = metadata(kept)
    save_file(changed, path, {**kept, "sha256": hash_of(sorted(changed.items()), kept["run"])})


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


@pytest.mark.parametrize("version", ["0", "4"])
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
    assert f"{name} is missing" in refusal(resume)


@pytest.mark.parametrize("at", [-1, -5000, 2000])
def test_a_flipped_bit(stopped, resume, at):
    content = bytearray(stopped.folder.checkpoint.read_bytes())
    content[at] ^= 4
    stopped.folder.checkpoint.write_bytes(content)
    assert "can't resume from" in refusal(resume)


def numbers(name, value):
    def lie(tensors):
        tensors[name].view(-1)[-1] = value

    return lie


def generator_with(first, *values):
    """Write into the state of torch's generator: a spare normal number, which it would hand out."""

    def lie(tensors):
        state = tensors["generator"]
        state[first : first + len(values)] = torch.tensor(values, dtype=torch.uint8)

    return lie


LIES = {
    "no number": numbers("network.readout.weight", math.nan),
    "infinite average": numbers("average.module.readout.weight", -math.inf),
    "negative variance": numbers("network.encoder.norm.running_var", -1.0),
    "negative square": numbers("optimiser.0.exp_avg_sq", -1e-9),
    "negative step": numbers("optimiser.0.step", -2.0),
    "negative count": numbers("average.n_averaged", -11),
    "moment of no number": numbers("optimiser.3.exp_avg", math.nan),
    "other shape": lambda t: t.update({"network.readout.bias": torch.zeros(5)}),
    "other type": lambda t: t.update({"network.readout.bias": torch.zeros(4).double()}),
    "intruder": lambda t: t.update(intruder=torch.zeros(1)),
    "moments of no parameter": lambda t: t.update({"optimiser.999.step": torch.zeros(())}),
    "optimiser of words": lambda t: t.update({"optimiser.a.step": torch.zeros(())}),
    "half of the moments": lambda t: t.pop("optimiser.0.exp_avg"),
    "short generator": lambda t: t.update(generator=torch.zeros(3, dtype=torch.uint8)),
    "no generator": lambda t: t["generator"].fill_(255),
    "spare number of none": generator_with(5024, *[0] * 6, 248, 127, *[0] * 8, 1),
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_tensors_that_no_training_leaves(stopped, resume, lie):
    rewrite(stopped.folder.checkpoint, tensors=lie)
    assert "can't resume from" in refusal(resume)


def places(record, path=()):
    """Yield the path to every value of a JSON record."""
    yield path
    if isinstance(record, dict | list):
        for key in record if isinstance(record, dict) else range(len(record)):
            yield from places(record[key], (*path, key))


VALUES = st.one_of(
    st.sampled_from([None, True, -1, 10**30, 1e308, -0.5, "", "a", "inf", [], {}, [[]], 2.5, 65]),
    st.recursive(
        st.none() | st.integers() | st.text(), lambda inner: st.lists(inner), max_leaves=3
    ),
)


@given(data=st.data())
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_other_value_anywhere_is_refused_or_harmless(stopped, data):
    with safe_open(stopped.folder.checkpoint, framework="pt") as file:
        metadata = file.metadata()
    record = json.loads(metadata["run"])
    path = data.draw(st.sampled_from([path for path in places(record) if path]))
    *way, last = path
    inner = record
    for key in way:
        inner = inner[key]
    inner[last] = data.draw(VALUES)
    other = stopped.folder.path / "other.safetensors"
    save_file({}, other, {**metadata, "run": json.dumps(record)})
    try:
        found = load_checkpoint(other, with_tensors=False)
    except TrainingError as error:
        assert str(error).isprintable()  # noqa: PT017
        return
    assert 0 <= found.step <= found.record.config.steps
    assert math.isfinite(found.seconds)


def test_a_run_whose_numbers_are_none_keeps_the_checkpoint_before(stopped):
    before = stopped.folder.checkpoint.read_bytes()
    stopped.state.averaged.readout.bias.data[0] = math.inf
    with pytest.raises(TrainingError, match="no longer finite at step 1"):
        stopped.folder.save_checkpoint(stopped.run.record, stopped.state)
    assert stopped.folder.checkpoint.read_bytes() == before


def test_a_disk_that_forgets_keeps_the_checkpoint_before(stopped, monkeypatch):
    before = stopped.folder.checkpoint.read_bytes()
    write = Path.write_bytes
    monkeypatch.setattr(Path, "write_bytes", lambda self, content: write(self, content[:-1]))
    with pytest.raises(OutputError, match="doesn't read back"):
        stopped.folder.save_checkpoint(stopped.run.record, stopped.state)
    assert stopped.folder.checkpoint.read_bytes() == before
    assert not list(stopped.folder.path.glob(".spiden-*"))


def test_tensors_larger_than_the_network_are_not_read(stopped, resume):
    with stopped.folder.checkpoint.open("r+b") as stream:
        stream.truncate(2**40)  # sparse
    assert "can't resume from" in refusal(resume)
