"""Several processes train as one would."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from together import CONFIGS, CPU, NETWORKS, begin, curve, pictures

from spiden_cli.core.training.run_folder import RunFolder
from spiden_cli.core.training.setup import resume_run
from spiden_cli.core.training.team import ALONE, Team, local_device, started_together
from spiden_cli.errors import InputError


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder in which two processes have trained: see `together.main`."""
    place = tmp_path_factory.mktemp("together")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    env = {
        **os.environ, "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port,
        "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }  # fmt: skip
    script = Path(__file__).with_name("together.py")
    both = [
        subprocess.Popen(
            [sys.executable, script, place], env={**env, "RANK": rank}, stderr=subprocess.PIPE
        )
        for rank in "01"
    ]
    _, first = both[0].communicate(timeout=120)
    _, second = both[1].communicate(timeout=120)
    assert (both[0].returncode, both[1].returncode) == (0, 9), (first + second).decode()
    return place


@pytest.mark.parametrize("name", NETWORKS)
def test_the_loss_is_that_of_one_process(trained, name, tmp_path):
    run = begin(name)
    alone = curve(run, RunFolder(tmp_path / "alone"))
    told = json.loads((trained / "0.json").read_text())
    assert told["size"] == 2
    assert told[name] == pytest.approx(alone, rel=2e-4)
    assert told[name] != alone  # summed in another order, and so by others
    assert max(alone) > min(alone) * 1.0005  # what differs between steps would be seen
    then = RunFolder(trained / name).load().tensors
    for key, tensor in run.state.tensors().items():
        if key.startswith("network") and tensor.is_floating_point():
            alike = torch.isclose(then[key], tensor, rtol=2e-2, atol=2e-4)
            # Adam makes whole steps of gradients that are 0 but for rounding.
            assert alike.float().mean() > 0.98, key


def test_a_run_that_all_stop_goes_on_to_the_bit(trained):
    told = json.loads((trained / "0.json").read_text())
    assert told["stopped_at"] == 2  # the other one wished to
    whole, halves = (RunFolder(trained / name).load().tensors for name in ("if", "half"))
    for name, tensor in whole.items():
        assert torch.equal(halves[name], tensor), name


def test_one_that_is_lost_leaves_a_whole_checkpoint(trained):
    assert (
        "another process of this run has ended"
        in json.loads((trained / "0.json").read_text())["error"]
    )
    folder = RunFolder(trained / "lost")
    assert folder.load().step == 2
    run = resume_run(folder, NETWORKS["if"], CONFIGS["if"], pictures(), CPU)
    curve(run, folder)  # and one process alone can go on with it
    assert folder.load().step == CONFIGS["if"].steps


def test_a_batch_is_split_evenly(monkeypatch):
    batch = begin("if").patches.draw(6)
    shares = [Team(rank, 3).share(batch) for rank in range(3)]
    for part, whole in zip(zip(*shares, strict=True), batch, strict=True):
        assert torch.equal(torch.cat(part), whole)
    with pytest.raises(InputError, match="a batch of 16 can't be split evenly over 3 processes"):
        Team(0, 3).check_split(16)
    ALONE.check_split(7)


def test_each_process_has_a_gpu_of_its_own(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert not started_together()
    assert local_device(torch.device("cuda")) == torch.device("cuda")
    for name, value in (("WORLD_SIZE", "2"), ("MASTER_ADDR", "here"), ("LOCAL_RANK", "1")):
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert local_device(torch.device("cuda")) == torch.device("cuda", 1)
    assert local_device(torch.device("cuda", 0)) == torch.device("cuda", 0)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "3")
    for asked, words in (("cuda", "this machine has 2 for 3"), ("cuda:0", "without a number")):
        with pytest.raises(InputError, match=words):
            local_device(torch.device(asked))
    assert local_device(CPU) == CPU
