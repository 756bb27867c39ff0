"""What is done to one picture, whoever does it: this process, one beside it, or another machine."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from spiden_cli.commands.telling import Say, Told
from spiden_cli.core.files.lenience import INCOMPLETE  # noqa: TID253 - imports nothing
from spiden_cli.core.urls import is_remote  # noqa: TID253 - imports nothing
from spiden_cli.errors import TOO_LITTLE_MEMORY, InputError, SpidenError, is_out_of_memory
from spiden_cli.report.batch import Outcome
from spiden_cli.report.comparison import draw_comparison, show_denoised
from spiden_cli.report.denoising import DenoiseReport
from spiden_cli.report.stacks import StackReport

if TYPE_CHECKING:
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
            return Told(Outcome(files, "failed", error=named(files, error)), tuple(notes), ())
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            failure = named(files, SpidenError(TOO_LITTLE_MEMORY))
            return Told(Outcome(files, "failed", error=failure), tuple(notes), ())
        return Told(outcome_of(files, report, notes), tuple(notes), report.notes)

    def denoise(
        self, files: "Files", on_note: Say, on_tile: "OnTile" = lambda done, of: None
    ) -> DenoiseReport | StackReport:
        """Denoise a picture or a stack, and draw what was done if that is asked for.

        Raises:
            SpidenError: it can't be read, denoised or written.
        """
        if is_on_storage(files):
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


def is_on_storage(files: "Files") -> bool:
    """Return whether a picture is read from storage, or written there."""
    return is_remote(files.source) or is_remote(files.target)


def outcome_of(
    files: "Files", report: DenoiseReport | StackReport, notes: Sequence[str]
) -> Outcome:
    """Return what became of a picture that was denoised, though perhaps not all of it."""
    return Outcome(files, "denoised", report, incomplete=INCOMPLETE in notes)


def named(files: "Files", error: SpidenError) -> SpidenError:
    """Return an error that says of which picture it is."""
    said = str(error)
    return error if files.source.name in said else type(error)(f"{files.source.name}: {said}")
