"""Work on many items on a cluster: like `core.tasks.workers.in_processes`, on other machines.

What is done travels once to each worker, also to one that comes later, and with it the model. A
worker does one item at a time, however many threads Dask gives it: the engines use the cores. What
a lost worker was at is done again by another.
"""

import pickle
import queue
import threading
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, TypeVar

from distributed import CancelledError, KilledWorker, Worker, WorkerPlugin

from spiden_cli.cluster.connection import Cluster
from spiden_cli.errors import SpidenError

__all__ = ["carried", "on_workers"]

Item = TypeVar("Item")
Answer = TypeVar("Answer")

Send = Callable[[Sequence[Any], Callable[[], bool], Callable[[], None]], Iterator[tuple[Any, Any]]]

_LOOK_EVERY = 0.2  # seconds, for a wish to stop
_AHEAD = 2  # items for each worker: none waits for the next
_carried: dict[str, Callable[[Any], Any]] = {}  # in a worker
_one_at_a_time = threading.Lock()


def on_workers(
    cluster: Cluster,
    work: Callable[[Item], Answer],
    items: Sequence[Item],
    stopped: Callable[[], bool] = lambda: False,
    on_wait: Callable[[], None] = lambda: None,
) -> Iterator[tuple[Item, Answer | SpidenError]]:
    """Yield each item with what came of it, in the order in which they are done.

    Args:
        cluster: does the work.
        work: what is done; it, the items and what it returns travel by pickle. An item may be done
            twice, if a worker is lost.
        items: what it is done to.
        stopped: asked now and then: once true, what was begun is finished and no more begun.
        on_wait: told now and then while there is no worker.

    Yields:
        An item, and the answer; an error where one worker after another was lost over it, or the
        scheduler was.
    """
    with carried(cluster, work) as send:
        yield from send(items, stopped, on_wait)


@contextmanager
def carried(cluster: Cluster, work: Callable[[Any], Any]) -> Iterator[Send]:
    """Bring work to all workers, for several rounds of items.

    Yields:
        Sends items, and yields what came of them, as `on_workers` does.

    Raises:
        SpidenError: the scheduler was lost.
    """
    carrier = _Carrier(work)
    cluster.client.register_plugin(carrier)
    try:
        yield partial(_in_turn, cluster, carrier.name)
    finally:
        with suppress(Exception):  # the scheduler may be gone, and all of it with it
            cluster.client.unregister_worker_plugin(carrier.name)


def _in_turn(
    cluster: Cluster, name: str, items: Sequence[Item], stopped: Callable[[], bool],
    on_wait: Callable[[], None],
) -> Iterator[tuple[Item, Any]]:  # fmt: skip
    waiting, running = deque(items), dict[Any, Item]()
    done: queue.SimpleQueue[Any] = queue.SimpleQueue()
    at_once = _AHEAD * cluster.workers
    while running or (waiting and not stopped()):
        while waiting and len(running) < at_once and not stopped():
            item = waiting.popleft()
            future = cluster.client.submit(_answer, name, item, pure=False)
            running[future] = item
            future.add_done_callback(done.put)
        try:
            future = done.get(timeout=_LOOK_EVERY)
        except queue.Empty:
            if cluster.client.status == "closed":  # the futures of some items are never told
                yield from ((item, _lost()) for item in (*running.values(), *waiting))
                return
            if cluster.client.status == "running":
                at_once = _AHEAD * max(1, _workers(cluster, on_wait))
            continue
        yield running.pop(future), _result(future)


def _lost() -> SpidenError:
    return SpidenError("the connection to the scheduler was lost")


def _workers(cluster: Cluster, on_wait: Callable[[], None]) -> int:
    """Return how many workers there are."""
    count = len(cluster.client.nthreads())
    if not count:
        on_wait()
    return count


def _result(future: Any) -> Any:  # noqa: ANN401
    try:
        return future.result()
    except KilledWorker:
        return SpidenError(
            "the workers that worked on it were ended, one after the other, perhaps for lack of "
            "memory: give them more, or smaller pictures"
        )
    except CancelledError:
        return _lost()


class _Carrier(WorkerPlugin):
    """Brings the work to each worker."""

    def __init__(self, work: Callable[[Any], Any]) -> None:
        self.name = f"spiden-{uuid.uuid4().hex}"
        self._work = pickle.dumps(work)  # it is loaded where it is done, not by the scheduler

    def setup(self, worker: Worker) -> None:
        _carried[self.name] = pickle.loads(self._work)

    def teardown(self, worker: Worker) -> None:
        _carried.pop(self.name, None)


def _answer(name: str, item: Any) -> Any:  # noqa: ANN401
    with _one_at_a_time:
        return _carried[name](item)
