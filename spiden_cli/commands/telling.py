"""What became of pictures, and what the user is told of each: once, and then how often."""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from spiden_cli.core.urls import is_remote  # noqa: TID253 - imports nothing
from spiden_cli.report.batch import Log, Outcome
from spiden_cli.report.console import note, warn

if TYPE_CHECKING:
    from spiden_cli.core.tasks.settings import Files

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

    def of(self, files: "Files") -> "Told":
        """Return the same, told of the files as this process calls them."""
        return self._replace(outcome=self.outcome.of(files))


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


def at_the_end_of(files: "Files", began: float, log: Log) -> Outcome:
    """Return what became of a picture that nobody could tell of: all was ended at once.

    It may have been written a moment before, and then is said to be, though without numbers.

    Args:
        files: what was to be read and written.
        began: when the work on all pictures did, in seconds since 1970.
        log: told of a picture that was written.
    """
    target = files.target
    with suppress(OSError):
        if not is_remote(target) and target.lstat().st_mtime >= began:
            log(outcome := Outcome(files, "denoised"))
            return outcome
    return Outcome(files, "not done")
