"""Which files `spiden denoise` reads and writes: chosen, and checked, before any work is done."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from spiden_cli.core.urls import (  # noqa: TID253 - imports nothing
    as_local,
    is_remote,
    is_url,
    url_of,
)
from spiden_cli.errors import InputError
from spiden_cli.report.batch import LOG_BEGINNING, Outcome, Status
from spiden_cli.report.comparison import MARK as COMPARED
from spiden_cli.report.comparison import plan_comparisons
from spiden_cli.report.console import note

if TYPE_CHECKING:
    from spiden_cli.core.files.finding import Source
    from spiden_cli.core.files.outputs import Naming
    from spiden_cli.core.tasks.settings import Files


@dataclass(frozen=True)
class Asked:
    """What was asked for of the files.

    Attributes:
        naming: how the files of results are called.
        recursive: look into subfolders.
        overwrite: replace files that are there.
        skip_existing: leave out pictures whose file is there.
        reference: the clean picture, or a folder of them.
        mask: says where to denoise: a picture, or a folder of them.
        compare: where comparisons go: a file or a folder.
        log: where a record of each picture is added.
        also_read: other files that are read.
        quality: of the compression, to be checked.
        part: only a part of each picture is written.
        shown: what the user calls a picture, where that isn't its file.
    """

    naming: "Naming"
    recursive: bool = False
    overwrite: bool = False
    skip_existing: bool = False
    reference: Path | None = None
    mask: Path | None = None
    compare: str | None = None
    log: Path | None = None
    also_read: Sequence[Path] = ()
    quality: int | None = None
    part: bool = False
    shown: Mapping[Path, Path] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """What is to be done.

    Attributes:
        jobs: what to read and write, picture by picture.
        left: outcomes of pictures that are left out, because their file is there: as was asked for,
            or else as a failure of theirs, which is no reason not to do the others.
    """

    jobs: "list[Files]"
    left: list[Outcome]

    def outcomes(self, status: Status) -> list[Outcome]:
        """Return an outcome for each picture: those left out, and a status for the others."""
        return [*(Outcome(files, status) for files in self.jobs), *self.left]


def naming_for(
    output: str | None, format: str | None, pattern: str | None, part: bool = False
) -> "Naming":
    """Return how files are called, from the options as they were written.

    Raises:
        InputError: an option can't be used, or two of them not together.
        OutputError: the output is of a format that can't be written.
    """
    from spiden_cli.core.files.outputs import (
        MARK,
        REGION_MARK,
        Naming,
        names_a_folder,
        suffix_of_format,
    )

    suffix = None if format is None else suffix_of_format(format)
    mark = REGION_MARK if part else MARK
    if output is None:
        return Naming(suffix=suffix, pattern=pattern, mark=mark)
    return Naming(Path(output), names_a_folder(output), suffix, pattern, mark)


def marks() -> tuple[str, ...]:
    """Return the ends of the names of files that spiden makes."""
    from spiden_cli.core.files.outputs import MARK, REGION_MARK

    return MARK, REGION_MARK, COMPARED


def find(pictures: Sequence[str], asked: Asked) -> "list[Source]":
    """Find the pictures, and pass over what earlier calls made of them.

    Raises:
        InputError: there are none.
    """
    from spiden_cli.core.files.finding import find_sources
    from spiden_cli.core.files.outputs import without_results

    naming = asked.naming
    urls = [name for name in pictures if is_url(name)]
    names = [as_local(name) for name in pictures if name not in urls]
    found = find_sources(names, asked.recursive, leave_out=naming.folder) if names else []
    if urls:
        from spiden_cli.cluster.storage import find_urls

        folder = naming.folder
        out = folder if folder is not None and is_remote(folder) else None
        found += find_urls(urls, asked.recursive, out)
    sources = without_results(found, naming, marks())
    if count := len(found) - len(sources):
        what = "1 picture" if count == 1 else f"{count} pictures"
        note(f"passed over {what} that spiden made: to denoise one again, name it alone")
    return sources


def plan(sources: "Sequence[Source]", asked: Asked) -> Plan:
    """Choose what is written, and check that it can be, before any work is done.

    Raises:
        InputError: an output would replace an input, or two outputs would be one file.
        OutputError: an output is there already, or can't be written.
    """
    from spiden_cli.core.files.outputs import check_parts, plan_outputs
    from spiden_cli.core.files.picture_files import check_quality
    from spiden_cli.core.tasks.settings import Files

    targets = plan_outputs(sources, asked.naming)
    if asked.part:
        check_parts(targets)
    drawings = _drawings(sources, asked)
    jobs = []
    for source in sources:
        path = source.path
        reference, mask = (_same_name(given, source) for given in (asked.reference, asked.mask))
        jobs.append(
            Files(path, targets[path], reference, drawings.get(path), mask, asked.shown.get(path))
        )
    for job in jobs:
        check_quality(job.target, asked.quality)
    on_storage = _on_storage(jobs, asked)
    left = _left_out([source.path for source in sources], jobs, asked, on_storage)
    missing = [job for job in jobs if job not in left]
    if asked.skip_existing:
        missing = [_without_old_drawing(job) for job in missing]
    _check_storage([source.path for source in sources], missing, asked, on_storage)
    _check([source.path for source in sources], missing, asked)
    return Plan(missing, list(left.values()))


def _left_out(
    sources: "Sequence[Path]", jobs: "Sequence[Files]", asked: Asked, on_storage: set[Path]
) -> "dict[Files, Outcome]":
    """Return what becomes of the pictures whose file is there; a single one is refused later on."""
    from spiden_cli.core.preflight import identity, refusal_to_replace

    if asked.overwrite:
        return {}
    if asked.skip_existing:
        there = [job for job in jobs if job.target in on_storage or _is_there(job.target)]
        return {job: Outcome(job, "skipped") for job in there}
    if len(jobs) == 1:
        return {}
    inputs = {identity(path) for path in sources}
    left = {}
    for job in jobs:
        paths = [path for path in (job.target, job.drawing) if path is not None]
        found = [path for path in paths if path in on_storage or _is_there(path)]
        if found and not any(identity(path) in inputs for path in found):
            left[job] = Outcome(job, "exists", error=refusal_to_replace(found[:1], skippable=True))
    return left


def _without_old_drawing(job: "Files") -> "Files":
    if job.drawing is not None and _is_there(job.drawing):
        return replace(job, drawing=None)
    return job


def _check(sources: list[Path], jobs: "list[Files]", asked: Asked) -> None:
    from spiden_cli.core.preflight import check_appended, check_writes

    also_read = [*asked.also_read, *(file for job in jobs for file in (job.reference, job.mask))]
    sources = [source for source in sources if not is_remote(source)]
    targets = [job.target for job in jobs if not is_remote(job.target)]
    drawings = [job.drawing for job in jobs if job.drawing is not None]
    made = set() if asked.naming.folder is None else {target.parent for target in targets}
    if len(drawings) > 1 or _is_folder(asked.compare):
        made |= {drawing.parent for drawing in drawings}
    option = "--output" if asked.naming.pattern is None else "--output-pattern"
    check_writes(
        [*sources, *also_read], [*targets, *drawings], folders=made,
        replacing={job.target: job.source for job in jobs}, overwrite=asked.overwrite,
        skippable=True, hint=f"choose another {option}{' or --compare' if drawings else ''}",
    )  # fmt: skip
    if asked.log is not None:
        others = [*sources, *also_read, *targets, *drawings]
        check_appended(asked.log, others, "--log", LOG_BEGINNING)


def _on_storage(jobs: "Sequence[Files]", asked: Asked) -> set[Path]:
    """Return the targets on storage where something is; not where all are replaced.

    Raises:
        OutputError: the storage can't be reached.
    """
    targets = [job.target for job in jobs if is_remote(job.target)]
    if not targets or asked.overwrite:
        return set()
    from spiden_cli.cluster.storage import existing

    return existing(targets)


def _check_storage(
    sources: Sequence[Path], jobs: "Sequence[Files]", asked: Asked, on_storage: set[Path]
) -> None:
    """Check that nothing on storage is replaced that should not be.

    Args:
        sources: all that is read.
        jobs: what to read and write.
        asked: what was asked for.
        on_storage: targets where something is.

    Raises:
        InputError: a file that is read would be replaced; or an option that takes files of this
            machine has a URL.
        OutputError: a file is there already.
    """
    from spiden_cli.core.preflight import refusal_to_replace

    given = {"--reference": asked.reference, "--mask": asked.mask, "--log": asked.log,
             "--compare": None if asked.compare is None else Path(asked.compare)}  # fmt: skip
    for option, path in given.items():
        if path is not None and is_remote(path):
            raise InputError(f"{option} takes a path of this machine, not {url_of(path)}")
    inputs = {source for source in sources if is_remote(source)}
    for job in jobs:
        if job.target in inputs and not (asked.overwrite and job.target == job.source):
            raise InputError(f"{url_of(job.target)} is an input: choose another --output")
    if existing := [job.target for job in jobs if job.target in on_storage]:
        raise refusal_to_replace(existing, skippable=True)


def _drawings(sources: "Sequence[Source]", asked: Asked) -> dict[Path, Path]:
    """Choose where comparisons go, in the folders that the results are in; nowhere if unwanted."""
    if asked.compare is None:
        return {}
    into = Path(asked.compare)
    if not _is_folder(asked.compare):
        return plan_comparisons([source.path for source in sources], into)
    planned: dict[Path, Path] = {}
    for below in dict.fromkeys(source.below for source in sources):
        inside = [source.path for source in sources if source.below == below]
        planned |= plan_comparisons(inside, into / below, is_folder=True)
    return planned


def _is_folder(text: str | None) -> bool:
    from spiden_cli.core.files.outputs import names_a_folder

    return text is not None and names_a_folder(text)


def _is_there(path: Path) -> bool:
    """Return whether there is something that is not replaced; a folder of that name is refused."""
    from spiden_cli.core.files.finding import is_stack_folder

    return path.is_symlink() or (path.exists() and not path.is_dir()) or is_stack_folder(path)


def _same_name(given: Path | None, source: "Source") -> Path | None:
    """Return the file that goes with a picture: the one given, or that of its name in a folder."""
    if given is None:
        return None
    return given / source.below / source.path.name if given.is_dir() else given
