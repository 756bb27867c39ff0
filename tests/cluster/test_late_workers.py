"""Workers that come while the work is done: those that can do it do, the others are told of."""

import itertools
import sys
import threading

import pytest

pytest.importorskip("distributed", reason="spiden[dask] isn't installed")

import distributed

from spiden_cli.cluster import connection, running

WHERE = "(__import__('time').sleep(0.02), __import__('distributed').get_worker().name)[1]"


@pytest.fixture
def few():
    """A scheduler in this process, with one worker, called first, and how to add others."""
    with distributed.LocalCluster(
        n_workers=0, processes=False, dashboard_address="127.0.0.1:0", protocol="tcp://"
    ) as scheduler:
        workers = []

        async def add(name: str) -> object:
            worker = distributed.Worker(scheduler.scheduler_address, nthreads=4, name=name)
            workers.append(worker)
            return await worker

        first = scheduler.sync(add, "first")
        yield scheduler, first, lambda name: scheduler.sync(add, name)
        for worker in workers:
            scheduler.sync(worker.close)


def test_a_worker_with_another_spiden_that_comes_late_is_told_of_and_not_used(few, monkeypatch):
    scheduler, _, add = few
    monkeypatch.setattr(running, "_COUNT_EVERY", 0.0)
    said: list[str] = []
    with connection.connected(scheduler.scheduler_address, 1, warn=said.append) as cluster:
        there = running.on_workers(cluster, eval, [WHERE] * 30)
        done = [next(there)[1]]
        with monkeypatch.context() as patch:
            patch.setattr("spiden_cli.version.__version__", "0.0.1")
            old = add("old")
            done += [next(there)[1] for _ in range(5)]
            patch.setitem(sys.modules, "spiden_cli.version", None)
            none = add("none")
            done += [next(there)[1] for _ in range(5)]
        assert set(done) == {"first"}
        add("same")
        done = [name for _, name in there]
        assert len(done) == 19
        assert set(done) == {"first", "same"}
    assert [line.split(": ")[0] for line in said] == [
        f"the worker at {old.address} has spiden 0.0.1, and this is spiden {running.__version__}",
        f"the worker at {none.address} has no spiden, and this is spiden {running.__version__}",
    ]
    assert all(line.endswith(f"install spiden {running.__version__} on it") for line in said)


def test_what_waits_goes_to_the_first_worker_that_comes_after_all_were_lost(few):
    scheduler, first, add = few
    with connection.connected(scheduler.scheduler_address, 1) as cluster:
        waited = threading.Event()
        there = running.on_workers(cluster, eval, [WHERE] * 4, on_wait=waited.set)
        assert next(there)[1] == "first"
        scheduler.sync(first.close)
        threading.Thread(target=lambda: waited.wait(20) and add("second")).start()
        assert [name for _, name in there][-1] == "second"
        assert waited.is_set()


def test_a_worker_does_one_thing_at_a_time(few):
    scheduler, _, _ = few
    with connection.connected(scheduler.scheduler_address, 1) as cluster:
        spans = "(__import__('time').monotonic(), __import__('time').sleep(0.02),"
        spans += " __import__('time').monotonic())"
        told = sorted(span for _, span in running.on_workers(cluster, eval, [spans] * 5))
        assert all(end <= begin for (_, _, end), (begin, _, _) in itertools.pairwise(told))
