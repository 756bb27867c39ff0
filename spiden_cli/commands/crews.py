"""Where pictures are denoised: in this process, in some of its own, or on a cluster."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from spiden_cli.core.urls import is_remote  # noqa: TID253 - imports nothing
from spiden_cli.errors import SpidenError
from spiden_cli.report.console import note, warn
from spiden_cli.report.progress import waiting

if TYPE_CHECKING:
    from spiden_cli.commands.telling import Told
    from spiden_cli.commands.work import Work
    from spiden_cli.core.tasks.settings import Files
    from spiden_cli.core.tasks.stack_files import DenoisePlanes

    Answer = tuple[Files, Told | SpidenError]
    Answers = Callable[[Any, Sequence[Files], Callable[[], bool]], Iterator[Answer]]


AT_ONCE = 2
"""Small pictures, in this process: what isn't compiled code of one waits for that of the other."""


class Machine(NamedTuple):
    """What the work is done with.

    Attributes:
        open_work: loads the model, for the threads that it may run, and where there is a single
            picture.
        processes: how many pictures are denoised at once; None: one, or on a cluster of this
            machine's one for each core.
        threads: of all together; None: all cores.
        scheduler: address of a cluster's, or "local"; None: there is none.
    """

    open_work: "Callable[[int | None, bool], Work]"
    processes: int | None
    threads: int | None
    scheduler: str | None = None


@dataclass(frozen=True)
class Crew:
    """Who denoises.

    Attributes:
        threads: that each process may run; None: as many as there are cores.
        processes: that share the memory of a machine.
        pairs: whether this process denoises small pictures two at once.
        answers: has the work done to many pictures, until there is a wish to stop, and yields what
            came of each; None: it is done in this process.
        denoise_planes: denoises the planes of an OME-Zarr, chunk by chunk; None: whoever denoises
            the file.
    """

    threads: int | None
    processes: int = 1
    pairs: bool = False
    answers: "Answers | None" = None
    denoise_planes: "DenoisePlanes | None" = None

    def takes_two_of(self, files: "Files") -> bool:
        """Return whether a file is so small that another one is denoised beside it."""
        if not self.pairs or is_remote(files.source) or is_remote(files.target):
            return False
        from spiden_cli.core.tasks.side_by_side import is_small

        return files.drawing is None and is_small(files.source)  # drawings are made one by one

    def takes_apart(self, files: "Files") -> bool:
        """Return whether the parts of a file are denoised by several, and not the whole by one."""
        from spiden_cli.core.files.stacks.opening import is_zarr

        if self.denoise_planes is None or files.target.suffix.lower() != ".zarr":
            return False
        if is_remote(files.source):
            return files.source.suffix.lower() == ".zarr"
        return is_zarr(files.source)


@contextmanager
def hired(machine: Machine, jobs: int) -> Iterator[Crew]:
    """Yield who denoises a number of pictures.

    Raises:
        InputError: the cluster can't be reached.
    """
    if machine.scheduler is not None:
        with _on_cluster(machine, machine.scheduler) as crew:
            yield crew
        return
    processes = min(machine.processes or 1, jobs)
    from spiden_cli.core.tasks.workers import in_processes, threads_for_each

    if processes == 1:
        pairs = machine.processes is None and threads_for_each(1, machine.threads) > 1
        yield Crew(machine.threads, pairs=pairs)
        return
    share = threads_for_each(processes, machine.threads)
    yield Crew(
        share,
        processes,
        answers=lambda work, items, stopped: in_processes(work, items, processes, share, stopped),
    )


@contextmanager
def _on_cluster(machine: Machine, scheduler: str) -> Iterator[Crew]:
    from spiden_cli.cluster.connection import LOCAL, connected
    from spiden_cli.core.tasks.workers import threads_for_each

    workers = machine.processes or threads_for_each(1, None)
    with ExitStack() as stack:
        with waiting("connecting to the cluster"):
            cluster = stack.enter_context(connected(scheduler, workers, warn=warn))
        if cluster.dashboard:
            note(f"dashboard: {cluster.dashboard}")
        from spiden_cli.cluster.pictures import denoised_by
        from spiden_cli.cluster.volumes import denoise_volume

        share = machine.threads or cluster.threads
        if scheduler == LOCAL:
            share = threads_for_each(workers, machine.threads)
        wait = _say_once()
        yield Crew(
            share,
            cluster.on_one_machine,
            answers=lambda work, jobs, stopped: denoised_by(cluster, work, jobs, stopped, wait),
            denoise_planes=partial(denoise_volume, cluster, on_wait=wait),
        )


def _say_once() -> Callable[[], None]:
    """Return what to call while no worker is there."""
    told: list[bool] = []

    def say() -> None:
        if not told:
            told.append(True)
            warn("no worker is left: waiting for one; Ctrl-C twice ends it")

    return say
