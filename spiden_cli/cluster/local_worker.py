"""What a worker of a cluster on this machine does first; Dask calls it a preload."""

import signal

from distributed import Worker


def dask_setup(worker: Worker) -> None:
    """Leave Ctrl-C to the process that started the cluster, which lets the work be finished."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
