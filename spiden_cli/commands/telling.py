"""What became of pictures, and what the user is told of each: once, and then how often."""

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from spiden_cli.report.batch import Outcome
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
