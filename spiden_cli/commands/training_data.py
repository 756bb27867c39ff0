"""What `train` learns from: pictures to which noise is added, noisy and clean ones, or frames."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from spiden_cli.commands.options import was_given

# It imports nothing that takes time.
from spiden_cli.core.training.config import TrainingConfig  # noqa: TID253
from spiden_cli.errors import InputError

if TYPE_CHECKING:
    from spiden_cli.core.data.datasets import Dataset
    from spiden_cli.core.data.training_images import TrainingImages

FINE_TUNING: dict[str, tuple[str, Any]] = {
    "steps": ("steps", 400),
    "batch_size": ("batch_size", 8),
    "lr": ("learning_rate", 5e-4),
    "warmup": ("warmup", 20),
    "optimiser": ("optimiser", "muon"),
    "loss": ("loss", "psnr"),
    "ema": ("ema", 0.98),
    "validate_every": ("validate_every", 100),
}
"""By option, the setting and its default in a run on one's own observations."""

MEASURED_LEVELS = (0.0, 55.0)
"""What levels may lie between where the weights don't start from any that say it."""

_NEEDED = (
    "say what to learn from: --data FOLDER of clean pictures, --pairs NOISY CLEAN, two folders, "
    "or --noise2noise STACK of frames of one scene"
)


@dataclass(frozen=True)
class Source:
    """Where the training images come from: one of three ways.

    Attributes:
        data: folders or names of sets of clean pictures.
        val: the same of pictures to hold out.
        pairs: a folder of noisy pictures, and one of clean ones of the same names.
        frames: stacks of frames, or folders of them.
        axes: of the stacks.
    """

    data: list[str]
    val: str | None
    pairs: tuple[Path, Path] | None
    frames: list[Path]
    axes: str | None

    def check(self) -> None:
        """Refuse none, or several.

        Raises:
            InputError: the message names the options.
        """
        ways = {"--data": self.data, "--pairs": self.pairs, "--noise2noise": self.frames}
        given = [name for name, value in ways.items() if value]
        if not given:
            raise InputError(_NEEDED)
        if len(given) > 1:
            raise InputError(f"{' and '.join(given)} don't go together: choose one")
        if self.val is not None and not self.data:
            raise InputError(f"--val goes with --data: {given[0]} holds out a part of its own")
        if self.axes is not None and self.data:
            raise InputError("--axes goes with --pairs and --noise2noise, whose stacks have axes")

    @property
    def noise(self) -> str | None:
        """Kind of noise, of `TrainingConfig.noise`; None where it is added."""
        if self.pairs is not None:
            return "pairs"
        return "frames" if self.frames else None

    @property
    def names(self) -> list[str]:
        """Of the folders or sets, for the notes of the run."""
        return self.data or [str(path) for path in (self.pairs or self.frames)]

    def find(self, data_dir: Path | None) -> "list[Dataset]":
        """Return the sets to learn from, the one to hold out last; download what is missing.

        Raises:
            InputError: a file or folder isn't there.
            DatasetError: a folder or set isn't there, or is none.
        """
        from spiden_cli.core.data.datasets import Dataset, find_dataset, find_pairs
        from spiden_cli.core.training.frames import files_of
        from spiden_cli.report.progress import downloading

        if self.pairs is not None:
            return [find_pairs(*self.pairs)]
        if self.frames:
            return [Dataset("frames", tuple(files_of(self.frames)))]
        names = self.data if self.val is None else [*self.data, self.val]
        with downloading() as on_progress:
            return [find_dataset(name, data_dir, on_progress) for name in names]

    def read(self, found: "list[Dataset]", channels: int) -> "TrainingImages":
        """Read the images.

        Args:
            found: what `find` returned.
            channels: of the network, 1 or 3.

        Raises:
            InputError: a file can't be read.
            DatasetError: a set can't be trained on.
        """
        return self._clean(found, channels) if self.data else self._observed(found[0], channels)

    def _clean(self, found: "list[Dataset]", channels: int) -> "TrainingImages":
        from spiden_cli.core.data.training_images import read_training_images
        from spiden_cli.report.progress import counting

        sets = found[: len(self.data)]
        held = None if self.val is None else found[-1]
        with counting("reading images", sum(len(one.paths) for one in sets)) as on_image:
            return read_training_images(sets, held, channels, on_image)

    def _observed(self, found: "Dataset", channels: int) -> "TrainingImages":
        from spiden_cli.core.data.training_images import refuse_test_images
        from spiden_cli.core.training.frames import consecutive_frames, pairs_of_files
        from spiden_cli.core.training.observations import observed_images
        from spiden_cli.report.progress import counting

        refuse_test_images([found])
        observations = (
            pairs_of_files(found.noisy, found.paths, self.axes)
            if self.pairs is not None
            else consecutive_frames(self.frames, self.axes)
        )
        with counting("reading images and finding their noise") as on_image:
            return observed_images(observations, channels, on_image)


def of_observations(
    context: typer.Context, config: TrainingConfig, noise: str, init: Path | None
) -> TrainingConfig:
    """Return the settings of a run on observations: what the user didn't give suits such a run.

    Args:
        context: says what was given.
        config: the settings as given, with the defaults of other runs.
        noise: "pairs" or "frames".
        init: weights to start from, whose range of levels stays that of the result.

    Raises:
        InputError: an option says which noise to add, and none is added.
        WeightsError: the weights can't be read.
    """
    from spiden_cli.core.weights import read_info

    for option in ("noise", "sigma"):
        if was_given(context, option):
            raise InputError(f"--{option} is of noise that is added: these images have theirs")
    suited = {
        setting: value
        for option, (setting, value) in FINE_TUNING.items()
        if not was_given(context, option)
    }
    sigma = MEASURED_LEVELS if init is None else read_info(init).sigma
    freeze = config.freeze_norm or init is not None
    return replace(config, noise=noise, sigma=sigma, freeze_norm=freeze, **suited)


def shipped_start(preset: str, spiking: bool) -> Path | None:
    """Return the shipped weights of a preset; None where none ship."""
    from spiden_cli.core.bundled import find_weights, model_names

    name = preset if spiking else f"{preset}-cnn"
    return find_weights(name) if name in model_names() else None
