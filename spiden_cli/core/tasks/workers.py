"""Work on many items at once, in processes or in threads of this one.

Processes end cleanly whatever happens to the parent.
"""

import multiprocessing
import os
import pickle
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
    wait,
)
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.connection import wait as wait_for_end
from typing import Any, TypeVar

from spiden_cli.errors import SpidenError

__all__ = ["in_processes", "in_threads", "threads_for_each"]

Item = TypeVar("Item")
Answer = TypeVar("Answer")

_ENDED = "the process that worked on it was ended, perhaps for lack of memory: try fewer --jobs"
_LOOK_EVERY = 0.2  # seconds, for a wish to stop
_LIBRARIES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")


def threads_for_each(processes: int, threads: int | None) -> int:
    """Return how many threads each process may run, of those that all may.

    Args:
        processes: their number.
        threads: of all together; None: as many as there are cores.
    """
    if threads is None:
        can_tell = hasattr(os, "sched_getaffinity")
        threads = len(os.sched_getaffinity(0)) if can_tell else os.cpu_count() or 1
    return max(1, threads // processes)


def in_threads(
    work: Callable[[Item], Answer],
    items: Iterable[Item],
    threads: int,
    stopped: Callable[[], bool] = lambda: False,
) -> Iterator[tuple[Item, Answer]]:
    """Yield each item with what came of it, in their order, a few being worked on at once.

    Args:
        work: what is done, which takes a moment: what was begun is finished even where this process
            is told to end at once.
        items: what it is done to; each is asked for when its turn comes.
        threads: how many work at once.
        stopped: asked before an item is begun: once true, no more are.
    """
    running: deque[tuple[Item, Future[Answer]]] = deque()
    waiting, told_to_end = iter(items), None

    def wanted() -> bool:
        return told_to_end is None and not stopped()

    pool = ThreadPoolExecutor(threads)
    try:
        while True:
            while len(running) <= threads and wanted():  # one more than work: none waits for it
                if (item := next(waiting, None)) is None:
                    break
                running.append((item, pool.submit(work, item)))
            if not running:
                break
            item, future = running.popleft()
            if not wanted() and future.cancel():
                continue
            while not future.done():
                try:
                    wait([future])
                except (KeyboardInterrupt, SystemExit) as error:
                    told_to_end = error
            yield item, future.result()
    finally:
        pool.shutdown(cancel_futures=True)
    if told_to_end is not None:
        raise told_to_end


def in_processes(
    work: Callable[[Item], Answer],
    items: Sequence[Item],
    processes: int,
    threads: int,
    stopped: Callable[[], bool] = lambda: False,
) -> Iterator[tuple[Item, Answer | SpidenError]]:
    """Yield each item with what came of it, in the order in which they are done.

    Args:
        work: what is done; it, the items and what it returns travel by pickle.
        items: what it is done to.
        processes: how many work at once.
        threads: that each may run.
        stopped: asked now and then: once true, what was begun is finished and no more begun.

    Yields:
        An item, and the answer; an error where the process that worked on it was ended.
    """
    waiting = deque(items)
    while waiting and not stopped():  # again, if a process was ended
        yield from _in_one_pool(work, waiting, processes, threads, stopped)


def _in_one_pool(
    work: Callable[[Item], Answer],
    waiting: deque[Item],
    processes: int,
    threads: int,
    stopped: Callable[[], bool],
) -> Iterator[tuple[Item, Answer | SpidenError]]:
    with _pool(work, min(processes, len(waiting)), threads) as pool:
        running: dict[Future[Any], Item] = {}
        while running or (waiting and not stopped()):
            # One more than there are processes: none waits for this one to wake up.
            while waiting and len(running) <= processes and not stopped():
                item = waiting.popleft()
                try:
                    running[_submitted(pool, item)] = item
                except BrokenProcessPool:  # what it worked on is told below
                    waiting.appendleft(item)
                    break
            if not running:
                return
            if stopped():
                for future in [future for future in running if future.cancel()]:
                    del running[future]
            done, _ = wait(running, _LOOK_EVERY, FIRST_COMPLETED)
            broken = False
            for future in done:
                item = running.pop(future)
                try:
                    yield item, future.result()
                except BrokenProcessPool:
                    broken = True
                    yield item, SpidenError(_ENDED)
            if broken:
                return


def _submitted(pool: ProcessPoolExecutor, item: Any) -> Future[Any]:  # noqa: ANN401
    """Hand an item over; processes that start meanwhile don't see Ctrl-C, which is the parent's."""
    if not hasattr(signal, "pthread_sigmask"):
        return pool.submit(_answer, item)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        return pool.submit(_answer, item)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _pool(
    work: Callable[[Any], Any], processes: int, threads: int
) -> Iterator[ProcessPoolExecutor]:
    """Give processes that know what to do; on an error, Ctrl-C included, end them at once."""
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(
        processes,
        multiprocessing.get_context("spawn"),  # a fork of numba's or torch's threads hangs
        initializer=_start,
        initargs=(pickle.dumps(work), threads),
    )
    try:
        yield pool
    except BaseException:
        for child in set(multiprocessing.active_children()) - others:
            child.terminate()
        pool.shutdown(cancel_futures=True)
        raise
    pool.shutdown()


_work: Callable[[Any], Any]
_ended = False  # told to end: the pool takes the exit for an item's error where it is raised in it


def _start(work: bytes, threads: int) -> None:
    """Begin in a process of the pool."""
    global _work
    for name in _LIBRARIES:  # before torch is imported
        os.environ[name] = str(threads)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _end)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _work = pickle.loads(work)


def _answer(item: Any) -> Any:  # noqa: ANN401
    if _ended:
        os._exit(128 + signal.SIGTERM)
    try:
        return _work(item)
    except SystemExit:  # of `_end`, by now through every `finally`; the pool would go on
        os._exit(128 + signal.SIGTERM)


def _end(number: int, _frame: object) -> None:
    global _ended
    _ended = True
    raise SystemExit(128 + number)  # through every `finally`, so that no temporary file stays


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait_for_end([parent.sentinel])
        main = threading.main_thread().ident
        if hasattr(signal, "pthread_kill") and main is not None:  # it may wait for work
            signal.pthread_kill(main, signal.SIGTERM)
        else:
            os.kill(os.getpid(), signal.SIGTERM)
