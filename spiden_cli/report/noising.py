"""What `spiden noise` did, as a table or as a record."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table

from spiden_cli.report.console import data

if TYPE_CHECKING:
    from spiden_cli.core.noise.camera import Cameras
    from spiden_cli.core.noise.model import Gaussian, PoissonGaussian
    from spiden_cli.core.tasks.noising import Noised


@dataclass(frozen=True)
class NoiseReport:
    """One picture, and the noise that was put on it.

    Attributes:
        source: the clean picture.
        output: the noisy one.
        kind: of noise.
        seed: of its randomness, the choice of the camera included.
        level: root mean square of what was added, in 8-bit units.
        settings: of the noise: those of the camera, or the level of white noise.
    """

    source: Path
    output: Path
    kind: str
    seed: int
    level: float
    settings: dict[str, Any]

    @classmethod
    def of(
        cls, source: Path, output: Path, kind: str, seed: int,
        noise: "Gaussian | PoissonGaussian | Cameras", noised: "Noised",
    ) -> "NoiseReport":  # fmt: skip
        """Take the numbers from what the core returned."""
        settings = {
            name: value[0].tolist() if hasattr(value, "tolist") else value
            for name, value in vars(noise).items()
        }
        for unused in ("lens_blur", "scale"):  # a camera's, which leaves the picture in its place
            settings.pop(unused, None)
        return cls(source, output, kind, seed, noised.level, settings)

    def as_json(self) -> dict[str, Any]:
        """Return the record that `--json` prints."""
        return {**asdict(self), "source": str(self.source), "output": str(self.output)}


def print_noise(report: NoiseReport) -> None:
    """Print what was added, in a few lines."""
    sheet = Table.grid(padding=(0, 2))
    sheet.add_column(style="bold")
    sheet.add_column(overflow="fold")
    sheet.add_row("noise", f"{report.kind}, {report.level:.2f} of 255 levels rms")
    for name, value in _words(report.settings) if report.kind == "camera" else ():
        sheet.add_row(name, value)
    sheet.add_row("seed", str(report.seed))
    sheet.add_row("written to", str(report.output))
    data.print(sheet)


def _words(camera: dict[str, Any]) -> list[tuple[str, str]]:
    shot, read = camera["shot"], camera["read"] ** 0.5
    quality, subsampling = camera["quality"], {0: "4:4:4", 2: "4:2:0"}[camera["subsampling"]]
    return [
        ("sensor", f"{1 / shot:.0f} electrons at white, {read / shot:.1f} of read noise"),
        ("demosaicing", "Malvar" if camera["malvar"] else "bilinear"),
        ("noise reduction", f"{camera['luma_share']:.0%} of luma, {camera['chroma_share']:.0%} "
                            "of chroma"),
        ("sharpening", f"{camera['sharpening']:.0%}"),
        ("JPEG", f"quality {quality}, {subsampling}" if quality else "none"),
    ]  # fmt: skip
