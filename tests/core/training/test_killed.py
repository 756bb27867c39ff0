"""A run that is killed with SIGKILL and resumed ends in the weights of one that was not."""

import os
import pickle
import signal
import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file

from spiden_cli.core.data.training_images import TrainingImages
from spiden_cli.core.training.run_folder import RunFolder

# The same run as the fixture's, in a process of its own. It dies of `kill -9`, sent either by its
# parent between two checkpoints, or by itself with the next checkpoint written but not renamed.
CHILD = """
import os, pickle, signal, sys
from pathlib import Path

from spiden_cli.core.training.loop import train
from spiden_cli.core.training.run_folder import RunFolder
from spiden_cli.core.training.setup import start_run

folder, arguments, moment = pickle.load(sys.stdin.buffer)
for progress in train(start_run(*arguments), RunFolder(folder)):
    print(progress.step, flush=True)
    if progress.step == 3 and moment == "mid-step":
        signal.pause()
    if progress.step == 3 and moment == "mid-write":
        Path.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
"""


def kill_mid_run(kept, images: TrainingImages, moment: str) -> None:
    record = kept.run.record
    arguments = (record.network, record.config, images, torch.device("cpu"), record.notes)
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    child.stdin.write(pickle.dumps((kept.folder.path, arguments, moment)))
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


def state(folder: RunFolder) -> dict[str, torch.Tensor]:
    saved = folder.load().tensors
    return {
        **load_file(folder.weights),
        **{f"checkpoint.{name}": tensor for name, tensor in saved.items()},
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
def test_kill_resume_equals_no_kill_to_the_bit(start, resume, images, method, optimiser, moment):
    whole = start("whole", method=method, optimiser=optimiser)
    list(whole.train())

    killed = start("killed", method=method, optimiser=optimiser)
    kill_mid_run(killed, images, moment)
    assert killed.folder.load().step == 2
    again = resume("killed", method=method, optimiser=optimiser)
    assert [progress.step for progress in again.train()] == [3, 4, 5, 6]

    expected, found = state(whole.folder), state(killed.folder)
    assert expected.keys() == found.keys()
    for name, tensor in expected.items():
        assert torch.equal(found[name], tensor), name
    logs = [len(kept.folder.log.read_text().splitlines()) for kept in (whole, again)]
    assert logs == [3, 3]
