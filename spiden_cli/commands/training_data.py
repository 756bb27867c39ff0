"""What `train` learns from: pictures to which noise is added, noisy and clean ones, or frames."""

from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

# It imports nothing that takes time.
from spiden_cli.core.training.config import TrainingConfig  # noqa: TID253
from spiden_cli.errors import InputError

if TYPE_CHECKING:
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

    def read(self, channels: int, data_dir: Path | None) -> "TrainingImages":
        """Find and read the images.

        Raises:
            InputError: a file can't be read.
            DatasetError: a folder or set isn't there, or can't be trained on.
        """
        return self._clean(channels, data_dir) if self.data else self._observed(channels)

    def find(self, data_dir: Path | None) -> None:
        """See that folders and sets are there; download what is missing.

        Raises:
            DatasetError: one isn't.
        """
        from spiden_cli.core.data.datasets import find_dataset, find_pairs
        from spiden_cli.report.progress import downloading

        if self.pairs is not None:
            find_pairs(*self.pairs)
        for path in self.frames:
            if not path.exists():
                raise InputError(f"{path}: no such file or folder")
        with downloading() if self.data else nullcontext() as on_progress:
            for name in (*self.data, *([self.val] if self.val is not None else [])):
                find_dataset(name, data_dir, on_progress)

    def _clean(self, channels: int, data_dir: Path | None) -> "TrainingImages":
        from spiden_cli.core.data.datasets import find_dataset
        from spiden_cli.core.data.training_images import read_training_images
        from spiden_cli.report.progress import counting

        sets = [find_dataset(name, data_dir) for name in self.data]
        held = None if self.val is None else find_dataset(self.val, data_dir)
        with counting("reading images", sum(len(found.paths) for found in sets)) as on_image:
            return read_training_images(sets, held, channels, on_image)

    def _observed(self, channels: int) -> "TrainingImages":
        from spiden_cli.core.data.datasets import Dataset, find_pairs
        from spiden_cli.core.data.training_images import refuse_test_images
        from spiden_cli.core.files.finding import pictures_in
        from spiden_cli.core.training.frames import consecutive_frames, pairs_of_files
        from spiden_cli.core.training.observations import observed_images
        from spiden_cli.report.progress import counting

        if self.pairs is not None:
            found = find_pairs(*self.pairs)
            observations = pairs_of_files(found.noisy, found.paths, self.axes)
        else:
            files = [
                file
                for path in self.frames
                for file in (pictures_in(path) if path.is_dir() else [path])
            ]
            found = Dataset("frames", tuple(files))
            observations = consecutive_frames(self.frames, self.axes)
        refuse_test_images([found])
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
        if _given(context, option):
            raise InputError(f"--{option} is of noise that is added: these images have theirs")
    suited = {
        setting: value
        for option, (setting, value) in FINE_TUNING.items()
        if not _given(context, option)
    }
    sigma = MEASURED_LEVELS if init is None else read_info(init).sigma
    freeze = config.freeze_norm or init is not None
    return replace(config, noise=noise, sigma=sigma, freeze_norm=freeze, **suited)


def _given(context: typer.Context, option: str) -> bool:
    source = context.get_parameter_source(option)
    return source is not None and source.name == "COMMANDLINE"


def shipped_start(preset: str, spiking: bool) -> Path | None:
    """Return the shipped weights of a preset; None where none ship."""
    from spiden_cli.core.bundled import find_weights, model_names

    name = preset if spiking else f"{preset}-cnn"
    return find_weights(name) if name in model_names() else None
