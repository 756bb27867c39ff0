"""Work on many items on a cluster: like `core.tasks.workers.in_processes`, on other machines.

What is done travels once to each worker, also to one that comes later, and with it the model. A
worker that has taken it up says so by a resource of Dask's, which every item needs: so none goes to
a worker with another spiden. It is one, so that a worker does one item at a time, however many
threads Dask gives it: the engines use the cores. What a lost worker was at is done again by
another.
"""

import pickle
import queue
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, TypeVar

from distributed import CancelledError, KilledWorker, Status, Worker, WorkerPlugin

from spiden_cli.cluster.connection import Cluster
from spiden_cli.errors import SpidenError
from spiden_cli.version import __version__

__all__ = ["carried", "on_workers"]

Item = TypeVar("Item")
Answer = TypeVar("Answer")

Send = Callable[[Sequence[Any], Callable[[], bool], Callable[[], None]], Iterator[tuple[Any, Any]]]

_LOOK_EVERY = 0.2  # seconds, for a wish to stop
_COUNT_EVERY = 1.0  # seconds, for workers that came or were lost
_AHEAD = 2  # items for each worker: none waits for the next
_TAKES_ITEMS = f"spiden-{__version__}"  # a resource of a worker
_carried: dict[str, Callable[[Any], Any]] = {}  # in a worker


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
        SpidenError: the scheduler was lost, or workers can't load the work.
    """
    name = f"spiden-{uuid.uuid4().hex}"
    try:
        cluster.client.register_plugin(_carrier(name, work))
    except Exception as error:  # of a worker, and whatever is wrong there
        if cluster.client.status != "running":
            raise _lost() from error
        raise SpidenError(f"workers can't load what they are to do ({error})") from error
    try:
        yield partial(_in_turn, cluster, name)
    finally:
        with suppress(Exception):  # the scheduler may be gone, and all of it with it
            cluster.client.unregister_worker_plugin(name)


def _in_turn(
    cluster: Cluster, name: str, items: Sequence[Item], stopped: Callable[[], bool],
    on_wait: Callable[[], None],
) -> Iterator[tuple[Item, Any]]:  # fmt: skip
    waiting, running = deque(items), dict[Any, Item]()
    done: queue.SimpleQueue[Any] = queue.SimpleQueue()
    at_once, count_at = _AHEAD * cluster.workers, time.monotonic() + _COUNT_EVERY
    while running or (waiting and not stopped()):
        while waiting and len(running) < at_once and not stopped():
            item = waiting.popleft()
            future = cluster.client.submit(
                _answer, name, item, pure=False, resources={_TAKES_ITEMS: 1}
            )
            running[future] = item
            future.add_done_callback(done.put)
        if time.monotonic() >= count_at and cluster.client.status == "running":
            at_once = _AHEAD * max(1, _workers(cluster, on_wait))
            count_at = time.monotonic() + _COUNT_EVERY
        try:
            future = done.get(timeout=_LOOK_EVERY)
        except queue.Empty:
            if cluster.client.status == "closed":  # the futures of some items are never told
                yield from ((item, _lost()) for item in (*running.values(), *waiting))
                return
            continue
        yield running.pop(future), _result(future)


def _lost() -> SpidenError:
    return SpidenError("the connection to the scheduler was lost")


def _workers(cluster: Cluster, on_wait: Callable[[], None]) -> int:
    """Return how many workers there are."""
    try:
        count = cluster.count_workers()
    except OSError:  # the scheduler is being lost
        return 0
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


def _carrier(name: str, work: Callable[[Any], Any]) -> WorkerPlugin:
    """Return what brings the work to each worker that has the same spiden."""
    pickled = pickle.dumps(work)  # it is loaded where it is done, not by the scheduler

    class Carrier(WorkerPlugin):
        """Is of no module, and so travels as a whole: workers may have another spiden, or none."""

        def __init__(self) -> None:
            self.name, self.version, self.pickled, self.taken = name, __version__, pickled, False

        async def setup(self, worker: Worker) -> None:
            try:
                from spiden_cli.version import __version__ as version
            except ImportError:
                return
            if version == self.version:
                from spiden_cli.cluster import running

                self.taken = True
                await running.take_up(worker, self.name, self.pickled)

        def teardown(self, worker: Worker) -> None:
            if self.taken:
                from spiden_cli.cluster import running

                running.lay_down(self.name)

    return Carrier()


async def take_up(worker: Worker, name: str, pickled: bytes) -> None:
    """Load the work, in a worker, and let items come."""
    _carried[name] = pickle.loads(pickled)
    if _TAKES_ITEMS in worker.state.total_resources:
        return
    # Of items that wait, the scheduler thinks when a worker begins to run, and by its resources.
    runs = worker.status == Status.running
    if runs:
        worker.status = Status.paused
    try:
        await worker.set_resources(**{_TAKES_ITEMS: 1})
    finally:
        if runs and worker.status == Status.paused:
            worker.status = Status.running


def lay_down(name: str) -> None:
    """Forget the work, in a worker."""
    _carried.pop(name, None)


def _answer(name: str, item: Any) -> Any:  # noqa: ANN401
    return _carried[name](item)
