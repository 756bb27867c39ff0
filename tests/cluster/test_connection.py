"""What is said where there is no cluster to work on, and what a lost worker left behind."""

import os
import signal
import sys
from dataclasses import replace

import pytest
from PIL import Image

import spiden_cli
from spiden_cli.errors import InputError

distributed = pytest.importorskip("distributed", reason="spiden[dask] isn't installed")


def test_where_dask_is_missing_it_is_named(spiden, noisy_png, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    outcome = spiden("denoise", noisy_png, "-m", "tiny", "--scheduler", "local")
    assert outcome.code == 2
    assert "pip install 'spiden[dask]'" in outcome.stderr


@pytest.mark.parametrize(
    ("address", "words"),
    [("tcp://127.0.0.1:1", "no Dask scheduler answers at"), ("nonsense", "no address of a Dask")],
)
def test_an_address_where_nothing_answers(address, words):
    from spiden_cli.cluster.connection import connected

    with pytest.raises(InputError, match=words), connected(address, 1, patience=0.2):
        pass


def test_workers_with_another_spiden_are_refused(scheduler, monkeypatch):
    from spiden_cli.cluster import connection

    monkeypatch.setattr(connection, "__version__", "77.0")
    with (
        pytest.raises(InputError, match=r"this is spiden 77\.0, and workers have"),
        connection.connected(scheduler, 1),
    ):
        pass


def test_ctrl_c_is_not_for_the_workers(cluster, scheduler):
    from spiden_cli.cluster.connection import connected

    before = [nanny.process.pid for nanny in cluster.workers.values()]
    for process in before:
        os.kill(process, signal.SIGINT)
    with connected(scheduler, 1) as reached:
        assert reached.client.submit(os.getpid).result() in before
    assert [nanny.process.pid for nanny in cluster.workers.values()] == before


@pytest.mark.parametrize("option", ["--show", "--watch"])
def test_what_needs_this_process_is_refused(spiden, noisy_png, option):
    names = ["--watch", noisy_png.parent] if option == "--watch" else [noisy_png, "--show"]
    outcome = spiden("denoise", *names, "-m", "tiny", "--scheduler", "local")
    assert outcome.code == 2
    assert "--scheduler" in outcome.stderr


def test_what_a_lost_worker_left_is_no_reason_to_fail(noisy_png, small_weights):
    from spiden_cli.cluster.pictures import _Again
    from spiden_cli.commands.work import Work
    from spiden_cli.core.tasks.settings import Files, Settings

    model = spiden_cli.load(small_weights, engine="dense", threads=1)
    work = _Again(Work(model, Settings(25.0, alone=False)))
    files = Files(noisy_png, noisy_png.with_name("clean.png"))
    first, second = work(files), work(files)
    assert first.outcome.status == second.outcome.status == "denoised"
    assert second.outcome.report.output == files.target
    assert replace(second.outcome.report, seconds=0) == replace(first.outcome.report, seconds=0)
    Image.new("L", (8, 8)).save(files.target)
    assert work(files).outcome.error.exit_code == 6
    assert sorted(path.name for path in noisy_png.parent.iterdir()) == ["clean.png", "noisy.png"]
