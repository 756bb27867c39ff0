"""The folder of a run: its checkpoint to go on from, its weights to use, its log to look at."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from spiden_cli.core.atomic import check_replaceable, making_folder, where_made
from spiden_cli.core.preflight import check_appended
from spiden_cli.core.strict_json import dumps
from spiden_cli.core.temporary import clear_leftovers
from spiden_cli.core.training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from spiden_cli.core.training.progress import Progress
from spiden_cli.core.training.record import RunRecord
from spiden_cli.core.training.state import TrainingState
from spiden_cli.core.training.validation import Validation
from spiden_cli.core.weights import WeightsInfo, save_weights
from spiden_cli.errors import InputError, OutputError, TrainingError

CHECKPOINT, WEIGHTS, LOG = "checkpoint.safetensors", "weights.safetensors", "log.jsonl"
LOCK = ".lock"
LOG_BEGINNING = b'{"step": '


class RunFolder:
    """Where a run is kept. Of several processes that train, one has the folder: who holds its lock.

    The system takes the lock from a process that ends, even if it was killed.

    Args:
        path: the folder; `claimed` makes it, nothing else does.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.checkpoint, self.weights, self.log = path / CHECKPOINT, path / WEIGHTS, path / LOG
        self.files = self.checkpoint, self.weights, self.log

    def check_free(self) -> None:
        """Refuse a folder in which a new run can't be kept, before any work is done.

        Raises:
            InputError: it holds a run.
            TrainingError: another process is training in it.
            OutputError: it can't be made or written to.
        """
        if self.checkpoint.exists():
            raise InputError(f"{self.path} holds a run: --resume it, or choose another --output")
        there = where_made(self.path)
        if not os.access(there, os.W_OK | os.X_OK):
            raise OutputError(f"can't write to the folder {there}: choose another --output")
        self.check_idle()

    def check_idle(self) -> None:
        """Refuse a folder in which another process is training, before any work is done.

        Raises:
            TrainingError: one is.
            OutputError: the folder can't be written to, or something else has a name of its files.
        """
        self._check_files()
        if os.path.lexists(self._lock_file):
            with self._lock():
                pass

    @contextmanager
    def claimed(self, step: int) -> Iterator[None]:
        """Have the folder for this process alone; make it, if need be.

        Args:
            step: of the run that goes on here, which must be that of the checkpoint; 0 for a new
                run, which takes a folder without one.

        Raises:
            TrainingError: another process is training in it, or has done so since the run was
                begun or read.
            OutputError: it can't be made or written to, or something else has a name of its files.
        """
        with making_folder(self.path), self._lock():
            self._check_files()
            clear_leftovers(self.path)
            self._end_log()
            there = self.load(with_tensors=False).step if self.checkpoint.exists() else 0
            if there != step:
                raise TrainingError(
                    f"another process has trained in {self.path} meanwhile: --resume once more, "
                    "or choose another --output"
                )
            yield

    def _check_files(self) -> None:
        """Refuse links, pipes and folders in place of the run's files, and a log of another's."""
        for path in self.files:
            check_replaceable(path)
        if self.log.exists():
            check_appended(self.log, (), "--output", LOG_BEGINNING)

    def _end_log(self) -> None:
        """Take away a last line of the log that a kill has cut off."""
        try:
            log = self.log.read_bytes() if self.log.exists() else b""
            if not log.endswith(b"\n") and log:
                os.truncate(self.log, log.rfind(b"\n") + 1)
        except OSError as error:
            raise OutputError(f"can't write {self.log}: {error.strerror}") from error

    def _check_lock(self) -> None:
        """Refuse to lock what is no lock of ours: filelock before 4 empties the file that it locks.

        Raises:
            OutputError: it is a link, no regular file, or holds something.
        """
        check_replaceable(self._lock_file)
        if self._lock_file.exists() and self._lock_file.stat().st_size:
            raise OutputError(
                f"can't lock {self._lock_file}: it holds something, so it isn't spiden's; move it "
                "away, or choose another --output"
            )

    @property
    def _lock_file(self) -> Path:
        return self.path / LOCK

    @contextmanager
    def _lock(self) -> Iterator[None]:
        self._check_lock()
        lock = FileLock(self._lock_file, timeout=0)
        try:
            lock.acquire()
        except Timeout:
            raise TrainingError(
                f"another process is training in {self.path}: wait for it, or choose another "
                "--output"
            ) from None
        except OSError as error:
            raise OutputError(f"can't write to {self.path}: {error.strerror}") from error
        try:
            yield
        finally:
            lock.release()

    def load(self, with_tensors: bool = True) -> Checkpoint:
        """Read the checkpoint; without its tensors, if only the run's record is wanted.

        Raises:
            TrainingError: it is missing, damaged or of an unknown version.
        """
        return load_checkpoint(self.checkpoint, with_tensors)

    def save_checkpoint(self, record: RunRecord, state: TrainingState) -> None:
        """Write the checkpoint, whole or not at all.

        Raises:
            OutputError: it can't be written.
        """
        checkpoint = Checkpoint(record, state.step, state.seconds, state.tensors())
        save_checkpoint(self.checkpoint, checkpoint)

    def save_weights(self, record: RunRecord, state: TrainingState, validation: Validation) -> None:
        """Write the moving average of the weights, whole or not at all.

        Raises:
            OutputError: they can't be written.
        """
        notes = dict(record.notes)
        info = WeightsInfo(
            config=record.network,
            preset=notes.pop("preset", "custom"),
            timesteps=record.config.timesteps,
            noise=record.config.noise,
            sigma=record.config.sigma,
            validation_psnr=validation.psnr,
            firing_rate=validation.mean_firing_rate if record.network.spiking else None,
            training={
                **notes,
                "method": record.config.method,
                "steps": str(state.step),
                "seconds": f"{state.seconds:.0f}",
                "device": state.generator.device.type,
            },
        )
        save_weights(self.weights, state.averaged, info)

    def append_log(self, progress: Progress) -> None:
        """Add a line to the log: a JSON object.

        Raises:
            OutputError: it can't be written.
        """
        assert progress.validation is not None
        rates = progress.validation.firing_rates
        line = dumps(
            {
                "step": progress.step,
                "seconds": round(progress.seconds, 1),
                "loss": round(progress.loss, 6),
                "learning_rate": progress.learning_rate,
                "firing_rate": round(progress.firing_rate, 5),
                "images_per_second": round(progress.images_per_second, 2),
                # null, where an image came back as it was: an infinite PSNR
                "psnr": {at: round(value, 4) for at, value in progress.validation.psnr.items()},
                "firing_rates": {name: round(rate, 5) for name, rate in rates.items()},
            }
        )
        try:
            with self.log.open("a", encoding="utf-8") as log:
                log.write(line + "\n")
        except OSError as error:
            raise OutputError(f"can't write {self.log}: {error.strerror}") from error
