"""`spiden denoise --watch`: what appears in a folder is denoised, until Ctrl-C."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from spiden_cli.commands.crews import Machine
from spiden_cli.commands.denoise_files import Asked, marks, plan
from spiden_cli.commands.stopping import stopping
from spiden_cli.commands.telling import Sayings, Told
from spiden_cli.commands.work import Work
from spiden_cli.core.urls import is_remote, shown_path, url_of  # noqa: TID253 - imports nothing
from spiden_cli.errors import InputError, SpidenError
from spiden_cli.report.batch import Outcome, Totals, logging_to
from spiden_cli.report.console import fail, note, print_json_line

if TYPE_CHECKING:
    from spiden_cli.core.files.arrivals import Arrivals
    from spiden_cli.core.files.finding import Source

LOOK_EVERY = 0.5  # seconds


def refuse_beside_watch(
    pictures: Sequence[str], output: str | None, flags: Mapping[str, bool]
) -> None:
    """Refuse what goes not together with a folder that is watched.

    Args:
        pictures: that were named.
        output: as it was given.
        flags: other options, and whether each was given.

    Raises:
        InputError: there is such an option.
    """
    beside = {
        "pictures": bool(pictures),
        "--output -": output == "-",
        **flags,
    }
    for name, given in beside.items():
        if given:
            raise InputError(f"--watch takes pictures as they appear: leave out {name}")


def watch_folder(folder: Path, asked: Asked, machine: Machine, as_json: bool) -> None:
    """Denoise what is in a folder and what appears there, each picture once it is whole.

    A picture whose output is there is left out, unless files are to be replaced.

    Args:
        folder: to look into.
        asked: how files are called.
        machine: loads the model.
        as_json: print a record of each picture, on a line.

    Raises:
        InputError: there is no such folder, or it isn't of this machine.
        typer.Exit: pictures failed.
    """
    from spiden_cli.core.files.arrivals import Arrivals

    if is_remote(folder):
        raise InputError(
            f"{url_of(folder)}: only a folder of this machine, named without ://, can be watched; "
            "without --watch, --skip-existing does what is new"
        )
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder to watch")
    arrivals = Arrivals(folder, asked.recursive, asked.naming.folder)
    asked = replace(asked, skip_existing=not asked.overwrite)
    began, code = time.monotonic(), 0
    totals, sayings = Totals(), Sayings()
    with logging_to(asked.log) as log, stopping() as received:
        work = machine.open_work(machine.threads, False)
        note(f"watching {folder}; Ctrl-C ends it")
        try:
            while not received:
                for outcome in _arrived(arrivals, asked, work, sayings, received):
                    totals.add(outcome)
                    log(outcome)
                    _tell(outcome, as_json)
                    code = code or getattr(outcome.error, "exit_code", 0)
                time.sleep(LOOK_EVERY)
        except KeyboardInterrupt:
            pass
    sayings.tell_of_more()
    for path in arrivals.waited_for():
        note(f"{path.name} couldn't be read as yet, and was still waited for")
    note(f"watched {folder}: {totals.line(time.monotonic() - began, with_speed=False)}")
    if code:
        raise typer.Exit(code)


def _arrived(
    arrivals: "Arrivals", asked: Asked, work: Work, sayings: Sayings, received: Sequence[int]
) -> Iterator[Outcome]:
    """Denoise what has arrived."""
    from spiden_cli.core.files.outputs import is_result

    for source in arrivals.look():
        if received:
            return
        if is_result(source, marks=marks()):
            arrivals.take(source.path)
            continue
        outcome = _one(source, asked, work, sayings)
        if isinstance(outcome.error, InputError) and arrivals.put_back(source.path):
            continue
        arrivals.take(source.path)
        if outcome.status != "skipped":
            yield outcome


def _one(source: "Source", asked: Asked, work: Work, sayings: Sayings) -> Outcome:
    from spiden_cli.core.tasks.settings import Files

    try:
        planned = plan([source], asked)
    except SpidenError as error:
        return Outcome(Files(source.path, asked.naming.target(source)), "failed", error=error)
    if planned.left:
        return planned.left[0]
    files = planned.jobs[0]
    answer: Told | SpidenError
    if is_remote(files.target):
        from spiden_cli.cluster.fetching import Fetching

        answer = Fetching(work, asked.overwrite)(files)
    else:
        answer = work(files)
    if isinstance(answer, SpidenError):
        return Outcome(files, "failed", error=answer)
    sayings.tell(answer)
    return answer.outcome


def _tell(outcome: Outcome, as_json: bool) -> None:
    if as_json:
        print_json_line(outcome.as_json())
    if outcome.error is not None:
        fail(str(outcome.error))
    elif outcome.report is not None:
        files, seconds = outcome.files, outcome.report.seconds
        note(f"{files.source.name} -> {shown_path(files.target)} ({seconds:.2f} s)")
