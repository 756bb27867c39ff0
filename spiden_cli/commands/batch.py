"""Many pictures denoised, one after the other or several at once, with progress and a log."""

import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING

from spiden_cli.commands.crews import AT_ONCE, Crew, Machine, hired
from spiden_cli.commands.denoise_files import Plan
from spiden_cli.commands.stopping import Received, stopping
from spiden_cli.commands.telling import Sayings, Told, at_the_end_of
from spiden_cli.commands.work import Work, is_on_storage, named, outcome_of
from spiden_cli.errors import InputError, SpidenError
from spiden_cli.report.batch import Log, Outcome, logging_to
from spiden_cli.report.console import note, warn
from spiden_cli.report.progress import PictureBar, counting, picturing

if TYPE_CHECKING:
    from pathlib import Path

    from spiden_cli.core.tasks.settings import Files


@dataclass(frozen=True)
class Done:
    """What became of all pictures.

    Attributes:
        outcomes: of each.
        seconds: that all took together, but for loading the model.
        signal: that ended the run early; None if none did.
    """

    outcomes: list[Outcome]
    seconds: float
    signal: int | None = None

    @property
    def exit_code(self) -> int:
        """That of the first failure, or of a picture of which a part is missing; else 0."""
        for outcome in self.outcomes:
            if outcome.error is not None:
                return outcome.error.exit_code
            if outcome.incomplete:
                return InputError.exit_code
        return 0


def run(plan: Plan, machine: Machine, log: "Path | None") -> Done:
    """Denoise what is planned.

    Raises:
        SpidenError: the only picture failed, the model can't be loaded, the log not be written, or
            the cluster not be reached.
    """
    with logging_to(log) as add:
        for outcome in plan.left:
            add(outcome)
        if not plan.jobs:
            return Done(plan.left, 0.0)
        alone = len(plan.jobs) + len(plan.left) == 1
        with hired(machine, len(plan.jobs)) as crew:
            work = machine.open_work(crew.threads, alone)
            work = replace(work, settings=replace(work.settings, processes=crew.processes))
            began = time.monotonic()
            here = crew.answers is None and not is_on_storage(plan.jobs[0])
            if alone and (here or crew.takes_apart(plan.jobs[0])):
                work = replace(work, denoise_planes=crew.denoise_planes)
                outcomes = [_denoise_one(work, plan.jobs[0], add)]
                return Done(outcomes, time.monotonic() - began)
            outcomes, ended = _denoise_all(work, plan.jobs, crew, add)
            seconds = time.monotonic() - began
        if alone and outcomes[0].error is not None:
            raise outcomes[0].error
    return Done([*outcomes, *plan.left], seconds, ended)


def _denoise_one(work: Work, files: "Files", log: Log) -> Outcome:
    """Denoise the only picture, with a bar over its tiles.

    Raises:
        SpidenError: it can't be read, denoised or written.
    """
    name = files.source.name
    notes: list[str] = []

    def say(text: str) -> None:
        notes.append(text)
        note(f"{name}: {text}")

    try:
        with counting(f"denoising {name}") as on_tile:
            report = work.denoise(files, say, on_tile=on_tile)
    except SpidenError as error:
        log(Outcome(files, "failed", error=error))
        raise
    outcome = outcome_of(files, report, notes)
    log(outcome)
    for sentence in report.notes:
        warn(f"{name}: {sentence}")
    return outcome


def _denoise_all(
    work: Work, jobs: "Sequence[Files]", crew: Crew, log: Log
) -> tuple[list[Outcome], int | None]:
    """Denoise many pictures; one that fails does not stop the others.

    The first Ctrl-C lets the pictures that were begun be finished.

    Args:
        work: denoises one.
        jobs: what to read and write.
        crew: where it is done.
        log: told of each picture, at once.

    Returns:
        What became of each, in order, and the signal that ended the run early, if one did.
    """
    outcomes: dict[Files, Outcome] = {}
    received, began = Received(), time.time()
    sayings = Sayings()
    try:
        with stopping() as received, picturing(len(jobs)) as bar:
            for told in _each(work, jobs, crew, bar, received):
                with received.holding():
                    bar.end()
                    outcomes[told.outcome.files] = told.outcome
                    log(told.outcome)
                    sayings.tell(told)
    except KeyboardInterrupt:
        if not received:
            received.append(signal.SIGINT)
    except SystemExit:
        if not received:
            raise
    sayings.tell_of_more()
    complete = [outcomes.get(files) or at_the_end_of(files, began, log) for files in jobs]
    return complete, received[0] if received else None


def _each(
    work: Work, jobs: "Sequence[Files]", crew: Crew, bar: PictureBar, received: Received
) -> Iterator[Told]:
    """Denoise picture by picture, until there is a signal."""
    from spiden_cli.core.tasks.workers import in_threads

    told_of_stop = False

    def stopped() -> bool:
        nonlocal told_of_stop
        if received and not told_of_stop:
            told_of_stop = True
            note("finishing what was begun; Ctrl-C again ends it at once")
        return bool(received)

    if crew.answers is not None:
        whole = [files for files in jobs if not crew.takes_apart(files)]
        for files, answer in crew.answers(_reaching(work, whole), whole, stopped):
            bar.begin(files.source.name)
            yield _told(files, answer)
        work = replace(work, denoise_planes=crew.denoise_planes)
        jobs = [files for files in jobs if crew.takes_apart(files)]

    def on_tile(done: int, of: int) -> None:
        stopped()
        bar.part(done, of)

    for small, group in groupby(jobs, crew.takes_two_of):
        if small:
            with received.holding():
                for files, told in in_threads(work, group, AT_ONCE, stopped):
                    bar.begin(files.source.name)
                    yield told
        for files in group:
            if stopped():
                return
            bar.begin(files.source.name)
            yield _told(files, _reaching(work, [files])(files, on_tile))


def _told(files: "Files", answer: Told | SpidenError) -> Told:
    if isinstance(answer, SpidenError):
        return Told(Outcome(files, "failed", error=named(files, answer)), (), ())
    return answer


def _reaching(work: Work, jobs: "Sequence[Files]") -> "Callable[..., Told | SpidenError]":
    """Return work that reaches files on storage, if any are there."""
    if not any(map(is_on_storage, jobs)):
        return work
    from spiden_cli.cluster.fetching import Fetching

    return Fetching(work, work.settings.overwrite)
