"""Many pictures denoised, one after the other or several at once, with progress and a log."""

import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from spiden_cli.commands.denoise_files import Plan
from spiden_cli.commands.stopping import stopping
from spiden_cli.core.files.lenience import INCOMPLETE  # noqa: TID253 - imports nothing
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

Say = Callable[[str], None]


class Told(NamedTuple):
    """What became of a picture, and what the user should be told of it.

    Attributes:
        outcome: the numbers, or an error.
        notes: what reading changed and writing lost.
        warnings: what the user should act on.
    """

    outcome: Outcome
    notes: tuple[str, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class Work:
    """Denoises pictures, and keeps the numbers alone; travels to other processes.

    Attributes:
        model: denoises.
        settings: how.
        show: draw the picture in the terminal, before and after.
    """

    model: "Model"
    settings: "Settings"
    show: bool = False

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
        from spiden_cli.core.atomic import making_folder
        from spiden_cli.core.tasks.files import denoise_file
        from spiden_cli.core.tasks.stack_files import denoise_stack_file, is_for_planes

        if is_for_planes(self.settings, files.source):
            if self.show:
                raise InputError("--show draws a single picture, not a stack: leave it out")
            stack = denoise_stack_file(self.model, self.settings, files, on_note, on_tile)
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


class Machine(NamedTuple):
    """What the work is done with.

    Attributes:
        open_work: loads the model, for the threads that it may run, and where there is a single
            picture.
        processes: how many pictures are denoised at once.
        threads: of all together; None: all cores.
    """

    open_work: Callable[[int | None, bool], Work]
    processes: int
    threads: int | None


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
        SpidenError: the only picture failed, the model can't be loaded, or the log not be written.
    """
    with logging_to(log) as add:
        for outcome in plan.left:
            add(outcome)
        if not plan.jobs:
            return Done(plan.left, 0.0)
        alone = len(plan.jobs) + len(plan.left) == 1
        processes = min(machine.processes, len(plan.jobs))
        share = threads_of_each(processes, machine.threads)
        work = machine.open_work(share, alone)
        work = replace(work, settings=replace(work.settings, processes=processes))
        began = time.monotonic()
        if alone:
            outcomes = [_denoise_one(work, plan.jobs[0], add)]
            return Done(outcomes, time.monotonic() - began)
        outcomes, ended = _denoise_all(work, plan.jobs, processes, share, add)
        seconds = time.monotonic() - began
    return Done([*outcomes, *plan.left], seconds, ended)


def threads_of_each(processes: int, threads: int | None) -> int | None:
    """Return how many threads a process may run; None for all cores."""
    if processes == 1:
        return threads
    from spiden_cli.core.tasks.workers import threads_for_each

    return threads_for_each(processes, threads)


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
    work: Work, jobs: "Sequence[Files]", processes: int, share: int | None, log: Log
) -> tuple[list[Outcome], int | None]:
    """Denoise many pictures; one that fails does not stop the others.

    The first Ctrl-C lets the pictures that were begun be finished.

    Args:
        work: denoises one.
        jobs: what to read and write.
        processes: how many pictures are denoised at once.
        share: the threads of each process.
        log: told of each picture, at once.

    Returns:
        What became of each, in order, and the signal that ended the run early, if one did.
    """
    outcomes: dict[Files, Outcome] = {}
    received: list[int] = []
    sayings = Sayings()
    try:
        with stopping() as received, picturing(len(jobs)) as bar:
            for told in _each(work, jobs, processes, share, bar, received):
                bar.end()
                outcomes[told.outcome.files] = told.outcome
                log(told.outcome)
                sayings.tell(told)
    except KeyboardInterrupt:
        received = received or [signal.SIGINT]
    except SystemExit:
        if not received:
            raise
    sayings.tell_of_more()
    complete = [outcomes.get(files, Outcome(files, "not done")) for files in jobs]
    return complete, received[0] if received else None


def _each(
    work: Work, jobs: "Sequence[Files]", processes: int, share: int | None,
    bar: PictureBar, received: Sequence[int],
) -> Iterator[Told]:  # fmt: skip
    """Denoise picture by picture, until there is a signal."""
    told_of_stop = False

    def stopped() -> bool:
        nonlocal told_of_stop
        if received and not told_of_stop:
            told_of_stop = True
            note("finishing what was begun; Ctrl-C again ends it at once")
        return bool(received)

    if processes > 1:
        from spiden_cli.core.tasks.workers import in_processes

        for files, answer in in_processes(work, jobs, processes, share or 1, stopped):
            bar.begin(files.source.name)
            if isinstance(answer, SpidenError):
                answer = Told(Outcome(files, "failed", error=_named(files, answer)), (), ())
            yield answer
        return

    def on_tile(done: int, of: int) -> None:
        stopped()
        bar.part(done, of)

    for files in jobs:
        if stopped():
            return
        bar.begin(files.source.name)
        yield work(files, on_tile)


def _denoised(files: "Files", report: DenoiseReport | StackReport, notes: Sequence[str]) -> Outcome:
    return Outcome(files, "denoised", report, incomplete=INCOMPLETE in notes)


def _named(files: "Files", error: SpidenError) -> SpidenError:
    """Return an error that says of which picture it is."""
    said = str(error)
    return error if files.source.name in said else type(error)(f"{files.source.name}: {said}")


class Sayings:
    """Tells what is to be told of pictures; what it told before comes once more, with a count."""

    def __init__(self) -> None:
        self._times: Counter[tuple[Say, str]] = Counter()

    def tell(self, told: Told) -> None:
        """Tell of a picture."""
        name = told.outcome.files.source.name
        for say, sentences in ((note, told.notes), (warn, told.warnings)):
            for sentence in sentences:
                self._times[say, sentence] += 1
                if self._times[say, sentence] == 1:
                    say(f"{name}: {sentence}")

    def tell_of_more(self) -> None:
        """Tell of how many more pictures the same was to be told."""
        for (say, sentence), times in self._times.items():
            if times > 1:
                more = "1 more picture" if times == 2 else f"{times - 1} more pictures"
                say(f"{more}: {sentence}")
