"""Many pictures denoised, one after the other or several at once, with progress and a log."""

import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING

from spiden_cli.commands.crews import AT_ONCE, Crew, Machine, hired
from spiden_cli.commands.denoise_files import Plan
from spiden_cli.commands.stopping import Received, stopping
from spiden_cli.commands.telling import Say, Sayings, Told, at_the_end_of
from spiden_cli.core.files.lenience import INCOMPLETE  # noqa: TID253 - imports nothing
from spiden_cli.core.urls import is_remote  # noqa: TID253 - imports nothing
from spiden_cli.errors import TOO_LITTLE_MEMORY, InputError, SpidenError, is_out_of_memory
from spiden_cli.report.batch import Log, Outcome, logging_to
from spiden_cli.report.comparison import draw_comparison, show_denoised
from spiden_cli.report.console import note, warn
from spiden_cli.report.denoising import DenoiseReport
from spiden_cli.report.progress import PictureBar, counting, picturing
from spiden_cli.report.stacks import StackReport

if TYPE_CHECKING:
    from pathlib import Path

    from spiden_cli.core.tasks.denoising import OnTile
    from spiden_cli.core.tasks.model import Model
    from spiden_cli.core.tasks.settings import Files, Settings
    from spiden_cli.core.tasks.stack_files import DenoisePlanes


@dataclass(frozen=True)
class Work:
    """Denoises pictures, and keeps the numbers alone; travels to other processes.

    Attributes:
        model: denoises.
        settings: how.
        show: draw the picture in the terminal, before and after.
        denoise_planes: what denoises the planes of a stack; None: this process.
    """

    model: "Model"
    settings: "Settings"
    show: bool = False
    denoise_planes: "DenoisePlanes | None" = None

    def __call__(self, files: "Files", on_tile: "OnTile" = lambda done, of: None) -> Told:
        """Denoise a picture; an error is an answer."""
        notes: list[str] = []
        try:
            report = self.denoise(files, notes.append, on_tile)
        except SpidenError as error:
            return Told(Outcome(files, "failed", error=_named(files, error)), tuple(notes), ())
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            failure = _named(files, SpidenError(TOO_LITTLE_MEMORY))
            return Told(Outcome(files, "failed", error=failure), tuple(notes), ())
        return Told(_denoised(files, report, notes), tuple(notes), report.notes)

    def denoise(
        self, files: "Files", on_note: Say, on_tile: "OnTile" = lambda done, of: None
    ) -> DenoiseReport | StackReport:
        """Denoise a picture or a stack, and draw what was done if that is asked for.

        Raises:
            SpidenError: it can't be read, denoised or written.
        """
        if _is_on_storage(files):
            return self._denoise_on_storage(files, on_note, on_tile)
        from spiden_cli.core.atomic import making_folder
        from spiden_cli.core.tasks.files import denoise_file
        from spiden_cli.core.tasks.planes import denoise_planes_of
        from spiden_cli.core.tasks.stack_files import denoise_stack_file, is_for_planes

        if is_for_planes(self.settings, files.source):
            self._refuse_to_show()
            stack = denoise_stack_file(
                self.model, self.settings, files, on_note, on_tile,
                self.denoise_planes or denoise_planes_of,
            )  # fmt: skip
            return StackReport.of(files, stack)
        done = denoise_file(self.model, self.settings, files, on_note, on_tile)
        report = DenoiseReport.of(files, done)
        if files.drawing is not None:
            image, firing = done.result.image, done.result.firing_map
            with making_folder(files.drawing.parent):
                draw_comparison(files.drawing, done.picture, image, firing, report)
        if self.show:
            show_denoised(done.picture, done.result.image)
        return report

    def _denoise_on_storage(self, files: "Files", on_note: Say, on_tile: "OnTile") -> StackReport:
        """Denoise a volume where it lies; of whatever else a copy is fetched before.

        Raises:
            SpidenError: it can't be read, denoised or written.
        """
        self._refuse_to_show()
        from spiden_cli.cluster.storage import told_by_url
        from spiden_cli.cluster.stored_volumes import opening_for
        from spiden_cli.cluster.volumes import denoise_volume
        from spiden_cli.core.tasks.stack_files import denoise_stack_file

        with told_by_url(files.source, files.target):
            stack = denoise_stack_file(
                self.model, self.settings, files, on_note, on_tile,
                self.denoise_planes or partial(denoise_volume, None),
                opening_for(f"{self.model.identity()} {self.settings.of_result()}"),
            )  # fmt: skip
        return StackReport.of(files, stack)

    def _refuse_to_show(self) -> None:
        if self.show:
            raise InputError("--show draws a single picture, not a stack: leave it out")


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
            here = crew.answers is None and not _is_on_storage(plan.jobs[0])
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
    outcome = _denoised(files, report, notes)
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
        return Told(Outcome(files, "failed", error=_named(files, answer)), (), ())
    return answer


def _is_on_storage(files: "Files") -> bool:
    return is_remote(files.source) or is_remote(files.target)


def _reaching(work: Work, jobs: "Sequence[Files]") -> "Callable[..., Told | SpidenError]":
    """Return work that reaches files on storage, if any are there."""
    if not any(map(_is_on_storage, jobs)):
        return work
    from spiden_cli.cluster.fetching import Fetching

    return Fetching(work, work.settings.overwrite)


def _denoised(files: "Files", report: DenoiseReport | StackReport, notes: Sequence[str]) -> Outcome:
    return Outcome(files, "denoised", report, incomplete=INCOMPLETE in notes)


def _named(files: "Files", error: SpidenError) -> SpidenError:
    """Return an error that says of which picture it is."""
    said = str(error)
    return error if files.source.name in said else type(error)(f"{files.source.name}: {said}")
