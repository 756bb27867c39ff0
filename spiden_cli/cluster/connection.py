"""A Dask cluster: one that is there, or one that is started on this machine for a while."""

import logging
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from spiden_cli.errors import InputError
from spiden_cli.version import __version__

__all__ = ["LOCAL", "Cluster", "connected"]

LOCAL = "local"
_PATIENCE = 20.0  # seconds, for a scheduler to answer and for a first worker to come
_INSTALL = f"install spiden {__version__}"


@dataclass(frozen=True)
class Cluster:
    """A cluster that work can be sent to.

    Attributes:
        client: Dask's own.
        workers: how many there are now.
        on_one_machine: how many of them at most share its memory.
        threads: cores that the smallest of them has.
        dashboard: address of the page that shows what goes on; empty where there is none.
        warn: told of workers that came later and can't do the work.
        fit: of each worker that was asked, by address, whether it has the same spiden.
    """

    client: Any
    workers: int
    on_one_machine: int
    threads: int
    dashboard: str
    warn: Callable[[str], None] = lambda said: None
    fit: dict[str, bool] = field(default_factory=dict)

    def count_workers(self) -> int:
        """Return how many workers there are that have the same spiden; ask those that are new."""
        there = set(self.client.nthreads())
        if new := sorted(there - set(self.fit)):
            for worker, version in _versions(self.client, new).items():
                self.fit[worker] = version == __version__
                if not self.fit[worker]:
                    self.warn(
                        f"the worker at {worker} has {_called(version)}, and this is spiden "
                        f"{__version__}: it does none of the work; {_INSTALL} on it"
                    )
        return sum(self.fit.get(worker, False) for worker in there)


@contextmanager
def connected(
    address: str, workers: int, patience: float = _PATIENCE,
    warn: Callable[[str], None] = lambda said: None,
) -> Iterator[Cluster]:  # fmt: skip
    """Connect to a cluster, and leave it at the end.

    Args:
        address: of the scheduler, such as tcp://host:8786; "local" for a cluster on this machine,
            which ends with the context.
        workers: how many processes a local one has.
        patience: seconds to wait for an answer, and for a worker.
        warn: told of workers that come later and can't do the work.

    Raises:
        InputError: Dask isn't installed, nothing answers, or the workers can't do the work.
    """
    try:
        from distributed import Client
    except ImportError as error:
        raise InputError(
            f"--scheduler needs a package ({error.name}): pip install 'spiden[dask]'"
        ) from None
    with _address(address, workers) as place:
        try:
            client = Client(place, timeout=patience, set_as_default=False)
        except (OSError, ValueError, ImportError) as error:
            raise InputError(_unreachable(address, error)) from None
        try:
            yield _checked(client, address, patience, warn)
        finally:
            client.close()


@contextmanager
def _address(address: str, workers: int) -> Iterator[Any]:
    """Yield what a client connects to."""
    if address != LOCAL:
        yield address
        return
    from distributed import LocalCluster

    # Nothing listens beyond this machine; the dashboard takes any port that is free.
    with LocalCluster(
        n_workers=workers, threads_per_worker=1, host="127.0.0.1",
        dashboard_address="127.0.0.1:0", silence_logs=logging.CRITICAL,
        preload=["spiden_cli.cluster.local_worker"],
    ) as cluster:  # fmt: skip
        yield cluster


def _checked(
    client: Any, address: str, patience: float, warn: Callable[[str], None]  # noqa: ANN401
) -> Cluster:  # fmt: skip
    """Wait for workers, and see that they have the same spiden.

    Raises:
        InputError: there are none, or they have none, or another one.
    """
    try:
        client.wait_for_workers(1, timeout=patience)
    except TimeoutError:
        raise InputError(
            f"the scheduler at {address} has no workers: start some, as in dask worker {address}"
        ) from None
    versions = _versions(client)
    others = sorted(version for version in versions.values() if version != __version__)
    if others:
        raise InputError(
            f"this is spiden {__version__}, and workers have {_called(others[0])}: {_INSTALL} on "
            "each of them"
        )
    threads = client.nthreads()
    hosts = Counter(worker.rsplit(":", 1)[0] for worker in threads)
    return Cluster(
        client, len(threads), max(hosts.values()), min(threads.values()), client.dashboard_link,
        warn, dict.fromkeys(versions, True),
    )  # fmt: skip


def _versions(client: Any, workers: list[str] | None = None) -> dict[str, str]:  # noqa: ANN401
    """Return the version of spiden that workers have, by address; empty where there is none.

    Those that are lost before they answer are left out.
    """

    def version() -> str:  # of no module, and so it travels as a whole: they may lack this one
        try:
            from spiden_cli.version import __version__
        except ImportError:
            return ""
        return __version__

    told = client.run(version, workers=workers, on_error="return")
    return {worker: answer for worker, answer in told.items() if isinstance(answer, str)}


def _called(version: str) -> str:
    return f"spiden {version}" if version else "no spiden"


def _unreachable(address: str, error: Exception) -> str:
    if isinstance(error, (ValueError, ImportError)):
        return f"{address!r} is no address of a Dask scheduler: give tcp://HOST:PORT, or local"
    return (
        f"no Dask scheduler answers at {address}: is it running, and the address right? "
        "--scheduler local starts one here"
    )
