"""A run that is killed with SIGKILL and resumed ends in the weights of one that was not."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from spiden_cli.core.training.checkpoint import load_checkpoint
from spiden_cli.core.training.loop import CHECKPOINT, LOG, WEIGHTS

# The same run as the fixture's, in a process of its own. It dies of `kill -9`, sent either by its
# parent between two checkpoints, or by itself with the next checkpoint written but not renamed.
CHILD = """
import os, pickle, signal, sys
from pathlib import Path

from spiden_cli.core.training.loop import Trainer

arguments, moment = pickle.load(sys.stdin.buffer)
for progress in Trainer(*arguments).run():
    print(progress.step, flush=True)
    if progress.step == 3 and moment == "mid-step":
        signal.pause()
    if progress.step == 3 and moment == "mid-write":
        Path.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
"""


def kill_mid_run(run, images: list[torch.Tensor], moment: str) -> None:
    import pickle

    arguments = (
        run.folder, run.network.config, run.config, images[:2], images[2:], run.device, run.notes,
    )  # fmt: skip
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    child.stdin.write(pickle.dumps((arguments, moment)))
    child.stdin.close()
    for line in child.stdout:
        if moment == "mid-step" and int(line) == 3:
            child.kill()
    child.stdout.close()
    assert child.wait(timeout=60) == -signal.SIGKILL


@pytest.fixture
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def state(folder: Path) -> dict[str, torch.Tensor]:
    return {
        **load_file(folder / WEIGHTS),
        **{
            f"checkpoint.{name}": t
            for name, t in load_checkpoint(folder / CHECKPOINT).tensors.items()
        },
    }


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize(
    ("method", "optimiser", "moment"),
    [
        ("bptt", "adam", "mid-step"),
        ("quantiser", "adam", "mid-step"),
        ("bptt", "adam", "mid-write"),
        ("bptt", "muon", "mid-step"),
    ],
)
def test_kill_resume_equals_no_kill_to_the_bit(trainer, images, method, optimiser, moment):
    whole = trainer("whole", method=method, optimiser=optimiser)
    list(whole.run())

    killed = trainer("killed", method=method, optimiser=optimiser)
    kill_mid_run(killed, images, moment)
    assert load_checkpoint(killed.folder / CHECKPOINT).step == 2
    again = trainer("killed", method=method, optimiser=optimiser)
    again.resume()
    assert [progress.step for progress in again.run()] == [3, 4, 5, 6]

    expected, found = state(whole.folder), state(killed.folder)
    assert expected.keys() == found.keys()
    for name, tensor in expected.items():
        assert torch.equal(found[name], tensor), name
    logs = [len((folder / LOG).read_text().splitlines()) for folder in (whole.folder, again.folder)]
    assert logs == [3, 3]
