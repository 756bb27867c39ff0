"""A cluster of two workers, and an S3 server, which live as long as the tests do."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

Killing = Callable[[Callable[[], object]], AbstractContextManager[None]]


@pytest.fixture(scope="session")
def s3() -> Iterator[object | None]:
    """A file system on an S3 server of this machine, with the bucket "scans"; None without moto."""
    try:
        import fsspec
        import s3fs  # noqa: F401
        from moto.server import ThreadedMotoServer
    except ImportError:
        yield None
        return
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "name")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "word")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        system = fsspec.filesystem("s3")
        system.mkdir("scans")
        yield system
    server.stop()


@pytest.fixture
def bucket(s3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The S3 server, whose bucket "scans" is emptied afterwards; the working directory is new."""
    if s3 is None:
        pytest.skip("moto or s3fs isn't installed: no storage is tested")
    monkeypatch.chdir(tmp_path)
    yield s3
    s3.invalidate_cache()
    for key in s3.find("scans"):
        s3.rm_file(key)


@pytest.fixture(scope="session")
def cluster(s3) -> Iterator[object]:  # workers are told by their environment where the server is
    """Two worker processes on this machine; Dask's own object."""
    pytest.importorskip("distributed", reason="spiden[dask] isn't installed")
    from spiden_cli.cluster import connection

    with connection._address(connection.LOCAL, 2) as started:
        yield started


@pytest.fixture
def scheduler(cluster) -> str:
    """The address of its scheduler."""
    return cluster.scheduler_address


@pytest.fixture
def killing(cluster) -> Killing:
    """Kill a worker, inside a context, as soon as something is there."""

    @contextmanager
    def while_working(begun: Callable[[], object]) -> Iterator[None]:
        process, over, killed = next(iter(cluster.workers.values())).process.pid, False, False

        def wait_and_kill() -> None:
            nonlocal killed
            while not over and not begun():
                time.sleep(0.002)
            if not over:
                os.kill(process, signal.SIGKILL)
                killed = True

        killer = threading.Thread(target=wait_and_kill)
        killer.start()
        try:
            yield
        finally:
            over = True
            killer.join()
        assert killed

    return while_working
